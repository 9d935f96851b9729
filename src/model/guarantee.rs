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
    /// Never back from a terminal state, and no older answer comes back.
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

    /// The stable code, for tickets and filters: `SG-RYW`. Names may be reworded, codes never change.
    pub fn code(self) -> &'static str {
        match self {
            Guarantee::Honesty => "SG-HON",
            Guarantee::Isolation => "SG-ISO",
            Guarantee::ReadYourWrites => "SG-RYW",
            Guarantee::MonotonicVisibility => "SG-VIS",
            Guarantee::MonotonicState => "SG-MON",
            Guarantee::Echo => "SG-ECH",
            Guarantee::Completion => "SG-END",
            Guarantee::Agreement => "SG-AGR",
            Guarantee::Promptness => "SG-PRO",
            Guarantee::CrashHonesty => "SG-CRA",
        }
    }

    /// The guarantee with this code or name, however it is capitalised.
    pub fn from_code(code: &str) -> Option<Guarantee> {
        Guarantee::ALL
            .into_iter()
            .find(|guarantee| [guarantee.code(), guarantee.name()].iter().any(|known| known.eq_ignore_ascii_case(code)))
    }

    /// What a broken one does to callers.
    pub fn meaning(self) -> &'static str {
        match self {
            Guarantee::Honesty => {
                "A never-issued id is answered as if it were a scan. Then \"visible\" says nothing, and every other check would pass: the run is inconclusive."
            }
            Guarantee::Isolation => "A user sees another user's scan.",
            Guarantee::ReadYourWrites => {
                "The id was handed out, and a status request sent after that is told that there is no such scan. A client that takes this for an end gives up on a running job."
            }
            Guarantee::MonotonicVisibility => {
                "A scan that was seen is denied later. A client takes it for deleted; one that retries on not_found alternates for ever."
            }
            Guarantee::MonotonicState => {
                "A scan that had ended is answered with another state, or one answer comes back unchanged while others go on. A client that waits for the end may have acted on it, or may wait for ever."
            }
            Guarantee::Echo => {
                "The answer is about another scan than the one that was asked for, so that one caller takes another's result for its own."
            }
            Guarantee::Completion => "A scan is answered as still at work, although its own witness or results had said that it has ended.",
            Guarantee::Agreement => {
                "What one endpoint had answered is denied by another that was asked later: the witness knew the scan and status does not, or status says it succeeded and there are no results."
            }
            Guarantee::Promptness => {
                "Status requests on connections that had carried something are held back, where those on fresh connections are not. A response that waits for background work hides a window from pooled clients."
            }
            Guarantee::CrashHonesty => {
                "A scan whose worker died is reported as running for ever, or as never known, rather than as failed."
            }
        }
    }

    /// How it comes to be broken.
    pub fn arises(self) -> &'static str {
        match self {
            Guarantee::Honesty => "A fallback invents a state for whatever it does not know (class N).",
            Guarantee::Isolation => "A path, mostly a fallback or a cache, answers without checking who is asking (class Q).",
            Guarantee::ReadYourWrites => {
                "The record is written after the answer (A, E, I), elsewhere than it is read (B, K), or read from a copy that lags (C, C', G); a cache may have kept an early denial (D), or nothing was written (L, M)."
            }
            Guarantee::MonotonicVisibility => {
                "Requests reach workers with memories of their own (B) or copies of different age (C'), or the record is removed: too early (F), or for an instant while it is replaced (H)."
            }
            Guarantee::MonotonicState => {
                "An old copy or a fallback is answered after the truth has moved on (O), often by another worker (B)."
            }
            Guarantee::Echo => "The scan is looked up by something other than its id, such as its user or its input (J).",
            Guarantee::Completion => "A worker or a cache answers from a copy that nobody updates (O).",
            Guarantee::Agreement => "Two endpoints read two stores, and one is written later or is older than the other (A, C, O).",
            Guarantee::Promptness => "Background work runs within the request, or in a middleware that ends after it (P).",
            Guarantee::CrashHonesty => {
                "Nobody takes over or marks the scans of a worker that is gone: there is no lease, and no check on start."
            }
        }
    }

    /// What mends it.
    pub fn mends(self) -> &'static str {
        match self {
            Guarantee::Honesty => "Answer not_found for what was never issued. Let a fallback look the id up rather than assume it.",
            Guarantee::Isolation => {
                "Check the owner on every path that answers for a scan, fallbacks included, and answer a stranger as if there were no scan."
            }
            Guarantee::ReadYourWrites => {
                "Write the record to the store that status reads, and have it acknowledged, before the answer that hands out the id. `statusgap reproduce` names the cause; `statusgap explain A` and so on, its cure."
            }
            Guarantee::MonotonicVisibility => {
                "Keep scans in one store that all workers read; replace records in one step; keep them longer than callers may ask."
            }
            Guarantee::MonotonicState => {
                "Keep one source of truth, and never let an older state replace a newer one (compare a version when writing)."
            }
            Guarantee::Echo => "Look scans up by id, and key their slots by it.",
            Guarantee::Completion => "Let status read the record that the worker updates, or update the copy when the scan ends.",
            Guarantee::Agreement => "Let all endpoints read one record, or write the one that is read first, first.",
            Guarantee::Promptness => {
                "Start background work after the response is finished, and outside of middleware. Then look for the window that it hid."
            }
            Guarantee::CrashHonesty => "Hold a lease for each running scan; the worker that finds one expired marks the scan as failed.",
        }
    }

    /// What to ask next where one is broken and no cause is known.
    pub fn ask_next(self) -> &'static str {
        match self {
            Guarantee::Honesty => {
                "Ask for an id of your own making by hand: if that is answered as a scan, the target file's rules take not_found for visible, or the service invents a state."
            }
            Guarantee::Isolation => {
                "Repeat that request as the other user on several connections, and see which path of the service answers it."
            }
            Guarantee::ReadYourWrites | Guarantee::MonotonicVisibility => {
                "Run `statusgap reproduce`: it asks what separates the causes. Then look up the denied request in the service's own log."
            }
            Guarantee::MonotonicState => {
                "Poll one scan from several fresh connections at once, across its end and well after it (`statusgap run completion concurrent-polls`): it shows whether one worker is behind, or all go back."
            }
            Guarantee::Echo => {
                "Ask for two scans of different input at once, and compare the ids in the answers with those that were asked for."
            }
            Guarantee::Completion => {
                "Ask the witness or the results for that scan: if they say that it has ended, status is behind (O); if they do not know it, the job was lost (M); if it still runs, raise the scenario's deadline."
            }
            Guarantee::Agreement => {
                "Ask both endpoints for that scan by turns until they agree: how long that takes, and which is behind, says which copy is late (A, C) or frozen (O)."
            }
            Guarantee::Promptness => {
                "Send the held request again, on a fresh connection and on the one of the initiate, with nothing else in flight: only if the connection makes the difference is it held back (P); else the service is slow at such moments."
            }
            Guarantee::CrashHonesty => {
                "See what the service does with the jobs of a worker that is gone, on its next start and without one."
            }
        }
    }

    /// What it promises, in one line.
    pub fn promise(self) -> &'static str {
        match self {
            Guarantee::Honesty => "an id that was never issued must not be found",
            Guarantee::Isolation => "another user's scan must not be found",
            Guarantee::ReadYourWrites => "a scan must be found as soon as its id is handed out",
            Guarantee::MonotonicVisibility => "a scan that was visible must be found from then on",
            Guarantee::MonotonicState => "an ended scan must stay ended, and no older answer may come back",
            Guarantee::Echo => "the answer must be about the scan that was asked for",
            Guarantee::Completion => "every scan must end, seen from every connection",
            Guarantee::Agreement => "status, results and witness must tell one story",
            Guarantee::Promptness => "no poll may be held back",
            Guarantee::CrashHonesty => "a scan that died must be reported as failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unlike_and_lead_back_to_their_guarantee() {
        for guarantee in Guarantee::ALL {
            assert_eq!(Guarantee::ALL.iter().filter(|other| other.code() == guarantee.code()).count(), 1, "{}", guarantee.code());
            assert_eq!(Guarantee::from_code(&guarantee.code().to_lowercase()), Some(guarantee));
            assert_eq!(Guarantee::from_code(guarantee.name()), Some(guarantee));
        }
        assert_eq!(Guarantee::from_code("SG"), None);
    }

    #[test]
    fn the_serialised_name_is_the_name_in_reports() {
        for guarantee in Guarantee::ALL {
            assert_eq!(serde_json::to_value(guarantee).ok(), Some(serde_json::Value::from(guarantee.name())));
        }
    }
}
