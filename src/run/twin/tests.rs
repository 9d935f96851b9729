//! Twins of logs whose fault is known: those of the reference service itself, in process, on a paused clock.

use std::time::Duration;

use crate::analysis::twin::{Answer, Twin};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::model::scenario::Scenario;
use crate::model::source::Source;
use crate::probe::Latency;
use crate::run::{Concluded, ReferenceService, Session, rehearse, virtual_options};
use crate::service::Settings;

/// Jobs alone, each polled until it is seen, and some that are cancelled then.
const PLAN: [&str; 2] = [
    "name = \"follow\"\ntitle = \"t\"\nsource = \"s\"\n[load]\nscans = 8\nmodel = \"open\"\nevery = \"300ms\"\n[polls]\noffsets = [\"0s\"]\n\
     [follow]\nuntil = \"visible\"\nevery = \"60ms\"\ndeadline = \"2s\"",
    "name = \"second-write\"\ntitle = \"t\"\nsource = \"s\"\n[load]\nscans = 4\nmodel = \"closed\"\nin_flight = 1\n[follow]\nuntil = \"visible\"\n\
     every = \"60ms\"\ndeadline = \"2s\"\n[then]\naction = \"cancel\"\nwhen = \"visible\"\noffsets = [\"0s\", \"150ms\", \"500ms\"]",
];

/// Jobs that are changed once they are seen, and some that are watched to their end.
const LATER: [&str; 2] = [
    "name = \"changed\"\ntitle = \"t\"\nsource = \"s\"\n[load]\nscans = 6\nmodel = \"open\"\nevery = \"100ms\"\n[polls]\noffsets = [\"0s\"]\n\
     [follow]\nuntil = \"visible\"\nevery = \"60ms\"\ndeadline = \"2s\"\n[then]\naction = \"update\"\nwhen = \"visible\"\n\
     offsets = [\"0s\", \"100ms\", \"200ms\", \"300ms\", \"600ms\"]",
    "name = \"to-the-end\"\ntitle = \"t\"\nsource = \"s\"\n[load]\nscans = 4\nmodel = \"open\"\nevery = \"50ms\"\n[polls]\noffsets = [\"0s\"]\n\
     [follow]\nuntil = \"terminal\"\nevery = \"150ms\"\ndeadline = \"9s\"",
];

fn log(knobs: &[(&str, &str)], seed: u64) -> Journal {
    log_of(&PLAN, knobs, seed)
}

fn log_of(plan: &[&str], knobs: &[(&str, &str)], seed: u64) -> Journal {
    let plan: Vec<Scenario> = plan
        .iter()
        .map(|text| Scenario::read(Source { file: "plan.toml", text }).unwrap_or_else(|error| panic!("{error}\n{text}")))
        .collect();
    let mut settings = Settings::preset("sound").expect("a preset");
    for (knob, value) in knobs {
        settings.set(knob, value).unwrap_or_else(|error| panic!("{error}"));
    }
    let service = ReferenceService { settings, name: "a test's".to_owned(), note: "a test's".to_owned() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let session = Session::in_process(service, Latency::Fixed(Duration::from_millis(1)), seed).await.expect("a service");
        rehearse(&session, virtual_options(seed), &plan).await.expect("memory takes a log")
    })
}

fn twin(journal: Journal) -> (Twin, Concluded) {
    let concluded = Concluded::of(journal).with_twin(|_| {});
    (concluded.analysis.twin.clone().expect("there is something to explain"), concluded)
}

fn likely(twin: &Twin, class: FaultClass, knob: &str) -> (Duration, Duration) {
    let candidate = twin.candidates.iter().find(|candidate| candidate.classes == [class]).expect("a candidate");
    let setting = candidate.settings.iter().find(|setting| setting.knob == knob).expect("a setting");
    let likely = setting.likely.as_ref().expect("limits");
    let read = |text: &str| humantime::parse_duration(text).expect("a duration");
    (read(&likely.from), read(&likely.to))
}

#[test]
fn a_copy_that_lags_is_told_from_a_late_record_by_the_second_write_and_its_lag_is_known() {
    let (twin, concluded) = twin(log(&[("replica-lag", "330ms")], 7));
    let classes: Vec<_> = twin.fitting().map(|candidate| candidate.classes.clone()).collect();
    assert_eq!((twin.answer, classes), (Answer::OneFits, vec![vec![FaultClass::C]]), "{:#?}", twin.candidates);
    let (from, to) = likely(&twin, FaultClass::C, "replica-lag");
    assert!(from <= Duration::from_millis(330) && Duration::from_millis(330) <= to, "{from:?} to {to:?}");
    assert!(to < from + Duration::from_millis(70), "{from:?} to {to:?}");
    assert_eq!(twin.healthy_denies, Some(false));
    assert!(concluded.analysis.diagnosis.names(FaultClass::C));
}

#[test]
fn late_changes_and_half_records_have_twins_of_their_own() {
    for (knob, value, class, rivals, size) in [
        // Each job was polled right before it was changed: a cache of what it showed then explains the same.
        ("update-lag", "250ms", FaultClass::S, &[FaultClass::U][..], "update-lag"),
        ("detail-lag", "400ms", FaultClass::X, &[], "detail-lag"),
    ] {
        let concluded = Concluded::of(log_of(&LATER, &[(knob, value)], 5)).with_twin(|_| {});
        let twin = concluded.analysis.twin.unwrap_or_else(|| panic!("{knob}: {:?}", concluded.analysis.diagnosis));
        let fitting: Vec<_> = twin.fitting().map(|candidate| candidate.classes.clone()).collect();
        let expected: Vec<_> = std::iter::once(class).chain(rivals.iter().copied()).map(|class| vec![class]).collect();
        assert_eq!(fitting, expected, "{knob}: {:#?}", twin.candidates);
        let (from, to) = likely(&twin, class, size);
        let truth = humantime::parse_duration(value).expect("a duration");
        assert!(from <= truth && truth <= to, "{knob}: {from:?} to {to:?}");
    }
}

#[test]
fn the_same_log_has_the_same_twins() {
    let journal = log(&[("registration-delay", "150ms")], 3);
    let (first, concluded) = twin(journal.clone());
    let (second, _) = twin(journal);
    assert_eq!(first, second);
    assert!(first.fitting().any(|candidate| candidate.classes == [FaultClass::A]), "{:#?}", first.candidates);
    assert!(concluded.analysis.diagnosis.names(FaultClass::A));
}

#[test]
fn a_healthy_log_has_no_twin() {
    assert_eq!(Concluded::of(log(&[], 3)).with_twin(|_| {}).analysis.twin, None);
}
