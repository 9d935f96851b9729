//! What a gate can see, and what it cannot: the probability to fail at a true rate, before a run and after it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::gate::sequential_test;
use crate::model::plan::Plan;
use crate::model::scenario::{Detect, Scenario, Tolerance};
use crate::model::time::Span;
use crate::statistics::binomial::{n_for_zero_failures, survival};
use crate::statistics::sprt::Sprt;

/// The gate of a scenario with so many scans at each offset.
///
/// Everything is told of one offset: a fault that shows at several is caught more surely than that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// Scans behind each offset.
    pub scans: u64,
    rule: Rule,
}

/// When a gate fails.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Rule {
    /// At the first denial.
    FirstDenial,
    /// From so many denied scans on, when the exact lower limit exceeds what is tolerated.
    From { denied: u64 },
    /// When the sequential test says so.
    Sequential(Sprt),
}

/// Rates that people think in, from high to low.
const ROUND: [f64; 12] = [0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002];

/// The probability with which a rate must be caught to be called detected, where nobody asked for another.
const DETECTED: f64 = 0.9;

impl Power {
    /// The gate of a scenario; `None` if it judges no denials at offsets, or with no scans.
    pub fn of(scenario: &Scenario, scans: u64) -> Option<Power> {
        if scans == 0 || !scenario.is_gated() {
            return None;
        }
        let rule = match (scenario.expect.not_found, sequential_test(scenario)) {
            (Tolerance::Any, _) => return None,
            (Tolerance::Never, _) => Rule::FirstDenial,
            (Tolerance::Rate { .. }, Some(test)) => Rule::Sequential(test),
            (Tolerance::Rate { at_most, confidence }, None) => Rule::From { denied: fails_from(scans, at_most, confidence) },
        };
        Some(Power { scans, rule })
    }

    /// The probability to fail when scans are denied at this rate.
    pub fn at(&self, rate: f64) -> f64 {
        match self.rule {
            Rule::FirstDenial => -((-rate).ln_1p() * self.scans as f64).exp_m1(),
            Rule::From { denied } => survival(denied, self.scans, rate),
            Rule::Sequential(test) => test.characteristic(rate, self.scans).fail,
        }
    }

    /// The rate that is caught with this probability; `None` if not even a service that denies everything is.
    pub fn rate_caught(&self, power: f64) -> Option<f64> {
        if let Rule::FirstDenial = self.rule {
            return Some(-((1.0 - power).ln() / self.scans as f64).exp_m1());
        }
        // Close enough to 1 that no share of whole scans lies between.
        let (mut low, mut high) = (0.0, 1.0 - 1e-9);
        if self.at(high) < power {
            return None;
        }
        for _ in 0..40 {
            let middle = f64::midpoint(low, high);
            if self.at(middle) >= power { high = middle } else { low = middle }
        }
        Some(high)
    }

    /// What it detects, and what it misses as often as not; `asked` is what it was to detect.
    pub fn outlook(&self, asked: Option<Detect>) -> Outlook {
        let detects = self.rate_caught(0.5).map(|half| {
            let round = || ROUND.into_iter().take_while(|rate| self.at(*rate) >= DETECTED).last();
            let rate = asked.map(|detect| detect.rate).or_else(round).unwrap_or(1.0 - 1e-9);
            let power = self.at(rate);
            Detection { rate, power, falls_short: asked.is_some_and(|detect| power < detect.power - 5e-4), half }
        });
        Outlook { scans: self.scans, detects }
    }
}

/// What a gate can see with so many scans.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Outlook {
    /// Scans at each offset.
    pub scans: u64,
    /// What it detects; `None`: it can never fail.
    pub detects: Option<Detection>,
}

/// What a gate detects. Rates and powers are shares of 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Detection {
    /// A true rate of denials.
    pub rate: f64,
    /// The probability with which it is caught.
    pub power: f64,
    /// Whether that is less than was asked for.
    pub falls_short: bool,
    /// The rate that is caught half the time.
    pub half: f64,
}

