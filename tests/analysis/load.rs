//! The run's own load, read from its log: jobs started and left behind, and what of its own was under way at an instant.

use crate::support::timeline;

use statusgap::analysis::diagnosis::OpenQuestion;
use statusgap::analysis::load::{Backlog, Load, UnderWay};
use statusgap::analysis::scan::Scans;
use statusgap::analysis::{Analysis, analyse};
use statusgap::model::exchange::Exchange;
use statusgap::model::fault::FaultClass;
use statusgap::model::run::NotAsked;
use statusgap::model::time::{Nanos, Stamp};
use timeline::{journal, scenario};

const WATCHED: &str =
    "[load]\nscans = 3\n[polls]\noffsets = [\"100ms\"]\n[follow]\nuntil = \"terminal\"\nevery = \"100ms\"\ndeadline = \"10s\"";

fn analysed(timeline: &str) -> Analysis {
    analyse(&journal(scenario(WATCHED), timeline))
}

#[test]
fn jobs_are_counted_by_what_the_last_look_at_them_said() {
    for (timeline, load) in [
        ("100=v:run 200=v:done", Load { started: 1, ended: 1, ..Load::default() }),
        ("100=v:run 200=v:run", Load { started: 1, unfinished: 1, ..Load::default() }),
        ("100=n 200=n", Load { started: 1, unknown: 1, ..Load::default() }),
        ("100=v", Load { started: 1, unknown: 1, ..Load::default() }),
        ("100=v:run w/300=v:done", Load { started: 1, ended: 1, ..Load::default() }),
        ("refused", Load { started: 1, not_accepted: 1, ..Load::default() }),
        ("3* 100=v:run\n2* 100=v:fail\nrefused", Load { started: 6, ended: 2, unfinished: 3, not_accepted: 1, ..Load::default() }),
        // A repeat is a POST of its own, and a job of which nothing is known here.
        ("100=v:done b/200=ok", Load { started: 2, ended: 1, unknown: 1, ..Load::default() }),
    ] {
        assert_eq!(analysed(timeline).load, load, "{timeline}");
    }
}

/// One line of a log, by its kind, stamps in ms, and answer.
fn exchange(scan: u64, kind: &str, [planned, sent, done]: [u64; 3], answer: &str, state: Option<&str>) -> Exchange {
    let ms = |ms: u64| ms * 1_000_000;
    serde_json::from_value(serde_json::json!({
        "scenario": 0, "scan": scan, "kind": kind, "purpose": if kind == "poll" { "offset" } else { "other" }, "connection": "fresh",
        "planned": ms(planned), "sent": ms(sent), "done": ms(done), "answer": answer, "state": state,
    }))
    .unwrap()
}

#[test]
fn what_of_the_runs_own_was_under_way_is_known_at_every_instant() {
    let log = [
        exchange(0, "initiate", [0, 0, 1000], "accepted", None),
        exchange(1, "initiate", [0, 0, 2000], "accepted", None),
        exchange(2, "initiate", [0, 100, 2100], "server_error", None),
        exchange(0, "poll", [1100, 1100, 2150], "visible", Some("running")),
        exchange(0, "poll", [2500, 2500, 2600], "visible", Some("succeeded")),
        exchange(1, "poll", [5000, 5400, 5410], "visible", Some("running")),
    ];
    let scans = Scans::of(&log);
    let histories = scans.histories();
    let backlog = Backlog::of(&log, &histories.iter().collect::<Vec<_>>());
    let at = |from: u64, to: u64| backlog.between(Stamp(from * 1_000_000), Stamp(to * 1_000_000));
    let none = UnderWay::default();
    for (from, to, expected) in [
        (50, 50, UnderWay { requests: 2, initiates: 2, ..none }),
        (500, 500, UnderWay { requests: 3, initiates: 3, ..none }),
        (1500, 1500, UnderWay { requests: 3, initiates: 2, jobs: 1, ..none }),
        // One failed within the second before; one job has ended by then, and the other is open for ever.
        (2700, 2700, UnderWay { jobs: 1, failed: 1, ..none }),
        (4000, 4000, UnderWay { jobs: 1, ..none }),
        (5400, 5405, UnderWay { requests: 1, jobs: 1, lateness: Nanos(400_000_000), ..none }),
        (6000, 6000, UnderWay { jobs: 1, lateness: Nanos(400_000_000), ..none }),
        (9000, 9000, UnderWay { jobs: 1, ..none }),
    ] {
        assert_eq!(at(from, to), expected, "{from} to {to}");
    }
    // A poll that stalled while two initiates were under way is not counted beside itself.
    let beside = backlog.beside(&log[3]);
    assert_eq!(beside, UnderWay { requests: 2, initiates: 2, jobs: 2, failed: 1, lateness: Nanos(0) });
}

#[test]
fn what_was_not_asked_for_lack_of_jobs_is_open_and_not_excluded() {
    let whole = journal(scenario(WATCHED), "20* 100=v:run 200=v:done");
    let mut thrifty = whole.clone();
    thrifty.not_asked.push(NotAsked {
        scenario: "single-shots".into(),
        title: "one poll per scan, at many ages".into(),
        needs: 8,
        left: 3,
        classes: vec![FaultClass::A, FaultClass::G],
    });
    let excluded = |analysis: &Analysis| analysis.diagnosis.ruled_out.iter().map(|out| out.class).collect::<Vec<_>>();
    let (before, after) = (analyse(&whole), analyse(&thrifty));
    assert!(excluded(&before).contains(&FaultClass::A), "{:?}", before.diagnosis);
    assert!(!excluded(&after).contains(&FaultClass::A) && excluded(&after).contains(&FaultClass::D), "{:?}", after.diagnosis);
    let left_out = |question: &OpenQuestion| matches!(question, OpenQuestion::NotAsked { scenario, classes, .. } if scenario == "single-shots" && *classes == [FaultClass::A, FaultClass::G]);
    assert!(after.diagnosis.open.iter().any(left_out), "{:?}", after.diagnosis.open);
}
