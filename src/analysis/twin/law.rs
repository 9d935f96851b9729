//! The law of a duration from brackets: which of four kinds, and which of its sizes are likely.
//!
//! Each kind is fitted by maximum likelihood to interval-censored durations, and the kinds are compared by Akaike's criterion (Akaike,
//! IEEE Trans. Autom. Control 19, 1974). What is kept of the winner is its best size and a number of equally likely ones, drawn from
//! the likelihood with a flat prior over the grid on which it was computed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::time::Span;

/// A law of durations, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Law {
    /// Always the same.
    Fixed(f64),
    /// Evenly between two ends.
    Uniform(f64, f64),
    /// Exponential, with this mean.
    Exponential(f64),
    /// Log-normal, with this median and this standard deviation of the logarithm.
    LogNormal(f64, f64),
}

impl Law {
    /// The chance of a duration of at most `t`.
    pub fn by(self, t: f64) -> f64 {
        if t <= 0.0 {
            return 0.0;
        }
        match self {
            Law::Fixed(at) => f64::from(u8::from(t >= at)),
            Law::Uniform(from, to) => ((t - from) / (to - from).max(1e-9)).clamp(0.0, 1.0),
            Law::Exponential(mean) => -(-t / mean).exp_m1(),
            Law::LogNormal(median, sigma) => normal((t / median).ln() / sigma),
        }
    }

    /// The median.
    pub fn median(self) -> f64 {
        match self {
            Law::Fixed(at) => at,
            Law::Uniform(from, to) => f64::midpoint(from, to),
            Law::Exponential(mean) => mean * std::f64::consts::LN_2,
            Law::LogNormal(median, _) => median,
        }
    }

    /// The same law with every duration longer or shorter by as much, none below 0.
    #[must_use]
    pub fn less(self, ms: f64) -> Law {
        match self {
            Law::Fixed(at) => Law::Fixed((at - ms).max(0.0)),
            Law::Uniform(from, to) => Law::Uniform((from - ms).max(0.0), (to - ms).max(0.0)),
            law => law,
        }
    }

    /// As a knob of the reference service takes it.
    pub fn knob(self) -> String {
        match self {
            Law::Fixed(at) => written(at),
            Law::Uniform(from, to) => format!("uniform({},{})", written(from), written(to.max(from))),
            Law::Exponential(mean) => format!("exp({})", written(mean)),
            Law::LogNormal(median, sigma) => format!("lognormal({},{})", written(median), (sigma.clamp(0.0, 10.0) * 1e3).round() / 1e3),
        }
    }

    fn parameters(self) -> f64 {
        match self {
            Law::Fixed(_) | Law::Exponential(_) => 1.0,
            Law::Uniform(..) | Law::LogNormal(..) => 2.0,
        }
    }
}

/// A duration in milliseconds with four significant digits, in the form that files and flags have.
pub(super) fn written(ms: f64) -> String {
    let us = (ms.max(0.0) * 1e3).round().min(1e15);
    let step = 10_f64.powi((us.max(1.0).log10().floor() as i32 - 3).max(0));
    Span(Duration::from_micros(((us / step).round() * step) as u64)).to_string()
}

/// The standard normal distribution function.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// One duration, known by its bracket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Bracketed {
    /// It was longer.
    pub(super) after: f64,
    /// It was no longer.
    pub(super) until: f64,
}

impl Bracketed {
    pub(super) fn new((after, until): (f64, f64)) -> Bracketed {
        Bracketed { after, until }
    }

    fn ln_chance(&self, law: Law) -> f64 {
        let chance = match law {
            // A service and a clock take their time as well.
            Law::Fixed(at) => f64::from(u8::from(self.after - SLACK_MS <= at && at <= self.until + SLACK_MS)),
            law => (law.by(self.until + SLACK_MS) - law.by(self.after - SLACK_MS)).max(0.0),
        };
        // One duration in a thousand may be anything, so that none decides alone.
        (0.999 * chance + 1e-6).ln()
    }
}

