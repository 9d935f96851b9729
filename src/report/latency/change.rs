//! Whether a quantile moved from one run to another.

use crate::report::view::{TimingQuantile, View, Wait};

/// What two quantiles with their limits say of each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The quantile is higher than before: its lower limit is above the other's upper one.
    Slower,
    /// It is lower than before.
    Faster,
    /// The limits overlap, or there are none.
    NotProven,
}

/// A quantile of a wait in two runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Moved<'a> {
    pub(super) wait: Wait,
    pub(super) before: &'a TimingQuantile,
    pub(super) now: &'a TimingQuantile,
    pub(super) change: Change,
}

impl Change {
    /// Each limit misses with 2.5 %, so that limits which exclude each other do so by chance with 5 % at most.
    fn between(before: &TimingQuantile, now: &TimingQuantile) -> Change {
        let above = |lower: Option<f64>, upper: Option<f64>| lower.zip(upper).is_some_and(|(lower, upper)| lower > upper);
        if above(now.limits.0, before.limits.1) {
            Change::Slower
        } else if above(before.limits.0, now.limits.1) {
            Change::Faster
        } else {
            Change::NotProven
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Change::Slower => "slower",
            Change::Faster => "faster",
            Change::NotProven => "no difference shown",
        }
    }
}

/// The quantiles that both runs have something to say of.
pub(super) fn moved<'a>(before: &'a View, now: &'a View) -> Vec<Moved<'a>> {
    let mut moved = Vec::new();
    for row in &now.timing.rows {
        let Some(earlier) = before.timing.row(row.wait) else { continue };
        for now in &row.quantiles {
            let same = earlier.quantiles.iter().find(|before| before.label == now.label);
            let Some(before) = same.filter(|before| before.ms.is_some() || now.ms.is_some()) else { continue };
            moved.push(Moved { wait: row.wait, before, now, change: Change::between(before, now) });
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_one_only_where_the_limits_exclude_each_other() {
        let quantile = |lower, upper| TimingQuantile { label: "p50".to_owned(), ms: None, limits: (lower, upper), told: String::new() };
        for (before, now, change) in [
            ((Some(1.0), Some(2.0)), (Some(3.0), Some(4.0)), Change::Slower),
            ((Some(3.0), Some(4.0)), (Some(1.0), Some(2.0)), Change::Faster),
            ((Some(1.0), Some(3.0)), (Some(2.0), Some(4.0)), Change::NotProven),
            ((Some(1.0), Some(2.0)), (Some(2.0), Some(4.0)), Change::NotProven),
            ((Some(1.0), None), (Some(3.0), Some(4.0)), Change::NotProven),
            ((Some(1.0), Some(2.0)), (Some(3.0), None), Change::Slower),
            ((None, None), (None, None), Change::NotProven),
        ] {
            assert_eq!(Change::between(&quantile(before.0, before.1), &quantile(now.0, now.1)), change, "{before:?} {now:?}");
        }
    }
}
