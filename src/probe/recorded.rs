//! What the log keeps of a reply.

use sha1::{Digest as _, Sha1};

use crate::model::digest::Digest;
use crate::model::exchange::{Kind, Purpose};
use crate::target::Reading;

/// A reading with what only some exchanges note beside it.
pub(crate) struct Recorded {
    pub(crate) reading: Reading,
    pub(crate) id: Option<String>,
    pub(crate) seen: Option<bool>,
    /// What the exchange is in the log, where its reply shows that it is something else than a poll.
    pub(crate) kind: Option<(Kind, Purpose)>,
    /// Which of several addresses was asked.
    pub(crate) asked_at: Option<String>,
}

impl Recorded {
    /// A reading with nothing beside it.
    pub(crate) fn of(reading: Reading) -> Recorded {
        Recorded { reading, id: None, seen: None, kind: None, asked_at: None }
    }
}

/// What is kept of a body to tell it from others.
pub(crate) fn digest(body: &[u8]) -> Digest {
    let mut first = [0; 8];
    // The digest has 20 bytes.
    first.copy_from_slice(&Sha1::digest(body)[..8]);
    first.into()
}

#[cfg(test)]
mod tests {
    use super::digest;

    #[test]
    fn a_digest_is_the_beginning_of_the_sha1_that_everybody_computes() {
        // sha1sum (GNU coreutils 9.1) of `abc` and of nothing
        assert_eq!(digest(b"abc").to_string(), "a9993e364706816a");
        assert_eq!(digest(b"").to_string(), "da39a3ee5e6b4b0d");
    }
}
