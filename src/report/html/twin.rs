//! The log beside its twin: two bars for each age, the log's and the twin's, with the reach of the twin's runs.

use maud::{Markup, html};

use crate::analysis::twin::Picture;
use crate::report::html::page::code;
use crate::report::html::{Section, list, prose, table};
use crate::report::view::{TwinView, View};
use crate::report::{tables, words};

/// The height of a bar, and of a row of two, in pixels.
const BAR: usize = 9;
const ROW: usize = 30;
/// Where bars begin and how far they reach, in per cent of the width.
const LEFT: f64 = 34.0;
const REACH: f64 = 38.0;
/// Where the numbers stand.
const NUMBERS: f64 = 74.0;

fn at(share: f64) -> String {
    format!("{:.2}%", LEFT + REACH * share.clamp(0.0, 1.0))
}

fn width(share: f64) -> String {
    format!("{:.2}%", REACH * share.clamp(0.0, 1.0))
}

/// The section; none where no twin was run and nothing was estimated.
pub(super) fn section(view: &View) -> Option<Section> {
    let twin = view.twin.as_ref()?;
    let body = html! {
        p { (prose(&format!("{}.", words::sentence_case(&twin.statement)))) } "\n"
        @if let Some(picture) = &twin.picture { (figure(picture)) }
        (table("Candidates", &tables::twins(twin))) "\n"
        @if let Some(separation) = &twin.separation { p { b { "To tell them apart." } " " (prose(&format!("{}.", words::sentence_case(separation)))) } "\n" }
        (misfits(twin))
        @if let Some(reproducer) = &twin.reproducer {
            p { "The fault on another machine:" } "\n"
            (code(&reproducer.serve)) "\n"
            p { "The same scenarios against it, and against the same service without the fault (" (reproducer.cured_shows) "):" } "\n"
            (code(&format!("{}\n{}", reproducer.run, reproducer.cured))) "\n"
        }
    };
    Some(Section { id: "twin", title: "The fault, simulated", body })
}

fn misfits(twin: &TwinView) -> Markup {
    html! {
        @for candidate in twin.candidates.iter().filter(|candidate| !candidate.misfits.is_empty()) {
            p { (words::sentence_case(&candidate.name)) " does not explain:" } "\n"
            (list(&candidate.misfits))
        }
    }
}

/// A patch of a bar's colour.
fn key(class: &str) -> Markup {
    html! { svg.mark-key width="10" height="10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } }
}

fn figure(picture: &Picture) -> Markup {
    let rows = picture.ages.len();
    html! {
        figure.chart {
            figcaption {
                b { "How often a poll was denied, by the age of the job." }
                " " (key("twin-observed")) " this service · " (key("twin-simulated")) " the simulated service with the fault: if it is the cause, both bars "
                "of an age are about equally long. The thin line shows how far single runs of the simulated service differ by chance."
            }
            svg.plot width="100%" height=(rows * ROW + 4) role="img" aria-label="Share of polls denied by age, observed and simulated; the table below has the numbers" {
                "\n"
                @for (place, row) in picture.ages.iter().enumerate() {
                    @let top = place * ROW + 2;
                    text x="0" y=(top + 14) { (words::between(row.from_ms, Some(row.to_ms))) }
                    rect class="twin-observed" x=(at(0.0)) y=(top) width=(width(row.denied.observed)) height=(BAR) {
                        title { "here: " (words::share(row.denied.observed)) " of " (words::counted(row.polls, "poll")) " denied" }
                    }
                    rect class="twin-simulated" x=(at(0.0)) y=(top + BAR + 2) width=(width(row.denied.twin)) height=(BAR) {
                        title { "twin: " (words::share(row.denied.twin)) ", in single runs " (words::share_between(row.denied.twin_from, row.denied.twin_to)) }
                    }
                    text x=(format!("{NUMBERS}%")) y=(top + 14) { (format!("{:.0} % · {:.0} %", 100.0 * row.denied.observed, 100.0 * row.denied.twin)) }
                    line class="bar" x1=(at(row.denied.twin_from)) x2=(at(row.denied.twin_to)) y1=(top + BAR + 6) y2=(top + BAR + 6) {}
                    "\n"
                }
            }
        }
        "\n"
        (table("This service and its twin", &tables::picture(picture)))
    }
}
