//! What replies mean, as tests of their code and, by jq, of their JSON.
//!
//! A reply is read as the run read it, or not at all: the shell's own tools would find the first member of a name anywhere in it, and
//! would leave its escapes as they are. Where a contract takes more than that, there is no script, since one that shows something
//! else than the run did is worse than none.

use serde_json::{Value, json};

use crate::bundle::Unscriptable;
use crate::bundle::shell::{is_plain, literal};
use crate::model::answer::{Answer, State};
use crate::target::{Comparand, Extract, HttpCode, HttpCodes, JsonTemplate, LoggedTarget, QueryStep, Rule, Selector, Test, When};

/// What a file says about states.
#[derive(Debug)]
pub(super) struct States {
    /// An expression for jq.
    pub(super) at: String,
    /// Words of states that have ended.
    pub(super) ended: Vec<String>,
    /// Words of states that have not.
    pub(super) running: Vec<String>,
}

/// The codes as patterns of `case`.
pub(super) fn codes(codes: &HttpCodes) -> String {
    let pattern = |code: &HttpCode| match code {
        HttpCode::Exactly(code) => code.to_string(),
        HttpCode::Hundred(hundred) => format!("{hundred}??"),
    };
    codes.0.iter().map(pattern).collect::<Vec<_>>().join(" | ")
}

/// What stands at a place in JSON, as an expression of jq's that gives a list. `None` for a place that takes something from the
/// environment, or that has a part which is not followed here.
fn place(selector: &Selector) -> Option<String> {
    if let Some(steps) = selector.steps() {
        // Each a name, and the place in a list that it may mean as well.
        let fixed = steps.iter().all(|step| is_plain(&step.name));
        return fixed.then(|| format!("at({})", json!(steps.iter().map(|step| json!([step.name, step.index])).collect::<Vec<_>>())));
    }
    let Selector::JsonPath(query) = selector else { return None };
    let steps: Vec<String> = query.steps()?.iter().map(query_step).collect::<Option<_>>()?;
    Some(format!("([.]{})", steps.concat()))
}

/// One step from a list of values to the list of those below them.
fn query_step(step: &QueryStep) -> Option<String> {
    const BELOW: &str = "select(type == \"array\" or type == \"object\") | .[]";
    let member = |name: &str| {
        let name = is_plain(name).then(|| json!(name))?;
        Some(format!(" | map(select(type == \"object\" and has({name})) | .[{name}])"))
    };
    Some(match step {
        QueryStep::Name(name) => member(name)?,
        QueryStep::Index(index) => format!(" | map(select(type == \"array\" and length > {index}) | .[{index}])"),
        QueryStep::Each => format!(" | map({BELOW})"),
        QueryStep::Where { place, equals } => {
            let place: Vec<String> = place.iter().map(|name| member(name)).collect::<Option<_>>()?;
            let equals = match equals {
                Comparand::Text(text) => is_plain(text).then(|| json!(text).to_string())?,
                Comparand::Id => "$id".to_owned(),
                Comparand::IdAlone => "named".to_owned(),
            };
            format!(" | map({BELOW} | select(any([.]{} | .[]; . == {equals})))", place.concat())
        }
    })
}

/// The same for what is taken whole.
pub(super) fn place_of(extract: &Extract) -> Option<String> {
    if extract.pattern.is_some() { None } else { place(&extract.selector) }
}

/// A command that prints what stands at a place of the last reply.
pub(super) fn take(logged: &LoggedTarget, id: &Extract) -> Option<String> {
    let whole = match &id.selector {
        Selector::Header(header) => {
            let is_plain = logged.is_constant(header.as_str()) && header.as_str().chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            is_plain.then(|| format!("field {header}"))?
        }
        selector => format!("json {} < \"$reply\"", literal(&format!("{} | text", place(selector)?))),
    };
    let Some(pattern) = &id.pattern else { return Some(whole) };
    let pattern = pattern.as_str();
    // What is written alike in both dialects, with one group.
    let alike = logged.is_constant(pattern) && pattern.chars().all(|c| c.is_ascii_alphanumeric() || "/_-.:=[]^+*()$?#&<>\";, ".contains(c));
    let one_group = pattern.matches('(').count() == 1 && !["(?", "*?", "+?", "??"].iter().any(|other| pattern.contains(other));
    // Around the expression stands what is not in it.
    let end = ['#', ',', '~'].into_iter().find(|end| !pattern.contains(*end))?;
    // The first place that it matches, as in the run: sed's own `.*` before it would find the last.
    (alike && one_group).then(|| {
        let expression = literal(&format!("s{end}{pattern}{end}"));
        format!("{whole} | sed -nE {expression}\"$mark\"'\\1'\"$mark\"'{end}p' | cut -d \"$mark\" -f 2")
    })
}