/// How many denied scans make the exact lower limit exceed what is tolerated: at the tolerated rate so many are rarer than
/// the confidence leaves room for. One more than there are scans if no number does.
fn fails_from(scans: u64, at_most: f64, confidence: f64) -> u64 {
    let (mut low, mut high) = (1, scans + 1);
    while low < high {
        let middle = u64::midpoint(low, high);
        if survival(middle, scans, at_most) < 1.0 - confidence { high = middle } else { low = middle + 1 }
    }
    low
}

/// How many scans each offset needs so that the gate detects what is asked for; `None` if it judges nothing, if the rate is
/// tolerated, or if it would take more than ten million.
pub fn scans_needed(scenario: &Scenario, detect: Detect) -> Option<u64> {
    const MOST: u64 = 10_000_000;
    let sensible = 0.0 < detect.rate && detect.rate < 1.0 && 0.0 < detect.power && detect.power < 1.0;
    if !sensible {
        return None;
    }
    let needed = match scenario.expect.not_found {
        Tolerance::Never => detect.scans(),
        Tolerance::Rate { at_most, confidence } if 0.0 < at_most && at_most < detect.rate && 0.0 < confidence && confidence < 1.0 => {
            let mut asked = scenario.clone();
            asked.load.detect = Some(detect);
            if let Some(test) = sequential_test(&asked) {
                // Long enough that hardly a run ends undecided, be the service good or bad.
                let open = (1.0 - confidence).min(1.0 - detect.power).min(0.01);
                [at_most, detect.rate].map(|rate| test.trials_to_decide(rate, open, MOST)).into_iter().max()?
            } else {
                let enough = |n: u64| survival(fails_from(n, at_most, confidence), n, detect.rate) >= detect.power;
                // A clean run must be able to pass, too.
                let least = n_for_zero_failures(at_most, confidence);
                let mut high = least;
                while !enough(high) && high < MOST {
                    high *= 2;
                }
                let mut low = if high == least { least } else { high / 2 };
                while low < high {
                    let middle = u64::midpoint(low, high);
                    if enough(middle) { high = middle } else { low = middle + 1 }
                }
                high
            }
        }
        Tolerance::Any | Tolerance::Rate { .. } => return None,
    };
    (needed < MOST).then_some(needed)
}

/// The scenario with so many scans that it detects what its file asks for; one that asks for nothing is left alone.
///
/// Reading a file gives the number for a gate that tolerates nothing; under a tolerated rate it takes more.
pub fn sized(mut scenario: Scenario) -> Scenario {
    if let Some(detect) = scenario.load.detect
        && let Some(needed) = scans_needed(&scenario, detect)
    {
        scenario.load.scans = scenario.load.scans.max(u32::try_from(needed * u64::from(scenario.hands())).unwrap_or(u32::MAX));
    }
    scenario
}

/// What a scenario's gate will be able to see, and how long the usual sizes would take.
pub struct GatePlan {
    /// What it can see as planned.
    pub outlook: Outlook,
    /// The rate that it was to detect, and how many scans that takes at each offset, where it has fewer.
    pub short_of: Option<(f64, u64)>,
    /// What the usual rates take.
    pub sizes: Vec<GateSize>,
}

/// What it takes to detect a rate.
pub struct GateSize {
    /// The rate.
    pub rate: f64,
    /// The probability with which it is caught.
    pub power: f64,
    /// Scans at each offset.
    pub scans: u64,
    /// Such a run takes at most so long.
    pub at_most: Span,
}

/// What a scenario's gate will be able to see; `None` if it has none.
pub fn plan(scenario: &Scenario) -> Option<GatePlan> {
    let scans = u64::from(scenario.load.scans / scenario.hands().max(1));
    let asked = scenario.load.detect;
    let needed = asked.and_then(|detect| Some((detect.rate, scans_needed(scenario, detect)?)));
    Some(GatePlan {
        outlook: Power::of(scenario, scans)?.outlook(asked),
        short_of: needed.filter(|(_, needed)| *needed > scans),
        sizes: [0.01, 0.001].into_iter().filter_map(|rate| size(scenario, rate)).collect(),
    })
}

