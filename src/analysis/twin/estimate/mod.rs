//! From a log to the settings of the reference service that would show what was seen, class by class.
//!
//! An estimate is made whether or not its class is likely, as long as the log has its signature; whether it explains the log is decided
//! by running it. [`ESTIMATORS`] has one row for each class: to add a class, add its row.

mod answers;
mod first_words;
mod flaps;
mod job;
mod kept;
mod lattice;
mod lost;
mod queue;
mod window;
mod writes;

use crate::analysis::twin::law::{LIKELY, Law, LawFit, quantile};
use crate::analysis::twin::rows::{Row, Trip};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::statistics::binomial::{lower_limit, upper_limit};

pub(super) use job::job;

/// What estimates are made of.
pub(super) struct Evidence<'a> {
    pub(super) journal: &'a Journal,
    pub(super) rows: &'a [Row<'a>],
    pub(super) trip: Trip,
}

/// The value of a knob of the reference service.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A duration.
    Law(Law),
    /// A number.
    Count(u64),
    /// A share from 0 to 1.
    Share(f64),
    /// One of the knob's words.
    Word(&'static str),
}

impl Value {
    /// As `--set` takes it.
    pub fn text(self) -> String {
        match self {
            Value::Law(law) => law.knob(),
            Value::Count(count) => count.to_string(),
            Value::Share(share) => ((share.clamp(0.0, 1.0) * 1e4).round() / 1e4).to_string(),
            Value::Word(word) => word.to_owned(),
        }
    }

    /// The number by which values of a knob are ordered: a median in milliseconds, a count, or a share; none of a word.
    pub(super) fn size(self) -> Option<f64> {
        match self {
            Value::Law(law) => Some(law.median()),
            Value::Count(count) => Some(count as f64),
            Value::Share(share) => Some(share),
            Value::Word(_) => None,
        }
    }
}

/// A knob of the reference service, and its value.
pub type Knob = (&'static str, Value);

/// Settings of the reference service, on top of its sound preset.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Point {
    /// Each knob once.
    pub knobs: Vec<Knob>,
    /// How long the service has been up when the run begins, in milliseconds: what it does periodically depends on it.
    pub uptime_ms: f64,
}

impl Point {
    /// These settings with those of another on top.
    #[must_use]
    pub fn with(mut self, other: &Point) -> Point {
        self.knobs.retain(|(name, _)| other.knobs.iter().all(|(others, _)| others != name));
        self.knobs.extend(other.knobs.iter().copied());
        self.uptime_ms = self.uptime_ms.max(other.uptime_ms);
        self
    }
}

/// The settings that would show a class: the best, and equally likely ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The class.
    pub class: FaultClass,
    /// The best settings.
    pub best: Point,
    /// Equally likely ones: their spread is what is not known of them.
    pub likely: Vec<Point>,
}

/// What is known of one knob.
enum Known {
    Word(&'static str),
    Law(LawFit),
    /// A share of which so many of so many were counted.
    Share {
        of: u64,
        counted: u64,
    },
    /// The best number, and the smallest and the largest that are likely.
    Count {
        best: u64,
        from: u64,
        to: u64,
    },
}

impl Known {
    fn best(&self) -> Value {
        match self {
            Known::Word(word) => Value::Word(word),
            Known::Law(fit) => Value::Law(fit.best),
            Known::Share { of, counted } => Value::Share(*counted as f64 / (*of).max(1) as f64),
            Known::Count { best, .. } => Value::Count(*best),
        }
    }

