//! Two samples of exactly known values: the rank-sum test of Mann and Whitney.

use super::rates::normal_tail;

/// Outcome of the rank-sum test of `x` against `y`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MannWhitney {
    /// Pairs in which the value of `x` is the larger one; equal values count one half.
    pub u: f64,
    /// Two-sided p-value: twice the smaller tail, at most 1.
    pub p_two_sided: f64,
    /// One-sided p-value for "`x` tends to be larger".
    pub p_greater: f64,
}

/// Additions for which all arrangements are still counted.
const COUNTABLE: usize = 20_000_000;

/// Tests whether `x` and `y` have the same law; `None` when one is empty.
///
/// The p-values are exact given the ties as long as all arrangements can be counted (two samples of about 45), and
/// otherwise the normal approximation with corrections for ties and for continuity.
/// Source: Mann & Whitney, Ann. Math. Statist. 18 (1947).
pub fn mann_whitney(x: &[f64], y: &[f64]) -> Option<MannWhitney> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let mut values: Vec<(f64, bool)> =
        x.iter().map(|&value| (value + 0.0, true)).chain(y.iter().map(|&value| (value + 0.0, false))).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0));

    // twice the mean rank, a whole number also for ties
    let mut double_ranks = Vec::with_capacity(values.len());
    let mut ties = 0.0;
    let mut own = 0;
    for run in values.chunk_by(|a, b| a.0.total_cmp(&b.0).is_eq()) {
        let before = double_ranks.len();
        let double_rank = 2 * before + run.len() + 1;
        double_ranks.resize(before + run.len(), double_rank);
        own += run.iter().filter(|(_, from_x)| *from_x).count() * double_rank;
        ties += (run.len() as f64).powi(3) - run.len() as f64;
    }
    let (own_size, other_size) = (x.len() as f64, y.len() as f64);
    let u = own as f64 / 2.0 - own_size * (own_size + 1.0) / 2.0;

    let (p_greater, p_less) = if values.len() * x.len() * own.max(1) < COUNTABLE {
        counted(&double_ranks, x.len(), own)
    } else {
        let all = own_size + other_size;
        let variance = own_size * other_size / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
        let distance = u - own_size * other_size / 2.0;
        if variance > 0.0 {
            let scale = variance.sqrt();
            (normal_tail((distance - 0.5) / scale), normal_tail((-distance - 0.5) / scale))
        } else {
            (1.0, 1.0)
        }
    };
    Some(MannWhitney { u, p_two_sided: (2.0 * p_greater.min(p_less)).min(1.0), p_greater })
}

/// Probabilities that a random choice of `size` ranks sums to at least, and to at most, `sum`.
fn counted(ranks: &[usize], size: usize, sum: usize) -> (f64, f64) {
    let largest: usize = ranks.iter().rev().take(size).sum();
    // ways[k][s]: choices of k ranks with sum s
    let mut ways = vec![vec![0.0_f64; largest + 1]; size + 1];
    ways[0][0] = 1.0;
    for &rank in ranks {
        for chosen in (1..=size).rev() {
            let (fewer, more) = ways.split_at_mut(chosen);
            let (from, to) = (&fewer[chosen - 1], &mut more[0]);
            if rank <= largest {
                for (target, source) in to[rank..].iter_mut().zip(from) {
                    *target += source;
                }
            }
        }
    }
    let all: f64 = ways[size].iter().sum();
    let at_least: f64 = ways[size][sum..].iter().sum();
    let at_most: f64 = ways[size][..=sum].iter().sum();
    (at_least / all, at_most / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_samples_are_no_evidence() {
        let same = mann_whitney(&[1.0, 1.0, 1.0], &[1.0, 1.0]).expect("two samples");
        assert_eq!((same.u, same.p_two_sided), (3.0, 1.0));
        assert_eq!(mann_whitney(&[], &[1.0]), None);
    }

    #[test]
    fn the_approximation_continues_the_exact_count() {
        let x: Vec<f64> = (0..70).map(|k| f64::from(k) + 12.3).collect();
        let y: Vec<f64> = (0..70).map(f64::from).collect();
        let large = mann_whitney(&x, &y).expect("two samples");
        let ranks: Vec<usize> = (1..=140).map(|rank| 2 * rank).collect();
        let own = (large.u + 70.0 * 71.0 / 2.0) as usize * 2;
        let (exact, _) = counted(&ranks, 70, own);
        assert!((large.p_greater - exact).abs() < 1e-4, "{} {exact}", large.p_greater);
    }
}
