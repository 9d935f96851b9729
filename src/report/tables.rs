//! The tables of a run.

use crate::analysis::twin::{Beside, Picture};
use crate::report::table::{Cell, Column, Room, Table};
use crate::report::view::{Curve, GuaranteeRow, InsideView, Mark, ScenarioRow, Standing, TwinView, View, WindowView};
use crate::report::words;
use crate::traces::Edge;
use crate::verdict::Verdict;

pub(super) fn scenarios<'a>(rows: impl IntoIterator<Item = &'a ScenarioRow>) -> Table {
    let columns = [
        Column::text("Scenario"),
        Column::text("What").from(Room::Wide).second_line(),
        Column::number("Scans"),
        Column::text("not_found"),
        Column::text("Window"),
        Column::text("Verdict"),
    ];
    let cells = rows.into_iter().map(|row| {
        [
            Cell::Name(row.name.clone(), ""),
            row.title.as_str().into(),
            scans(row).into(),
            row.denied.as_str().into(),
            row.window.short.as_str().into(),
            Cell::Verdict(row.verdict),
        ]
    });
    Table::new(columns, cells)
}

/// How many scans were accepted; of how many, if some were not.
fn scans(row: &ScenarioRow) -> String {
    if row.accepted == row.initiates {
        words::count(row.accepted)
    } else {
        format!("{} of {}", words::count(row.accepted), words::count(row.initiates))
    }
}

/// Why scenarios did not pass.
pub(super) fn scenario_reasons(view: &View) -> Vec<String> {
    let rows = view.scenarios.iter().filter(|row| row.verdict != Verdict::Pass);
    rows.flat_map(|row| row.reasons.iter().map(move |reason| format!("{}: {reason}", row.name))).collect()
}

pub(super) fn evidence(view: &View) -> Table {
    let columns = [Column::text("Check"), Column::text("Timing"), Column::text("Result"), Column::text("Evidence")];
    let rows = view.evidence.iter().map(|row| {
        let result = Cell::Marked(row.mark, row.result.clone());
        [row.check.as_str().into(), row.timing.as_str().into(), result, row.evidence.as_str().into()]
    });
    Table::new(columns, rows)
}

/// The spans that begin or end when scans become visible, the best first.
pub(super) fn inside(inside: &InsideView) -> Table {
    let columns = [
        Column::text("Span"),
        Column::text("In"),
        Column::text("Code"),
        Column::text("When"),
        Column::number("Scans"),
        Column::number("At"),
        Column::number("Takes"),
    ];
    let rows = inside.spans.iter().map(|row| {
        let span = &row.span;
        let nth = match span.occurrence {
            0 => " (last)".to_owned(),
            1 => String::new(),
            n => format!(" (no. {n})"),
        };
        let system = span.system.as_ref().map_or_else(String::new, |system| format!(" ({system})"));
        let at = if row.age_ms < 0.0 { format!("{} before", words::age(-row.age_ms)) } else { words::age(row.age_ms) };
        [
            format!("{}{system}{nth}", span.name).into(),
            span.within.as_deref().map_or(Cell::Missing("–"), Cell::from),
            span.place.as_ref().or(span.function.as_ref()).map_or(Cell::Missing("–"), |place| place.as_str().into()),
            match row.edge {
                Edge::Start => "at its start".into(),
                Edge::During => "during it".into(),
                Edge::End => "at its end".into(),
            },
            format!("{} of {}", words::count(row.explained), words::count(inside.with_spans)).into(),
            at.into(),
            words::age(row.takes_ms).into(),
        ]
    });
    Table::new(columns, rows)
}

