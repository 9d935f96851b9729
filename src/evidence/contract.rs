//! A target file as the shell can follow it: requests as curl's arguments, answer rules as tests.
//!
//! Not every contract can be followed without a JSON parser. What cannot is said, and no script is better than one that shows
//! something else than the run did.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use toml::{Table, Value};

use crate::evidence::shell::{Holes, literal, quoted};
use crate::model::credentials;
use crate::model::run::Run;

/// Why there is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unscriptable {
    /// Nothing was found.
    #[error("nothing was found that could be shown again")]
    NothingFound,
    /// The log's target file cannot be read.
    #[error("the log's target file cannot be read")]
    NoTargetFile,
    /// The contract needs more than curl and sed.
    #[error("{0} cannot be followed with curl and sed alone")]
    Contract(String),
    /// What was found takes more than curl.
    #[error("{0}")]
    Fault(&'static str),
}

/// A contract that the shell can follow.
#[derive(Debug)]
pub struct Contract {
    /// Where the target lives.
    pub base: String,
    /// The initiate as a command.
    pub initiate: String,
    /// A pipeline from the reply (with its headers) to the id.
    pub take_id: String,
    /// The status poll as a command.
    pub status: String,
    /// The same as the foreign user, if the file has one.
    pub foreign: Option<String>,
    /// Lines of a shell function: from `$code` and `$body` to a word.
    pub rules: Vec<String>,
    /// The key under which a reply repeats the id.
    pub echo: Option<String>,
    /// The key of the state, and the words of states that have ended and of those that have not.
    pub states: Option<(String, Vec<String>, Vec<String>)>,
    /// The shape of an id that was never issued.
    pub unknown_id: String,
}

impl Contract {
    /// Reads the target file of a log.
    pub fn of(run: &Run) -> Result<Contract, Unscriptable> {
        // A credential that stands in the file itself is not copied: it becomes a variable.
        let file = credentials::replaced(&run.target.file, |literal| format!("${{{}}}", literal.variable));
        let file: Table = file.parse().map_err(|_| Unscriptable::NoTargetFile)?;
        let section = |name: &str| file.get(name).and_then(Value::as_table);
        let (initiate, status) = section("initiate").zip(section("status")).ok_or(Unscriptable::NoTargetFile)?;
        let base = run.target.base_url.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(Unscriptable::NoTargetFile);
        }
        let headers = |user: &str| section("users").and_then(|users| users.get(user)?.get("headers")?.as_table());
        let asked_by = |endpoint: &Table| endpoint.get("user").and_then(Value::as_str).unwrap_or("owner").to_owned();
        let request = |what: &str, endpoint: &Table, usual: &str, user: &str| {
            request(endpoint, usual, headers(user)).ok_or_else(|| Unscriptable::Contract(format!("the {what} request")))
        };
        Ok(Contract {
            base,
            initiate: request("initiate", initiate, "POST", &asked_by(initiate))?,
            take_id: take_id(initiate.get("id")).ok_or_else(|| Unscriptable::Contract("the place of the id".to_owned()))?,
            status: request("status", status, "GET", &asked_by(status))?,
            foreign: headers("foreign").map(|_| request("status", status, "GET", "foreign")).transpose()?,
            rules: rules(status)?,
            echo: status.get("echo").and_then(key),
            states: states(status),
            unknown_id: file.get("unknown_id").and_then(Value::as_str).unwrap_or("{uuid}").to_owned(),
        })
    }
}

/// The JSON member that a place names: the last part of a pointer or of a plain path. Only plain names, which mean nothing else in
/// an expression.
pub fn key(place: &Value) -> Option<String> {
    let pointer = place.get("pointer").and_then(Value::as_str).and_then(|pointer| pointer.rsplit('/').next());
    let path = place.get("jsonpath").and_then(Value::as_str).and_then(|path| path.strip_prefix("$.")?.rsplit('.').next());
    let key = pointer.or(path)?;
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (plain && place.get("pattern").is_none()).then(|| key.to_owned())
}

/// Goes on in the next line, so that a long request stays readable.
const NEXT: &str = " \\\n    ";

