//! Recordings: traffic that somebody else sent becomes a log, and no new request is sent.
//!
//! In come a HAR file, a k6 result, an access log or JSON lines, and the target file that says what initiate, id and `not_found`
//! mean in it; out come exchanges and scenarios, as a probe would have written them, with a note on what such a recording cannot
//! show. Each format has a small file that turns lines or entries into records; `assemble` makes scans of them. This
//! room reads from whatever it is given, knows no file, no clock and no network, and judges nothing; of the other rooms it may
//! name `model` and `target`.
//!
//! Stamps are read with their step (a second in most access logs, a millisecond in a browser's HAR), and whatever the step leaves
//! open widens the bracket: a bracket from a recording holds for each instant that the stamps allow.

mod assemble;
mod har;
mod json_lines;
mod k6;
mod lines;
mod own;
mod record;
mod scans;
mod stamps;
#[cfg(test)]
mod tests;
mod text_lines;

use std::io::BufRead;

use crate::model::exchange::Exchange;
use crate::model::recording::Recording;
use crate::model::run::{EndReason, Run};
use crate::model::scenario::Scenario;
use crate::model::time::{Nanos, Span};
use crate::target::{Hosts, Target};

pub use json_lines::{Mapping, MappingError};
pub use text_lines::{LogFormat, LogFormatError};

use assemble::Assembler;

/// What kind of recording it is.
#[derive(Debug, Clone)]
pub enum Format {
    /// An HTTP Archive, as browsers and proxies write it.
    Har,
    /// What `k6 run --out json` writes.
    K6Json,
    /// A server's log, a line of text for each request.
    AccessLog(LogFormat, Stamped),
    /// A line of JSON for each request; the name says whether a server wrote it.
    JsonLines(Mapping, Stamped, &'static str),
}

/// Which instant of a request its stamp tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamped {
    /// When it began.
    Start,
    /// When it had been answered, as in nginx.
    End,
}

/// How a recording is read.
#[derive(Debug)]
pub struct Options<'a> {
    /// What the requests mean; `None` for a HAR file that this tool wrote, which brings its meaning along.
    pub target: Option<&'a Target>,
    /// Whose requests are taken.
    pub hosts: Hosts,
    /// The ages at which rates are counted.
    pub at: Vec<Span>,
    /// How far from such an age a poll may lie.
    pub tolerance: Span,
}

/// A recording as a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The header of the run it was made from, for a HAR file that this tool wrote.
    pub run: Option<Run>,
    /// How the recording ended; `None` where a run of this tool was cut off.
    pub end: Option<EndReason>,
    /// Wall clock at stamp zero, RFC 3339.
    pub started: String,
    /// What the exchanges belong to.
    pub scenarios: Vec<Scenario>,
    /// The exchanges, as they were sent.
    pub exchanges: Vec<Exchange>,
    /// Where they come from.
    pub recording: Recording,
    /// The coarsest step of the recording's stamps.
    pub resolution: Nanos,
}

/// Why a recording cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file could not be read.
    #[error("cannot read {file}")]
    Io {
        /// The file as the user named it.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is not of this format.
    #[error("{file}:{place}: not {wanted}: {why}\n  hint: name the file's own format: har, k6-json, access-log or ndjson")]
    NotOfFormat {
        /// The file as the user named it.
        file: String,
        /// Line, or line and column.
        place: String,
        /// What was expected.
        wanted: &'static str,
        /// What the parser said.
        why: String,
    },
    /// Too many lines cannot be read.
    #[error("{file}: {bad} of {of} {unit} cannot be read; the first:{first}\n  hint: {hint}")]
    TooManyBad {
        /// The file as the user named it.
        file: String,
        /// How many.
        bad: u64,
        /// Of how many.
        of: u64,
        /// `lines` or `entries`.
        unit: &'static str,
        /// The first of them with their reasons, a line each.
        first: String,
        /// What to do.
        hint: &'static str,
    },
    /// Nothing in it is about the target.
    #[error("{file}: none of {requests} requests is one to the target's initiate or status\n  hint: {hint}")]
    NothingRecognised {
        /// The file as the user named it.
        file: String,
        /// How many requests it has.
        requests: u64,
        /// What to do.
        hint: String,
    },
    /// Without a target file nothing can be understood.
    #[error(
        "{file}: there is nothing in it that says what its requests mean\n  hint: give a target file: --target FILE \
         (only a HAR file that statusgap wrote brings its own)"
    )]
    NoTarget {
        /// The file as the user named it.
        file: String,
    },
}

/// Reads a recording. `file` is its name, for complaints and the note in the log.
pub fn import(file: &str, input: impl BufRead, format: &Format, options: &Options<'_>) -> Result<Imported, ImportError> {
    let Some(target) = options.target else {
        return match format {
            Format::Har => own::read(file, input),
            _ => Err(ImportError::NoTarget { file: file.to_owned() }),
        };
    };
    let mut assembler = Assembler::new(target, options.hosts);
    match format {
        Format::Har => har::read(file, input, &mut assembler)?,
        Format::K6Json => lines::read(file, input, lines::Wanted::K6, k6::record, &mut assembler)?,
        Format::AccessLog(format, stamped) => {
            lines::read(file, input, lines::Wanted::Text, |line| format.record(line, *stamped).map(Some), &mut assembler)?;
        }
        Format::JsonLines(mapping, stamped, _) => {
            lines::read(file, input, lines::Wanted::Json, |line| mapping.record(line, *stamped).map(Some), &mut assembler)?;
        }
    }
    assembler.finish(file, format, options)
}

impl Format {
    /// The name on the command line and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Format::Har => "har",
            Format::K6Json => "k6-json",
            Format::AccessLog(..) => "access-log",
            Format::JsonLines(_, _, name) => name,
        }
    }

    /// Whether a server wrote it, rather than a client.
    fn is_of_server(&self) -> bool {
        self.name() == "access-log"
    }
}
