//! First contact: before anything is measured, a few requests show whether it can be.

use std::sync::Arc;

use crate::cli::output;
use crate::cli::probe_args::ProbeArgs;
use crate::cli::session::Session;
use crate::model::contact::{Contact, Problem};
use crate::model::scenario::Scenario;
use crate::probe::{self, Options, Probe, Recorder};
use crate::report::Format;

/// What it asks for, before it is known what is answered.
pub const OUTLINE: &str =
    "1 job, 1 poll of an id that was never issued, 1 poll of the job; a few more requests only where an answer looks wrong";

/// Asks the target for one job and how it stands, numbered `n`, and says what it met that should be looked at. `None` where the
/// contract is known: the reference service that the run itself started.
pub async fn first_contact(session: &Session, args: &ProbeArgs, options: &Options, n: u64) -> Option<Contact> {
    if session.settings.is_some() {
        return None;
    }
    let recorder = args.tracing(Recorder::in_memory_without(session.target.secrets()));
    let scout =
        Probe::new(Arc::clone(&session.target), session.transport.clone(), session.clock.clone(), recorder, options.clone(), |_| {});
    let mut contact = probe::first_contact(&scout, n).await;
    if let Some(problem) = contact.problem.as_mut().filter(|problem| !problem.may_pass && is_an_address(args.target.as_deref())) {
        problem.change.push_str(
            ". An address alone means an API that speaks the reference contract; any other is described in a target file, whose keys `statusgap schema target` lists",
        );
    }
    if !args.quiet {
        for note in &contact.notes {
            output::tell(&format!("note: first contact: {note}"));
        }
        if let Some(unrouted) = &contact.unrouted {
            let (asked, http, quoted, change) = (&unrouted.asked, unrouted.http, &unrouted.quoted, &unrouted.change);
            output::tell(&format!(
                "note: first contact: `{asked}`, the status of the job that was just accepted, answered {http} {quoted}, and so far {change}"
            ));
        }
    }
    Some(contact)
}

/// Tells what keeps the run from working, where standard output does not say it in so many words.
pub fn tell_problem(contact: Option<&Contact>, args: &ProbeArgs) {
    if let Some(problem) = contact.and_then(|contact| contact.problem.as_ref())
        && !args.quiet
        && args.format != Format::Table
    {
        output::tell(&format!("note: first contact: {problem}"));
    }
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

fn is_an_address(target: Option<&str>) -> bool {
    target.is_some_and(|target| ["http://", "https://", "unix:"].iter().any(|scheme| target.starts_with(scheme)))
}
