//! I: a record that is committed just after the answer.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::diagnosis::dataset::{Dataset, Observation, ScanRow, ns};
use crate::analysis::diagnosis::fact::{Exclusion, Fact};
use crate::analysis::diagnosis::never_visible::Lost;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{AT_ONCE_MS, COMMIT_MS, LIKELY};
use crate::analysis::diagnosis::window_at_start::disagreement::TwoAtOnce;
use crate::analysis::diagnosis::window_at_start::queue::only_together;
use crate::analysis::diagnosis::window_at_start::second_write::{Says, SecondWrites};
use crate::analysis::diagnosis::window_at_start::windows::Windows;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::exchange::Connection;
use crate::model::fault::FaultClass;
use crate::statistics::binomial::{clopper_pearson, survival};

/// I: some polls at once are denied, none a few milliseconds later.
pub(super) fn commit(
    diagnosis: &mut Diagnosis,
    data: &Dataset<'_>,
    rows: &[&ScanRow<'_>],
    windows: &Windows,
    lost: &Lost,
    observer: bool,
) -> bool {
    let firsts = || rows.iter().filter_map(|row| row.observations.first());
    let at_once = AtOnce::of(rows);
    let last_denied = if observer {
        windows.latest_denied
    } else {
        rows.iter().flat_map(|row| row.denied_at_start()).map(Observation::age).fold(0.0, f64::max)
    };
    // The first sight after a denial bounds the window from above; a sight some milliseconds later is what makes it a commit.
    let later = firsts().filter(|observation| observation.age() > COMMIT_MS).count();
    let later_denied = firsts().filter(|observation| observation.age() > COMMIT_MS && !observation.seen()).count();
    if last_denied > COMMIT_MS {
        if at_once.all >= 20 {
            diagnosis.excluded(FaultClass::I, Exclusion::LongerThanCommit { denied_at_ns: ns(last_denied) });
        }
        return false;
    }
    if later < 8 {
        diagnosis.open.push(OpenQuestion::CommitOrDelay { latest_ns: ns(last_denied), later_than_ns: ns(COMMIT_MS), later: later as u64 });
    }
    let says = SecondWrites::of(data, lost).map(|writes| writes.say(last_denied));
    if says == Some(Says::Lag) {
        // Whatever is committed late, an acknowledged change of it is not hidden once more.
        return false;
    }
    if at_once.all >= 10 && at_once.denied == at_once.all {
        return false;
    }
    let facts = vec![
        Fact::DeniedAtOnce { denied: at_once.denied as u64, of: at_once.all as u64 },
        Fact::LatestDenial { at_ns: ns(last_denied), later_than_ns: ns(COMMIT_MS), later: later as u64, later_denied: later_denied as u64 },
    ];
    // What else explains it: a registration that is late in every scan, and a copy that lags by as little.
    let mut or = Vec::new();
    if later < 8 || !at_once.some_are_in_time() {
        or.push(FaultClass::A);
    }
    if says != Some(Says::Current) {
        or.push(FaultClass::C);
    }
    if !agrees_with_itself(rows, last_denied) {
        or.push(FaultClass::CPrime);
    }
    if !diagnosis.excludes(FaultClass::E) && only_together(data, rows, last_denied) {
        or.push(FaultClass::E);
    }
    if or.is_empty() {
        // What a single denial, or those of one moment, may be an accident of is not known from them.
        let strength = if at_once.all >= 20 && denied_rows(rows) >= 2 { Strength::Strong } else { Strength::Moderate };
        diagnosis.found(FaultClass::I, strength, facts);
        return true;
    }
    if or.contains(&FaultClass::A) && later >= 8 {
        diagnosis.open.push(OpenQuestion::CommitOrDelayInAll);
    }
    if or.iter().any(|class| matches!(class, FaultClass::C | FaultClass::CPrime)) {
        diagnosis.open.push(OpenQuestion::LateOrLagging { window_ns: ns(last_denied) });
    }
    diagnosis.found_among(FaultClass::I, or, facts);
    true
}

/// First polls that were sent at once.
struct AtOnce {
    all: usize,
    denied: usize,
    /// Age and sight by the kind of connection, since a new one takes its poll a round trip longer.
    by_connection: BTreeMap<Connection, Vec<(f64, bool)>>,
}

impl AtOnce {
    fn of(rows: &[&ScanRow<'_>]) -> AtOnce {
        let mut by_connection: BTreeMap<Connection, Vec<(f64, bool)>> = BTreeMap::new();
        for observation in rows.iter().filter_map(|row| row.observations.first()).filter(|observation| observation.age() <= AT_ONCE_MS) {
            by_connection.entry(observation.exchange.connection).or_default().push((observation.age(), observation.seen()));
        }
        let all = || by_connection.values().flatten();
        AtOnce { all: all().count(), denied: all().filter(|(_, seen)| !seen).count(), by_connection }
    }

    /// Whether scans went either way whose polls travelled alike and were of equal age: a registration that is late in every scan denies
    /// all that are younger than it, and none besides.
    fn some_are_in_time(&self) -> bool {
        self.by_connection.values().any(|polls| {
            let earliest_seen = polls.iter().filter(|(_, seen)| *seen).map(|(age, _)| *age).fold(f64::INFINITY, f64::min);
            let denied = polls.iter().filter(|(_, seen)| !seen).count() as u64;
            let late = polls.iter().filter(|(age, seen)| !seen && *age >= earliest_seen).count();
            let share = clopper_pearson(denied, polls.len() as u64, 0.95);
            late >= 2 && share.upper < 0.9
        })
    }
}

/// Whether polls of one scan within the window were of one mind, and often enough: where some reads go to a copy that lags, a scan that
/// one of them saw is denied by another, at the same instant or later.
pub(super) fn agrees_with_itself(rows: &[&ScanRow<'_>], last_denied: f64) -> bool {
    let young = || rows.iter().filter_map(|row| row.observations.first()).filter(|observation| observation.age() <= last_denied);
    // Polls on connections of a kind on which none is denied travel for longer than the window lasts, and say nothing of it.
    let in_time: BTreeSet<Connection> = young().filter(|first| !first.seen()).map(|first| first.exchange.connection).collect();
    let firsts = || young().filter(|first| in_time.contains(&first.exchange.connection));
    let (all, denied) = (firsts().count(), firsts().filter(|observation| !observation.seen()).count());
    if all == denied {
        // No read went anywhere but to the copy.
        return all >= 8;
    }
    let share = denied as f64 / all as f64;
    let again = rows.iter().flat_map(|row| row.after_seen()).filter(|observation| observation.age() <= last_denied);
    let (again, contrary) = again.fold((0, 0), |(all, denied), observation| (all + 1, denied + usize::from(!observation.seen())));
    let pairs: Vec<bool> =
        rows.iter().filter_map(|row| TwoAtOnce::of(row)).filter(|pair| pair.age <= last_denied).map(|pair| pair.split).collect();
    let split = pairs.iter().filter(|split| **split).count() as u64;
    // Two polls that are under way together may be served just before and just after a write.
    let so_few = 1.0 - survival(split + 1, pairs.len() as u64, 2.0 * share * (1.0 - share));
    contrary == 0 && (1.0 - share).powi(again) * so_few < LIKELY
}

fn denied_rows(rows: &[&ScanRow<'_>]) -> usize {
    rows.iter().filter(|row| row.denied_at_start().next().is_some()).count()
}
