//! The scan that shows best what happened, told step by step.

use std::collections::HashSet;

use crate::analysis::scan::{ScanHistory, Visibility};
use crate::model::answer::Answer;
use crate::model::exchange::{Connection, Exchange, Kind};
use crate::model::time::Nanos;
use crate::model::trace::SpanId;

/// One scan's story.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// The scan's number.
    pub scan: u64,
    /// Index of its scenario.
    pub scenario: u32,
    /// Its id.
    pub id: Option<String>,
    /// The second half of the trace id of the request that asked for it.
    pub trace: Option<SpanId>,
    /// What happened, by age; runs of equal answers are one step.
    pub steps: Vec<Step>,
}

/// One step of the story: an exchange, or a run of them with the same answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The age at which the (first) request was sent.
    pub at: Nanos,
    /// The age of the last one of a run.
    pub until: Nanos,
    /// How many exchanges the step stands for.
    pub times: u64,
    /// What was asked.
    pub kind: Kind,
    /// How it travelled.
    pub connection: Connection,
    /// What the answer means.
    pub answer: Answer,
    /// The same in words, with the target's own word for the state.
    pub told: String,
    /// Whether the answer breaks read-your-writes.
    pub denied: bool,
    /// Which worker answered, where all of the step name the same.
    pub worker: Option<String>,
    /// The second half of the (first) request's trace id.
    pub trace: Option<SpanId>,
}

/// At most so many steps are told; a scan that flaps for an hour is cut short.
const STEPS: usize = 40;

/// The scan that shows best what happened: a denied one with the narrowest bracket if there is one, else one that was
/// followed longest.
pub fn clearest(scans: &[&ScanHistory<'_>]) -> Option<Timeline> {
    let scan = scans
        .iter()
        .filter(|scan| scan.t0().is_some() && !scan.polls().is_empty())
        .map(|scan| (clarity(scan), scan))
        .min_by(|(a, one), (b, other)| a.total_cmp(b).then(one.number().cmp(&other.number())))?;
    Some(tell(scan.1))
}

/// How clearly a scan shows what happened: smaller is clearer.
pub fn clarity(scan: &ScanHistory<'_>) -> f64 {
    let denied = scan.denials().next().is_some();
    let seen = scan.evidence().any(|poll| poll.answer == Answer::Visible);
    let witnessed = !scan.witness().is_empty();
    let class = match (denied, seen) {
        (true, true) => 0.0,
        (true, false) => 1e12,
        (false, _) => 2e12,
    };
    let sharpness = match scan.visibility() {
        Visibility::Seen(bracket) if denied => bracket.until.map_or(1e9, |until| until.as_ms() - bracket.after.as_ms()),
        // A flapping scan is clearest where most is seen of it.
        _ => 1e6 / (1.0 + scan.polls().len() as f64),
    };
    // A scan that the witness knew meanwhile tells more than a narrower bracket does.
    class + if witnessed { 0.0 } else { 1e10 } + sharpness
}

/// Tells a scan's story.
pub fn tell(scan: &ScanHistory<'_>) -> Timeline {
    let mut exchanges: Vec<&Exchange> = Vec::new();
    exchanges.extend(scan.polls());
    exchanges.extend(scan.foreign());
    exchanges.extend(scan.witness());
    exchanges.extend(scan.results());
    exchanges.extend(scan.repeat());
    exchanges.extend(scan.cancel());
    exchanges.sort_by_key(|exchange| (exchange.sent, exchange.kind));
    let denials: HashSet<*const Exchange> = scan.denials().map(std::ptr::from_ref).collect();
    let mut steps: Vec<Step> = Vec::new();
    for exchange in exchanges {
        let denied = denials.contains(&std::ptr::from_ref(exchange));
        let at = scan.age(exchange);
        let told = exchange.told();
        if let Some(last) = steps.last_mut()
            && last.kind == exchange.kind
            && last.answer == exchange.answer
            && last.told == told
            && last.connection == exchange.connection
        {
            last.until = at;
            last.times += 1;
            if last.worker.as_deref() != exchange.worker.as_deref() {
                last.worker = None;
            }
            continue;
        }
        steps.push(Step {
            at,
            until: at,
            times: 1,
            kind: exchange.kind,
            connection: exchange.connection,
            answer: exchange.answer,
            told,
            denied,
            worker: exchange.worker.as_deref().map(str::to_owned),
            trace: exchange.trace,
        });
    }
    steps.truncate(STEPS);
    Timeline { scan: scan.number(), scenario: scan.scenario(), id: scan.id().map(str::to_owned), trace: scan.initiate.trace, steps }
}
