//! From findings to text: what a person or a program reads of a run.
//!
//! In go a [`Journal`](crate::model::run::Journal), its [`Analysis`](crate::analysis::Analysis) and the
//! [`Judgement`](crate::verdict::Judgement) on it; out comes text. [`View`] chooses every number and every sentence once, so
//! that the formats cannot contradict each other; each format is one small file that lays a view out. This room does no I/O,
//! reads no clock and detects no terminal: width and colour come in as [`Style`]. Whatever came from a server, a log or a
//! file is stripped of control characters and bounded before it enters a view. It may name `model`, `analysis`, `verdict`, `bundle`.

pub mod comparison;
mod github;
mod hlog;
mod html;
mod json;
mod junit;
pub mod latency;
mod layout;
pub mod live;
mod markdown;
mod noun;
mod openmetrics;
mod plot;
mod pull_request;
mod rounded;
#[cfg(test)]
mod samples;
mod screen;
pub mod sentences;
mod table;
mod tables;
mod terminal;
pub mod trend;
pub mod view;
pub mod watch_status;
mod words;

pub use github::github;
pub use hlog::hlog;
pub use html::{html, watch_html};
pub use json::{json, result_schema};
pub use junit::junit;
pub use latency::Latency;
pub use layout::{Colour, Style};
pub use markdown::markdown;
pub use openmetrics::{openmetrics, watch_openmetrics};
pub use pull_request::pull_request;
pub use screen::{MOST_LINES, screen};
pub use terminal::terminal;
pub use view::View;

use noun::Medium;

/// What a report is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A table for the terminal.
    #[default]
    Table,
    /// GitHub-flavoured markdown.
    Markdown,
    /// `statusgap.result/1`.
    Json,
    /// One self-contained page.
    Html,
    /// JUnit XML, in the dialect that Jenkins and Surefire share.
    Junit,
    /// Workflow commands that GitHub shows as annotations.
    Github,
    /// Markdown for a comment on a pull request: short, bounded, with a mark by which to find it again.
    PullRequest,
    /// OpenMetrics 1.0 text.
    OpenMetrics,
    /// Round trips as an interval log of HDR histograms.
    Hlog,
    /// How long jobs take, as markdown.
    Latency,
    /// The same as a page.
    LatencyHtml,
    /// The same as a picture.
    LatencySvg,
    /// The same for programs: `statusgap.latency/1`.
    LatencyJson,
}

impl Format {
    /// All formats, in the order in which help lists them.
    pub const ALL: [Format; 13] = [
        Format::Table,
        Format::Markdown,
        Format::Json,
        Format::Html,
        Format::Junit,
        Format::Github,
        Format::PullRequest,
        Format::OpenMetrics,
        Format::Hlog,
        Format::Latency,
        Format::LatencyHtml,
        Format::LatencySvg,
        Format::LatencyJson,
    ];

    /// The name used in flags.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Markdown => "markdown",
            Format::Json => "json",
            Format::Html => "html",
            Format::Junit => "junit",
            Format::Github => "github",
            Format::PullRequest => "pr",
            Format::OpenMetrics => "openmetrics",
            Format::Hlog => "hlog",
            Format::Latency => "latency",
            Format::LatencyHtml => "latency-html",
            Format::LatencySvg => "latency-svg",
            Format::LatencyJson => "latency-json",
        }
    }

    /// The format of a name.
    pub fn named(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The file's name in a run's folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Table => "report.txt",
            Format::Markdown => "report.md",
            Format::Json => "result.json",
            Format::Html => "report.html",
            Format::Junit => "junit.xml",
            Format::Github => "annotations.txt",
            Format::PullRequest => "comment.md",
            // The name by which GitLab looks for metrics.
            Format::OpenMetrics => "metrics.txt",
            Format::Hlog => "latency.hlog",
            Format::Latency => "latency.md",
            Format::LatencyHtml => "latency.html",
            Format::LatencySvg => "latency.svg",
            Format::LatencyJson => "latency.json",
        }
    }

    /// Whether it is a report on how long jobs take, which several runs share.
    pub fn is_latency(self) -> bool {
        matches!(self, Format::Latency | Format::LatencyHtml | Format::LatencySvg | Format::LatencyJson)
    }

    /// Whether it says what the twins of a log say, or how well a cause is supported, which follows from them.
    pub fn shows_twins(self) -> bool {
        self != Format::Hlog
    }

    /// Whether the texts of several runs can follow one another and still be read. The others are one document each.
    pub fn can_be_strung_together(self) -> bool {
        matches!(self, Format::Table | Format::Markdown | Format::Json | Format::Github)
    }
}

/// Lays a view out. `style` matters to [`Format::Table`] alone; files have no width. Ends with a newline.
pub fn render(view: &View, format: Format, style: Style) -> String {
    let text = laid_out(view, format, style);
    let medium = match format {
        Format::Table => Medium::Columns,
        Format::Markdown | Format::PullRequest | Format::Latency => Medium::Markdown,
        Format::Html | Format::Junit | Format::LatencyHtml | Format::LatencySvg => Medium::Markup,
        Format::Github => Medium::Sentence,
        // For programs; the sentences in it have the noun already.
        Format::Json | Format::LatencyJson | Format::OpenMetrics | Format::Hlog => return text,
    };
    // The sentences have the noun already; headings and labels are the formats' own.
    if view.noun.is_of_older_logs() { text } else { noun::called(&text, &view.noun, medium) }
}

