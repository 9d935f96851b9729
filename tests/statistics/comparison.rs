//! What comparisons claim, against services whose difference is known: nothing between equal ones, and what there is between others.
//!
//! A few pairs of runs each time; two hundred of each kind with `STATUSGAP_LONG=1`, which tells the realised rates.

use crate::support::virtual_run;

use statusgap::analysis::analyse;
use statusgap::analysis::baseline::{Baseline, Windows};
use statusgap::model::run::{Journal, Stopped};
use statusgap::model::scenario::Scenario;
use statusgap::report::sentences::comparison::{not_compared, spoilt};
use statusgap::statistics::compare::dependence::together;
use statusgap::target::fingerprint;
use statusgap::verdict::comparison::{Change, Comparison, Criteria, Names, NotCompared, Note, Outcome, Subject, Unusable, compare, usable};
use statusgap::verdict::judge;
use virtual_run::{Tried, run_all, run_by_turns, scenario};

/// How many pairs of runs: the first number each time, the second where there is time.
fn pairs(short: u64, long: u64) -> u64 {
    if self::long() { long } else { short }
}

fn long() -> bool {
    std::env::var_os("STATUSGAP_LONG").is_some_and(|value| value == "1")
}

fn named(name: &str, telling: &str) -> Scenario {
    Scenario { name: name.to_owned(), ..scenario(telling) }
}

/// The shipped scenarios that have enough scans to tell anything, in their own words.
fn usual() -> Vec<Scenario> {
    let follow = "[follow]\nuntil = \"visible\"\nevery = \"100ms\"\nsettle = \"200ms\"\ndeadline = \"6s\"\n";
    vec![
        named("immediate", &format!("[load]\nscans = 50\nevery = \"10ms\"\n[polls]\noffsets = [\"100ms\"]\n{follow}")),
        named("settled", "[load]\nscans = 40\nevery = \"10ms\"\n[polls]\noffsets = [\"2s\", \"3s\"]\neach = \"one\"\n"),
        named(
            "zero-delay",
            &format!(
                "[load]\nscans = 60\nevery = \"8ms\"\n[polls]\noffsets = [\"0s\"]\nconnection = \"pre-opened\"\nfillers = 3\n{follow}"
            ),
        ),
        named(
            "keep-alive",
            &format!(
                "[load]\nscans = 24\nevery = \"10ms\"\n[polls]\noffsets = [\"100ms\"]\n[[arms]]\nname = \"fresh\"\nconnection = \"fresh\"\n\
                 [[arms]]\nname = \"keep-alive\"\nconnection = \"keep-alive\"\nfillers = 0\n{follow}"
            ),
        ),
        named("burst", &format!("[load]\nscans = 20\nevery = \"0s\"\n[polls]\noffsets = [\"100ms\"]\n{follow}")),
    ]
}

fn spread(scans: u32) -> Vec<Scenario> {
    vec![named(
        "spread",
        &format!(
            "[load]\nscans = {scans}\nevery = \"20ms\"\n[polls]\noffsets = [\"100ms\"]\n[follow]\nuntil = \"visible\"\nevery = \"100ms\"\n\
             settle = \"200ms\"\ndeadline = \"6s\"\n"
        ),
    )]
}

fn tried<'a>(preset: &'a str, knobs: &'a [(&'a str, &'a str)], seed: u64) -> Tried<'a> {
    Tried { preset, knobs, seed }
}

fn baseline(journal: &Journal) -> Result<Baseline, Unusable> {
    let analysis = analyse(journal);
    usable(journal, &analysis, &judge(journal, &analysis), Some(fingerprint(&journal.run.target.file)), spoilt)
}

fn compared(base: &Journal, new: &Journal) -> Comparison {
    compare(&baseline(base).unwrap(), &baseline(new).unwrap(), &Criteria::default(), Names::MustAgree)
}

fn worse(comparison: &Comparison) -> Vec<String> {
    let all = comparison.scenarios.iter().flat_map(|scenario| scenario.findings.iter().map(move |finding| (scenario, finding)));
    all.filter(|(_, finding)| finding.change == Change::Regression)
        .map(|(scenario, finding)| {
            format!("{} {:?} {} → {} p {:?}", scenario.name, finding.subject, finding.base, finding.new, finding.p_worse)
        })
        .collect()
}

