//! Causes that resemble each other, told apart on hand-made logs: each case was met on a deployment of real engines.

use crate::support::{driven, timeline};

use serde_json::json;
use statusgap::analysis::analyse;
use statusgap::analysis::diagnosis::{Diagnosis, Fact, Strength};
use statusgap::model::exchange::Exchange;
use statusgap::model::fault::FaultClass;

const MS: u64 = 1_000_000;

/// One scan's polls: age in ms, and whether it was seen.
type Polls = Vec<(u64, bool)>;

fn exchange(scan: usize, kind: &str, at: u64, answer: &str, offset: Option<u64>) -> Exchange {
    serde_json::from_value(json!({
        "scenario": 0, "scan": scan, "kind": kind, "purpose": if offset.is_some() { "offset" } else { "other" }, "connection": "fresh",
        "offset": offset.map(|offset| offset * MS), "planned": at * MS, "sent": at * MS, "done": (at + 1) * MS, "answer": answer,
        "id": (kind == "initiate").then(|| format!("scan_{scan}")),
    }))
    .expect("an exchange's required fields")
}

/// Scans asked for one second apart, each polled as told.
fn diagnose(scans: &[Polls]) -> Diagnosis {
    let mut exchanges = Vec::new();
    for (scan, polls) in scans.iter().enumerate() {
        let at = scan as u64 * 1000;
        exchanges.push(exchange(scan, "initiate", at, "accepted", None));
        exchanges.extend(
            polls.iter().map(|(age, seen)| exchange(scan, "poll", at + 1 + age, if *seen { "visible" } else { "not_found" }, Some(*age))),
        );
    }
    analyse(&driven::recorded(exchanges)).diagnosis
}

fn classes(diagnosis: &Diagnosis) -> Vec<FaultClass> {
    diagnosis.causes.iter().map(|cause| cause.class).collect()
}

#[test]
fn scans_that_are_denied_once_at_the_very_end_were_evicted_and_no_worker_disagrees() {
    // A queue drops results after 2 s; the last poll comes 2.5 s after the end.
    let polls = || (1..14).map(|step| (step * 250, true)).chain([(6000, false)]).collect::<Polls>();
    let diagnosis = diagnose(&[polls(), polls(), polls()]);
    assert_eq!(classes(&diagnosis), [FaultClass::F]);
    assert_eq!(diagnosis.causes[0].strength, Strength::Moderate, "nobody looked whether they come back");
}

#[test]
fn scans_that_are_soon_denied_after_few_sights_may_as_well_be_in_another_workers_memory() {
    let polls = || vec![(100, true), (500, true), (1000, false)];
    let diagnosis = diagnose(&[polls(), polls(), polls()]);
    assert_eq!(classes(&diagnosis), [FaultClass::B]);
    assert_eq!(diagnosis.causes[0].or, [FaultClass::F]);
}

#[test]
fn a_scan_whose_pollers_all_met_workers_that_lack_it_is_not_lost() {
    // Sixteen pollers at once meet the same worker: ninety-six denials are but six chances.
    let ages = [0, 100, 500, 1000, 2500, 3000];
    let split = || ages.iter().flat_map(|age| (0..16).map(move |poller| (*age, (age / 100 + poller) % 3 == 0))).collect::<Polls>();
    let unlucky = ages.iter().flat_map(|age| (0..16).map(|_| (*age, false))).collect::<Polls>();
    assert_eq!(classes(&diagnose(&[split(), split(), unlucky])), [FaultClass::B]);
}

#[test]
fn a_scan_first_polled_when_others_were_gone_is_neither_lost_nor_late() {
    // Visible from 500 ms to 2500 ms; some scans were polled before and after only.
    let watched = || (0..40).map(|step| (step * 100, (5..25).contains(&step))).collect::<Polls>();
    let missed = || vec![(0, false), (100, false), (3000, false), (3500, false), (4000, false)];
    let late = || vec![(4000, false)];
    let diagnosis = diagnose(&[watched(), watched(), watched(), missed(), missed(), late(), late()]);
    assert!(diagnosis.names(FaultClass::F), "{:?}", diagnosis.causes);
    assert!(!diagnosis.names(FaultClass::M), "{:?}", diagnosis.causes);
    let of_the_late = |fact: &Fact| matches!(fact, Fact::FirstPollsDenied { latest_ns, .. } if latest_ns.as_ms() >= 3000.0);
    assert!(!diagnosis.causes.iter().any(|cause| cause.facts.iter().any(of_the_late)), "{:?}", diagnosis.causes);
}

/// Scans of three arms whose ends are looked at: polled before and after, first polled at 1.4 s, first polled at 2 s.
fn at_their_ends(polled: &str, soon: &str, later: &str) -> Diagnosis {
    let scenario = timeline::scenario(
        "[load]\nscans = 21\nevery = '29ms'\n\
         [[arms]]\nname = 'polled before'\noffsets = ['300ms', '1400ms', '2000ms']\n\
         [[arms]]\nname = 'soon'\noffsets = ['1400ms']\n\
         [[arms]]\nname = 'later'\noffsets = ['2000ms']\n",
    );
    analyse(&timeline::journal(scenario, &format!("arm 0\n{polled}\narm 1\n{soon}\narm 2\n{later}"))).diagnosis
}

