//! Published staleness: three replicas, a write acknowledged by the first, a read answered by the fastest.
//!
//! Bailis et al., "Probabilistically Bounded Staleness for Practical Partial Quorums" (VLDB 2012). A write reaches replica i after `W`
//! and its acknowledgement takes `A`; the writer goes on at `w = min(W + A)`. A read reaches replica i after `R` and is answered after `S`; the
//! reader takes the smallest `R + S`. A read that is sent `t` after the acknowledgement is fresh if `t ≥ W − w − R` at that replica. Here
//! the race is run as it is: the write is under way to three copies, and the read looks at the fastest of them at the moment it gets there.

use std::time::Duration;

use rand::RngExt as _;
use tokio::time::Instant;

use super::follower::Follower;
use crate::service::chance::RandomStream;
use crate::service::store::Write;

/// A published setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quorum {
    /// No quorum: reads see what was written.
    Off,
    /// A professional network's store on solid state: fresh at once in 97.4 %.
    LnkdSsd,
    /// The same on disks: fresh at once in 43.7 %, 99.9 % after 51 ms.
    LnkdDisk,
    /// An enterprise messenger's store: fresh at once in 88.7 %, 99.9 % after 1.4 s.
    Ymmr,
}

/// A delay in milliseconds: Pareto(xm, alpha) with probability p, else exponential with this rate.
#[derive(Debug, Clone, Copy)]
struct Mixture {
    p: f64,
    xm: f64,
    alpha: f64,
    rate: f64,
}

const FAST: Mixture = Mixture { p: 0.9122, xm: 0.235, alpha: 10.0, rate: 1.66 };
const DISK: Mixture = Mixture { p: 0.38, xm: 1.05, alpha: 1.51, rate: 0.183 };
const YMMR_WRITE: Mixture = Mixture { p: 0.939, xm: 3.0, alpha: 3.35, rate: 0.0028 };
const YMMR_REST: Mixture = Mixture { p: 0.982, xm: 1.5, alpha: 3.8, rate: 0.0217 };

impl Quorum {
    /// The words a knob accepts.
    pub const WORDS: &'static [&'static str] = &["off", "LNKD-SSD", "LNKD-DISK", "YMMR"];

    /// The setting written as `word`.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "off" => Some(Quorum::Off),
            "LNKD-SSD" => Some(Quorum::LnkdSsd),
            "LNKD-DISK" => Some(Quorum::LnkdDisk),
            "YMMR" => Some(Quorum::Ymmr),
            _ => None,
        }
    }

    /// How the setting is written.
    pub fn word(self) -> &'static str {
        Self::WORDS[self as usize]
    }

    /// The law of W, and the common law of A, R and S.
    fn laws(self) -> (Mixture, Mixture) {
        match self {
            Quorum::Off | Quorum::LnkdSsd => (FAST, FAST),
            Quorum::LnkdDisk => (DISK, FAST),
            Quorum::Ymmr => (YMMR_WRITE, YMMR_REST),
        }
    }
}

impl Mixture {
    fn draw(self, dice: &mut RandomStream) -> f64 {
        let pareto = dice.random::<f64>() < self.p;
        // In (0, 1].
        let u = 1.0 - dice.random::<f64>();
        if pareto { self.xm * u.powf(-1.0 / self.alpha) } else { -u.ln() / self.rate }
    }
}

/// Three copies with writes under way to each.
#[derive(Debug)]
pub(crate) struct Replicas {
    setting: Quorum,
    copies: [Follower; 3],
}

/// Which copy a read looks at, and when it gets there. One request reads everything through one of these.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    copy: usize,
    at: Instant,
}

impl Replicas {
    pub(crate) fn new(setting: Quorum) -> Self {
        Replicas { setting, copies: std::array::from_fn(|_| Follower::default()) }
    }

    /// Sends a batch that is acknowledged now. Returns when the first copy has it.
    pub(crate) fn ship(&mut self, writes: &[Write], now: Instant, dice: &mut RandomStream) -> Instant {
        let (write, rest) = self.setting.laws();
        let arrivals: [f64; 3] = std::array::from_fn(|_| write.draw(dice));
        let acknowledged = arrivals.map(|arrival| arrival + rest.draw(dice)).into_iter().fold(f64::INFINITY, f64::min);
        // Now is the acknowledgement: what arrived before it is there, the rest is under way.
        let due = arrivals.map(|arrival| now + millis((arrival - acknowledged).max(0.0)));
        for (copy, due) in self.copies.iter_mut().zip(due) {
            copy.ship(writes, due);
        }
        due.into_iter().min().unwrap_or(now)
    }

    /// Sends a read to all copies; the fastest answer counts.
    pub(crate) fn send_read(&self, now: Instant, dice: &mut RandomStream) -> Arrival {
        let (_, rest) = self.setting.laws();
        let mut fastest = (f64::INFINITY, 0, 0.0);
        for copy in 0..self.copies.len() {
            let (there, back) = (rest.draw(dice), rest.draw(dice));
            if there + back < fastest.0 {
                fastest = (there + back, copy, there);
            }
        }
        Arrival { copy: fastest.1, at: now + millis(fastest.2) }
    }

    /// What the read finds.
    pub(crate) fn read(&mut self, key: &str, now: Instant, arrival: Arrival) -> Option<String> {
        self.copies[arrival.copy].read(key, now, arrival.at)
    }

    /// Removes what has expired.
    pub(crate) fn purge(&mut self, now: Instant) {
        self.copies.iter_mut().for_each(|copy| copy.purge(now));
    }
}

fn millis(millis: f64) -> Duration {
    // A Pareto tail of index 1.51 can be long; an hour is for ever here.
    Duration::from_secs_f64((millis / 1000.0).min(3600.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::chance::{Chance, Purpose};

    /// Share of reads, sent `t` after the acknowledgement, that see the write.
    fn fresh(setting: Quorum, t: f64, trials: usize) -> f64 {
        let mut dice = Chance::new(Some(11)).dice(Purpose::Read, 0);
        let start = Instant::now();
        let seen = (0..trials)
            .filter(|_| {
                let mut replicas = Replicas::new(setting);
                let write = Write::Set { key: "k".into(), value: "v".into(), ttl: Duration::from_secs(60) };
                replicas.ship(&[write], start, &mut dice);
                let now = start + millis(t);
                let arrival = replicas.send_read(now, &mut dice);
                replicas.read("k", now, arrival).is_some()
            })
            .count();
        seen as f64 / trials as f64
    }

    #[test]
    fn the_race_reproduces_the_published_shares() {
        // Shares at 0 and at the published 99.9 % point, from 2 million trials of these parameters.
        for (setting, at_zero, t999) in [(Quorum::LnkdSsd, 0.974, 1.94), (Quorum::LnkdDisk, 0.437, 51.2), (Quorum::Ymmr, 0.887, 1447.0)] {
            let share = fresh(setting, 0.0, 20_000);
            assert!((share - at_zero).abs() < 0.015, "{setting:?}: {share} at 0");
            let late = fresh(setting, t999, 20_000);
            assert!((late - 0.999).abs() < 0.0015, "{setting:?}: {late} at {t999} ms");
        }
    }
}
