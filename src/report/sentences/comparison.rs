//! What keeps two runs, or parts of them, from being compared, and what to know where they are.

use super::reason;
use crate::model::noun::Noun;
use crate::report::words::planned_span;
use crate::statistics::compare::units::Layout;
use crate::verdict::comparison::{LeftOut, Mismatch, NotCompared, Note, Side, Spoilt};

fn side(side: Side) -> &'static str {
    match side {
        Side::Old => "old",
        Side::New => "new",
    }
}

/// Why two runs do not compare at all.
pub fn mismatch(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Target(old, new) => format!("the targets differ: `{old}` and `{new}`"),
        Mismatch::Contract(old, new) => {
            format!("the contracts differ (fingerprints {old} and {new}): the target file has changed in more than its name and address")
        }
        Mismatch::Time(old, new) => format!("one run lived in {old} time, the other in {new} time"),
    }
}

/// What a reader should know of the two runs.
pub fn note(note: &Note, noun: &Noun, layout: Layout) -> String {
    match note {
        Note::ResultOnly(run) => format!(
            "of the {} run only a result is known: it is taken on trust that it was made in the same way; a log or a saved baseline tells",
            side(*run)
        ),
        Note::Machines(old, new) => {
            format!("the runs were made on different machines ({old}; {new}): round trips may differ for that reason")
        }
        Note::Versions(old, new) => format!("the runs were made by different versions ({old}; {new})"),
        Note::OneWay(scenarios) => format!(
            "the {} of each run went the same way ({}): a state of the target that outlasts a whole run looks alike; {} them apart",
            noun.many(),
            scenarios.join(", "),
            match layout {
                Layout::Apart => "asking by turns (--against), or a longer run, tells",
                Layout::Pairs => "a longer run tells",
            }
        ),
    }
}

/// Why a scenario was not compared.
pub fn not_compared(why: &NotCompared) -> String {
    match why {
        NotCompared::Missing(run) => format!("it is not in the {} run", side(*run)),
        NotCompared::NotMeasured(run, why) => format!("the {} run did not measure it: {why}", side(*run)),
        NotCompared::Conditions(changes) => {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
            let changes: Vec<String> =
                changes.iter().map(|one| format!("{}: {} → {}", one.condition, value(&one.base), value(&one.new))).collect();
            format!("it was run in another way ({})", changes.join("; "))
        }
    }
}

/// Why nothing may be compared with a scenario, as baselines keep it.
pub fn spoilt(why: Spoilt<'_>) -> String {
    match why {
        Spoilt::Reason(why) => reason(why),
        Spoilt::StoppedWhenDecided => "it was stopped as soon as its gate was decided".to_owned(),
    }
}

/// What could not be asked of a scenario, and why.
pub fn left_out(left_out: &LeftOut, noun: &Noun) -> String {
    match left_out {
        LeftOut::NoSample { at, arm } => format!("denials at {} ({arm}): no sample in one of the runs", planned_span(*at)),
        LeftOut::NewOffset { at, arm } => format!("denials at {} ({arm}): not in the old run", planned_span(*at)),
        LeftOut::NoWindows => format!("windows: no {} of one of the runs has one", noun.one()),
        LeftOut::WindowsOfResult => "windows: one of the runs is known by its result alone, which does not hold the brackets".to_owned(),
        LeftOut::RoundTripsOfResult => "round trips: one of the runs is known by its result alone, which does not hold them".to_owned(),
    }
}
