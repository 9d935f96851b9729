//! Scans side by side on one age axis for each scenario: who was asked, what was answered, where the worker changed.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::report::html::axis::Axis;
use crate::report::html::{Column, Section, table, text, twin};
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
    let pollers = pollers(lane);
    let height = ROW + f64::from(pollers - 1) * BELOW;
    let mut svg = axis.grid(0.0, height);
    if let Some((after, until)) = lane.bracket_ms {
        let _ = write!(svg, "<line class=\"rail denied\" x1=\"0\" x2=\"{}\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\"/>", axis.at(after));
        if let Some(until) = until {
            let _ = write!(
                svg,
                "<rect class=\"a-open\" x=\"{}\" width=\"{}\" y=\"{}\" height=\"12\"><title>became visible somewhere in {}</title></rect>\
                 <line class=\"rail visible\" x1=\"{}\" x2=\"100%\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\"/>",
                axis.at(after),
                axis.width(after, until),
                MIDDLE - 6.0,
                words::between(after, Some(until)),
                axis.at(until),
            );
        }
    } else {
        let _ = write!(svg, "<line class=\"rail\" x1=\"0\" x2=\"100%\" y1=\"{MIDDLE}\" y2=\"{MIDDLE}\"/>");
    }
    svg.push('\n');
    let mut labelled: Option<f64> = None;
    for mark in &lane.marks {
        let (x, word) = (axis.at(mark.at_ms), word(mark.sign));
        let asks_status = matches!(mark.sign, Sign::Denied | Sign::Visible | Sign::Neither);
        let y = if asks_status { MIDDLE + f64::from(mark.poller.min(31)) * BELOW } else { ABOVE };
        if mark.worker_changed && pollers == 1 {
            let _ = write!(svg, "<line class=\"changed\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\"/>", y - 8.0, y + 8.0);
        }
        let room = pollers == 1 && labelled.is_none_or(|last| axis.distance(last, mark.at_ms) > APART);
        if let Some(worker) = mark.worker.as_ref().filter(|_| asks_status && room && (mark.worker_changed || labelled.is_none())) {
            labelled = Some(mark.at_ms);
            let _ = write!(svg, "<text class=\"worker\" x=\"{x}\" y=\"{}\">{}</text>", y + 19.0, text(worker));
        }
        let _ =
            writeln!(svg, "<use href=\"#s-{word}\" class=\"mark m-{word}\" x=\"{x}\" y=\"{y}\"><title>{}</title></use>", text(&told(mark)));
    }
    let among = if pollers > 1 { format!("; {pollers} pollers, one below the other") } else { String::new() };
    let left_out = if lane.left_out > 0 { format!("; {} more exchanges not drawn", words::count(lane.left_out)) } else { String::new() };
    format!(
        "<div class=\"lane\"><p><b>scan {}</b> {}{among}{left_out}</p>\n<svg class=\"plot\" width=\"100%\" height=\"{height}\" role=\"group\" aria-label=\"Scan {}: {}\">\n{svg}</svg></div>\n",
        lane.scan,
        text(&lane.outcome),
        lane.scan,
        text(&lane.outcome),
    )
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

fn key(lanes: &[&Lane]) -> String {
    let all = [Sign::Denied, Sign::Visible, Sign::Neither, Sign::Known, Sign::Unknown, Sign::Disclosed, Sign::Withheld, Sign::Written];
    let used = |sign: &Sign| lanes.iter().flat_map(|lane| &lane.marks).any(|mark| mark.sign == *sign);
    let marks: String = all
        .into_iter()
        .filter(used)
        .map(|sign| format!("{} ", super::key(&format!("s-{}", word(sign)), &format!("m-{}", word(sign)), meaning(sign))))
        .collect();
    let changed = lanes.iter().flat_map(|lane| &lane.marks).any(|mark| mark.worker_changed);
    let changed = if changed { "<span><span class=\"key k-changed\"></span>another worker answered</span> " } else { "" };
    let open = lanes.iter().any(|lane| lane.bracket_ms.is_some());
    let open = if open { "<span><span class=\"key k-open\"></span>became visible somewhere in here</span>" } else { "" };
    format!("<p class=\"legend\">{marks}{changed}{open}</p>\n")
}

/// The clearest flapping scans, for the first screen; none if nothing flapped.
pub(super) fn flapping(view: &View) -> Option<String> {
    let flapped = |lane: &&Lane| lane.denied && lane.bracket_ms.is_none();
    // One poller is easier to follow than many at once.
    let best = view.lanes.iter().filter(flapped).min_by_key(|lane| (pollers(lane), std::cmp::Reverse(lane.marks.len())))?;
    let lanes: Vec<&Lane> = view.lanes.iter().filter(flapped).filter(|lane| lane.scenario == best.scenario).collect();
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
        let table = twin("As a table", &table(&format!("Scans of {name}"), &columns, rows));
        let _ = write!(body, "<div class=\"scenario\" data-scenario=\"{name}\">\n{figure}{table}</div>\n");
    }
    body.push_str("</div>\n");
    Some(Section { id: "lanes", title: "Scans, one by one", body })
}
