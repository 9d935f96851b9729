//! How a scenario was run, in words: equal words are equal conditions, and different ones say what differs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha1::{Digest, Sha1};

use crate::model::scenario::{Action, Arm, Each, Input, LoadModel, Scenario, Until};
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
        let action = match then.action {
            Action::Repeat => "repeat",
            Action::Cancel => "cancel",
        };
        told.insert("second write".to_owned(), format!("{action} when {}, polls {}", until(then.when), spans(&then.offsets)));
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

/// First 16 hex digits of the SHA-1 of a target file's meaning: without name and address, so that staging and production compare,
/// and without comments and layout.
pub(super) fn contract(file: &str) -> String {
    let meaning = match toml::from_str::<toml::Table>(file) {
        Ok(mut table) => {
            table.remove("name");
            table.remove("base_url");
            serde_json::to_string(&sorted(toml::Value::Table(table))).unwrap_or_default()
        }
        Err(_) => file.to_owned(),
    };
    let mut digits = String::new();
    for byte in Sha1::digest(meaning.as_bytes()).iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The same value with its tables in the order of their keys.
fn sorted(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Table(table) => {
            let entries: BTreeMap<String, serde_json::Value> = table.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::Value::Object(entries.into_iter().collect())
        }
        toml::Value::Array(values) => values.into_iter().map(sorted).collect(),
        toml::Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
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
    use crate::model::input::Source;

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

    #[test]
    fn a_contract_is_its_meaning_without_name_and_address() {
        let file = "name = \"a\"\nbase_url = \"http://a\"\n[initiate]\npath = \"/x\"\nid = { pointer = \"/id\" }\n";
        let same = "# a comment\nbase_url = \"http://b\"\n[initiate]\nid = { pointer = \"/id\" }\npath = \"/x\"\n";
        assert_eq!(contract(file), contract(same));
        assert_ne!(contract(file), contract(&file.replace("/id", "/job")));
    }
}