pub(super) fn guarantees(rows: &[GuaranteeRow]) -> Table {
    let columns = [
        Column::text("Guarantee"),
        Column::text("Promise").second_line(),
        Column::text("Standing"),
        Column::number("Checked"),
        Column::number("Broken"),
        Column::text("First proof, or why not"),
    ];
    let rows = rows.iter().map(|row| {
        let (mark, standing, proof) = match row.standing {
            Standing::Kept => (Mark::Works, "kept", row.unclear.join("; ")),
            Standing::Broken => (Mark::Fails, "broken", row.evidence.first().cloned().unwrap_or_default()),
            Standing::NotAssessed => (Mark::Neutral, "not assessed", row.why.clone().unwrap_or_default()),
        };
        [
            Cell::Name(row.name.to_owned(), row.code),
            row.promise.as_str().into(),
            Cell::Marked(mark, standing.to_owned()),
            words::count(row.checked).into(),
            words::count(row.broken).into(),
            proof.into(),
        ]
    });
    Table::new(columns, rows)
}

/// How often status denied, at each age and over each connection of each scenario.
pub(super) fn rates(view: &View) -> Table {
    let columns = [
        Column::text("Scenario"),
        Column::number("Age"),
        Column::text("Connection"),
        Column::number("Polls"),
        Column::number("not_found"),
        Column::number("Other"),
        Column::number("Late"),
        Column::number("Rate"),
        Column::number("95 % limits"),
    ];
    let all = view.scenarios.iter().flat_map(|scenario| scenario.offsets.iter().map(move |row| (scenario, row)));
    let rows = all.map(|(scenario, row)| {
        [
            scenario.name.as_str().into(),
            row.at.as_str().into(),
            row.connection.word().into(),
            words::count(row.polls).into(),
            words::count(row.not_found).into(),
            words::count(row.other).into(),
            words::count(row.late).into(),
            row.rate.map_or(Cell::Missing("–"), |rate| words::share(rate).into()),
            if row.scans > 0 { words::share_between(row.lower, row.upper).into() } else { Cell::Missing("–") },
        ]
    });
    Table::new(columns, rows)
}

/// What [`rates`] rests on.
pub(super) const RATES_NOTE: &str = "Limits (Clopper–Pearson) are for the share of scans denied at that age: polls of one scan are not independent. Late polls left outside the \
     scenario's tolerance and do not count; other polls said neither visible nor not_found.";

/// The same over all scenarios.
pub(super) fn denials(view: &View) -> Table {
    let columns = [
        Column::number("Age"),
        Column::text("Connection"),
        Column::number("Scans"),
        Column::number("Denied"),
        Column::number("Share"),
        Column::number("95 % limits"),
        Column::text("Scenarios"),
    ];
    let rows = view.denials.iter().map(|row| {
        [
            row.at.as_str().into(),
            row.connection.word().into(),
            words::count(row.scans).into(),
            words::count(row.denied).into(),
            words::share(row.share).into(),
            words::share_between(row.lower, row.upper).into(),
            if row.scenarios == 1 { "one".into() } else { format!("{}, added up", row.scenarios).into() },
        ]
    });
    Table::new(columns, rows)
}

pub(super) fn quantiles(window: &WindowView) -> Table {
    let columns = [Column::text("Quantile"), Column::text("Window"), Column::text("95 % limits")];
    let rows = window.quantiles.iter().map(|row| {
        // Limits of a quantile that is not to be told would be read as the quantile.
        let limits = if row.told_at_all { row.limits().into() } else { Cell::Missing("–") };
        [row.label.as_str().into(), Cell::Value(row.key.clone(), row.told.clone()), limits]
    });
    Table::new(columns, rows)
}

pub(super) fn visible_by(window: &WindowView) -> Table {
    let columns = [Column::number("Visible by"), Column::number("Share of scans"), Column::number("95 % limits")];
    let rows = window.visible_by.iter().map(|by| {
        [words::age(by.t_ms), words::share_between(by.share, by.share_to), words::share_between(by.lower, by.upper)].map(Cell::Text)
    });
    Table::new(columns, rows)
}

