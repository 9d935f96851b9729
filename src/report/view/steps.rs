//! The window's curve as it is drawn: stretches of age, on each of which the estimate and the limits around it are level.

use std::collections::BTreeSet;

use crate::analysis::window::{CONFIDENCE, Window};
use crate::report::plot::Plot;
use crate::statistics::band::Band;

/// The curve over an age axis that begins at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The axis' right end, in milliseconds.
    pub end_ms: f64,
    /// Its stretches, by age, without gaps.
    pub steps: Vec<CurveStep>,
}

/// One stretch of ages.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurveStep {
    /// Where it begins, in milliseconds.
    pub from_ms: f64,
    /// Where it ends.
    pub to_ms: f64,
    /// Share of scans that the estimate has visible by then for certain.
    pub certain: f64,
    /// Share that may be; above `certain` where the brackets do not tell.
    pub at_most: f64,
    /// Lower 95 % limit for the share, whatever the law of the window.
    pub lower: f64,
    /// Its upper limit.
    pub upper: f64,
}

/// So many stretches can be told apart on a screen. With more ages than that the curve is cut into equal stretches, and each
/// takes the widest values within it: what is drawn may be wider than what is known, and is never narrower.
const STEPS: usize = 160;

/// The curve of a run's window; none where a visible answer proves nothing, or nothing was ever seen.
pub(super) fn curve(window: &Window, assessable: bool) -> Option<Curve> {
    let plot = Plot::of(&window.curve).filter(|_| assessable)?;
    let band = Band::of(window.observations());
    let ages = knots(window, plot.end_ms);
    let mut steps: Vec<CurveStep> = Vec::with_capacity(ages.len());
    for pair in ages.windows(2) {
        let (from_ms, to_ms) = (pair[0], pair[1]);
        // Shares only grow with age: a stretch's least is what holds at its beginning, its most what may hold at its end.
        let step = CurveStep {
            from_ms,
            to_ms,
            certain: plot.bounds(from_ms).0,
            at_most: plot.bounds(to_ms).1,
            lower: band.visible_by(from_ms, CONFIDENCE).lower,
            upper: band.visible_by(to_ms, CONFIDENCE).upper,
        };
        match steps.last_mut().filter(|last| last.is_level_with(&step)) {
            Some(last) => last.to_ms = step.to_ms,
            None => steps.push(step),
        }
    }
    Some(Curve { end_ms: plot.end_ms, steps })
}

impl CurveStep {
    fn is_level_with(&self, next: &CurveStep) -> bool {
        let level = |step: &CurveStep| [step.certain, step.at_most, step.lower, step.upper].map(f64::to_bits);
        level(self) == level(next)
    }

    /// Whether the brackets leave open how the curve runs here, by more than a drawing could show.
    pub fn is_open(&self) -> bool {
        self.at_most - self.certain > 0.005
    }
}

/// The ages at which anything may change, from 0 to the axis' end.
fn knots(window: &Window, end_ms: f64) -> Vec<f64> {
    let ends = window.curve.iter().flat_map(|point| [Some(point.from_ms), point.to_ms]);
    let brackets = window.brackets.iter().flat_map(|(after, until)| [Some(*after), until.get()]);
    // From 0 on, the bits of a number are in the order of the numbers.
    let mut ages = BTreeSet::from([0.0, end_ms].map(f64::to_bits));
    for age in ends.chain(brackets).flatten().filter(|age| *age > 0.0 && *age < end_ms) {
        ages.insert(age.to_bits());
        if ages.len() > STEPS {
            return (0..=STEPS).map(|step| end_ms * step as f64 / STEPS as f64).collect();
        }
    }
    ages.into_iter().map(f64::from_bits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::window::{Brackets, CurvePoint};
    use crate::statistics::npmle::Observation;

    fn window(brackets: Vec<(f64, Option<f64>)>, curve: Vec<CurvePoint>) -> Window {
        let brackets: Brackets = brackets.into_iter().map(|(after, until)| (after, until.into())).collect();
        let scans = brackets.len() as u64;
        let nothing = crate::analysis::window::window(&[], &[], &[]);
        Window { scans, denied: scans, brackets, curve, ..nothing }
    }

    #[test]
    fn a_stretch_between_two_polls_is_open_and_the_rest_is_level() {
        let seen = window(vec![(90.0, Some(100.0)); 4], vec![CurvePoint { from_ms: 90.0, to_ms: Some(100.0), mass: 1.0 }]);
        let curve = curve(&seen, true).expect("there is a curve");
        let told: Vec<_> = curve.steps.iter().map(|step| (step.from_ms, step.to_ms, step.certain, step.at_most)).collect();
        assert_eq!(told, [(0.0, 90.0, 0.0, 0.0), (90.0, 100.0, 0.0, 1.0), (100.0, 150.0, 1.0, 1.0)]);
        // Clopper and Pearson's limits for 0 of 4 and 4 of 4.
        assert!((curve.steps[0].upper - 0.602_4).abs() < 1e-4 && (curve.steps[2].lower - 0.397_6).abs() < 1e-4, "{curve:?}");
        assert_eq!(curve.steps.iter().map(CurveStep::is_open).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn many_brackets_are_drawn_wider_rather_than_narrower() {
        let brackets: Vec<_> = (0..1000).map(|n| (f64::from(n), Some(f64::from(n) + 0.7))).collect();
        let points = brackets.iter().map(|(from, to)| CurvePoint { from_ms: *from, to_ms: *to, mass: 1e-3 }).collect();
        let seen = window(brackets.clone(), points);
        let curve = curve(&seen, true).expect("there is a curve");
        assert!(curve.steps.len() <= STEPS, "{}", curve.steps.len());
        let observations: Vec<_> =
            brackets.iter().map(|(after, until)| Observation { after: *after, until: until.unwrap_or_default(), weight: 1 }).collect();
        let band = Band::new(&observations);
        for step in &curve.steps {
            for t in [step.from_ms, f64::midpoint(step.from_ms, step.to_ms)] {
                let share = band.visible_by(t, CONFIDENCE);
                assert!(step.lower <= share.lower && share.upper <= step.upper, "at {t}: {share:?} outside {step:?}");
            }
        }
    }

    #[test]
    fn nothing_is_drawn_where_a_visible_answer_proves_nothing() {
        let seen = window(vec![(0.0, Some(10.0))], vec![CurvePoint { from_ms: 0.0, to_ms: Some(10.0), mass: 1.0 }]);
        assert!(curve(&seen, true).is_some() && curve(&seen, false).is_none());
    }
}
