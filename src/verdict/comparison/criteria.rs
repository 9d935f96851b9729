//! What counts as a regression: how sure, and how large.

use std::fmt;
use std::str::FromStr;

use crate::model::time::Span;

/// When a difference is told as a regression.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Criteria {
    /// The chance of any false regression in the whole comparison (Holm over all its tests).
    pub alpha: f64,
    /// A rate of denials must rise by at least this share of all scans.
    pub min_rate: Share,
    /// A window must become longer by at least this.
    pub min_window: Minimum,
    /// A round trip must become longer by at least this.
    pub min_latency: Minimum,
    /// The seed of permutations that are drawn.
    pub seed: u64,
}

impl Default for Criteria {
    fn default() -> Self {
        Criteria {
            alpha: 0.01,
            min_rate: Share(0.01),
            min_window: Minimum { share: Share(0.1), floor: Span::millis(20) },
            min_latency: Minimum { share: Share(0.2), floor: Span::millis(1) },
            seed: 1,
        }
    }
}

/// A share of 0 to 1, written in per cent.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// A difference in time that matters: at least this share of the old value, and at least this long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Minimum {
    /// Of the old value.
    pub share: Share,
    /// In any case.
    pub floor: Span,
}

impl Minimum {
    /// The smallest difference in ms that matters beside an old value.
    pub fn beside(self, base_ms: f64) -> f64 {
        (self.share.0 * base_ms).max(self.floor.as_ms())
    }
}

/// Why a text is not a minimum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CriterionError {
    /// Not a share.
    #[error("`{0}` is not a share: write a percentage such as 1% or 12.5%")]
    Share(String),
    /// Not a share with a floor.
    #[error(
        "`{0}` is not a minimum: write a percentage, and after a comma a length of time if it is to have another floor: 10% or 10%,20ms"
    )]
    Minimum(String),
}

impl FromStr for Share {
    type Err = CriterionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
        match number {
            Some(percent) if (0.0..=10_000.0).contains(&percent) => Ok(Share(percent / 100.0)),
            _ => Err(CriterionError::Share(text.to_owned())),
        }
    }
}

impl Minimum {
    /// Reads a share, with or without a floor; without one it has that of `usual`.
    pub fn read(text: &str, usual: Minimum) -> Result<Minimum, CriterionError> {
        let wrong = || CriterionError::Minimum(text.to_owned());
        let (share, floor) = text.split_once(',').map_or((text, None), |(share, floor)| (share, Some(floor)));
        let floor = floor.map_or(Ok(usual.floor), |floor| floor.parse().map_err(|_| wrong()))?;
        Ok(Minimum { share: share.parse().map_err(|_| wrong())?, floor })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ten digits hide the rounding of a division by a hundred.
        let text = format!("{:.8}", self.0 * 100.0);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl fmt::Display for Minimum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.share, self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Minimum = Minimum { share: Share(0.2), floor: Span::millis(1) };

    #[test]
    fn minima_are_read_as_they_are_written() {
        for (text, told) in [("10%", "10%,1ms"), ("10%,20ms", "10%,20ms"), (" 0.5% , 0s", "0.5%,0s"), ("12.5%,2s", "12.5%,2s")] {
            assert_eq!(Minimum::read(text, USUAL).map(|minimum| minimum.to_string()), Ok(told.to_owned()), "{text}");
        }
        for text in ["10", "ten%", "10%,20", "-1%", "", "NaN%"] {
            assert!(Minimum::read(text, USUAL).is_err(), "{text}");
        }
    }

    #[test]
    fn a_small_value_is_held_to_the_floor_and_a_large_one_to_the_share() {
        assert!((USUAL.beside(2.0) - 1.0).abs() < 1e-12);
        assert!((USUAL.beside(100.0) - 20.0).abs() < 1e-12);
    }
}
