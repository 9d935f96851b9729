//! Wald's sequential test of a rate: stop as soon as the evidence suffices, with error rates that are computed and not
//! only bounded.
//!
//! Source: Wald, *Sequential Analysis* (1947); the operating characteristic is by enumeration of all paths.

/// A test of "the rate is at most `p0`" against "it is at least `p1`".
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sprt {
    /// The rate that is still acceptable.
    pub p0: f64,
    /// The rate that must be caught.
    pub p1: f64,
    /// Bound for the probability to fail a service whose rate is `p0`.
    pub alpha: f64,
    /// Bound for the probability to pass a service whose rate is `p1`.
    pub beta: f64,
}

/// What the evidence so far says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The rate is acceptable.
    Pass,
    /// The rate is too high.
    Fail,
    /// Neither yet.
    Continue,
}

/// A test under way: it remembers the first decision, and what comes later changes nothing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Walk {
    test: Sprt,
    events: u64,
    trials: u64,
    crossing: Option<Crossing>,
}

/// Where a test was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crossing {
    /// [`Decision::Pass`] or [`Decision::Fail`].
    pub decision: Decision,
    /// Events by then.
    pub events: u64,
    /// Trials by then.
    pub trials: u64,
}

impl Walk {
    /// A test without trials.
    pub fn new(test: Sprt) -> Walk {
        Walk { test, events: 0, trials: 0, crossing: None }
    }

    /// One more trial.
    pub fn step(&mut self, event: bool) {
        self.trials += 1;
        self.events += u64::from(event);
        if self.crossing.is_none() {
            let decision = self.test.decide(self.events, self.trials);
            self.crossing = (decision != Decision::Continue).then_some(Crossing { decision, events: self.events, trials: self.trials });
        }
    }

    /// Where it was decided, if it was.
    pub fn crossing(&self) -> Option<Crossing> {
        self.crossing
    }
}

/// What the test does at some true rate when it is cut off after a number of trials.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Characteristic {
    /// Probability to end with a pass.
    pub pass: f64,
    /// Probability to end with a fail.
    pub fail: f64,
    /// Probability to be undecided at the cut.
    pub undecided: f64,
    /// Mean number of trials, at most the cut.
    pub mean_trials: f64,
}

impl Sprt {
    /// `None` unless `0 < p0 < p1 < 1`, both errors are positive, and together they stay below 1.
    pub fn new(p0: f64, p1: f64, alpha: f64, beta: f64) -> Option<Self> {
        let sensible = 0.0 < p0 && p0 < p1 && p1 < 1.0 && alpha > 0.0 && beta > 0.0 && alpha + beta < 1.0;
        sensible.then_some(Self { p0, p1, alpha, beta })
    }

    /// The log-likelihood ratio at which the test fails.
    pub fn upper(&self) -> f64 {
        ((1.0 - self.beta) / self.alpha).ln()
    }

    /// The log-likelihood ratio at which the test passes (negative).
    pub fn lower(&self) -> f64 {
        (self.beta / (1.0 - self.alpha)).ln()
    }

    /// What one event adds to the log-likelihood ratio.
    pub fn event_weight(&self) -> f64 {
        (self.p1 / self.p0).ln()
    }

    /// What one trial without event adds (negative).
    pub fn clean_weight(&self) -> f64 {
        (-self.p1).ln_1p() - (-self.p0).ln_1p()
    }

    /// Says what `events` in `trials` mean; meant to be asked after every trial.
    pub fn decide(&self, events: u64, trials: u64) -> Decision {
        assert!(events <= trials, "{events} events in {trials} trials");
        let against = events as f64 * self.event_weight();
        let in_favour = (trials - events) as f64 * self.clean_weight();
        let ratio = against + in_favour;
        // a sum that is the boundary but for rounding has reached it
        let rounding = 1e-13 * (against - in_favour).max(1.0);
        if ratio >= self.upper() - rounding {
            Decision::Fail
        } else if ratio <= self.lower() + rounding {
            Decision::Pass
        } else {
            Decision::Continue
        }
    }

    /// The number of clean trials from the start that pass.
    pub fn clean_trials_to_pass(&self) -> u64 {
        first(|trials| self.decide(0, trials) == Decision::Pass)
    }

    /// The number of events in a row from the start that fail.
    pub fn events_to_fail(&self) -> u64 {
        first(|events| self.decide(events, events) == Decision::Fail)
    }

