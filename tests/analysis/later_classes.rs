//! The classes that show in how a scan goes on rather than in when it appears, on hand-made logs; beside each the healthy, or other, service
//! that looks like it.

use crate::support::driven;

use serde_json::{Value, json};
use statusgap::analysis::diagnosis::Strength;
use statusgap::analysis::{Analysis, analyse};
use statusgap::model::exchange::Exchange;
use statusgap::model::fault::FaultClass::{self, F, R, S, T, V, W, X, Y};
use statusgap::model::guarantee::Guarantee;

const MS: u64 = 1_000_000;

/// One exchange of a scan: what it is, the age in ms at which it is sent, and the fields of its log line that matter.
type Event = (&'static str, u64, Value);

fn line(scan: Option<usize>, kind: &str, at: u64, fields: &Value) -> Exchange {
    let mut line = json!({
        "scenario": 0, "scan": scan, "kind": kind, "purpose": "other", "connection": "fresh",
        "planned": at * MS, "sent": at * MS, "done": (at + 1) * MS,
    });
    for (name, value) in fields.as_object().expect("fields") {
        line[name] = value.clone();
    }
    serde_json::from_value(line).expect("an exchange")
}

fn analysed(apart: u64, scans: &[Vec<Event>]) -> Analysis {
    analyse(&driven::recorded(exchanges(apart, scans)))
}

/// Scans asked for so many ms apart, each with these exchanges after it; an id that was never issued is answered 404.
fn exchanges(apart: u64, scans: &[Vec<Event>]) -> Vec<Exchange> {
    let mut exchanges = vec![line(None, "unknown_poll", 0, &json!({ "answer": "not_found", "http": 404, "id": "nobody" }))];
    for (scan, events) in scans.iter().enumerate() {
        let at = 10 + scan as u64 * apart;
        let id = format!("scan_{scan}");
        exchanges.push(line(Some(scan), "initiate", at, &json!({ "answer": "accepted", "http": 202, "id": id })));
        exchanges.extend(events.iter().map(|(kind, age, fields)| line(Some(scan), kind, at + 1 + age, fields)));
    }
    exchanges
}

fn classes(analysis: &Analysis) -> Vec<FaultClass> {
    analysis.diagnosis.causes.iter().map(|cause| cause.class).collect()
}

fn broken(analysis: &Analysis, guarantee: Guarantee) -> u64 {
    analysis.guarantees.iter().find(|checked| checked.guarantee == guarantee).map_or(0, |checked| checked.broken)
}

fn poll(age: u64, fields: Value) -> Event {
    ("poll", age, fields)
}

fn shows(state: &str) -> Value {
    json!({ "answer": "visible", "http": 200, "state": state, "word": state })
}

fn denied() -> Value {
    json!({ "answer": "not_found", "http": 404 })
}

fn refused() -> Value {
    json!({ "answer": "refused", "http": 403 })
}

#[test]
fn an_owner_who_is_refused_each_new_scan_for_a_while_waits_for_a_grant() {
    let scan = || vec![poll(5, refused()), poll(200, refused()), poll(400, shows("running")), poll(900, shows("running"))];
    let analysis = analysed(1000, &[scan(), scan(), scan(), scan()]);
    assert_eq!(classes(&analysis), [R]);
    assert_eq!(broken(&analysis, Guarantee::ReadYourWrites), 4);
}

#[test]
fn a_caller_who_is_locked_out_once_does_not_wait_for_grants() {
    // Four scans within 400 ms; everything is refused for a second, whatever its age.
    let scan = |age: u64| vec![poll(5, refused()), poll(900 - age, refused()), poll(1400 - age, shows("running"))];
    let analysis = analysed(100, &[scan(0), scan(100), scan(200), scan(300)]);
    assert_eq!(classes(&analysis), []);
    assert_eq!(broken(&analysis, Guarantee::ReadYourWrites), 0);
}

#[test]
fn scans_that_begin_with_an_end_have_a_default_and_no_older_copy() {
    let scan = || vec![poll(5, shows("failed")), poll(300, shows("failed")), poll(600, shows("running")), poll(2000, shows("succeeded"))];
    assert_eq!(classes(&analysed(1000, &[scan(), scan(), scan(), scan()])), [Y]);
}

#[test]
fn scans_that_run_end_and_run_again_have_no_default() {
    let scan = || {
        let states = ["running", "succeeded", "succeeded", "running", "running", "running"];
        (0..).zip(states).map(|(step, state)| poll(5 + 2000 * step, shows(state))).collect::<Vec<_>>()
    };
    assert_eq!(classes(&analysed(1000, &[scan(), scan(), scan(), scan()])), [FaultClass::O]);
}

#[test]
fn results_that_come_after_the_end_are_late_and_those_that_are_there_are_not() {
    let scan = |there: u64| {
        let results = move |age: u64| ("results", age, if age < there { denied() } else { json!({ "answer": "visible", "http": 200 }) });
        vec![poll(5, shows("running")), poll(500, shows("succeeded")), results(510), results(700), results(1200)]
    };
    let late = analysed(2000, &[scan(1000), scan(1000), scan(1000)]);
    assert_eq!(classes(&late), [V]);
    assert_eq!(broken(&late, Guarantee::Agreement), 3);
    assert_eq!(classes(&analysed(2000, &[scan(0), scan(0), scan(0)])), []);
}

#[test]
fn results_that_some_workers_have_and_others_do_not_are_not_late() {
    let there = || json!({ "answer": "visible", "http": 200 });
    let results = |age: u64, fields: Value| ("results", age, fields);
    let begins = || vec![poll(5, shows("running")), poll(500, shows("succeeded")), results(510, denied()), results(700, there())];
    let four = |more: &[Event]| {
        let scan = || begins().into_iter().chain(more.iter().cloned()).collect::<Vec<_>>();
        classes(&analysed(2000, &[scan(), scan(), scan(), scan()]))
    };
    assert_eq!(four(&[]), [V]);
    assert_eq!(four(&[results(900, denied())]), [], "missing again");
    assert!(!four(&[poll(600, shows("running"))]).contains(&V), "whoever does not show the end has no result either");
}

/// A scan that is polled every 50 ms for 8 s and ends at 3 s: what an age shows, or nothing.
fn watched(seen: impl Fn(u64, u64) -> bool) -> Vec<Event> {
    let shown = |age: u64| if age < 3000 { shows("running") } else { shows("succeeded") };
    (0..160).map(|look| (look, 5 + 50 * look)).map(|(look, age)| poll(age, if seen(look, age) { shown(age) } else { denied() })).collect()
}

#[test]
fn a_copy_that_lags_forgets_as_late_as_it_learns_and_no_worker_has_a_memory_of_its_own() {
    // Every third read goes to a copy that is 400 ms late; records go a second after their end.
    let scan = |copy: u64| watched(move |look, age| if look % 3 == copy { (400..4400).contains(&age) } else { age < 4000 });
    assert_eq!(classes(&analysed(20_000, &[scan(0), scan(1), scan(2), scan(0)])), [F, FaultClass::CPrime]);
}

#[test]
fn scans_that_some_workers_know_go_for_good_after_their_end() {
    // One of three workers has each scan, and drops it 700 ms after its end.
    let scan = |worker: u64| watched(move |look, age| (look * look + look / 2) % 3 == worker && age < 3700);
    let of = |seeds: [u64; 4]| classes(&analysed(20_000, &seeds.map(scan)));
    let found = of([0, 1, 0, 1]);
    assert!(found.contains(&F) && found.contains(&FaultClass::B), "{found:?}");
}

fn after_write(age: u64, seen: bool, fields: &Value) -> Event {
    let mut fields = fields.clone();
    fields["purpose"] = "then".into();
    fields["seen"] = seen.into();
    poll(age, fields)
}

fn written(kind: &'static str) -> Event {
    (kind, 100, json!({ "answer": "visible", "http": 200 }))
}

#[test]
fn an_acknowledged_change_that_is_read_back_old_is_stale() {
    let running = shows("running");
    let scan = |write: &'static str, seen: [bool; 4]| {
        let after = (0..).zip(seen).map(|(step, seen)| after_write(110 + 100 * step, seen, &running));
        [poll(5, running.clone()), written(write)].into_iter().chain(after).collect::<Vec<_>>()
    };
    let four = |write, seen| analysed(1000, &[scan(write, seen), scan(write, seen), scan(write, seen), scan(write, seen)]);
    assert_eq!(classes(&four("update", [false, false, true, true])), [S]);
    assert_eq!(classes(&four("update", [true, false, true, true])), [S]);
    assert_eq!(classes(&four("update", [true, true, true, true])), []);
    // A service may take its time over a cancel, and may not take it back.
    assert_eq!(classes(&four("cancel", [false, false, true, true])), []);
    assert_eq!(classes(&four("cancel", [true, false, true, true])), [S]);
    assert_eq!(broken(&four("cancel", [true, false, true, true]), Guarantee::MonotonicState), 4);
}