#[test]
fn equal_services_are_not_told_apart() {
    let kinds: [(&str, &[(&str, &str)]); 8] = [
        ("sound", &[]),
        ("deferred", &[]),
        ("zoo-g", &[]),
        ("zoo-a", &[("registration-delay", "uniform(500ms,3s)")]),
        ("slow", &[]),
        ("zoo-c-prime", &[]),
        ("zoo-i", &[]),
        ("zoo-m", &[]),
    ];
    let pairs = pairs(1, 200);
    let mut all = 0;
    for (preset, knobs) in kinds.into_iter().take(if long() { 8 } else { 4 }) {
        let mut false_alarms = 0;
        for pair in 0..pairs {
            let [base, new] = [0, 1].map(|side| run_all(tried(preset, knobs, 1_000 + 2 * pair + side), &usual()));
            let comparison = compared(&base, &new);
            if comparison.outcome == Outcome::Regression {
                false_alarms += 1;
                eprintln!("{preset} {knobs:?}, pair {pair}: {:?}", worse(&comparison));
            }
        }
        eprintln!("{preset}: {false_alarms} of {pairs}");
        all += false_alarms;
        // One preset may have bad luck: more than 7 of 200 would be one chance in a thousand at a rate of 1 %. Together they may not.
        assert!(false_alarms <= if long() { 7 } else { 0 }, "{preset}: {false_alarms} of {pairs} equal pairs told apart");
    }
    assert!(all * 100 <= pairs * kinds.len() as u64, "{all} in all");
}

/// The share of pairs in which a difference that is there is told, and told of the right thing.
fn power(scenarios: &[Scenario], base: (&str, &[(&str, &str)]), new: (&str, &[(&str, &str)]), is_it: fn(&Subject) -> bool) -> (u64, u64) {
    let pairs = pairs(1, 200);
    let told = (0..pairs).filter(|pair| {
        let old = run_all(tried(base.0, base.1, 5_000 + 2 * pair), scenarios);
        let now = run_all(tried(new.0, new.1, 5_001 + 2 * pair), scenarios);
        let comparison = compared(&old, &now);
        let mut findings = comparison.scenarios.iter().flat_map(|scenario| &scenario.findings);
        comparison.outcome == Outcome::Regression && findings.any(|one| one.change == Change::Regression && is_it(&one.subject))
    });
    (told.count() as u64, pairs)
}

#[test]
fn a_window_that_is_a_fifth_longer_is_told() {
    let is_window = |subject: &Subject| *subject == Subject::Window;
    let kinds = [
        (spread(150), "uniform(1500ms,2500ms)", "uniform(1800ms,3s)"),
        (usual(), "2s", "2400ms"),
        (spread(400), "uniform(1s,3s)", "uniform(1200ms,3600ms)"),
    ];
    for (scenarios, before, after) in kinds.into_iter().take(if long() { 3 } else { 1 }) {
        let (told, pairs) =
            power(&scenarios, ("zoo-a", &[("registration-delay", before)]), ("zoo-a", &[("registration-delay", after)]), is_window);
        eprintln!("window {before} → {after}: {told} of {pairs}");
        assert!(told * 100 >= pairs * 95, "{before} → {after}: {told} of {pairs}");
    }
}

#[test]
fn a_rate_that_rises_from_nothing_to_two_in_a_hundred_is_told_with_a_thousand_scans() {
    // A rate ten times as high takes a tenth of the scans.
    let (scans, share) = if long() { (1_000, "0.02") } else { (100, "0.2") };
    let is_rate = |subject: &Subject| matches!(subject, Subject::Denied { .. });
    let denied: &[(&str, &str)] = &[("commit-delay", "300ms"), ("commit-share", share)];
    let (told, pairs) = power(&spread(scans), ("sound", &[]), ("sound", denied), is_rate);
    eprintln!("rate 0 → 2 %: {told} of {pairs}");
    assert!(told * 100 >= pairs * 95, "{told} of {pairs}");
}

