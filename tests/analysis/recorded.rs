//! The recorded poll sequences of the real deployment, as `statusgap` reads them today. What each file is stands in fixtures/README.md.

use std::process::Command;

use statusgap::analysis::diagnosis::{OpenQuestion, Strength};
use statusgap::analysis::guarantees::Breach;
use statusgap::analysis::{Analysis, analyse};
use statusgap::model::fault::FaultClass;
use statusgap::model::guarantee::Guarantee;
use statusgap::model::run::Journal;
use statusgap::verdict::{Verdict, judge};

const DAYS: [&str; 4] = ["2025-11-03", "2025-11-04", "2025-11-12", "2025-11-13"];

fn path(day: &str) -> String {
    format!("{}/fixtures/recorded/{day}.ndjson", env!("CARGO_MANIFEST_DIR"))
}

fn recorded(day: &str) -> (Journal, Analysis) {
    let file = std::fs::File::open(path(day)).expect("the fixture");
    let journal = statusgap::log::read(day, std::io::BufReader::new(file)).expect("a log");
    let analysis = analyse(&journal);
    (journal, analysis)
}

fn causes(analysis: &Analysis) -> Vec<(FaultClass, Strength)> {
    analysis.diagnosis.causes.iter().map(|cause| (cause.class, cause.strength)).collect()
}

#[test]
fn sixty_polls_of_which_thirty_were_denied_are_memory_per_instance_and_no_window() {
    let (journal, analysis) = recorded("2025-11-13");
    let counts = &analysis.scenarios[0].counts;
    assert_eq!((counts.polls, counts.accepted), (60, 1));
    let denied = analysis.guarantees.iter().find(|checked| checked.guarantee == Guarantee::ReadYourWrites).expect("always listed");
    assert!(matches!(denied.evidence[0].breach, Breach::Denied { denials: 30, .. }), "{:?}", denied.evidence);
    assert_eq!(causes(&analysis), [(FaultClass::B, Strength::Strong)]);
    assert_eq!((analysis.window.flapping, analysis.window.scans), (1, 0), "a scan that flaps has no window");
    assert_eq!(judge(&journal, &analysis).verdict, Verdict::Fail);
}

#[test]
fn the_other_days_are_named_as_far_as_so_few_polls_go() {
    for (day, strength, open) in
        [("2025-11-03", Strength::Moderate, true), ("2025-11-04", Strength::Moderate, true), ("2025-11-12", Strength::Strong, false)]
    {
        let (journal, analysis) = recorded(day);
        assert_eq!(causes(&analysis), [(FaultClass::B, strength)], "{day}");
        assert_eq!(analysis.diagnosis.open.contains(&OpenQuestion::MemoryOrEvicted), open, "{day}");
        assert_eq!(judge(&journal, &analysis).verdict, Verdict::Fail, "{day}");
    }
}

#[test]
fn results_that_are_missing_after_the_end_contradict_the_status() {
    for day in DAYS {
        let (_, analysis) = recorded(day);
        let agreement = analysis.guarantees.iter().find(|checked| checked.guarantee == Guarantee::Agreement).expect("always listed");
        let ended = matches!(day, "2025-11-12" | "2025-11-13");
        assert_eq!(agreement.broken > 0, ended, "{day}");
    }
}

#[test]
fn report_and_diagnose_read_them() {
    for day in DAYS {
        for command in ["report", "diagnose"] {
            let output =
                Command::new(env!("CARGO_BIN_EXE_statusgap")).args([command, "--no-twin", &path(day)]).output().expect("the binary runs");
            let text = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(1), "{command} {day}: {text}");
            assert!(text.to_lowercase().contains("per-instance memory"), "{command} {day}: {text}");
        }
    }
}
