//! The headings of help. They also say what an option is about, which decides what else is done with it.

/// How every command speaks, and where its defaults come from.
pub const COMMON: &str = "Common";

/// What becomes of a result.
pub const OUTPUT: &str = "Output";

/// How rounds follow one another.
pub const WATCH: &str = "Watch";

/// Something else than the command's work.
pub const INFORMATION: &str = "Information";

/// Whether options below a heading change what is measured. The others have no place in the command that repeats a run.
pub fn is_measured(heading: Option<&str>) -> bool {
    !matches!(heading, Some(COMMON | OUTPUT | WATCH))
}
