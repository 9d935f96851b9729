use super::{json, markdown, table};
use crate::model::exchange::{Connection, Kind};
use crate::model::noun::Noun;
use crate::model::time::Span;
use crate::report::{Colour, Style};
use crate::statistics::compare::units::Layout;
use crate::verdict::comparison::{
    Change, Comparison, Criteria, Finding, Mismatch, NotCompared, Note, Outcome, RunNote, ScenarioComparison, Side, Subject,
};

fn finding(subject: Subject, values: [f64; 2], p: [f64; 2], change: Change) -> Finding {
    Finding {
        subject,
        base: values[0],
        new: values[1],
        base_known: true,
        new_known: true,
        base_scans: 50,
        new_scans: 50,
        minimum: 0.01,
        p_worse: Some(p[0]),
        p_better: Some(p[1]),
        change,
        needs: (change == Change::None).then_some(2_365),
    }
}

fn scenario(name: &str) -> ScenarioComparison {
    ScenarioComparison { name: name.to_owned(), not_compared: None, left_out: Vec::new(), together: 1, findings: Vec::new() }
}

fn comparison() -> Comparison {
    let run = |started: &str| RunNote { target: "scans".into(), started: started.into(), tool: "statusgap 0.1.0".into() };
    let denied = Subject::Denied { arm: "polls".into(), connection: Connection::Fresh, at: Span::millis(100) };
    let trip = Subject::RoundTrip { kind: Kind::Poll, connection: Connection::Fresh };
    let few = Finding { p_worse: None, p_better: None, needs: Some(90), ..finding(Subject::Window, [0.0; 2], [1.0; 2], Change::TooFew) };
    Comparison {
        base: run("2026-01-05T09:00:00Z"),
        new: run("2026-01-12T09:00:00Z"),
        noun: Noun::of_older_logs(),
        layout: Layout::Apart,
        criteria: Criteria::default(),
        outcome: Outcome::Regression,
        blocked: Vec::new(),
        tests: 4,
        notes: vec![Note::Machines("linux, 2 processors".into(), "linux, 4 processors".into())],
        scenarios: vec![
            ScenarioComparison {
                findings: vec![
                    finding(denied, [0.0, 0.34], [1e-6, 1.0], Change::Regression),
                    finding(Subject::Window, [0.0, 680.5], [2e-5, 1.0], Change::Regression),
                    finding(trip, [2.0, 2.1], [0.3, 0.8], Change::None),
                ],
                ..scenario("immediate")
            },
            ScenarioComparison { findings: vec![few], ..scenario("completion") },
            ScenarioComparison { not_compared: Some(NotCompared::Missing(Side::New)), ..scenario("burst") },
        ],
    }
}

const PLAIN: Style = Style { width: 120, colour: Colour::Off };

#[test]
fn a_comparison_reads_as_in_its_snapshots() {
    let comparison = comparison();
    insta::assert_snapshot!("table_120", table(&comparison, PLAIN));
    insta::assert_snapshot!("table_60", table(&comparison, Style { width: 60, ..PLAIN }));
    insta::assert_snapshot!("markdown", markdown(&comparison));
    insta::assert_snapshot!("json", json(&comparison));
}

#[test]
fn words_are_the_same_in_json_and_in_tables() {
    let text = |value: serde_json::Value| value.as_str().map(str::to_owned);
    for outcome in [Outcome::Regression, Outcome::NoRegression, Outcome::Inconclusive] {
        assert_eq!(text(serde_json::json!(outcome)).as_deref(), Some(outcome.word()));
    }
    for change in [Change::Regression, Change::Improvement, Change::Small, Change::None, Change::TooFew] {
        assert_eq!(text(serde_json::json!(change)).as_deref(), Some(change.word()));
    }
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    for width in [40, 60, 90, 100, 120, 200] {
        let text = table(&comparison(), Style { width, ..PLAIN });
        for line in text.lines() {
            assert!(line.chars().count() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn names_from_a_log_cannot_steer_any_format() {
    const EVIL: &str = "x\u{1b}[2J\r\n# PASS | `y`\u{202e}";
    let mut hostile = comparison();
    hostile.base.target.push_str(EVIL);
    hostile.blocked.push(Mismatch::Target(EVIL.to_owned(), EVIL.to_owned()));
    for scenario in &mut hostile.scenarios {
        scenario.name.push_str(EVIL);
    }
    for text in [table(&hostile, PLAIN), markdown(&hostile)] {
        assert!(!text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{text:?}");
        assert!(!text.contains("\n# PASS"), "{text}");
    }
    let read: serde_json::Value = serde_json::from_str(&json(&hostile)).expect("JSON");
    assert_eq!(read["schema"], "statusgap.comparison/1");
}

#[test]
fn a_comparison_speaks_of_what_the_target_calls_its_jobs() {
    let flapping = finding(Subject::Flapping, [0.0, 0.2], [1e-6, 1.0], Change::Regression);
    let mut comparison = Comparison { noun: Noun::read("render").expect("a noun"), ..comparison() };
    comparison.scenarios[0].findings.push(flapping);
    for text in [table(&comparison, PLAIN), markdown(&comparison)] {
        assert!(text.contains("flapping renders") && text.contains("2,400 renders") && text.contains("of all renders"), "{text}");
        assert!(!text.replace("Scans", "scans").contains("scans of") && !text.contains("50 scans"), "{text}");
    }
}

#[test]
fn asking_by_turns_is_not_advised_where_it_was_done() {
    let one_way = vec![Note::OneWay(vec!["immediate".into()])];
    for (layout, advised) in [(Layout::Apart, true), (Layout::Pairs, false)] {
        let text = markdown(&Comparison { layout, notes: one_way.clone(), ..comparison() });
        assert!(text.contains("a longer run"), "{text}");
        assert_eq!(text.contains("--against"), advised, "{text}");
    }
}

#[test]
fn how_much_longer_something_takes_has_no_digits_that_say_nothing() {
    for (base, new, told) in [
        (0.4, 1.643, "(+311 %)"),
        (0.3, 67.992, "(+22,600 %)"),
        (2.0, 2.1, "(+5 %)"),
        (100.0, 100.25, "(+0.25 %)"),
        (30.0, 14.2, "(−52.7 %)"),
    ] {
        let mut comparison = comparison();
        comparison.scenarios[0].findings[1] = finding(Subject::Window, [base, new], [1e-6, 1.0], Change::Regression);
        let text = markdown(&comparison);
        assert!(text.contains(told), "{told}: {text}");
    }
}

#[test]
fn a_scenario_of_which_nothing_was_judged_is_not_counted_as_not_worse() {
    let calm = finding(Subject::Flapping, [0.0; 2], [1.0; 2], Change::None);
    let few = Finding { p_worse: None, p_better: None, ..finding(Subject::Window, [0.0; 2], [1.0; 2], Change::TooFew) };
    let trip = Subject::RoundTrip { kind: Kind::Poll, connection: Connection::Fresh };
    let told = table(
        &Comparison {
            outcome: Outcome::NoRegression,
            scenarios: vec![
                ScenarioComparison { findings: vec![finding(trip, [2.0, 2.1], [0.3, 0.8], Change::None)], ..scenario("immediate") },
                ScenarioComparison { findings: vec![calm, few], ..scenario("together") },
            ],
            ..comparison()
        },
        PLAIN,
    );
    assert!(told.contains("nothing is worse in 1 of 2 scenarios"), "{told}");
}
