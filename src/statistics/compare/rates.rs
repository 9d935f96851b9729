//! Two rates: exact tests of a 2×2 table of events in two runs.
//!
//! Fisher's test conditions on the number of events and is conservative at the small counts of a gate. Boschloo's takes
//! Fisher's p-value as a statistic and maximises over the unknown common rate, so it is never less powerful and still
//! exact; Barnard's does the same with the pooled z-statistic.
//! Sources: Fisher (1935); Barnard, Biometrika 34 (1947); Boschloo, Statistica Neerlandica 24 (1970).

use crate::statistics::binomial::pmf;

/// Events in two runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Events in the old run.
    pub base_events: u64,
    /// Trials in the old run.
    pub base_trials: u64,
    /// Events in the new run.
    pub new_events: u64,
    /// Trials in the new run.
    pub new_trials: u64,
}

/// p-values for one table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateTest {
    /// For "the new rate is higher".
    pub p_higher: f64,
    /// For "the new rate is lower".
    pub p_lower: f64,
    /// For "the rates differ".
    pub p_two_sided: f64,
}

impl RateTest {
    const NO_EVIDENCE: Self = Self { p_higher: 1.0, p_lower: 1.0, p_two_sided: 1.0 };
}

/// Tables whose statistic is this close (relatively) to the observed one are as extreme as it.
const SAME: f64 = 1e-9;

impl Rates {
    fn check(&self) {
        assert!(self.base_events <= self.base_trials && self.new_events <= self.new_trials, "more events than trials: {self:?}");
    }

    fn says_nothing(&self) -> bool {
        self.base_trials == 0 || self.new_trials == 0
    }

    /// Boschloo's p-value for "the new rate is higher" alone, at half the price.
    pub fn boschloo_higher(&self) -> f64 {
        self.check();
        if self.says_nothing() { 1.0 } else { boschloo_higher(self) }
    }

    /// Fisher's p-value for "the new rate is higher" alone.
    pub fn fisher_higher(&self) -> f64 {
        self.check();
        if self.says_nothing() { 1.0 } else { fisher_higher(self) }
    }

    /// The same table with the runs exchanged.
    #[must_use]
    pub fn exchanged(&self) -> Self {
        Self { base_events: self.new_events, base_trials: self.new_trials, new_events: self.base_events, new_trials: self.base_trials }
    }

    /// Fisher's exact test; the two-sided value adds the tables that are no more probable than the observed one.
    pub fn fisher(&self) -> RateTest {
        self.check();
        if self.says_nothing() {
            return RateTest::NO_EVIDENCE;
        }
        let events = self.base_events + self.new_events;
        let at = |new: u64| hypergeometric(new, events, self.base_trials, self.new_trials);
        let observed = at(self.new_events);
        let possible = events.saturating_sub(self.base_trials)..=events.min(self.new_trials);
        let p_two_sided = possible.map(at).filter(|&p| p <= observed * (1.0 + SAME)).sum::<f64>().min(1.0);
        RateTest { p_higher: fisher_higher(self), p_lower: fisher_higher(&self.exchanged()), p_two_sided }
    }

    /// Boschloo's exact test; the two-sided value is twice the smaller one-sided one.
    pub fn boschloo(&self) -> RateTest {
        self.check();
        if self.says_nothing() {
            return RateTest::NO_EVIDENCE;
        }
        let (p_higher, p_lower) = (boschloo_higher(self), boschloo_higher(&self.exchanged()));
        RateTest { p_higher, p_lower, p_two_sided: (2.0 * p_higher.min(p_lower)).min(1.0) }
    }