/// By how much a bracket may miss what a service's own clock says.
const SLACK_MS: f64 = 1.0;

/// What is known of a law: its best size first, and then equally likely ones in the order of their medians.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LawFit {
    pub(super) best: Law,
    pub(super) likely: Vec<Law>,
}

/// How many equally likely sizes are kept.
pub(super) const LIKELY: usize = 40;

/// Which quantile each of them is: evenly from one end to the other, so that the outermost hold nearly all that is likely. Sizes that
/// somebody chose often lie at an end of what is known, because the ages of polls were chosen alike.
pub(super) fn quantile(place: usize) -> f64 {
    TAIL + (1.0 - 2.0 * TAIL) * place as f64 / (LIKELY - 1) as f64
}

const TAIL: f64 = 0.002;

/// A duration of which nothing is known but that it was longer than this: up to some times as long.
pub(super) fn longer_than(ms: f64) -> LawFit {
    const TIMES: f64 = 6.0;
    let ms = ms.max(1.0);
    LawFit { best: Law::Fixed(2.0 * ms), likely: (0..LIKELY).map(|place| Law::Fixed(ms * TIMES.powf(quantile(place)))).collect() }
}

/// More brackets than this say nothing more about a law that is to be replayed.
const ENOUGH: usize = 200;

/// Fits a law; `None` without a bracket that ends.
pub(super) fn fit(brackets: &[Bracketed]) -> Option<LawFit> {
    let step = brackets.len().div_ceil(ENOUGH).max(1);
    let brackets: Vec<Bracketed> = brackets.iter().copied().step_by(step).collect();
    let (low, high) = reach(&brackets)?;
    let kinds = [fixed(&brackets), exponential(&brackets, low, high), uniform(&brackets, low, high), log_normal(&brackets, low, high)];
    // A more general law has to earn its second parameter.
    let criterion = |grid: &Grid| grid.best().1 - grid.best().0.parameters();
    let mut chosen: Option<Grid> = None;
    for grid in kinds {
        if chosen.as_ref().is_none_or(|so_far| criterion(&grid) > criterion(so_far) + 1e-9) {
            chosen = Some(grid);
        }
    }
    chosen.map(Grid::fit)
}

/// The only law of a duration that is always the same.
pub(super) fn fit_fixed(brackets: &[Bracketed]) -> Option<LawFit> {
    reach(brackets)?;
    Some(fixed(brackets).fit())
}

/// A duration that only a share of the cases has; the others have none of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// The last age at which it was not over; none where nothing was seen of it.
    pub(super) after: Option<f64>,
    /// It was over by then.
    pub(super) until: f64,
}

/// A law, and the share of the cases that have it.
type Shared = (Law, f64);

