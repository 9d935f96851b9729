//! What is told of a comparison: every number and every sentence, chosen once.

use crate::model::noun::Noun;
use crate::report::sentences::comparison as sentences;
use crate::report::table::{Cell, Column, Table};
use crate::report::view::Mark;
use crate::report::words;
use crate::statistics::compare::units::Layout;
use crate::verdict::comparison::{Change, Comparison, Finding, Minimum, Outcome, ScenarioComparison, Subject};

/// A comparison in words that are safe to print.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ComparisonView {
    /// What came of it, in a line that does not name the outcome.
    pub(super) headline: String,
    /// The old run and the new one.
    pub(super) runs: [String; 2],
    /// How it was compared.
    pub(super) method: String,
    /// What a reader should know of the runs.
    pub(super) notes: Vec<String>,
    /// What was compared, and could have shown something, the worst first.
    pub(super) table: Table,
    /// So many of the table's last rows did not change.
    pub(super) unchanged: usize,
    /// What could not be compared or told, and why.
    pub(super) open: Vec<String>,
}

impl ComparisonView {
    pub(super) fn of(comparison: &Comparison) -> ComparisonView {
        let all = comparison.scenarios.iter().flat_map(|scenario| scenario.findings.iter().map(move |finding| (scenario, finding)));
        let mut rows: Vec<_> = all.filter(|(_, finding)| is_worth_a_row(finding)).collect();
        rows.sort_by_key(|(_, finding)| rank(finding.change));
        let mut open: Vec<String> = comparison.blocked.iter().map(|why| words::sentence(&sentences::mismatch(why))).collect();
        open.extend(comparison.scenarios.iter().filter_map(|scenario| left_out(scenario, &comparison.noun)));
        ComparisonView {
            headline: headline(comparison),
            runs: [&comparison.base, &comparison.new]
                .map(|run| words::sentence(&format!("{}, {} ({})", run.target, run.started, run.tool))),
            method: method(comparison),
            notes: comparison
                .notes
                .iter()
                .map(|note| words::sentence(&sentences::note(note, &comparison.noun, comparison.layout)))
                .collect(),
            unchanged: rows.iter().filter(|(_, finding)| finding.change == Change::None).count(),
            table: table(&rows, &comparison.noun),
            open,
        }
    }
}

/// What could have shown something. That nothing flapped in either run is so usual that JSON alone says it.
fn is_worth_a_row(finding: &Finding) -> bool {
    let calm = finding.subject == Subject::Flapping && finding.base + finding.new == 0.0;
    !matches!(finding.change, Change::TooFew | Change::NotIdentified) && !calm
}

fn rank(change: Change) -> u8 {
    match change {
        Change::Regression | Change::OneState => 0,
        Change::Improvement => 1,
        Change::Small => 2,
        Change::None => 3,
        Change::TooFew | Change::NotIdentified => 4,
    }
}

fn headline(comparison: &Comparison) -> String {
    let all = || comparison.scenarios.iter().flat_map(|scenario| scenario.findings.iter().map(move |finding| (scenario, finding)));
    let of = |change: Change| all().filter(move |(_, finding)| finding.change == change);
    let regressions: Vec<String> =
        of(Change::Regression).map(|(scenario, finding)| sentence(scenario, finding, &comparison.noun)).collect();
    match comparison.outcome {
        Outcome::Regression => {
            let more = if regressions.len() > 1 { format!(", and {} more", regressions.len() - 1) } else { String::new() };
            format!("{}{more}", regressions.first().cloned().unwrap_or_default())
        }
        Outcome::Inconclusive if !comparison.blocked.is_empty() => "the runs cannot be compared".to_owned(),
        Outcome::Inconclusive if comparison.scenarios.iter().all(|scenario| scenario.not_compared.is_some()) => {
            "no scenario of the two runs can be compared".to_owned()
        }
        Outcome::Inconclusive => match of(Change::OneState).find(|(_, finding)| finding.new > finding.base) {
            Some((scenario, finding)) => {
                format!("{}, and no run shows how long the target keeps a state", sentence(scenario, finding, &comparison.noun))
            }
            None => format!("too few {} to say whether any difference is more than chance", comparison.noun.many()),
        },
        Outcome::NoRegression => {
            let able = comparison.scenarios.iter().filter(|scenario| scenario.is_judged()).count();
            let scenarios = words::counted(comparison.scenarios.len() as u64, "scenario");
            let others = if able < comparison.scenarios.len() { "; the others tell too little" } else { "" };
            let better = match of(Change::Improvement).count() {
                0 => String::new(),
                better => format!("; {} better", words::counted(better as u64, "value")),
            };
            format!("nothing is worse in {able} of {scenarios}{others}{better}")
        }
    }
}

