//! The files that commands write beside a run's log, by name.

use crate::report::Format;
use crate::run::Artefacts;

pub use crate::log::storage::{LOG, OwnFolder, create, write_streamed, write_whole};

/// The result, for programs.
const RESULT: &str = "result.json";

/// The script that shows a fault with curl.
pub const SCRIPT: &str = "repro.sh";

/// The note that says why there is no script, in its place.
pub const NO_SCRIPT: &str = "repro.txt";

/// The target file that a run made for itself.
pub const DERIVED_TARGET: &str = "derived-target.toml";

/// The comparison with another run, for programs.
pub const COMPARISON: &str = "comparison.json";

/// The same in markdown.
pub const COMPARISON_TEXT: &str = "comparison.md";

/// The requests as an HTTP Archive.
pub const ARCHIVE: &str = "requests.har";

/// What a run's folder may hold beside the log.
pub fn artefacts() -> Artefacts {
    let common = Format::ALL.iter().map(|format| format.file_name()).chain([COMPARISON, COMPARISON_TEXT]);
    Artefacts {
        own: vec![RESULT, "report.md", "report.html", SCRIPT, NO_SCRIPT, ARCHIVE, DERIVED_TARGET],
        common: common.collect(),
        result: RESULT,
    }
}