fn laid_out(view: &View, format: Format, style: Style) -> String {
    match format {
        Format::Table => terminal(view, style),
        Format::Markdown => markdown(view),
        Format::Json => json(view),
        Format::Html => html(view),
        Format::Junit => junit(view),
        Format::Github => github(view),
        Format::PullRequest => pull_request(view),
        Format::OpenMetrics => openmetrics(view),
        Format::Hlog => hlog(view),
        Format::Latency | Format::LatencyHtml | Format::LatencySvg | Format::LatencyJson => {
            render_latency(&Latency::of(view), format, None)
        }
    }
}

/// Lays out a latency report in one of its formats; `picture` is the file that markdown shows, if there is one. Ends with a newline.
pub fn render_latency(report: &Latency<'_>, format: Format, picture: Option<&str>) -> String {
    match format {
        Format::LatencyHtml => latency::html(report),
        Format::LatencySvg => latency::svg(report),
        Format::LatencyJson => latency::json(report),
        _ => latency::markdown(report, picture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::diagnosis::{Division, Fact, IdPart};
    use crate::analysis::guarantees::{Ambiguity, Breach, NotAssessed, Unclear};

    const PLAIN: Style = Style { width: 100, colour: Colour::Off };

    #[test]
    fn a_hostile_server_cannot_steer_any_format() {
        const EVIL: &str =
            "x\u{1b}[2J\u{7}\r\n# PASS\u{202e} | `y` </script></style><img src=x onerror=\"alert(1)\" '><svg/onload=alert(2)>";
        let (mut journal, mut analysis, judgement) = samples::seed_bug();
        let run = &mut journal.run;
        for text in [&mut run.target.name, &mut run.target.base_url, &mut run.command, &mut run.started, &mut run.tool, &mut run.run_id] {
            text.push_str(EVIL);
        }
        journal.scenarios[0].name.push_str(EVIL);
        journal.scenarios[0].title.push_str(EVIL);
        for exchange in &mut journal.exchanges {
            exchange.word = exchange.word.as_ref().map(|word| format!("{word}{EVIL}").into());
        }
        for checked in &mut analysis.guarantees {
            for proof in &mut checked.evidence {
                proof.breach = Breach::OtherId { asked: EVIL.to_owned(), answered: EVIL.to_owned() };
                proof.exchanges.iter_mut().for_each(|exchange| exchange.worker = Some(EVIL.to_owned()));
            }
            if checked.checked == 0 {
                let why = Ambiguity::UnlistedWord(EVIL.to_owned());
                checked.not_assessed = Some(NotAssessed::Unclear(Unclear { why, scans: 0, hits: 1, of: 1 }));
            }
        }
        for step in analysis.timeline.iter_mut().flat_map(|timeline| &mut timeline.steps) {
            step.told.push_str(EVIL);
            step.worker = Some(EVIL.to_owned());
        }
        let part = IdPart { division: Division::LastCharacter, parts: vec![EVIL.to_owned()] };
        analysis.diagnosis.causes[0].facts.push(Fact::IdsDivided { part, lost: 1, seen: 1, p: 0.5 });
        let view = View::of(&journal, &analysis, &judgement);
        for format in Format::ALL {
            let text = render(&view, format, PLAIN);
            let bad: Vec<char> = text.chars().filter(|c| (c.is_control() && *c != '\n') || *c == '\u{202e}').collect();
            assert!(bad.is_empty(), "{format:?}: {bad:?}");
            assert!(!text.contains("\n# PASS"), "{format:?}: a server wrote a headline");
            if matches!(format, Format::LatencyHtml | Format::LatencySvg) {
                assert!(
                    !text.contains("onerror=\"") && !text.contains("<svg/") && !text.contains("<script"),
                    "a server wrote markup: {text}"
                );
            }
            if format == Format::Html {
                assert!(
                    !text.contains("<img") && !text.contains("<svg/") && text.matches("</script>").count() == 1,
                    "a server wrote markup"
                );
            }
        }
    }

    #[test]
    fn a_log_without_exchanges_is_reported_rather_than_refused() {
        let (mut journal, ..) = samples::partial();
        journal.exchanges.clear();
        for scenarios in [journal.scenarios.clone(), Vec::new()] {
            journal.scenarios = scenarios;
            let analysis = crate::analysis::analyse(&journal);
            let view = View::of(&journal, &analysis, &crate::verdict::judge(&journal, &analysis));
            assert_eq!(view.verdict, crate::verdict::Verdict::Inconclusive);
            // An annotation has no room for what the log lacks.
            for format in Format::ALL.into_iter().filter(|format| *format != Format::Github) {
                let text = render(&view, format, PLAIN);
                assert!(text.contains("0 exchanges") && !text.contains("NaN"), "{format:?}: {text}");
            }
        }
    }

    #[test]
    fn a_partial_run_is_named_as_such_in_every_format() {
        let view = samples::view(&samples::partial());
        for format in Format::ALL {
            let text = render(&view, format, PLAIN);
            assert!(text.contains("PARTIAL LOG") && text.contains("TORN LOG"), "{format:?}: {text}");
        }
        let text = screen(&view, PLAIN);
        assert!(text.contains("PARTIAL LOG") && text.contains("TORN LOG"), "{text}");
    }

    #[test]
    fn every_format_tells_the_same_verdict() {
        for (name, view) in samples::all() {
            for format in Format::ALL {
                let text = render(&view, format, PLAIN);
                let words = [view.verdict.word().to_owned(), view.verdict.word().to_uppercase()];
                assert!(words.iter().any(|word| text.contains(word)), "{name} as {format:?}: {text}");
            }
        }
    }
}
