//! The latency report as GitHub-flavoured markdown.

use crate::report::latency::{Latency, NOTE, day_and_minute, lead, tables};
use crate::report::markdown::{escape, sign, table};
use crate::report::table::Room;

/// The report as markdown; `picture` is the file that [`super::svg()`] was written to, if it was. Ends with a newline.
pub fn markdown(report: &Latency<'_>, picture: Option<&str>) -> String {
    let view = report.newest();
    let mut parts = vec![
        format!("# Latency: {}", escape(&view.run.target)),
        format!("**{} {}**: {}.", sign(view.verdict), view.verdict.word().to_uppercase(), escape(&view.headline)),
        format!("{}. Run of {}, {} exchanges.", escape(&lead(view)), escape(&day_and_minute(&view.run.started)), view.run.exchanges),
    ];
    parts.extend(view.notices.iter().chain(&report.warnings).map(|notice| format!("> [!WARNING]\n> {}", escape(notice))));
    parts.push(table(&tables::now(view), Room::Document));
    if !view.timing.objectives.is_empty() {
        parts.push(format!("## Objectives\n\n{}", table(&tables::objectives(view), Room::Document)));
    }
    if let Some(before) = report.before {
        parts.push(format!("## Against the run of {}", escape(&day_and_minute(&before.run.started))));
        parts.push(table(&tables::against(before, view), Room::Document));
        parts.push(super::AGAINST_NOTE.to_owned());
    }
    if report.runs.len() > 1 || picture.is_some() {
        parts.push("## Over time".to_owned());
        parts.extend(picture.map(|picture| format!("![Jobs not found and how long jobs took, run by run]({picture})")));
    }
    if report.runs.len() > 1 {
        parts.push(table(&tables::history(report), Room::Document));
    }
    parts.push(NOTE.to_owned());
    parts.join("\n\n") + "\n"
}
