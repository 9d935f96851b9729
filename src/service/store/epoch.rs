//! Whether an absent key is proof that there never was one.
//!
//! A Redis that was started again without its data answers "no such key" about everything that it once held, and a service that passes
//! this on denies scans that it has accepted. So every Redis is stamped once. Whoever finds another stamp than the one it knows, or none,
//! knows that what was held is lost; until nothing of that would be alive any more, nothing unknown is denied.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The key of the stamp.
pub(super) const KEY: &str = "statusgap:stamp";

/// What is written under it: since when the store holds what is written to it, and whether anything was lost then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Epoch {
    since_millis: u64,
    after_loss: bool,
    /// Tells two stamps of one instant apart.
    name: String,
}

impl Epoch {
    /// A stamp for a store that nobody has stamped.
    pub(super) fn first(now_millis: u64) -> Epoch {
        Epoch { since_millis: now_millis, after_loss: false, name: uuid::Uuid::new_v4().simple().to_string() }
    }

    /// A stamp for a store that has lost what it held.
    fn after_loss(now_millis: u64) -> Epoch {
        Epoch { after_loss: true, ..Epoch::first(now_millis) }
    }

    pub(super) fn to_text(&self) -> String {
        format!("{} {} {}", self.since_millis, if self.after_loss { "after-loss" } else { "first" }, self.name)
    }

    pub(super) fn from_text(text: &str) -> Option<Epoch> {
        let mut words = text.split(' ');
        let since_millis = words.next()?.parse().ok()?;
        let after_loss = match words.next()? {
            "first" => false,
            "after-loss" => true,
            _ => return None,
        };
        Some(Epoch { since_millis, after_loss, name: words.next()?.to_owned() })
    }
}

/// The stamp that one process knows.
#[derive(Debug)]
pub(super) struct Known {
    stamp: Mutex<Epoch>,
    /// How long anything lives by which a scan is found.
    memory: Duration,
}

/// What follows from the stamp that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// What is absent was never there, or has lived its time.
    Certain,
    /// What is absent may have been lost.
    Forgetful,
    /// So it is, and the store has to be told by this stamp.
    Lost(Epoch),
}

impl Known {
    pub(super) fn new(stamp: Epoch, memory: Duration) -> Known {
        Known { stamp: Mutex::new(stamp), memory }
    }

    /// Judges the stamp that was just read, and keeps it in mind.
    pub(super) fn find(&self, there: Option<&str>, now_millis: u64) -> Finding {
        // A stamp is replaced in one step, so a poisoned lock is still good.
        let mut known = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        match there.and_then(Epoch::from_text) {
            Some(there) if there == *known || there.after_loss => *known = there,
            // None, or that of a process which could not know that there had been another.
            _ => {
                *known = Epoch::after_loss(now_millis);
                return Finding::Lost(known.clone());
            }
        }
        let age = Duration::from_millis(now_millis.saturating_sub(known.since_millis));
        if known.after_loss && age < self.memory { Finding::Forgetful } else { Finding::Certain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_that_is_gone_or_another_makes_every_process_wary_for_as_long_as_anything_lived() {
        let memory = Duration::from_secs(600);
        let first = Epoch::first(1_000);
        let (one, two) = (Known::new(first.clone(), memory), Known::new(first.clone(), memory));
        assert_eq!(one.find(Some(&first.to_text()), 2_000), Finding::Certain);
        let Finding::Lost(told) = one.find(None, 5_000) else { panic!("it is lost") };
        let text = told.to_text();
        assert_eq!(Epoch::from_text(&text), Some(told));
        assert_eq!((one.find(Some(&text), 6_000), two.find(Some(&text), 6_000)), (Finding::Forgetful, Finding::Forgetful));
        assert_eq!((one.find(Some(&text), 605_000), two.find(Some(&text), 605_000)), (Finding::Certain, Finding::Certain));
        let newcomer = Epoch::first(7_000);
        assert!(matches!(two.find(Some(&newcomer.to_text()), 8_000), Finding::Lost(_)), "its process cannot know what there was");
        assert!(matches!(one.find(Some("rubbish"), 9_000), Finding::Lost(_)));
    }
}