#[test]
fn a_change_that_is_read_back_old_where_status_falls_back_on_another_place_may_be_any_lagging_copys() {
    let changed = || {
        let after = (0..).zip([false, false, true, true]).map(|(step, seen)| after_write(110 + 100 * step, seen, &shows("running")));
        [poll(5, shows("running")), written("update")].into_iter().chain(after).collect::<Vec<_>>()
    };
    let fell_back = || {
        let states = ["running", "succeeded", "succeeded", "running", "running", "running"];
        (0..).zip(states).map(|(step, state)| poll(5 + 2000 * step, shows(state))).collect::<Vec<_>>()
    };
    let analysis = analysed(20_000, &[changed(), changed(), changed(), changed(), fell_back(), fell_back(), fell_back()]);
    assert_eq!(classes(&analysis), [FaultClass::O, S]);
    let stale = &analysis.diagnosis.causes[1];
    assert_eq!((stale.strength, stale.or.as_slice()), (Strength::Moderate, [FaultClass::C].as_slice()));
}

#[test]
fn a_deleted_scan_that_is_still_answered_was_deleted_late() {
    let scan = |gone: bool| {
        let after =
            move |age: u64| if gone || age > 400 { after_write(age, true, &denied()) } else { after_write(age, false, &shows("running")) };
        vec![poll(5, shows("running")), written("delete"), after(110), after(300), after(500)]
    };
    let late = analysed(1000, &[scan(false), scan(false), scan(false)]);
    assert_eq!(classes(&late), [T]);
    assert_eq!(broken(&late, Guarantee::ReadYourWrites), 3);
    assert_eq!(classes(&analysed(1000, &[scan(true), scan(true), scan(true)])), []);
}

