//! Service level objectives: how long a job may take, at which quantile.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::Span;

/// One objective: of all accepted jobs, the share `quantile` has reached `event` at most `at_most` after the id was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Slo {
    /// What is waited for.
    pub event: SloEvent,
    /// The share of jobs, between 0 and 1: 0.99 for `p99`.
    pub quantile: f64,
    /// The longest time that is acceptable.
    pub at_most: Span,
}

/// What an objective waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SloEvent {
    /// Status knows the job.
    Visible,
    /// The job has ended.
    Done,
}

impl SloEvent {
    /// The key in a target file.
    pub fn word(self) -> &'static str {
        match self {
            SloEvent::Visible => "visible",
            SloEvent::Done => "done",
        }
    }
}

/// The form of an objective, for errors.
const FORM: &str = "write it as `p99 <= 200ms`";

impl Slo {
    /// Reads `p99 <= 200ms`. The error is a fragment for the author of the file.
    pub fn read(event: SloEvent, text: &str) -> Result<Slo, String> {
        let parts = ["<=", "≤", "<"].iter().find_map(|sign| text.split_once(sign));
        let (quantile, bound) = parts.ok_or_else(|| format!("`{text}` is not an objective: {FORM}"))?;
        let percent: f64 = quantile
            .trim()
            .strip_prefix(['p', 'P'])
            .and_then(percent)
            .ok_or_else(|| format!("`{}` is not a quantile such as p50, p95, p99 or p99.9: {FORM}", quantile.trim()))?;
        let at_most: Span = bound.parse().map_err(|error: crate::model::time::SpanError| error.to_string())?;
        if at_most.0.is_zero() {
            return Err("no job is ready in no time: give a bound above 0".to_owned());
        }
        Ok(Slo { event, quantile: percent / 100.0, at_most })
    }

    /// The quantile as it is written: `p99`, `p99.9`.
    pub fn quantile_word(&self) -> String {
        // Rounded, because 0.999 × 100 is not 99.9 in binary.
        let percent = (self.quantile * 1e9).round() / 1e7;
        format!("p{percent}")
    }
}

/// The digits after `p`. As monitoring systems have it, `p999` is 99.9 %.
fn percent(digits: &str) -> Option<f64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let percent: f64 = match digits {
        nines if nines.len() > 2 && nines.starts_with('9') && !nines.contains('.') => {
            format!("{}.{}", &nines[..2], &nines[2..]).parse().ok()?
        }
        other => other.parse().ok()?,
    };
    (0.0 < percent && percent < 100.0).then_some(percent)
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} <= {}", self.event.word(), self.quantile_word(), self.at_most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_is_read_and_written() {
        for (text, shown, quantile) in [
            ("p99 <= 200ms", "visible p99 <= 200ms", 0.99),
            (" P99.9<2s", "visible p99.9 <= 2s", 0.999),
            ("p999 ≤ 1m", "visible p99.9 <= 1m", 0.999),
            ("p5 <= 1s", "visible p5 <= 1s", 0.05),
        ] {
            let slo = Slo::read(SloEvent::Visible, text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
            assert_eq!(slo.to_string(), shown);
            assert!((slo.quantile - quantile).abs() < 1e-12, "{text}: {}", slo.quantile);
        }
    }

    #[test]
    fn what_is_no_objective_is_refused_with_its_reason() {
        for (text, reason) in [
            ("200ms", "not an objective"),
            ("99 <= 200ms", "not a quantile"),
            ("p <= 1s", "not a quantile"),
            ("p100 <= 1s", "not a quantile"),
            ("p0 <= 1s", "not a quantile"),
            ("p99 <= 200", "with a unit"),
            ("p99 <= 0s", "above 0"),
            ("p9e1 <= 1s", "not a quantile"),
        ] {
            let problem = Slo::read(SloEvent::Done, text).expect_err(text);
            assert!(problem.contains(reason), "{text}: {problem}");
        }
    }
}