/// Where the state is and what its words mean; `None` where the file does not say, or not in words that a script can have.
pub(super) fn states(logged: &LoggedTarget) -> Option<States> {
    let replies = logged.replies();
    let at = place_of(replies.state?)?;
    let words = |wanted: fn(State) -> bool| -> Option<Vec<String>> {
        let words = replies.states.iter().filter(|(_, state)| wanted(**state));
        words.map(|(word, _)| (is_plain(word) && logged.is_constant(word)).then(|| word.clone())).collect()
    };
    let (running, ended) = (words(|state| state == State::Running)?, words(State::is_terminal)?);
    (!running.is_empty() && !ended.is_empty()).then_some(States { at, ended, running })
}

/// The answer rules, first match first, and what a code means if none holds.
pub(super) fn rules(logged: &LoggedTarget) -> Result<Vec<String>, Unscriptable> {
    let replies = logged.replies();
    let mut lines = Vec::new();
    // A visible reply must be able to say its state: an error page of a proxy is none.
    let in_json = replies.state.is_some_and(|state| !matches!(state.selector, Selector::Header(_)));
    let visible =
        if in_json { "if json true < \"$reply\" > /dev/null 2>&1; then echo visible; else echo unclear; fi" } else { "echo visible" };
    for (nth, Rule { answer, state, when }) in replies.rules.iter().enumerate() {
        let word = match (answer, state) {
            (Answer::Visible, None) => visible,
            (Answer::Visible, Some(_)) => "echo visible",
            (Answer::NotFound, _) => "echo not_found",
            _ => "echo unclear",
        };
        let conditions = conditions(when).ok_or_else(|| Unscriptable::Contract(format!("[[status.answer]] number {}", nth + 1)))?;
        lines.push(format!("if {}; then {word}; return; fi", conditions.join(" && ")));
    }
    lines.push(format!("case $code in 404 | 410) echo not_found ;; 2??) {visible} ;; *) echo unclear ;; esac"));
    Ok(lines)
}

/// The conditions of a rule as commands; `None` where one of them takes more than the shell has.
fn conditions(when: &When) -> Option<Vec<String>> {
    let mut commands = conditions_of(when)?;
    if when.passes_over_errors() {
        commands.insert(0, "case $code in 401 | 403 | 429 | 5??) false ;; *) true ;; esac".to_owned());
    }
    Some(commands)
}

fn conditions_of(when: &When) -> Option<Vec<String>> {
    let mut commands = Vec::new();
    if when.body_matches.is_some() {
        return None;
    }
    if let Some(http) = &when.http {
        commands.push(format!("case $code in {}) true ;; *) false ;; esac", codes(http)));
    }
    for part in &when.all {
        commands.extend(conditions_of(part)?);
    }
    let Some((selector, tests)) = &when.at else { return Some(commands) };
    let tests: Vec<String> = tests.iter().map(test).collect::<Option<_>>()?;
    let tests: Vec<String> = tests.iter().map(|test| format!("({test})")).collect();
    let test = format!("{} | {}", place(selector)?, tests.join(" and "));
    commands.push(format!("json {} < \"$reply\" > /dev/null 2>&1", literal(&test)));
    Some(commands)
}