#[test]
fn a_read_that_takes_the_end_away_is_told_from_a_lifetime_by_scans_that_nobody_read() {
    let read = || {
        let running = (0..6).map(|step| poll(5 + 80 * step, shows("running")));
        let gone = (0..6).map(|step| poll(600 + 100 * step, denied()));
        running.chain([poll(500, shows("succeeded"))]).chain(gone).collect::<Vec<_>>()
    };
    let unread = |there: bool| vec![poll(900, if there { shows("succeeded") } else { denied() })];
    let scans = |there| {
        let mut scans: Vec<Vec<Event>> = (0..6).map(|_| read()).collect();
        scans.extend((0..8).map(|_| unread(there)));
        scans
    };
    assert_eq!(classes(&analysed(2000, &scans(true))), [W]);
    assert_eq!(classes(&analysed(2000, &scans(false))), [F]);
}

#[test]
fn a_state_that_comes_with_the_work_or_the_end_is_no_half_record_and_one_that_is_missing_under_way_is() {
    let first = |progress: u32, body: &str| {
        let body = format!("[no state at `/state`] {body}");
        json!({ "answer": "visible", "http": 200, "state": "unknown", "echo": "scan", "progress": progress, "body": body })
    };
    let classes_with = |progress: u32, body: &str, then: &str| {
        let scan = || vec![poll(5, first(progress, body)), poll(200, first(progress, body)), poll(600, shows(then))];
        let mut run = driven::recorded(exchanges(1000, &[scan(), scan(), scan(), scan()]));
        // As a run notes it: the way it is written in sentences.
        run.run.target.status.state = Some("`/state`".to_owned());
        classes(&analyse(&run))
    };
    let (null, absent) = (r#"{"id": "scan", "state": null}"#, r#"{"id": "scan"}"#);
    assert_eq!(classes_with(0, absent, "running"), [], "it may have waited in a queue");
    assert_eq!(classes_with(40, absent, "running"), [X]);
    assert_eq!(classes_with(40, null, "running"), []);
    // Many services call a job by a word only when it has ended.
    assert_eq!(classes_with(40, absent, "succeeded"), []);
    assert_eq!(classes_with(40, null, "succeeded"), []);
    // An answer that says that it failed shows no job at all.
    assert_eq!(classes_with(40, r#"{"id": "scan", "success": false}"#, "running"), []);
}

#[test]
fn scans_that_lack_their_id_at_first_are_half_written() {
    let named = |scan: usize, state: &str| {
        let mut fields = shows(state);
        fields["echo"] = format!("scan_{scan}").into();
        fields
    };
    let scan = |scan: usize| vec![poll(5, shows("running")), poll(200, shows("running")), poll(600, named(scan, "running"))];
    assert_eq!(classes(&analysed(1000, &[scan(0), scan(1), scan(2), scan(3)])), [X]);
}