    /// The likely value at one of [`LIKELY`] quantiles.
    fn likely(&self, place: usize) -> Value {
        let u = quantile(place);
        match self {
            Known::Word(word) => Value::Word(word),
            Known::Law(fit) => Value::Law(fit.likely[place]),
            // The limits of all confidences together are a distribution (Fisher's fiducial one).
            Known::Share { of, counted } if u < 0.5 => Value::Share(lower_limit(*counted, *of, 1.0 - u)),
            Known::Share { of, counted } => Value::Share(upper_limit(*counted, *of, u)),
            Known::Count { from, to, .. } => Value::Count((from + ((to - from + 1) as f64 * u).floor() as u64).min(*to)),
        }
    }
}

/// An estimate of knobs that are known independently of each other.
fn estimate(class: FaultClass, knobs: &[(&'static str, Known)]) -> Estimate {
    // Strides without a common factor with the number of places: each knob goes through its quantiles in an order of its own.
    const STRIDES: [usize; 4] = [1, 7, 11, 17];
    let point = |of: &dyn Fn(usize, &Known) -> Value| Point {
        knobs: knobs.iter().enumerate().map(|(index, (name, known))| (*name, of(index, known))).collect(),
        uptime_ms: 0.0,
    };
    Estimate {
        class,
        best: point(&|_, known| known.best()),
        likely: (0..LIKELY).map(|place| point(&|index, known| known.likely(place * STRIDES[index % 4] % LIKELY))).collect(),
    }
}

/// A lag that a share of the readers has, from what looks at each age showed: the law and the share. The lag ends after the last look that
/// showed nothing, and soon: each look within it shows something with what is left of the share.
fn mixed(mut looks: Vec<(f64, bool)>) -> Option<(LawFit, Known)> {
    looks.retain(|(age, _)| *age >= 0.0);
    looks.sort_by(|a, b| a.0.total_cmp(&b.0));
    let last = looks.iter().rposition(|(_, shown)| !shown)?;
    let (hidden, all) = (looks[..=last].iter().filter(|(_, shown)| !shown).count(), last + 1);
    let share = hidden as f64 / all as f64;
    let mut likely = Vec::with_capacity(LIKELY);
    for place in 0..LIKELY {
        let beyond = (1.0 - (place as f64 + 0.5) / LIKELY as f64).ln() / (1.0 - share).clamp(1e-9, 1.0 - 1e-9).ln();
        let (at, part) = (last + beyond.floor() as usize, beyond.fract());
        let age = |at: usize| looks.get(at).unwrap_or(&looks[looks.len() - 1]).0;
        likely.push(Law::Fixed(age(at) + part * (age(at + 1) - age(at))));
    }
    let fit = LawFit { best: likely[LIKELY / 4], likely };
    Some((fit, Known::Share { of: all as u64, counted: hidden as u64 }))
}

/// How the settings of a class are estimated: none where the log has nothing of its signature, and several where it can arise in
/// several ways.
type Estimator = fn(&Evidence<'_>) -> Vec<Estimate>;

/// One row for each class that has a twin.
pub(super) const ESTIMATORS: &[(FaultClass, Estimator)] = &[
    (FaultClass::A, window::registration),
    (FaultClass::B, flaps::memories),
    (FaultClass::C, window::replica),
    (FaultClass::CPrime, flaps::mixed_reads),
    (FaultClass::D, window::negative_cache),
    (FaultClass::E, queue::queue),
    (FaultClass::F, flaps::evictions),
    (FaultClass::G, lattice::refresh),
    (FaultClass::H, flaps::holes),
    (FaultClass::I, window::commit),
    (FaultClass::J, answers::wrong_job),
    (FaultClass::K, lost::scope),
    (FaultClass::L, lost::encoding),
    (FaultClass::M, lost::lost),
    (FaultClass::N, answers::unknown_masked),
    (FaultClass::O, answers::stale),
    (FaultClass::P, answers::held),
    (FaultClass::Q, answers::disclosed),
    (FaultClass::R, window::grant),
    (FaultClass::S, writes::updates),
    (FaultClass::T, writes::deletions),
    (FaultClass::U, kept::positive_cache),
    (FaultClass::V, kept::late_results),
    (FaultClass::W, kept::consumed),
    (FaultClass::X, first_words::half),
    (FaultClass::Y, first_words::default_end),
    (FaultClass::Z, kept::orphans),
];
