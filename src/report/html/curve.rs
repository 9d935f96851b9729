//! The window: the share of scans visible by age, with the limits around it and what the brackets leave open.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::report::html::axis::{Axis, short};
use crate::report::html::{Column, Section, folded, table, text, twin};
use crate::report::view::{Curve, View};
use crate::report::words;

/// The chart's drawing area, in pixels.
const TOP: f64 = 10.0;
const HEIGHT: f64 = 190.0;
/// An open stretch of this share of the width (in per cent) is no more than a line.
const NARROW: f64 = 0.8;

fn y(share: f64) -> f64 {
    TOP + (1.0 - share) * HEIGHT
}

/// The curve as a figure; none where nothing was denied, since it would then show when somebody looked, and nothing else.
pub(super) fn figure(view: &View) -> Option<String> {
    let curve = view.curve.as_ref().filter(|_| view.window.instead.is_none() && view.window.scans > 0)?;
    let flapping = if view.window.flapping > 0 {
        format!(" {} flapped and have no window.", words::counted(view.window.flapping, "scan"))
    } else {
        String::new()
    };
    Some(format!(
        "<figure class=\"chart\" data-chart>\n<figcaption><b>When scans become visible.</b> Share of {}, by age.{flapping}</figcaption>\n\
         <svg class=\"plot\" width=\"100%\" height=\"{height}\" role=\"group\" aria-label=\"Share of scans visible by age; the table below has the numbers\">\n{}</svg>\n\
         <p class=\"legend\"><span><span class=\"key k-denied\"></span>denied</span> <span><span class=\"key k-visible\"></span>visible</span> \
         <span><span class=\"key k-open\"></span>left open by the polls</span> <span><span class=\"key k-band\"></span>95 % limits</span></p>\n</figure>\n",
        words::counted(view.window.scans, "scan"),
        drawing(curve, view),
        height = TOP + HEIGHT + 24.0,
    ))
}

fn drawing(curve: &Curve, view: &View) -> String {
    let axis = Axis::linear(curve.end_ms);
    let mut svg = String::new();
    for step in &curve.steps {
        let (x, width) = (axis.at(step.from_ms), axis.width(step.from_ms, step.to_ms));
        let mut area = |class: &str, from: f64, to: f64| {
            if to - from > 1e-9 {
                let _ = writeln!(
                    svg,
                    "<rect class=\"{class}\" x=\"{x}\" width=\"{width}\" y=\"{}\" height=\"{}\"/>",
                    short(y(to)),
                    short(y(from) - y(to))
                );
            }
        };
        area("a-denied", step.at_most, 1.0);
        area("a-visible", 0.0, step.certain);
        area("a-open", step.certain, step.at_most);
        area("a-band", step.lower, step.upper);
    }
    svg.push_str(&axis.svg(TOP, TOP + HEIGHT));
    for (share, label) in [(1.0, "100 %"), (0.5, "50 %"), (0.0, "0 %")] {
        let at = short(y(share));
        let _ = writeln!(
            svg,
            "<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"{at}\" y2=\"{at}\"/><text class=\"label\" x=\"-8\" y=\"{}\">{label}</text>",
            short(y(share) + 4.0)
        );
    }
    let mut before: Option<f64> = None;
    for step in &curve.steps {
        let (from, to) = (axis.at(step.from_ms), axis.at(step.to_ms));
        let mut line = |x1: &str, x2: &str, y1: f64, y2: f64| {
            let _ = writeln!(svg, "<line class=\"estimate\" x1=\"{x1}\" x2=\"{x2}\" y1=\"{}\" y2=\"{}\"/>", short(y(y1)), short(y(y2)));
        };
        if step.is_open() {
            // Narrower than a line is wide, it is drawn as the step that it looks like.
            before = if axis.distance(step.from_ms, step.to_ms) < NARROW {
                let middle = axis.at(f64::midpoint(step.from_ms, step.to_ms));
                line(&middle, &middle, before.unwrap_or(step.certain).min(step.certain), step.at_most);
                Some(step.at_most)
            } else {
                None
            };
            continue;
        }
        if let Some(before) = before.filter(|before| (before - step.certain).abs() > 1e-9) {
            line(&from, &from, before, step.certain);
        }
        line(&from, &to, step.certain, step.certain);
        before = Some(step.certain);
    }
    svg.push_str(&median(&axis, view));
    for step in &curve.steps {
        let _ = writeln!(
            svg,
            "<rect class=\"hit\" x=\"{}\" width=\"{}\" y=\"{TOP}\" height=\"{HEIGHT}\"><title>{}: {} visible (95 % limits {})</title></rect>",
            axis.at(step.from_ms),
            axis.width(step.from_ms, step.to_ms),
            words::between(step.from_ms, Some(step.to_ms)),
            words::share_between(step.certain, step.at_most),
            words::share_between(step.lower, step.upper),
        );
    }
    svg
}

