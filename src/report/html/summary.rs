//! The first screen: the verdict, the answers to a stranger's three questions, the key numbers and the one chart that shows it.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::guarantee::Guarantee;
use crate::report::html::page::sentence_case;
use crate::report::html::{curve, denials, lanes, prose, text};
use crate::report::view::{Standing, View};
use crate::report::words;
use crate::verdict::Verdict;

/// The line above everything: what this is, of what, and when.
pub(super) fn top(view: &View) -> String {
    format!(
        "<header class=\"top\"><span class=\"mark-name\">status gap</span> <span>{}</span> <span class=\"started\">{}</span></header>\n",
        text(&view.run.target),
        text(&view.run.started)
    )
}

/// A verdict in a word and a shape.
pub(super) fn badge(verdict: Verdict) -> String {
    format!("<span class=\"badge {word}\"><span aria-hidden=\"true\">{}</span> {word}</span>", sign(verdict), word = verdict.word())
}

pub(super) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "✓",
        Verdict::Fail => "✕",
        Verdict::Inconclusive => "?",
    }
}

/// The first screen.
pub(super) fn summary(view: &View) -> String {
    let notices: String = view.notices.iter().map(|notice| format!("<p class=\"notice\" role=\"note\">{}</p>\n", prose(notice))).collect();
    let how = match view.verdict {
        Verdict::Inconclusive => "Why it cannot be told",
        Verdict::Pass => "How sure",
        Verdict::Fail => "How bad",
    };
    let answers = [
        (how, "headline", format!("{}.", sentence_case(&view.headline).trim_end_matches('.'))),
        (if view.verdict == Verdict::Fail { "Since when, how long" } else { "When it was asked" }, "when", view.answers.when.clone()),
        ("What to do", "act", view.answers.act.clone()),
    ];
    let answers: String = answers
        .iter()
        .map(|(question, key, answer)| format!("<div><dt>{question}</dt><dd data-key=\"{key}\">{}</dd></div>\n", prose(answer)))
        .collect();
    let figure = figure(view).map_or_else(String::new, |figure| format!("<div class=\"hero\">\n{figure}</div>\n"));
    format!(
        "<div class=\"summary\">\n<div class=\"claim\">\n<p class=\"verdict\" data-key=\"verdict\"><span aria-hidden=\"true\">{}</span> {}</p>\n<h1>{}</h1>\n\
         {notices}<dl class=\"answers\">\n{answers}</dl>\n</div>\n<dl class=\"numbers\">\n{}</dl>\n{figure}\
         <p class=\"gloss\">A scan is one job of this API: a POST hands out its id, a GET asks for its status. {}</p>\n</div>\n",
        sign(view.verdict),
        view.verdict.word().to_uppercase(),
        text(&view.answers.broken),
        numbers(view),
        text(&scale(view)),
    )
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

/// Four numbers, each with what it counts.
fn numbers(view: &View) -> String {
    let mut out = String::new();
    let mut tile = |key: &str, name: &str, value: &str, note: &str| {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd><b data-key=\"{key}\">{}</b> <span>{}</span></dd></div>", text(value), text(note));
    };
    let reads = view.guarantees.iter().find(|row| row.guarantee == Guarantee::ReadYourWrites);
    match reads.filter(|row| row.checked > 0) {
        _ if !view.assessable => tile("denied", "Scans denied", "–", "cannot be told"),
        Some(row) => tile("denied", "Scans denied", &words::count(row.broken), &format!("of {}", words::count(row.checked))),
        None => tile("denied", "Scans denied", "–", "none was polled"),
    }
    let window = &view.window;
    let (value, note) = if !view.assessable {
        ("–".to_owned(), "cannot be told".to_owned())
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
    tile("window", name, &value, &note);
    let broken = view.guarantees.iter().filter(|row| row.standing == Standing::Broken).count() as u64;
    let assessed = view.guarantees.iter().filter(|row| !matches!(row.standing, Standing::NotAssessed(_))).count() as u64;
    tile("broken", "Guarantees broken", &words::count(broken), &format!("of {} assessed", words::count(assessed)));
    match (view.window.safe.ms, view.window.safe.p) {
        (Some(ms), Some(p)) => tile("safe", "First poll safe at", &words::age(ms), &format!("for {} of scans", words::share(p))),
        _ => tile("safe", "First poll safe at", "–", "no delay can be stated"),
    }
    out
}

/// The one chart that shows it: flapping scans as they flapped, else the window's curve, else how often status denied.
pub(super) fn figure(view: &View) -> Option<String> {
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
