//! Which part of a larger run a log is. The model's form also has the digest of the plan, which does not concern readers.

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::model::shard::Share;

/// Which part of a larger run this is; shards count from 0.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ShareRow {
    /// One shard.
    Shard {
        /// Which.
        index: u32,
        /// Of how many.
        of: u32,
    },
    /// Several, merged.
    Merged {
        /// How many there are in all.
        of: u32,
        /// Those that are in it.
        merged: Vec<u32>,
        /// Those that are not.
        missing: Vec<u32>,
    },
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
pub(super) fn write<S: Serializer>(share: &Option<Share>, serializer: S) -> Result<S::Ok, S::Error> {
    let row = share.as_ref().map(|share| match share {
        Share::Shard(shard) => ShareRow::Shard { index: shard.index, of: shard.of },
        Share::Merged(merged) => {
            ShareRow::Merged { of: merged.of, merged: merged.parts.iter().map(|part| part.index).collect(), missing: share.missing() }
        }
    });
    row.serialize(serializer)
}
