//! The parts of the page that are told in words: causes, one scan's story, how to repeat, what could not be seen.

use maud::{Markup, html};

use crate::report::html::{Section, folded, list, prose, sign, table};
use crate::report::view::{Mark, View};
use crate::report::{tables, words};

/// The causes and their cures, the excluded ones, and what is undecided.
pub(super) fn diagnosis(view: &View) -> Section {
    // With a cause the next step is its cure, which stands there already.
    let tells_next = view.causes.first().is_none_or(|cause| !view.next_step.contains(&cause.cure));
    let body = html! {
        @for cause in &view.causes {
            article.cause {
                h3 { (words::sentence_case(&cause.named)) " " span.aside { (cause.strength) " evidence" } }
                p { (cause.mechanism) }
                (list(&cause.evidence))
                p { b { "Cure." } " " (prose(&cause.cure)) }
            }
            "\n"
        }
        @for pattern in &view.patterns {
            article.cause {
                h3 { "No class is named" }
                p { (prose(&pattern.statement)) (words::may_be(&pattern.possible_named)) }
                p { b { "Ask next." } " " (prose(pattern.ask_next)) }
            }
            "\n"
        }
        @if tells_next { p { b { "Next step." } " " (prose(&view.next_step)) } "\n" }
        @if !view.ruled_out.is_empty() {
            @let summary = format!("Ruled out: {}", words::counted(view.ruled_out.len() as u64, "cause"));
            (folded(&summary, &table("Ruled out", &tables::ruled_out(view))))
        }
        @if !view.undecided.is_empty() { (folded("What could not be told apart", &list(&view.undecided))) }
    };
    let title = if view.causes.is_empty() { "What to do" } else { "Why, and what cures it" };
    Section { id: "diagnosis", title, body }
}

/// The clearest scan, step by step.
pub(super) fn story(view: &View) -> Option<Section> {
    let timeline = view.timeline.as_ref()?;
    let body = html! {
        p {
            "Scan " (timeline.scan) " of scenario " (timeline.scenario)
            ", the clearest of the run. Ages count from the last byte of the answer that handed out its id."
        }
        ol.story {
            "\n"
            @for step in &timeline.steps {
                @let class = match step.mark { Mark::Works => "works", Mark::Fails => "fails", Mark::Neutral => "" };
                li class=(class) {
                    span.when { (step.when()) } " "
                    span.asked { (step.asked) @if let Some(connection) = step.connection { " " span.aside { (connection.word()) } } } " "
                    span.told {
                        (sign(step.mark)) " " (step.told)
                        @if step.times > 1 { " " (words::count(step.times)) " times" }
                        @if let Some(worker) = &step.worker { " " span.aside { "worker " (worker) } }
                    }
                }
                "\n"
            }
        }
    };
    Some(Section { id: "story", title: "One scan’s story", body })
}

/// The commands that show it again.
pub(super) fn repeat(view: &View) -> Option<Section> {
    let repeat = &view.repeat;
    let body = html! {
        @if !repeat.command.is_empty() { p { "The same plan with the same seed (" (view.run.seed) "):" } (code(&repeat.command)) }
        @if let Some(snippet) = &repeat.snippet {
            p {
                "By hand"
                @if view.run.service.is_some() { " (against a running service; the run had started its own)" }
                ", with a new scan and a poll at the failing age:"
            }
            (code(snippet))
        }
    };
    (!repeat.command.is_empty() || repeat.snippet.is_some()).then_some(Section { id: "repeat", title: "How to repeat", body })
}

pub(super) fn code(source: &str) -> Markup {
    html! { div.code { pre tabindex="0" { code { (source) } } } "\n" }
}

/// What keeps the report honest.
pub(super) fn unseen(view: &View) -> Option<Section> {
    (!view.unseen.is_empty()).then(|| Section { id: "unseen", title: "What could not be seen", body: list(&view.unseen) })
}

/// What was run, where and when.
pub(super) fn about(view: &View) -> Section {
    let rows = tables::about(view).rows;
    let body = html! { dl.about { "\n" @for row in &rows { dt { (row[0].text()) } dd { (row[1].text()) } "\n" } } };
    Section { id: "about", title: "About this run", body }
}
