//! How often events fall into intervals by chance.
//!
//! There are intervals, one a unit, and series of events, each with at most one event a unit. A series scores the intervals that its own
//! unit's event meets. Were the events unrelated to the intervals, then it would not matter which unit's events are laid over which
//! unit's intervals, nor where on the axis they are laid: the units are exchanged at random and all events moved by one random
//! distance, round and round the axis. The best score among all series is compared with what it is then, so that many series have no
//! advantage over few.
//!
//! Exchanging the units alone would be blind where all intervals are alike, and moving alone would be blind to what varies from unit to unit.
//! The observed arrangement counts among the drawn ones, so that the p-value is valid for any number of draws (Phipson and Smyth 2010,
//! Statistical Applications in Genetics and Molecular Biology 9, 39).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// An interval, open below and closed above, and one for an event: somewhere between its ends.
pub type Interval = (i64, i64);

/// Whether an event may lie in an interval.
pub fn meets(interval: Interval, event: Interval) -> bool {
    event.1 > interval.0 && event.0 <= interval.1
}

/// The chance that the best of all series scores at least `score`. `axis` is where events may lie; `series` have as many units as there are
/// intervals.
pub fn chance(intervals: &[Interval], series: &[&[Option<Interval>]], score: usize, axis: Interval, draws: u32, seed: u64) -> f64 {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let length = axis.1.saturating_sub(axis.0).max(1);
    let mut order: Vec<usize> = (0..intervals.len()).collect();
    // Those with too few events cannot reach it, however they are laid.
    let series: Vec<&[Option<Interval>]> = series.iter().copied().filter(|events| events.iter().flatten().count() >= score).collect();
    let mut as_good = 1_u32;
    for _ in 0..draws {
        shuffle(&mut order, &mut random);
        let shift = below(&mut random, length.unsigned_abs()) as i64;
        let reaches = series.iter().any(|events| moved_score(intervals, events, &order, axis.0, length, shift) >= score);
        as_good += u32::from(reaches || score == 0);
    }
    f64::from(as_good) / f64::from(draws + 1)
}

fn moved_score(intervals: &[Interval], events: &[Option<Interval>], order: &[usize], from: i64, length: i64, shift: i64) -> usize {
    let hits = |(interval, unit): &(&Interval, &usize)| {
        events[**unit].is_some_and(|(least, most)| {
            let moved = from + (least.saturating_sub(from).saturating_add(shift)).rem_euclid(length);
            let event = (moved, moved.saturating_add(most.saturating_sub(least)));
            // The axis is a circle: what hangs over its end comes back at its beginning.
            meets(**interval, event) || meets(**interval, (event.0 - length, event.1 - length))
        })
    };
    intervals.iter().zip(order).filter(hits).count()
}

fn shuffle(order: &mut [usize], random: &mut ChaCha8Rng) {
    for last in (1..order.len()).rev() {
        order.swap(last, below(random, last as u64 + 1) as usize);
    }
}

/// A number below another, all equally likely to within 2^-32: limits here are far below 2^63.
fn below(random: &mut ChaCha8Rng, limit: u64) -> u64 {
    ((u128::from(random.next_u64()) * u128::from(limit)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn around(at: i64, width: i64) -> Interval {
        (at - width / 2, at + width / 2)
    }

    #[test]
    fn what_follows_the_intervals_is_no_chance() {
        let intervals: Vec<Interval> = (0..40).map(|unit| around(200 * MS + unit * 37 * MS, 20 * MS)).collect();
        let events: Vec<Option<Interval>> = (0..40).map(|unit| Some(around(200 * MS + unit * 37 * MS, MS))).collect();
        assert!(chance(&intervals, &[&events], 40, (0, 2000 * MS), 999, 1) <= 0.002);
    }

    #[test]
    fn intervals_as_wide_as_the_axis_prove_nothing() {
        let intervals = vec![(0, 2000 * MS); 50];
        let events = vec![Some(around(1000 * MS, MS)); 50];
        assert!(chance(&intervals, &[&events], 50, (0, 2000 * MS), 199, 1) > 0.9);
    }

    #[test]
    fn many_series_have_no_advantage() {
        // Constant events at random places against constant intervals of a hundredth of the axis: of 100 series one fits by chance.
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let intervals = vec![around(1234 * MS, 20 * MS); 30];
        let series: Vec<Vec<Option<Interval>>> =
            (0..100).map(|_| vec![Some(around(below(&mut random, 2000) as i64 * MS, MS)); 30]).collect();
        let series: Vec<&[Option<Interval>]> = series.iter().map(Vec::as_slice).collect();
        assert!(chance(&intervals, &series, 30, (0, 2000 * MS), 499, 2) > 0.3);
        assert!(chance(&intervals, &series[..1], 30, (0, 2000 * MS), 499, 2) < 0.03);
    }

    #[test]
    fn the_level_holds_where_events_are_unrelated() {
        // Each trial has its own random intervals and events; the p-value of the observed best score is at most 0.05 in about 5 %.
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let trials = 300;
        let small = (0..trials)
            .filter(|trial| {
                let mut place = || below(&mut random, 1000) as i64 * MS;
                let intervals: Vec<Interval> = (0..12).map(|_| around(place(), 150 * MS)).collect();
                let series: Vec<Vec<Option<Interval>>> = (0..5).map(|_| (0..12).map(|_| Some(around(place(), MS))).collect()).collect();
                let series: Vec<&[Option<Interval>]> = series.iter().map(Vec::as_slice).collect();
                let score =
                    |events: &[Option<Interval>]| intervals.iter().zip(events).filter(|(a, b)| b.is_some_and(|b| meets(**a, b))).count();
                let best = series.iter().map(|events| score(events)).max().unwrap_or(0);
                chance(&intervals, &series, best, (0, 1000 * MS), 199, *trial) <= 0.05
            })
            .count();
        assert!(small <= 27, "{small} of {trials}: more than 5 % by three standard deviations");
    }
}
