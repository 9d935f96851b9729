//! What the target says of itself: spans in, spans matched with the brackets in which scans became visible.
//!
//! In come the bytes of exporters and of saved traces, and a log whose requests carried trace ids; out come the spans that are worth
//! keeping, and [`Findings`]: which span's beginning or end goes with the scans becoming visible, how sure that is, and what the inside
//! says of the causes that were found outside. Everything is data; sentences are made in `report`. It decides nothing that was measured.

mod attributes;
mod bracketed;
mod candidates;
mod clocks;
mod evidence;
mod explain;
mod file;
mod jaeger;
mod keeper;
mod otlp;
mod otlp_json;
mod picture;
mod received;
#[cfg(test)]
mod tests;

pub use clocks::ClockBound;
pub use evidence::{InsideFact, Stance, Statement};
pub use explain::{Explanation, Findings, Outcome, SpanRow, Unexplained};
pub use file::read_file;
pub use jaeger::read_jaeger;
pub use keeper::{Bounds, Keeper};
pub use otlp::read_protobuf;
pub use otlp_json::read_json;
pub use picture::{PicturedSpan, ScanPicture};
pub use received::ReceivedSpan;

pub use candidates::{Edge, SpanName};
pub use explain::findings;

/// Where readers put spans, one by one: no reader has all of them in memory.
pub type Take<'t> = &'t mut dyn FnMut(ReceivedSpan);

/// Why spans could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Not OTLP in protobuf.
    #[error("not OTLP in protobuf: {0}")]
    Protobuf(String),
    /// Not JSON, or not of the form.
    #[error("not spans in JSON: {0}")]
    Json(String),
    /// JSON without spans.
    #[error("JSON, but neither of OpenTelemetry (`resourceSpans`) nor of Jaeger (`data`)")]
    NoSpans,
    /// A line or document that is longer than is read.
    #[error("longer than 256 MiB: split it, or keep the traces of the run alone")]
    TooLong,
    /// A message ends in the middle.
    #[error("cut off: {missing} bytes of a message of {length} are missing")]
    CutOff {
        /// What is missing, in bytes.
        missing: u64,
        /// The length that the message should have, in bytes.
        length: u64,
    },
    /// A file is compressed in a way that is not undone here.
    #[error("{file} is compressed ({how}): unpack it first with `{command}`, and give what comes out")]
    Packed {
        /// The file as the user named it.
        file: String,
        /// How it is compressed.
        how: &'static str,
        /// What unpacks it.
        command: &'static str,
    },
    /// A file holds no spans that can be read.
    #[error("{place}: {why}; {FORMATS}")]
    File {
        /// The file as the user named it, and the line or message, from 1.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A file is of a known form, and has no span.
    #[error("{file} holds no spans{why}; {FORMATS}")]
    Empty {
        /// The file as the user named it.
        file: String,
        /// What it holds instead, where that is known.
        why: &'static str,
    },
    /// The file could not be read.
    #[error("cannot read {file}")]
    Io {
        /// The file as the user named it.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// What can be read.
const FORMATS: &str = "give what the OpenTelemetry collector's file exporter writes (JSON lines or protobuf, also gzipped), or the JSON that \
                       Jaeger saves or answers at /api/traces";
