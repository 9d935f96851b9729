//! JUnit XML, for CI systems that list tests: a suite for each scenario, a case for each guarantee and for the gate.
//!
//! The dialect is the one that Surefire writes and Jenkins reads (`junit-10.xsd` of its xUnit plugin). A broken promise is a
//! `failure`; what could not be measured is an `error`, since neither "passed" nor "failed" would be true; a guarantee that
//! was not assessed is `skipped`, with the reason. A suite named `run` comes first and holds the verdict on the whole.

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::report::view::{GuaranteeRow, ScenarioRow, Standing, View};
use crate::report::words;
use crate::verdict::Verdict;

/// The run as JUnit XML. Ends with a newline.
pub fn junit(view: &View) -> String {
    let mut report = Report::new(format!("statusgap: {}", view.run.target));
    report.set_time(view.run.lasted);
    report.add_test_suite(run(view));
    report.add_test_suites(view.scenarios.iter().map(|row| scenario(view, row)));
    // Serialisation fails only where the writer does, and memory takes everything.
    let text = report.to_string().unwrap_or_default();
    // Jenkins' schema knows no such attribute of the root, and quick-junit 0.8 always writes it. It is the first in the text: in
    // an attribute's value the quotes would be escaped.
    let mut text = text.replacen(&format!(" skipped=\"{}\"", report.skipped), "", 1);
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn run(view: &View) -> TestSuite {
    let mut suite = suite(view, "run", view.verdict);
    let answers = view.answers.all().map(|told| format!("{} {}", told.question, told.answer));
    let mut told: Vec<&str> = answers.iter().map(String::as_str).chain([view.headline.as_str()]).collect();
    told.extend(view.notices.iter().chain(&view.reasons).map(String::as_str));
    told.push(&view.next_step);
    if !view.repeat.command.is_empty() {
        told.push(&view.repeat.command);
    }
    let mut verdict = TestCase::new("verdict", status(view.verdict, &view.answers.broken, &told.join("\n")));
    verdict.set_classname("statusgap");
    if view.verdict == Verdict::Pass {
        verdict.set_system_out(told.join("\n"));
    }
    suite.add_test_case(verdict);
    suite
}

fn scenario(view: &View, row: &ScenarioRow) -> TestSuite {
    let mut suite = suite(view, &row.name, row.verdict);
    suite.add_property(Property::new("title", row.title.as_str()));
    suite.add_property(Property::new("scans", row.accepted.to_string()));
    // The gate is everything that the scenario expects, guarantees included.
    let mut gate = TestCase::new("gate", status(row.verdict, row.reasons.first().map_or("", String::as_str), &row.reasons.join("\n")));
    gate.set_classname(format!("statusgap.{}", row.name));
    let offsets: Vec<String> = row
        .offsets
        .iter()
        .map(|offset| {
            format!(
                "{} {}: {} of {} not_found",
                offset.at,
                offset.connection.word(),
                words::count(offset.not_found),
                words::counted(offset.polls, "poll")
            )
        })
        .collect();
    if !offsets.is_empty() {
        gate.set_system_out(offsets.join("\n"));
    }
    suite.add_test_case(gate);
    suite.add_test_cases(row.guarantees.iter().map(|checked| guarantee(view, row, checked)));
    suite
}

fn guarantee(view: &View, scenario: &ScenarioRow, row: &GuaranteeRow) -> TestCase {
    let broken = format!("{}: broken in {} of {}", row.promise, words::count(row.broken), words::count(row.checked));
    let status = match row.standing {
        Standing::Kept => TestCaseStatus::success(),
        Standing::NotAssessed => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(row.why.clone().unwrap_or_default());
            skipped
        }
        // A breach that the scenario tolerates, or that proves nothing in this run, must not turn a build red.
        Standing::Broken => self::status(counts_as(view, scenario), &broken, &row.evidence.join("\n")),
    };
    let mut case = TestCase::new(row.name, status);
    if row.standing == Standing::Broken && counts_as(view, scenario) == Verdict::Pass {
        case.set_system_out(format!("{broken}, which the scenario tolerates"));
    }
    case.set_classname(format!("statusgap.{}", scenario.name));
    case
}

/// What a breach in a scenario means for the build.
fn counts_as(view: &View, scenario: &ScenarioRow) -> Verdict {
    if view.verdict == Verdict::Inconclusive { Verdict::Inconclusive } else { scenario.verdict }
}

fn suite(view: &View, name: &str, verdict: Verdict) -> TestSuite {
    let mut suite = TestSuite::new(name);
    for (name, value) in [
        ("verdict", verdict.word().to_owned()),
        ("run_id", view.run.run_id.clone()),
        ("seed", view.run.seed.to_string()),
        ("target", view.run.target.clone()),
        ("base_url", view.run.base_url.clone()),
        ("tool", view.run.tool.clone()),
    ] {
        suite.add_property(Property::new(name, value));
    }
    if view.run.began.is_some() {
        let seconds = view.run.started.split(['.', 'Z']).next().unwrap_or_default();
        suite.extra.insert(XmlString::new("timestamp"), XmlString::new(format!("{seconds}+00:00")));
    }
    suite
}

fn status(verdict: Verdict, message: &str, told: &str) -> TestCaseStatus {
    let (kind, ty) = match verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail => (NonSuccessKind::Failure, "fail"),
        Verdict::Inconclusive => (NonSuccessKind::Error, "inconclusive"),
    };
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(ty).set_message(message);
    if !told.is_empty() {
        status.set_description(told);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn a_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all().into_iter().filter(|(name, _)| ["seed_bug", "unassessable"].contains(name)) {
            insta::assert_snapshot!(name, junit(&view));
        }
    }

    #[test]
    fn what_is_counted_is_what_the_run_found() {
        for (name, view) in samples::all() {
            let read = Report::deserialize_from_str(&junit(&view)).unwrap_or_else(|error| panic!("{name}: {error}"));
            let guarantees = || view.scenarios.iter().flat_map(|row| &row.guarantees);
            let verdicts =
                |verdict| usize::from(view.verdict == verdict) + view.scenarios.iter().filter(|row| row.verdict == verdict).count();
            let broken = guarantees().filter(|row| row.standing == Standing::Broken).count();
            let (failures, errors) = if view.verdict == Verdict::Inconclusive { (0, broken) } else { (broken, 0) };
            assert_eq!(read.tests, 1 + view.scenarios.len() + guarantees().count(), "{name}");
            assert_eq!(read.failures, verdicts(Verdict::Fail) + failures, "{name}");
            assert_eq!(read.errors, verdicts(Verdict::Inconclusive) + errors, "{name}");
            let skipped: usize = read.test_suites.iter().map(|suite| suite.skipped).sum();
            assert_eq!(skipped, guarantees().filter(|row| row.standing == Standing::NotAssessed).count(), "{name}");
        }
    }
}
