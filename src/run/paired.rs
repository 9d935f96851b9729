//! Two targets that are probed by turns: the second one's share of a run.

use std::path::{Path, PathBuf};

use crate::log::storage::{LOG, OwnFolder};
use crate::model::contact::Contact;
use crate::model::run::{EndReason, Pair, Run, Side};
use crate::model::scenario::Scenario;
use crate::probe::{Halt, Options};
use crate::run::recording::{Drive, Recording, Sink};
use crate::run::{Concluded, RunError, RunOptions, Session};

/// Another seed, so that two services, or two targets with one database, are never told the same numbers.
pub fn twin_seed(seed: u64) -> u64 {
    seed ^ 0x9e37_79b9_7f4a_7c15
}

/// Where the log of the second target goes.
fn folder_of_second(folder: &Path) -> PathBuf {
    folder.join("against")
}

/// The second target under way, with a log of its own.
pub(super) struct Second {
    session: Session,
    recording: Recording,
    folder: OwnFolder,
}

impl Second {
    /// Begins its log in a folder of its own.
    pub(super) fn begin(
        session: Session,
        folder: &Path,
        first: &Run,
        run: &RunOptions,
        options: &Options,
        contact: Option<Contact>,
    ) -> Result<Second, RunError> {
        let folder = OwnFolder::claim(&folder_of_second(folder))?;
        let seed = twin_seed(options.seed);
        let mut header = session.header(seed, first.scenarios.clone(), first.command.clone());
        header.started.clone_from(&first.started);
        header.pair = first.pair.as_ref().map(|pair| Pair { side: Side::Base, ..pair.clone() });
        header.contact = contact;
        let log = run.destination.begin_log(&folder, &header)?;
        let scans: u64 = first.scenarios.iter().map(|scenario| u64::from(scenario.load.scans)).sum();
        // Both targets may share a database: no number is asked for twice.
        let options = Options { seed, first_n: options.first_n + scans, ..options.clone() };
        let drive = Drive { trace: run.trace.clone(), ..Drive::plain(options) };
        let recording = Recording::begin(&session, header, Sink::File { path: folder.join(LOG), log }, drive);
        Ok(Second { session, recording, folder })
    }

    /// Runs the scenarios against both targets by turns.
    pub(super) async fn run_by_turns(&self, first: &Recording, scenarios: &[Scenario]) -> Result<(), Halt> {
        self.recording.flushing(first.probe.run_beside(&self.recording.probe, scenarios)).await
    }

    /// Ends its log.
    pub(super) async fn end(self, reason: EndReason) -> Result<(OwnFolder, Concluded), RunError> {
        let concluded = self.recording.conclude(reason)?;
        self.session.close().await;
        Ok((self.folder, concluded))
    }
}