fn size(scenario: &Scenario, rate: f64) -> Option<GateSize> {
    let power = scenario.load.detect.map_or(0.95, |detect| detect.power);
    let scans = scans_needed(scenario, Detect { rate, power })?;
    let mut sized = scenario.clone();
    sized.load.scans = u32::try_from(scans * u64::from(scenario.hands())).ok()?;
    Some(GateSize { rate, power, scans, at_most: Plan::of(&sized).at_most })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::source::Source;
    use crate::statistics::binomial::lower_limit;

    /// A sized scenario of one offset.
    pub(crate) fn scenario(telling: &str) -> Scenario {
        let text = format!("name = \"x\"\ntitle = \"t\"\nsource = \"s\"\n[polls]\noffsets = [\"100ms\"]\n{telling}");
        sized(Scenario::read(Source { file: "x.toml", text: &text }).unwrap_or_else(|error| panic!("{error}")))
    }

    #[test]
    fn the_sizes_are_those_of_the_published_tables() {
        let gate = scenario("[load]\nscans = 1");
        for (rate, power, scans) in
            [(0.1, 0.95, 29), (0.05, 0.95, 59), (0.01, 0.95, 299), (0.001, 0.95, 2995), (0.01, 0.99, 459), (0.001, 0.99, 4603)]
        {
            let detect = Detect { rate, power };
            assert_eq!((scans_needed(&gate, detect), n_for_zero_failures(rate, power)), (Some(scans), scans), "{rate} {power}");
        }
    }

    #[test]
    fn under_a_tolerated_rate_a_gate_fails_exactly_from_where_its_lower_limit_does() {
        for (scans, at_most) in [(59, 0.05), (300, 0.01), (1000, 0.002)] {
            let from = fails_from(scans, at_most, 0.95);
            assert!(lower_limit(from, scans, 0.95) > at_most && lower_limit(from - 1, scans, 0.95) <= at_most, "{scans} {at_most}");
        }
    }

    #[test]
    fn the_exact_gates_power_is_that_of_another_implementation() {
        // scipy 1.17.1: binom.sf(k - 1, n, p), k from beta.ppf as the lower Clopper–Pearson limit.
        for (scans, at_most, confidence, rate, from, power) in [
            (299, 0.01, 0.95, 0.05, 7, 0.993_201_557_649_951_9),
            (59, 0.01, 0.95, 0.05, 3, 0.571_071_969_192_774_5),
            (90, 0.05, 0.99, 0.2, 11, 0.981_037),
        ] {
            let gate = scenario(&format!("[expect]\nnot_found = {{ at_most = {at_most}, confidence = {confidence} }}"));
            let told = Power::of(&gate, scans).expect("a gate");
            assert_eq!(told.rule, Rule::From { denied: from });
            assert!((told.at(rate) - power).abs() < 1e-6, "{scans}: {}", told.at(rate));
        }
    }

    #[test]
    fn a_tolerated_rate_is_sized_so_that_the_other_one_is_caught() {
        for stop in ["never", "decided"] {
            let gate = scenario(&format!(
                "[load]\ndetect = {{ rate = 0.05, power = 0.95 }}\n[expect]\nnot_found = {{ at_most = 0.01 }}\nstop = \"{stop}\""
            ));
            let power = Power::of(&gate, u64::from(gate.load.scans)).expect("a gate");
            // The sequential test may stay undecided in one run of a hundred.
            assert!(
                power.at(0.05) >= 0.94 && power.at(0.01) <= 0.05,
                "{stop}: {} scans, {} {}",
                gate.load.scans,
                power.at(0.05),
                power.at(0.01)
            );
            assert!(gate.load.scans >= 299 || stop == "decided", "a clean run must be able to pass");
        }
    }
}