fn sentence(scenario: &ScenarioComparison, finding: &Finding, noun: &Noun) -> String {
    let (base, new) = (base(finding), new(finding));
    format!("{} of {} went from {base} to {new}", subject(&finding.subject, noun), words::name(&scenario.name))
}

fn table(rows: &[(&ScenarioComparison, &Finding)], noun: &Noun) -> Table {
    let columns = [
        Column::text("Scenario"),
        Column::text("What").second_line(),
        Column::number("Base"),
        Column::number("New"),
        Column::number("Difference"),
        Column::number("p"),
        Column::text("Change"),
        Column::text("Takes"),
    ];
    let cells = rows.iter().map(|(scenario, finding)| {
        let p = finding.p_worse.zip(finding.p_better).map(|(worse, better)| p_value(worse.min(better)));
        [
            words::name(&scenario.name).into(),
            subject(&finding.subject, noun).into(),
            base(finding).into(),
            new(finding).into(),
            difference(finding).into(),
            p.map_or(Cell::Missing("–"), Cell::Text),
            match finding.change {
                Change::Regression => Cell::Marked(Mark::Fails, "worse".to_owned()),
                Change::Improvement => Cell::Marked(Mark::Works, "better".to_owned()),
                other => Cell::Marked(Mark::Neutral, other.word().to_owned()),
            },
            // Where these were too few for the smallest difference that counts.
            finding.needs.map_or_else(String::new, |needs| format!("{} {}", words::count(rounded(needs)), noun.many())).into(),
        ]
    });
    Table::new(columns, cells)
}

/// What was compared, in a few words.
pub(super) fn subject(subject: &Subject, noun: &Noun) -> String {
    match subject {
        Subject::Denied { arm, connection, at } if *arm == connection.word() || arm == "polls" => {
            format!("denied at {} ({})", words::planned(at.as_nanos()), connection.word())
        }
        Subject::Denied { arm, connection, at } => {
            format!("denied at {} ({}, {})", words::planned(at.as_nanos()), words::name(arm), connection.word())
        }
        Subject::Flapping => format!("flapping {}", noun.many()),
        Subject::Window => "mean window".to_owned(),
        Subject::RoundTrip { kind, connection } => format!("median {} round trip ({})", kind.word(), connection.word()),
    }
}

fn base(finding: &Finding) -> String {
    value(&finding.subject, finding.base, finding.base_known)
}

fn new(finding: &Finding) -> String {
    value(&finding.subject, finding.new, finding.new_known)
}

fn value(subject: &Subject, value: f64, is_known: bool) -> String {
    if !is_known {
        return "not identified".to_owned();
    }
    if subject.is_share() { words::share(value) } else { words::age(value) }
}

fn difference(finding: &Finding) -> String {
    if !finding.base_known || !finding.new_known {
        return "–".to_owned();
    }
    let difference = finding.new - finding.base;
    let sign = if difference >= 0.0 { "+" } else { "−" };
    if finding.subject.is_share() {
        return format!("{sign}{} points", words::share(difference.abs()).trim_end_matches(" %"));
    }
    let relative = if finding.base > 0.0 { format!(" ({sign}{})", relative(difference.abs() / finding.base)) } else { String::new() };
    format!("{sign}{}{relative}", words::age(difference.abs()))
}

