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
    #[error("neither OTLP in JSON (`resourceSpans`) nor a trace that Jaeger saved (`data`)")]
    NoSpans,
    /// A line or document that is longer than is read.
    #[error("longer than 256 MiB: split it, or keep the traces of the run alone")]
    TooLong,
    /// A file holds no spans that can be read.
    #[error(
        "{file}:{line}: {why}; give what the OpenTelemetry collector's file exporter writes (JSON lines), or what Jaeger saves or answers at /api/traces"
    )]
    File {
        /// The file as the user named it.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: String,
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
