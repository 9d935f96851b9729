//! What the target says of itself: its spans beside what was measured.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::Analysis;
use crate::analysis::diagnosis::Cause;
use crate::analysis::scan::ScanHistory;
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::fault::FaultClass;
use crate::model::run::Journal;
use crate::model::span::SpanIntake;
use crate::report::view::{Mark, evidence};
use crate::report::{rounded, sentences, words};
use crate::traces::{self, Edge, Findings, InsideFact, Outcome, SpanName, Stance, Statement};

/// What the spans say.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InsideView {
    /// `named`, `all_had_ended`, `cannot_tell` or `nothing_to_explain`.
    pub outcome: &'static str,
    /// What makes scans visible, in a sentence.
    pub statement: String,
    /// The same for the first screen: with what speaks for a cause where no span is named, and what does not fit the measurement.
    #[serde(skip)]
    pub short: String,
    /// What that rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Scans that were denied at first and visible later.
    pub scans: u64,
    /// Those of them whose POST has spans.
    pub with_spans: u64,
    /// The span that makes scans visible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<NamedSpan>,
    /// By how much the target's clock is ahead of the run's at least, and at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<(f64, f64)>,
    /// The spans that explain most scans.
    pub spans: Vec<InsideRow>,
    /// What the spans say of causes.
    pub evidence: Vec<InsideEvidence>,
    /// Where they do not fit what was measured outside.
    pub contradictions: Vec<String>,
    /// What became of the spans that came in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intake: Option<SpanIntake>,
    /// The same in words, where some were lost.
    #[serde(skip)]
    pub lost: Option<String>,
    /// The clearest scan, for drawing.
    #[serde(skip)]
    pub picture: Option<Picture>,
}

impl InsideView {
    /// What reports ask beside the four questions.
    pub const QUESTION: &str = "What do its own spans say?";
}

/// The span that makes scans visible.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct NamedSpan {
    /// Which.
    pub span: SpanLabel,
    /// Whether it is its beginning or its end.
    pub edge: Edge,
    /// Scans that it explains.
    pub explained: u64,
    /// Of so many with spans.
    pub of: u64,
    /// The chance that some span explains as many.
    #[serde(serialize_with = "rounded::significant")]
    pub p: Option<f64>,
    /// Scans are visible at least and at most so long after it, if as long in all.
    pub apart_ms: (f64, f64),
    /// Median age at which it begins.
    #[serde(serialize_with = "rounded::ms")]
    pub begins_ms: f64,
    /// Median time that it takes.
    #[serde(serialize_with = "rounded::ms")]
    pub takes_ms: f64,
    /// Other spans that the polls do not tell from it.
    pub as_well: Vec<SpanLabel>,
    /// The process that it is of, for most scans.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
}

/// Which span, in the target's own words.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SpanLabel {
    /// The service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its name.
    pub name: String,
    /// The name of the span around it.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// The database or queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The function.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<String>,
    /// File and line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Which of several spans of this name, from 1; 0: the last of them, where some jobs have more than others.
    pub occurrence: u32,
}

/// One span of the table.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InsideRow {
    /// Which.
    pub span: SpanLabel,
    /// Beginning or end.
    pub edge: Edge,
    /// Scans that it explains.
    pub explained: u64,
    /// Scans that have it.
    pub of: u64,
    /// Median age at that end.
    #[serde(serialize_with = "rounded::ms")]
    pub age_ms: f64,
    /// Median time that it takes.
    #[serde(serialize_with = "rounded::ms")]
    pub takes_ms: f64,
}

/// What the spans say of one cause.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct InsideEvidence {
    /// The letter of the class.
    pub class: &'static str,
    /// For or against it.
    pub stance: Stance,
    /// Whether what was measured outside agrees; `null`: no cause was found outside.
    pub agrees: Option<bool>,
    /// In a sentence.
    pub sentence: String,
    /// The same as data.
    pub fact: Statement,
}