/// The median, written at its place: the number that people look for.
fn median(axis: &Axis, view: &View) -> String {
    let Some((median, to_ms)) = view.window.median().filter(|median| median.is_number()).and_then(|median| Some((median, median.to_ms?)))
    else {
        return String::new();
    };
    let middle = f64::midpoint(median.from_ms, to_ms);
    let (class, offset) = if axis.is_right(middle) { ("note left", -10) } else { ("note", 10) };
    format!(
        "<circle class=\"pin\" cx=\"{x}\" cy=\"{}\" r=\"4\"/><svg class=\"free\" x=\"{x}\" y=\"{}\"><text class=\"{class}\" x=\"{offset}\" y=\"0\">half by {}</text></svg>\n",
        short(y(0.5)),
        short(y(0.5) - 8.0),
        text(&median.told),
        x = axis.at(middle),
    )
}

/// The window's section: quantiles, shares, and how the curve is established. The chart itself stands on the first screen.
pub(super) fn section(view: &View) -> Option<Section> {
    let window = &view.window;
    if window.scans + window.flapping == 0 {
        return None;
    }
    if !view.assessable {
        let body = "<p>Not measured: a never-issued id is answered as visible, too, so a visible answer proves nothing.</p>\n".to_owned();
        return Some(Section { id: "window", title: "The window", body });
    }
    let mut body = format!("<p>{} <b>{}.</b></p>\n", text(&window.basis()), text(&super::page::sentence_case(&window.safe.told)));
    if window.flapping > 0
        && let Some(figure) = figure(view)
    {
        body.push_str(&figure);
    }
    let quantiles = window.quantiles.iter().map(|row| {
        let limits = if row.told_at_all { row.limits() } else { "–".to_owned() };
        vec![text(&row.label), format!("<span data-key=\"{}\">{}</span>", text(&row.key), text(&row.told)), text(&limits)]
    });
    body.push_str(&table(
        "Quantiles of the window",
        &[Column::Words("Quantile"), Column::Words("Window"), Column::Words("95 % limits")],
        quantiles,
    ));
    if !window.visible_by.is_empty() {
        let shares = window.visible_by.iter().map(|by| {
            vec![words::age(by.t_ms), words::share_between(by.share_from, by.share_to), words::share_between(by.lower, by.upper)]
        });
        let columns = [Column::Number("Visible by"), Column::Number("Share of scans"), Column::Number("95 % limits")];
        body.push_str(&folded("Share of scans visible, at the ages that were polled", &table("Share of scans visible", &columns, shares)));
    }
    if let Some(curve) = &view.curve {
        let rows = curve.steps.iter().map(|step| {
            vec![
                words::between(step.from_ms, Some(step.to_ms)),
                words::share_between(step.certain, step.at_most),
                words::share_between(step.lower, step.upper),
            ]
        });
        let columns = [Column::Number("Age"), Column::Number("Visible"), Column::Number("95 % limits")];
        body.push_str(&twin("The curve as a table", &table("The curve", &columns, rows)));
    }
    if let Some(note) = &window.estimate {
        let unique = if note.unique { "No other curve fits them as well." } else { "Other curves fit them as well." };
        let _ = writeln!(
            body,
            "<p class=\"aside\">The curve is the maximum-likelihood estimate from brackets (method: {}). {unique} The 95 % limits do not rest on it: they hold whatever the law of the window.</p>",
            text(&note.method)
        );
    }
    Some(Section { id: "window", title: "The window", body })
}
