//! `repro.sh`: the smallest sequence of curl commands that shows the fault.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::analysis::Analysis;
use crate::bundle::Unscriptable;
use crate::bundle::contract::Contract;
use crate::bundle::experiment::{Experiment, choose};
use crate::bundle::meaning::States;
use crate::bundle::shell::literal;
use crate::model::run::Journal;

/// The script for what was found, or why there is none. `headline` is what the report says happened.
pub fn script(journal: &Journal, analysis: &Analysis, headline: &str) -> Result<String, Unscriptable> {
    let experiment = choose(journal, analysis)?;
    let contract = Contract::of(&journal.run)?;
    let body = commands(experiment, &contract)?;
    let mut asks = String::new();
    let _ = write!(asks, "\n# Asks for a scan, and takes its id out of the reply.\ninitiate() {{\n  n=$((n + 1)) uuid=$(random)\n");
    if contract.cookies {
        asks += "  : > \"$jar\"\n";
    }
    asks += &contract.own_id;
    asks += &contract.setup;
    let _ = writeln!(asks, "  {} || unable 'the initiate was not answered'", contract.initiate);
    let _ = writeln!(
        asks,
        "  case $code in {}) ;; *) unable \"the initiate was answered HTTP $code: $(head -c 300 \"$reply\")\" ;; esac",
        contract.accepted
    );
    let _ = writeln!(
        asks,
        "  id=$({}) || unable \"no id can be read in the reply to the initiate: $(head -c 300 \"$reply\")\"",
        contract.take_id
    );
    asks +=
        "  [ -n \"$id\" ] || unable \"there is no id in the reply to the initiate: $(head -c 300 \"$reply\")\"\n  plain 'the id' \"$id\"\n";
    asks += &contract.checks;
    asks += &contract.captures;
    asks += &contract.remember;
    asks += "  told \"asked for a scan: $id\"\n}\n";
    asks += "\n# What a status reply means, by the target file: $code, $head and $reply become a word.\nmeaning() {\n";
    for rule in &contract.rules {
        let _ = writeln!(asks, "  {rule}");
    }
    asks += "}\n\n# Asks for the status of $id once: $answer becomes visible, not_found or unclear.\npoll() {\n";
    asks += &contract.address;
    let _ = writeln!(asks, "  {} || :{}", contract.status, if contract.stream { "\n  first_event" } else { "" });
    asks += &contract.chain;
    if let Some((next, most)) = &contract.pages {
        let goes_on = format!("[ \"$(meaning)\" = not_found ] && next=$({next} 2> /dev/null) && [ -n \"$next\" ]");
        let _ = writeln!(asks, "  page=1\n  while [ $page -lt {most} ] && {goes_on}; do\n    lead \"$next\"");
        let _ = writeln!(asks, "    {} || :\n    page=$((page + 1))\n  done", contract.status);
    }
    asks += "  understood \"${1:-}\"\n}\n";
    if !contract.login.is_empty() {
        let _ = write!(asks, "\n# Gets the credentials.\nuuid=$(random)\n{}", contract.login);
    }
    asks += &body;

    let reads_json = asks.contains("json ");
    let mut text = String::from("#!/bin/sh\n");
    let comment = |line: &str| format!("# {}\n", line.chars().filter(|c| !c.is_control()).take(300).collect::<String>());
    text += &comment(headline);
    text += &comment(&told(experiment));
    text += "# Exit code 1: it shows; 0: it does not; 2: it could not be tried. BASE_URL=… tries it at another address.\n";
    let _ = writeln!(
        text,
        "# Needs curl{}, and a sleep that takes fractions of a second (GNU, busybox, macOS). Every request has a connection of its own.",
        if reads_json { ", jq to read JSON" } else { "" }
    );
    text += "set -eu\nLC_ALL=C\nexport LC_ALL\n";
    text += SAYING;
    if reads_json {
        text += "command -v jq > /dev/null || unable 'this needs jq to read JSON: install the package jq, or see https://jqlang.org'\n";
    }
    text += "command -v curl > /dev/null || unable 'this needs curl'\n\n";
    text += &contract.base;
    text += &contract.environment;
    let cookies = if contract.cookies { "-b \"$jar\" -c \"$jar\" " } else { "" };
    let common = common(contract.version, journal.exchanges.iter().any(|exchange| exchange.trace.is_some())).replace("COOKIES ", cookies);
    let common = if contract.stream {
        common.replace("|| {\n    code=000", "|| {\n    is_stream && return 0\n    code=000").replace("--max-time 20", "--max-time 5")
    } else {
        common
    };
    let _ = writeln!(text, "{common}");
    if contract.cookies {
        text += "jar=$folder/jar\n: > \"$jar\"\n";
    }
    if contract.stream {
        text += FIRST_EVENT;
    }
    if !contract.address.is_empty() {
        text += LEAD;
    }
    if !contract.remember.is_empty() {
        text += REMEMBER;
    }
    if reads_json {
        text += JSON;
    }
    text += &asks;
    Ok(text)
}

