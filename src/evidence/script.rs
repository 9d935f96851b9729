//! `repro.sh`: the smallest sequence of plain curl commands that shows the fault.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::evidence::Unscriptable;
use crate::evidence::contract::Contract;
use crate::evidence::plot::{Plot, choose};
use crate::evidence::shell::{Holes, literal, quoted};
use crate::model::run::Journal;

/// The script for what was found, or why there is none. `headline` is what the report says happened.
pub fn script(journal: &Journal, analysis: &Analysis, headline: &str) -> Result<String, Unscriptable> {
    let plot = choose(journal, analysis)?;
    let contract = Contract::of(&journal.run)?;
    let body = experiment(plot, &contract)?;
    let mut text = String::from("#!/bin/sh\n");
    let comment = |line: &str| format!("# {}\n", line.chars().filter(|c| !c.is_control()).take(300).collect::<String>());
    text += &comment(headline);
    text += &comment(&told(plot));
    text += "# Exit code 1: it shows; 0: it does not; 2: it could not be tried. BASE_URL=… tries it at another address.\n";
    text +=
        "# Needs curl, and a sleep that takes fractions of a second (GNU, busybox, macOS). Every request has a connection of its own.\n";
    text += "set -eu\nLC_ALL=C\nexport LC_ALL\n";
    let _ = writeln!(text, "base=${{BASE_URL:-{}}}", quoted(&contract.base, Holes::Script));
    text += COMMON;
    let _ =
        write!(text, "\n# Asks for a scan, and takes its id out of the reply.\ninitiate() {{\n  n=$((n + 1)) user=owner uuid=$(random)\n");
    let _ = writeln!(text, "  {} > \"$reply\" || unable 'the initiate was not answered'", contract.initiate);
    let _ = writeln!(text, "  id=$({} < \"$reply\")", contract.take_id);
    text += "  [ -n \"$id\" ] || { cat \"$reply\" >&2; unable 'there is no id in the reply to the initiate'; }\n";
    text += "  told \"asked for a scan: $id\"\n}\n";
    text += "\n# What a status reply means, by the target file: $code and $body become a word.\nmeaning() {\n";
    for rule in &contract.rules {
        let _ = writeln!(text, "  {rule}");
    }
    text += "}\n\n# Asks for the status of $id once: $answer becomes visible, not_found or unclear.\npoll() {\n  user=owner\n";
    let _ = writeln!(text, "  {} > \"$reply\" || : > \"$reply\"", contract.status);
    text += "  understood \"${1:-}\"\n}\n";
    text += &body;
    Ok(text)
}

/// What the script does, for its second line.
fn told(plot: Plot) -> String {
    match plot {
        Plot::Window { at, scans: 1, .. } => format!("Asks for a scan and polls it {}: it is denied.", later(at)),
        Plot::Window { at, scans, .. } => {
            format!("Asks for {scans} scans at once and polls the last one {}: it is denied.", later(at))
        }
        Plot::Flap { .. } => "Polls one scan again and again: it is denied after it had been visible.".to_owned(),
        Plot::Observer { late, .. } => {
            format!(
                "Polls two scans {} after their ids: the one that had been polled early is denied, the other is not.",
                seconds_told(late)
            )
        }
        Plot::Never { after, scans } => {
            format!("Asks for {scans} scans and polls each after {}: some are still denied.", seconds_told(after))
        }
        Plot::Echo => "Asks for two scans and polls the first: the reply names another one.".to_owned(),
        Plot::Disclosure { .. } => "Polls a scan as another user, who is shown it.".to_owned(),
        Plot::Unknown => "Polls an id that was never issued: it is answered as if it existed.".to_owned(),
        Plot::Regress { .. } => "Polls a scan past its end: it goes back to an earlier state.".to_owned(),
    }
}

/// What every script needs.
const COMMON: &str = r#"reply=$(mktemp)
trap 'rm -f "$reply"' EXIT
n=$(date +%s) clear=

# One request: the reply with its headers on standard output, the code in its last line. Nothing is sent twice.
ask() {
  curl -gsS -i --max-time 20 --retry 0 -H 'Connection: close' -w '\n%{http_code}' "$@"
}
told() { printf '%s\n' "$*"; }
unable() { told "$*" >&2; exit 2; }
shown() { told "SHOWN: $*"; exit 1; }
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# The value of the first member of that name, be it a text or a number.
taken() {
  tr -d '\r\n' | grep -oE "\"$1\"[[:space:]]*:[[:space:]]*(\"[^\"]*\"|[0-9]+)" | head -n 1 |
    sed 's/^"[^"]*"[[:space:]]*:[[:space:]]*//; s/^"//; s/"$//'
}

# An id as a path carries it.
encoded() {
  rest=$1 out=
  while [ -n "$rest" ]; do
    tail=${rest#?}
    c=${rest%"$tail"}
    rest=$tail
    case $c in [A-Za-z0-9._~-]) out=$out$c ;; *) out=$out$(printf '%%%02X' "'$c") ;; esac
  done
  printf %s "$out"
}

understood() {
  code=$(tail -n 1 "$reply")
  body=$(tr -d '\r' < "$reply" | sed '$d' | sed '1,/^$/d' | tr -d '\n')
  answer=$(meaning)
  [ "$answer" = unclear ] || clear=yes
  [ "$1" = quietly ] || told "  status: HTTP $code, $answer"
}
"#;

