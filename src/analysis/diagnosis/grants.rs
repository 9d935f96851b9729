//! R: the owner is refused for a while after the scan was accepted.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::dataset::{Dataset, ScanRow};
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::thresholds::{FEW_SCANS, NEARLY_ALL};
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;
use crate::model::time::Nanos;

/// R: no other class makes a service refuse the owner what it has just accepted, and grant it later. True where that explains nearly all
/// denials, so that their shape speaks of the grant and not of the record.
pub(super) fn grant_lag(diagnosis: &mut Diagnosis, data: &Dataset<'_>) -> bool {
    let denials = || data.rows.iter().flat_map(|row| row.scan.denials().map(move |poll| (row, poll)));
    let refused: Vec<(&ScanRow<'_>, &Exchange)> = denials().filter(|(_, poll)| is_refusal(poll)).collect();
    if refused.is_empty() {
        return false;
    }
    let unknown = || data.journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll);
    let codes: BTreeSet<Option<u16>> = unknown().filter(|poll| poll.answer == Answer::NotFound).map(|poll| poll.http).collect();
    if codes.is_empty() || refused.iter().any(|(_, poll)| codes.contains(&poll.http)) {
        // Ids that do not exist are refused as well: the refusal says no more than `not_found` would.
        if !codes.is_empty() {
            diagnosis.open.push(OpenQuestion::RefusedOrUnknown);
        }
        return false;
    }
    let scans: BTreeSet<u64> = refused.iter().map(|(row, _)| row.scan.number()).collect();
    let granted = |row: &&ScanRow<'_>| {
        let last = refused.iter().filter(|(other, _)| other.scan.number() == row.scan.number()).map(|(_, poll)| poll.sent).max();
        last.is_some_and(|last| row.scan.evidence().any(|poll| poll.answer == Answer::Visible && last < poll.done))
    };
    let later = data.rows.iter().filter(granted).count();
    if later == 0 {
        return false;
    }
    let taken_back = data.rows.iter().filter(|row| row.scan.flaps().iter().any(|poll| is_refusal(poll))).count();
    let latest = refused.iter().map(|(row, poll)| row.scan.age(poll)).max().unwrap_or(Nanos(0));
    let polls = data.rows.iter().map(|row| row.scan.evidence().count()).sum::<usize>();
    let facts = vec![
        Fact::RefusedAfterAcceptance {
            scans: scans.len() as u64,
            granted: later as u64,
            refused: refused.len() as u64,
            polls: polls as u64,
            latest_ns: latest,
            taken_back: taken_back as u64,
        },
        Fact::AnotherDenial { http: refused[0].1.http, own: codes.into_iter().collect() },
    ];
    diagnosis.found(FaultClass::R, if later >= FEW_SCANS { Strength::Strong } else { Strength::Moderate }, facts);
    refused.len() as f64 >= NEARLY_ALL * denials().count() as f64
}

fn is_refusal(poll: &Exchange) -> bool {
    matches!(poll.http, Some(401 | 403))
}