/// Fits the law of such a duration together with the share: the best, and equally likely ones in the order of their medians. `None` where
/// nothing is seen of it.
pub(super) fn fit_share(looks: &[Look]) -> Option<(Shared, Vec<Shared>)> {
    let step = looks.len().div_ceil(ENOUGH).max(1);
    let looks: Vec<Look> = looks.iter().copied().step_by(step).collect();
    let high = looks
        .iter()
        .filter(|look| look.after.is_some())
        .map(|look| if look.until.is_finite() { look.until } else { 2.0 * look.after.unwrap_or(1.0) });
    let high = high.reduce(f64::max)?.max(1.0);
    let ends: Vec<f64> = logarithmic(0.5, high, 16).collect();
    let uniform = ends.iter().flat_map(|from| ends.iter().filter(move |to| *to > from).map(|to| Law::Uniform(*from, *to)));
    let from_nothing = ends.iter().map(|to| Law::Uniform(0.0, *to));
    let laws = logarithmic(0.3, high, 40)
        .map(Law::Exponential)
        .chain(logarithmic(0.5, high, 60).map(Law::Fixed))
        .chain(uniform)
        .chain(from_nothing);
    let mut grid: Vec<(Shared, f64)> = Vec::new();
    for law in laws {
        for twentieth in 1..=20 {
            let share = f64::from(twentieth) / 20.0;
            let chance = |look: &Look| match look.after {
                // Without slack: with one, a law within it would be denied and seen at one age.
                Some(after) => share * (law.by(look.until) - law.by(after)).max(0.0),
                None => 1.0 - share * (1.0 - law.by(look.until)),
            };
            let likelihood = looks.iter().map(|look| (0.999 * chance(look) + 1e-6).ln()).sum::<f64>() - law.parameters();
            grid.push(((law, share), likelihood));
        }
    }
    let (best, most) = grid.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    grid.sort_by(|a, b| a.0.0.median().total_cmp(&b.0.0.median()));
    let weights: Vec<f64> = grid.iter().map(|(_, likelihood)| (likelihood - most).exp()).collect();
    let all: f64 = weights.iter().sum();
    let (mut likely, mut reached, mut at) = (Vec::with_capacity(LIKELY), 0.0, 0);
    for place in 0..LIKELY {
        let wanted = all * quantile(place);
        while at + 1 < weights.len() && reached + weights[at] < wanted {
            reached += weights[at];
            at += 1;
        }
        likely.push(grid[at].0);
    }
    Some((best, likely))
}

/// The shortest and the longest duration that any bracket suggests.
fn reach(brackets: &[Bracketed]) -> Option<(f64, f64)> {
    let middle =
        |bracket: &Bracketed| if bracket.until.is_finite() { f64::midpoint(bracket.after, bracket.until) } else { 2.0 * bracket.after };
    brackets.iter().any(|bracket| bracket.until.is_finite()).then_some(())?;
    let low = brackets.iter().map(middle).fold(f64::INFINITY, f64::min).max(0.05);
    let high =
        brackets.iter().map(|bracket| if bracket.until.is_finite() { bracket.until } else { 3.0 * bracket.after }).fold(low, f64::max);
    Some((low, high.max(low * 1.01)))
}

/// Laws of one kind with their log-likelihoods.
struct Grid(Vec<(Law, f64)>);

impl Grid {
    fn of(brackets: &[Bracketed], laws: impl Iterator<Item = Law>) -> Grid {
        Grid(laws.map(|law| (law, brackets.iter().map(|bracket| bracket.ln_chance(law)).sum())).collect())
    }

    fn best(&self) -> (Law, f64) {
        self.0.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((Law::Fixed(0.0), f64::NEG_INFINITY))
    }

    /// The laws that are not far less likely than the best.
    fn likely(&self) -> impl Iterator<Item = Law> + Clone {
        let best = self.best().1;
        self.0.iter().filter(move |(_, likelihood)| *likelihood > best - 6.0).map(|(law, _)| *law)
    }

    /// The best law, and quantiles of the posterior by the median.
    fn fit(mut self) -> LawFit {
        let best = self.best();
        self.0.sort_by(|a, b| a.0.median().total_cmp(&b.0.median()));
        let weights: Vec<f64> = self.0.iter().map(|(_, likelihood)| (likelihood - best.1).exp()).collect();
        let all: f64 = weights.iter().sum();
        let mut likely = Vec::with_capacity(LIKELY);
        let (mut reached, mut at) = (0.0, 0);
        for place in 0..LIKELY {
            let wanted = all * quantile(place);
            while at + 1 < weights.len() && reached + weights[at] < wanted {
                reached += weights[at];
                at += 1;
            }
            likely.push(self.0[at].0);
        }
        // Of laws that are equally likely the one in the middle stands for them.
        let equal: Vec<Law> = self.0.iter().filter(|(_, likelihood)| *likelihood > best.1 - 1e-9).map(|(law, _)| *law).collect();
        LawFit { best: equal[equal.len() / 2], likely }
    }
}

