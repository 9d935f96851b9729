//! A shard: one of several parts of a run, each in a process of its own.

use sha1::{Digest, Sha1};

use crate::model::run::Run;
use crate::model::shard::{Shard, Share};
use crate::run::Session;

/// One of so many shards; counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub index: u32,
    pub of: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

/// Makes a run's header that of a shard.
pub fn as_shard(header: &mut Run, place: Place) -> Shard {
    let target = &header.target;
    // A service that each shard starts for itself has a port of its own.
    let address = if target.service.is_some() { "" } else { target.base_url.as_str() };
    let plan = (&header.scenarios, address, &target.service, header.seed, place.of, &header.tool);
    // Plain data without maps of strange keys, which is all that JSON cannot hold.
    let plan = serde_json::to_vec(&plan).unwrap_or_default();
    let mut digest = [0; 8];
    digest.copy_from_slice(&Sha1::digest(&plan)[..8]);
    let shard = Shard { index: place.index, of: place.of, plan: digest.into() };
    header.shard = Some(Share::Shard(shard));
    shard
}

/// The number in the first scan's request, for all shards of a run alike: each scan has the number that it would have in the whole
/// run, so that no two ask for the same. No clock says it, since the shards start at different times.
pub fn shared_first_n(session: &Session, seed: u64) -> u64 {
    if session.clock.is_virtual() {
        return 0;
    }
    // Spread over 2^51, so that runs with other seeds have other numbers, and a double still holds them exactly.
    let digest = Sha1::digest(seed.to_be_bytes());
    digest.iter().take(8).fold(0, |number: u64, byte| number << 8 | u64::from(*byte)) >> 13
}
