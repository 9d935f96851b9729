//! What a recording becomes: scans, brackets, and what is said to be missing.

mod fixtures;
mod hostile;
mod orders;

use super::{Format, ImportError, Imported, LogFormat, Mapping, Options, Stamped, import};
use crate::analysis::scan::{Scans, Visibility};
use crate::analysis::{Analysis, analyse};
use crate::model::recording::Blind;
use crate::model::run::{ClockNote, End, EndReason, Environment, Journal, Run};
use crate::model::source::Source;
use crate::model::time::{Bracket, Nanos, Span, Stamp};
use crate::target::{Hosts, Target};
use crate::verdict::{Verdict, judge};

/// The contract of `fixtures/services/jobs.py`: an id in `Location`, and 404 for an unknown job.
const JOBS: &str = include_str!("../../../fixtures/services/jobs.toml");

/// One whose id stands in a body.
const IN_BODY: &str =
    "name = 'x'\nbase_url = 'http://h'\n[initiate]\npath = '/jobs'\nid = { pointer = '/id' }\n[status]\npath = '/jobs/{id}'\n";

fn target(text: &str, url: &str) -> Target {
    let lookup = |name: &str| (name == "JOBS_URL").then(|| url.to_owned());
    Target::read(Source { file: "target.toml", text }, &lookup).unwrap_or_else(|error| panic!("{error}"))
}

fn read(text: &[u8], format: &Format, target: &Target) -> Result<Imported, ImportError> {
    let options = Options { target: Some(target), hosts: Hosts::Own, at: Vec::new(), tolerance: Span::millis(50) };
    import("recording", text, format, &options)
}

fn combined() -> Format {
    Format::AccessLog(LogFormat::combined(), Stamped::End)
}

fn json_lines() -> Format {
    Format::JsonLines(Mapping::default(), Stamped::Start, "ndjson")
}

/// The imported log as its reader would have it.
fn journal(imported: &Imported, target: &Target) -> Journal {
    let run = Run {
        schema: 1,
        tool: "test".to_owned(),
        run_id: "test".to_owned(),
        started: imported.started.clone(),
        seed: 0,
        target: target.note(),
        scenarios: imported.scenarios.clone(),
        clock: ClockNote { timer: "imported".to_owned(), resolution: imported.resolution },
        shard: None,
        pair: None,
        command: String::new(),
        environment: Environment { system: String::new(), processors: 1 },
        allow: Vec::new(),
        recording: Some(imported.recording.clone()),
        contact: None,
        trace_prefix: None,
    };
    let end = End::new(Stamp(0), EndReason::Complete, imported.exchanges.len() as u64);
    Journal {
        run,
        scenarios: imported.scenarios.clone(),
        exchanges: imported.exchanges.clone(),
        end: Some(end),
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: crate::model::span::Inside::default(),
        torn: false,
    }
}

fn judged(imported: &Imported, target: &Target) -> (Analysis, Verdict) {
    let journal = journal(imported, target);
    let analysis = analyse(&journal);
    let verdict = judge(&journal, &analysis).verdict;
    (analysis, verdict)
}

/// The brackets of all scans that became visible for good.
fn brackets(imported: &Imported, target: &Target) -> Vec<Bracket> {
    let journal = journal(imported, target);
    Scans::of(&journal.exchanges)
        .histories()
        .iter()
        .filter_map(|scan| match scan.visibility() {
            Visibility::Seen(bracket) => Some(bracket),
            _ => None,
        })
        .collect()
}

fn blind(imported: &Imported, wanted: &Blind) -> bool {
    imported.recording.blind.contains(wanted)
}
