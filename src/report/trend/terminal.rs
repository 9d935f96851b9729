//! A history on a terminal: one line a run, and lines of bars below.

use super::{Row, Trend};
use crate::report::layout::{Page, Style};
use crate::report::plot::sparkline;
use crate::report::words;

/// Below so many columns each run has lines of its own.
const TABLE_FROM: usize = 100;

/// The trend for a terminal. Ends with a newline.
pub fn terminal(trend: &Trend, style: Style) -> String {
    let mut page = Page::new(style);
    let began = trend.rows.first().map_or("–", |row| &row.started);
    page.line(&format!("TREND  {} from {began} on", words::counted(trend.rows.len() as u64, "run")));
    page.table(&trend.table(), TABLE_FROM);
    let column = |number: &dyn Fn(&Row) -> Option<f64>| trend.rows.iter().map(number).collect::<Vec<_>>();
    page.block("denied", &[format!("{}  of 100 %", sparkline(&column(&|row| row.denied.share), 1.0))]);
    for (name, values) in [
        ("window", column(&|row| row.window.p50.as_ref().and_then(|row| row.to_ms))),
        ("polls", column(&|row| row.polls.and_then(|trip| trip.p50_ms))),
    ] {
        let highest = values.iter().flatten().copied().fold(0.0, f64::max);
        if highest > 0.0 {
            page.block(name, &[format!("{}  p50, up to {}", sparkline(&values, highest), words::age(highest))]);
        }
    }
    for warning in &trend.warnings {
        page.section("warning", std::slice::from_ref(warning));
    }
    page.text
}
