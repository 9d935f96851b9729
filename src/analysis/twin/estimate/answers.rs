//! The settings of J, N, O, P and Q: answers that are wrong or late rather than denials.

use crate::analysis::echo::Likeness;
use crate::analysis::twin::estimate::window::start;
use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate};
use crate::analysis::twin::law::{Bracketed, Law, LawFit, fit, fit_fixed};
use crate::analysis::twin::rows::median;
use crate::model::answer::{Answer, State};
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;

fn when(shows: bool, estimate: impl FnOnce() -> Estimate) -> Vec<Estimate> {
    if shows { vec![estimate()] } else { Vec::new() }
}

/// J: the latest job of the user is answered.
pub(super) fn wrong_job(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let wrong = |poll: &&Exchange| poll.answer == Answer::Visible;
    let named = evidence.rows.iter().flat_map(|row| row.scan.polls().iter().copied().filter(wrong).map(|poll| row.scan.named_as(poll)));
    when(named.into_iter().any(|likeness| likeness == Some(Likeness::Other)), || {
        estimate(FaultClass::J, &[("resolve", Known::Word("latest"))])
    })
}

/// N: every id is known.
pub(super) fn unknown_masked(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let mut controls = evidence.journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll);
    when(controls.any(|control| control.answer == Answer::Visible), || {
        estimate(FaultClass::N, &[("unknown-as-pending", Known::Word("on"))])
    })
}

/// Q: everybody may see every job.
pub(super) fn disclosed(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let mut foreign = evidence.rows.iter().flat_map(|row| row.scan.foreign());
    when(foreign.any(|poll| poll.answer == Answer::Visible), || estimate(FaultClass::Q, &[("owner-check", Known::Word("off"))]))
}

/// O: some time after its end a job is at work again.
pub(super) fn stale(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let lives: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let (from, by) = row.end().filter(|(_, by)| by.is_finite())?;
            let older = |poll: &&crate::analysis::twin::rows::Poll<'_>| {
                poll.seen && poll.sent > by && poll.exchange.state == Some(State::Running) && poll.exchange.sent < row.scan.rewritten_from()
            };
            let back = row.polls.iter().find(older)?.sent;
            let ended = row.polls.iter().filter(|poll| poll.sent < back && poll.exchange.state.is_some_and(State::is_terminal));
            let last = ended.map(|poll| poll.sent).fold(by, f64::max);
            Some(Bracketed::new(((last - by).max(0.0), back - from)))
        })
        .collect();
    let Some(life) = fit_fixed(&lives) else { return Vec::new() };
    vec![estimate(FaultClass::O, &[("ttl-full", Known::Law(life)), ("fallback", Known::Word("lifecycle-owner"))])]
}

/// P: the connection that started a job answers nothing else before its first phase is over.
pub(super) fn held(evidence: &Evidence<'_>) -> Vec<Estimate> {
    let polls = || evidence.journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Poll && exchange.was_answered());
    let trip = |poll: &Exchange| poll.round_trip().as_secs_f64() * 1e3;
    let Some(usual) = median(polls().filter(|poll| poll.connection.is_own()).map(trip).collect()) else { return Vec::new() };
    let held: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let t0 = row.scan.t0()?;
            let first = row.scan.polls().iter().find(|poll| !poll.connection.is_own() && poll.was_answered())?;
            let released = first.done.since(t0).as_ms();
            (trip(first) > 5.0 * usual + 50.0).then(|| Bracketed::new(((released - 2.0 * usual).max(0.0), released)))
        })
        .collect();
    let Some(released) = fit(&held) else { return Vec::new() };
    let Some(written) = start(evidence) else {
        return vec![estimate(FaultClass::P, &[("hold-connection", Known::Word("on")), ("stage-profile", Known::Law(released))])];
    };
    // The first phase begins when the job has been recorded.
    let delay = written.best.median();
    let rest = |law: Law| law.less(delay);
    let phase = LawFit { best: rest(released.best), likely: released.likely.iter().map(|law| rest(*law)).collect() };
    let knobs = [("hold-connection", Known::Word("on")), ("registration-delay", Known::Law(written)), ("stage-profile", Known::Law(phase))];
    vec![estimate(FaultClass::P, &knobs)]
}
