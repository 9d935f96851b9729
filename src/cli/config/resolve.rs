//! Which value an option has: flag over environment over file over what is built in.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command};

use super::file::{ConfigFile, find};
use super::{WITHOUT_DEFAULTS, is_flag, is_list, is_shared, key, refusal};
use crate::cli::error::CliError;

/// Where defaults come from, beside the parser.
pub struct Sources<'a> {
    /// The working directory.
    pub folder: &'a Path,
    /// The environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

/// Where a value is from, the strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag,
    /// A variable of the environment.
    Environment {
        /// Its name.
        variable: String,
    },
    /// The configuration file.
    File {
        /// The file as it is told.
        path: String,
        /// The value's line, from 1.
        line: usize,
    },
    /// The program.
    BuiltIn,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag => f.write_str("flag"),
            Origin::Environment { variable } => f.write_str(variable),
            Origin::File { path, line } => write!(f, "{path}:{line}"),
            Origin::BuiltIn => f.write_str("default"),
        }
    }
}

/// One option's value.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The name in files.
    pub key: String,
    /// The values in effect; empty: none.
    pub values: Vec<String>,
    /// Where they are from.
    pub origin: Origin,
    /// Something that was said and does not count, since what contradicts it was said more strongly.
    pub yields: Option<String>,
}

/// A command line with everything that it left out.
pub struct Effective {
    /// The words as if all had been typed.
    pub words: Vec<OsString>,
    /// The values, in the order of the help. Empty for a command that takes no defaults.
    pub settings: Vec<Setting>,
    /// The configuration file that was read.
    pub file: Option<String>,
}

impl Effective {
    /// The words as text, for the log's header.
    pub fn text(&self) -> Vec<String> {
        self.words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    /// What was set by neither the command line nor the program, in one line; nothing if that is so of nothing.
    pub fn note(&self) -> Option<String> {
        let told: Vec<String> = self
            .settings
            .iter()
            .filter(|setting| matches!(setting.origin, Origin::Environment { .. } | Origin::File { .. }))
            .map(|setting| format!("{} ({})", setting.key, setting.origin))
            .collect();
        (!told.is_empty()).then(|| format!("set beforehand: {}", told.join(", ")))
    }
}

/// Why there are no effective words.
#[derive(Debug)]
pub enum Refused {
    /// clap says so: wrong usage, or a request for help.
    Usage(clap::Error),
    /// A default is wrong.
    Default(CliError),
}

impl<E: Into<CliError>> From<E> for Refused {
    fn from(error: E) -> Refused {
        Refused::Default(error.into())
    }
}

/// Fills in what the command line leaves out.
pub fn effective(words: &[OsString], parser: &Command, sources: &Sources<'_>) -> Result<Effective, Refused> {
    let mut parser = parser.clone();
    parser.build();
    // Only which options were typed is asked here; what is wrong with them is told when the effective words are parsed.
    let typed = parser.clone().ignore_errors(true).try_get_matches_from(words).map_err(Refused::Usage)?;
    let nothing = || Effective { words: words.to_vec(), settings: Vec::new(), file: None };
    let Some((name, typed)) = typed.subcommand() else { return Ok(nothing()) };
    let Some(command) = parser.find_subcommand(name).filter(|_| !WITHOUT_DEFAULTS.contains(&name)) else { return Ok(nothing()) };

    let file = read_file(typed, &parser, sources)?;
    let mut candidates = Vec::new();
    for arg in command.get_arguments() {
        if let Some(candidate) = candidate(command, arg, typed, file.as_ref(), sources)? {
            candidates.push(candidate);
        }
    }
    let settled = settle(command, candidates)?;
    let added = settled.iter().filter(|candidate| candidate.setting.yields.is_none()).flat_map(Candidate::words);
    let after = 1 + command_at(words, &parser, name);
    let words = words[..after].iter().cloned().chain(added).chain(words[after..].iter().cloned()).collect();
    let settings = settled.into_iter().map(|candidate| candidate.setting).collect();
    Ok(Effective { words, settings, file: file.map(|file| file.path) })
}

fn read_file(typed: &ArgMatches, parser: &Command, sources: &Sources<'_>) -> Result<Option<ConfigFile>, Refused> {
    let named = typed.try_get_one::<PathBuf>("config").ok().flatten().cloned();
    let Some(path) = named.or_else(|| find(sources.folder)) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).map_err(|source| CliError::file("read the configuration file", &path, source))?;
    Ok(Some(ConfigFile::read(path.display().to_string(), text, parser)?))
}

/// An option with the value that it has if nothing contradicts it.
struct Candidate<'a> {
    arg: &'a Arg,
    rank: Rank,
    setting: Setting,
}

/// How strongly something was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    BuiltIn,
    File,
    FileForCommand,
    Environment,
    EnvironmentForCommand,
    Typed,
}

impl Candidate<'_> {
    /// The words to add to the command line.
    fn words(&self) -> Vec<OsString> {
        if matches!(self.rank, Rank::Typed | Rank::BuiltIn) {
            return Vec::new();
        }
        let word = |value: &String| match self.arg.get_long() {
            Some(long) if is_flag(self.arg) => format!("--{long}"),
            Some(long) => format!("--{long}={value}"),
            None => value.clone(),
        };
        self.setting.values.iter().map(|value| OsString::from(word(value))).collect()
    }
}