fn request(endpoint: &Table, usual: &str, headers: Option<&Table>) -> Option<String> {
    let path = endpoint.get("path")?.as_str()?;
    let method = endpoint.get("method").and_then(Value::as_str).unwrap_or(usual);
    let mut line = String::from("ask");
    if method != "GET" {
        let _ = write!(line, " -X {}", quoted(method, Holes::Script));
    }
    let own = endpoint.get("headers").and_then(Value::as_table);
    for (name, value) in headers.into_iter().chain(own).flatten() {
        let value = value.as_str()?;
        // Another name is no header, and could be read as something else.
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return None;
        }
        let _ = write!(line, "{NEXT}-H {}", quoted(&format!("{name}: {value}"), Holes::Script));
    }
    if let Some(json) = endpoint.get("json") {
        let json = serde_json::to_string(json).ok()?;
        let _ = write!(line, "{NEXT}-H 'Content-Type: application/json'{NEXT}--data-raw {}", quoted(&json, Holes::Script));
    } else if let Some(form) = endpoint.get("form").and_then(Value::as_table) {
        for (name, value) in form {
            let _ = write!(line, "{NEXT}--data-urlencode {}", quoted(&format!("{name}={}", value.as_str()?), Holes::Script));
        }
    } else if let Some(body) = endpoint.get("body") {
        // Never --data or --data-binary: a text that begins with @ would send a file of whoever runs the script.
        let _ = write!(line, "{NEXT}--data-raw {}", quoted(body.as_str()?, Holes::Script));
    }
    let path = quoted(path, Holes::Script);
    let path = path.strip_prefix('"').and_then(|path| path.strip_suffix('"')).unwrap_or(&path);
    let _ = write!(line, "{NEXT}\"$base{path}\"");
    Some(line)
}

/// From headers and body on standard input to the id.
fn take_id(place: Option<&Value>) -> Option<String> {
    let place = place?;
    if let Some(key) = key(place) {
        return Some(format!("taken {key}"));
    }
    let header = place.get("header")?.as_str()?.to_ascii_lowercase();
    if !header.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return None;
    }
    let whole = format!("tr -d '\\r' | sed -n 's/^{}: *//p' | head -n 1", any_case(&header));
    let Some(pattern) = place.get("pattern") else { return Some(whole) };
    let pattern = pattern.as_str()?;
    // What is written alike in both dialects, with one group and anchored at most at its end.
    let alike = pattern.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.:=[]^+*()$?".contains(c));
    let one_group = pattern.matches('(').count() == 1 && !pattern.contains("(?") && !pattern.contains("*?") && !pattern.contains("+?");
    (alike && one_group && !pattern.starts_with('^'))
        .then(|| format!("{whole} | sed -nE {}", literal(&format!("s#.*{pattern}.*#\\1#p").replace("$.*#", "$#"))))
}

fn any_case(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphabetic() { format!("[{}{c}]", c.to_ascii_uppercase()) } else { c.to_string() }).collect()
}

