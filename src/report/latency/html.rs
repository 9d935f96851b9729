//! The latency report as one page, with the picture in it.

use maud::{Markup, PreEscaped, html as markup};

use crate::report::html::summary::{sign, top};
use crate::report::html::{Behaviour, Section, document, prose, table};
use crate::report::latency::{AGAINST_NOTE, Latency, NOTE, day_and_minute, lead, svg, tables};
use crate::report::words;

/// The report as a page of its own, without a script. Ends with a newline.
pub fn html(report: &Latency<'_>) -> String {
    let view = report.newest();
    let body = markup! {
        (top(view))
        main {
            p.verdict { span aria-hidden="true" { (sign(view.verdict)) } " " (view.verdict.word().to_uppercase()) }
            h1 { "Latency: " (view.run.target) }
            p { (prose(&words::sentence_case(&view.headline))) ". " (prose(&lead(view))) "; " (words::count(view.run.exchanges)) " exchanges." }
            @for notice in view.notices.iter().chain(&report.warnings) { p.notice role="note" { (prose(notice)) } }
            @for part in sections(report) { (part.html()) }
        }
    };
    document(view.verdict.word(), &view.run.target, &Behaviour::Still, &body)
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
        // The picture escapes what it says.
        div.scroll tabindex="0" role="group" aria-label="Picture" { (PreEscaped(svg(report))) } "\n"
        @if report.runs.len() > 1 { (table("All runs", &tables::history(report))) }
    };
    sections.push(Section { id: "history", title: "Over time", body });
    sections
}

fn now(report: &Latency<'_>) -> Markup {
    markup! { (table("Waits with their limits", &tables::now(report.newest()))) p.aside { (prose(NOTE)) } "\n" }
}
