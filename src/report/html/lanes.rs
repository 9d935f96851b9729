//! Scans side by side on one age axis for each scenario: who was asked, what was answered, where the worker changed.

use std::fmt::Write as _;

use crate::report::html::axis::Axis;
use crate::report::html::{Column, Section, folded, table, text};
use crate::report::view::{self, Lane, LaneMark, Sign, View};
use crate::report::words;

const ROW: f64 = 34.0;
const MIDDLE: f64 = 12.0;
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

/// The lanes of one scenario as a figure; `most` of them.
fn group(lanes: &[&Lane], caption: &str) -> String {
    let (end, denied) = view::reach(lanes.iter().copied());
    let axis = Axis::showing(denied.unwrap_or(end), end);
    let rows: String = lanes.iter().map(|lane| row(lane, &axis)).collect();
    let logarithmic = if axis.is_logarithmic() { " <span class=\"aside\">(ages on a logarithmic axis)</span>" } else { "" };
    format!(
        "<figure class=\"chart lanes\" data-chart>\n<figcaption>{caption}{logarithmic}</figcaption>\n{rows}\
         <svg class=\"lane-axis\" width=\"100%\" height=\"22\" aria-hidden=\"true\">{}</svg>\n</figure>\n",
        axis.svg(0.0, 4.0)
    )
}

fn row(lane: &Lane, axis: &Axis) -> String {
    let mut svg = axis.grid(0.0, ROW);
    if let Some((after, until)) = lane.bracket_ms {
        let to = until.map_or_else(|| "100%".to_owned(), |until| axis.at(until));
        let _ = write!(svg, "<line class=\"rail denied\" x1=\"0\" x2=\"{}\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\"/>", axis.at(after));
        if let Some(until) = until {
            let _ = write!(
                svg,
                "<rect class=\"a-open\" x=\"{}\" width=\"{}\" y=\"{}\" height=\"12\"><title>became visible somewhere in {}</title></rect>\
                 <line class=\"rail visible\" x1=\"{to}\" x2=\"100%\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\"/>",
                axis.at(after),
                axis.width(after, until),
                MIDDLE - 6.0,
                words::between(after, Some(until)),
            );
        }
    } else {
        let _ = write!(svg, "<line class=\"rail\" x1=\"0\" x2=\"100%\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\"/>");
    }
    svg.push('\n');
    let mut labelled: Option<f64> = None;
    for mark in &lane.marks {
        let (x, word) = (axis.at(mark.at_ms), word(mark.sign));
        let asked_status = matches!(mark.sign, Sign::Denied | Sign::Visible);
        if mark.worker_changed {
            let _ = write!(svg, "<line class=\"changed\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\"/>", MIDDLE - 9.0, MIDDLE + 9.0);
        }
        let room = labelled.is_none_or(|last| axis.distance(last, mark.at_ms) > APART);
        if let Some(worker) = mark.worker.as_ref().filter(|_| asked_status && room && (mark.worker_changed || labelled.is_none())) {
            labelled = Some(mark.at_ms);
            let _ = write!(svg, "<text class=\"worker\" x=\"{x}\" y=\"{}\">{}</text>", MIDDLE + 18.0, text(worker));
        }
        let _ = writeln!(svg, "<use href=\"#s-{word}\" class=\"mark m-{word}\" x=\"{x}\" y=\"{MIDDLE}\"><title>{}</title></use>", text(&told(mark)));
    }
    let left_out = if lane.left_out > 0 { format!("; {} more exchanges not drawn", words::count(lane.left_out)) } else { String::new() };
    format!(
        "<div class=\"lane\"><p><b>scan {}</b> {}{left_out}</p>\n<svg class=\"plot\" width=\"100%\" height=\"{ROW}\" role=\"group\" aria-label=\"Scan {}: {}\">\n{svg}</svg></div>\n",
        lane.scan,
        text(&lane.outcome),
        lane.scan,
        text(&lane.outcome),
    )
}