pub(super) fn curve(curve: &Curve) -> Table {
    let rows = curve.steps.iter().map(|step| {
        [
            words::between(step.from_ms, Some(step.to_ms)),
            words::share_between(step.certain, step.at_most),
            words::share_between(step.lower, step.upper),
        ]
        .map(Cell::Text)
    });
    Table::new([Column::number("Age"), Column::number("Visible"), Column::number("95 % limits")], rows)
}

/// Round trips in milliseconds.
pub(super) fn latency(view: &View) -> Table {
    let columns = [
        Column::text("Exchange"),
        Column::text("From"),
        Column::number("Count"),
        Column::number("p50"),
        Column::number("p90"),
        Column::number("p95").from(Room::Page),
        Column::number("p99"),
        Column::number("p99.9").from(Room::Page),
        Column::number("Max"),
    ];
    let ms = |value: f64| format!("{value:.2}").into();
    let told = |value: Option<f64>| value.map_or(Cell::Missing("n too small"), ms);
    let all = view.latency.iter().flat_map(|row| [("sent", row.sent), ("planned", row.planned)].map(|(from, trip)| (row, from, trip)));
    let rows = all.map(|(row, from, trip)| {
        [
            row.name.as_str().into(),
            from.into(),
            words::count(trip.count).into(),
            told(trip.p50),
            told(trip.p90),
            told(trip.p95),
            told(trip.p99),
            told(trip.p999),
            ms(trip.max),
        ]
    });
    Table::new(columns, rows)
}

pub(super) fn ruled_out(view: &View) -> Table {
    let rows = view.ruled_out.iter().map(|row| [row.class.into(), row.name.into(), row.by.as_str().into()]);
    Table::new([Column::text("Class"), Column::text("Name"), Column::text("By")], rows)
}

/// What was run, where and when.
pub(super) fn about(view: &View) -> Table {
    let run = &view.run;
    let mut rows = vec![("Target", format!("{} at {}", run.target, run.base_url))];
    rows.extend(run.service.clone().map(|service| ("Service", service)));
    rows.extend([
        ("Started", run.started.clone()),
        ("Run", run.run_id.clone()),
        ("Tool", run.tool.clone()),
        ("Timer", format!("{}, resolution {} ns", run.timer, (run.resolution_ms * 1e6).round())),
        ("Machine", format!("{}, {}", run.system, words::counted(u64::from(run.processors), "processor"))),
        ("Exchanges", words::count(run.exchanges)),
    ]);
    rows.extend(view.jobs.told().map(|jobs| ("Jobs", jobs)));
    Table::new([Column::text(""), Column::text("")], rows.into_iter().map(|(name, value)| [name.into(), value.into()]))
}

/// The candidates of the twins.
pub(super) fn twins(twin: &TwinView) -> Table {
    let columns = [Column::text("Cause"), Column::text("Standing"), Column::text("Settings")];
    let rows = twin.candidates.iter().map(|candidate| {
        let mark = if candidate.fits { Mark::Works } else { Mark::Neutral };
        [words::sentence_case(&candidate.name).into(), Cell::Marked(mark, candidate.standing.clone()), candidate.fault.as_str().into()]
    });
    Table::new(columns, rows)
}

/// A log beside its twin.
pub(super) fn picture(picture: &Picture) -> Table {
    let columns =
        [Column::text("What"), Column::text("Age"), Column::number("Here"), Column::number("Twin"), Column::number("Single runs")];
    let beside = |what: &str, age: String, beside: &Beside| {
        [
            what.into(),
            age.into(),
            words::share(beside.observed).into(),
            words::share(beside.twin).into(),
            words::share_between(beside.twin_from, beside.twin_to).into(),
        ]
    };
    let ages = picture.ages.iter().map(|row| beside("polls denied", words::between(row.from_ms, Some(row.to_ms)), &row.denied));
    let seen = picture.seen.iter().map(|row| beside("jobs seen", format!("by {}", words::age(row.by_ms)), &row.seen));
    let flapping = picture.flapping.iter().map(|flapping| beside("jobs denied after they had been seen", String::new(), flapping));
    Table::new(columns, ages.chain(seen).chain(flapping))
}
