//! The exit codes, as a page.

use crate::verdict::Verdict;

/// What the process ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All expectations held.
    Pass = 0,
    /// An expectation failed: the gap is back.
    Fail = 1,
    /// Wrong usage, or a wrong scenario or target file.
    Usage = 2,
    /// It could not be measured: target unreachable, too many errors, too few samples, unassessable contract.
    Inconclusive = 3,
    /// The user stopped the run; the log is kept and the partial report written.
    Interrupted = 130,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Exit {
        match verdict {
            Verdict::Pass => Exit::Pass,
            Verdict::Fail => Exit::Fail,
            Verdict::Inconclusive => Exit::Inconclusive,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> std::process::ExitCode {
        std::process::ExitCode::from(exit as u8)
    }
}
