//! What is typed: clap's definition of each option, and what becomes of the values before a command has them.

pub mod comparison;
pub mod environment;
pub mod examples;
pub mod exit_codes;
pub mod gate;
pub mod global;
pub mod headings;
pub mod network;
pub mod parser;
pub mod probe;
pub mod repeat;
pub mod scenarios;
pub mod service;
pub mod shard;
pub mod source;
pub mod target;
pub mod traces;
pub mod twin;

use crate::model::time::Span;

/// A length of time of which nothing at all makes no sense.
pub fn some_time(text: &str) -> Result<Span, String> {
    let span: Span = text.parse().map_err(|error| format!("{error}"))?;
    if span.0.is_zero() { Err("it must be longer than 0s: write a time such as 500ms or 30s".to_owned()) } else { Ok(span) }
}

#[cfg(test)]
mod tests {
    use crate::cli::args::parser;

    #[test]
    fn times_and_counts_of_nothing_are_refused() {
        for words in [
            "run --timeout 0s",
            "run --connect-timeout 0s --target x.toml",
            "run --first-byte-timeout 0ms --target x.toml",
            "run --budget 0s",
            "run --max-scans 0",
            "run --max-jobs 0",
            "run --workers 0",
            "reproduce --budget 0s",
            "watch --every 0s",
            "watch --for 0s",
            "watch --rounds 0",
            "init x.har --wait 0s",
            "check x.toml --live --wait 0s",
        ] {
            let error = parser::parser().try_get_matches_from(std::iter::once("statusgap").chain(words.split(' ')));
            let error = error.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains("longer than 0s") || error.contains("0 is not in"), "{words}: {error}");
        }
    }
}