    /// Barnard's exact test with the pooled z-statistic.
    pub fn barnard(&self) -> RateTest {
        self.check();
        if self.says_nothing() {
            return RateTest::NO_EVIDENCE;
        }
        let observed = self.pooled_z();
        let slack = SAME * observed.abs().max(1.0);
        let extreme = |with: &dyn Fn(f64) -> bool| {
            let rows = (0..=self.base_trials)
                .map(|base_events| {
                    let z = |new_events| Self { base_events, new_events, ..*self }.pooled_z();
                    // z rises with the new events, so what is extreme is both ends of a row, or one
                    let all = 0..=self.new_trials;
                    let below = all.clone().take_while(|&new| z(new) < 0.0 && with(z(new))).count() as u64;
                    let above = all.rev().take_while(|&new| z(new) >= 0.0 && with(z(new))).count() as u64;
                    Row { below, from: self.new_trials + 1 - above }
                })
                .collect();
            Region { rows, new_trials: self.new_trials }.largest_probability()
        };
        RateTest {
            p_higher: if observed <= 0.0 { 1.0 } else { extreme(&|z| z >= observed - slack) },
            p_lower: if observed >= 0.0 { 1.0 } else { extreme(&|z| z <= observed + slack) },
            p_two_sided: extreme(&|z| z.abs() >= observed.abs() - slack),
        }
    }

    /// Difference of the rates in standard errors under a common rate; zero when nothing or everything happened.
    fn pooled_z(&self) -> f64 {
        let (base, new) = (self.base_trials as f64, self.new_trials as f64);
        let pooled = (self.base_events + self.new_events) as f64 / (base + new);
        let variance = pooled * (1.0 - pooled) * (1.0 / base + 1.0 / new);
        if variance <= 0.0 {
            return 0.0;
        }
        (self.new_events as f64 / new - self.base_events as f64 / base) / variance.sqrt()
    }
}

/// Upper tail of the standard normal law.
pub(super) fn normal_tail(z: f64) -> f64 {
    0.5 * libm::erfc(z / std::f64::consts::SQRT_2)
}

/// Probability that `new` of the `events` fall into the new run, all trials being alike.
fn hypergeometric(new: u64, events: u64, base_trials: u64, new_trials: u64) -> f64 {
    if new > new_trials || new > events || events - new > base_trials {
        return 0.0;
    }
    // any common rate gives the same quotient; this one keeps all three factors large
    let rate = events as f64 / (base_trials + new_trials) as f64;
    pmf(new, new_trials, rate) * pmf(events - new, base_trials, rate) / pmf(events, base_trials + new_trials, rate)
}

/// Probability of at least the observed number of new events, given their total.
fn fisher_higher(rates: &Rates) -> f64 {
    let events = rates.base_events + rates.new_events;
    let most = events.min(rates.new_trials);
    let first = hypergeometric(rates.new_events, events, rates.base_trials, rates.new_trials);
    let (mut term, mut sum) = (1.0, 1.0);
    for new in rates.new_events..most {
        let base = events - new;
        term *= base as f64 * (rates.new_trials - new) as f64 / ((new + 1) as f64 * (rates.base_trials - base + 1) as f64);
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
    }
    (first * sum).min(1.0)
}

fn boschloo_higher(rates: &Rates) -> f64 {
    let observed = fisher_higher(rates) * (1.0 + SAME);
    // Fisher's value falls with new events and rises with old ones: the region is a staircase, walked once
    let mut from = 0;
    let rows = (0..=rates.base_trials)
        .map(|base_events| {
            while from <= rates.new_trials && fisher_higher(&Rates { base_events, new_events: from, ..*rates }) > observed {
                from += 1;
            }
            Row { below: 0, from }
        })
        .collect();
    Region { rows, new_trials: rates.new_trials }.largest_probability()
}

/// Which numbers of new events are extreme beside a given number of old ones: those below `below`, and `from` and more.
#[derive(Debug, Clone, Copy)]
struct Row {
    below: u64,
    from: u64,
}

/// A set of tables, one row for each number of old events.
#[derive(Debug)]
struct Region {
    rows: Vec<Row>,
    new_trials: u64,
}

