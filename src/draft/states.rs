//! Words for the states of a job, as services commonly have them.

/// A deployment's words for the states of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct States {
    /// At work.
    pub running: Vec<String>,
    /// Ended well.
    pub succeeded: Vec<String>,
    /// Ended badly.
    pub failed: Vec<String>,
}

const SUCCEEDED: &[&str] = &[
    "complete",
    "completed",
    "succeed",
    "succeeded",
    "success",
    "successful",
    "done",
    "finished",
    "ready",
    "ok",
    "true",
    "ended",
    "available",
    "processed",
    "passed",
];
const FAILED: &[&str] = &[
    "fail",
    "failed",
    "failure",
    "error",
    "errored",
    "cancelled",
    "canceled",
    "aborted",
    "timeout",
    "timed_out",
    "timedout",
    "expired",
    "rejected",
    "dead",
    "killed",
    "terminated",
    "revoked",
    "crashed",
    "stopped",
    "deleted",
];

/// Words of a job that waits or is at work.
const RUNNING: &[&str] = &[
    "pending",
    "queued",
    "queueing",
    "enqueued",
    "waiting",
    "scheduled",
    "submitted",
    "accepted",
    "created",
    "received",
    "new",
    "init",
    "initializing",
    "initialized",
    "initiated",
    "preparing",
    "starting",
    "started",
    "running",
    "processing",
    "in_progress",
    "inprogress",
    "working",
    "active",
    "executing",
    "busy",
];

/// Words by which an envelope says that the request itself went well or not, whatever the job does.
const OF_ENVELOPES: &[&str] = &["ok", "success", "true", "error", "fail"];

/// Names of members that hold a state, the surest first.
pub(super) const STATE_NAMES: &[&str] =
    &["status", "state", "phase", "job_status", "jobstatus", "task_status", "job_state", "stage", "done", "finished", "completed"];
/// Names of members that hold progress.
pub(super) const PROGRESS_NAMES: &[&str] =
    &["progress", "percent", "percentage", "percent_complete", "percentcomplete", "completion", "pct"];

impl States {
    /// Adds a word where common usage puts it; one that says nothing of an end is one of a job at work.
    pub(super) fn add(&mut self, word: &str) {
        let plain = common(word);
        let list = if SUCCEEDED.contains(&plain.as_str()) {
            &mut self.succeeded
        } else if FAILED.contains(&plain.as_str()) {
            &mut self.failed
        } else {
            &mut self.running
        };
        if !list.iter().any(|known| known == word) {
            list.push(word.to_owned());
        }
    }

    /// Adds all words of another.
    pub(super) fn extend(&mut self, other: &States) {
        for word in [&other.running, &other.succeeded, &other.failed].into_iter().flatten() {
            self.add(word);
        }
    }

    /// The words with their meaning.
    pub fn words(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let lists = [(&self.running, "running"), (&self.succeeded, "succeeded"), (&self.failed, "failed")];
        lists.into_iter().flat_map(|(words, meaning)| words.iter().map(move |word| (word.as_str(), meaning)))
    }
}

/// Whether a word says that a job has ended, as far as common usage goes.
pub fn is_end(word: &str) -> bool {
    let word = common(word);
    SUCCEEDED.contains(&word.as_str()) || FAILED.contains(&word.as_str())
}

/// Whether a word says that a job waits or is at work.
pub(super) fn is_running(word: &str) -> bool {
    RUNNING.contains(&common(word).as_str())
}

/// Whether a word may be that of an envelope.
pub(super) fn is_of_envelope(word: &str) -> bool {
    OF_ENVELOPES.contains(&common(word).as_str())
}

/// How surely a member of this name holds a state: 0 for none.
pub(super) fn state_name(name: &str) -> i32 {
    match STATE_NAMES.iter().position(|known| *known == name) {
        Some(0 | 1) => 6,
        Some(_) => 4,
        None if ["status", "state", "phase"].iter().any(|end| name.ends_with(end)) => 4,
        None => 0,
    }
}

fn common(word: &str) -> String {
    // `JobState.SUCCEEDED` and `STATUS_DONE` say no more than their last word.
    let word = word.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    let last = word.rsplit(['.', ':', '/']).next().unwrap_or(&word);
    ["status_", "state_", "job_"].iter().find_map(|prefix| last.strip_prefix(prefix)).unwrap_or(last).to_owned()
}