/// The clearest scan from outside and from inside.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// Its number in the run.
    pub scan: u64,
    /// Its bracket, as ages.
    pub bracket_ms: (f64, f64),
    /// Its POST and its status polls.
    pub exchanges: Vec<PictureExchange>,
    /// Its spans.
    pub spans: Vec<PictureSpan>,
    /// Requests and spans that are not among them.
    pub left_out: u64,
}

/// One request of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureExchange {
    pub sent_ms: f64,
    pub done_ms: f64,
    pub asked: String,
    pub answered: String,
    pub mark: Mark,
}

/// One span of it.
#[derive(Debug, Clone, PartialEq)]
pub struct PictureSpan {
    pub start_ms: f64,
    pub end_ms: f64,
    pub label: SpanLabel,
    pub is_named: bool,
}

impl SpanLabel {
    fn of(name: &SpanName) -> SpanLabel {
        let clean = |text: &String| words::name(text);
        // What it did says more than a name that only repeats the command.
        let shown = name.operation.as_ref().filter(|operation| operation.to_ascii_uppercase().starts_with(&name.name.to_ascii_uppercase()));
        SpanLabel {
            service: name.service.as_ref().map(clean),
            name: words::name(shown.unwrap_or(&name.name)),
            within: name.within.as_ref().map(clean),
            system: name.system.as_ref().map(clean),
            function: name.function.as_ref().map(clean),
            place: name.place.as_ref().map(|place| words::name(&shortened(place))),
            occurrence: name.occurrence,
        }
    }

    /// Its name in backticks, with what is known of it in brackets.
    pub fn quoted(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.system.clone());
        if let Some(outer) = self.function.as_ref().or(self.within.as_ref()) {
            parts.push(format!("in `{outer}`"));
        }
        parts.extend(self.place.clone());
        match self.occurrence {
            0 => parts.push("the last of its name".to_owned()),
            1 => {}
            n => parts.push(format!("no. {n} of its name")),
        }
        if parts.is_empty() { format!("`{}`", self.name) } else { format!("`{}` ({})", self.name, parts.join(", ")) }
    }
}

/// The last parts of a path, with the line.
fn shortened(place: &str) -> String {
    let parts: Vec<&str> = place.split(['/', '\\']).collect();
    if place.len() <= 40 { place.to_owned() } else { parts[parts.len().saturating_sub(2)..].join("/") }
}