#[test]
fn by_turns_a_drift_meets_both_alike_and_a_difference_is_still_told() {
    let same: &[(&str, &str)] = &[("registration-delay", "uniform(1s,2s)")];
    let slower: &[(&str, &str)] = &[("registration-delay", "uniform(1300ms,2300ms)")];
    let pairs = pairs(1, 200);
    let (mut false_alarms, mut told) = (0, 0);
    for pair in 0..pairs {
        let [base, new] = run_by_turns(tried("zoo-a", same, 9_000 + 2 * pair), tried("zoo-a", same, 9_001 + 2 * pair), &spread(60));
        let comparison = compared(&base, &new);
        assert_ne!(comparison.outcome, Outcome::Inconclusive);
        if comparison.outcome == Outcome::Regression {
            false_alarms += 1;
            eprintln!("by turns, pair {pair}: {:?}", worse(&comparison));
        }
        let [base, new] = run_by_turns(tried("zoo-a", same, 9_000 + 2 * pair), tried("zoo-a", slower, 9_001 + 2 * pair), &spread(60));
        told += u64::from(compared(&base, &new).outcome == Outcome::Regression);
    }
    eprintln!("by turns: {false_alarms} false and {told} right of {pairs}");
    assert!(false_alarms * 100 <= pairs, "{false_alarms} of {pairs}");
    assert!(told * 100 >= pairs * 95, "{told} of {pairs}");
}

#[test]
fn a_saved_baseline_says_the_same_as_the_log_it_was_made_of() {
    let [base, new] =
        [("2s", 1), ("2400ms", 2)].map(|(delay, seed)| run_all(tried("zoo-a", &[("registration-delay", delay)], seed), &usual()));
    let (base, new) = (baseline(&base).unwrap(), baseline(&new).unwrap());
    let text = base.text();
    let again: Baseline = serde_json::from_str(&text).unwrap();
    assert_eq!(again.text(), text);
    assert!(text.len() < 40_000, "{} bytes for 214 scans", text.len());
    let compare = |base: &Baseline| compare(base, &new, &Criteria::default(), Names::MustAgree);
    assert_eq!(compare(&base), compare(&again));
    assert!(!text.contains("http"), "no address belongs into a baseline");
}

#[test]
fn a_run_that_failed_to_measure_is_no_baseline() {
    let whole = run_all(tried("sound", &[], 3), &spread(10));
    let cut_off = Journal { end: None, ..whole.clone() };
    assert!(matches!(baseline(&cut_off), Err(Unusable::Partial(_))));
    let masked = run_all(tried("zoo-n", &[], 3), &spread(10));
    assert!(matches!(baseline(&masked), Err(Unusable::NotAssessable(_))));
    let silent = Journal { exchanges: whole.exchanges.iter().filter(|one| one.scan.is_none()).cloned().collect(), ..whole.clone() };
    assert!(matches!(baseline(&silent), Err(Unusable::NoScans)));
    assert!(baseline(&run_all(tried("deferred", &[], 3), &spread(10))).is_ok(), "a run that found the window is one");
}

#[test]
fn a_scenario_that_stopped_when_its_gate_was_decided_is_no_sample() {
    let mut journal = run_all(tried("deferred", &[], 3), &[spread(10), usual()].concat());
    journal.stopped.push(Stopped { scenario: 0, at: journal.end.as_ref().unwrap().at, begun: 10 });
    let comparison = compared(&journal, &journal);
    let why = |place: usize| comparison.scenarios[place].not_compared.clone();
    assert!(matches!(why(0), Some(NotCompared::NotMeasured(_, why)) if why.contains("stopped")), "{comparison:?}");
    assert_eq!(why(1), None);
}

#[test]
fn what_was_run_in_another_way_is_not_compared() {
    let base = run_all(tried("sound", &[], 3), &spread(20));
    let mut scenarios = spread(20);
    scenarios[0].arms[0].tolerance = statusgap::model::time::Span::millis(7);
    let other = run_all(tried("sound", &[], 4), &scenarios);
    let comparison = compared(&base, &other);
    assert_eq!(comparison.outcome, Outcome::Inconclusive);
    assert!(comparison.scenarios[0].not_compared.as_ref().is_some_and(|why| not_compared(why).contains("tolerance 7ms")), "{comparison:?}");
    let mut renamed = base.clone();
    renamed.run.target.name = "another".into();
    // Two settings of the reference service would be one target.
    renamed.run.target.service = None;
    assert_eq!(compared(&base, &renamed).outcome, Outcome::Inconclusive);
    let [few, as_few] = [4, 5].map(|seed| run_all(tried("sound", &[], seed), &spread(3)));
    assert_eq!(compared(&few, &as_few).outcome, Outcome::Inconclusive, "three scans tell nothing");
}

