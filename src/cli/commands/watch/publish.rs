//! What is told of a watch: kept up to date round by round, bounded, and read by the page at any time.

use std::sync::{Arc, Mutex, PoisonError};

use crate::cli::commands::watch::WatchArgs;
use crate::model::guarantee::Guarantee;
use crate::report::View;
use crate::report::watch_status::{ChangeRow, Moment, RoundRow, StripRound, WatchStatus};
use crate::verdict::rolling::{Change, Outcome, RollingVerdict};

/// Rounds and changes that the page lists.
const LISTED: usize = 30;

/// What the page shows at one instant.
#[derive(Debug)]
pub struct Shown {
    /// The watch.
    pub live: WatchStatus,
    /// The window of rounds, or the last round where that could not be measured; `None` before the first has ended.
    pub view: Option<View>,
}

/// The present state, for one writer and any readers.
#[derive(Debug, Clone)]
pub struct Publication(Arc<Mutex<Arc<Shown>>>);

/// What is told of one round.
pub struct PublishedRound<'a> {
    /// Its number.
    pub number: u64,
    /// When it began.
    pub began: Moment,
    /// What it told by itself.
    pub outcome: Outcome,
    /// The report on it alone.
    pub view: &'a View,
    /// Why the verdict stands, in one line.
    pub reason: &'a str,
    /// The change that it made, if it made one.
    pub change: Option<Change>,
    /// What stands now.
    pub rolling: &'a RollingVerdict,
}

impl Publication {
    /// Before the first round.
    pub fn new(target: &str, address: &str, scenarios: &str, began: &str, args: &WatchArgs) -> Publication {
        let live = WatchStatus {
            target: format!("{target} at {address}"),
            scenarios: scenarios.to_owned(),
            every: args.every.0,
            began: moment(began.parse().unwrap_or_default()),
            verdict: None,
            since: None,
            reason: "the first round is under way".to_owned(),
            kept: (0, args.keep as usize),
            owed: 0,
            rounds: [0; 3],
            scans: 0,
            denied: 0,
            exchanges: 0,
            changed: 0,
            changes: Vec::new(),
            recent: Vec::new(),
            strip: Vec::new(),
        };
        Publication(Arc::new(Mutex::new(Arc::new(Shown { live, view: None }))))
    }

    /// What is shown now.
    pub fn shown(&self) -> Arc<Shown> {
        // What is behind the lock is replaced as a whole, so it is whole whatever became of the writer.
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes in a round. The change that it made comes back as it is round.
    pub fn publish(&self, round: &PublishedRound<'_>, shown: &View, log: String) -> Option<ChangeRow> {
        let mut live = self.shown().live.clone();
        live.count(round.outcome);
        let scans = round.view.scenarios.iter().map(|scenario| scenario.accepted).sum::<u64>();
        let reads = round.view.guarantees.iter().filter(|row| row.guarantee == Guarantee::ReadYourWrites);
        let denied = reads.map(|row| row.broken).sum::<u64>();
        live.scans += scans;
        live.denied += denied;
        live.draw(StripRound { number: round.number, began: round.began.clone(), outcome: round.outcome, scans, denied });
        live.exchanges += round.view.run.exchanges;
        live.verdict = round.rolling.verdict();
        live.kept.0 = round.rolling.kept();
        live.owed = round.rolling.owed();
        round.reason.clone_into(&mut live.reason);
        let row =
            RoundRow { number: round.number, began: round.began.clone(), outcome: round.outcome, headline: round.view.headline.clone() };
        live.recent.insert(0, row);
        live.recent.truncate(LISTED);
        let row =
            round.change.map(|Change { was, is }| ChangeRow { at: round.began.clone(), was, is, reason: round.reason.to_owned(), log });
        if let Some(row) = &row {
            live.since = Some(row.at.clone());
            live.changed += u64::from(row.was.is_some());
            live.changes.insert(0, row.clone());
            live.changes.truncate(LISTED);
        }
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Shown { live, view: Some(shown.clone()) });
        row
    }
}

/// A wall clock as it is round.
pub fn moment(at: jiff::Timestamp) -> Moment {
    Moment { told: at.to_string(), unix: at.as_millisecond() as f64 / 1e3 }
}
