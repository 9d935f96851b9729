//! The report as one HTML file: the first screen answers a stranger, the rest proves it.
//!
//! In goes a [`View`], out comes a page that needs nothing else: style, script and charts are in it, and a content security
//! policy with their digests bars everything that is not, so that neither a server's text nor a later edit can make it load
//! or run anything. It reads without JavaScript, which only adds details under the pointer, the arrow keys in charts, a
//! filter and buttons to copy. Colours are Okabe and Ito's, and everything that a colour says is also said by a shape or a
//! word. This folder chooses no number: what is missing belongs into the view.

#![expect(clippy::format_collect, reason = "a page is written once a run, and a fold would hide what it is made of")]

mod axis;
mod curve;
mod denials;
mod lanes;
mod latency;
mod live;
mod page;
mod proofs;
mod summary;

// Writing to a String cannot fail.
use std::fmt::Write as _;

pub use live::watch_html;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

use crate::report::view::View;
use crate::report::words;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The report as a page of its own. Ends with a newline.
pub fn html(view: &View) -> String {
    let sections = [
        Some(page::diagnosis(view)),
        page::story(view),
        proofs::checks(view),
        curve::section(view),
        denials::section(view),
        lanes::section(view),
        proofs::guarantees(view),
        proofs::scenarios(view),
        latency::section(view),
        page::repeat(view),
        page::unseen(view),
        Some(page::about(view)),
    ];
    let contents: String =
        sections.iter().flatten().map(|part| format!("<li><a href=\"#{}\">{}</a></li>\n", part.id, part.title)).collect();
    let body: String = sections.iter().flatten().map(Section::html).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{verdict}: {target} – status gap</title>\n<style>{STYLE}</style>\n</head>\n<body class=\"{class}\">\n\
         {SHAPES}{top}<main>\n{summary}<nav aria-label=\"Contents\"><ul>\n{contents}</ul></nav>\n{body}</main>\n\
         <script>{SCRIPT}</script>\n</body>\n</html>\n",
        policy = policy(),
        verdict = view.verdict.word().to_uppercase(),
        class = view.verdict.word(),
        target = text(&view.run.target),
        top = summary::top(view),
        summary = summary::summary(view),
    )
}

/// A part of the page with a heading of its own.
struct Section {
    id: &'static str,
    title: &'static str,
    body: String,
}

impl Section {
    fn html(&self) -> String {
        format!(
            "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{}</h2>\n{}</section>\n",
            self.title,
            self.body,
            id = self.id
        )
    }
}

/// What the page may do: show itself, with this style and this script. Everything that would reach a network is barred.
fn policy() -> String {
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

/// What a page without a script may do: show itself, with this style.
fn policy_of(style: &str) -> String {
    format!("default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'", digest(style))
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

/// Text from anywhere as text: nothing in it is markup, in an element or in a quoted attribute.
fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in raw.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A sentence: what stands between two backticks is set as code.
fn prose(raw: &str) -> String {
    let safe = text(&unbroken(raw));
    let parts: Vec<&str> = safe.split('`').collect();
    if parts.len().is_multiple_of(2) {
        // A backtick without its partner is one.
        return safe;
    }
    parts.iter().enumerate().map(|(at, part)| if at % 2 == 1 { format!("<code>{part}</code>") } else { (*part).to_owned() }).collect()
}

/// Keeps a number and its unit in one line.
fn unbroken(raw: &str) -> String {
    let mut words = raw.split(' ');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let unit = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        let joined = ["s", "ms", "%", "ns"].contains(&unit) && out.ends_with(|c: char| c.is_ascii_digit());
        out.push(if joined { '\u{a0}' } else { ' ' });
        out.push_str(word);
    }
    out
}

/// How a column of a table is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Words(&'static str),
    Number(&'static str),
}

/// More rows than that are not read by anybody; the result for programs has them all.
const ROWS: usize = 400;

/// A table in a box that scrolls by itself, so that the page never scrolls sideways. Cells are markup already.
fn table(caption: &str, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let class = |column: &Column| if matches!(column, Column::Number(_)) { " class=\"number\"" } else { "" };
    let header: String = columns
        .iter()
        .map(|column| {
            let (Column::Words(name) | Column::Number(name)) = column;
            format!("<th scope=\"col\"{}>{name}</th>", class(column))
        })
        .collect();
    let (mut body, mut count) = (String::new(), 0);
    for row in rows {
        count += 1;
        if count <= ROWS {
            let cells: String = row.iter().zip(columns).map(|(cell, column)| format!("<td{}>{cell}</td>", class(column))).collect();
            let _ = writeln!(body, "<tr>{cells}</tr>");
        }
    }
    let more = count.max(ROWS) - ROWS;
    let more = if more > 0 {
        format!("<p class=\"aside\">{} more in result.json.</p>\n", words::counted(more as u64, "row"))
    } else {
        String::new()
    };
    format!(
        "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{caption}\"><table>\n<thead><tr>{header}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n{more}"
    )
}

/// Something that can be unfolded.
fn folded(summary: &str, body: &str) -> String {
    format!("<details><summary>{summary}</summary>\n{body}</details>\n")
}

/// What a chart shows, as a table: for whoever cannot see or use the chart, and not for paper, where the chart stands already.
fn twin(summary: &str, table: &str) -> String {
    format!("<details class=\"twin\"><summary>{summary}</summary>\n{table}</details>\n")
}

/// A mark with what it stands for, for the key below a chart.
fn key(shape: &str, class: &str, label: &str) -> String {
    format!(
        "<span><svg class=\"mark-key\" width=\"14\" height=\"14\" aria-hidden=\"true\"><use href=\"#{shape}\" class=\"{class}\" x=\"7\" y=\"7\"/></svg>{label}</span>"
    )
}

/// A list of sentences, or nothing.
fn list<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: String = items.into_iter().map(|item| format!("<li>{}</li>\n", prose(item))).collect();
    if items.is_empty() { items } else { format!("<ul>\n{items}</ul>\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn text_from_a_server_stays_text() {
        assert_eq!(text("</script><img src=x onerror='a()'>&\""), "&lt;/script&gt;&lt;img src=x onerror=&#39;a()&#39;&gt;&amp;&quot;");
        assert_eq!(prose("`a<b` and `c`, <i>"), "<code>a&lt;b</code> and <code>c</code>, &lt;i&gt;");
        assert_eq!(prose("one ` alone"), "one ` alone");
        assert_eq!(prose("by 2 s, (95 %) so"), "by 2\u{a0}s, (95\u{a0}%) so", "a number keeps its unit");
    }

    /// The digests were made by `openssl dgst -sha256 -binary FILE | base64` (OpenSSL 3.0) over an empty file; the rest of the
    /// policy is checked by a browser in `tests/reports/html.rs`.
    #[test]
    fn the_policy_names_style_and_script_by_their_digests() {
        assert_eq!(base64::engine::general_purpose::STANDARD.encode(Sha256::digest(b"")), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert!(policy().starts_with("default-src 'none'; style-src 'sha256-"), "{}", policy());
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
