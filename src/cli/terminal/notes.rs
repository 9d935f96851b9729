//! What happens while a run goes on, as lines on standard error.

use std::sync::{Arc, OnceLock};

use crate::cli::terminal::output;
use crate::cli::terminal::progress::Progress;
use crate::model::contact::Contact;
use crate::run::investigate::Progress as Investigation;
use crate::run::{Note, Observer};

/// What is shown of it.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// What should be looked at.
    pub notes: bool,
    /// How far it is.
    pub progress: bool,
    /// What keeps the run from working.
    pub problems: bool,
}

/// Shows what is to be shown.
pub fn observer(shown: Shown) -> Observer {
    let progress = OnceLock::new();
    let say = |progress: &OnceLock<Progress>, text: &str| match progress.get() {
        Some(progress) => progress.say(text),
        None => output::eprint_note(text),
    };
    Arc::new(move |note| match note {
        Note::Contact(contact) if shown.notes => first_contact(contact),
        Note::HeldUp(problem) if shown.problems => output::eprint_note(&format!("note: first contact: {problem}")),
        Note::Begins { run, scenarios, scans } if shown.progress => drop(progress.set(Progress::new(run, scenarios, scans))),
        Note::Contact(_) | Note::HeldUp(_) | Note::Begins { .. } => {}
        Note::Measures(scenario) => {
            if let Some(progress) = progress.get() {
                progress.also(scenario);
                progress.say(&format!("           the gate has failed: {} more jobs show how long denials last", scenario.load.scans));
            }
        }
        Note::Observed(observation) => {
            if let Some(progress) = progress.get() {
                progress.see(observation);
            }
        }
        Note::Event(event) => {
            if let Some(progress) = progress.get() {
                progress.note(event);
            }
        }
        Note::Ends => {
            if let Some(progress) = progress.get() {
                progress.finish();
            }
        }
        Note::Halted(halt) => say(&progress, &format!("note: {halt}")),
        Note::Investigates { at, progress: step } => {
            if shown.progress {
                let text = investigation(step);
                if let Some(progress) = progress.get() {
                    progress.step(text.trim());
                }
                say(&progress, &format!("{:>7.1} s  {text}", at.0 as f64 / 1e9));
            }
        }
    })
}

fn first_contact(contact: &Contact) {
    for note in &contact.notes {
        output::eprint_note(&format!("note: first contact: {note}"));
    }
    if let Some(unrouted) = &contact.unrouted {
        let (asked, http, quoted, change) = (&unrouted.asked, unrouted.http, &unrouted.quoted, &unrouted.change);
        output::eprint_note(&format!(
            "note: first contact: `{asked}`, the status of the job that was just accepted, answered {http} {quoted}, and so far {change}"
        ));
    }
}

fn investigation(progress: &Investigation) -> String {
    match progress {
        Investigation::Stage(stage) => stage.title().to_owned(),
        Investigation::LeftOut(scenario) => format!("  too few jobs left for {scenario}"),
        Investigation::Strain(signs) => format!("  the target shows strain ({signs}): less at a time from now on"),
        Investigation::Simulates => "  simulating the causes that are still possible".to_owned(),
        Investigation::Again(scenario) => format!("scenario {scenario} once more, to tell two causes apart"),
        Investigation::Waits(jobs) => format!("  waiting for {jobs} of its own jobs"),
    }
}