fn states(status: &Table) -> Option<(String, Vec<String>, Vec<String>)> {
    let key = key(status.get("state")?)?;
    let words = |name: &str| {
        let list = status.get("states").and_then(|states| states.get(name)).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let (running, ended) = (words("running"), [words("succeeded"), words("failed")].concat());
    (!running.is_empty() && !ended.is_empty()).then_some((key, ended, running))
}

/// The answer rules, first match first, and what a code means if none holds.
fn rules(status: &Table) -> Result<Vec<String>, Unscriptable> {
    let mut lines = Vec::new();
    for rule in status.get("answer").and_then(Value::as_array).into_iter().flatten() {
        let unclear = || Unscriptable::Contract("an answer rule of [status]".to_owned());
        let word = match rule.get("is").and_then(Value::as_str) {
            Some("visible") => "visible",
            Some("not_found") => "not_found",
            Some(_) => "unclear",
            None => return Err(unclear()),
        };
        let conditions = rule.get("when").and_then(conditions).filter(|conditions| !conditions.is_empty()).ok_or_else(unclear)?;
        lines.push(format!("if {}; then echo {word}; return; fi", conditions.join(" && ")));
    }
    lines.push("case $code in 404 | 410) echo not_found ;; 2??) echo visible ;; *) echo unclear ;; esac".to_owned());
    Ok(lines)
}

/// The conditions of a rule as commands; `None` where one of them takes more than the shell has.
fn conditions(when: &Value) -> Option<Vec<String>> {
    let mut commands = Vec::new();
    if let Some(codes) = when.get("http") {
        let codes: Vec<&Value> = codes.as_array().map_or_else(|| vec![codes], |list| list.iter().collect());
        let codes: Vec<String> = codes
            .into_iter()
            .map(|code| match code {
                Value::Integer(code) => Some(code.to_string()),
                Value::String(class) => {
                    Some(class.to_ascii_lowercase().replace('x', "?")).filter(|class| class.chars().all(|c| c.is_ascii_digit() || c == '?'))
                }
                _ => None,
            })
            .collect::<Option<_>>()?;
        commands.push(format!("case $code in {}) true ;; *) false ;; esac", codes.join(" | ")));
    }
    if when.get("body_matches").is_some() || when.get("header").is_some() {
        return None;
    }
    if when.get("pointer").is_none() && when.get("jsonpath").is_none() {
        return Some(commands);
    }
    let key = key(when)?;
    let wanted: Vec<&Value> = match (when.get("equals"), when.get("one_of")) {
        (Some(one), None) => vec![one],
        (None, Some(Value::Array(list))) => list.iter().collect(),
        _ => Vec::new(),
    };
    if !wanted.is_empty() {
        let wanted: Vec<String> = wanted.into_iter().map(value).collect::<Option<_>>()?;
        commands.push(has(&format!("\"{key}\"[[:space:]]*:[[:space:]]*({})", wanted.join("|"))));
    }
    match when.get("exists") {
        Some(Value::Boolean(true)) => commands.push(has(&format!("\"{key}\"[[:space:]]*:"))),
        Some(Value::Boolean(false)) => {
            // An error answer lacks nearly everything.
            commands.push("case $code in 401 | 403 | 429 | 5??) false ;; esac".to_owned());
            commands.push(format!("! {}", has(&format!("\"{key}\"[[:space:]]*:"))));
        }
        _ => {}
    }
    match when.get("null") {
        Some(Value::Boolean(true)) => commands.push(has(&format!("\"{key}\"[[:space:]]*:[[:space:]]*null"))),
        Some(_) => return None,
        None => {}
    }
    (when.get("matches").is_none() && when.get("empty").is_none()).then_some(commands)
}

/// A plain value as it stands in JSON, as an extended regular expression.
fn value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.chars().all(|c| c.is_ascii_alphanumeric() || "_- :.".contains(c)) => {
            Some(format!("\"{}\"", text.replace('.', "\\.")))
        }
        Value::Integer(number) => Some(format!("{number}([^0-9.]|$)")),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn has(pattern: &str) -> String {
    format!("printf %s \"$body\" | grep -Eq {}", literal(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The request of `[initiate]` with these lines in it.
    fn initiate(lines: &str) -> Option<String> {
        let file: Table = format!("path = '/jobs'\n{lines}").parse().expect("TOML");
        request(&file, "POST", None)
    }

    #[test]
    fn nothing_in_a_log_makes_curl_read_a_file() {
        let body = initiate("body = '@/etc/passwd'").expect("a request");
        assert!(body.contains("--data-raw \"@/etc/passwd\""), "{body}");
        assert_eq!(initiate("headers = { '@/etc/passwd' = 'x' }"), None);
        let form = initiate("form = { a = '@/etc/passwd' }").expect("a request");
        assert!(form.contains("--data-urlencode \"a=@/etc/passwd\""), "with a name before it, @ means itself: {form}");
    }

    #[test]
    fn a_rule_is_followed_or_refused_and_never_guessed() {
        let rule = |when: &str| {
            let status: Table = format!("[[answer]]\nis = 'not_found'\nwhen = {when}").parse().expect("TOML");
            rules(&status).ok().map(|mut lines| lines.remove(0))
        };
        for (when, shell) in [
            ("{ http = [404, '5xx'] }", "case $code in 404 | 5??) true ;; *) false ;; esac"),
            ("{ pointer = '/a/status', equals = 'gone' }", r#"grep -Eq '"status"[[:space:]]*:[[:space:]]*("gone")'"#),
            ("{ pointer = '/error', null = true }", "[[:space:]]*null'"),
            ("{ pointer = '/id', exists = false }", "! printf %s"),
        ] {
            assert!(rule(when).is_some_and(|line| line.contains(shell)), "{when}: {:?}", rule(when));
        }
        for when in [
            "{ body_matches = 'x' }",
            "{ header = 'x', exists = true }",
            "{ jsonpath = '$.a[?@.b]', exists = true }",
            "{ pointer = '/a', matches = 'x' }",
            "{ pointer = '/a', equals = [1] }",
        ] {
            assert_eq!(rule(when), None, "{when}");
        }
    }
}
