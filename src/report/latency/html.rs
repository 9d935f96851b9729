//! The latency report as one page, with the picture in it.

use base64::Engine as _;
use maud::{Markup, html as markup};

use crate::report::html::summary::{sign, top};
use crate::report::html::{Behaviour, Section, document, prose, table};
use crate::report::latency::svg::{self, svg};
use crate::report::latency::{AGAINST_NOTE, Latency, NOTE, day_and_minute, lead, tables};
use crate::report::words;

/// The report as a page of its own, without a script. Ends with a newline.
pub fn html(report: &Latency<'_>) -> String {
    let view = report.newest();
    let jobs = format!("{}, in {} exchanges", lead(view), words::count(view.run.exchanges));
    let body = markup! {
        (top(view))
        main {
            section aria-label="Summary" {
                p.verdict { span aria-hidden="true" { (sign(view.verdict)) } " " (view.verdict.word().to_uppercase()) }
                h1 { "Latency: " (view.run.target) }
                @for notice in view.notices.iter().chain(&report.warnings) { p.notice role="note" { (prose(notice)) } }
                dl.answers {
                    "\n"
                    @for (question, answer) in [("Verdict", words::sentence_case(&view.headline)), ("Jobs", jobs)] {
                        div { dt { (question) } dd { (prose(&answer)) "." } } "\n"
                    }
                }
            }
            @for part in sections(report) { (part.html()) }
        }
    };
    document(view.verdict.word(), &view.run.target, &Behaviour::Pictured, &body)
}

fn sections(report: &Latency<'_>) -> Vec<Section> {
    let view = report.newest();
    let mut sections = vec![Section { id: "now", title: "How long it takes", body: now(report) }];
    if !view.timing.objectives.is_empty() {
        sections.push(Section { id: "objectives", title: "Objectives", body: table("Objectives", &tables::objectives(view)) });
    }
    if let Some(before) = report.before {
        let caption = format!("Against the run of {}", day_and_minute(&before.run.started));
        let body =
            markup! { p { (caption) } "\n" (table(&caption, &tables::against(before, view))) p.aside { (prose(AGAINST_NOTE)) } "\n" };
        sections.push(Section { id: "against", title: "Against the run before", body });
    }
    let body = markup! {
        div.scroll tabindex="0" role="group" aria-label="Picture" { (picture(report)) } "\n"
        @if report.runs.len() > 1 { (table("All runs", &tables::history(report))) }
    };
    sections.push(Section { id: "history", title: "Over time", body });
    sections
}

/// The picture as a file inside the page, so that the page's style does not reach into it. The tables say what it shows.
fn picture(report: &Latency<'_>) -> Markup {
    let file = base64::engine::general_purpose::STANDARD.encode(svg(report));
    let source = format!("data:image/svg+xml;base64,{file}");
    markup! { img src=(source) width=(svg::WIDTH) alt="Jobs not found and how long jobs took, run by run, as in the tables"; }
}

fn now(report: &Latency<'_>) -> Markup {
    markup! { (table("Waits with their limits", &tables::now(report.newest()))) p.aside { (prose(NOTE)) } "\n" }
}
