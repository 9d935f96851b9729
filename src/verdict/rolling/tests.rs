//! When the rolling verdict changes, and on which rounds it rests.

use serde_json::json;

use super::*;
use crate::model::exchange::Exchange;
use crate::model::run::{ClockNote, Environment, LOG_SCHEMA, Run, TargetNote};
use crate::model::time::{Nanos, Stamp};

const RULES: Rules = Rules { keep: 4, recover: 3, patience: 2 };

/// A round with one poll of one scan, on one connection.
fn round(number: u64, outcome: Outcome) -> Round {
    let exchange: Exchange = serde_json::from_value(json!({
        "scenario": 0, "scan": 0, "conn": 1, "kind": "poll", "purpose": "other", "connection": "fresh",
        "planned": 5, "sent": 10, "first_byte": 15, "done": 20, "answer": "visible",
    }))
    .expect("an exchange");
    let run = Run {
        schema: LOG_SCHEMA,
        tool: "a test".to_owned(),
        run_id: number.to_string(),
        started: format!("round {number}"),
        seed: number,
        target: TargetNote {
            name: String::new(),
            base_url: String::new(),
            file: String::new(),
            service: None,
            can: crate::model::run::Capabilities::default(),
            status: crate::model::run::StatusNote::default(),
            http: crate::model::run::HttpVersion::One,
            noun: crate::model::noun::Noun::default(),
            slo: Vec::new(),
        },
        scenarios: Vec::new(),
        clock: ClockNote { timer: "virtual".to_owned(), resolution: Nanos(1) },
        shard: None,
        allow: Vec::new(),
        command: String::new(),
        environment: Environment { system: String::new(), processors: 1 },
        pair: None,
        recording: None,
        contact: None,
        trace_prefix: None,
    };
    let journal = Journal {
        run,
        scenarios: Vec::new(),
        exchanges: vec![exchange],
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: crate::model::span::Inside::default(),
        end: None,
        torn: false,
    };
    Round { began: Duration::from_nanos(number * 100), journal, outcome }
}

/// Plays rounds, written `c`lean, `f`ailing or `u`nmeasured. The window is judged as its rounds are: a failing one makes it fail.
/// What stands after each comes back: `P`, `F` or `I`.
fn played(rounds: &str) -> (String, RollingVerdict) {
    let mut standing = RollingVerdict::new(RULES);
    let mut told = String::new();
    for (number, letter) in rounds.chars().enumerate() {
        let outcome = match letter {
            'c' => Outcome::Clean,
            'f' => Outcome::Failing,
            _ => Outcome::Unmeasured,
        };
        standing.take(round(number as u64, outcome));
        let failing = standing.rounds.iter().any(|round| round.outcome == Outcome::Failing);
        let window = standing.window().map(|_| if failing { Verdict::Fail } else { Verdict::Pass });
        let was = standing.verdict();
        let change = standing.settle(window);
        let is = standing.verdict().expect("a verdict after a round");
        assert_eq!(change, (was != Some(is)).then_some(Change { was, is }), "{rounds}");
        told.push(match is {
            Verdict::Pass => 'P',
            Verdict::Fail => 'F',
            Verdict::Inconclusive => 'I',
        });
    }
    (told, standing)
}

#[test]
fn a_breach_is_told_at_once_and_taken_back_after_clean_rounds_in_a_row() {
    for (rounds, stands) in [
        ("ccc", "PPP"),
        ("cfccc", "PFFFP"),
        ("fccfccc", "FFFFFFP"),
        // A lost round neither proves nor cures.
        ("cuc", "PPP"),
        ("cuuc", "PPIP"),
        ("fcucc", "FFFFP"),
        ("fcuucc", "FFFIFP"),
        ("fuuuccc", "FFIIFFP"),
        // Before anything was measured, nothing is known.
        ("uc", "IP"),
        ("uuf", "IIF"),
    ] {
        assert_eq!(played(rounds).0, stands, "{rounds}");
    }
}

#[test]
fn the_window_is_bounded_and_begins_anew_after_a_cure_and_after_a_loss() {
    for (rounds, kept) in [("cccccc", 4), ("cfcc", 4), ("ccfccc", 3), ("cccuu", 0), ("cfuu", 2), ("cccu", 3)] {
        assert_eq!(played(rounds).1.kept(), kept, "{rounds}");
    }
}

#[test]
fn rounds_in_which_more_was_put_up_with_are_not_judged_with_later_ones() {
    let allow = "[[allow]]\nscenario = 'canary'\nguarantee = 'echo'\nreason = 'known'\nexpires = 2026-01-01\n";
    let allow = crate::model::allow::Allow::read(crate::model::source::Source { file: "allow.toml", text: allow }).expect("an entry");
    let kept = |started: &[(&str, Outcome)]| {
        let mut standing = RollingVerdict::new(RULES);
        for (number, (started, outcome)) in started.iter().enumerate() {
            let mut round = round(number as u64, *outcome);
            round.journal.run.allow.clone_from(&allow);
            round.journal.run.started = format!("{started}T12:00:00Z");
            standing.take(round);
        }
        standing.kept()
    };
    let (last, next) = ("2026-01-01", "2026-01-02");
    assert_eq!(kept(&[("2025-12-31", Outcome::Clean), (last, Outcome::Clean)]), 2);
    assert_eq!(kept(&[(last, Outcome::Clean), (last, Outcome::Clean), (next, Outcome::Clean), (next, Outcome::Clean)]), 2);
    assert_eq!(kept(&[(last, Outcome::Clean), (next, Outcome::Failing)]), 1);
    assert_eq!(kept(&[(last, Outcome::Clean), (next, Outcome::Unmeasured)]), 1, "nothing has taken its place");
}

#[test]
fn the_window_is_one_log_in_which_scans_and_connections_stay_apart() {
    let window = played("cccccu").1.window().expect("rounds");
    assert_eq!((window.run.started.as_str(), window.run.seed), ("round 1", 4), "begun with the first, told by the last");
    let told: Vec<_> =
        window.exchanges.iter().map(|e| (e.scan.get(), e.conn.get(), e.planned, e.sent, e.first_byte.get(), e.done)).collect();
    let expected: Vec<_> = [0_u64, 1, 2, 3]
        .iter()
        .map(|n| {
            let at = |ns: u64| Stamp(ns + n * 100);
            (Some(*n), Some(1 + *n as u32 * 2), at(5), at(10), Some(at(15)), at(20))
        })
        .collect();
    assert_eq!(told, expected);
    assert!(window.is_complete());
}
