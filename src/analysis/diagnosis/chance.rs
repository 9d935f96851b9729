//! Exact chances of arrangements of seen and denied, under exchangeability.

/// ln n!, by Stirling's series with the argument shifted up to where it is exact to a double's precision.
fn ln_factorial(n: usize) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let mut shift = 0.0;
    let mut z = n as f64 + 1.0;
    while z < 12.0 {
        shift += z.ln();
        z += 1.0;
    }
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + 1.0 / (12.0 * z) - 1.0 / (360.0 * z.powi(3)) + 1.0 / (1260.0 * z.powi(5))
        - shift
}

/// ln of the number of ways to choose `k` of `n`; minus infinity where there is none.
pub(super) fn ln_choose(n: usize, k: usize) -> f64 {
    if k > n {
        return f64::NEG_INFINITY;
    }
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

/// The chance that `denied` of `polls` in a row form at most so many unbroken runs (Wald and Wolfowitz, 1940).
pub(super) fn few_runs(runs: usize, denied: usize, polls: usize) -> f64 {
    distribution_of_runs(denied, polls).iter().take(runs + 1).sum::<f64>().min(1.0)
}

/// The chance of each number of runs of denials.
fn distribution_of_runs(denied: usize, polls: usize) -> Vec<f64> {
    if denied == 0 {
        return vec![1.0];
    }
    let all = ln_choose(polls, denied);
    let seen = polls - denied.min(polls);
    (0..=denied)
        .map(|runs| if runs == 0 { 0.0 } else { (ln_choose(denied - 1, runs - 1) + ln_choose(seen + 1, runs) - all).exp() })
        .collect()
}

/// The chance that several rows, each of so many denied of so many polls, have at most so many runs of denials together.
pub(super) fn few_runs_together(runs: usize, rows: &[(usize, usize)]) -> f64 {
    if runs > MANY_RUNS {
        return few_of_many(runs, rows);
    }
    // More runs than were seen need no place of their own: what does not fit is the rest.
    let mut together = vec![0.0; runs + 1];
    together[0] = 1.0;
    for (denied, polls) in rows {
        let one = distribution_of_runs(*denied, *polls);
        let mut next = vec![0.0; runs + 1];
        for (so_far, chance) in together.iter().enumerate().filter(|(_, chance)| **chance > 0.0) {
            for (more, also) in one.iter().enumerate().take(runs + 1 - so_far) {
                next[so_far + more] += chance * also;
            }
        }
        together = next;
    }
    together.iter().sum::<f64>().min(1.0)
}

/// Up to so many runs the distribution is summed; its cost grows with their square.
const MANY_RUNS: usize = 2000;

/// A bound for the same chance where there are many: the number of runs is hypergeometric, and far below its mean as a normal one.
fn few_of_many(runs: usize, rows: &[(usize, usize)]) -> f64 {
    let (mut mean, mut variance) = (0.0, 0.0);
    for (denied, polls) in rows.iter().filter(|(_, polls)| *polls > 1) {
        let (denied, polls) = (*denied as f64, *polls as f64);
        let seen = polls - denied;
        mean += denied * (seen + 1.0) / polls;
        variance += denied * (denied - 1.0) * seen * (seen + 1.0) / (polls * polls * (polls - 1.0));
    }
    let below = (mean - runs as f64).max(0.0);
    if variance > 0.0 { (-below * below / (2.0 * variance)).exp() } else { 1.0 }
}

/// The chance that all of `events` among `trials` fall into the first so many.
pub(super) fn all_among_first(events: usize, first: usize, trials: usize) -> f64 {
    (ln_choose(first, events) - ln_choose(trials, events)).exp()
}

/// The chance that all of `events`, drawn from so many places, fall on the marked ones of them.
pub(super) fn all_among(events: usize, marked: usize, places: usize) -> f64 {
    if events == 0 { 1.0 } else { all_among_first(events, marked, places) }
}

/// The largest share of cases that `n` clean trials leave possible at 95 %.
pub(super) fn share_left(n: usize) -> f64 {
    crate::statistics::binomial::zero_failure_bound(n.max(1) as u64, 0.95)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-9 * b.abs().max(1e-3), "{a} is not {b}");
    }

    #[test]
    fn choices_and_runs_are_counted_exactly() {
        close(ln_choose(10, 3).exp(), 120.0);
        close(ln_choose(52, 5).exp() / 2_598_960.0, 1.0);
        assert!(ln_choose(3, 4).is_infinite());
        // Of the six places of two among four, three are adjacent.
        close(few_runs(1, 2, 4), 0.5);
        close(few_runs(2, 2, 4), 1.0);
        close(few_runs_together(2, &[(2, 4), (2, 4)]), 0.25);
        close(few_runs_together(3, &[(2, 4), (2, 4)]), 0.75);
        close(all_among_first(1, 107, 321), 1.0 / 3.0);
        close(share_left(59), 1.0 - 0.05_f64.powf(1.0 / 59.0));
    }
}
