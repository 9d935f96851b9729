//! A history on a terminal: one line a run, and lines of bars below.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use super::{Row, Trend, sparkline};
use crate::report::page::Style;
use crate::report::words;
use crate::verdict::Verdict;

/// Below so many columns each run is told in lines of its own.
const TABLE_FROM: usize = 90;

/// The trend for a terminal. Ends with a newline.
pub fn terminal(trend: &Trend, style: Style) -> String {
    let mut text = format!(
        "TREND  {} from {} on\n",
        words::counted(trend.rows.len() as u64, "run"),
        trend.rows.first().map_or("–", |row| &row.started)
    );
    let header = ["started", "verdict", "denied (95 %)", "window p50", "window p99", "poll p50 / p99"].map(str::to_owned);
    let cells: Vec<[String; 6]> = trend.rows.iter().map(cells).collect();
    if style.width >= TABLE_FROM {
        let widths: Vec<usize> =
            (0..6).map(|column| cells.iter().chain([&header]).map(|row| row[column].chars().count()).max().unwrap_or_default()).collect();
        for (row, verdict) in [(&header, None)].into_iter().chain(cells.iter().zip(trend.rows.iter().map(|row| Some(row.verdict)))) {
            let padded: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(column, (cell, width))| {
                    let padding = " ".repeat(width - cell.chars().count());
                    let cell = verdict.filter(|_| column == 1).map_or_else(|| cell.clone(), |verdict| painted(cell, verdict, style));
                    format!("{cell}{padding}")
                })
                .collect();
            let _ = writeln!(text, " {}", padded.join("  ").trim_end());
        }
    } else {
        for (row, run) in cells.iter().zip(&trend.rows) {
            let _ = writeln!(text, " {}  {}", row[0], painted(&row[1], run.verdict, style));
            for (name, cell) in header.iter().zip(row).skip(2) {
                let _ = writeln!(text, "   {name:<15} {cell}");
            }
        }
    }
    let highest = |values: &[Option<f64>]| values.iter().flatten().copied().fold(0.0, f64::max);
    let column = |number: &dyn Fn(&Row) -> Option<f64>| trend.rows.iter().map(number).collect::<Vec<_>>();
    let denied = column(&|row| row.denied.share());
    let window = column(&|row| row.window_p50.as_ref().and_then(|row| row.to_ms));
    let polls = column(&|row| row.polls.and_then(|trip| trip.p50));
    let up_to = |values: &[Option<f64>]| words::age(highest(values));
    let _ = writeln!(text, "denied   {}  of 100 %", sparkline(&denied, 1.0));
    if highest(&window) > 0.0 {
        let _ = writeln!(text, "window   {}  p50, up to {}", sparkline(&window, highest(&window)), up_to(&window));
    }
    if highest(&polls) > 0.0 {
        let _ = writeln!(text, "polls    {}  p50, up to {}", sparkline(&polls, highest(&polls)), up_to(&polls));
    }
    for warning in &trend.warnings {
        for (place, line) in words::wrap(warning, style.width.saturating_sub(9)).iter().enumerate() {
            let _ = writeln!(text, "{:9}{line}", if place == 0 { "warning" } else { "" });
        }
    }
    text
}

fn cells(row: &Row) -> [String; 6] {
    [
        row.started.clone(),
        row.verdict.word().to_owned(),
        row.denied.told(),
        row.window(row.window_p50.as_ref()),
        row.window(row.window_p99.as_ref()),
        row.polls_told(),
    ]
}

fn painted(word: &str, verdict: Verdict, style: Style) -> String {
    let code = match verdict {
        Verdict::Pass => "32",
        Verdict::Fail => "31",
        Verdict::Inconclusive => "33",
    };
    style.paint(word, code)
}