/// What every script needs; where the run's requests had trace ids, each of the script's has its own.
fn common(version: &str, is_traced: bool) -> String {
    let (draw, header, shown) = if is_traced { ("  trace=$(random)\n", TRACEPARENT, " (trace $trace)") } else { ("", "", "") };
    let filled = [("VERSION", version), ("TRACE_DRAWN", draw), (" TRACE_HEADER", header), (" TRACE_SHOWN", shown)];
    filled.iter().fold(COMMON.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

/// What the script does, for its second line.
fn told(experiment: Experiment) -> String {
    match experiment {
        Experiment::Window { at, scans: 1, .. } => format!("Asks for a scan and polls it {}: it is denied.", later(at)),
        Experiment::Window { at, scans, .. } => {
            format!("Asks for {scans} scans at once and polls the last one {}: it is denied.", later(at))
        }
        Experiment::Flap { .. } => "Polls one scan again and again: it is denied after it had been visible.".to_owned(),
        Experiment::Observer { late, .. } => {
            format!(
                "Polls two scans {} after their ids: the one that had been polled early is denied, the other is not.",
                seconds_told(late)
            )
        }
        Experiment::Never { after, scans } => {
            format!("Asks for {scans} scans and polls each after {}: some are still denied.", seconds_told(after))
        }
        Experiment::Echo => "Asks for two scans and polls the first: the reply names another one.".to_owned(),
        Experiment::Disclosure { .. } => "Polls a scan as another user, who is shown it.".to_owned(),
        Experiment::Unknown => "Polls an id that was never issued: it is answered as if it existed.".to_owned(),
        Experiment::Regress { .. } => "Polls a scan past its end: it goes back to an earlier state.".to_owned(),
    }
}

/// How a script speaks, and when it gives up.
const SAYING: &str = r#"
# What a server says is printed without what controls a terminal.
told() { printf '%s\n' "$*" | tr -c '[:print:]\n' '?'; }
unable() { told "$*" >&2; exit 2; }
shown() { told "SHOWN: $*"; exit 1; }

# Stops at a value that a line cannot carry: $1 says which it is.
plain() { [ "$(printf %s "$2" | tr -d '\000-\037\177'; printf x)" = "${2}x" ] || unable "$1 has control characters in it"; }

# Stops at a value that an address would change: $1 says which it is.
addressable() {
  [ -z "$(printf %s "$2" | tr -d 'A-Za-z0-9._~%!$&()*+,;=:@/? \200-\377-')" ] || unable "$1 has characters that no address carries as they are"
}
"#;

/// By which a request is found in a tracing backend: a trace of its own, as each of the run's had.
const TRACEPARENT: &str = r#" -H "traceparent: 00-$trace-$(printf %.16s "$trace")-01""#;

/// What every script needs.
const COMMON: &str = r#"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
reply=$folder/reply head=$folder/head
mark=$(printf '\001')
n=$(date +%s) clear='' code=''

# One request: the body goes into $reply, the headers into $head, the code becomes $code. Nothing is sent twice.
ask() {
  # This machine is never reached through a proxy.
  case $base in *://127.* | *://localhost* | *'://['::1]*) set -- --noproxy '*' "$@" ;; esac
TRACE_DRAWN  code=$(curl -q -gsS --path-as-is VERSION COOKIES --max-time 20 --retry 0 -o "$reply" -D "$head" -w '%{http_code}' -H 'expect:' TRACE_HEADER "$@") || {
    code=000
    : > "$reply"
    : > "$head"
    return 1
  }
}
random() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }
dashed() { printf %s "$1" | sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)/\1-\2-\3-\4-/'; }

# The value of a header of the last reply.
field() {
  tr -d '\r' < "$head" | awk -v name="$1" '
    /^HTTP\// { value = ""; known = 0; next }
    { at = index($0, ":"); if (at && !known && tolower(substr($0, 1, at - 1)) == name) { value = substr($0, at + 1); known = 1 } }
    END { sub(/^[ \t]+/, "", value); sub(/[ \t]+$/, "", value); print value }'
}

# A text with all bytes but some percent-encoded: $2 is a pattern of those that stay.
escaped() {
  rest=$1 out=''
  while [ -n "$rest" ]; do
    tail=${rest#?}
    c=${rest%"$tail"}
    rest=$tail
    # A pattern, and no text.
    # shellcheck disable=SC2254
    case $c in $2) out=$out$c ;; *) out=$out$(printf %s "$c" | od -An -tx1 | tr -d ' \n' | tr a-f A-F | sed 's/../%&/g') ;; esac
  done
  printf %s "$out"
}
encoded() { escaped "$1" '[A-Za-z0-9._~-]'; }
addressed() { escaped "$1" '[A-Za-z0-9._~%!$&()*+,;=:@/?-]'; }
formed() { escaped "$1" '[A-Za-z0-9*._ -]' | tr ' ' +; }
jsoned() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }

