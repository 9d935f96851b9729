//! Runs that leave nothing behind: recorded in memory, for `matrix` and for tests, which want many of them.

use crate::model::run::{EndReason, Journal, Pair, Side};
use crate::model::scenario::Scenario;
use crate::probe::{Halt, Options, Restraint};
use crate::run::gates::onward;
use crate::run::recording::{Drive, Recording, Sink};
use crate::run::{DEFAULT_TIMEOUT, RunError, Session};

/// How a run on virtual time is driven where nobody says otherwise.
pub fn virtual_options(seed: u64) -> Options {
    Options { seed, max_rps: None, timeout: DEFAULT_TIMEOUT, first_n: 0, restraint: Restraint::default() }
}

/// Runs scenarios one after the other against one target.
pub async fn rehearse(session: &Session, options: Options, scenarios: &[Scenario]) -> Result<Journal, RunError> {
    let recording = begin(session, options, scenarios, None);
    let ran = recording.probe.run(scenarios).await;
    recording.end(ran.map_or_else(Halt::reason, |()| EndReason::Complete))
}

/// Runs scenarios against two targets by turns; the second is the base.
pub async fn rehearse_by_turns(sides: [(&Session, Options); 2], scenarios: &[Scenario]) -> Result<[Journal; 2], RunError> {
    let [(new, new_options), (base, base_options)] = sides;
    let new = begin(new, new_options, scenarios, Some(Side::New));
    let base = begin(base, base_options, scenarios, Some(Side::Base));
    let ran = new.probe.run_beside(&base.probe, scenarios).await;
    let reason = ran.map_or_else(Halt::reason, |()| EndReason::Complete);
    Ok([new.end(reason)?, base.end(reason)?])
}

fn begin(session: &Session, options: Options, scenarios: &[Scenario], side: Option<Side>) -> Recording {
    let mut header = session.header(options.seed, scenarios.to_vec(), String::new());
    header.pair = side.map(|side| Pair { id: "a rehearsal".into(), side });
    Recording::begin(session, header, Sink::Memory, Drive { decide: onward(scenarios, None), ..Drive::plain(options) })
}