/// A difference as a share of the old value, in three digits: neither value is known any better.
fn relative(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 100.0 {
        return words::share(share);
    }
    let step = 10_f64.powi((percent.log10().floor() as i32 - 2).max(0));
    format!("{} %", words::count(((percent / step).round() * step) as u64))
}

/// A p-value with no more digits than it is worth.
fn p_value(p: f64) -> String {
    if p < 1e-4 {
        "< 0.0001".to_owned()
    } else if p < 0.1 {
        format!("{p:.4}")
    } else {
        format!("{p:.2}")
    }
}

/// Two digits: what an approximation is good for.
fn rounded(scans: u64) -> u64 {
    let magnitude = 10_u64.pow(scans.max(1).ilog10().saturating_sub(1));
    scans.div_ceil(magnitude).saturating_mul(magnitude)
}

/// Why a scenario, or a part of it, says nothing.
fn left_out(scenario: &ScenarioComparison, noun: &Noun) -> Option<String> {
    let name = words::name(&scenario.name);
    if let Some(why) = &scenario.not_compared {
        return Some(format!("{name}: not compared, {}", words::sentence(&sentences::not_compared(why))));
    }
    let few: Vec<&Finding> = scenario.findings.iter().filter(|finding| finding.change == Change::TooFew).collect();
    let mut parts: Vec<String> = scenario.left_out.iter().map(|why| words::sentence(&sentences::left_out(why, noun))).collect();
    if let Some(most) = few.iter().max_by_key(|finding| finding.base_scans.min(finding.new_scans)) {
        let asked = scenario.findings.iter().filter(|finding| finding.change != Change::NotIdentified).count();
        let what = if few.len() == asked {
            "no conclusion".to_owned()
        } else {
            let named: Vec<String> = few.iter().map(|finding| subject(&finding.subject, noun)).collect();
            format!("no conclusion about {}", named.join(", "))
        };
        let scans = most.base_scans.min(most.new_scans);
        let why = if scenario.together > 1 && scenario.together >= scans {
            format!("{} that were asked for at once, or that depend on each other, count as one", noun.counted(scans))
        } else {
            let together =
                if scenario.together > 1 { format!(", of which each {} in a row count as one", scenario.together) } else { String::new() };
            let needs = few.iter().filter_map(|finding| finding.needs).min();
            let needs = needs.map_or_else(String::new, |needs| format!(" (about {} would do)", words::count(rounded(needs))));
            let are = if scans == 1 { "is" } else { "are" };
            format!("{} {are} too few{together}{needs}", noun.counted(scans))
        };
        parts.push(format!("{what}: {why}"));
    }
    for finding in scenario.findings.iter().filter(|finding| finding.change == Change::NotIdentified) {
        parts.push(format!(
            "the {} is not identified: no {} of either run was denied when it was polled",
            subject(&finding.subject, noun),
            noun.one()
        ));
    }
    (!parts.is_empty()).then(|| format!("{name}: {}", parts.join("; ")))
}

fn method(comparison: &Comparison) -> String {
    let criteria = &comparison.criteria;
    let many = comparison.noun.many();
    let how = match comparison.layout {
        Layout::Apart => format!("{many} of two runs, one after the other"),
        Layout::Pairs => format!("pairs of {many}, asked for by turns"),
    };
    let minimum = |minimum: Minimum| format!("{} and {}", words::share(minimum.share.0), minimum.floor);
    format!(
        "{how}; worse means p ≤ {} over {} together (Holm), and a difference of at least {} of all {many}, {} of the window, or {} of a round trip",
        criteria.alpha,
        words::counted(comparison.tests as u64, "test"),
        words::share(criteria.min_rate.0),
        minimum(criteria.min_window),
        minimum(criteria.min_latency)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn approximate_numbers_have_two_digits() {
        assert_eq!([1, 9, 12, 778, 4_444].map(rounded), [1, 9, 12, 780, 4_500]);
        assert_eq!([0.000_01, 0.0123, 0.5].map(p_value), ["< 0.0001", "0.0123", "0.50"]);
    }
}