/// Seconds as `sleep` takes them.
fn seconds(ms: f64) -> String {
    let text = format!("{:.3}", ms.max(0.0) / 1e3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn seconds_told(ms: f64) -> String {
    format!("{} s", seconds(ms))
}

fn later(ms: f64) -> String {
    if ms < 1.0 { "at once".to_owned() } else { format!("{} later", seconds_told(ms)) }
}

/// A line that waits; nothing where there is nothing to wait for.
fn pause(indent: &str, ms: f64) -> String {
    if ms < 1.0 { String::new() } else { format!("{indent}sleep {}\n", seconds(ms)) }
}

/// The experiment itself, which ends with `shown` or with exit code 0.
fn experiment(plot: Plot, contract: &Contract) -> Result<String, Unscriptable> {
    let mut text = String::from("\n");
    match plot {
        Plot::Window { at, scans, tries } => {
            let _ = writeln!(text, "for try in $(seq {tries}); do");
            if scans > 1 {
                let _ = writeln!(text, "  for other in $(seq {}); do initiate; done", scans - 1);
            }
            text += "  initiate\n";
            text += &pause("  ", at);
            text += "  poll\n";
            let _ = writeln!(text, "  [ \"$answer\" != not_found ] || shown \"$id was handed out, and is denied {}\"", later(at));
            text += "done\n";
        }
        Plot::Flap { until, pause: gap, tries } => {
            let _ = writeln!(text, "for try in $(seq {tries}); do\n  initiate\n  seen= end=$(($(date +%s) + {}))", (until / 1e3).ceil());
            text += "  while [ \"$(date +%s)\" -le \"$end\" ]; do\n    poll quietly\n";
            text += "    [ \"$answer\" != visible ] || [ -n \"$seen\" ] || { seen=yes; told '  visible'; }\n";
            text += "    [ \"$answer\" != not_found ] || [ -z \"$seen\" ] || shown \"$id was visible, and is denied afterwards\"\n";
            text += &pause("    ", gap);
            text += "  done\ndone\n";
        }
        Plot::Observer { early, late, tries } => {
            let _ = writeln!(text, "for try in $(seq {tries}); do\n  initiate\n  polled=$id");
            text += &pause("  ", early);
            text += "  poll\n  initiate\n  left=$id\n";
            text += &pause("  ", late);
            text += "  id=$left\n  poll\n  apart=$answer\n  id=$polled\n  poll\n";
            text += "  [ \"$apart $answer\" != 'visible not_found' ] ||\n    shown \"$polled is denied because it was polled early; $left, which was not, is visible\"\ndone\n";
        }
        Plot::Never { after, scans } => {
            let _ = writeln!(text, "ids=$(mktemp)\ntrap 'rm -f \"$reply\" \"$ids\"' EXIT");
            let _ = writeln!(text, "for scan in $(seq {scans}); do initiate; printf '%s\\n' \"$id\" >> \"$ids\"; done");
            text += &pause("", after);
            text += "while IFS= read -r id; do\n  poll\n";
            let _ = writeln!(
                text,
                "  [ \"$answer\" != not_found ] || shown \"$id is still denied after {}\"\ndone < \"$ids\"",
                seconds_told(after)
            );
        }
        Plot::Echo => {
            let key = contract.echo.as_deref().ok_or_else(|| Unscriptable::Contract("the place of the answered id".to_owned()))?;
            text += "initiate\nfirst=$id\ninitiate\nid=$first\nfor try in $(seq 10); do\n  poll\n";
            let _ = writeln!(text, "  named=$(printf %s \"$body\" | taken {key})");
            text += "  [ \"$answer\" != visible ] || [ -z \"$named\" ] || [ \"$named\" = \"$first\" ] || shown \"asked for $first, answered for $named\"\n";
            text += "  sleep 0.5\ndone\n";
        }
        Plot::Disclosure { at } => {
            let foreign = contract.foreign.as_deref().ok_or_else(|| Unscriptable::Contract("[users.foreign]".to_owned()))?;
            text += "initiate\n";
            text += &pause("", at);
            text += "for try in $(seq 10); do\n  user=foreign\n";
            let _ = writeln!(text, "  {foreign} > \"$reply\" || : > \"$reply\"\n  understood ''");
            text += "  [ \"$answer\" != visible ] || shown \"another user is shown $id\"\n  sleep 0.5\ndone\n";
        }
        Plot::Unknown => {
            let _ = writeln!(text, "uuid=$(random)\nid={}\npoll", quoted(&contract.unknown_id, Holes::Script));
            text += "[ \"$answer\" != visible ] || shown \"$id was never issued, and is answered as if it existed\"\n";
        }
        Plot::Regress { settle, until } => {
            let (key, ended, running) = contract.states.as_ref().ok_or_else(|| Unscriptable::Contract("[status.states]".to_owned()))?;
            let words = |words: &[String]| words.iter().map(|word| literal(word)).collect::<Vec<_>>().join(" | ");
            let _ = writeln!(text, "initiate\nended= end=$(($(date +%s) + {}))", (until / 1e3).ceil());
            text += "while [ \"$(date +%s)\" -le \"$end\" ]; do\n  poll quietly\n";
            let _ = writeln!(text, "  word=$(printf %s \"$body\" | taken {key})\n  case $word in");
            let _ = writeln!(
                text,
                "  {}) [ -n \"$ended\" ] || {{ ended=$word end=$(($(date +%s) + {})); told \"  $word\"; }} ;;",
                words(ended),
                (settle / 1e3).ceil()
            );
            let _ = writeln!(text, "  {}) [ -z \"$ended\" ] || shown \"$id was $ended, and is $word afterwards\" ;;", words(running));
            text += "  esac\n  sleep 0.2\ndone\n";
        }
    }
    text += "[ -n \"$clear\" ] || unable 'no poll was answered visible or not_found'\ntold 'not shown'\n";
    Ok(text)
}
