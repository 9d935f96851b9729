//! Scans side by side on one age axis for each scenario: who was asked, what was answered, where the worker changed.

use maud::{Markup, html};

use crate::report::html::axis::Axis;
use crate::report::html::{Section, table, twin};
use crate::report::table::{Cell, Column, Table};
use crate::report::view::{self, Lane, LaneMark, Sign, View};
use crate::report::words;

/// A lane's height in pixels, and where its status polls stand; other requests stand above them, further pollers below.
const ROW: f64 = 40.0;
const MIDDLE: f64 = 18.0;
const ABOVE: f64 = 8.0;
const BELOW: f64 = 9.0;
/// Workers' names are written where they have so much room, in per cent of the width.
const APART: f64 = 7.0;

fn word(sign: Sign) -> &'static str {
    match sign {
        Sign::Denied => "denied",
        Sign::Visible => "visible",
        Sign::Neither => "neither",
        Sign::Known => "known",
        Sign::Unknown => "unknown",
        Sign::Disclosed => "disclosed",
        Sign::Withheld => "withheld",
        Sign::Written => "written",
    }
}

/// What a mark means, for the key.
fn meaning(sign: Sign) -> &'static str {
    match sign {
        Sign::Denied => "not_found",
        Sign::Visible => "visible",
        Sign::Neither => "neither",
        Sign::Known => "witness or results know it",
        Sign::Unknown => "witness or results do not",
        Sign::Disclosed => "shown to a foreign user",
        Sign::Withheld => "not shown to a foreign user",
        Sign::Written => "second write",
    }
}

/// The lanes of one scenario as a figure.
fn group(lanes: &[&Lane], caption: &Markup) -> Markup {
    let (end, denied) = view::reach(lanes.iter().copied());
    let axis = Axis::showing(denied.unwrap_or(end), end);
    html! {
        figure.chart.lanes data-chart {
            figcaption { (caption) @if axis.is_logarithmic() { " " span.aside { "(ages on a logarithmic axis)" } } } "\n"
            @for lane in lanes { (row(lane, &axis)) }
            svg.lane-axis width="100%" height="22" aria-hidden="true" { (axis.svg(0.0, 4.0)) }
        }
        "\n"
    }
}

fn row(lane: &Lane, axis: &Axis) -> Markup {
    let pollers = pollers(lane);
    let height = ROW + f64::from(pollers - 1) * BELOW;
    html! {
        div.lane {
            p {
                b { "scan " (lane.scan) } " " (lane.outcome)
                @if pollers > 1 { "; " (pollers) " pollers, one below the other" }
                @if lane.left_out > 0 { "; " (words::count(lane.left_out)) " more exchanges not drawn" }
            }
            svg.plot width="100%" height=(height) role="group" aria-label={ "Scan " (lane.scan) ": " (lane.outcome) } {
                (axis.grid(0.0, height))
                (rail(lane, axis))
                "\n"
                (marks(lane, axis, pollers))
            }
        }
        "\n"
    }
}

/// The line on which the marks stand: denied, open, visible.
fn rail(lane: &Lane, axis: &Axis) -> Markup {
    let Some((after, until)) = lane.bracket_ms else {
        return html! { line.rail x1="0" x2="100%" y1=(MIDDLE) y2=(MIDDLE) {} };
    };
    html! {
        line.rail.denied x1="0" x2=(axis.at(after)) y1=(MIDDLE) y2=(MIDDLE) {}
        @if let Some(until) = until {
            rect.a-open x=(axis.at(after)) width=(axis.width(after, until)) y=(MIDDLE - 6.0) height="12" {
                title { "became visible somewhere in " (words::between(after, Some(until))) }
            }
            line.rail.visible x1=(axis.at(until)) x2="100%" y1=(MIDDLE) y2=(MIDDLE) {}
        }
    }
}

fn marks(lane: &Lane, axis: &Axis, pollers: u32) -> Markup {
    let mut labelled: Option<f64> = None;
    // Whether a mark's worker is written below it, which depends on the one written before.
    let mut names_worker = |mark: &LaneMark| {
        let has_room = pollers == 1 && labelled.is_none_or(|last| axis.distance(last, mark.at_ms) > APART);
        let names = mark.worker.is_some() && asks_status(mark) && has_room && (mark.worker_changed || labelled.is_none());
        if names {
            labelled = Some(mark.at_ms);
        }
        names
    };
    html! {
        @for mark in &lane.marks {
            @let (x, word) = (axis.at(mark.at_ms), word(mark.sign));
            @let y = if asks_status(mark) { MIDDLE + f64::from(mark.poller.min(31)) * BELOW } else { ABOVE };
            @if mark.worker_changed && pollers == 1 { line.changed x1=(x) x2=(x) y1=(y - 8.0) y2=(y + 8.0) {} }
            @if names_worker(mark) { text.worker x=(x) y=(y + 19.0) { (mark.worker.as_deref().unwrap_or_default()) } }
            use href={ "#s-" (word) } class={ "mark m-" (word) } x=(x) y=(y) { title { (told(mark)) } }
            "\n"
        }
    }
}

