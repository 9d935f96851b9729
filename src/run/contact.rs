//! First contact: before anything is measured, a few requests show whether it can be.

use std::sync::Arc;

use crate::model::contact::{Contact, Problem};
use crate::model::scenario::Scenario;
use crate::probe::{self, Options, Probe, Recorder};
use crate::run::session::{Contract, Session};
use crate::run::{Note, RunOptions};

/// What it asks for, before it is known what is answered.
pub const OUTLINE: &str =
    "1 job, 1 poll of an id that was never issued, 1 poll of the job; a few more requests only where an answer looks wrong";

/// Asks the target for one job and how it stands, numbered `n`, and says what it met that should be looked at. `None` where the
/// contract is known: the reference service that the run itself started.
pub async fn first_contact(session: &Session, run: &RunOptions, options: &Options, n: u64) -> Option<Contact> {
    if session.settings.is_some() {
        return None;
    }
    let recorder = run.tracing(Recorder::in_memory_without(session.target.secrets()));
    let scout =
        Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options.clone(), |_| {});
    let mut contact = probe::first_contact(&scout, n).await;
    if let Some(problem) = contact.problem.as_mut().filter(|problem| !problem.may_pass && session.contract == Contract::Address) {
        problem.change.push_str(
            ". An address alone means an API that speaks the reference contract; any other is described in a target file, whose keys `statusgap schema target` lists",
        );
    }
    run.note(Note::Contact(&contact));
    Some(contact)
}

/// The problem that keeps a run from working, if there is one.
pub fn problem(contact: Option<&Contact>) -> Option<&Problem> {
    contact.and_then(|contact| contact.problem.as_ref())
}

/// Whether scenarios ask for jobs at all: whoever only asks for ids that were never issued wants none.
pub fn asks_for_jobs(scenarios: &[Scenario]) -> bool {
    scenarios.iter().any(|scenario| scenario.load.scans > 0)
}

/// The contact of a run that cannot begin because its second target cannot.
pub fn held_up_by(second: &Problem, own: Option<Contact>) -> Contact {
    let change = format!("{} (the second target, --against)", second.change);
    Contact { problem: Some(Problem { change, ..second.clone() }), ..own.unwrap_or_default() }
}