#[test]
fn that_nothing_flapped_alone_is_no_conclusion() {
    let run = baseline(&run_all(tried("sound", &[], 3), &spread(60))).unwrap();
    let mut flapping_alone = run.clone();
    for scenario in &mut flapping_alone.scenarios {
        scenario.rates.clear();
        scenario.round_trips.clear();
    }
    let of = |run: &Baseline| compare(run, run, &Criteria::default(), Names::MustAgree);
    assert_eq!(of(&run).outcome, Outcome::NoRegression);
    let comparison = of(&flapping_alone);
    assert!(comparison.tests > 0 && comparison.scenarios[0].findings.iter().any(|finding| finding.subject == Subject::Flapping));
    assert_eq!(comparison.outcome, Outcome::Inconclusive, "{:?}", comparison.scenarios);
}

/// Numbers from 0 to 1, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as f64 / u64::MAX as f64
    }
}

/// A run whose scans were denied as given, in their order.
fn outcomes(like: &Baseline, denied: &[bool]) -> Baseline {
    let mut run = like.clone();
    let scenario = &mut run.scenarios[0];
    let series: Vec<f64> = denied.iter().map(|denied| f64::from(u8::from(*denied))).collect();
    scenario.together = together(&series) as u64;
    scenario.scans = denied.len() as u64;
    scenario.windows = None;
    scenario.round_trips.clear();
    let rate = &mut scenario.rates[0];
    rate.denied = denied.iter().filter(|denied| **denied).count() as u64;
    rate.scans = denied.len() as u64;
    rate.numbers = (0..rate.scans).collect();
    rate.runs = if denied[0] { vec![0] } else { Vec::new() };
    rate.runs.extend(denied.chunk_by(|a, b| a == b).map(|same| same.len() as u64));
    run
}

/// Of so many pairs of runs that follow one law: how many are told to differ, and in how many of those at most one scan differs from
/// the others of its run.
fn told_apart(pairs: u64, seed: u64, law: impl Fn(&mut Chance) -> Vec<bool>) -> (u64, u64) {
    let like = baseline(&run_all(tried("sound", &[], 3), &spread(10))).unwrap();
    let (mut told, mut one_way) = (0, 0);
    for pair in 0..pairs {
        let mut chance = Chance(seed << 32 | pair << 8);
        let [old, now] = [law(&mut chance), law(&mut chance)];
        let comparison = compare(&outcomes(&like, &old), &outcomes(&like, &now), &Criteria::default(), Names::MustAgree);
        let regression = comparison.outcome == Outcome::Regression;
        let all_but_one = |run: &[bool]| {
            let denied = run.iter().filter(|denied| **denied).count();
            denied.min(run.len() - denied) <= 1
        };
        let never_differ = all_but_one(&old) && all_but_one(&now);
        let one_state = comparison.scenarios[0].findings.iter().any(|finding| finding.change == Change::OneState);
        if one_state {
            assert!(comparison.notes.iter().any(|note| matches!(note, Note::OneWay(_))), "{:?}", comparison.notes);
        }
        told += u64::from(regression);
        one_way += u64::from(regression && never_differ);
    }
    (told, one_way)
}

#[test]
fn scans_that_depend_on_each_other_are_no_regression() {
    let markov = |keep: f64, scans: usize| {
        move |chance: &mut Chance| {
            let mut denied = chance.share() < 0.5;
            (0..scans)
                .map(|_| {
                    if chance.share() > keep {
                        denied = chance.share() < 0.5;
                    }
                    denied
                })
                .collect::<Vec<bool>>()
        }
    };
    let pairs = pairs(100, 1_000);
    let mut all = 0;
    for (place, (keep, scans)) in
        [(0.9, 100), (0.9, 400), (0.95, 100), (0.95, 400), (0.98, 100), (0.99, 100), (0.98, 400)].into_iter().enumerate()
    {
        let (told, one_way) = told_apart(pairs, place as u64, markov(keep, scans));
        eprintln!("kept with {keep}, {scans} scans: {told} of {pairs} told apart, {one_way} of them without a scan that differs");
        assert!((told - one_way) * 100 <= pairs, "{keep}, {scans}: {told} of {pairs}, {one_way} one way");
        assert!(told * 100 <= pairs, "{keep}, {scans}: {told} of {pairs}");
        all += told - one_way;
    }
    assert!(all * 200 <= pairs * 7, "{all} in all");
    for (place, length) in [150.0, 300.0, 500.0, 900.0].into_iter().enumerate() {
        let phases = |chance: &mut Chance| {
            let begin = chance.share() * 1000.0;
            (0..100).map(|scan| ((f64::from(scan) * 10.0 + begin) / length) as u64 % 2 == 1).collect::<Vec<bool>>()
        };
        let (told, one_way) = told_apart(pairs, 100 + place as u64, phases);
        eprintln!("phases of {length} ms: {told} of {pairs} told apart");
        assert_eq!(told - one_way, 0, "phases of {length} ms");
    }
}

