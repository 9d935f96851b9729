//! The tables of a latency report: columns and cells once, for markdown and for the page.

use crate::report::latency::change::{Change, moved};
use crate::report::latency::{Latency, day_and_minute};
use crate::report::table::{Cell, Column, Table};
use crate::report::trend::Denied;
use crate::report::view::{Mark, TimingRow, View, Wait};
use crate::report::words;

/// The newest run.
pub(super) fn now(view: &View) -> Table {
    let columns =
        [Column::text("Wait"), Column::text("Jobs"), Column::text("p50"), Column::text("p95"), Column::text("p99"), Column::text("Note")];
    let rows = view.timing.rows.iter().map(|row| {
        let quantile = |label: &str| {
            let quantile = row.quantiles.iter().find(|quantile| quantile.label == label);
            quantile.map_or(Cell::Missing("–"), |quantile| quantile.with_limits().into())
        };
        let [p50, p95, p99] = ["p50", "p95", "p99"].map(quantile);
        [row.wait.name().into(), jobs(row).into(), p50, p95, p99, row.note.clone().unwrap_or_default().into()]
    });
    Table::new(columns, rows)
}

fn jobs(row: &TimingRow) -> String {
    match row.requests.filter(|requests| *requests != row.jobs) {
        Some(requests) => format!("{}, {}", words::count(row.jobs), words::counted(requests, "poll")),
        None => words::count(row.jobs),
    }
}

/// The target's objectives.
pub(super) fn objectives(view: &View) -> Table {
    let rows = view
        .timing
        .objectives
        .iter()
        .map(|row| [row.promise.as_str().into(), Cell::Marked(row.mark, row.standing.to_owned()), row.why.as_str().into()]);
    Table::new([Column::text("Objective"), Column::text("Standing"), Column::text("Why")], rows)
}

/// The newest run against the one before.
pub(super) fn against(before: &View, view: &View) -> Table {
    let columns = [Column::text("Wait"), Column::text("Quantile"), Column::text("Before"), Column::text("Now"), Column::text("Change")];
    let rows = moved(before, view).into_iter().map(|moved| {
        let mark = match moved.change {
            Change::Slower => Mark::Fails,
            Change::Faster => Mark::Works,
            Change::NotProven => Mark::Neutral,
        };
        [
            moved.wait.name().into(),
            moved.before.label.as_str().into(),
            moved.before.with_limits().into(),
            moved.now.with_limits().into(),
            Cell::Marked(mark, moved.change.word().to_owned()),
        ]
    });
    Table::new(columns, rows)
}

/// All runs, the newest last.
pub(super) fn history(report: &Latency<'_>) -> Table {
    let columns = [
        Column::text("Started"),
        Column::text("Verdict"),
        Column::number("Not found"),
        Column::number("POST p50"),
        Column::number("POST p95"),
        Column::number("Visible p50"),
        Column::number("Visible p99"),
        Column::number("Done p50"),
        Column::number("Done p95"),
    ];
    let rows = report.runs.iter().map(|view| {
        let quantile = |wait: Wait, label: &str| {
            let quantile = view.timing.row(wait).and_then(|row| row.quantiles.iter().find(|quantile| quantile.label == label));
            quantile.map_or(Cell::Missing("–"), |quantile| quantile.told.as_str().into())
        };
        [
            day_and_minute(&view.run.started).into(),
            Cell::Verdict(view.verdict),
            Denied::of(view).told(&view.noun).into(),
            quantile(Wait::Post, "p50"),
            quantile(Wait::Post, "p95"),
            quantile(Wait::Visible, "p50"),
            quantile(Wait::Visible, "p99"),
            quantile(Wait::Done, "p50"),
            quantile(Wait::Done, "p95"),
        ]
    });
    Table::new(columns, rows)
}
