//! The options of traces: the ids that requests carry, and where spans of the target come from.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use crate::cli::terminal::output;
use crate::model::time::Span;
use crate::run::{SpanOptions, USUAL_ADDRESS, USUAL_WAIT};

/// What is asked of traces.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Traces")]
pub struct TraceArgs {
    /// Sends no `traceparent` and `tracestate`, by which a tracing backend finds each request
    #[arg(long, conflicts_with_all = ["otlp", "traces"])]
    pub no_trace_headers: bool,
    /// Receives spans of the target over OTLP/HTTP while the run goes on, and says which of them makes jobs visible. The service
    /// needs `OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318` and `OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub otlp: Option<SocketAddr>,
    /// Reads spans when the run has ended: what the OpenTelemetry collector's file exporter writes, or what Jaeger saves; may be repeated
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub traces: Vec<PathBuf>,
    /// How long spans are waited for after the last request: exporters send theirs every 5 s
    #[arg(long, value_name = "TIME", default_value_t = Span(USUAL_WAIT))]
    pub span_wait: Span,
}

/// An address to listen on; a port alone means this machine.
fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.trim_start_matches(':').parse::<u16>();
    let loopback = |port| SocketAddr::from(([127, 0, 0, 1], port));
    let named = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
    text.parse()
        .ok()
        .or_else(|| port.ok().map(loopback))
        .or_else(|| named.map(loopback))
        .ok_or_else(|| format!("give an address of this machine and a port, such as {USUAL_ADDRESS}, where exporters look by default"))
}

impl TraceArgs {
    /// What a run is to do.
    pub fn options(&self, quiet: bool) -> SpanOptions {
        if let Some(address) = self.otlp.filter(|address| !address.ip().is_loopback() && !quiet) {
            output::eprint_note(&format!(
                "note: anyone who can reach {address} can send spans to this run; it keeps only those of its own requests. 127.0.0.1 keeps others out"
            ));
        }
        SpanOptions { headers: !self.no_trace_headers, listen: self.otlp, files: self.traces.clone(), wait: self.span_wait.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_means_this_machine() {
        for (text, told) in [
            ("4318", Some("127.0.0.1:4318")),
            (":0", Some("127.0.0.1:0")),
            ("localhost:4318", Some("127.0.0.1:4318")),
            ("0.0.0.0:4318", Some("0.0.0.0:4318")),
            ("[::1]:4318", Some("[::1]:4318")),
            ("http://127.0.0.1:4318", None),
            ("127.0.0.1", None),
        ] {
            assert_eq!(address(text).ok().map(|address| address.to_string()).as_deref(), told, "{text}");
        }
    }
}
