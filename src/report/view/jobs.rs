//! The jobs that a run started, and what became of them.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::load::Load;
use crate::model::contact::Contact;
use crate::model::exchange::Kind;
use crate::model::run::Journal;
use crate::report::words;

/// The jobs that the run started, and what became of them as far as it looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Jobs {
    /// Initiates and repeats that were sent, and the jobs of first contact.
    pub started: u64,
    /// Those of them that first contact started; nobody watched them.
    pub at_first_contact: u64,
    /// Those that were not accepted.
    pub not_accepted: u64,
    /// Accepted ones that were seen to end.
    pub ended: u64,
    /// Accepted ones that were still at work when last looked at.
    pub unfinished: u64,
    /// Accepted ones of which no answer said how they stand.
    pub unknown: u64,
    /// Requests that asked for a scan again.
    #[serde(skip)]
    repeats: u64,
    /// Whether a status answer says how a job stands.
    #[serde(skip)]
    tells_states: bool,
}

impl Jobs {
    pub(super) fn of(journal: &Journal, load: &Load) -> Jobs {
        let at_first_contact = journal.run.contact.as_ref().map_or(0, Contact::jobs);
        Jobs {
            started: load.started + at_first_contact,
            at_first_contact,
            not_accepted: load.not_accepted,
            ended: load.ended,
            unfinished: load.unfinished,
            unknown: load.unknown,
            repeats: journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::Repeat).count() as u64,
            tells_states: journal.run.target.can.states,
        }
    }

    /// How many jobs were started and left behind, as a sentence; `None` where none was.
    pub fn told(&self) -> Option<String> {
        let Jobs { started, at_first_contact, not_accepted, unfinished, unknown, .. } = *self;
        if started == 0 {
            return None;
        }
        let mut of_them = vec![format!("{} to be measured", words::count(started - at_first_contact - self.repeats))];
        if self.repeats > 0 {
            of_them.push(format!("{} by asking again", words::count(self.repeats)));
        }
        if at_first_contact > 0 {
            of_them.push(format!("{} at first contact", words::count(at_first_contact)));
        }
        let started_in_all = words::counted(started, "job");
        let of_them = if of_them.len() > 1 { format!(": {}", of_them.join(", ")) } else { String::new() };
        let mut told = vec![format!("Started {started_in_all}{of_them}")];
        if not_accepted > 0 {
            told.push(format!("{} {} not accepted", words::count(not_accepted), words::were(not_accepted)));
        }
        let accepted = started - at_first_contact - not_accepted;
        if accepted > 0 && !self.tells_states {
            told.push("whether they ended is not known, since the target file maps no states".to_owned());
        } else if accepted > 0 && unfinished + unknown == 0 {
            told.push(if at_first_contact > 0 {
                "all accepted ones but that of first contact, which was not watched, were seen to end".to_owned()
            } else {
                "all that were accepted were seen to end".to_owned()
            });
        } else {
            if unfinished > 0 {
                told.push(format!("{} had not ended when last looked at", words::count(unfinished)));
            }
            if unknown > 0 {
                told.push(format!("of {} no answer said whether they ended", words::count(unknown)));
            }
        }
        Some(told.join("; ") + ".")
    }
}
