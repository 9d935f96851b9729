//! Comparing two samples of windows: published examples and the promise of the permutation p-value.

use crate::support::golden;

use golden::{close, real, rows, withheld};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statusgap::statistics::compare::windows::{Arrangements, Draws, Group, Sample, Scores, compare_windows, scores};
use statusgap::statistics::npmle::Observation;

const DRAWS: Draws = Draws { count: 2000, seed: 1 };

fn sample(after: f64, until: f64, group: Group) -> Sample {
    Sample { observation: Observation::new(after, until), group, block: 0 }
}

/// Seven brackets of Fay and Shaw's first example, the third, fourth and sixth of them in the new group.
fn first_example() -> Vec<Sample> {
    let ends = [(2.0, 3.0), (5.0, 6.0), (1.0, 7.0), (1.0, 7.0), (9.0, 12.0), (8.0, 10.0), (10.0, 13.0)];
    let new = [2, 3, 5];
    ends.iter()
        .enumerate()
        .map(|(index, &(after, until))| sample(after, until, if new.contains(&index) { Group::New } else { Group::Base }))
        .collect()
}

#[test]
fn log_rank_scores_are_the_published_fractions() {
    let observations: Vec<_> = first_example().iter().map(|sample| sample.observation).collect();
    let golden = [5.0 / 7.0, 11.0 / 35.0, 18.0 / 35.0, 18.0 / 35.0, -24.0 / 35.0, -13.0 / 70.0, -83.0 / 70.0];
    for (ours, golden) in scores(&observations, Scores::SunLogRank).into_iter().zip(golden) {
        close(ours, golden, 1e-12, "score");
    }
}

#[test]
fn scores_of_all_windows_sum_to_zero() {
    let observations: Vec<_> = first_example().iter().map(|sample| sample.observation).collect();
    for kind in [Scores::SunLogRank, Scores::FinkelsteinLogRank, Scores::WilcoxonMannWhitney] {
        let sum: f64 = scores(&observations, kind).iter().sum();
        close(sum, 0.0, 1e-12, "sum of scores");
    }
}

#[test]
fn an_arrangement_that_ties_with_the_observed_one_counts() {
    let test = compare_windows(&first_example(), Scores::SunLogRank, DRAWS).unwrap();
    assert_eq!(test.arrangements, Arrangements::All(35));
    close(test.p_shorter, 8.0 / 35.0, 1e-15, "one-sided p");
}

#[test]
fn the_cosmesis_trial_gives_the_published_statistics() {
    let Some(table) = withheld("bcos.csv") else {
        return;
    };
    let samples: Vec<_> = rows(&table)
        .iter()
        .map(|row| {
            let group = if row[2] == "Rad" { Group::Base } else { Group::New };
            sample(real(&row[0]), real(&row[1]), group)
        })
        .collect();
    for (kind, u, z, p) in [
        (Scores::SunLogRank, Some(9.141_846_169_34), 2.668_387_152_25, 0.007_621_637_712_14),
        (Scores::FinkelsteinLogRank, Some(9.944_182_437_27), 2.683_896_1, 0.007_276_971_720_68),
        (Scores::WilcoxonMannWhitney, None, 2.167_150_629_73, 0.030_223_370_455_8),
    ] {
        let test = compare_windows(&samples, kind, DRAWS).unwrap();
        close(test.z, z, 1e-8, "z: earlier deterioration is a positive score");
        close(test.p_asymptotic, p, 1e-10, "p");
        if let Some(u) = u {
            close(test.u, u, 1e-9, "U");
        }
        assert_eq!(test.arrangements, Arrangements::Drawn(DRAWS.count));
        assert!((test.p_two_sided - p).abs() < 0.01, "{}", test.p_two_sided);
    }
}

#[test]
fn longer_windows_are_called_longer() {
    let samples: Vec<_> = (0..12)
        .map(|index| {
            let start = f64::from(index) * 10.0;
            sample(start, start + 15.0, if index < 6 { Group::Base } else { Group::New })
        })
        .collect();
    let test = compare_windows(&samples, Scores::FinkelsteinLogRank, DRAWS).unwrap();
    assert!(test.p_longer < 0.01 && test.p_shorter > 0.99 && test.u < 0.0, "{test:?}");
    assert_eq!(compare_windows(&samples[..6], Scores::SunLogRank, DRAWS), None);
}

#[test]
fn a_drift_between_blocks_is_not_taken_for_a_difference() {
    // both runs are slow in the second block, where the new run happens to have more windows
    let drifting = |blocks: bool| -> Vec<Sample> {
        (0..40)
            .map(|index| {
                let late = index >= 20;
                let group = if (index % 5 == 0) == late { Group::Base } else { Group::New };
                let start = f64::from(index % 20) + if late { 100.0 } else { 0.0 };
                Sample { observation: Observation::new(start, start + 3.0), group, block: u32::from(late && blocks) }
            })
            .collect()
    };
    let without = compare_windows(&drifting(false), Scores::SunLogRank, DRAWS).unwrap();
    let within = compare_windows(&drifting(true), Scores::SunLogRank, DRAWS).unwrap();
    assert!(without.p_longer < 0.01, "{without:?}");
    assert!(within.p_two_sided > 0.05, "{within:?}");
}

#[test]
fn equal_laws_are_told_apart_no_more_often_than_stated() {
    let mut chance = ChaCha8Rng::seed_from_u64(5);
    let runs = 400;
    let rejected = (0..runs)
        .filter(|&run| {
            let samples: Vec<_> = (0..24)
                .map(|index| {
                    let window = -(1.0 - chance.random::<f64>()).ln() * 50.0;
                    let phase = 20.0 * chance.random::<f64>();
                    let until = phase + 20.0 * ((window - phase) / 20.0).ceil().max(0.0);
                    let group = if index % 2 == 0 { Group::Base } else { Group::New };
                    sample((until - 20.0).max(0.0), until, group)
                })
                .collect();
            let draws = Draws { count: 199, seed: run };
            compare_windows(&samples, Scores::FinkelsteinLogRank, draws).unwrap().p_two_sided <= 0.05
        })
        .count();
    // three standard errors above 5 % of 400
    assert!(rejected <= 33, "{rejected} of {runs}");
}