/// A test as jq has it.
fn test(test: &Test) -> Option<String> {
    Some(match test {
        Test::OneOf(wanted) => {
            let wanted: Vec<String> = wanted.iter().map(|wanted| Some(format!(". == {}", value(wanted)?))).collect::<Option<_>>()?;
            format!("any(.[]; {})", wanted.join(" or "))
        }
        Test::Matches(_) => return None,
        Test::Exists(wanted) => format!("(length > 0) == {wanted}"),
        Test::Null(wanted) => format!("any(.[]; (. == null) == {wanted})"),
        Test::Empty(wanted) => format!("any(.[]; (. == \"\" or . == [] or . == {{}}) == {wanted})"),
    })
}

/// A value as jq writes it; none that a double cannot hold.
fn value(wanted: &JsonTemplate) -> Option<String> {
    const EXACT: u64 = 1 << 53;
    let value = wanted.constant_scalar()?;
    let fits = match &value {
        Value::String(text) => is_plain(text),
        Value::Number(number) => number.is_f64() || number.as_i64().is_some_and(|number| number.unsigned_abs() < EXACT),
        _ => true,
    };
    fits.then(|| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::{Capabilities, HttpVersion, StatusNote, TargetNote};

    fn logged(status: &str) -> LoggedTarget {
        let file = format!(
            "name = 'x'\nbase_url = 'http://h'\n[initiate]\npath = '/jobs'\nid = {{ pointer = '/id' }}\n[status]\npath = '/jobs/{{id}}'\n{status}"
        );
        let (name, base_url) = ("x".to_owned(), "http://h".to_owned());
        let (can, status, http) = (Capabilities::default(), StatusNote::default(), HttpVersion::One);
        let (noun, slo) = (crate::model::noun::Noun::default(), Vec::new());
        LoggedTarget::read(&TargetNote { name, base_url, file, service: None, can, status, http, noun, slo }).expect("a right file")
    }

    #[test]
    fn a_rule_is_followed_or_refused_and_never_guessed() {
        let rule = |when: &str| {
            let logged = logged(&format!("[[status.answer]]\nis = 'not_found'\nwhen = {when}\n"));
            rules(&logged).ok().map(|mut lines| lines.remove(0))
        };
        for (when, shell) in [
            ("{ http = [404, '5xx'] }", "case $code in 404 | 5??) true ;; *) false ;; esac"),
            ("{ pointer = '/a/0', equals = 'go\"ne' }", r#"at([["a",null],["0",0]]) | (any(.[]; . == "go\"ne"))"#),
            ("{ jsonpath = '$.a.b', one_of = [1, true] }", r#"at([["a",null],["b",null]]) | (any(.[]; . == 1 or . == true))"#),
            ("{ pointer = '/error', null = true }", "any(.[]; (. == null) == true)"),
            ("{ pointer = '/a', empty = false }", "any(.[]; (. == \"\" or . == [] or . == {}) == false)"),
            ("{ pointer = '/a~1b', exists = false }", r#"at([["a/b",null]]) | ((length > 0) == false)"#),
            ("{ jsonpath = \"$[*][?@.id == '{id:raw}']\", exists = false }", "select(any([.] | map("),
            ("{ jsonpath = '$.jobs[?@.id == {id:raw}]', exists = false }", "; . == named)))"),
            ("{ jsonpath = '$.jobs[*].state', equals = 'gone' }", r#"| .["state"]))"#),
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
            "{ pointer = '/a', equals = '${DENIED:-gone}' }",
            "{ pointer = '/{id:raw}', exists = true }",
            "{ pointer = '/${DENIED:-gone}', exists = true }",
        ] {
            assert_eq!(rule(when), None, "{when}");
        }
    }

    #[test]
    fn words_of_states_are_taken_where_they_are_known() {
        let words = "[status.states]\nrunning = ['at work']\nsucceeded = ['done']\nfailed = ['WORD']\n";
        let states = |failed: &str| states(&logged(&format!("state = {{ pointer = '/s' }}\n{}", words.replace("WORD", failed))));
        let known = states("dead").expect("three words");
        assert_eq!((known.running, known.ended), (vec!["at work".to_owned()], vec!["dead".to_owned(), "done".to_owned()]));
        assert!(states("${DEAD:-dead}").is_none() && states("a\\tb").is_some());
    }
}
