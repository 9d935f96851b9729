//! A second opinion: what an ordinary HTTP client was answered to the smallest sequence of requests that was denied.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::answer::Answer;
use crate::model::time::Nanos;

/// What was tried, and what came of it. It stands in a log's last line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondOpinion {
    /// The sequence, as the probe had sent it.
    pub sequence: Sequence,
    /// The same by an ordinary client, a job each.
    pub tries: Vec<SecondTry>,
}

/// A POST, and one poll of its job at an age at which polls were denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sequence {
    /// The age of the job when it is polled.
    pub age: Nanos,
    /// Whether the poll travels on another connection than the POST.
    pub apart: bool,
    /// The probe's polls at that age.
    pub polls: u64,
    /// How many of them were denied.
    pub denied: u64,
}

/// One job of the ordinary client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecondTry {
    /// The age at which the poll was sent; `None` if the job was not accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Nanos>,
    /// The code of the last answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<u16>,
    /// What it means: of the poll, or of the POST that was not accepted.
    pub answer: Answer,
}

/// A poll that left later than this after its age says nothing where it was not denied.
pub const LATE: Nanos = Nanos(20_000_000);

impl SecondTry {
    /// Whether it says anything: a denial always does, and a visible answer does if it was asked for in time.
    pub fn counts(&self, sequence: Sequence) -> bool {
        let in_time = self.age.is_some_and(|age| age.0 - sequence.age.0 <= LATE.0);
        self.answer == Answer::NotFound && self.age.is_some() || self.answer == Answer::Visible && in_time
    }
}
