//! Whether a scenario's gate is decided while it runs: the same rules by which the log is judged afterwards, asked early.
//!
//! Where nothing is tolerated, the first denial decides, and the bound that a clean run states holds wherever it stops: to
//! stop can only make the event "no denial at all" rarer. Under a tolerated rate it is a sequential test with its own error
//! rates, whose trials are scans in the order of their numbers, so that neither the order of answers nor what arrives after
//! the decision changes it, and the log gives the same one. A refusal that the log reads as a denial is a lost poll here: it
//! never helps to pass.

use std::collections::BTreeMap;

use crate::analysis::gate::{LossyWalk, Trial, sample, sequential_test};
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::scenario::{Scenario, Stop, Tolerance};
use crate::model::time::{Nanos, Span, Stamp};
use crate::statistics::sprt::Decision;

/// Whether a scenario needs more scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Its gate is not decided, or it is to measure everything anyway.
    More,
    /// Its gate is decided.
    NoMore,
}

/// Watches a run's gates.
#[derive(Debug)]
pub struct Gates {
    scenarios: Vec<Gate>,
}

#[derive(Debug)]
struct Gate {
    stop: Stop,
    tolerance: Tolerance,
    /// By arm.
    tolerances: Vec<Span>,
    /// One sequential test for each arm and offset; empty where nothing is tolerated.
    walks: BTreeMap<(u32, Nanos), LossyWalk>,
    scans: BTreeMap<u64, ScanSoFar>,
    /// The first scan that is not yet counted.
    next: u64,
    denied: bool,
}

#[derive(Debug, Default)]
struct ScanSoFar {
    arm: u32,
    t0: Option<Stamp>,
    trials: BTreeMap<Nanos, Trial>,
    ended: bool,
}

impl Gates {
    /// The gates of a run's scenarios, in their order.
    pub fn new(scenarios: &[Scenario]) -> Gates {
        let mut first = 0;
        let gate = |scenario: &Scenario| {
            let next = first;
            first += u64::from(scenario.load.scans);
            Gate::new(scenario, next)
        };
        Gates { scenarios: scenarios.iter().map(gate).collect() }
    }

    /// Takes note of an exchange that has ended.
    pub fn exchange(&mut self, exchange: &Exchange) -> Need {
        self.scenarios.get_mut(exchange.scenario as usize).map_or(Need::More, |gate| gate.exchange(exchange))
    }

    /// Takes note that nothing more will come of a scan.
    pub fn scan_ended(&mut self, scenario: u32, scan: u64) -> Need {
        self.scenarios.get_mut(scenario as usize).map_or(Need::More, |gate| gate.scan_ended(scan))
    }
}

impl Gate {
    fn new(scenario: &Scenario, next: u64) -> Gate {
        let gates = scenario.arms.iter().enumerate().flat_map(|(arm, told)| told.offsets.iter().map(move |at| (arm as u32, at.as_nanos())));
        let walks = sequential_test(scenario).map(|test| gates.map(|gate| (gate, LossyWalk::new(test))).collect());
        Gate {
            stop: scenario.expect.stop,
            tolerance: scenario.expect.not_found,
            tolerances: scenario.arms.iter().map(|arm| arm.tolerance).collect(),
            walks: walks.unwrap_or_default(),
            scans: BTreeMap::new(),
            next,
            denied: false,
        }
    }

    fn exchange(&mut self, exchange: &Exchange) -> Need {
        if self.stop == Stop::Never {
            return Need::More;
        }
        let Some(number) = exchange.scan.get() else { return self.need() };
        let scan = self.scans.entry(number).or_default();
        if exchange.kind == Kind::Initiate && exchange.answer == Answer::Accepted {
            (scan.arm, scan.t0) = (exchange.arm, Some(exchange.done));
        }
        if exchange.kind == Kind::Poll
            && exchange.purpose == Purpose::Offset
            && let Some((t0, offset)) = scan.t0.zip(exchange.offset.get())
            && let Some(tolerance) = self.tolerances.get(exchange.arm as usize)
            && let Some(trial) = Trial::of(sample(exchange.sent.since(t0), offset, *tolerance, exchange.answer))
        {
            self.denied |= trial == Trial::Denied;
            scan.trials.entry(offset).and_modify(|all| *all = all.and(trial)).or_insert(trial);
        }
        self.need()
    }