fn asks_status(mark: &LaneMark) -> bool {
    matches!(mark.sign, Sign::Denied | Sign::Visible | Sign::Neither)
}

/// Pollers that asked at the same time; a log may claim any number, and a screen has room for some.
fn pollers(lane: &Lane) -> u32 {
    lane.marks.iter().map(|mark| mark.poller).max().unwrap_or_default().min(31) + 1
}

fn told(mark: &LaneMark) -> String {
    let worker = mark.worker.as_ref().map_or_else(String::new, |worker| format!(", worker {worker}"));
    let changed = if mark.worker_changed { " (another than before)" } else { "" };
    format!("{}: {} ({}) answered {}{worker}{changed}", words::age(mark.at_ms), mark.asked, mark.connection.word(), mark.told)
}

fn key(lanes: &[&Lane]) -> Markup {
    let all = [Sign::Denied, Sign::Visible, Sign::Neither, Sign::Known, Sign::Unknown, Sign::Disclosed, Sign::Withheld, Sign::Written];
    let marks = || lanes.iter().flat_map(|lane| &lane.marks);
    html! {
        p.legend {
            @for sign in all.into_iter().filter(|sign| marks().any(|mark| mark.sign == *sign)) {
                (super::key(&format!("s-{}", word(sign)), &format!("m-{}", word(sign)), meaning(sign)))
            }
            @if marks().any(|mark| mark.worker_changed) { span { span.key.k-changed {} "another worker answered" } " " }
            @if lanes.iter().any(|lane| lane.bracket_ms.is_some()) { span { span.key.k-open {} "became visible somewhere in here" } }
        }
        "\n"
    }
}

/// The clearest flapping scans, for the first screen; none if nothing flapped.
pub(super) fn flapping(view: &View) -> Option<Markup> {
    let flapped = |lane: &&Lane| lane.denied && lane.bracket_ms.is_none();
    // One poller is easier to follow than many at once.
    let best = view.lanes.iter().filter(flapped).min_by_key(|lane| (pollers(lane), std::cmp::Reverse(lane.marks.len())))?;
    let lanes: Vec<&Lane> = view.lanes.iter().filter(flapped).filter(|lane| lane.scenario == best.scenario).collect();
    let caption = html! { b { "Seen, then denied again." } " Each row is one scan, each mark one status poll, by age." };
    Some(html! { (group(&lanes, &caption)) (key(&lanes)) })
}

/// The section: all chosen lanes, scenario by scenario, and each as a table.
pub(super) fn section(view: &View) -> Option<Section> {
    if view.lanes.is_empty() {
        return None;
    }
    let all: Vec<&Lane> = view.lanes.iter().collect();
    let body = html! {
        p {
            "The clearest scans of each scenario. Each row is one scan, each mark one request, placed at its age: the time since the last byte of \
             the answer that handed out the id."
        }
        (key(&all))
        div id="lanes-by-scenario" {
            "\n"
            @for lanes in all.chunk_by(|a, b| a.scenario == b.scenario) {
                @let name = &lanes[0].scenario;
                div.scenario data-scenario=(name) {
                    (group(lanes, &html! { h3 { (name) } }))
                    (twin("As a table", &table(&format!("Scans of {name}"), &rows(lanes))))
                }
                "\n"
            }
        }
    };
    Some(Section { id: "lanes", title: "Scans, one by one", body })
}

fn rows(lanes: &[&Lane]) -> Table {
    let columns = [
        Column::number("Scan"),
        Column::number("Age"),
        Column::text("Asked"),
        Column::text("Connection"),
        Column::text("Worker"),
        Column::text("Answer"),
    ];
    let marks = lanes.iter().flat_map(|lane| lane.marks.iter().map(move |mark| (lane, mark)));
    let rows = marks.map(|(lane, mark)| {
        [
            words::count(lane.scan).into(),
            words::age(mark.at_ms).into(),
            mark.asked.as_str().into(),
            mark.connection.word().into(),
            mark.worker.as_deref().map_or(Cell::Missing("–"), Cell::from),
            mark.told.as_str().into(),
        ]
    });
    Table::new(columns, rows)
}
