//! A target file as the shell can follow it: requests as curl's arguments, and what replies mean as tests of their code and, by jq, of
//! their JSON.
//!
//! A reply is read as the run read it, or not at all: the shell's own tools would find the first member of a name anywhere in it, and
//! would leave its escapes as they are. Where a contract takes more than that, there is no script, since one that shows something
//! else than the run did is worse than none.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use serde_json::json;
use toml::{Table, Value};

use crate::evidence::requests::{Encoding, Piece, Requests, Variable, path};
use crate::evidence::shell::{inside, is_plain, literal};
use crate::model::run::{HttpVersion, Run};
use crate::target::{Caller, Request};

/// Why there is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unscriptable {
    /// Nothing was found.
    #[error("nothing was found that could be shown again")]
    NothingFound,
    /// The log's target file cannot be read.
    #[error("the log's target file cannot be read")]
    NoTargetFile,
    /// The target is no address that a script can be sent to.
    #[error("the target is a Unix socket or no address for HTTP, and the script has only addresses")]
    NoAddress,
    /// The contract needs more than curl and jq.
    #[error("{0} cannot be followed with curl and jq alone")]
    Contract(String),
    /// What was found takes more than curl.
    #[error("{0}")]
    Fault(&'static str),
}

/// A contract that the shell can follow.
#[derive(Debug)]
pub struct Contract {
    /// Lines that take values from the environment into variables of the script.
    pub environment: String,
    /// Lines that set `base`.
    pub base: String,
    /// The initiate as a command.
    pub initiate: String,
    /// Conditions on `$code` under which the initiate was accepted, as patterns of `case`.
    pub accepted: String,
    /// A command that prints the id, out of the files `$head` and `$reply`.
    pub take_id: String,
    /// What an id must be for the requests that carry it, as checks.
    pub checks: String,
    /// The status poll as a command.
    pub status: String,
    /// The same as the foreign user, if the file has one.
    pub foreign: Option<String>,
    /// Lines of a shell function: from `$code`, `$head` and `$reply` to a word.
    pub rules: Vec<String>,
    /// Where a reply repeats the id: steps for jq.
    pub echo: Option<String>,
    /// Where the state is, and the words of states that have ended and of those that have not.
    pub states: Option<States>,
    /// Makes an id that was never issued, as a text in double quotes.
    pub unknown_id: Option<String>,
    /// What curl is told about the version of HTTP.
    pub version: &'static str,
}

/// What a file says about states.
#[derive(Debug)]
pub struct States {
    /// Steps for jq.
    pub at: String,
    /// Words of states that have ended.
    pub ended: Vec<String>,
    /// Words of states that have not.
    pub running: Vec<String>,
}

/// What is to be written into a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Path,
    Header,
    Json,
    Form,
    Text,
}

impl Contract {
    /// Reads the target file of a log.
    pub fn of(run: &Run) -> Result<Contract, Unscriptable> {
        if !["http://", "https://"].iter().any(|scheme| run.target.base_url.starts_with(scheme)) {
            return Err(Unscriptable::NoAddress);
        }
        let requests = Requests::of(run)?;
        let file: Table = run.target.file.parse().map_err(|_| Unscriptable::NoTargetFile)?;
        let section = |name: &str| file.get(name).and_then(Value::as_table);
        let (initiate, status) = section("initiate").zip(section("status")).ok_or(Unscriptable::NoTargetFile)?;
        let unclear = |what: &str| Unscriptable::Contract(what.to_owned());
        let base: Option<String> = requests.base().iter().map(|piece| in_quotes(piece, Context::Text)).collect();
        let base = base.ok_or_else(|| unclear("the address"))?;
        let mut seen = Vec::new();
        let mut command = |what: &str, endpoint: &Table, request: Result<Request, _>| {
            let made = request.ok().and_then(|request| command(&requests, endpoint, &request, &mut seen));
            made.ok_or_else(|| unclear(&format!("the {what} request")))
        };
        let initiate_command = command("initiate", initiate, requests.initiate())?;
        let status_command = command("status", status, requests.status(Caller::Owner))?;
        let foreign = section("users").is_some_and(|users| users.contains_key("foreign"));
        let foreign = foreign.then(|| command("foreign user's", status, requests.status(Caller::Foreign))).transpose()?;
        let take_id = initiate.get("id").and_then(take_id).ok_or_else(|| unclear("the place of the id"))?;
        let unknown_id = requests.unknown_id().and_then(|pieces| pieces.iter().map(|piece| in_quotes(piece, Context::Text)).collect());
        let rules = rules(status)?;
        let states = states(status);
        Ok(Contract {
            environment: environment(requests.variables(), requests.base(), &seen)?,
            base: base_lines(&base, requests.base(), requests.variables())?,
            initiate: initiate_command,
            accepted: accepted(initiate).ok_or_else(|| unclear("`accept` of [initiate]"))?,
            take_id,
            checks: checks(&seen),
            status: status_command,
            foreign,
            rules,
            echo: status.get("echo").and_then(steps),
            states,
            unknown_id,
            version: match (run.target.http, run.target.base_url.starts_with("https://")) {
                (HttpVersion::One, _) => "--http1.1",
                (HttpVersion::Two, true) => "--http2",
                (HttpVersion::Two, false) => "--http2-prior-knowledge",
            },
        })
    }
}

