//! Laws of a delay of one size: how they are written as a knob's value, and how often they exceed a time.

use std::time::Duration;

/// The shape of a law; the size is its middle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Fixed,
    /// From a tenth of its size to 1.9 times it.
    Uniform,
    Exponential,
    /// With a standard deviation of 0.8 of the logarithm.
    LogNormal,
}

/// The laws that are no fixed time.
pub(super) const SPREAD: [Shape; 3] = [Shape::Uniform, Shape::Exponential, Shape::LogNormal];

const SIGMA: f64 = 0.8;

impl Shape {
    /// The law of this shape and size, as a knob has it.
    pub(super) fn of(self, size: Duration) -> String {
        match self {
            Shape::Fixed => written(size),
            Shape::Uniform => format!("uniform({},{})", written(size / 10), written(size.mul_f64(1.9))),
            Shape::Exponential => format!("exp({})", written(size)),
            Shape::LogNormal => format!("lognormal({},{SIGMA})", written(size)),
        }
    }

    /// The chance that a draw is longer than `time`.
    pub(super) fn exceeds(self, size: Duration, time: Duration) -> f64 {
        let ratio = time.as_secs_f64() / size.as_secs_f64();
        match self {
            Shape::Fixed => f64::from(u8::from(ratio < 1.0)),
            Shape::Uniform => ((1.9 - ratio) / 1.8).clamp(0.0, 1.0),
            Shape::Exponential => (-ratio).exp(),
            // The upper tail of the normal law.
            Shape::LogNormal => 0.5 * libm::erfc(ratio.ln() / SIGMA / std::f64::consts::SQRT_2),
        }
    }
}

/// A duration as a knob has it: `400ms`.
pub(super) fn written(duration: Duration) -> String {
    let rounded = Duration::from_micros(duration.as_micros() as u64);
    humantime::format_duration(rounded).to_string().replace(' ', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_law_exceeds_its_middle_in_about_half_of_its_draws() {
        let size = Duration::from_millis(250);
        assert_eq!(Shape::Uniform.of(size), "uniform(25ms,475ms)");
        for (shape, expected) in [(Shape::Uniform, 0.5), (Shape::Exponential, 0.368), (Shape::LogNormal, 0.5)] {
            assert!((shape.exceeds(size, size) - expected).abs() < 0.001, "{shape:?}");
            assert!(shape.exceeds(size, size * 20) < 0.001, "{shape:?}");
        }
        assert!(Shape::Fixed.exceeds(size, size / 2) > 0.99 && Shape::Fixed.exceeds(size, size) < 0.01);
    }
}
