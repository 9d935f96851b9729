//! Which scan gets which arm, and which single shot which offset.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::model::scenario::{Each, Scenario};

/// Assigns scans to arms, and single shots to offsets, in random order but evenly: in blocks that hold each once.
pub(super) struct Assignments {
    all: Vec<Assignment>,
    block: Vec<Assignment>,
    random: ChaCha8Rng,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Assignment {
    pub(super) arm: u32,
    /// The one offset to poll at; `None` for all.
    pub(super) offset: Option<usize>,
}

impl Assignments {
    pub(super) fn new(scenario: &Scenario, random: ChaCha8Rng) -> Assignments {
        let mut all = Vec::new();
        for (index, arm) in scenario.arms.iter().enumerate() {
            let arm_index = index as u32;
            match arm.each {
                Each::One if !arm.offsets.is_empty() => {
                    all.extend((0..arm.offsets.len()).map(|offset| Assignment { arm: arm_index, offset: Some(offset) }));
                }
                _ => all.push(Assignment { arm: arm_index, offset: None }),
            }
        }
        Assignments { all, block: Vec::new(), random }
    }

    pub(super) fn next(&mut self) -> Assignment {
        if self.block.is_empty() {
            self.block.clone_from(&self.all);
            self.block.shuffle(&mut self.random);
        }
        // A checked scenario has at least one arm, so the block just filled is not empty.
        self.block.pop().unwrap_or(Assignment { arm: 0, offset: None })
    }
}