fn told(mark: &LaneMark) -> String {
    let worker = mark.worker.as_ref().map_or_else(String::new, |worker| format!(", worker {worker}"));
    let changed = if mark.worker_changed { " (another than before)" } else { "" };
    format!("{}: {} ({}) answered {}{worker}{changed}", words::age(mark.at_ms), mark.asked, mark.connection.word(), mark.told)
}

fn key(lanes: &[&Lane]) -> String {
    let all = [
        Sign::Denied,
        Sign::Visible,
        Sign::Neither,
        Sign::Known,
        Sign::Unknown,
        Sign::Disclosed,
        Sign::Withheld,
        Sign::Written,
    ];
    let used = |sign: &Sign| lanes.iter().flat_map(|lane| &lane.marks).any(|mark| mark.sign == *sign);
    let marks: String = all
        .into_iter()
        .filter(used)
        .map(|sign| {
            format!(
                "<svg class=\"mark-key\" width=\"14\" height=\"14\" aria-hidden=\"true\"><use href=\"#s-{word}\" class=\"m-{word}\" x=\"7\" y=\"7\"/></svg>{} ",
                meaning(sign),
                word = word(sign)
            )
        })
        .collect();
    let changed = lanes.iter().flat_map(|lane| &lane.marks).any(|mark| mark.worker_changed);
    let changed = if changed { "<span class=\"key k-changed\"></span>another worker answered " } else { "" };
    let open = lanes.iter().any(|lane| lane.bracket_ms.is_some());
    let open = if open { "<span class=\"key k-open\"></span>became visible somewhere in here" } else { "" };
    format!("<p class=\"legend\">{marks}{changed}{open}</p>\n")
}

/// The clearest flapping scans, for the first screen; none if nothing flapped.
pub(super) fn flapping(view: &View) -> Option<String> {
    let mut lanes: Vec<&Lane> = view.lanes.iter().filter(|lane| lane.denied && lane.bracket_ms.is_none()).collect();
    let first = lanes.first()?.scenario.clone();
    lanes.retain(|lane| lane.scenario == first);
    lanes.truncate(3);
    let caption = "<b>Seen, then denied again.</b> Each row is one scan, each mark one status poll, by age.";
    Some(format!("{}{}", group(&lanes, caption), key(&lanes)))
}

/// The section: all chosen lanes, scenario by scenario, and each as a table.
pub(super) fn section(view: &View) -> Option<Section> {
    if view.lanes.is_empty() {
        return None;
    }
    let all: Vec<&Lane> = view.lanes.iter().collect();
    let mut body = format!(
        "<p>The clearest scans of each scenario. Each row is one scan, each mark one request, placed at its age: the time since the last byte of the answer that handed out the id.</p>\n{}<div id=\"lanes-by-scenario\">\n",
        key(&all)
    );
    for lanes in all.chunk_by(|a, b| a.scenario == b.scenario) {
        let name = text(&lanes[0].scenario);
        let figure = group(lanes, &format!("<h3>{name}</h3>"));
        let rows = lanes.iter().flat_map(|lane| {
            lane.marks.iter().map(|mark| {
                vec![
                    words::count(lane.scan),
                    words::age(mark.at_ms),
                    text(&mark.asked),
                    mark.connection.word().to_owned(),
                    mark.worker.as_deref().map_or_else(|| "–".to_owned(), text),
                    text(&mark.told),
                ]
            })
        });
        let columns = [
            Column::Number("Scan"),
            Column::Number("Age"),
            Column::Words("Asked"),
            Column::Words("Connection"),
            Column::Words("Worker"),
            Column::Words("Answer"),
        ];
        let table = folded("As a table", &table(&format!("Scans of {name}"), &columns, rows));
        let _ = write!(body, "<div class=\"scenario\" data-scenario=\"{name}\">\n{figure}{table}</div>\n");
    }
    body.push_str("</div>\n");
    Some(Section { id: "lanes", title: "Scans, one by one", body })
}
