//! Runs written as timelines, and what the whole way from the log to the verdict makes of them.
//!
//! A line is one scan, or `20*` of them; its words are exchanges by age in ms: `[lane/]sent[+trip][@offset]=answer`.
//!
//! | part | meaning |
//! |---|---|
//! | lane | none: a poll on a fresh connection; `k` kept, `p` pooled, `f` a foreign user, `w` witness, `r` results, `x` cancel, `b` repeat |
//! | `+trip` | round trip in ms, 2 if left out |
//! | `@offset` | a gate offset; `@100=v` alone was sent when it should have been |
//! | answer | `v` visible, `n` `not_found`, `5xx`, `429`, `403`, `bad` (malformed), `lost` (no reply), `ok` (accepted) |
//! | after it | `:run`, `:done`, `:fail`, `:odd` the state (`:odd.archived` with the deployment's word), then `:3` the progress; `~id` the echoed id; `#2` the worker; `!hit` a cache's hit, `!max-age=5;age:3` what it may keep and for how long it did |
//!
//! `id=x` names the scan, `at=500` has its id arrive at that ms of the run (else scans are a minute apart), `refused` is an initiate that failed. `control n v` are polls for never-issued ids (one `n` if there is no
//! such line), `arm 1` says that the scans from here on belong to the second arm, `cut` that the log has no end.

use serde_json::{Value, json};
use statusgap::analysis::{Analysis, analyse};
use statusgap::model::exchange::Exchange;
use statusgap::model::run::Journal;
use statusgap::model::scenario::Scenario;
use statusgap::model::source::Source;
use statusgap::verdict::{Judgement, judge};

/// Between the starts of two scans, so that none of them meet.
const APART_MS: f64 = 60_000.0;

