//! The report as one HTML file: the first screen answers a stranger, the rest proves it.
//!
//! In goes a [`View`], out comes a page that needs nothing else: style, script and charts are in it, and a content security
//! policy with their digests bars everything that is not, so that neither a server's text nor a later edit can make it load
//! or run anything. It reads without JavaScript, which only adds details under the pointer, the arrow keys in charts, a
//! filter and buttons to copy. Colours are Okabe and Ito's, and everything that a colour says is also said by a shape or a
//! word. This folder chooses no number: what is missing belongs into the view.
//!
//! Markup is written by maud, which escapes every text where it is written; only style, script and shapes are not escaped.

mod axis;
mod curve;
mod denials;
mod inside;
mod lanes;
mod latency;
mod page;
mod proofs;
mod strip;
pub(super) mod summary;
mod twin;
mod watch;

pub use watch::watch_html;

use base64::Engine as _;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::report::table::{Cell, Column, Room, Table};
use crate::report::view::{Mark, View};
use crate::report::words;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
const WATCH_SCRIPT: &str = include_str!("watch.js");

/// The report as a page of its own. Ends with a newline.
pub fn html(view: &View) -> String {
    let sections: Vec<Section> = [
        Some(page::diagnosis(view)),
        twin::section(view),
        page::story(view),
        proofs::checks(view),
        curve::section(view),
        denials::section(view),
        inside::section(view),
        lanes::section(view),
        proofs::guarantees(view),
        proofs::scenarios(view),
        latency::section(view),
        page::repeat(view),
        page::unseen(view),
        Some(page::about(view)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let body = html! {
        (summary::top(view))
        main {
            (summary::summary(view))
            nav aria-label="Contents" { ul { @for part in &sections { li { a href={ "#" (part.id) } { (part.title) } } "\n" } } }
            @for part in &sections { (part.html()) }
        }
    };
    document(view.verdict.word(), &view.run.target, &Behaviour::Scripted, &body)
}

/// What a page does beside being read.
pub(super) enum Behaviour {
    /// The report's script adds to it.
    Scripted,
    /// It brings itself up to date.
    Updated { seconds: u64 },
    /// Nothing; it has a picture inside it.
    Pictured,
}

impl Behaviour {
    fn script(&self) -> Option<&'static str> {
        match self {
            Behaviour::Scripted => Some(SCRIPT),
            Behaviour::Updated { .. } => Some(WATCH_SCRIPT),
            Behaviour::Pictured => None,
        }
    }

    fn seconds(&self) -> Option<u64> {
        if let Behaviour::Updated { seconds } = self { Some(*seconds) } else { None }
    }
}

/// What tabs and search engines show of a title, in characters.
const LONGEST_TITLE: usize = 70;

pub(super) fn document(word: &str, target: &str, behaviour: &Behaviour, body: &Markup) -> String {
    html! {
        (DOCTYPE) "\n"
        html lang="en" {
            head {
                meta charset="utf-8"; "\n"
                meta http-equiv="Content-Security-Policy" content=(policy(behaviour)); "\n"
                meta name="viewport" content="width=device-width, initial-scale=1"; "\n"
                meta name="color-scheme" content="light dark"; "\n"
                meta name="referrer" content="no-referrer"; "\n"
                title { (words::clean(&format!("{}: {target} – status gap", word.to_uppercase()), LONGEST_TITLE - 1)) } "\n"
                style { (PreEscaped(STYLE)) } "\n"
            }
            body class=(word) data-reloads=[behaviour.seconds()] {
                "\n" (PreEscaped(SHAPES)) (body)
                @if let Some(script) = behaviour.script() { "\n" script { (PreEscaped(script)) } }
                "\n"
            }
        }
        "\n"
    }
    .into_string()
}

/// A part of the page with a heading of its own.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) body: Markup,
}

impl Section {
    pub(super) fn html(&self) -> Markup {
        let title = format!("{}-title", self.id);
        html! { section id=(self.id) aria-labelledby=(title) { "\n" h2 id=(title) { (self.title) } "\n" (self.body) } "\n" }
    }
}

/// What the page may do: show itself, with this style and this script. Everything that would reach a network is barred, but for a watch's
/// own address.
fn policy(behaviour: &Behaviour) -> String {
    let mut more = behaviour.script().map_or_else(String::new, |script| format!(" script-src 'sha256-{}';", digest(script)));
    more.push_str(match behaviour {
        Behaviour::Scripted => "",
        Behaviour::Updated { .. } => " connect-src 'self';",
        Behaviour::Pictured => " img-src data:;",
    });
    format!("default-src 'none'; style-src 'sha256-{}';{more} base-uri 'none'; form-action 'none'", digest(STYLE))
}

