//! The default gate's realised error rates, and those of the sequential test: simulated, with the numbers printed.
//!
//! A small number of seeds in every build, 1,000 with `STATUSGAP_LONG=1`; `cargo test --release --test gate -- --nocapture`
//! shows the numbers.

use crate::support::virtual_run;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use statusgap::analysis::analyse;
use statusgap::model::run::Journal;
use statusgap::model::scenario::Scenario;
use statusgap::model::source::Source;
use statusgap::report::sentences;
use statusgap::statistics::binomial::{cdf, clopper_pearson};
use statusgap::statistics::sprt::{Decision, Sprt, Walk};
use statusgap::verdict::power::sized;
use statusgap::verdict::{Verdict, judge};
use virtual_run::{Tried, run, scenario};

/// The gate that the documentation tells a build to run.
fn default_gate() -> Scenario {
    let text = include_str!("../../scenarios/gate.toml");
    sized(Scenario::read(Source { file: "gate.toml", text }).unwrap_or_else(|error| panic!("{error}")))
}

/// One scan in a hundred is committed 400 ms after its id was handed out.
const ONE_IN_A_HUNDRED: &[(&str, &str)] = &[("commit-share", "0.01"), ("commit-delay", "400ms")];

fn runs(few: u64) -> u64 {
    if std::env::var_os("STATUSGAP_LONG").is_some() { 1000 } else { few }
}

/// How many runs ended in each verdict, and how long they took in virtual seconds.
#[derive(Debug, Default)]
struct Realised {
    pass: u64,
    fail: u64,
    inconclusive: u64,
    seconds: Vec<f64>,
}

impl Realised {
    fn add(&mut self, journal: &Journal) {
        match judge(journal, &analyse(journal)).verdict {
            Verdict::Pass => self.pass += 1,
            Verdict::Fail => self.fail += 1,
            Verdict::Inconclusive => self.inconclusive += 1,
        }
        self.seconds.extend(journal.end.as_ref().map(|end| end.at.0 as f64 / 1e9));
    }

    fn told(mut self, what: &str) -> String {
        self.seconds.sort_by(f64::total_cmp);
        let n = self.seconds.len();
        let limits = clopper_pearson(self.fail, n as u64, 0.95);
        format!(
            "{what}: {} of {n} runs failed (95 % limits {:.4} to {:.4}), {} inconclusive; virtual seconds to the verdict: median {:.1}, longest {:.1}",
            self.fail,
            limits.lower,
            limits.upper,
            self.inconclusive,
            self.seconds[n / 2],
            self.seconds[n - 1]
        )
    }
}

/// Runs a scenario against the sound service with some knobs set, once for each seed, on all processors.
fn realised(scenario: &Scenario, knobs: &[(&str, &str)], seeds: u64) -> Realised {
    let next = std::sync::atomic::AtomicU64::new(0);
    let worker = || {
        let mut realised = Realised::default();
        loop {
            let seed = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= seeds {
                return realised;
            }
            realised.add(&run(Tried { preset: "sound", knobs, seed }, scenario));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).fold(
            Realised::default(),
            |mut all, part| {
                all.pass += part.pass;
                all.fail += part.fail;
                all.inconclusive += part.inconclusive;
                all.seconds.extend(part.seconds);
                all
            },
        )
    })
}

#[test]
fn the_default_gate_raises_no_alarm_on_a_sound_service() {
    let seeds = runs(3);
    let realised = realised(&default_gate(), &[], seeds);
    assert_eq!((realised.pass, realised.fail, realised.inconclusive), (seeds, 0, 0));
    println!("{}", realised.told("sound service, default gate"));
}

#[test]
fn the_default_gate_catches_a_fault_in_one_scan_of_a_hundred() {
    let seeds = runs(8);
    let realised = realised(&default_gate(), ONE_IN_A_HUNDRED, seeds);
    // The plan catches it with probability 0.9505, so that half of all thousands show less than 0.95: what is tested is that the
    // seeds do not refute it.
    assert!(cdf(realised.fail, seeds, 0.95) > 0.001, "{} of {seeds}", realised.fail);
    assert_eq!(realised.inconclusive, 0, "a run without a denial is a pass with its bound");
    println!("{}", realised.told("one scan in a hundred late, default gate"));
}

#[test]
fn a_gate_that_failed_starts_no_more_scans_and_its_log_gives_the_same_verdict() {
    let gate = default_gate();
    let journal = run(Tried { preset: "deferred", knobs: &[], seed: 1 }, &gate);
    let stopped = journal.stopped.first().copied().unwrap_or_else(|| panic!("the log says nothing of a stop"));
    assert!(stopped.begun > 0 && stopped.begun < 20, "{stopped:?}: the first poll at 0 s is denied");
    let begun: std::collections::BTreeSet<u64> = journal.exchanges.iter().filter_map(|exchange| exchange.scan.get()).collect();
    assert_eq!(begun.len(), stopped.begun as usize);
    // The scans under way were polled to their last offset.
    let last = |scan: u64| journal.exchanges.iter().filter(|poll| poll.scan.get() == Some(scan)).filter_map(|poll| poll.offset.get()).max();
    assert!(begun.iter().all(|scan| last(*scan).is_some_and(|at| at.0 == 2_500_000_000)));
    let judgement = judge(&journal, &analyse(&journal));
    assert_eq!(judgement.verdict, Verdict::Fail);
    assert!(!judgement.reasons.iter().any(|reason| sentences::reason(reason).contains("no valid poll")), "{:?}", judgement.reasons);
}