/// Goes on in the next line, so that a long request stays readable.
const NEXT: &str = " \\\n    ";

/// One request as the arguments of `ask`, and what of it is filled in by the shell.
fn command(requests: &Requests, endpoint: &Table, request: &Request, seen: &mut Vec<(Piece, Context)>) -> Option<String> {
    let mut quote = |text: &str, context: Context| -> Option<String> {
        let encoding = if context == Context::Form { Encoding::Form } else { Encoding::Plain };
        let pieces = requests.pieces(text, encoding);
        seen.extend(pieces.iter().filter(|piece| !matches!(piece, Piece::Text(_))).map(|piece| (piece.clone(), context)));
        pieces.iter().map(|piece| in_quotes(piece, context)).collect()
    };
    let has = |name: &str| request.headers.iter().any(|(own, _)| own == name);
    let method = request.method.as_str();
    let mut line = String::from("ask");
    match method {
        "GET" if request.body.is_empty() => {}
        // Its reply has no body, for which curl would wait.
        "HEAD" => line.push_str(" --head"),
        method => drop(write!(line, " -X {}", literal(method))),
    }
    for (name, value) in request.headers.iter().filter(|(name, _)| !["content-length", "transfer-encoding"].contains(&name.as_str())) {
        match value.as_str() {
            "" => drop(write!(line, "{NEXT}-H {}", literal(&format!("{name};")))),
            value => drop(write!(line, "{NEXT}-H \"{name}: {}\"", quote(value, Context::Header)?)),
        }
    }
    for (name, value) in [("accept", "*/*"), ("accept-encoding", "identity")].into_iter().filter(|(name, _)| !has(name)) {
        let _ = write!(line, " -H '{name}: {value}'");
    }
    let context = ["json", "form", "body"].into_iter().find(|key| endpoint.contains_key(*key)).map(|key| match key {
        "json" => Context::Json,
        "form" => Context::Form,
        _ => Context::Text,
    });
    if !request.body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        let body = quote(std::str::from_utf8(&request.body).ok()?, context.unwrap_or(Context::Text))?;
        if !has("content-type") {
            // curl would say that it is a form.
            line.push_str(" -H 'content-type:'");
        }
        // Never --data or --data-binary: a text that begins with @ would send a file of whoever runs the script.
        let _ = write!(line, "{NEXT}--data-raw \"{body}\"");
    }
    let _ = write!(line, "{NEXT}\"$base{}\"", quote(path(request), Context::Path)?);
    Some(line)
}

/// A part of a request inside double quotes; `None` where it cannot stand in a script.
fn in_quotes(piece: &Piece, context: Context) -> Option<String> {
    let variable = match piece {
        Piece::Text(text) => return is_plain(text).then(|| inside(text)),
        Piece::Uuid => return Some("$uuid".to_owned()),
        Piece::Number => return Some("$n".to_owned()),
        Piece::Environment(index) => format!("$v{index}"),
        Piece::RawId => "$id".to_owned(),
        Piece::Id => {
            let encoded = "$(encoded \"$id\")";
            return Some(if context == Context::Form { format!("$(formed \"{encoded}\")") } else { encoded.to_owned() });
        }
    };
    Some(match context {
        Context::Path => format!("$(addressed \"{variable}\")"),
        Context::Json => format!("$(jsoned \"{variable}\")"),
        Context::Form => format!("$(formed \"{variable}\")"),
        Context::Header | Context::Text => variable,
    })
}

