//! How to see it again: the run's command, and a few lines of shell that need nothing but curl.
//!
//! The lines are made of the target file as it stands in the log. They ask for a new scan and poll that one: an id of
//! yesterday reproduces nothing. A log may come from anywhere, so everything in it is quoted for the shell.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use toml::{Table, Value};

use crate::analysis::Analysis;
use crate::evidence::shell::{self, Holes};
use crate::model::run::Journal;
use crate::report::view::Repeat;
use crate::report::words;

/// The command and, where something was denied and the target file says enough, the snippet.
pub(super) fn repeat(journal: &Journal, analysis: &Analysis) -> Repeat {
    let command = words::clean(journal.run.command.trim(), 2000);
    let snippet = denied_age(analysis).and_then(|seconds| snippet(journal, analysis.window.flapping > 0, seconds));
    Repeat { command, snippet }
}

/// The first age in seconds at which status denied a scan: a gate offset if one failed, else the clearest scan's.
fn denied_age(analysis: &Analysis) -> Option<f64> {
    let offsets = analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets);
    let at_offset = offsets.filter(|rate| rate.not_found > 0).map(|rate| rate.at).min();
    let in_timeline = || analysis.timeline.as_ref()?.steps.iter().find(|step| step.denied).map(|step| step.at);
    at_offset.or_else(in_timeline).map(|at| (at.as_ms().max(0.0) / 100.0).round() / 10.0)
}

fn snippet(journal: &Journal, flapping: bool, seconds: f64) -> Option<String> {
    let note = &journal.run.target;
    let file: Table = note.file.parse().ok()?;
    let initiate = file.get("initiate")?.as_table()?;
    let status = file.get("status")?.as_table()?;
    let key = id_key(initiate)?;
    // A service that the run had started itself is gone with its port; the file says where one is usually found.
    let base =
        file.get("base_url").and_then(Value::as_str).filter(|_| note.service.is_some()).unwrap_or(&note.base_url).trim_end_matches('/');
    // Anything else could be read as an option.
    if !["http://", "https://", "${"].iter().any(|scheme| base.starts_with(scheme)) {
        return None;
    }
    let owner = file.get("users").and_then(|users| users.get("owner")).and_then(|owner| owner.get("headers")).and_then(Value::as_table);
    let initiate_line = request(initiate, "POST", base, owner)?;
    let status_line = request(status, "GET", base, owner)?;
    let mut lines = vec![
        format!("id=$({initiate_line} |"),
        format!("  sed -n 's/.*\"{key}\"[[:space:]]*:[[:space:]]*\"\\{{0,1\\}}\\([^\",}}]*\\).*/\\1/p')"),
    ];
    if seconds > 0.0 {
        lines.push(format!("sleep {seconds}"));
    }
    if flapping {
        // One answer proves nothing about a status that comes and goes.
        lines.extend(["for poll in 1 2 3 4 5 6 7 8 9 10; do".to_owned(), format!("  {status_line}; echo"), "done".to_owned()]);
    } else {
        lines.push(status_line);
    }
    Some(lines.join("\n"))
}

/// A text as the shell takes it, with our templates turned into the shell's own.
fn quoted(text: &str) -> String {
    shell::quoted(&words::clean(text, 2000), Holes::Inline)
}

/// Goes on in the next line, so that a long request stays readable.
const NEXT: &str = " \\\n    ";

/// The JSON member that carries the id; only plain names, since they become part of a sed expression.
fn id_key(initiate: &Table) -> Option<&str> {
    let key = initiate.get("id")?.get("pointer")?.as_str()?.rsplit('/').next()?;
    (!key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')).then_some(key)
}

fn request(endpoint: &Table, usual: &str, base: &str, owner: Option<&Table>) -> Option<String> {
    let path = endpoint.get("path")?.as_str()?;
    let method = endpoint.get("method").and_then(Value::as_str).unwrap_or(usual);
    let mut line = String::from("curl -s");
    if method != "GET" {
        let _ = write!(line, " -X {}", quoted(method));
    }
    let _ = write!(line, " {}", quoted(&format!("{base}{path}")));
    let own = endpoint.get("headers").and_then(Value::as_table);
    for (name, value) in owner.into_iter().chain(own).flatten() {
        let _ = write!(line, "{NEXT}-H {}", quoted(&format!("{name}: {}", value.as_str()?)));
    }
    if let Some(json) = endpoint.get("json") {
        let _ = write!(line, "{NEXT}-H 'Content-Type: application/json'{NEXT}-d {}", quoted(&serde_json::to_string(json).ok()?));
    } else if let Some(form) = endpoint.get("form").and_then(Value::as_table) {
        for (name, value) in form {
            let _ = write!(line, "{NEXT}--data-urlencode {}", quoted(&format!("{name}={}", value.as_str()?)));
        }
    } else if let Some(body) = endpoint.get("body") {
        // Never --data-binary: a text that begins with @ would send a file of whoever pastes the lines.
        let _ = write!(line, "{NEXT}--data-raw {}", quoted(body.as_str()?));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use crate::report::{View, samples};

    #[test]
    fn a_reproduction_asks_for_a_new_scan_and_polls_that_one() {
        let snippet = samples::view(&samples::seed_bug()).repeat.snippet.expect("the target file says enough");
        assert!(snippet.starts_with("id=$(curl -s -X POST"), "{snippet}");
        assert!(snippet.contains("\nsleep 0.1\n"), "the failing offset is 100ms: {snippet}");
        assert!(snippet.contains("/opportunities/status/$id"), "{snippet}");
        assert!(!snippet.contains("scan_7f"), "an id of yesterday reproduces nothing: {snippet}");
    }

    #[test]
    fn nothing_is_made_up_where_the_target_file_says_too_little() {
        let (mut journal, analysis, judgement) = samples::seed_bug();
        for file in ["", "name = 'x'", "not toml [", "[initiate]\npath='/a'\n[status]\npath='/b/{id}'"] {
            journal.run.target.file = file.to_owned();
            assert_eq!(View::of(&journal, &analysis, &judgement).repeat.snippet, None, "{file}");
        }
        assert_eq!(samples::view(&samples::healthy()).repeat.snippet, None, "there is nothing to reproduce");
    }
}