const TOLERANT: &str = "[load]\ndetect = { rate = 0.2, power = 0.99 }\n[polls]\noffsets = [\"0s\", \"100ms\"]\n[expect]\n\
    not_found = { at_most = 0.01, confidence = 0.999 }\nstop = \"decided\"";

#[test]
fn a_tolerated_rate_is_decided_as_soon_as_the_evidence_suffices() {
    let gate = sized(scenario(TOLERANT));
    let test = Sprt::new(0.01, 0.2, 0.001, 0.01).expect("sensible rates");
    let clean = run(Tried { preset: "sound", knobs: &[], seed: 1 }, &gate);
    assert_eq!(judge(&clean, &analyse(&clean)).verdict, Verdict::Pass);
    let begun = clean.stopped.first().map(|stopped| u64::from(stopped.begun)).expect("a clean run is decided early");
    // The scans between the deciding one's start and its end.
    assert!((test.clean_trials_to_pass()..test.clean_trials_to_pass() + 12).contains(&begun), "{begun} of {}", gate.load.scans);
    let faulty = run(Tried { preset: "deferred", knobs: &[], seed: 1 }, &gate);
    let judgement = judge(&faulty, &analyse(&faulty));
    assert_eq!(judgement.verdict, Verdict::Fail);
    let why = sentences::reason(&judgement.reasons[0]);
    assert!(why.contains("the first 3 scans"), "{why}");
}

#[test]
fn what_arrives_after_a_decision_does_not_change_it() {
    let gate = sized(scenario(TOLERANT));
    let mut journal = run(Tried { preset: "sound", knobs: &[], seed: 1 }, &gate);
    let last = journal.exchanges.iter().filter_map(|exchange| exchange.scan.get()).max().expect("scans");
    for poll in journal.exchanges.iter_mut().filter(|poll| poll.scan.get() == Some(last) && poll.offset.is_some()) {
        poll.answer = statusgap::model::answer::Answer::NotFound;
    }
    assert_eq!(judge(&journal, &analyse(&journal)).verdict, Verdict::Pass, "the last scan is not needed");
    journal.exchanges.retain(|exchange| exchange.scan.get().is_none_or(|scan| scan < 10));
    let judgement = judge(&journal, &analyse(&journal));
    assert_eq!(judgement.verdict, Verdict::Inconclusive, "a log from which the decision was cut out passes nothing");
    assert!(
        judgement.reasons.iter().any(|reason| sentences::reason(reason).contains("does not hold what decided it")),
        "{:?}",
        judgement.reasons
    );
}

#[test]
fn the_sequential_tests_realised_error_rates_are_those_of_its_exact_characteristic() {
    const RUNS: u64 = 20_000;
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for (test, cut) in [
        (Sprt::new(0.001, 0.05, 0.001, 0.01).expect("sensible rates"), 400),
        (Sprt::new(0.001, 0.05, 0.01, 0.01).expect("sensible rates"), 10_000),
        (Sprt::new(0.01, 0.2, 0.001, 0.01).expect("sensible rates"), 60),
    ] {
        for rate in [test.p0, f64::midpoint(test.p0, test.p1), test.p1] {
            let (mut fail, mut pass, mut trials) = (0_u64, 0_u64, 0_u64);
            for _ in 0..RUNS {
                let mut walk = Walk::new(test);
                let mut steps = 0;
                while walk.crossing().is_none() && steps < cut {
                    walk.step(random.random::<f64>() < rate);
                    steps += 1;
                }
                trials += steps;
                match walk.crossing().map(|crossing| crossing.decision) {
                    Some(Decision::Fail) => fail += 1,
                    Some(Decision::Pass) => pass += 1,
                    _ => {}
                }
            }
            let exact = test.characteristic(rate, cut);
            for (seen, expected) in [(fail, exact.fail), (pass, exact.pass)] {
                // Clopper–Pearson at five standard errors.
                let limits = clopper_pearson(seen, RUNS, 1.0 - 5.7e-7);
                assert!(limits.lower <= expected && expected <= limits.upper, "{test:?} at {rate}: {seen} of {RUNS}, {expected}");
            }
            let mean = trials as f64 / RUNS as f64;
            assert!((mean / exact.mean_trials - 1.0).abs() < 0.05, "{test:?} at {rate}: {mean} trials, {}", exact.mean_trials);
            println!(
                "sequential test {} against {}, alpha {}, beta {}, cut {cut}: at {rate} failed {fail} and passed {pass} of {RUNS}; exact {:.5} and {:.5}; mean trials {mean:.1}, exact {:.1}",
                test.p0, test.p1, test.alpha, test.beta, exact.fail, exact.pass, exact.mean_trials
            );
        }
    }
    let design = Sprt::new(0.001, 0.05, 0.001, 0.01).expect("sensible rates");
    assert!(design.characteristic(0.001, 100_000).fail <= 0.001, "one false alarm in a thousand at most");
}