#[test]
fn scans_that_do_not_depend_on_each_other_keep_their_power() {
    let like = baseline(&run_all(tried("sound", &[], 3), &spread(10))).unwrap();
    for (before, after) in [(0.0, 0.2), (0.05, 0.3)] {
        let told = (0..100).filter(|pair| {
            let mut chance = Chance(77 << 32 | pair << 8);
            let mut run = |rate: f64| (0..120).map(|_| chance.share() < rate).collect::<Vec<bool>>();
            let [old, now] = [run(before), run(after)];
            compare(&outcomes(&like, &old), &outcomes(&like, &now), &Criteria::default(), Names::MustAgree).outcome == Outcome::Regression
        });
        let told = told.count();
        eprintln!("{before} → {after}: {told} of 100");
        assert!(told >= 95, "{before} → {after}: {told} of 100");
    }
}

/// A run's windows: none where a scan was not denied, and of a few hundred ms, or never seen to end, where it was.
fn windows(denied: &[bool], chance: &mut Chance) -> Vec<(f64, Option<f64>)> {
    let bracket = |denied: &bool| {
        let after = (chance.share() * 6.0).floor() * 100.0;
        match (*denied, chance.share() < 0.05) {
            (false, _) => (0.0, Some(100.0)),
            (true, true) => (6_000.0, None),
            (true, false) => (after + 100.0, Some(after + 200.0)),
        }
    };
    denied.iter().map(bracket).collect()
}

/// How many of so many pairs of runs of one law and another are told to be a regression.
fn regressions(pairs: u64, seed: u64, scans: usize, block: usize, shares: [f64; 2]) -> u64 {
    let like = baseline(&run_all(tried("sound", &[], 3), &spread(10))).unwrap();
    let told = (0..pairs).filter(|pair| {
        let mut chance = Chance(seed << 32 | pair << 8);
        let [old, now] = shares.map(|share| {
            let begin = (chance.share() * block as f64) as usize;
            let states: Vec<bool> = (0..scans / block + 2).map(|_| chance.share() < share).collect();
            let denied: Vec<bool> = (0..scans).map(|scan| states[(scan + begin) / block]).collect();
            with_windows(outcomes(&like, &denied), windows(&denied, &mut chance))
        });
        compare(&old, &now, &Criteria::default(), Names::MustAgree).outcome == Outcome::Regression
    });
    told.count() as u64
}

/// A run of a target that keeps its state by chance, a hundred scans of it 20 ms apart: a window lasts until the state ends.
fn phased(like: &Baseline, keep: f64, scans: usize, chance: &mut Chance) -> Baseline {
    const DEADLINE: usize = 60;
    let mut denies = chance.share() < 0.5;
    let path: Vec<bool> = (0..scans + 5 * (DEADLINE + 1))
        .map(|_| {
            if chance.share() > keep {
                denies = chance.share() < 0.5;
            }
            denies
        })
        .collect();
    let denied: Vec<bool> = (0..scans).map(|scan| path[scan + 5]).collect();
    let ends = |scan: usize| (1..=DEADLINE).find(|poll| !path[scan + 5 * poll]);
    let bracket = |scan| match ends(scan) {
        Some(1) => (0.0, Some(100.0)),
        Some(poll) => ((poll - 1) as f64 * 100.0, Some(poll as f64 * 100.0)),
        None => (DEADLINE as f64 * 100.0, None),
    };
    let brackets: Vec<(f64, Option<f64>)> = (0..scans).map(bracket).collect();
    with_windows(outcomes(like, &denied), brackets)
}

