//! The window: the share of scans visible by age, with the limits around it and what the brackets leave open.

use maud::{Markup, html};

use crate::report::html::axis::{Axis, shares, short};
use crate::report::html::{Section, folded, table, twin};
use crate::report::view::{Curve, View};
use crate::report::{tables, words};

/// The chart's drawing area, in pixels.
const TOP: f64 = 10.0;
const HEIGHT: f64 = 190.0;
/// An open stretch of this share of the width (in per cent) is no more than a line.
const NARROW: f64 = 0.8;

fn y(share: f64) -> f64 {
    TOP + (1.0 - share) * HEIGHT
}

/// The curve as a figure; none where nothing was denied, since it would then show when somebody looked, and nothing else.
pub(super) fn figure(view: &View) -> Option<Markup> {
    let curve = view.curve.as_ref().filter(|_| view.window.instead.is_none() && view.window.scans > 0)?;
    Some(html! {
        figure.chart data-chart {
            figcaption {
                b { "When scans become visible." }
                " Share of " (words::counted(view.window.scans, "scan")) ", by age."
                @if view.window.flapping > 0 { " " (words::counted(view.window.flapping, "scan")) " flapped and have no window." }
            }
            svg.plot width="100%" height=(TOP + HEIGHT + 24.0) role="group"
                aria-label="Share of scans visible by age; the table below has the numbers" {
                "\n" (drawing(curve, view))
            }
            p.legend {
                @for (class, label) in
                    [("k-denied", "denied"), ("k-visible", "visible"), ("k-open", "left open by the polls"), ("k-band", "95 % limits")] {
                    span { span class={ "key " (class) } {} (label) } " "
                }
            }
        }
        "\n"
    })
}

fn drawing(curve: &Curve, view: &View) -> Markup {
    let axis = Axis::linear(curve.end_ms);
    html! {
        @for step in &curve.steps {
            @let areas = [
                ("a-denied", step.at_most, 1.0),
                ("a-visible", 0.0, step.certain),
                ("a-open", step.certain, step.at_most),
                ("a-band", step.lower, step.upper),
            ];
            @for (class, from, to) in areas.into_iter().filter(|(_, from, to)| to - from > 1e-9) {
                rect class=(class) x=(axis.at(step.from_ms)) width=(axis.width(step.from_ms, step.to_ms))
                    y=(short(y(to))) height=(short(y(from) - y(to))) {}
                "\n"
            }
        }
        (axis.svg(TOP, TOP + HEIGHT))
        (shares(y))
        @for line in estimate(curve, &axis) {
            line.estimate x1=(line.x1) x2=(line.x2) y1=(short(y(line.from))) y2=(short(y(line.to))) {}
            "\n"
        }
        (median(&axis, view))
        @for step in &curve.steps {
            rect.hit x=(axis.at(step.from_ms)) width=(axis.width(step.from_ms, step.to_ms)) y=(TOP) height=(HEIGHT) {
                title {
                    (words::between(step.from_ms, Some(step.to_ms))) ": " (words::share_between(step.certain, step.at_most))
                    " visible (95 % limits " (words::share_between(step.lower, step.upper)) ")"
                }
            }
            "\n"
        }
    }
}

/// A piece of the estimate, from one share to another.
struct Line {
    x1: String,
    x2: String,
    from: f64,
    to: f64,
}

/// The estimate as lines: level where the brackets tell, with steps between them.
fn estimate(curve: &Curve, axis: &Axis) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut before: Option<f64> = None;
    for step in &curve.steps {
        let (x1, x2) = (axis.at(step.from_ms), axis.at(step.to_ms));
        if step.is_open() {
            // Narrower than a line is wide, it is drawn as the step that it looks like.
            before = (axis.distance(step.from_ms, step.to_ms) < NARROW).then(|| {
                let middle = axis.at(f64::midpoint(step.from_ms, step.to_ms));
                let from = before.unwrap_or(step.certain).min(step.certain);
                lines.push(Line { x1: middle.clone(), x2: middle, from, to: step.at_most });
                step.at_most
            });
            continue;
        }
        if let Some(before) = before.filter(|before| (before - step.certain).abs() > 1e-9) {
            lines.push(Line { x1: x1.clone(), x2: x1.clone(), from: before, to: step.certain });
        }
        lines.push(Line { x1, x2, from: step.certain, to: step.certain });
        before = Some(step.certain);
    }
    lines
}

/// The median, written at its place: the number that people look for.
fn median(axis: &Axis, view: &View) -> Markup {
    let Some((median, to_ms)) = view.window.median().filter(|median| median.is_number()).and_then(|median| Some((median, median.to_ms?)))
    else {
        return Markup::default();
    };
    let middle = f64::midpoint(median.from_ms, to_ms);
    let x = axis.at(middle);
    let (class, offset) = if axis.is_right(middle) { ("note left", -10) } else { ("note", 10) };
    html! {
        circle.pin cx=(x) cy=(short(y(0.5))) r="4" {}
        svg.free x=(x) y=(short(y(0.5) - 8.0)) { text class=(class) x=(offset) y="0" { "half by " (median.told) } }
        "\n"
    }
}

/// The window's section: quantiles, shares, and how the curve is established. The chart itself stands on the first screen.
pub(super) fn section(view: &View) -> Option<Section> {
    let window = &view.window;
    if window.scans + window.flapping == 0 {
        return None;
    }
    let body = if view.assessable {
        assessed(view)
    } else {
        html! { p { "Not measured: a never-issued id is answered as visible, too, so a visible answer proves nothing." } "\n" }
    };
    Some(Section { id: "window", title: "The window", body })
}

fn assessed(view: &View) -> Markup {
    let window = &view.window;
    html! {
        p { (window.basis()) " " b { (words::sentence_case(&window.safe.told)) "." } } "\n"
        @if let Some(figure) = figure(view).filter(|_| window.flapping > 0) { (figure) }
        (table("Quantiles of the window", &tables::quantiles(window)))
        @if !window.visible_by.is_empty() {
            @let shares = table("Share of scans visible", &tables::visible_by(window));
            (folded("Share of scans visible, at the ages that were polled", &shares))
        }
        @if let Some(curve) = &view.curve { (twin("The curve as a table", &table("The curve", &tables::curve(curve)))) }
        @if let Some(note) = &window.estimate {
            p.aside {
                "The curve is the maximum-likelihood estimate from brackets (method: " (note.method) "). "
                @if note.unique { "No other curve fits" } @else { "Other curves fit" }
                " them as well. The 95 % limits do not rest on it: they hold whatever the law of the window."
            }
            "\n"
        }
    }
}