fn digest(source: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(Sha256::digest(source.as_bytes()))
}

/// The marks of all charts, drawn once. Each is 10 units wide around its own origin, and no two have the same outline.
const SHAPES: &str = r#"<svg width="0" height="0" class="shapes" aria-hidden="true"><defs>
<path id="s-denied" d="M-4-4 4 4M-4 4 4-4"/>
<circle id="s-visible" r="3.6"/>
<path id="s-neither" d="M0-4.2 4.2 3.4H-4.2Z"/>
<rect id="s-known" x="-3.4" y="-3.4" width="6.8" height="6.8"/>
<rect id="s-unknown" x="-3.4" y="-3.4" width="6.8" height="6.8"/>
<path id="s-disclosed" d="M0-5 5 0 0 5-5 0Z"/>
<path id="s-withheld" d="M0-5 5 0 0 5-5 0Z"/>
<path id="s-written" d="M-4-1.2H0V-4.6L5 0 0 4.6V1.2H-4Z"/>
<circle id="s-fresh" r="4.6"/>
<rect id="s-keep-alive" x="-4.3" y="-4.3" width="8.6" height="8.6"/>
<path id="s-pre-opened" d="M0-5 5.2 4H-5.2Z"/>
<path id="s-pooled" d="M-2.5-4.3H2.5L5 0 2.5 4.3H-2.5L-5 0Z"/>
<pattern id="open" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="open-ground"/><rect width="2" height="6" class="open-stripe"/></pattern>
</defs></svg>
"#;

/// A sentence: what stands between two backticks is set as code, and a number keeps its unit in one line.
pub(super) fn prose(raw: &str) -> Markup {
    let raw: Vec<String> = words::unbroken(raw).iter().map(|word| word.replace(' ', "\u{a0}")).collect();
    let raw = raw.join(" ");
    let parts: Vec<&str> = raw.split('`').collect();
    html! {
        // A backtick without its partner is one.
        @if parts.len().is_multiple_of(2) { (raw) }
        @else { @for (at, part) in parts.iter().enumerate() { @if at % 2 == 1 { code { (part) } } @else { (part) } } }
    }
}

/// More rows than that are not read by anybody; the result for programs has them all.
const ROWS: usize = 400;

/// A table in a box that scrolls by itself, so that the page never scrolls sideways.
pub(super) fn table(caption: &str, table: &Table) -> Markup {
    let columns: Vec<(usize, bool)> = table.shown(Room::Page).map(|(at, column)| (at, column.is_second_line)).collect();
    let more = table.rows.len().saturating_sub(ROWS);
    html! {
        div.scroll tabindex="0" role="group" aria-label=(caption) {
            table {
                thead {
                    tr {
                        @for column in table.columns.iter().filter(|column| !column.is_second_line) {
                            th scope="col" class=[number(column)] { (column.name) }
                        }
                    }
                }
                tbody {
                    "\n"
                    @for row in table.rows.iter().take(ROWS) {
                        tr {
                            @for (place, (at, _)) in columns.iter().enumerate().filter(|(_, (_, is_second_line))| !is_second_line) {
                                td class=[number(&table.columns[*at])] {
                                    (cell(&row[*at]))
                                    @if let Some((below, true)) = columns.get(place + 1) { br; span.aside { (row[*below].text()) } }
                                }
                            }
                        }
                        "\n"
                    }
                }
            }
        }
        "\n"
        @if more > 0 { p.aside { (words::counted(more as u64, "row")) " more in result.json." } "\n" }
    }
}

fn number(column: &Column) -> Option<&'static str> {
    column.is_number.then_some("number")
}

fn cell(cell: &Cell) -> Markup {
    match cell {
        Cell::Text(text) => html! { (text) },
        Cell::Name(name, code) => html! { b { (name) } @if !code.is_empty() { " " span.aside { (code) } } },
        Cell::Value(key, text) => html! { span data-key=(key) { (text) } },
        // A word or two stay in one line, as they do behind a sign.
        Cell::Marked(Mark::Neutral, text) if text.split(' ').count() < 3 => html! { (text.replace(' ', "\u{a0}")) },
        Cell::Marked(Mark::Neutral, text) => html! { (text) },
        Cell::Marked(mark, text) => html! { (sign(*mark)) " " (text) },
        Cell::Verdict(verdict) => summary::badge(*verdict),
        // The text below a table says what a dash stands for.
        Cell::Missing(_) => html! { "–" },
    }
}

fn sign(mark: Mark) -> Markup {
    let (class, sign) = match mark {
        Mark::Works => ("works", "✓"),
        Mark::Fails => ("fails", "✕"),
        Mark::Neutral => ("", "·"),
    };
    html! { span class={ "sign " (class) } { (sign) } }
}

