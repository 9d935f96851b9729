//! An age axis across the width of a chart. Places are per cents, so that a chart is as wide as its page and its text is not
//! scaled with it.

use maud::{Markup, html};

use crate::model::time::Nanos;
use crate::report::words;

/// How ages become places.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    end_ms: f64,
    scale: Scale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    /// Even up to about [`BEND_MS`], logarithmic beyond, so that 0 has a place.
    Logarithmic,
}

const BEND_MS: f64 = 50.0;

/// Up to so many times the age that matters, a linear axis still shows it.
const LINEAR_REACH: f64 = 8.0;

impl Axis {
    /// An axis from 0 to an age.
    pub(super) fn linear(end_ms: f64) -> Axis {
        Axis { end_ms: end_ms.max(1e-6), scale: Scale::Linear }
    }

    /// An axis on which both the age that matters and the last one can be read.
    pub(super) fn showing(matters_ms: f64, end_ms: f64) -> Axis {
        let scale = if end_ms > LINEAR_REACH * matters_ms.max(BEND_MS) { Scale::Logarithmic } else { Scale::Linear };
        Axis { end_ms: (end_ms * 1.04).max(1.0), scale }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        self.scale == Scale::Logarithmic
    }

    /// An age's place, 0 to 100.
    fn place(&self, ms: f64) -> f64 {
        let ms = ms.clamp(0.0, self.end_ms);
        100.0
            * match self.scale {
                Scale::Linear => ms / self.end_ms,
                Scale::Logarithmic => (ms / BEND_MS).ln_1p() / (self.end_ms / BEND_MS).ln_1p(),
            }
    }

    /// An age's place as an attribute's value: `12.5%`.
    pub(super) fn at(&self, ms: f64) -> String {
        percent(self.place(ms))
    }

    /// The width from one age to another.
    pub(super) fn width(&self, from_ms: f64, to_ms: f64) -> String {
        percent((self.place(to_ms) - self.place(from_ms)).max(0.0))
    }

    /// Whether an age stands in the right half.
    pub(super) fn is_right(&self, ms: f64) -> bool {
        self.place(ms) > 50.0
    }

    /// How far apart two ages stand, in per cent of the width.
    pub(super) fn distance(&self, a_ms: f64, b_ms: f64) -> f64 {
        (self.place(a_ms) - self.place(b_ms)).abs()
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let rough = self.end_ms / 5.0;
                let power = 10f64.powf(rough.log10().floor());
                let step =
                    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough * 0.999).unwrap_or(rough);
                (0..=5).map(|n| f64::from(n) * step).filter(|tick| *tick <= self.end_ms * 1.0001).collect()
            }
            Scale::Logarithmic => {
                let decades = (2..9).map(|power| 10f64.powi(power)).filter(|tick| *tick <= self.end_ms);
                std::iter::once(0.0).chain(decades).collect()
            }
        }
    }

    /// Vertical lines through a chart and, below it, the ages they stand for.
    pub(super) fn svg(&self, top: f64, bottom: f64) -> Markup {
        html! {
            @for tick in self.ticks() {
                @let x = self.at(tick);
                @let class = if self.place(tick) > 96.0 { "tick last" } else if tick == 0.0 { "tick first" } else { "tick" };
                line.grid x1=(x) x2=(x) y1=(top) y2=(bottom) {}
                text class=(class) x=(x) y=(bottom + 16.0) {
                    @if tick == 0.0 { "0" } @else { (words::planned(Nanos((tick * 1e6).round() as i64))) }
                }
                "\n"
            }
        }
    }

    /// The lines alone, for charts that share the ages of another one.
    pub(super) fn grid(&self, top: f64, bottom: f64) -> Markup {
        html! { @for tick in self.ticks() { @let x = self.at(tick); line.grid x1=(x) x2=(x) y1=(top) y2=(bottom) {} } }
    }
}

/// Horizontal lines for none, half and all of the scans, each with its label; `y` is the place of a share.
pub(super) fn shares(y: impl Fn(f64) -> f64) -> Markup {
    html! {
        @for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
            @let at = short(y(share));
            line.grid x1="0" x2="100%" y1=(at) y2=(at) {}
            text.label x="-8" y=(short(y(share) + 4.0)) { (label) }
            "\n"
        }
    }
}

/// A length with at most two digits after the point.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn percent(value: f64) -> String {
    format!("{}%", short(value + 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (end, expected) in [
            (2500.0, vec![0.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0]),
            (1000.0, vec![0.0, 200.0, 400.0, 600.0, 800.0, 1000.0]),
            (300.0, vec![0.0, 100.0, 200.0, 300.0]),
        ] {
            assert_eq!(Axis::linear(end).ticks(), expected);
        }
    }

    #[test]
    fn an_early_denial_keeps_its_room_beside_a_late_end() {
        let axis = Axis::showing(2000.0, 170_000.0);
        assert!(axis.is_logarithmic() && axis.place(2000.0) > 30.0, "{}", axis.place(2000.0));
        assert_eq!(axis.ticks(), [0.0, 100.0, 1000.0, 10_000.0, 100_000.0]);
        assert!(!Axis::showing(2000.0, 12_000.0).is_logarithmic());
        assert_eq!(Axis::linear(200.0).at(25.0), "12.5%");
    }
}
