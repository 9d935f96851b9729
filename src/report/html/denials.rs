//! How often status denied, by age and connection: a dot with its limits for each age at which scans were polled.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::exchange::Connection;
use crate::report::html::axis::{Axis, short};
use crate::report::html::{Column, Section, folded, key, table, text};
use crate::report::view::{DenialRow, View};
use crate::report::words;

const TOP: f64 = 12.0;
const HEIGHT: f64 = 170.0;
/// Dots of one age stand beside each other rather than on each other, in pixels.
const ASIDE: usize = 11;

fn y(share: f64) -> f64 {
    TOP + (1.0 - share) * HEIGHT
}

/// The dots as a figure; none where no scan was polled at a planned age.
pub(super) fn figure(view: &View) -> Option<String> {
    let last = view.denials.iter().map(|row| row.at_ms).reduce(f64::max)?;
    let first = view.denials.iter().map(|row| row.at_ms).filter(|at| *at > 0.0).reduce(f64::min).unwrap_or(last);
    let axis = Axis::showing(first, last);
    let mut connections: Vec<Connection> = view.denials.iter().map(|row| row.connection).collect();
    connections.dedup();
    let mut svg = axis.svg(TOP, TOP + HEIGHT);
    for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
        let at = short(y(share));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{at}\" y2=\"{at}\"/><text class=\"label\" x=\"-8\" y=\"{}\">{label}</text>",
            short(y(share) + 4.0)
        );
    }
    for row in &view.denials {
        let before = view.denials.iter().take_while(|other| other.connection != row.connection).filter(|other| other.at == row.at).count();
        svg.push_str(&dot(&axis, row, before * ASIDE));
    }
    let legend: String = connections
        .iter()
        .map(|connection| format!("{} ", key(&format!("s-{}", connection.word()), &format!("c-{}", connection.word()), connection.word())))
        .collect();
    Some(format!(
        "<figure class=\"chart\" data-chart>\n<figcaption><b>How often status says not_found.</b> Share of scans denied, by age and connection, with 95&nbsp;% limits.</figcaption>\n\
         <svg class=\"plot\" width=\"100%\" height=\"{}\" role=\"group\" aria-label=\"Share of scans denied by age and connection; the table has the numbers\">\n{svg}</svg>\n\
         <p class=\"legend\">{legend}<span><span class=\"key k-bar\"></span>95 % limits{}</span></p>\n</figure>\n",
        TOP + HEIGHT + 24.0,
        if axis.is_logarithmic() { "; ages on a logarithmic axis" } else { "" },
    ))
}

fn dot(axis: &Axis, row: &DenialRow, aside: usize) -> String {
    let word = row.connection.word();
    format!(
        "<svg class=\"free\" x=\"{}\"><line class=\"bar c-{word}\" x1=\"{aside}\" x2=\"{aside}\" y1=\"{}\" y2=\"{}\"/>\
         <use href=\"#s-{word}\" class=\"mark c-{word}\" x=\"{aside}\" y=\"{}\"><title>{}, {word}: {} of {} denied, {} (95 % limits {})</title></use></svg>\n",
        axis.at(row.at_ms),
        short(y(row.upper)),
        short(y(row.lower)),
        short(y(row.share)),
        row.at,
        words::count(row.denied),
        words::counted(row.scans, "scan"),
        words::share(row.share),
        words::share_between(row.lower, row.upper),
    )
}

/// The section: chart and table, and scenario by scenario in a fold.
pub(super) fn section(view: &View) -> Option<Section> {
    if view.scenarios.iter().all(|scenario| scenario.offsets.is_empty()) {
        return None;
    }
    let mut body = figure(view).unwrap_or_default();
    let rows = view.denials.iter().map(|row| {
        vec![
            row.at.clone(),
            row.connection.word().to_owned(),
            words::count(row.scans),
            words::count(row.denied),
            words::share(row.share),
            words::share_between(row.lower, row.upper),
            if row.scenarios == 1 { "one".to_owned() } else { format!("{}, added up", row.scenarios) },
        ]
    });
    let columns = [
        Column::Number("Age"),
        Column::Words("Connection"),
        Column::Number("Scans"),
        Column::Number("Denied"),
        Column::Number("Share"),
        Column::Number("95 % limits"),
        Column::Words("Scenarios"),
    ];
    if !view.denials.is_empty() {
        body.push_str(&table("Denials by age and connection", &columns, rows));
    }
    let single =
        view.scenarios.iter().flat_map(|scenario| scenario.offsets.iter().map(move |row| (scenario, row))).map(|(scenario, row)| {
            vec![
                text(&scenario.name),
                row.at.clone(),
                row.connection.word().to_owned(),
                words::count(row.polls),
                words::count(row.not_found),
                words::count(row.other),
                words::count(row.late),
                row.rate.map_or_else(|| "–".to_owned(), words::share),
                if row.scans > 0 { words::share_between(row.lower, row.upper) } else { "–".to_owned() },
            ]
        });
    let columns = [
        Column::Words("Scenario"),
        Column::Number("Age"),
        Column::Words("Connection"),
        Column::Number("Polls"),
        Column::Number("not_found"),
        Column::Number("Other"),
        Column::Number("Late"),
        Column::Number("Rate"),
        Column::Number("95 % limits"),
    ];
    body.push_str(&folded("The same, scenario by scenario", &table("Rates by scenario", &columns, single)));
    body.push_str(
        "<p class=\"aside\">Limits (Clopper–Pearson) are for the share of scans denied at that age: polls of one scan are not independent. Late polls left outside the scenario’s \
         tolerance and do not count; other polls said neither visible nor not_found.</p>\n",
    );
    Some(Section { id: "rates", title: "Denials by age and connection", body })
}