fn with_windows(mut run: Baseline, brackets: Vec<(f64, Option<f64>)>) -> Baseline {
    let middles: Vec<f64> = brackets.iter().map(|(after, until)| until.map_or(*after, |until| f64::midpoint(*after, until))).collect();
    let scans = brackets.len() as u64;
    let scenario = &mut run.scenarios[0];
    scenario.together = scenario.together.max(together(&middles) as u64);
    scenario.windows = Some(Windows { scans, flapping: 0, brackets, numbers: (0..scans).collect() });
    run
}

#[test]
fn the_windows_of_a_long_state_show_that_its_scans_are_one() {
    let like = baseline(&run_all(tried("sound", &[], 3), &spread(10))).unwrap();
    let pairs = pairs(100, 1_000);
    for (place, (keep, scans)) in [(0.98, 100), (0.99, 100), (0.99, 300), (0.995, 100)].into_iter().enumerate() {
        let (mut told, mut one_way) = (0, 0);
        for pair in 0..pairs {
            let mut chance = Chance((2_000 + place as u64) << 32 | pair << 12);
            let [old, now] = [0, 1].map(|_| phased(&like, keep, scans, &mut chance));
            let comparison = compare(&old, &now, &Criteria::default(), Names::MustAgree);
            told += u64::from(comparison.outcome == Outcome::Regression);
            one_way +=
                u64::from(comparison.outcome == Outcome::Regression && comparison.notes.iter().any(|note| matches!(note, Note::OneWay(_))));
        }
        eprintln!("kept with {keep}, {scans} scans, windows known: {told} of {pairs} told apart, {one_way} one way");
        assert!(told * 100 <= pairs, "{keep}, {scans}: {told} of {pairs}");
    }
}

#[test]
fn runs_of_one_law_are_no_regression_whatever_share_of_scans_it_denies() {
    let pairs = pairs(10, 300);
    let (mut all, mut cells) = (0, 0);
    for (place, share) in [0.0, 0.01, 0.05, 0.3, 0.7, 0.95, 0.98, 0.99, 1.0].into_iter().enumerate() {
        for scans in [30, 100, 300] {
            for block in [1, 5, 10] {
                let seed = 1_000 + (place * 1_000 + scans * 20 + block) as u64;
                let told = regressions(pairs, seed, scans, block, [share, share]);
                eprintln!("{share} of {scans} scans in blocks of {block}: {told} of {pairs}");
                all += told;
                cells += 1;
            }
        }
    }
    eprintln!("{all} of {}", pairs * cells);
    assert!(all * 100 <= pairs * cells, "{all} of {}", pairs * cells);
}

/// Runs of which one was never denied, and the other always: with windows that end by themselves, all at once, or never.
#[test]
fn a_window_that_came_to_every_scan_is_a_regression_where_its_end_was_seen() {
    let like = baseline(&run_all(tried("sound", &[], 3), &spread(10))).unwrap();
    let mut chance = Chance(5);
    let run = |denied: bool, bracket: &mut dyn FnMut(usize) -> (f64, Option<f64>)| {
        with_windows(outcomes(&like, &[denied; 100]), (0..100).map(bracket).collect())
    };
    let never = run(false, &mut |_| (0.0, Some(100.0)));
    let by_itself = run(true, &mut |_| {
        let after = 100.0 + (chance.share() * 9.0).floor() * 100.0;
        (after, Some(after + 100.0))
    });
    let alike = run(true, &mut |_| (1_900.0, Some(2_000.0)));
    let at_once = run(true, &mut |scan| {
        let after = (4_000.0 - 20.0 * scan as f64).div_euclid(100.0) * 100.0;
        (after, Some(after + 100.0))
    });
    let open = run(true, &mut |_| (6_000.0, None));
    for (new, outcome) in [
        (&by_itself, Outcome::Regression),
        (&alike, Outcome::Regression),
        (&at_once, Outcome::Inconclusive),
        (&open, Outcome::Inconclusive),
    ] {
        let comparison = compare(&never, new, &Criteria::default(), Names::MustAgree);
        assert_eq!(comparison.outcome, outcome, "{comparison:?}");
        assert_ne!(compare(new, &never, &Criteria::default(), Names::MustAgree).outcome, Outcome::Regression);
    }
}