fn candidate<'a>(
    command: &Command,
    arg: &'a Arg,
    typed: &ArgMatches,
    file: Option<&ConfigFile>,
    sources: &Sources<'_>,
) -> Result<Option<Candidate<'a>>, Refused> {
    let Some(key) = key(arg) else { return Ok(None) };
    let make =
        |values, origin, rank| Ok(Some(Candidate { arg, rank, setting: Setting { key: key.clone(), values, origin, yields: None } }));
    let id = arg.get_id().as_str();
    if typed.try_contains_id(id).is_ok() && typed.value_source(id) == Some(ValueSource::CommandLine) {
        let raw = typed.get_raw(id).into_iter().flatten().map(|value| value.to_string_lossy().into_owned());
        return make(if is_flag(arg) { vec![String::new()] } else { raw.collect() }, Origin::Flag, Rank::Typed);
    }
    let shared = is_shared(command.get_name(), arg);
    let own_variable = format!("STATUSGAP_{}_{}", command.get_name(), key).to_uppercase().replace('-', "_");
    let variable = format!("STATUSGAP_{key}").to_uppercase();
    for (variable, rank, counts) in [(own_variable, Rank::EnvironmentForCommand, true), (variable, Rank::Environment, shared)] {
        if let Some(value) = (sources.variable)(&variable).filter(|value| counts && !value.is_empty()) {
            let values = from_variable(arg, &variable, &value)?;
            return make(values, Origin::Environment { variable }, rank);
        }
    }
    if let Some((file, said)) = file.and_then(|file| Some((file, file.says(command.get_name(), arg)?))) {
        let rank = if said.own { Rank::FileForCommand } else { Rank::File };
        return make(said.values, Origin::File { path: file.path.clone(), line: said.line }, rank);
    }
    let built_in = if is_flag(arg) { Vec::new() } else { arg.get_default_values().to_vec() };
    make(built_in.iter().map(|value| value.to_string_lossy().into_owned()).collect(), Origin::BuiltIn, Rank::BuiltIn)
}

/// A variable's value as it would be typed. A list is separated by spaces.
fn from_variable(arg: &Arg, variable: &str, value: &str) -> Result<Vec<String>, CliError> {
    if is_flag(arg) {
        return match value.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(vec![String::new()]),
            "0" | "false" | "no" | "off" => Ok(Vec::new()),
            _ => Err(CliError::usage(format!("{variable} is `{value}`"), "set it to true or false")),
        };
    }
    let values: Vec<String> = if is_list(arg) { value.split_whitespace().map(str::to_owned).collect() } else { vec![value.to_owned()] };
    match values.iter().find_map(|value| refusal(arg, value)) {
        Some(why) => Err(CliError::usage(format!("{variable} is wrong: {why}"), format!("it stands for --{}", arg.get_id().as_str()))),
        None => Ok(values),
    }
}

/// Lets what is contradicted by something stronger give way; what is contradicted by its equal is refused.
fn settle<'a>(command: &Command, mut candidates: Vec<Candidate<'a>>) -> Result<Vec<Candidate<'a>>, Refused> {
    let said: Vec<(&Arg, Rank, String)> = candidates
        .iter()
        .filter(|candidate| candidate.rank > Rank::BuiltIn && !candidate.setting.values.is_empty())
        .map(|candidate| (candidate.arg, candidate.rank, format!("{} ({})", candidate.setting.key, candidate.setting.origin)))
        .collect();
    for candidate in &mut candidates {
        if matches!(candidate.rank, Rank::Typed | Rank::BuiltIn) || candidate.setting.values.is_empty() {
            continue;
        }
        for (_, rank, told) in said.iter().filter(|(other, ..)| contradict(command, candidate.arg, other)) {
            if *rank == candidate.rank {
                let setting = &candidate.setting;
                return Err(Refused::Default(CliError::usage(
                    format!("{} ({}) contradicts {told}", setting.key, setting.origin),
                    "leave one of them out",
                )));
            }
            if *rank > candidate.rank && candidate.setting.yields.is_none() {
                candidate.setting.yields = Some(format!("{} yields to {told}", candidate.setting.origin));
            }
        }
        if candidate.setting.yields.is_some() {
            candidate.setting.values =
                candidate.arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
            candidate.setting.origin = Origin::BuiltIn;
        }
    }
    Ok(candidates)
}

fn contradict(command: &Command, a: &Arg, b: &Arg) -> bool {
    let names = |a: &Arg, b: &Arg| command.get_arg_conflicts_with(a).iter().any(|other| other.get_id() == b.get_id());
    names(a, b) || names(b, a)
}

/// Where the command's name stands among the words.
fn command_at(words: &[OsString], parser: &Command, name: &str) -> usize {
    let takes_value = |word: &str| {
        let long = word.strip_prefix("--");
        parser.get_arguments().any(|arg| arg.get_long() == long && long.is_some() && !is_flag(arg))
    };
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|word| word.to_str()) {
        if word == name {
            return at;
        }
        at += if takes_value(word) { 2 } else { 1 };
    }
    // clap found the command among these words, so the loop does, too.
    words.len().saturating_sub(1)
}
