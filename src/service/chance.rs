//! All randomness of the service, from one seed, in a stream of its own for each purpose.
//!
//! Streams are separate so that one more coin flip in one place does not shift every id that
//! is handed out afterwards.

use std::sync::{Mutex, PoisonError};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// One stream of random numbers.
pub(crate) type RandomStream = ChaCha8Rng;

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// What is decided when a scan is accepted: its id, and the faults it will meet.
    Scan = 1,
    /// Which worker serves.
    Routing = 2,
    /// Faults on the way of a read.
    Read = 3,
    /// Faults on the way of a write.
    Write = 4,
    /// One run of a scan's background work: durations and opportunities.
    Work = 5,
}

/// The source of all streams.
#[derive(Debug)]
pub(crate) struct Chance {
    seed: u64,
    routing: Mutex<RandomStream>,
    read: Mutex<RandomStream>,
    write: Mutex<RandomStream>,
}

impl Chance {
    /// A source that repeats itself for equal seeds, and never does without one.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        let seed = seed.unwrap_or_else(rand::random);
        let shared = |purpose| Mutex::new(stream(seed, purpose, 0));
        Chance { seed, routing: shared(Purpose::Routing), read: shared(Purpose::Read), write: shared(Purpose::Write) }
    }

    /// The stream of the `ordinal`-th thing of its kind.
    pub(crate) fn dice(&self, purpose: Purpose, ordinal: u64) -> RandomStream {
        stream(self.seed, purpose, ordinal)
    }

    /// Draws from the shared stream of a purpose; scans have streams of their own.
    pub(crate) fn with<T>(&self, purpose: Purpose, draw: impl FnOnce(&mut RandomStream) -> T) -> T {
        let dice = match purpose {
            Purpose::Routing => &self.routing,
            Purpose::Write => &self.write,
            Purpose::Read | Purpose::Scan | Purpose::Work => &self.read,
        };
        draw(&mut dice.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whether an event of this probability happens. 0 never draws, so an unused fault costs no number.
pub(crate) fn happens(share: f64, dice: &mut RandomStream) -> bool {
    share > 0.0 && (share >= 1.0 || dice.random::<f64>() < share)
}

fn stream(seed: u64, purpose: Purpose, ordinal: u64) -> RandomStream {
    let mut key = [0u8; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8] = purpose as u8;
    key[16..24].copy_from_slice(&ordinal.to_le_bytes());
    RandomStream::from_seed(key)
}
