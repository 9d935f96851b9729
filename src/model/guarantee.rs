//! What a scan may be checked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A guarantee that an async-job API owes its callers, in the order in which reports list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// A never-issued id is `not_found`.
    Honesty,
    /// A foreign user's poll is `not_found`.
    Isolation,
    /// No `not_found` after the id was handed out.
    ReadYourWrites,
    /// No `not_found` after a visible answer (monotonic reads of existence).
    MonotonicVisibility,
    /// Never back from a terminal state; progress never falls.
    MonotonicState,
    /// The id that was asked for is the id that is answered.
    Echo,
    /// A terminal state by the deadline, on every lane.
    Completion,
    /// Status, results and witness do not contradict each other.
    Agreement,
    /// No poll stalls.
    Promptness,
    /// A scan that died becomes failed.
    CrashHonesty,
}

impl Guarantee {
    /// All guarantees, in report order.
    pub const ALL: [Guarantee; 10] = [
        Guarantee::Honesty,
        Guarantee::Isolation,
        Guarantee::ReadYourWrites,
        Guarantee::MonotonicVisibility,
        Guarantee::MonotonicState,
        Guarantee::Echo,
        Guarantee::Completion,
        Guarantee::Agreement,
        Guarantee::Promptness,
        Guarantee::CrashHonesty,
    ];

    /// The name used in files, results and reports.
    pub fn name(self) -> &'static str {
        match self {
            Guarantee::Honesty => "honesty",
            Guarantee::Isolation => "isolation",
            Guarantee::ReadYourWrites => "read-your-writes",
            Guarantee::MonotonicVisibility => "monotonic-visibility",
            Guarantee::MonotonicState => "monotonic-state",
            Guarantee::Echo => "echo",
            Guarantee::Completion => "completion",
            Guarantee::Agreement => "agreement",
            Guarantee::Promptness => "promptness",
            Guarantee::CrashHonesty => "crash-honesty",
        }
    }

    /// What it promises, in one line.
    pub fn promise(self) -> &'static str {
        match self {
            Guarantee::Honesty => "an id that was never issued is not found",
            Guarantee::Isolation => "another user's scan is not found",
            Guarantee::ReadYourWrites => "no not_found once the id was handed out",
            Guarantee::MonotonicVisibility => "no not_found after a visible answer",
            Guarantee::MonotonicState => "an ended scan stays ended, and progress never falls",
            Guarantee::Echo => "the scan that is answered is the scan that was asked for",
            Guarantee::Completion => "every scan ends, seen from every connection",
            Guarantee::Agreement => "status, results and witness tell one story",
            Guarantee::Promptness => "no poll is held back",
            Guarantee::CrashHonesty => "a scan that died is reported as failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_serialised_name_is_the_name_in_reports() {
        for guarantee in Guarantee::ALL {
            assert_eq!(serde_json::to_value(guarantee).ok(), Some(serde_json::Value::from(guarantee.name())));
        }
    }
}
