//! A watch as a page that loads itself anew: what stands, since when, what changed, what the last rounds saw.

// Writing to a String cannot fail.
use std::fmt::Write as _;
use std::time::Duration;

use crate::report::html::page::sentence_case;
use crate::report::html::summary::{badge, figure, sign};
use crate::report::html::{Column, SHAPES, STYLE, Section, policy_of, prose, table, text};
use crate::report::live::{Live, Moment};
use crate::report::view::View;
use crate::report::words;
use crate::verdict::rolling::Outcome;

/// How often the page loads itself anew: so that no round is missed, and not so often that nobody can read it.
fn refresh(every: Duration) -> u64 {
    (every.as_secs() / 2).clamp(5, 60)
}

/// A watch as a page of its own, without any script; `view` is as in the metrics. Ends with a newline.
pub fn watch_html(live: &Live, view: Option<&View>) -> String {
    let word = live.verdict.map_or("starting", |verdict| verdict.word());
    let chart = view.and_then(figure).map_or_else(String::new, |figure| format!("<div class=\"hero\">\n{figure}</div>\n"));
    let sections: String = [changes(live), rounds(live)].iter().flatten().map(Section::html).collect();
    let report = if view.is_some() { "<li><a href=\"/report\">The whole report on these rounds</a></li>\n" } else { "" };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta http-equiv=\"refresh\" content=\"{refresh}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}: {target} – status gap</title>\n<style>{STYLE}</style>\n</head>\n<body class=\"{word}\">\n\
         {SHAPES}<header class=\"top\"><span class=\"mark-name\">status gap</span> <span>watches {target}</span> \
         <span class=\"started\">since {began}</span></header>\n<main>\n\
         <div class=\"summary\">\n<div class=\"claim\">\n<p class=\"verdict\"><span aria-hidden=\"true\">{sign}</span> {title}</p>\n\
         <h1>{reason}</h1>\n<dl class=\"answers\">\n{answers}</dl>\n</div>\n<dl class=\"numbers\">\n{numbers}</dl>\n{chart}</div>\n\
         <nav aria-label=\"More\"><ul>\n{report}<li><a href=\"/metrics\">Metrics</a></li>\n</ul></nav>\n{sections}</main>\n</body>\n</html>\n",
        policy = policy_of(STYLE),
        refresh = refresh(live.every),
        title = word.to_uppercase(),
        target = text(&live.target),
        began = text(&clock(&live.began)),
        sign = live.verdict.map_or("…", sign),
        reason = text(&sentence_case(&live.reason)),
        answers = answers(live),
        numbers = numbers(live),
    )
}

/// `2026-11-23T20:08:55.123Z` → `2026-11-23 20:08:55 UTC`.
fn clock(moment: &Moment) -> String {
    let seconds = moment.told.split(['.', 'Z']).next().unwrap_or(&moment.told);
    format!("{} UTC", seconds.replace('T', " "))
}

fn answers(live: &Live) -> String {
    let mut out = String::new();
    let mut tell = |name: &str, told: &str| {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", prose(told));
    };
    if let (Some(verdict), Some(since)) = (live.verdict, &live.since) {
        tell("Since", &format!("{} since {}", sentence_case(verdict.word()), clock(since)));
    }
    if let Some(last) = live.recent.first() {
        tell("Last round", &format!("round {} at {}: {}", words::count(last.number), clock(&last.began), last.headline));
    }
    if live.owed > 0 {
        tell("Until it passes again", &format!("{} in a row", words::counted(u64::from(live.owed), "clean round")));
    }
    let (kept, most) = live.kept;
    tell("What is judged", &format!("the last {} (at most {most}) of {}", words::counted(kept as u64, "round"), live.scenarios));
    out
}

fn numbers(live: &Live) -> String {
    let all: u64 = live.rounds.iter().sum();
    let [clean, failing, unmeasured] = live.rounds.map(words::count);
    [
        ("Rounds", words::count(all), format!("{clean} clean, {failing} failing, {unmeasured} unmeasured")),
        ("Scans denied", words::count(live.denied), format!("of {}", words::count(live.scans))),
        ("Changes", words::count(live.changed), "of the verdict".to_owned()),
        ("Requests", words::count(live.exchanges), "in all".to_owned()),
    ]
    .iter()
    .fold(String::new(), |mut out, (name, value, note)| {
        let _ = writeln!(out, "<div><dt>{name}</dt><dd><b>{value}</b> <span>{note}</span></dd></div>");
        out
    })
}

fn changes(live: &Live) -> Option<Section> {
    let rows = live.changes.iter().map(|change| {
        let was = change.was.map_or_else(|| "–".to_owned(), badge);
        vec![text(&clock(&change.at)), was, badge(change.is), text(&change.reason), text(&change.log)]
    });
    let columns = [Column::Words("When"), Column::Words("From"), Column::Words("To"), Column::Words("Why"), Column::Words("Log")];
    let body = table("Changes of the verdict", &columns, rows);
    (!live.changes.is_empty()).then_some(Section { id: "changes", title: "Changes", body })
}

fn rounds(live: &Live) -> Option<Section> {
    let rows = live.recent.iter().map(|round| {
        let class = match round.outcome {
            Outcome::Clean => "works",
            Outcome::Failing => "fails",
            Outcome::Unmeasured => "aside",
        };
        let outcome = format!("<span class=\"{class}\">{}</span>", round.outcome.word());
        vec![words::count(round.number), text(&clock(&round.began)), outcome, text(&round.headline)]
    });
    let columns = [Column::Number("Round"), Column::Words("Began"), Column::Words("Alone"), Column::Words("What it saw")];
    let body = table("The last rounds", &columns, rows);
    (!live.recent.is_empty()).then_some(Section { id: "rounds", title: "The last rounds", body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{live, samples};

    #[test]
    fn the_page_tells_what_stands_and_loads_nothing_but_itself() {
        let mut live = live::sample();
        live.target = "<img src=x>".to_owned();
        live.changes[0].reason = "</style><script>alert(1)</script>".to_owned();
        for view in [None, Some(samples::view(&samples::seed_bug()))] {
            let page = watch_html(&live, view.as_ref());
            for told in ["✕</span> FAIL", "3 clean rounds in a row", "http-equiv=\"refresh\" content=\"15\"", "<b>5</b> <span>of 24</span>"]
            {
                assert!(page.contains(told), "{told} is not in {page}");
            }
            for bad in ["<script", "<img", " style=", "NaN", "<link"] {
                assert!(!page.contains(bad), "{bad} is in the page");
            }
            assert_eq!(page.contains("href=\"/report\""), view.is_some());
        }
        live.verdict = None;
        assert!(watch_html(&live, None).contains("STARTING"));
    }
}
