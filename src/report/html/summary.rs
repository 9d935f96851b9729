//! The first screen: the verdict, the answers to a stranger's three questions, the key numbers and the one chart that shows it.

use maud::{Markup, html};

use crate::model::guarantee::Guarantee;
use crate::report::html::{curve, denials, lanes, prose};
use crate::report::view::{InsideView, Standing, View};
use crate::report::words;
use crate::verdict::Verdict;

/// The line above everything: what this is, of what, and when.
pub(in crate::report) fn top(view: &View) -> Markup {
    html! {
        header.top { span.mark-name { "status gap" } " " span { (view.run.target) } " " span.started { (view.run.started) } } "\n"
    }
}

/// A verdict in a word and a shape.
pub(super) fn badge(verdict: Verdict) -> Markup {
    html! { span class={ "badge " (verdict.word()) } { span aria-hidden="true" { (sign(verdict)) } " " (verdict.word()) } }
}

pub(in crate::report) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✕",
        Verdict::Inconclusive => "?",
    }
}

/// The first screen.
pub(super) fn summary(view: &View) -> Markup {
    let headline = format!("{}.", words::sentence_case(&view.headline).trim_end_matches('.'));
    html! {
        div.summary {
            div.claim {
                p.verdict data-key="verdict" { span aria-hidden="true" { (sign(view.verdict)) } " " (view.verdict.word().to_uppercase()) }
                h1 { (view.answers.short) }
                @for notice in &view.notices { p.notice role="note" { (prose(notice)) } }
                @if let Some(second) = &view.second_opinion { p.gloss { (prose(&format!("{}.", words::sentence_case(&words::sentence(&second.told))))) } }
                dl.answers {
                    "\n"
                    @for told in view.answers.all() {
                        div { dt { (told.question) } dd data-key=(told.key) { (prose(told.answer)) } } "\n"
                    }
                    @if let Some(sentence) = view.inside_in_short() {
                        div { dt { (InsideView::QUESTION) } dd data-key="inside" { (prose(&words::sentence_case(sentence))) "." } } "\n"
                    }
                }
            }
            dl.numbers { "\n" @for number in numbers(view) { (number.html()) } }
            (hero(figure(view)))
            p.headline data-key="headline" { (prose(&headline)) }
            p.gloss { "A scan is one job of this API: a POST hands out its id, a GET asks for its status. " (scale(view)) }
        }
        "\n"
    }
}

/// The first screen's chart, if there is one.
pub(super) fn hero(figure: Option<Markup>) -> Markup {
    html! { @if let Some(figure) = figure { div.hero { (figure) } "\n" } }
}

/// How much was looked at.
fn scale(view: &View) -> String {
    let accepted: u64 = view.scenarios.iter().map(|scenario| scenario.accepted).sum();
    format!(
        "This run made {} with {} in {}.",
        words::counted(view.run.exchanges, "exchange"),
        words::counted(accepted, "accepted scan"),
        words::counted(view.scenarios.len() as u64, "scenario")
    )
}

/// A number with what it counts.
pub(super) struct Number {
    /// Its key for scripts; empty: none.
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) note: String,
}

impl Number {
    pub(super) fn html(&self) -> Markup {
        let key = Some(self.key).filter(|key| !key.is_empty());
        html! { div { dt { (self.name) } dd { b data-key=[key] { (self.value) } " " span { (self.note) } } } "\n" }
    }
}

fn numbers(view: &View) -> [Number; 4] {
    [denied(view), window(view), broken(view), safe(view)]
}

fn denied(view: &View) -> Number {
    let reads = view.guarantees.iter().find(|row| row.guarantee == Guarantee::ReadYourWrites);
    let (value, note) = match reads.filter(|row| row.checked > 0) {
        _ if !view.assessable => ("–".to_owned(), "not known".to_owned()),
        Some(row) => (words::count(row.broken), format!("of {}", words::count(row.checked))),
        None => ("–".to_owned(), "none was polled".to_owned()),
    };
    Number { key: "denied", name: "Scans denied", value, note }
}

fn window(view: &View) -> Number {
    let window = &view.window;
    let (value, note) = if !view.assessable {
        ("–".to_owned(), "not known".to_owned())
    } else if window.flapped > 0 {
        (words::count(window.flapped), format!("{} seen, then denied", if window.flapped == 1 { "scan" } else { "scans" }))
    } else if window.scans == 0 {
        ("–".to_owned(), "no scan's poll was answered".to_owned())
    } else if window.denied == 0 {
        ("none seen".to_owned(), format!("in the {} watched for it", words::counted(window.scans, "scan")))
    } else {
        match window.median().filter(|median| median.is_number()) {
            Some(median) => (median.told.clone(), String::new()),
            None => ("–".to_owned(), window.short.clone()),
        }
    };
    let name = if !view.assessable || window.denied == 0 && window.flapped == 0 {
        "Window"
    } else if window.flapped > 0 {
        "Flapping"
    } else {
        "Window, median"
    };
    Number { key: "window", name, value, note }
}

fn broken(view: &View) -> Number {
    let broken = view.guarantees.iter().filter(|row| row.standing == Standing::Broken).count() as u64;
    let assessed = view.guarantees.iter().filter(|row| row.standing != Standing::NotAssessed).count() as u64;
    Number {
        key: "broken",
        name: "Guarantees broken",
        value: words::count(broken),
        note: format!("of {} assessed", words::count(assessed)),
    }
}

fn safe(view: &View) -> Number {
    let (value, note) = match (view.window.safe.ms, view.window.safe.p) {
        (Some(ms), Some(p)) => (words::age(ms), format!("for {} of scans", words::share(p))),
        _ => ("–".to_owned(), "no delay can be stated".to_owned()),
    };
    Number { key: "safe", name: "First poll safe at", value, note }
}

/// The one chart that shows it: flapping scans as they flapped, else the window's curve, else how often status denied.
pub(super) fn figure(view: &View) -> Option<Markup> {
    if !view.assessable {
        return None;
    }
    if view.window.flapping > 0
        && let Some(figure) = lanes::flapping(view)
    {
        return Some(figure);
    }
    curve::figure(view).or_else(|| denials::figure(view))
}
