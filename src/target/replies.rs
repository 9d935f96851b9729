//! What a target's replies mean.

use crate::model::answer::{Answer, State};

use super::reading::{by_code, text_at};
use super::selector::Opened;
use super::{Accepted, Initiated, Read, Reading, Reply, Target, WriteKind};

impl Target {
    /// Reads the reply to an initiate.
    pub fn read_initiate(&self, reply: &Reply<'_>) -> Initiated {
        let reply = Opened::new(reply);
        let id = match self.initiate_reader.read(&reply) {
            Ok(id) => id,
            Err((answer, reason)) => return Initiated::Failed { answer, reason },
        };
        let address = |read: Option<&Read>| -> Result<Option<String>, String> {
            let Some((read, follow)) = read.and_then(|read| Some((read, read.follow.as_ref()?))) else {
                return Ok(None);
            };
            match text_at(follow, &reply, &id) {
                Ok(address) => Ok(Some(address)),
                Err(_) if read.endpoint.path.is_some() => Ok(None),
                Err(reason) => Err(format!("no address to follow: {reason}")),
            }
        };
        let addresses = address(Some(&self.status))
            .and_then(|handed_out| Ok((handed_out, address(self.witness.as_ref())?, address(self.results.as_ref())?)));
        match addresses {
            Ok((handed_out, witness_at, results_at)) => Initiated::Accepted(Accepted { id, handed_out, witness_at, results_at }),
            Err(reason) => Initiated::Failed { answer: Answer::Malformed, reason },
        }
    }

    /// Reads a status reply about the scan `id`, whoever asked.
    pub fn read_status(&self, reply: &Reply<'_>, id: &str) -> Reading {
        self.status.reader.read(&Opened::new(reply), id)
    }

    /// Reads the witness's reply; by its HTTP code alone if the target has no witness.
    pub fn read_witness(&self, reply: &Reply<'_>, id: &str) -> Reading {
        read_by(self.witness.as_ref(), reply, id)
    }

    /// Reads a results reply; by its HTTP code alone if the target has no results.
    pub fn read_results(&self, reply: &Reply<'_>, id: &str) -> Reading {
        read_by(self.results.as_ref(), reply, id)
    }

    /// Reads a reply that is told by its HTTP code alone: a later write's or a filler's.
    pub fn read_by_code(&self, reply: &Reply<'_>) -> Answer {
        by_code(reply.http)
    }

    /// Whether a status reply shows the effect of a write. `None` where the target has no such write, and where the reply is neither
    /// visible nor not found and so says nothing about it.
    pub fn read_write_seen(&self, write: WriteKind, reply: &Reply<'_>, id: &str) -> Option<bool> {
        let write = self.writes.get(&write)?;
        let opened = Opened::new(reply);
        if write.seen_when.as_ref().is_some_and(|when| when.holds(&opened, id)) {
            return Some(true);
        }
        let answer = self.status.reader.read(&opened, id).answer;
        answer.is_evidence().then_some(write.seen_when.is_none() && answer == Answer::NotFound)
    }
}

fn read_by(read: Option<&Read>, reply: &Reply<'_>, id: &str) -> Reading {
    match read {
        Some(read) => read.reader.read(&Opened::new(reply), id),
        None => Reading { answer: by_code(reply.http), state: None::<State>, word: None, progress: None, echo: None, reason: None },
    }
}