#[test]
fn jobs_that_differ_in_length_are_not_taken_for_a_cache() {
    let long = "@300=v:run @1400=v:run @2000=v:run";
    // As unlucky as an alternation of short and long jobs can be dealt, and still a thing that chance does.
    let unlucky = at_their_ends(&format!("6* {long}"), "4* @1400=v:done\n2* @1400=v:run", "6* @2000=v:done");
    assert_eq!(classes(&unlucky), []);
    let unluckier = at_their_ends(&format!("6* {long}"), "4* @1400=v:done\n1* @1400=v:run", "6* @2000=v:done");
    assert_eq!(classes(&unluckier), []);
    let alike = at_their_ends(&format!("4* {long}\n3* @300=v:run @1400=v:done @2000=v:done"), "7* @1400=v:run", "7* @2000=v:run");
    assert_eq!(classes(&alike), []);
    let kept = at_their_ends(&format!("7* {long}"), "7* @1400=v:done", "7* @2000=v:done");
    assert_eq!(classes(&kept), [FaultClass::U]);
    // With a cache's own word for it, it takes fewer.
    let hits = "@300=v:run @1400=v:run!hit @2000=v:done";
    let soon_refreshed = at_their_ends(&format!("7* {hits}"), "7* @1400=v:done", "7* @2000=v:done");
    assert_eq!(classes(&soon_refreshed), [FaultClass::U]);
}

#[test]
fn a_hole_that_long_pauses_meet_more_often_is_no_removal_of_what_nobody_asks_for() {
    // Each scan is missing for 1.1 s, every 400 ms another one; it is polled every 60 ms, and by several at once every half a second.
    let scan = |hole: u64| {
        let mut ages: Vec<u64> =
            (0..100).map(|step| step * 60).chain((1..12).flat_map(|half| (0..6).map(move |at| half * 500 + 2 * at))).collect();
        ages.sort_unstable();
        ages.into_iter().map(|age| (age, !(hole..hole + 1100).contains(&age))).collect::<Polls>()
    };
    let diagnosis = diagnose(&(0..10).map(|place| scan(800 + 400 * place)).collect::<Vec<_>>());
    assert_eq!(classes(&diagnosis), [FaultClass::H]);
}

#[test]
fn three_common_instants_at_equal_distances_may_be_a_copys_that_gets_writes_in_their_order() {
    // Scans asked for one second apart come to light together at 10.04, 20.04 and 30.04 s of the run, or at seven such instants.
    let at_instants = |instants: u64| {
        let period = 30_000 / instants;
        let scan = |at: u64| {
            let age = (at / period + 1) * period + 40 - at;
            (0..=age / 60 + 3).map(|step| (step * 60, step * 60 + 1 >= age)).collect::<Polls>()
        };
        diagnose(&(0..30).map(|second| scan(second * 1000)).collect::<Vec<_>>())
    };
    let few = at_instants(3);
    assert_eq!((few.causes[0].class, few.causes[0].or.as_slice()), (FaultClass::G, [FaultClass::C].as_slice()), "{:?}", few.causes);
    assert_eq!(few.causes[0].strength, Strength::Moderate);
    let many = at_instants(10);
    assert_eq!((many.causes[0].class, many.causes[0].strength), (FaultClass::G, Strength::Strong), "{:?}", many.causes);
    assert!(many.causes[0].or.is_empty());
}

#[test]
fn pollers_that_come_together_are_one_chance_to_meet_the_worker_that_knows_a_scan() {
    // One of sixteen workers knows each scan. Twelve pollers come at once at 50 ms, and one every 100 ms later.
    let scan = |knows: u64| {
        let together = (0..12).map(|_| (50, false));
        together.chain((3..60).map(|step| (step * 100, (step * 7 + step / 16) % 16 == knows))).collect::<Polls>()
    };
    let diagnosis = diagnose(&(0..8).map(|place| scan(place * 2)).collect::<Vec<_>>());
    assert_eq!(classes(&diagnosis), [FaultClass::B]);
}

/// Jobs of two seconds that are denied for 200 ms, and then say how far they are.
fn progressing(progress: impl Fn(u64) -> f64) -> Diagnosis {
    let mut exchanges = Vec::new();
    for scan in 0..8 {
        let at = 20_000 * scan as u64;
        exchanges.push(exchange(scan, "initiate", at, "accepted", None));
        for age in (0..40).map(|step| 50 * step) {
            let poll = exchange(scan, "poll", at + 1 + age, if age < 200 { "not_found" } else { "visible" }, Some(age));
            let mut line = serde_json::to_value(poll).expect("a line of a log");
            if age >= 200 {
                line["progress"] = progress(age).into();
            }
            exchanges.push(serde_json::from_value(line).expect("a line of a log"));
        }
    }
    analyse(&driven::recorded(exchanges)).diagnosis
}

#[test]
fn progress_that_is_counted_when_it_is_read_does_not_tell_a_late_record_from_a_copy_that_lags() {
    let written = progressing(|age| (age / 400) as f64 * 20.0 + 10.0);
    assert_eq!(classes(&written), [FaultClass::A]);
    assert!(written.causes[0].or.is_empty(), "{:?}", written.causes);
    // A copy that has just got the record says the same of a job that counts from its beginning.
    let by_the_clock: [fn(u64) -> f64; 3] =
        [|age| (age as f64 / 20.0).floor(), |age| (age as f64 / 200.0).floor(), |age| (age as f64 / 30.0).floor() / 100.0];
    for counted in by_the_clock.map(progressing) {
        assert!(counted.causes.iter().all(|cause| cause.may_be(FaultClass::A) == cause.may_be(FaultClass::C)), "{:?}", counted.causes);
    }
}