impl Region {
    /// The largest probability of the region over all common rates.
    ///
    /// It is a polynomial with possibly several peaks, each at least as wide as the binomial law is: a grid that is even
    /// in the arcsine of the root of the rate, where that width is the same everywhere, finds all, and golden sections
    /// climb those that matter.
    fn largest_probability(&self) -> f64 {
        let trials = self.rows.len() as f64 + self.new_trials as f64;
        let steps = (200.0 + 12.0 * trials.sqrt()) as usize;
        let width = std::f64::consts::FRAC_PI_2 / steps as f64;
        let at = |angle: f64| self.probability(angle.sin().powi(2));
        let grid: Vec<f64> = (0..=steps).map(|step| at(step as f64 * width)).collect();
        let best = grid.iter().copied().fold(0.0, f64::max);
        let mut largest = best;
        for step in 1..steps {
            let peak = grid[step] >= grid[step - 1] && grid[step] >= grid[step + 1];
            if peak && grid[step] > 0.9 * best {
                largest = largest.max(climb(at, (step - 1) as f64 * width, (step + 1) as f64 * width));
            }
        }
        largest.min(1.0)
    }

    fn probability(&self, rate: f64) -> f64 {
        let base = all_probabilities(self.rows.len() as u64 - 1, rate);
        let new = all_probabilities(self.new_trials, rate);
        let mut up_to = Vec::with_capacity(new.len() + 1);
        up_to.push(0.0);
        for &p in &new {
            up_to.push(up_to[up_to.len() - 1] + p);
        }
        // summed from the far end, because that is the end where small tails live
        let mut from = vec![0.0; new.len() + 1];
        for (index, &p) in new.iter().enumerate().rev() {
            from[index] = from[index + 1] + p;
        }
        base.iter().zip(&self.rows).map(|(p, row)| p * (up_to[row.below as usize] + from[row.from as usize])).sum()
    }
}

/// The binomial law, from its mode outwards by the ratio of neighbours.
fn all_probabilities(trials: u64, rate: f64) -> Vec<f64> {
    let count = trials as usize;
    let mut law = vec![0.0; count + 1];
    let mode = (((trials + 1) as f64 * rate) as usize).min(count);
    law[mode] = pmf(mode as u64, trials, rate);
    let odds = rate / (1.0 - rate);
    for x in mode..count {
        law[x + 1] = law[x] * (count - x) as f64 / (x + 1) as f64 * odds;
    }
    for x in (0..mode).rev() {
        law[x] = law[x + 1] * (x + 1) as f64 / (count - x) as f64 / odds;
    }
    law
}

/// The largest value of a single-peaked function, by golden sections.
fn climb(value: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut left, mut right) = (high - ratio * (high - low), low + ratio * (high - low));
    let (mut at_left, mut at_right) = (value(left), value(right));
    for _ in 0..45 {
        if at_left < at_right {
            low = left;
            (left, at_left) = (right, at_right);
            right = low + ratio * (high - low);
            at_right = value(right);
        } else {
            high = right;
            (right, at_right) = (left, at_left);
            left = high - ratio * (high - low);
            at_left = value(left);
        }
    }
    at_left.max(at_right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rates_and_empty_runs_are_no_evidence() {
        let same = Rates { base_events: 3, base_trials: 40, new_events: 3, new_trials: 40 };
        assert!(same.boschloo().p_two_sided > 0.9 && same.barnard().p_two_sided > 0.9);
        let empty = Rates { base_events: 0, base_trials: 0, new_events: 3, new_trials: 40 };
        assert_eq!(empty.boschloo(), RateTest::NO_EVIDENCE);
    }

    #[test]
    fn boschloo_is_never_weaker_than_fisher() {
        for new_events in 0..=12 {
            let rates = Rates { base_events: 1, base_trials: 30, new_events, new_trials: 25 };
            assert!(rates.boschloo().p_higher <= rates.fisher().p_higher + 1e-12, "{rates:?}");
        }
    }
}