    fn scan_ended(&mut self, number: u64) -> Need {
        if self.stop == Stop::Never {
            return Need::More;
        }
        self.scans.entry(number).or_default().ended = true;
        while self.scans.get(&self.next).is_some_and(|scan| scan.ended) {
            let Some(scan) = self.scans.remove(&self.next) else { break };
            for (offset, trial) in scan.trials {
                if let Some(walk) = self.walks.get_mut(&(scan.arm, offset)) {
                    walk.step(trial);
                }
            }
            self.next += 1;
        }
        self.need()
    }

    fn need(&self) -> Need {
        let decided = |decision| move |walk: &LossyWalk| walk.crossing().is_some_and(|crossing| crossing.decision == decision);
        let decided = match self.tolerance {
            Tolerance::Any => false,
            Tolerance::Never => self.denied,
            Tolerance::Rate { .. } => {
                self.walks.values().any(decided(Decision::Fail))
                    || self.stop == Stop::Decided && !self.walks.is_empty() && self.walks.values().all(decided(Decision::Pass))
            }
        };
        if decided && self.stop != Stop::Never { Need::NoMore } else { Need::More }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::Source;
    use serde_json::json;

    fn gates(telling: &str) -> Gates {
        let text = format!("name = \"x\"\ntitle = \"t\"\nsource = \"s\"\n[polls]\noffsets = [\"100ms\"]\n{telling}");
        Gates::new(&[Scenario::read(Source { file: "x.toml", text: &text }).unwrap_or_else(|error| panic!("{error}"))])
    }

    /// A scan that is accepted at once and polled at so many milliseconds, without its end.
    fn scan(gates: &mut Gates, scan: u64, at_ms: u64, answer: &str) -> Need {
        let exchange = |kind: &str, purpose: &str, sent: u64, answer: &str| -> Exchange {
            let line = json!({
                "scenario": 0, "scan": scan, "kind": kind, "purpose": purpose, "connection": "fresh", "answer": answer,
                "offset": (purpose == "offset").then_some(100_000_000), "planned": sent, "sent": sent, "done": sent,
            });
            serde_json::from_value(line).unwrap_or_else(|error| panic!("{error}"))
        };
        gates.exchange(&exchange("initiate", "other", 0, "accepted"));
        gates.exchange(&exchange("poll", "offset", at_ms * 1_000_000, answer))
    }

    #[test]
    fn the_first_denial_decides_only_where_it_counts_and_is_asked_for() {
        let first = "[load]\nscans = 9\n[expect]\nstop = \"first-failure\"";
        for (telling, at_ms, answer, need) in [
            (first, 100, "not_found", Need::NoMore),
            (first, 100, "visible", Need::More),
            (first, 126, "not_found", Need::More),
            (first, 100, "server_error", Need::More),
            ("[load]\nscans = 9", 100, "not_found", Need::More),
        ] {
            assert_eq!(scan(&mut gates(telling), 0, at_ms, answer), need, "{telling} {at_ms} {answer}");
        }
    }

    #[test]
    fn trials_are_scans_in_the_order_of_their_numbers() {
        const TOLERANT: &str = "[load]\ndetect = { rate = 0.5, power = 0.9 }\n[expect]\n\
            not_found = { at_most = 0.1, confidence = 0.9 }\nstop = \"decided\"";
        // Four clean scans pass: (0.5 / 0.9)^4 < 0.1 / 0.9.
        let mut gates = gates(TOLERANT);
        for number in 0..6 {
            scan(&mut gates, number, 100, "visible");
        }
        for number in (1..6).rev() {
            assert_eq!(gates.scan_ended(0, number), Need::More, "scan 0 is still under way");
        }
        assert_eq!(gates.scan_ended(0, 0), Need::NoMore);
    }

    #[test]
    fn under_first_failure_a_tolerated_rate_goes_on_to_its_end_unless_it_fails() {
        const TOLERANT: &str = "[load]\ndetect = { rate = 0.5, power = 0.9 }\n[expect]\n\
            not_found = { at_most = 0.1, confidence = 0.9 }\nstop = \"first-failure\"";
        let after = |answer: &str| {
            let mut gates = gates(TOLERANT);
            (0..8).map(|number| (scan(&mut gates, number, 100, answer), gates.scan_ended(0, number)).1).collect::<Vec<_>>()
        };
        assert!(after("visible").iter().all(|need| *need == Need::More));
        // (0.5 / 0.1)^2 > 0.9 / 0.1.
        assert_eq!(after("not_found")[..2], [Need::More, Need::NoMore]);
    }
}
