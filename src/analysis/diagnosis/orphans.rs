//! Z: requests that fail and leave a job behind.

use std::collections::BTreeSet;

use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::open::OpenQuestion;
use crate::analysis::diagnosis::{Diagnosis, Strength};
use crate::model::answer::{Answer, TransportFault};
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;

/// Z: status knows scans whose initiate had failed, by the ids that the client gave them. Ids that were never issued are not known: that
/// was asked before.
pub(super) fn accepted_though_failed(diagnosis: &mut Diagnosis, journal: &Journal) {
    let looks = || journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::OrphanPoll && exchange.answer.is_evidence());
    let scans = |of: &mut dyn Iterator<Item = &Exchange>| -> BTreeSet<u64> { of.filter_map(|exchange| exchange.scan.get()).collect() };
    if looks().next().is_none() {
        let initiates = || journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate);
        let failed = initiates().filter(|exchange| was_cut_off(exchange)).count() as u64;
        if failed > 0 {
            diagnosis.open.push(OpenQuestion::FailedUnseen { failed, of: initiates().count() as u64 });
        }
        return;
    }
    let known = scans(&mut looks().filter(|look| look.answer == Answer::Visible));
    if known.is_empty() {
        return;
    }
    let initiates = journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate);
    let http: BTreeSet<Option<u16>> =
        initiates.filter(|initiate| initiate.scan.get().is_some_and(|scan| known.contains(&scan))).map(|initiate| initiate.http).collect();
    let fact =
        Fact::KnownThoughFailed { scans: known.len() as u64, failed: scans(&mut looks()).len() as u64, http: http.into_iter().collect() };
    diagnosis.found(FaultClass::Z, if known.len() >= 2 { Strength::Strong } else { Strength::Moderate }, vec![fact]);
}

/// Whether a request may have been accepted although it failed: a gateway answered for the service, or nobody did.
fn was_cut_off(initiate: &Exchange) -> bool {
    matches!(initiate.http, Some(502 | 504))
        || (initiate.http.is_none()
            && matches!(initiate.fault, Some(TransportFault::FirstByteTimeout | TransportFault::Timeout | TransportFault::Closed)))
}
