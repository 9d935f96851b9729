//! What the target says of itself: the clearest scan with its requests and its spans on one axis, and the spans that explain most scans.

use maud::{Markup, html};

use crate::report::html::axis::Axis;
use crate::report::html::{Section, key, list, prose, table};
use crate::report::view::{InsideView, Mark, Picture, View};
use crate::report::{tables, words};

/// The height of a row of spans, and of the requests above them, in pixels.
const ROW: f64 = 20.0;
const REQUESTS: f64 = 34.0;

/// The section; none where nobody listened for spans.
pub(super) fn section(view: &View) -> Option<Section> {
    let inside = view.inside.as_ref()?;
    let body = html! {
        p { b { (prose(&words::sentence_case(&inside.statement))) "." } }
        @if let Some(basis) = &inside.basis { p { (prose(basis)) "." } }
        @if let Some(picture) = &inside.picture { (figure(picture)) }
        @if !inside.spans.is_empty() { (table("Spans that begin or end when scans become visible", &tables::inside(inside))) }
        (causes(inside))
        @if let Some(lost) = &inside.lost { p.aside { (lost) "." } "\n" }
    };
    Some(Section { id: "inside", title: "Inside the service", body })
}

fn causes(inside: &InsideView) -> Markup {
    let sentences: Vec<String> = inside.evidence.iter().map(|one| words::sentence_case(&one.sentence) + ".").collect();
    html! {
        (list(&sentences))
        @for contradiction in &inside.contradictions { p { (prose(&words::sentence_case(contradiction))) "." } "\n" }
    }
}

fn figure(picture: &Picture) -> Markup {
    let (after, until) = picture.bracket_ms;
    let axis = Axis::showing(until, until * 1.25);
    let height = REQUESTS + ROW * picture.spans.len() as f64;
    html! {
        figure.chart data-chart {
            figcaption {
                b { "Scan " (picture.scan) ", from outside and from inside." }
                " Marks are requests, bars are spans, both at their age: the time since the answer with the id. Somewhere in the shaded stretch the scan \
                 became visible."
            }
            svg.plot width="100%" height=(height + 24.0) role="group" aria-label={ "Requests and spans of scan " (picture.scan) } {
                "\n"
                (axis.svg(0.0, height))
                rect.a-open x=(axis.at(after)) width=(axis.width(after, until)) y="0" height=(height) {
                    title { "became visible somewhere in " (words::between(after, Some(until))) }
                }
                @for exchange in &picture.exchanges {
                    @let (shape, class) = shape(exchange.mark);
                    use href={ "#" (shape) } class={ "mark " (class) } x=(axis.at(exchange.sent_ms)) y="12" {
                        title {
                            (words::age(exchange.sent_ms)) ": " (exchange.asked) " answered " (exchange.answered) " after "
                            (words::age((exchange.done_ms - exchange.sent_ms).max(0.0)))
                        }
                    }
                    "\n"
                }
                @for (row, span) in picture.spans.iter().enumerate() {
                    @let y = REQUESTS + ROW * row as f64;
                    @let class = if span.is_named { "span named" } else { "span" };
                    @let is_right = axis.is_right(span.start_ms);
                    rect class=(class) x=(axis.at(span.start_ms)) width=(axis.width(span.start_ms, span.end_ms)) y=(y) height="9" {
                        title {
                            (span.label.quoted().replace('`', "")) ", from " (words::age(span.start_ms.max(0.0))) " for "
                            (words::age((span.end_ms - span.start_ms).max(0.0)))
                        }
                    }
                    // A span of no length is still one.
                    line class=(class) x1=(axis.at(span.start_ms)) x2=(axis.at(span.start_ms)) y1=(y) y2=(y + 9.0) {}
                    text class=(if is_right { "span-name right" } else { "span-name" }) x=(axis.at(span.start_ms)) y=(y + 18.0) {
                        (span.label.name) @if span.is_named { " ◂ makes it visible" }
                    }
                    "\n"
                }
            }
            p.legend {
                (key("s-denied", "m-denied", "not_found"))
                (key("s-visible", "m-visible", "visible, or accepted"))
                span { span.key.k-open {} "became visible somewhere in here" }
                @if picture.left_out > 0 { " " span { (words::count(picture.left_out)) " more requests and spans not drawn" } }
            }
        }
        "\n"
    }
}

fn shape(mark: Mark) -> (&'static str, &'static str) {
    match mark {
        Mark::Fails => ("s-denied", "m-denied"),
        Mark::Works => ("s-visible", "m-visible"),
        Mark::Neutral => ("s-neither", "m-neither"),
    }
}