/// What the spans of a log say; `None` where nobody listened for any.
pub(super) fn inside(journal: &Journal, analysis: &Analysis, histories: &[ScanHistory<'_>]) -> Option<InsideView> {
    let findings = traces::findings(journal, analysis)?;
    let named = match &findings.outcome {
        Outcome::Named(named) => Some(named),
        _ => None,
    };
    let outside: Vec<FaultClass> = analysis.diagnosis.causes.iter().flat_map(Cause::classes).collect();
    Some(InsideView {
        outcome: match &findings.outcome {
            Outcome::NothingToExplain => "nothing_to_explain",
            Outcome::Named(_) => "named",
            Outcome::AllHadEnded { .. } => "all_had_ended",
            Outcome::CannotTell(_) => "cannot_tell",
        },
        statement: words::sentence(&sentences::inside::outcome(&findings.outcome, findings.scans, SpanLabel::of)),
        short: words::sentence(&sentences::inside::in_short(&findings, &outside, SpanLabel::of)),
        basis: sentences::inside::basis(&findings).map(|basis| words::sentence(&basis)),
        scans: findings.scans,
        with_spans: findings.with_spans,
        named: named.map(|named| NamedSpan {
            span: SpanLabel::of(&named.span),
            edge: named.edge,
            explained: named.explained,
            of: named.of,
            p: Some(named.p),
            apart_ms: (microseconds(named.after_ns.as_ms()), microseconds(named.until_ns.as_ms())),
            begins_ms: named.begins_ns.as_ms(),
            takes_ms: named.takes_ns.as_ms(),
            as_well: named.as_well.iter().map(SpanLabel::of).collect(),
            instance: named.instance.as_deref().map(words::name),
        }),
        clock_ahead_ms: findings.clock.map(|clock| (microseconds(clock.least_ns.as_ms()), microseconds(clock.most_ns.as_ms()))),
        spans: rows(&findings),
        evidence: findings.facts.iter().map(said).collect(),
        contradictions: findings
            .facts
            .iter()
            .filter_map(|fact| sentences::inside::contradiction(fact, &outside))
            .map(|text| words::sentence(&text))
            .collect(),
        lost: findings.intake.and_then(sentences::inside::intake),
        intake: findings.intake,
        picture: findings.picture.as_ref().and_then(|picture| drawn(picture, histories)),
    })
}

fn rows(findings: &Findings) -> Vec<InsideRow> {
    let row = |row: &traces::SpanRow| InsideRow {
        span: SpanLabel::of(&row.span),
        edge: row.edge,
        explained: row.explained,
        of: row.of,
        age_ms: row.age_ns.as_ms(),
        takes_ms: row.takes_ns.as_ms(),
    };
    findings.rows.iter().map(row).collect()
}

fn said(fact: &InsideFact) -> InsideEvidence {
    InsideEvidence {
        class: fact.class.letter(),
        stance: fact.stance,
        agrees: fact.agrees,
        sentence: words::sentence(&sentences::inside::fact(fact)),
        fact: fact.statement,
    }
}

/// Which of the classes of a cause that polls do not tell apart the spans speak for: one alone, and nothing against what was measured.
pub(super) fn told_apart(inside: Option<&InsideView>, cause: &Cause) -> Option<FaultClass> {
    let evidence = &inside?.evidence;
    if cause.or.is_empty() || evidence.iter().any(|one| one.agrees == Some(false)) {
        return None;
    }
    let speaks_for = |class: &FaultClass| evidence.iter().any(|one| one.stance == Stance::For && one.class == class.letter());
    let mut classes = cause.classes().filter(speaks_for);
    classes.next().filter(|_| classes.next().is_none())
}

/// So many requests are drawn.
const EXCHANGES: usize = 80;

fn drawn(picture: &traces::ScanPicture, histories: &[ScanHistory<'_>]) -> Option<Picture> {
    let scan = histories.iter().find(|scan| scan.number() == picture.scan)?;
    let known = scan.known_from()?;
    let age = |stamp: crate::model::time::Stamp| stamp.since(known).as_ms();
    let end = picture.until_ns.as_ms() * 1.25;
    let one = |exchange: &Exchange| PictureExchange {
        sent_ms: age(exchange.sent),
        done_ms: age(exchange.done),
        asked: if exchange.kind == Kind::Initiate { "POST".to_owned() } else { evidence::asked(exchange.kind) },
        answered: words::name(&exchange.told()),
        mark: match (exchange.kind, exchange.answer) {
            (Kind::Poll, Answer::NotFound) => Mark::Fails,
            (_, Answer::Visible | Answer::Accepted) => Mark::Works,
            _ => Mark::Neutral,
        },
    };
    let mut exchanges: Vec<&Exchange> = std::iter::once(scan.initiate).chain(scan.polls().iter().copied()).collect();
    exchanges.retain(|exchange| age(exchange.sent) <= end);
    exchanges.sort_by_key(|exchange| exchange.sent);
    let left_out = exchanges.len().saturating_sub(EXCHANGES) as u64;
    // The last ones: what matters is where it turns.
    let exchanges = exchanges.iter().skip(left_out as usize).map(|exchange| one(exchange)).collect();
    Some(Picture {
        scan: picture.scan,
        bracket_ms: (picture.after_ns.as_ms(), picture.until_ns.as_ms()),
        exchanges,
        spans: picture
            .spans
            .iter()
            .map(|span| PictureSpan {
                start_ms: span.start_ns.as_ms(),
                end_ms: span.end_ns.as_ms(),
                label: SpanLabel::of(&span.name),
                is_named: span.is_named,
            })
            .collect(),
        left_out: picture.left_out + left_out,
    })
}

/// Milliseconds to the microsecond.
fn microseconds(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}
