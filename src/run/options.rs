//! What a command asks of the runs that it starts, and what it hears of them.

use std::sync::Arc;
use std::time::Duration;

use crate::model::allow::Allow;
use crate::model::contact::{Contact, Problem};
use crate::model::run::Run;
use crate::model::scenario::Scenario;
use crate::model::time::Stamp;
use crate::probe::{self, Event, Halt, Jobs, Observation, OnStrain, Recorder, Restraint, Tracing};
use crate::run::investigate::steps::Progress;
use crate::run::{Destination, Limits, Session};

/// What a command asks of each run.
#[derive(Clone)]
pub struct RunOptions {
    pub seed: u64,
    /// The longest that one exchange may take.
    pub timeout: Duration,
    /// Requests per second; `None`: what suits the target.
    pub max_rps: Option<f64>,
    /// Scans in all; `None`: what suits the target.
    pub max_scans: Option<u32>,
    /// Jobs in all; `None`: no limit.
    pub max_jobs: Option<u32>,
    /// For how long a target may answer nothing but 429 before the run ends.
    pub max_wait: Duration,
    /// Known failures that do not make the verdict.
    pub allow: Vec<Allow>,
    /// The command that repeats the run, for the log.
    pub command: String,
    pub destination: Destination,
    /// Who is shown every exchange.
    pub trace: Option<Arc<dyn Tracing>>,
    pub observer: Observer,
}

/// Who hears of what happens. It must return at once.
pub type Observer = Arc<dyn Fn(Note<'_>) + Send + Sync>;

/// What happens while a run goes on.
#[derive(Debug, Clone, Copy)]
pub enum Note<'a> {
    /// The target answered the first three requests.
    Contact(&'a Contact),
    /// Something keeps the run from working.
    HeldUp(&'a Problem),
    /// A run with this header is about to begin: so many scans of these scenarios, or as many as an investigation decides on.
    Begins { run: &'a Run, scenarios: &'a [Scenario], scans: u64 },
    /// A gate has failed, and this scenario measures how long denials last.
    Measures(&'a Scenario),
    /// A scenario or a scan began or ended.
    Event(Event),
    /// An exchange was recorded, or nothing more will come of a scan.
    Observed(Observation<'a>),
    /// No more is sent.
    Ends,
    /// The target ended the run before its plan was done.
    Halted(Halt),
    /// An investigation, so long after it began.
    Investigates { at: Stamp, progress: &'a Progress },
}

impl RunOptions {
    pub(super) fn note(&self, note: Note<'_>) {
        (self.observer)(note);
    }

    pub(super) fn limits(&self, session: &Session) -> Limits {
        Limits::towards(&session.target.addresses(), self.max_rps, self.max_scans)
    }

    pub(super) fn restraint(&self, max_jobs: Option<u32>, strain: OnStrain) -> Restraint {
        Restraint { jobs: Jobs::at_most(max_jobs.map(u64::from)), max_wait: self.max_wait, strain }
    }

    pub(super) fn probe(&self, max_rps: Option<f64>, first_n: u64, restraint: Restraint) -> probe::Options {
        probe::Options { seed: self.seed, max_rps, timeout: self.timeout, first_n, restraint }
    }

    pub(super) fn tracing(&self, recorder: Recorder) -> Recorder {
        match &self.trace {
            Some(trace) => recorder.tracing(Arc::clone(trace)),
            None => recorder,
        }
    }
}
