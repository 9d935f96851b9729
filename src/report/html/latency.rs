//! Round trips: from the median to the longest, one row for each kind of exchange.

use maud::{Markup, html};

use crate::report::html::axis::short;
use crate::report::html::{Section, key, prose, table};
use crate::report::view::{LatencyRow, View};
use crate::report::{tables, words};

const ROW: f64 = 26.0;

/// A logarithmic axis in milliseconds: round trips differ by orders of magnitude.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn of(rows: &[LatencyRow]) -> Option<Scale> {
        let least = rows.iter().map(|row| row.sent.p50.unwrap_or(row.sent.max)).filter(|ms| *ms > 0.0).reduce(f64::min)?;
        let most = rows.iter().map(|row| row.sent.max).reduce(f64::max)?;
        let from = 10f64.powf(least.log10().floor());
        let to = 10f64.powf(most.log10().ceil()).max(from * 10.0);
        Some(Scale { from, to })
    }

    fn at(&self, ms: f64) -> String {
        let place = (ms.max(self.from) / self.from).log10() / (self.to / self.from).log10();
        format!("{}%", short(place.clamp(0.0, 1.0) * 100.0))
    }

    fn svg(&self, bottom: f64) -> Markup {
        let decades = (self.to / self.from).log10().round() as i32;
        html! {
            @for n in 0..=decades {
                @let ms = self.from * 10f64.powi(n);
                @let x = self.at(ms);
                @let class = if n == 0 { "tick first" } else if n == decades { "tick last" } else { "tick" };
                line.grid x1=(x) x2=(x) y1="0" y2=(bottom) {}
                text class=(class) x=(x) y=(bottom + 16.0) {
                    @if ms < 1000.0 { (short(ms)) " ms" } @else { (short(ms / 1e3)) " s" }
                }
                "\n"
            }
        }
    }
}

/// The section; none without a complete round trip.
pub(super) fn section(view: &View) -> Option<Section> {
    if view.latency.is_empty() {
        return None;
    }
    let body = html! {
        @if let Some(scale) = Scale::of(&view.latency) { (figure(&view.latency, &scale)) }
        @if let Some(told) = view.punctual() { p { (prose(&told)) } "\n" }
        (table("Round trips in milliseconds", &tables::latency(view)))
        p.aside {
            "Round trips in milliseconds, to the last byte; from the actual sending, and from the planned one, which a late sender cannot flatter. \
             A dash: too few for that percentile (it needs 5, 29, 59, 299 and 2,995 round trips)."
        }
        "\n"
    };
    Some(Section { id: "latency", title: "Latency", body })
}

fn figure(rows: &[LatencyRow], scale: &Scale) -> Markup {
    let key = |shape: &str, label: &str| key(&format!("s-{shape}"), &format!("l-{shape}"), label);
    html! {
        figure.chart.latency data-chart {
            figcaption { b { "Round trips, from the median to the longest." } " Logarithmic axis." } "\n"
            @for row in rows { (lane(row, scale)) }
            svg.lane-axis width="100%" height="22" aria-hidden="true" { (scale.svg(4.0)) }
            p.legend { (key("visible", "median")) (key("known", "p90, p95, p99, p99.9")) (key("disclosed", "longest")) }
        }
        "\n"
    }
}

fn lane(row: &LatencyRow, scale: &Scale) -> Markup {
    const MIDDLE: f64 = ROW / 2.0;
    let trip = &row.sent;
    let marks = [
        ("p50", "visible", trip.p50),
        ("p90", "known", trip.p90),
        ("p95", "known", trip.p95),
        ("p99", "known", trip.p99),
        ("p99.9", "known", trip.p999),
        ("longest", "disclosed", Some(trip.max)),
    ];
    html! {
        div.lane {
            p { b { (row.name) } " " @if let Some(p50) = trip.p50 { (words::age(p50)) } @else { "too few for a median" } }
            svg.plot width="100%" height=(ROW) role="group" aria-label=(row.name) {
                line.grid x1="0" x2="100%" y1=(MIDDLE) y2=(MIDDLE) {}
                line.range x1=(scale.at(trip.p50.unwrap_or(trip.max))) x2=(scale.at(trip.max)) y1=(MIDDLE) y2=(MIDDLE) {}
                "\n"
                @for (name, shape, ms) in marks {
                    @if let Some(ms) = ms {
                        use href={ "#s-" (shape) } class={ "mark l-" (shape) } x=(scale.at(ms)) y=(MIDDLE) {
                            title { (row.name) " " (name) ": " (words::age(ms)) " (" (words::counted(trip.count, "round trip")) ")" }
                        }
                        "\n"
                    }
                }
            }
        }
        "\n"
    }
}