/// Takes what requests need from the environment, with what the file has for what is not set.
fn environment(variables: &[Variable], base: &[Piece], seen: &[(Piece, Context)]) -> Result<String, Unscriptable> {
    let used =
        |index: &usize| seen.iter().any(|(seen, _)| *seen == Piece::Environment(*index)) && !base.contains(&Piece::Environment(*index));
    let used: Vec<usize> = (0..variables.len()).filter(used).collect();
    let mut lines = taken(variables, &used, "")?;
    for index in used {
        if seen.contains(&(Piece::Environment(index), Context::Path)) {
            let _ = writeln!(lines, "addressable {} \"$v{index}\"", variables[index].name);
        }
    }
    Ok(lines)
}

/// Takes variables, and says all at once that are missing.
fn taken(variables: &[Variable], used: &[usize], indent: &str) -> Result<String, Unscriptable> {
    let mut lines = String::new();
    let mut checks = String::new();
    for index in used {
        let Variable { name, default } = &variables[*index];
        match default {
            None => drop(write!(lines, "{indent}[ \"${{{name}+set}}\" ] || missing=\"$missing {name}\"\n{indent}v{index}=${{{name}-}}\n")),
            Some(default) if is_plain(default) => {
                let _ = write!(lines, "{indent}v{index}=${{{name}:-}}\n{indent}[ \"$v{index}\" ] || v{index}={}\n", literal(default));
            }
            Some(_) => return Err(Unscriptable::Contract(format!("the default of ${{{name}}}"))),
        }
        let _ = writeln!(checks, "{indent}plain {name} \"$v{index}\"");
    }
    if used.iter().any(|index| variables[*index].default.is_none()) {
        lines.insert_str(0, &format!("{indent}missing=''\n"));
        let _ = writeln!(lines, "{indent}[ -z \"$missing\" ] || unable \"not set:$missing; give each what the target file takes from it\"");
    }
    Ok(lines + &checks)
}

/// Sets the address, from the environment if it was not recorded.
fn base_lines(base: &str, pieces: &[Piece], variables: &[Variable]) -> Result<String, Unscriptable> {
    let used: Vec<usize> = (0..variables.len()).filter(|index| pieces.contains(&Piece::Environment(*index))).collect();
    let taken = taken(variables, &used, "  ")?;
    Ok(format!("base=${{BASE_URL:-}}\nif [ -z \"$base\" ]; then\n{taken}  base=\"{base}\"\nfi\nbase=${{base%/}}\n"))
}

/// What is demanded of an id before it is put where an encoding would be needed that the shell does not have.
fn checks(seen: &[(Piece, Context)]) -> String {
    let in_path = seen.iter().any(|(piece, context)| *piece == Piece::RawId && *context == Context::Path);
    if in_path { "  addressable 'the id' \"$id\"\n".to_owned() } else { String::new() }
}

/// The codes of an accepted initiate, as patterns of `case`.
fn accepted(initiate: &Table) -> Option<String> {
    initiate.get("accept").map_or_else(|| Some("2??".to_owned()), codes)
}

fn codes(codes: &Value) -> Option<String> {
    let codes: Vec<&Value> = codes.as_array().map_or_else(|| vec![codes], |list| list.iter().collect());
    let codes: Option<Vec<String>> = codes
        .into_iter()
        .map(|code| match code {
            Value::Integer(code) => Some(code.to_string()),
            Value::String(class) => {
                Some(class.to_ascii_lowercase().replace('x', "?")).filter(|class| class.chars().all(|c| c.is_ascii_digit() || c == '?'))
            }
            _ => None,
        })
        .collect();
    codes.map(|codes| codes.join(" | "))
}