understood() {
  answer=$(meaning)
  [ "$answer" = unclear ] || clear=yes
  [ "$1" = quietly ] || told "  status: HTTP $code, $answer TRACE_SHOWN"
}
"#;

/// For a status that is a stream of events: it may well not end within the time of a request.
const FIRST_EVENT: &str = r#"
is_stream() { [ "$code" != 000 ] && case $(field content-type) in text/event-stream*) true ;; *) false ;; esac; }

# Of a stream of events, the data of the first one that says something is the answer.
first_event() {
  is_stream || return 0
  tr -d '\r' < "$reply" | awk '
    function say() {
      if (data ~ /[^ \t\n]/ && tolower(name) !~ /^(ping|heartbeat|keep[-_]?alive)$/) { print data; said = 1; exit }
      name = data = ""
    }
    $0 == "" { say(); next }
    { at = index($0, ":"); field = at ? substr($0, 1, at - 1) : $0; value = at ? substr($0, at + 1) : ""; sub(/^ /, "", value) }
    field == "event" { name = value }
    field == "data" { data = data == "" ? value : data "\n" value }
    END { if (!said) say() }' > "$folder/event"
  mv "$folder/event" "$reply"
}
"#;

/// For polls at addresses that replies hand out.
const LEAD: &str = r#"
# The address that a reply hands out, from that of the target, whose server it must not leave.
lead() {
  origin=$(printf %s "$base" | sed -E 's,^([a-z]+://[^/]*).*,\1,')
  case $1 in */./* | */../*) unable "the address in the reply has dot segments: $1" ;; esac
  case $1 in
    "$origin" | "$origin"[/?#]*) address=$1 ;;
    *://* | //*) unable "the address in the reply leads to another server: $1" ;;
    /*) address=$origin$1 ;;
    .*) unable "the address in the reply has dot segments: $1" ;;
    *) address=$base/$1 ;;
  esac
  address=${address%%#*}
  addressable 'the address in the reply' "$address"
}
"#;

/// For jobs that go by the address that their initiate handed out.
const REMEMBER: &str = r#"
addresses=$folder/addresses

# Notes the address of $id: $1 as the reply has it, $2 is added to its path.
remember() {
  path=${1%%[?#]*}
  [ -z "${2:-}" ] || set -- "$(printf %s "$path" | sed 's,/*$,,')$2${1#"$path"}"
  lead "$1"
  printf '%s\t%s\n' "$id" "$address" >> "$addresses"
}
recall() {
  address=$(asked=$id awk -F '\t' '$1 "" == ENVIRON["asked"] "" { address = $2 } END { print address }' "$addresses")
  [ -n "$address" ] || unable "no address was handed out for $id"
}
"#;

/// For scripts that read JSON: what stands where the target file says, with escapes undone, or an error.
const JSON: &str = r#"
# Reads one JSON text on standard input. Fails where there is nothing, no whole JSON, or nothing that can be read exactly.
json() {
  jq -sej --arg id "${id-}" '
    def named: if $id | test("^(0|[1-9][0-9]{0,14})$") then $id | tonumber else $id end;
    def at($path): reduce $path[] as [$name, $index] ([.]; if length == 0 then . else .[0] |
      if type == "object" then (if has($name) then [.[$name]] else [] end)
      elif type == "array" and $index != null and $index < length then [.[$index]] else [] end end);
    def text: if length == 0 or .[0] == null then empty else .[0] |
      if type == "string" then .
      elif type == "number" then (if . == floor and . < 9007199254740992 and . > -9007199254740992 then tostring else error("inexact") end)
      elif type == "boolean" then tostring else error("no text") end |
      if any(explode[]; . < 32 or . == 127) then error("control characters") else . end end;
    if length == 1 then .[0] else error("not one JSON text") end | '"$1"
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
fn commands(experiment: Experiment, contract: &Contract) -> Result<String, Unscriptable> {
    let mut text = String::from("\n");
    match experiment {
        Experiment::Window { at, scans, tries } => {
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
        Experiment::Flap { until, pause: gap, tries } => {
            let _ = writeln!(text, "for try in $(seq {tries}); do\n  initiate\n  seen= end=$(($(date +%s) + {}))", (until / 1e3).ceil());
            text += "  while [ \"$(date +%s)\" -le \"$end\" ]; do\n    poll quietly\n";
            text += "    [ \"$answer\" != visible ] || [ -n \"$seen\" ] || { seen=yes; told '  visible'; }\n";
            text += "    [ \"$answer\" != not_found ] || [ -z \"$seen\" ] || shown \"$id was visible, and is denied afterwards\"\n";
            text += &pause("    ", gap);
            text += "  done\ndone\n";
        }
        Experiment::Observer { early, late, tries } => {
            let _ = writeln!(text, "for try in $(seq {tries}); do\n  initiate\n  polled=$id");
            text += &pause("  ", early);
            text += "  poll\n  initiate\n  left=$id\n";
            text += &pause("  ", late);
            text += "  id=$left\n  poll\n  apart=$answer\n  id=$polled\n  poll\n";
            text += "  [ \"$apart $answer\" != 'visible not_found' ] ||\n    shown \"$polled is denied because it was polled early; $left, which was not, is visible\"\ndone\n";
        }
        Experiment::Never { after, scans } => {
            let _ = writeln!(text, "ids=$folder/ids");
            let _ = writeln!(text, "for scan in $(seq {scans}); do initiate; printf '%s\\n' \"$id\" >> \"$ids\"; done");
            text += &pause("", after);
            text += "while IFS= read -r id; do\n  poll\n";
            let _ = writeln!(
                text,
                "  [ \"$answer\" != not_found ] || shown \"$id is still denied after {}\"\ndone < \"$ids\"",
                seconds_told(after)
            );
        }
        Experiment::Echo => {
            let at = contract.echo.as_deref().ok_or_else(|| Unscriptable::Contract("the place of the answered id".to_owned()))?;
            // Ids that differ in case or in how they are escaped may be the same.
            text += "same() { [ \"$(printf %s \"$1\" | tr A-Z a-z)\" = \"$(printf %s \"$2\" | tr A-Z a-z)\" ]; }\n";
            text += "initiate\nfirst=$id\ninitiate\nid=$first\nfor try in $(seq 10); do\n  poll\n";
            let _ = writeln!(text, "  named=$(json {} < \"$reply\" 2> /dev/null) || named=''", literal(&format!("{at} | text")));
            text += "  case $first$named in *%*) named='' ;; esac\n";
            text += "  [ \"$answer\" != visible ] || [ -z \"$named\" ] || same \"$named\" \"$first\" || shown \"asked for $first, answered for $named\"\n";
            text += "  sleep 0.5\ndone\n";
        }
        Experiment::Disclosure { at } => {
            let foreign = contract.foreign.as_deref().ok_or_else(|| Unscriptable::Contract("[users.foreign]".to_owned()))?;
            text += "initiate\n";
            text += &pause("", at);
            text += "for try in $(seq 10); do\n";
            if contract.pages.is_some() {
                return Err(Unscriptable::Contract("a list of several pages, looked at by another user,".to_owned()));
            }
            let opened = if contract.stream { "  first_event\n" } else { "" };
            let _ = writeln!(text, "{}  {foreign} || :\n{opened}  understood ''", contract.address);
            text += "  [ \"$answer\" != visible ] || shown \"another user is shown $id\"\n  sleep 0.5\ndone\n";
        }
        Experiment::Unknown => {
            let id = contract.unknown_id.as_deref().ok_or_else(|| Unscriptable::Contract("`unknown_id`".to_owned()))?;
            let _ = writeln!(text, "uuid=$(random)\nid=\"{id}\"\npoll");
            text += "[ \"$answer\" != visible ] || shown \"$id was never issued, and is answered as if it existed\"\n";
        }
        Experiment::Regress { settle, until } => {
            let States { at, ended, running } =
                contract.states.as_ref().ok_or_else(|| Unscriptable::Contract("[status.states]".to_owned()))?;
            let words = |words: &[String]| words.iter().map(|word| literal(word)).collect::<Vec<_>>().join(" | ");
            let _ = writeln!(text, "initiate\nended= end=$(($(date +%s) + {}))", (until / 1e3).ceil());
            text += "while [ \"$(date +%s)\" -le \"$end\" ]; do\n  poll quietly\n";
            let _ =
                writeln!(text, "  word=$(json {} < \"$reply\" 2> /dev/null) || word=''\n  case $word in", literal(&format!("{at} | text")));
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
