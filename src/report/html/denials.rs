//! How often status denied, by age and connection: a dot with its limits for each age at which scans were polled.

use maud::{Markup, html};

use crate::model::exchange::Connection;
use crate::report::html::axis::{Axis, shares, short};
use crate::report::html::{Section, folded, key, table};
use crate::report::view::{DenialRow, View};
use crate::report::{tables, words};

const TOP: f64 = 12.0;
const HEIGHT: f64 = 170.0;
/// Dots of one age stand beside each other rather than on each other, in pixels.
const ASIDE: usize = 11;

fn y(share: f64) -> f64 {
    TOP + (1.0 - share) * HEIGHT
}

/// The dots as a figure; none where no scan was polled at a planned age.
pub(super) fn figure(view: &View) -> Option<Markup> {
    let last = view.denials.iter().map(|row| row.at_ms).reduce(f64::max)?;
    let first = view.denials.iter().map(|row| row.at_ms).filter(|at| *at > 0.0).reduce(f64::min).unwrap_or(last);
    let axis = Axis::showing(first, last);
    let mut connections: Vec<Connection> = view.denials.iter().map(|row| row.connection).collect();
    connections.dedup();
    let before = |row: &DenialRow| {
        let others = view.denials.iter().take_while(|other| other.connection != row.connection);
        others.filter(|other| other.at == row.at).count()
    };
    Some(html! {
        figure.chart data-chart {
            figcaption {
                b { "How often status says not_found." }
                " Share of scans denied, by age and connection, with 95\u{a0}% limits."
            }
            svg.plot width="100%" height=(TOP + HEIGHT + 24.0) role="group"
                aria-label="Share of scans denied by age and connection; the table has the numbers" {
                "\n"
                (axis.svg(TOP, TOP + HEIGHT))
                (shares(y))
                @for row in &view.denials { (dot(&axis, row, before(row) * ASIDE)) }
            }
            p.legend {
                @for word in connections.iter().map(|connection| connection.word()) {
                    (key(&format!("s-{word}"), &format!("c-{word}"), word))
                }
                span { span.key.k-bar {} "95 % limits" @if axis.is_logarithmic() { "; ages on a logarithmic axis" } }
            }
        }
        "\n"
    })
}

fn dot(axis: &Axis, row: &DenialRow, aside: usize) -> Markup {
    let word = row.connection.word();
    html! {
        svg.free x=(axis.at(row.at_ms)) {
            line class={ "bar c-" (word) } x1=(aside) x2=(aside) y1=(short(y(row.upper))) y2=(short(y(row.lower))) {}
            use href={ "#s-" (word) } class={ "mark c-" (word) } x=(aside) y=(short(y(row.share))) {
                title {
                    (row.at) ", " (word) ": " (words::count(row.denied)) " of " (words::counted(row.scans, "scan")) " denied, "
                    (words::share(row.share)) " (95 % limits " (words::share_between(row.lower, row.upper)) ")"
                }
            }
        }
        "\n"
    }
}

/// The section: chart and table, and scenario by scenario in a fold.
pub(super) fn section(view: &View) -> Option<Section> {
    if view.scenarios.iter().all(|scenario| scenario.offsets.is_empty()) {
        return None;
    }
    let body = html! {
        @if let Some(figure) = figure(view) { (figure) }
        @if !view.denials.is_empty() { (table("Denials by age and connection", &tables::denials(view))) }
        (folded("The same, scenario by scenario", &table("Rates by scenario", &tables::rates(view))))
        p.aside { (tables::RATES_NOTE) } "\n"
    };
    Some(Section { id: "rates", title: "Denials by age and connection", body })
}
