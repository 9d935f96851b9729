//! Classes S and T: readers that learn late of what the owner changes about a scan, while new scans are theirs at once.
//!
//! As behind a cache that is filled with every new record, and that hears of changes by messages which take their time.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::follower::Follower;
use crate::service::chance::{RandomStream, happens};
use crate::service::distribution::Distribution;
use crate::service::scan::changes::{Change, Changes};
use crate::service::settings::Settings;
use crate::service::store::{Write, keys};

/// The copy of all changes that some readers look at.
#[derive(Debug)]
pub(crate) struct LateChanges {
    copy: Mutex<Follower>,
    update_lag: Distribution,
    delete_lag: Distribution,
    share: f64,
}

impl LateChanges {
    /// The copy that the settings ask for, if they do.
    pub(crate) fn of(settings: &Settings) -> Option<LateChanges> {
        let Settings { update_lag, delete_lag, change_share: share, .. } = *settings;
        let any = !update_lag.is_zero() || !delete_lag.is_zero();
        any.then(|| LateChanges { copy: Mutex::default(), update_lag, delete_lag, share })
    }

    /// Sends a change. Returns when it arrives.
    pub(crate) fn ship(&self, write: &Write, change: &Change, dice: &mut RandomStream) -> Instant {
        let lag = if *change == Change::Delete { self.delete_lag } else { self.update_lag };
        let due = Instant::now() + lag.draw(dice);
        self.lock().ship(std::slice::from_ref(write), due);
        due
    }

    /// Whether a read is one of those that look here.
    pub(crate) fn is_asked(&self, dice: &mut RandomStream) -> bool {
        happens(self.share, dice)
    }

    /// What has arrived of the changes to a scan.
    pub(crate) fn read(&self, scan_id: &str) -> Changes {
        let now = Instant::now();
        let mut copy = self.lock();
        Changes { label: copy.read(&keys::label(scan_id), now, now), deleted: copy.read(&keys::deleted(scan_id), now, now).is_some() }
    }

    /// Removes what has expired.
    pub(crate) fn purge(&self, now: Instant) {
        self.lock().purge(now);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Follower> {
        self.copy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
