//! Round trips: from the median to the longest, one row for each kind of exchange.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::report::html::axis::short;
use crate::report::html::{Column, Section, key, prose, table, text};
use crate::report::view::{LatencyRow, RoundTrip, View};
use crate::report::words;

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

    fn svg(&self, bottom: f64) -> String {
        let decades = (self.to / self.from).log10().round() as i32;
        (0..=decades)
            .map(|n| {
                let ms = self.from * 10f64.powi(n);
                let class = if n == 0 { "tick first" } else if n == decades { "tick last" } else { "tick" };
                let label = if ms < 1000.0 { format!("{} ms", short(ms)) } else { format!("{} s", short(ms / 1e3)) };
                format!("<line class=\"grid\" x1=\"{x}\" x2=\"{x}\" y1=\"0\" y2=\"{bottom}\"/><text class=\"{class}\" x=\"{x}\" y=\"{}\">{label}</text>\n", bottom + 16.0, x = self.at(ms))
            })
            .collect()
    }
}

/// The section; none without a complete round trip.
pub(super) fn section(view: &View) -> Option<Section> {
    if view.latency.is_empty() {
        return None;
    }
    let mut body = String::new();
    if let Some(scale) = Scale::of(&view.latency) {
        body.push_str(&figure(&view.latency, &scale));
    }
    if let Some(told) = view.punctual() {
        let _ = writeln!(body, "<p>{}</p>", prose(&told));
    }
    let columns = [
        Column::Words("Exchange"),
        Column::Words("From"),
        Column::Number("Count"),
        Column::Number("p50"),
        Column::Number("p90"),
        Column::Number("p95"),
        Column::Number("p99"),
        Column::Number("p99.9"),
        Column::Number("Max"),
    ];
    let rows =
        view.latency.iter().flat_map(|row| [("sent", row.sent), ("planned", row.planned)].map(|(from, trip)| cells(&row.name, from, trip)));
    body.push_str(&table("Round trips in milliseconds", &columns, rows));
    body.push_str(
        "<p class=\"aside\">Round trips in milliseconds, to the last byte; from the actual sending, and from the planned one, which a late sender cannot flatter. \
         A dash: too few for that percentile (it needs 5, 29, 59, 299 and 2,995 round trips).</p>\n",
    );
    Some(Section { id: "latency", title: "Latency", body })
}

fn cells(name: &str, from: &str, trip: RoundTrip) -> Vec<String> {
    let ms = |value: f64| format!("{value:.2}");
    let told = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), ms);
    vec![
        text(name),
        from.to_owned(),
        words::count(trip.count),
        told(trip.p50),
        told(trip.p90),
        told(trip.p95),
        told(trip.p99),
        told(trip.p999),
        ms(trip.max),
    ]
}

fn figure(rows: &[LatencyRow], scale: &Scale) -> String {
    let mut out = String::from(
        "<figure class=\"chart latency\" data-chart>\n<figcaption><b>Round trips, from the median to the longest.</b> Logarithmic axis.</figcaption>\n",
    );
    for row in rows {
        let trip = &row.sent;
        let percentiles =
            [("p50", trip.p50), ("p90", trip.p90), ("p95", trip.p95), ("p99", trip.p99), ("p99.9", trip.p999), ("longest", Some(trip.max))];
        let mut svg = format!("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{m}\" y2=\"{m}\"/>", m = ROW / 2.0);
        let _ = write!(
            svg,
            "<line class=\"range\" x1=\"{}\" x2=\"{}\" y1=\"{m}\" y2=\"{m}\"/>",
            scale.at(trip.p50.unwrap_or(trip.max)),
            scale.at(trip.max),
            m = ROW / 2.0
        );
        for (name, ms) in percentiles {
            let Some(ms) = ms else { continue };
            let shape = match name {
                "p50" => "visible",
                "longest" => "disclosed",
                _ => "known",
            };
            let _ = writeln!(
                svg,
                "<use href=\"#s-{shape}\" class=\"mark l-{shape}\" x=\"{}\" y=\"{}\"><title>{} {name}: {} ({})</title></use>",
                scale.at(ms),
                ROW / 2.0,
                text(&row.name),
                words::age(ms),
                words::counted(trip.count, "round trip"),
            );
        }
        let _ = write!(
            out,
            "<div class=\"lane\"><p><b>{name}</b> {}</p><svg class=\"plot\" width=\"100%\" height=\"{ROW}\" role=\"group\" aria-label=\"{name}\">\n{svg}</svg></div>\n",
            trip.p50.map_or_else(|| "too few for a median".to_owned(), words::age),
            name = text(&row.name),
        );
    }
    let key = |shape: &str, label: &str| key(&format!("s-{shape}"), &format!("l-{shape}"), label);
    let _ = write!(
        out,
        "<svg class=\"lane-axis\" width=\"100%\" height=\"22\" aria-hidden=\"true\">{}</svg>\n<p class=\"legend\">{} {} {}</p>\n</figure>\n",
        scale.svg(4.0),
        key("visible", "median"),
        key("known", "p90, p95, p99, p99.9"),
        key("disclosed", "longest"),
    );
    out
}
