//! How a scenario was run, in words: equal words are equal conditions, and different ones say what differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::scenario::{Arm, Each, Input, LoadModel, Scenario, Until};
use crate::model::time::Span;

/// How the words say that all scans come in one moment.
pub(super) const AT_ONCE: &str = "scans at once";

/// Whether all scans of a scenario are asked for in one moment.
pub fn at_once(scenario: &Scenario) -> bool {
    matches!(scenario.load.model, LoadModel::Open { every } if every.0.is_zero())
}

/// The conditions of a scenario. Its words, its expectations and, unless it is put on all at once, the number of its scans do
/// not matter to a comparison.
pub(super) fn conditions(scenario: &Scenario) -> BTreeMap<String, String> {
    let mut told = BTreeMap::new();
    let load = &scenario.load;
    let input = if load.input == Input::Same { ", all for the same" } else { "" };
    let pace = match load.model {
        LoadModel::Open { .. } if at_once(scenario) => format!("{} {AT_ONCE}", load.scans),
        LoadModel::Open { every } => format!("a scan every {every}"),
        LoadModel::Closed { in_flight } => format!("{in_flight} scans in flight"),
    };
    told.insert("load".to_owned(), pace + input);
    for each in &scenario.arms {
        told.insert(format!("polls ({})", each.name), arm(each));
    }
    if let Some(then) = &scenario.then {
        let written = format!("{} when {}, polls {}", then.action.word(), until(then.when), spans(&then.offsets));
        let deleted = if then.delete.is_empty() { String::new() } else { format!("; then delete, polls {}", spans(&then.delete)) };
        told.insert("second write".to_owned(), written + &deleted);
    }
    for (what, at) in [
        ("witness", &scenario.readings.witness),
        ("results", &scenario.readings.results),
        ("foreign user", &scenario.controls.foreign_user),
    ] {
        if !at.is_empty() {
            told.insert(what.to_owned(), spans(at));
        }
    }
    told
}

fn arm(arm: &Arm) -> String {
    let mut told = match arm.each {
        _ if arm.offsets.is_empty() => "no offsets".to_owned(),
        Each::All => format!("at {}", spans(&arm.offsets)),
        Each::One => format!("at one of {}", spans(&arm.offsets)),
    };
    let _ = write!(told, ", {} connections, tolerance {}", arm.connection.word(), arm.tolerance);
    if arm.pollers > 1 {
        let _ = write!(told, ", {} pollers", arm.pollers);
    }
    if arm.fillers > 0 {
        let _ = write!(told, ", up to {} fillers", arm.fillers);
    }
    if let Some(route) = arm.route {
        let _ = write!(told, ", {route:?} address");
    }
    if let Some(follow) = arm.follow {
        let _ = write!(told, ", then every {} until {}, {} more, to {}", follow.every, until(follow.until), follow.settle, follow.deadline);
    }
    told
}

fn until(until: Until) -> &'static str {
    match until {
        Until::Accepted => "accepted",
        Until::Visible => "visible",
        Until::Terminal => "ended",
        Until::Deadline => "the deadline",
    }
}

fn spans(spans: &[Span]) -> String {
    spans.iter().map(Span::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::source::Source;

    fn told(text: &str) -> BTreeMap<String, String> {
        let text = format!("name = \"x\"\ntitle = \"t\"\nsource = \"s\"\n{text}");
        conditions(&Scenario::read(Source { file: "x.toml", text: &text }).expect("a right scenario"))
    }

    #[test]
    fn the_number_of_scans_matters_only_when_they_come_at_once() {
        let load = |load: &str| told(&format!("[load]\n{load}\n[polls]\noffsets=[\"1s\"]"));
        assert_eq!(load("scans = 5\nevery = \"10ms\""), load("scans = 50\nevery = \"10ms\""));
        assert_ne!(load("scans = 5\nevery = \"0s\""), load("scans = 50\nevery = \"0s\""));
        assert_ne!(load("scans = 5\nevery = \"10ms\""), load("scans = 5\nevery = \"20ms\""));
    }

    #[test]
    fn what_is_expected_does_not_matter_and_how_it_is_polled_does() {
        let polls = |rest: &str| told(&format!("[polls]\noffsets=[\"1s\"]\n{rest}"));
        assert_eq!(polls(""), polls("[expect]\nnot_found = \"any\""));
        assert_ne!(polls(""), polls("connection = \"keep-alive\"\nfillers = 0"));
        assert_ne!(polls(""), polls("[follow]\nuntil = \"visible\"\nevery = \"20ms\"\ndeadline = \"3s\""));
        assert_ne!(polls(""), polls("[readings]\nwitness = [\"1s\"]"));
    }
}
