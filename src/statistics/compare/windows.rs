//! Two samples of windows, each known only by its bracket: rank tests for interval-censored data.
//!
//! Every bracket gets a score from the pooled estimate, positive for early windows and negative for late ones, and the
//! sum of scores in one group is compared with what dealing the same brackets at random would give. The score comes
//! from data of both groups alike, so the permutation p-value holds for any law, provided that both were polled alike.
//! Sources: Finkelstein, Biometrics 42 (1986); Sun, Statistics in Medicine 15 (1996); Fay & Shaw, J. Stat. Softw. 36(2) (2010).

use super::permutation::{Block, shares};
use super::rates::normal_tail;
use crate::statistics::npmle::{Observation, npmle};
use std::collections::BTreeMap;

pub use super::permutation::{Arrangements, Draws};

/// Which difference the test is best at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// Log-rank scores of Sun: hazards that differ by a factor, in discrete time.
    SunLogRank,
    /// Log-rank scores of Finkelstein: hazards that differ by a factor.
    FinkelsteinLogRank,
    /// Wilcoxon, Mann and Whitney's scores: odds that differ by a factor, more weight on early windows.
    WilcoxonMannWhitney,
}

/// The run that a window belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// The old one.
    Base,
    /// The one in question.
    New,
}

/// One bracket with its place in the comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The bracket.
    pub observation: Observation,
    /// Its run.
    pub group: Group,
    /// Its block: brackets are only exchanged within one.
    pub block: u32,
}

/// Outcome of a test of two samples of windows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowTest {
    /// Sum of the scores of the new run, less its mean: negative when its windows are longer.
    pub u: f64,
    /// The sum in standard deviations under random dealing.
    pub z: f64,
    /// Two-sided p-value by the normal approximation; not to be trusted below some 30 windows.
    pub p_asymptotic: f64,
    /// Two-sided p-value by permutation.
    pub p_two_sided: f64,
    /// One-sided p-value by permutation for "the new windows are longer".
    pub p_longer: f64,
    /// One-sided p-value by permutation for "the new windows are shorter".
    pub p_shorter: f64,
    /// What the permutation p-values rest on.
    pub arrangements: Arrangements,
}

/// One score per bracket, in the order given; over all windows they sum to zero.
pub fn scores(observations: &[Observation], kind: Scores) -> Vec<f64> {
    let estimate = npmle(observations);
    // before the first interval with mass and after each: how many windows are still open, and the logarithm of that
    let mut open = vec![1.0];
    let mut log_open = vec![0.0];
    let mut reached = 0.0;
    for (index, mass) in estimate.support.iter().enumerate() {
        let left = 1.0 - reached;
        reached += mass.mass;
        let last = index + 1 == estimate.support.len();
        let now = if last { 0.0 } else { 1.0 - reached };
        let log = match kind {
            // the survival function that the discrete hazards would have if they were continuous
            Scores::SunLogRank => log_open[index] - mass.mass / left,
            _ => now.ln(),
        };
        open.push(now);
        log_open.push(log);
    }
    let weighted = |place: usize| {
        if open[place] > 0.0 { open[place] * log_open[place] } else { 0.0 }
    };
    observations
        .iter()
        .map(|observation| {
            let exact = observation.is_exact();
            let from =
                estimate.support.partition_point(|mass| mass.right < observation.after || (!exact && mass.right <= observation.after));
            let to = estimate.support.partition_point(|mass| mass.right <= observation.until);
            match kind {
                Scores::WilcoxonMannWhitney => open[from] + open[to] - 1.0,
                _ => (weighted(from) - weighted(to)) / (open[from] - open[to]),
            }
        })
        .collect()
}

/// Tests whether the windows of both runs have the same law; `None` unless both have one.
///
/// All arrangements are counted when there are at most 100,000; otherwise they are drawn.
pub fn compare_windows(samples: &[Sample], kind: Scores, draws: Draws) -> Option<WindowTest> {
    let observations: Vec<Observation> = samples.iter().map(|sample| sample.observation).collect();
    let has = |group| samples.iter().any(|one| one.group == group && one.observation.weight > 0);
    if !has(Group::Base) || !has(Group::New) {
        return None;
    }
    let scores = scores(&observations, kind);
    let mut blocks: BTreeMap<u32, Block> = BTreeMap::new();
    // the new run first: a block's chosen values are its first ones
    for group in [Group::New, Group::Base] {
        for (sample, &score) in samples.iter().zip(&scores).filter(|(sample, _)| sample.group == group) {
            let block = blocks.entry(sample.block).or_insert_with(|| Block { values: Vec::new(), chosen: 0 });
            let weight = sample.observation.weight as usize;
            block.values.extend(std::iter::repeat_n(score, weight));
            if group == Group::New {
                block.chosen += weight;
            }
        }
    }
    let blocks: Vec<Block> = blocks.into_values().collect();
    let (u, variance) = blocks.iter().map(moments).fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    let z = if variance > 0.0 { u / variance.sqrt() } else { 0.0 };
    let shares = shares(&blocks, draws);
    Some(WindowTest {
        u,
        z,
        p_asymptotic: (2.0 * normal_tail(z.abs())).min(1.0),
        p_two_sided: shares.as_far,
        p_longer: shares.at_most,
        p_shorter: shares.at_least,
        arrangements: shares.arrangements,
    })
}

/// A block's sum of chosen values less its mean, and that sum's variance under random dealing.
fn moments(block: &Block) -> (f64, f64) {
    let (size, chosen) = (block.values.len() as f64, block.chosen as f64);
    if block.values.len() < 2 {
        return (0.0, 0.0);
    }
    let mean = block.values.iter().sum::<f64>() / size;
    let squares: f64 = block.values.iter().map(|value| (value - mean).powi(2)).sum();
    let sum: f64 = block.values[..block.chosen].iter().map(|value| value - mean).sum();
    (sum, chosen * (size - chosen) / (size * (size - 1.0)) * squares)
}