/// The best region is where most brackets overlap, and all of it is equally likely.
fn fixed(brackets: &[Bracketed]) -> Grid {
    let mut ends: Vec<f64> = brackets.iter().flat_map(|bracket| [bracket.after, bracket.until]).filter(|end| end.is_finite()).collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup_by(|a, b| (*a - *b).abs() < 0.01);
    let between = ends.windows(2).flat_map(|pair| {
        let (from, to) = (pair[0], pair[1]);
        (1..=STEPS_BETWEEN).map(move |step| Law::Fixed(from + (to - from) * f64::from(step) / f64::from(STEPS_BETWEEN + 1)))
    });
    let grid = Grid::of(brackets, between.chain(ends.iter().map(|end| Law::Fixed(*end))));
    let Some((best, likelihood)) = Some(grid.best()).filter(|(_, likelihood)| likelihood.is_finite()) else { return grid };
    // Evenly over the region, however many ends lie in it.
    let inside = || grid.0.iter().filter(|(_, other)| *other > likelihood - 1e-9).map(|(law, _)| law.median());
    let (from, to) = inside().fold((best.median(), best.median()), |(from, to), at| (from.min(at), to.max(at)));
    let even = Grid::of(brackets, (0..=100).map(|step| Law::Fixed(from + (to - from) * f64::from(step) / 100.0)));
    if even.best().1 >= likelihood - 1e-9 { even } else { grid }
}

const STEPS_BETWEEN: u32 = 2;

/// A logarithmic grid.
fn logarithmic(low: f64, high: f64, steps: u32) -> impl Iterator<Item = f64> + Clone {
    (0..=steps).map(move |step| low * (high / low).powf(f64::from(step) / f64::from(steps)))
}

fn exponential(brackets: &[Bracketed], low: f64, high: f64) -> Grid {
    let coarse = Grid::of(brackets, logarithmic(low / 3.0, high * 3.0, 60).map(Law::Exponential));
    let means = coarse.likely().map(|law| law.median() / std::f64::consts::LN_2);
    let (from, to) = range(means);
    Grid::of(brackets, logarithmic(from / 1.1, to * 1.1, 80).map(Law::Exponential))
}

fn uniform(brackets: &[Bracketed], low: f64, high: f64) -> Grid {
    let ends = |(from, to): (f64, f64), (from_to, to_to): (f64, f64)| {
        let step = |low: f64, high: f64, step: u32| low + (high - low) * f64::from(step) / 20.0;
        (0..=20).flat_map(move |a| (0..=20).map(move |b| (step(from, to, a), step(from_to, to_to, b))))
    };
    let laws = |froms, tos| ends(froms, tos).filter(|(from, to)| to > from).map(|(from, to)| Law::Uniform(from, to));
    let mut grid = Grid::of(brackets, laws((0.0, high), (low, high * 1.3)));
    for _ in 0..2 {
        let of = |end: fn(&Law) -> Option<f64>| range(grid.likely().filter_map(|law| end(&law)));
        let (froms, tos) = (
            of(|law| if let Law::Uniform(from, _) = law { Some(*from) } else { None }),
            of(|law| if let Law::Uniform(_, to) = law { Some(*to) } else { None }),
        );
        let wider = |(from, to): (f64, f64)| ((from - 0.02 * high).max(0.0), to + 0.02 * high);
        grid = Grid::of(brackets, laws(wider(froms), wider(tos)));
    }
    grid
}

fn log_normal(brackets: &[Bracketed], low: f64, high: f64) -> Grid {
    let laws = |(from, to): (f64, f64), (narrow, wide): (f64, f64)| {
        logarithmic(from, to, 20).flat_map(move |median| logarithmic(narrow, wide, 20).map(move |sigma| Law::LogNormal(median, sigma)))
    };
    let mut grid = Grid::of(brackets, laws((low, high), (0.02, 2.5)));
    for _ in 0..2 {
        let medians = range(grid.likely().map(Law::median));
        let sigmas = range(grid.likely().filter_map(|law| if let Law::LogNormal(_, sigma) = law { Some(sigma) } else { None }));
        let wider = |(from, to): (f64, f64)| (from / 1.05, to * 1.05);
        grid = Grid::of(brackets, laws(wider(medians), wider(sigmas)));
    }
    grid
}

