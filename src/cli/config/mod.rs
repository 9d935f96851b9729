//! Defaults: what a command's options are when the command line leaves them out.
//!
//! In come the words of the command line, the parser, the environment and `statusgap.toml`; out come the words as if
//! everything had been typed, and a table of where each value is from. A key of the file is an option's long name with `_`
//! for `-`, and so is the variable `STATUSGAP_KEY`; both are read off the parser, so that an option which is added later has
//! them from its first day. This room knows no option by its meaning, and does not run commands.

mod file;
mod resolve;

pub use file::NAME;
pub use resolve::{Effective, Origin, Refused, Setting, Sources, effective};

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, Command, ValueHint};

use crate::cli::args::headings::INFORMATION;

/// Commands that share the keys at the top of the file, and the variables without a command's name: those that probe.
pub(super) const PROBING: [&str; 3] = ["run", "reproduce", "watch"];

/// Commands that print a text of their own. They must work whatever the file says.
const WITHOUT_DEFAULTS: [&str; 5] = ["completions", "explain", "help", "man", "schema"];

/// The name by which files and variables call an option; `None` if it cannot have a default.
fn key(arg: &Arg) -> Option<String> {
    if !can_have_default(arg) {
        return None;
    }
    match arg.get_long() {
        Some(long) => Some(long.replace('-', "_")),
        // Of what has no flag, only a list that may be left out: the scenarios of a run.
        None if arg.is_positional() && !arg.is_required_set() && is_list(arg) => Some(arg.get_id().to_string()),
        None => None,
    }
}

/// Whether a default makes sense: not for what asks for something else than the command's work, and not for where to look.
fn can_have_default(arg: &Arg) -> bool {
    let asks_for_text = matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version);
    // A variable of its own is the only other place where the file with defaults may be named.
    !asks_for_text && arg.get_env().is_none() && arg.get_help_heading() != Some(INFORMATION)
}

/// Whether a key at the top of the file means this option of this command.
fn is_shared(command: &str, arg: &Arg) -> bool {
    arg.is_global_set() || PROBING.contains(&command)
}

/// Whether an option takes several values.
fn is_list(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append)
}

/// Whether an option is there or not, and takes no value.
pub fn is_flag(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count)
}

/// Whether a value names a file or a folder, by which its meaning depends on where it is written.
fn is_path(arg: &Arg) -> bool {
    matches!(arg.get_value_hint(), ValueHint::AnyPath | ValueHint::FilePath | ValueHint::DirPath)
}

/// Why an option would refuse a value, by its own parser.
fn refusal(arg: &Arg, value: &str) -> Option<String> {
    let mut alone = Arg::new("value").long("value").action(ArgAction::Append).value_parser(ValueParser::clone(arg.get_value_parser()));
    if let Some(delimiter) = arg.get_value_delimiter() {
        alone = alone.value_delimiter(delimiter);
    }
    let error = Command::new("value").no_binary_name(true).arg(alone).try_get_matches_from([format!("--value={value}")]).err()?;
    let allowed = match error.get(clap::error::ContextKind::ValidValue) {
        Some(clap::error::ContextValue::Strings(allowed)) => Some(format!("use one of: {}", allowed.join(", "))),
        _ => None,
    };
    Some(std::error::Error::source(&error).map(ToString::to_string).or(allowed).unwrap_or_else(|| error.kind().to_string()))
}
