//! A watch as a page that keeps itself up to date: what stands, since when, what changed, what the last rounds saw.

use std::time::Duration;

use maud::{Markup, html};

use crate::report::html::strip::strip;
use crate::report::html::summary::{Number, figure, hero, sign};
use crate::report::html::{Behaviour, Section, document, prose, table};
use crate::report::table::{Cell, Column, Table};
use crate::report::view::{Mark, View};
use crate::report::watch_status::{Moment, WatchStatus};
use crate::report::words;
use crate::verdict::rolling::Outcome;

/// How often the page brings itself up to date, in seconds: so that no round is missed, and not so often that nobody can read it.
fn reloads(every: Duration) -> u64 {
    (every.as_secs() / 2).clamp(5, 60)
}

/// A watch as a page of its own; `view` is as in the metrics. Ends with a newline.
pub fn watch_html(live: &WatchStatus, view: Option<&View>) -> String {
    let word = live.verdict.map_or("starting", |verdict| verdict.word());
    let body = html! {
        header.top {
            span.mark-name { "status gap" } " " span { "watches " (live.target) } " " span.started { "since " (clock(&live.began)) }
        }
        main {
            div.summary {
                div.claim {
                    p.verdict { span aria-hidden="true" { (live.verdict.map_or("…", sign)) } " " (word.to_uppercase()) }
                    h1 { (words::sentence_case(&live.reason)) }
                    dl.answers { "\n" @for (name, told) in answers(live) { div { dt { (name) } dd { (prose(&told)) } } "\n" } }
                }
                dl.numbers { "\n" @for number in numbers(live) { (number.html()) } }
                (hero(view.and_then(figure)))
            }
            nav aria-label="More" {
                ul {
                    @if view.is_some() { li { a href="/report" { "The whole report on these rounds" } } }
                    li { a href="/metrics" { "Metrics" } }
                }
            }
            @for part in [over_time(live), changes(live), rounds(live)].iter().flatten() { (part.html()) }
        }
        p.detail #up-to-date role="status" { noscript { "Without its script this page does not follow the watch: load it again." } }
    };
    document(word, &live.target, &Behaviour::Updated { seconds: reloads(live.every) }, &body)
}

/// `2026-11-23T20:08:55.123Z` → `2026-11-23 20:08:55 UTC`.
fn clock(moment: &Moment) -> String {
    let seconds = moment.told.split(['.', 'Z']).next().unwrap_or(&moment.told);
    format!("{} UTC", seconds.replace('T', " "))
}

fn answers(live: &WatchStatus) -> Vec<(&'static str, String)> {
    let mut answers = Vec::new();
    if let (Some(verdict), Some(since)) = (live.verdict, &live.since) {
        answers.push(("Since", format!("{} since {}", words::sentence_case(verdict.word()), clock(since))));
    }
    if let Some(last) = live.recent.first() {
        answers.push(("Last round", format!("round {} at {}: {}", words::count(last.number), clock(&last.began), last.headline)));
    }
    if live.owed > 0 {
        answers.push(("Until it passes again", format!("{} in a row", words::counted(u64::from(live.owed), "clean round"))));
    }
    let (kept, most) = live.kept;
    let judged = format!("the last {} (at most {most}) of {}", words::counted(kept as u64, "round"), live.scenarios);
    answers.push(("What is judged", judged));
    answers
}

fn numbers(live: &WatchStatus) -> [Number; 4] {
    let all: u64 = live.rounds.iter().sum();
    let [clean, failing, unmeasured] = live.rounds.map(words::count);
    let number = |name, value, note: String| Number { key: "", name, value: words::count(value), note };
    [
        number("Rounds", all, format!("{clean} clean, {failing} failing, {unmeasured} unmeasured")),
        number("Scans denied", live.denied, format!("of {}", words::count(live.scans))),
        number("Changes", live.changed, "of the verdict".to_owned()),
        number("Requests", live.exchanges, "in all".to_owned()),
    ]
}

fn over_time(live: &WatchStatus) -> Option<Section> {
    strip(live).map(|body| Section { id: "over-time", title: "Over time", body })
}

fn changes(live: &WatchStatus) -> Option<Section> {
    let columns = [Column::text("When"), Column::text("From"), Column::text("To"), Column::text("Why"), Column::text("Log")];
    let rows = live.changes.iter().map(|change| {
        [clock(&change.at).into(), change.was.into(), Cell::Verdict(change.is), change.reason.as_str().into(), change.log.as_str().into()]
    });
    section("changes", "Changes", "Changes of the verdict", &Table::new(columns, rows))
}

fn rounds(live: &WatchStatus) -> Option<Section> {
    let columns = [Column::number("Round"), Column::text("Began"), Column::text("Alone"), Column::text("What it saw")];
    let rows = live.recent.iter().map(|round| {
        let mark = match round.outcome {
            Outcome::Clean => Mark::Works,
            Outcome::Failing => Mark::Fails,
            Outcome::Unmeasured => Mark::Neutral,
        };
        let outcome = Cell::Marked(mark, round.outcome.word().to_owned());
        [words::count(round.number).into(), clock(&round.began).into(), outcome, round.headline.as_str().into()]
    });
    section("rounds", "The last rounds", "The last rounds", &Table::new(columns, rows))
}

fn section(id: &'static str, title: &'static str, caption: &str, rows: &Table) -> Option<Section> {
    let body: Markup = table(caption, rows);
    (!rows.rows.is_empty()).then_some(Section { id, title, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{samples, watch_status};

    #[test]
    fn the_page_shows_what_stands_and_loads_nothing_but_itself() {
        let mut live = watch_status::sample();
        live.target = "<img src=x>".to_owned();
        live.changes[0].reason = "</style><script>alert(1)</script>".to_owned();
        for view in [None, Some(samples::view(&samples::seed_bug()))] {
            let page = watch_html(&live, view.as_ref());
            for told in
                ["✕</span> FAIL", "3 clean rounds in a row", "data-reloads=\"15\"", "connect-src 'self'", "<b>5</b> <span>of 24</span>"]
            {
                assert!(page.contains(told), "{told} is not in {page}");
            }
            assert_eq!(page.matches("<script").count(), 1, "its own");
            for bad in ["alert(1)</script>", "<img", "http-equiv=\"refresh\"", " style=", "NaN", "<link"] {
                assert!(!page.contains(bad), "{bad} is in the page");
            }
            assert_eq!(page.contains("href=\"/report\""), view.is_some());
        }
        live.verdict = None;
        assert!(watch_html(&live, None).contains("STARTING"));
    }
}