fn range(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    let (from, to) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), n| (from.min(n), to.max(n)));
    if from.is_finite() { (from, to.max(from * 1.000_001)) } else { (1.0, 1.000_001) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brackets 40 ms wide, with phases of their own, around evenly spread quantiles of a law.
    fn brackets(quantile: impl Fn(f64) -> f64) -> Vec<Bracketed> {
        let bracket = |n: u32| {
            let at = quantile((f64::from(n) + 0.5) / 60.0);
            let phase = f64::from(n * 37 % 60) / 60.0 * 40.0;
            Bracketed::new(((at - phase).max(0.0), at + 40.0 - phase))
        };
        (0..60).map(bracket).collect()
    }

    #[test]
    fn the_kind_and_the_size_of_a_law_are_found() {
        for (quantile, kind, truth) in [
            (Box::new(|_| 400.0) as Box<dyn Fn(f64) -> f64>, "fixed", 400.0),
            (Box::new(|u: f64| -500.0 * (-u).ln_1p()), "exponential", 500.0 * 0.5_f64.ln().abs()),
            (Box::new(|u: f64| 100.0 + 1900.0 * u), "uniform", 1050.0),
        ] {
            let fit = fit(&brackets(quantile)).expect("brackets that end");
            let found = match fit.best {
                Law::Fixed(_) => "fixed",
                Law::Exponential(_) => "exponential",
                Law::Uniform(..) => "uniform",
                Law::LogNormal(..) => "log-normal",
            };
            assert_eq!(found, kind, "{fit:?}");
            let medians: Vec<f64> = fit.likely.iter().map(|law| law.median()).collect();
            assert!(medians[0] <= truth && truth <= medians[LIKELY - 1], "{truth} is not in {} to {}", medians[0], medians[LIKELY - 1]);
        }
    }

    #[test]
    fn one_wild_bracket_does_not_make_a_fixed_law_another() {
        let mut brackets = brackets(|_| 400.0);
        brackets.push(Bracketed::new((5000.0, 5040.0)));
        assert!(matches!(fit_fixed(&brackets).expect("brackets that end").best, Law::Fixed(at) if (at - 400.0).abs() < 5.0));
    }

    #[test]
    fn a_share_is_estimated_with_the_law_of_what_it_has() {
        // Half of the jobs are late by 1 to 5 ms; looks at 0 and at 20 ms.
        let late = |n: u32| Look { after: Some(0.0), until: 6.0 + f64::from(n % 3) };
        let in_time = |_| Look { after: None, until: 0.2 };
        let much_later = |_| Look { after: None, until: 20.0 };
        let looks: Vec<Look> = (0..12).map(late).chain((0..12).map(in_time)).chain((0..20).map(much_later)).collect();
        let ((law, _), likely) = fit_share(&looks).expect("some are late");
        assert!(law.median() < 8.0, "{law:?}");
        let (low, high) = likely.iter().map(|(_, share)| *share).fold((1.0, 0.0), |(low, high): (f64, f64), s| (low.min(s), high.max(s)));
        assert!(low <= 0.5 && 0.5 <= high, "{low} to {high}");
    }

    #[test]
    fn nothing_is_said_of_a_duration_that_never_ended() {
        assert_eq!(fit(&[Bracketed::new((100.0, f64::INFINITY))]), None);
    }

    #[test]
    fn durations_are_written_as_knobs_take_them() {
        assert_eq!(Law::Fixed(2000.4).knob(), "2s");
        assert_eq!(Law::Uniform(1.25, 5.0).knob(), "uniform(1ms250us,5ms)");
        assert_eq!(Law::LogNormal(300.0, 0.8).knob(), "lognormal(300ms,0.8)");
        assert_eq!(Law::Fixed(0.0).knob(), "0s");
    }
}