/// Something that can be unfolded.
fn folded(summary: &str, body: &Markup) -> Markup {
    html! { details { summary { (summary) } "\n" (body) } "\n" }
}

/// What a chart shows, as a table: for whoever cannot see or use the chart, and not for paper, where the chart stands already.
fn twin(summary: &str, table: &Markup) -> Markup {
    html! { details.twin { summary { (summary) } "\n" (table) } "\n" }
}

/// A mark with what it stands for, for the key below a chart.
fn key(shape: &str, class: &str, label: &str) -> Markup {
    html! {
        span {
            svg.mark-key width="14" height="14" aria-hidden="true" { use href={ "#" (shape) } class=(class) x="7" y="7" {} }
            (label)
        }
        " "
    }
}

/// A list of sentences, or nothing.
fn list(items: &[String]) -> Markup {
    html! { @if !items.is_empty() { ul { "\n" @for item in items { li { (prose(item)) } "\n" } } "\n" } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn text_from_a_server_stays_text() {
        let prose = |raw: &str| super::prose(raw).into_string();
        assert_eq!(prose("</script><img src=x onerror='a()'>&\""), "&lt;/script&gt;&lt;img src=x onerror='a()'&gt;&amp;&quot;");
        assert_eq!(prose("`a<b` and `c`, <i>"), "<code>a&lt;b</code> and <code>c</code>, &lt;i&gt;");
        assert_eq!(prose("one ` alone"), "one ` alone");
        assert_eq!(prose("by 2 s, (95 %) so"), "by 2\u{a0}s, (95\u{a0}%) so", "a number keeps its unit");
    }

    /// The digests were made by `openssl dgst -sha256 -binary FILE | base64` (OpenSSL 3.0) over an empty file; the rest of the
    /// policy is checked by a browser in `tests/reports/html.rs`.
    #[test]
    fn the_policy_names_style_and_script_by_their_digests() {
        assert_eq!(base64::engine::general_purpose::STANDARD.encode(Sha256::digest(b"")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let policy = policy(&Behaviour::Scripted);
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && policy.contains("script-src"), "{policy}");
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"), "would end their elements");
        assert!(!html(&samples::view(&samples::seed_bug())).contains(" style="), "the policy bars style attributes");
    }

    #[test]
    fn nothing_in_the_page_is_loaded_from_anywhere() {
        for (name, view) in samples::all() {
            let page = html(&view);
            for load in [" src=", "url(h", "url('", "url(\"", "url(/", "@import", "<link", "<iframe", "<object", "<embed", "<base"] {
                assert!(!page.contains(load), "{name}: {load}");
            }
            assert!(page.matches("href=\"").count() == page.matches("href=\"#").count(), "{name}: a link leads out of the page");
        }
    }

    #[test]
    fn every_kind_of_run_has_a_page_whose_contents_lead_somewhere() {
        for (name, view) in samples::all() {
            let page = html(&view);
            for link in page.split("<a href=\"#").skip(1) {
                let id = link.split('"').next().unwrap_or_default();
                assert!(page.contains(&format!("<section id=\"{id}\"")), "{name}: #{id}");
            }
            assert!(!page.contains("NaN") && !page.contains("inf%"), "{name}");
        }
    }

    #[test]
    fn a_page_stays_below_a_megabyte_however_long_the_run_was() {
        let (mut journal, mut analysis, judgement) = samples::seed_bug();
        let scan: Vec<_> = journal.exchanges.iter().filter(|exchange| exchange.scan.is_some()).cloned().collect();
        journal.exchanges.clear();
        for n in 0..2000 {
            for exchange in &scan {
                let times = if exchange.kind == crate::model::exchange::Kind::Poll { 50 } else { 1 };
                for time in 0..times {
                    let mut copy = exchange.clone();
                    copy.scan = Some(n).into();
                    copy.scenario = (n % 2) as u32;
                    copy.worker = Some(format!("worker-of-many-{time}").into());
                    copy.sent.0 += time * 1_000_000;
                    copy.done.0 += time * 1_000_000;
                    journal.exchanges.push(copy);
                }
            }
        }
        for _ in 0..40 {
            journal.scenarios.push(journal.scenarios[0].clone());
            analysis.scenarios.push(analysis.scenarios[0].clone());
        }
        analysis.window.brackets = (0..100_000).map(|n| (f64::from(n) / 50.0, Some(f64::from(n) / 50.0 + 1.0).into())).collect();
        let page = html(&View::of(&journal, &analysis, &judgement));
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
    }
}