    /// The exact operating characteristic at a true `rate`, when the test is cut off after `most` trials.
    pub fn characteristic(&self, rate: f64, most: u64) -> Characteristic {
        self.follow(rate, |trials, _| trials < most)
    }

    /// After how many trials at most a share of `undecided` tests still go on at a true `rate`; gives up at `most`.
    pub fn trials_to_decide(&self, rate: f64, undecided: f64, most: u64) -> u64 {
        let mut needed = 0;
        self.follow(rate, |trials, open| {
            needed = trials;
            open > undecided && trials < most
        });
        needed
    }

    /// Follows all paths, trial by trial, as long as `goes_on` says so of the trials so far and the share of open paths.
    fn follow(&self, rate: f64, mut goes_on: impl FnMut(u64, f64) -> bool) -> Characteristic {
        // open[events]: probability to be undecided after the trials so far with that many events
        let mut open = vec![1.0];
        let mut result = Characteristic { pass: 0.0, fail: 0.0, undecided: 1.0, mean_trials: 0.0 };
        let mut trials = 0;
        while goes_on(trials, open.iter().sum()) {
            trials += 1;
            let before: f64 = open.iter().sum();
            if before <= 0.0 {
                break;
            }
            result.mean_trials += before;
            let mut next = vec![0.0; open.len() + 1];
            for (events, &probability) in open.iter().enumerate() {
                next[events] += probability * (1.0 - rate);
                next[events + 1] += probability * rate;
            }
            for (events, probability) in next.iter_mut().enumerate() {
                if *probability > 0.0 {
                    match self.decide(events as u64, trials) {
                        Decision::Continue => continue,
                        Decision::Pass => result.pass += *probability,
                        Decision::Fail => result.fail += *probability,
                    }
                    *probability = 0.0;
                }
            }
            while next.last().is_some_and(|&probability| probability <= 0.0) {
                next.pop();
            }
            open = next;
        }
        result.undecided = open.iter().sum();
        result
    }
}

/// The smallest count from 1 on that satisfies a condition which, once true, stays true.
fn first(holds: impl Fn(u64) -> bool) -> u64 {
    let mut enough = 1;
    while !holds(enough) {
        enough *= 2;
    }
    let mut too_few = enough / 2;
    while enough - too_few > 1 {
        let middle = u64::midpoint(too_few, enough);
        if holds(middle) {
            enough = middle;
        } else {
            too_few = middle;
        }
    }
    enough
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_run_passes_at_the_stated_length_and_not_before() {
        let test = Sprt::new(0.001, 0.05, 0.01, 0.01).expect("sensible rates");
        assert_eq!(test.decide(0, 91), Decision::Continue);
        assert_eq!(test.decide(0, 92), Decision::Pass);
        assert_eq!(test.decide(2, 2), Decision::Fail);
    }

    #[test]
    fn rates_that_cannot_be_told_apart_make_no_test() {
        assert_eq!(Sprt::new(0.05, 0.05, 0.01, 0.01), None);
        assert_eq!(Sprt::new(0.01, 0.05, 0.5, 0.5), None);
    }

    #[test]
    fn a_decision_is_not_taken_back() {
        let mut walk = Walk::new(Sprt::new(0.001, 0.05, 0.01, 0.01).expect("sensible rates"));
        for _ in 0..91 {
            walk.step(false);
        }
        assert_eq!(walk.crossing(), None);
        walk.step(false);
        let passed = Some(Crossing { decision: Decision::Pass, events: 0, trials: 92 });
        assert_eq!(walk.crossing(), passed);
        for _ in 0..50 {
            walk.step(true);
        }
        assert_eq!(walk.crossing(), passed);
    }

    #[test]
    fn a_test_is_decided_in_time_as_often_as_its_characteristic_says() {
        let test = Sprt::new(0.001, 0.05, 0.01, 0.01).expect("sensible rates");
        for rate in [0.001, 0.02, 0.05] {
            let needed = test.trials_to_decide(rate, 0.01, 100_000);
            assert!(test.characteristic(rate, needed).undecided <= 0.01, "{rate}: {needed}");
            assert!(test.characteristic(rate, needed - 1).undecided > 0.01, "{rate}: {needed}");
        }
    }

    #[test]
    fn outcomes_of_a_cut_test_sum_to_one() {
        let ends = Sprt::new(0.01, 0.1, 0.05, 0.05).expect("sensible rates").characteristic(0.03, 50);
        assert!((ends.pass + ends.fail + ends.undecided - 1.0).abs() < 1e-14);
        assert!(ends.undecided > 0.1 && ends.mean_trials <= 50.0);
    }
}