/// The steps to a place in JSON, as jq's own data: each a name, and the place in a list that it may mean as well. `None` for a place
/// that more than one value can stand at, that depends on the id, or that a pattern cuts.
pub fn steps(place: &Value) -> Option<String> {
    if place.get("pattern").is_some() {
        return None;
    }
    let text = |key: &str| place.get(key).and_then(Value::as_str);
    let steps: Vec<(String, Option<u64>)> = match (text("pointer"), text("jsonpath")) {
        (Some(pointer), None) if pointer.is_empty() || pointer.starts_with('/') => {
            let step = |step: &str| {
                let is_index = step == "0" || step.starts_with(|c: char| matches!(c, '1'..='9'));
                (step.replace("~1", "/").replace("~0", "~"), if is_index { step.parse().ok() } else { None })
            };
            pointer.split('/').skip(1).map(step).collect()
        }
        (None, Some(path)) => {
            let names = path.strip_prefix("$.")?;
            let is_name = |name: &str| {
                name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            names.split('.').map(|name| is_name(name).then(|| (name.to_owned(), None))).collect::<Option<_>>()?
        }
        _ => return None,
    };
    // A template stands there, and is not followed.
    let fixed = steps.iter().all(|(name, _)| is_plain(name) && !name.contains(['{', '$']));
    fixed.then(|| json!(steps.iter().map(|(name, index)| json!([name, index])).collect::<Vec<_>>()).to_string())
}

/// A command that prints the id.
fn take_id(place: &Value) -> Option<String> {
    if let Some(steps) = steps(place) {
        return Some(format!("json {} < \"$reply\"", literal(&format!("at({steps}) | text"))));
    }
    let header = place.get("header")?.as_str()?.to_ascii_lowercase();
    if !header.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let whole = format!("field {header}");
    let Some(pattern) = place.get("pattern") else { return Some(whole) };
    let pattern = pattern.as_str()?;
    // What is written alike in both dialects, with one group.
    let alike = pattern.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.:=[]^+*()$?".contains(c));
    let one_group = pattern.matches('(').count() == 1 && !["(?", "*?", "+?", "??"].iter().any(|other| pattern.contains(other));
    // The first place that it matches, as in the run: sed's own `.*` before it would find the last.
    (alike && one_group)
        .then(|| format!("{whole} | sed -nE {}\"$mark\"'\\1'\"$mark\"'#p' | cut -d \"$mark\" -f 2", literal(&format!("s#{pattern}#"))))
}

fn states(status: &Table) -> Option<States> {
    let at = steps(status.get("state")?)?;
    let words = |name: &str| -> Option<Vec<String>> {
        let list = status.get("states").and_then(|states| states.get(name)).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .map(|word| word.as_str().filter(|word| is_plain(word) && !word.contains("${")).map(str::to_owned))
            .collect()
    };
    let (running, ended) = (words("running")?, [words("succeeded")?, words("failed")?].concat());
    (!running.is_empty() && !ended.is_empty()).then_some(States { at, ended, running })
}

/// The answer rules, first match first, and what a code means if none holds.
fn rules(status: &Table) -> Result<Vec<String>, Unscriptable> {
    let mut lines = Vec::new();
    // A visible reply must be able to say its state: an error page of a proxy is none.
    let in_json = status.get("state").is_some_and(|state| state.get("header").is_none());
    let visible =
        if in_json { "if json true < \"$reply\" > /dev/null 2>&1; then echo visible; else echo unclear; fi" } else { "echo visible" };
    for rule in status.get("answer").and_then(Value::as_array).into_iter().flatten() {
        let unclear = || Unscriptable::Contract("an answer rule of [status]".to_owned());
        let word = match rule.get("is").and_then(Value::as_str) {
            Some("visible") if rule.get("state").is_none() => visible,
            Some("visible") => "echo visible",
            Some("not_found") => "echo not_found",
            Some(_) => "echo unclear",
            None => return Err(unclear()),
        };
        let conditions = rule.get("when").and_then(conditions).filter(|conditions| !conditions.is_empty()).ok_or_else(unclear)?;
        lines.push(format!("if {}; then {word}; return; fi", conditions.join(" && ")));
    }
    lines.push(format!("case $code in 404 | 410) echo not_found ;; 2??) {visible} ;; *) echo unclear ;; esac"));
    Ok(lines)
}

/// The conditions of a rule as commands; `None` where one of them takes more than the shell has.
fn conditions(when: &Value) -> Option<Vec<String>> {
    let known = ["http", "pointer", "jsonpath", "equals", "one_of", "exists", "null", "empty"];
    if when.as_table()?.keys().any(|key| !known.contains(&key.as_str())) {
        return None;
    }
    let mut commands = Vec::new();
    if let Some(when) = when.get("http") {
        commands.push(format!("case $code in {}) true ;; *) false ;; esac", codes(when)?));
    }
    if when.get("pointer").is_none() && when.get("jsonpath").is_none() {
        return Some(commands);
    }
    let steps = steps(when)?;
    let mut tests = Vec::new();
    let wanted: Vec<&Value> = match (when.get("equals"), when.get("one_of")) {
        (Some(one), None) => vec![one],
        (None, Some(Value::Array(list))) => list.iter().collect(),
        (None, None) => Vec::new(),
        _ => return None,
    };
    if !wanted.is_empty() {
        let wanted: Option<Vec<String>> = wanted.into_iter().map(|wanted| Some(format!(". == {}", value(wanted)?))).collect();
        tests.push(format!("any(.[]; {})", wanted?.join(" or ")));
    }
    let truth = |key: &str| when.get(key).map(Value::as_bool);
    for (key, test) in
        [("exists", "(length > 0)"), ("null", "any(.[]; (. == null) == _)"), ("empty", "any(.[]; (. == \"\" or . == [] or . == {}) == _)")]
    {
        match truth(key) {
            None => {}
            Some(None) => return None,
            Some(Some(wanted)) if key == "exists" => tests.push(format!("{test} == {wanted}")),
            Some(Some(wanted)) => tests.push(test.replace('_', &wanted.to_string())),
        }
    }
    if tests.is_empty() {
        return None;
    }
    // An error answer lacks nearly everything, unless its code is asked for.
    if when.get("http").is_none() && tests.len() == 1 && truth("exists") == Some(Some(false)) {
        commands.push("case $code in 401 | 403 | 429 | 5??) false ;; *) true ;; esac".to_owned());
    }
    let test = format!("at({steps}) | {}", tests.iter().map(|test| format!("({test})")).collect::<Vec<_>>().join(" and "));
    commands.push(format!("json {} < \"$reply\" > /dev/null 2>&1", literal(&test)));
    Some(commands)
}

/// A value as jq writes it; none that a double cannot hold, and none with templates in it.
fn value(value: &Value) -> Option<String> {
    const EXACT: i64 = 1 << 53;
    let fits = match value {
        Value::String(text) => is_plain(text) && !text.contains(['{', '$']),
        Value::Integer(number) => number.abs() < EXACT,
        Value::Float(number) => number.is_finite(),
        Value::Boolean(_) => true,
        Value::Array(_) | Value::Table(_) | Value::Datetime(_) => false,
    };
    if fits { serde_json::to_string(value).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_followed_or_refused_and_never_guessed() {
        let rule = |when: &str| {
            let status: Table = format!("[[answer]]\nis = 'not_found'\nwhen = {when}").parse().expect("TOML");
            rules(&status).ok().map(|mut lines| lines.remove(0))
        };
        for (when, shell) in [
            ("{ http = [404, '5xx'] }", "case $code in 404 | 5??) true ;; *) false ;; esac"),
            ("{ pointer = '/a/0', equals = 'go\"ne' }", r#"at([["a",null],["0",0]]) | (any(.[]; . == "go\"ne"))"#),
            ("{ jsonpath = '$.a.b', one_of = [1, true] }", r#"at([["a",null],["b",null]]) | (any(.[]; . == 1 or . == true))"#),
            ("{ pointer = '/error', null = true }", "any(.[]; (. == null) == true)"),
            ("{ pointer = '/a~1b', exists = false }", r#"at([["a/b",null]]) | ((length > 0) == false)"#),
        ] {
            assert!(rule(when).is_some_and(|line| line.contains(shell)), "{when}: {:?}", rule(when));
        }
        for when in [
            "{ body_matches = 'x' }",
            "{ header = 'x', exists = true }",
            "{ jsonpath = '$.a[?@.b]', exists = true }",
            "{ jsonpath = '$..a', exists = true }",
            "{ pointer = '/a', matches = 'x' }",
            "{ pointer = '/a', equals = [1] }",
            "{ pointer = '/a', equals = 9007199254740993 }",
            "{ pointer = '/a', equals = '{id:raw}' }",
            "{ pointer = '/{id:raw}', exists = true }",
        ] {
            assert_eq!(rule(when), None, "{when}");
        }
    }
}