/// Reads a scenario of which only the telling part is written.
pub fn scenario(telling: &str) -> Scenario {
    let text = format!("name = \"case\"\ntitle = \"a case\"\nsource = \"a test\"\n{telling}");
    Scenario::read(Source { file: "case.toml", text: &text }).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Reads a timeline.
pub fn journal(scenario: Scenario, timeline: &str) -> Journal {
    let mut exchanges = Vec::new();
    let mut controls = None;
    let (mut scan, mut arm, mut whole) = (0, 0, true);
    for line in timeline.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(answers) = line.strip_prefix("control") {
            controls = Some(answers.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        } else if let Some(index) = line.strip_prefix("arm ") {
            arm = index.parse().unwrap();
        } else if line == "cut" {
            whole = false;
        } else {
            let (times, words) = line.split_once("* ").map_or((1, line), |(times, words)| (times.parse().unwrap(), words));
            for _ in 0..times {
                exchanges.extend(one_scan(scan, arm, words));
                scan += 1;
            }
        }
    }
    for answer in controls.unwrap_or_else(|| vec!["n".to_owned()]) {
        let mut control = exchange("unknown_poll", "fresh", 0.0, 2.0);
        control.extend([("purpose".to_owned(), json!("other")), ("answer".to_owned(), json!(meaning(&answer)))]);
        exchanges.push(Value::Object(control));
    }
    let mut exchanges: Vec<Exchange> = exchanges.into_iter().map(|value| serde_json::from_value(value).unwrap()).collect();
    statusgap::log::in_order(&mut exchanges);
    let run = json!({
        "schema": 1, "tool": "a test", "run_id": "case", "started": "2026-01-01T00:00:00Z", "seed": 1,
        "target": { "name": "case", "base_url": "http://127.0.0.1:1", "file": "",
            "can": { "foreign_user": true, "witness": true, "results": true, "cancel": true, "echo": true, "states": true, "handed_out": true } },
        "scenarios": [], "clock": { "timer": "virtual", "resolution": 1 }, "command": "", "environment": { "system": "any", "processors": 1 },
    });
    let end = whole.then(|| serde_json::from_value(json!({ "at": 0, "reason": "complete", "exchanges": exchanges.len() })).unwrap());
    Journal {
        run: serde_json::from_value(run).unwrap(),
        scenarios: vec![scenario],
        exchanges,
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: statusgap::model::span::Inside::default(),
        end,
        torn: false,
    }
}

/// Several runs as the scenarios of one.
pub fn together(journals: Vec<Journal>) -> Journal {
    let mut all: Option<Journal> = None;
    for (index, mut next) in journals.into_iter().enumerate() {
        let later = index as u64 * 1_000_000_000_000_000;
        for exchange in &mut next.exchanges {
            exchange.scenario = index as u32;
            exchange.scan = exchange.scan.get().map(|scan| scan + 1000 * index as u64).into();
            for stamp in [&mut exchange.planned, &mut exchange.sent, &mut exchange.done] {
                stamp.0 += later;
            }
        }
        match &mut all {
            None => all = Some(next),
            Some(all) => {
                all.scenarios.append(&mut next.scenarios);
                all.exchanges.append(&mut next.exchanges);
            }
        }
    }
    all.expect("at least one run")
}

type Fields = serde_json::Map<String, Value>;

fn ns(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

fn exchange(kind: &str, connection: &str, sent: f64, trip: f64) -> Fields {
    let fields = json!({
        "scenario": 0, "kind": kind, "connection": connection, "purpose": "follow",
        "planned": ns(sent), "sent": ns(sent), "done": ns(sent + trip),
    });
    fields.as_object().unwrap().clone()
}

fn meaning(answer: &str) -> &str {
    match answer {
        "v" => "visible",
        "n" => "not_found",
        "ok" => "accepted",
        "5xx" => "server_error",
        "429" => "throttled",
        "403" => "refused",
        "bad" => "malformed",
        "lost" => "transport",
        other => panic!("`{other}` is not an answer"),
    }
}

fn one_scan(scan: u64, arm: u32, words: &str) -> Vec<Value> {
    let at = words.split_whitespace().find_map(|word| word.strip_prefix("at="));
    let t0 = at.map_or(APART_MS * scan as f64 + 1000.0, |at| at.parse().unwrap());
    let id = words.split_whitespace().find_map(|word| word.strip_prefix("id=")).map_or_else(|| format!("scan-{scan}"), str::to_owned);
    let refused = words.split_whitespace().any(|word| word == "refused");
    let mut initiate = exchange("initiate", "fresh", t0 - 10.0, 10.0);
    initiate.insert("answer".into(), json!(if refused { "server_error" } else { "accepted" }));
    if !refused {
        initiate.insert("id".into(), json!(id));
    }
    let mut all = vec![initiate];
    for word in words.split_whitespace().filter(|word| !word.starts_with("id=") && !word.starts_with("at=") && *word != "refused") {
        all.push(one_exchange(t0, word));
    }
    let belongs = |mut fields: Fields| {
        fields.insert("scan".into(), json!(scan));
        fields.insert("arm".into(), json!(arm));
        Value::Object(fields)
    };
    all.into_iter().map(belongs).collect()
}

fn one_exchange(t0: f64, word: &str) -> Fields {
    let (when, what) = word.split_once('=').unwrap_or_else(|| panic!("`{word}` has no answer"));
    let (lane, when) = when.split_once('/').unwrap_or(("", when));
    let (when, offset) = when.split_once('@').map_or((when, None), |(when, offset)| (when, Some(offset)));
    let (sent, trip) = when.split_once('+').unwrap_or((when, "2"));
    let planned = offset.map(|offset| offset.parse::<f64>().unwrap());
    let sent = if sent.is_empty() { planned.unwrap() } else { sent.parse().unwrap_or_else(|_| panic!("`{word}` has no age")) };
    let (kind, connection) = match lane {
        "" => ("poll", "fresh"),
        "k" => ("poll", "keep-alive"),
        "p" => ("poll", "pooled"),
        "f" => ("foreign_poll", "fresh"),
        "w" => ("witness", "fresh"),
        "r" => ("results", "fresh"),
        "x" => ("cancel", "fresh"),
        "b" => ("repeat", "fresh"),
        other => panic!("`{other}` is not a lane"),
    };
    let mut fields = exchange(kind, connection, t0 + sent, trip.parse().unwrap());
    if let Some(planned) = planned {
        fields.insert("purpose".into(), json!("offset"));
        fields.insert("offset".into(), json!(ns(planned)));
        fields.insert("planned".into(), json!(ns(t0 + planned)));
    }
    let (what, cache) = what.split_once('!').map_or((what, None), |(what, cache)| (what, Some(cache)));
    let (what, worker) = what.split_once('#').map_or((what, None), |(what, worker)| (what, Some(worker)));
    let (what, echo) = what.split_once('~').map_or((what, None), |(what, echo)| (what, Some(echo)));
    let mut parts = what.split(':');
    fields.insert("answer".into(), json!(meaning(parts.next().unwrap())));
    if what == "lost" {
        fields.insert("fault".into(), json!("timeout"));
    }
    if let Some(state) = parts.next() {
        let (state, word) = state.split_once('.').map_or((state, None), |(state, word)| (state, Some(word)));
        let state = match state {
            "run" => "running",
            "done" => "succeeded",
            "fail" => "failed",
            _ => "unknown",
        };
        fields.insert("state".into(), json!(state));
        if let Some(word) = word {
            fields.insert("word".into(), json!(word));
        }
    }
    if let Some(progress) = parts.next() {
        fields.insert("progress".into(), json!(progress.parse::<f64>().unwrap()));
    }
    if let Some(echo) = echo {
        fields.insert(if kind == "repeat" { "id" } else { "echo" }.into(), json!(echo));
    }
    if let Some(worker) = worker {
        fields.insert("worker".into(), json!(worker));
    }
    if let Some(cache) = cache {
        let header = if cache.contains('=') { "cache-control" } else { "x-cache" };
        fields.insert("cache".into(), json!(format!("{header}: {cache}")));
    }
    fields
}

/// Everything that can be asked of a timeline.
pub struct Seen {
    pub analysis: Analysis,
    pub judgement: Judgement,
}

impl Seen {
    pub fn of(journal: &Journal) -> Seen {
        let analysis = analyse(journal);
        let judgement = judge(journal, &analysis);
        Seen { analysis, judgement }
    }

    /// One fact in words.
    pub fn fact(&self, name: &str) -> String {
        let window = &self.analysis.window;
        let scenario = &self.analysis.scenarios[0];
        let words = |all: Vec<String>| if all.is_empty() { "none".to_owned() } else { all.join(" ") };
        let (word, about) = name.split_once(' ').unwrap_or((name, ""));
        match word {
            "brackets" => words(
                window
                    .brackets
                    .iter()
                    .map(|(after, until)| until.get().map_or_else(|| format!("({after}, ∞)"), |until| format!("({after}, {until}]")))
                    .collect(),
            ),
            "flapping" => window.flapping.to_string(),
            "never" => window.never_visible.to_string(),
            "no-evidence" => window.no_evidence.to_string(),
            "denied" => window.denied.to_string(),
            "by" => {
                let at: f64 = about.parse().unwrap();
                let share = window.visible_by.iter().find(|share| (share.t_ms - at).abs() < 1e-9).expect("an age of the scenario");
                format!("{:.2}..{:.2}", share.share_from, share.share_to)
            }
            "limits" => {
                let at: f64 = about.parse().unwrap();
                let share = window.visible_by.iter().find(|share| (share.t_ms - at).abs() < 1e-9).expect("an age of the scenario");
                format!("{:.2}..{:.2} of {}", share.lower, share.upper, share.scans)
            }
            "quantile" => {
                let p: f64 = about.parse().unwrap();
                let told = window.quantiles.iter().find(|told| (told.p - p).abs() < 1e-9).expect("a quantile that is told");
                let end = |end: Option<f64>| end.map_or_else(|| "∞".to_owned(), |end| end.to_string());
                let caveat = told.caveat.map_or_else(String::new, |caveat| format!(" {caveat:?}"));
                format!("{}..{} at most {}{caveat}", told.from_ms, end(told.to_ms), end(told.at_most_ms))
            }
            "at" => {
                let at: f64 = about.parse().unwrap();
                let rate = scenario.offsets.iter().find(|rate| (rate.at.as_ms() - at).abs() < 1e-9).expect("an offset of the scenario");
                format!("{}/{} late {} other {}", rate.not_found, rate.polls, rate.late, rate.other)
            }
            "broken" => words(scenario.guarantees.iter().filter(|c| c.broken > 0).map(|c| c.guarantee.name().to_owned()).collect()),
            "checked" => {
                let checked = scenario.guarantees.iter().find(|checked| checked.guarantee.name() == about).expect("a guarantee");
                format!("{}/{}", checked.broken, checked.checked)
            }
            "verdict" => self.judgement.verdict.word().to_owned(),
            "reasons" => {
                let tag = |reason| serde_json::to_value(reason).unwrap()["reason"].as_str().unwrap().to_owned();
                words(self.judgement.reasons.iter().map(tag).collect())
            }
            "could-miss" => self.judgement.scenarios[0].could_miss.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.4}")),
            "causes" => words(self.analysis.diagnosis.causes.iter().map(|cause| cause.class.letter().to_owned()).collect()),
            "strength" => words(self.analysis.diagnosis.causes.iter().map(|cause| format!("{:?}", cause.strength)).collect()),
            "either" => {
                words(self.analysis.diagnosis.causes.iter().flat_map(|cause| &cause.or).map(|class| class.letter().to_owned()).collect())
            }
            "patterns" => words(self.analysis.diagnosis.patterns.iter().map(|pattern| pattern.kind().to_owned()).collect()),
            "undecided" => self.analysis.diagnosis.open.len().to_string(),
            "unclear" => {
                let checked = scenario.guarantees.iter().find(|checked| checked.guarantee.name() == about).expect("a guarantee");
                words(checked.unclear.iter().map(statusgap::report::sentences::unclear).collect())
            }
            "not-assessed" => {
                let checked = scenario.guarantees.iter().find(|checked| checked.guarantee.name() == about).expect("a guarantee");
                checked.not_assessed.as_ref().map_or_else(|| "no".to_owned(), statusgap::report::sentences::not_assessed)
            }
            "excluded" => {
                let out = self.analysis.diagnosis.ruled_out.iter().any(|out| out.class.letter() == about);
                if out { "yes" } else { "no" }.to_owned()
            }
            other => panic!("`{other}` is not a fact"),
        }
    }
}
