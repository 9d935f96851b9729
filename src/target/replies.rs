//! What a target's replies mean.

use crate::model::answer::Answer;

use super::captured::About;
use super::reading::{by_code, capture_all, text_at};
use super::selector::Opened;
use super::{Accepted, Initiated, Read, Reading, Reply, Target, Variables, WriteKind};

impl Target {
    /// Reads the reply to an initiate that was filled with these values.
    pub fn read_initiate(&self, reply: &Reply<'_>, variables: &Variables) -> Initiated {
        let reply = Opened::new(reply);
        let id = match self.initiate_reader.read(&reply, variables) {
            Ok(id) => id,
            Err((answer, reason)) => return Initiated::Failed { answer, reason },
        };
        let mut captured = variables.captured.clone();
        if let Err(reason) = capture_all(&self.initiate_reader.capture, &reply, &mut captured) {
            return Initiated::Failed { answer: Answer::Malformed, reason };
        }
        let address = |read: Option<&Read>| -> Result<Option<String>, String> {
            let Some((read, follow)) = read.and_then(|read| Some((read, read.follow.as_ref()?))) else {
                return Ok(None);
            };
            match text_at(&follow.from, &reply, About::from(&id)) {
                Ok(address) => Ok(Some(follow.complete(&address))),
                Err(_) if read.endpoint.path.is_some() => Ok(None),
                Err(reason) => Err(format!("no address to follow: {reason}")),
            }
        };
        let addresses = address(Some(&self.status))
            .and_then(|handed_out| Ok((handed_out, address(self.witness.as_ref())?, address(self.results.as_ref())?)));
        match addresses {
            Ok((handed_out, witness_at, results_at)) => Initiated::Accepted(Accepted { id, handed_out, witness_at, results_at, captured }),
            Err(reason) => Initiated::Failed { answer: Answer::Malformed, reason },
        }
    }

    /// Reads a status reply about the scan `id`, whoever asked.
    pub fn read_status<'a>(&self, reply: &Reply<'_>, about: impl Into<About<'a>>) -> Reading {
        self.status.reader.read(&Opened::new(reply), about.into())
    }

    /// Reads the witness's reply; by its HTTP code alone if the target has no witness.
    pub fn read_witness<'a>(&self, reply: &Reply<'_>, about: impl Into<About<'a>>) -> Reading {
        read_by(self.witness.as_ref(), reply, about.into())
    }

    /// Reads a results reply; by its HTTP code alone if the target has no results.
    pub fn read_results<'a>(&self, reply: &Reply<'_>, about: impl Into<About<'a>>) -> Reading {
        read_by(self.results.as_ref(), reply, about.into())
    }

    /// Reads a reply that is told by its HTTP code alone: a later write's or a filler's.
    pub fn read_by_code(&self, reply: &Reply<'_>) -> Answer {
        by_code(reply.http)
    }

    /// Whether a status reply shows the effect of a write. `None` where the target has no such write, and where the reply is neither
    /// visible nor not found and so says nothing about it.
    pub fn read_write_seen<'a>(&self, write: WriteKind, reply: &Reply<'_>, about: impl Into<About<'a>>) -> Option<bool> {
        let about = about.into();
        let write = self.writes.get(&write)?;
        let opened = Opened::new(reply);
        if write.seen_when.as_ref().is_some_and(|when| when.holds(&opened, about)) {
            return Some(true);
        }
        let answer = self.status.reader.read(&opened, about).answer;
        answer.is_evidence().then_some(write.seen_when.is_none() && answer == Answer::NotFound)
    }
}

fn read_by(read: Option<&Read>, reply: &Reply<'_>, about: About<'_>) -> Reading {
    match read {
        Some(read) => read.reader.read(&Opened::new(reply), about),
        None => Reading::of(by_code(reply.http)),
    }
}
