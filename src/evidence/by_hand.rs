//! The few lines that a report has for whoever wants to see a denial with his own eyes: curl, and jq for the id.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use toml::{Table, Value};

use crate::evidence::contract::steps;
use crate::evidence::requests::{Encoding, Piece, Requests, path};
use crate::evidence::shell::{inside, is_plain, literal};
use crate::model::run::Run;
use crate::target::{Caller, Request};

/// Lines to be pasted that ask for a new scan and poll it `seconds` later, ten times where `flapping`. `None` where the target file
/// says what a few lines cannot: an id that stands in a header, or a value from the environment that would have to be encoded.
pub fn by_hand(run: &Run, seconds: f64, flapping: bool) -> Option<String> {
    // A service that the run had started itself is gone with its port; the file says where one is usually found.
    let mut run = run.clone();
    let file: Table = run.target.file.parse().ok()?;
    if run.target.service.is_some()
        && let Some(base) = file.get("base_url").and_then(Value::as_str).filter(|base| base.starts_with("${") || base.starts_with("http"))
    {
        base.clone_into(&mut run.target.base_url);
    } else if !["http://", "https://"].iter().any(|scheme| run.target.base_url.starts_with(scheme)) {
        // Anything else could be read as an option.
        return None;
    }
    let requests = Requests::of(&run).ok()?;
    let id: serde_json::Value = serde_json::from_str(&steps(file.get("initiate")?.as_table()?.get("id")?)?).ok()?;
    let id = id.as_array()?.iter().filter_map(step).fold(String::new(), |path, step| match (path.is_empty(), step.starts_with('[')) {
        (true, true) => format!(".{step}"),
        _ => path + &step,
    });
    let (initiate, status) = (requests.initiate().ok()?, requests.status(Caller::Owner).ok()?);
    let initiate = line(&requests, &initiate, &file, "initiate")?;
    let status = line(&requests, &status, &file, "status")?;
    // One that is encoded when it is taken, and one that is not, are not the same variable.
    let filter = match (status.contains("$ID"), status.contains("$RAW")) {
        (true, true) => return None,
        (true, false) => format!("{id} | tostring | @uri"),
        (false, _) => id,
    };
    let status = status.replace("$ID", "$id").replace("$RAW", "$id");
    let mut lines = vec![format!("id=$({initiate} |"), format!("  jq -r {})", literal(&filter))];
    if seconds > 0.0 {
        lines.push(format!("sleep {seconds}"));
    }
    if flapping {
        // One answer proves nothing about a status that comes and goes.
        lines.extend(["for poll in 1 2 3 4 5 6 7 8 9 10; do".to_owned(), format!("  {status}; echo"), "done".to_owned()]);
    } else {
        lines.push(status);
    }
    Some(lines.join("\n"))
}

/// A step of a path of jq's. What may be a place in a list or a name is taken for the place.
fn step(step: &serde_json::Value) -> Option<String> {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphabetic() || c == '_') && !name.is_empty();
    match (step.get(1)?.as_u64(), step.get(0)?.as_str()?) {
        (Some(index), _) => Some(format!("[{index}]")),
        (None, name) if is_name(name) => Some(format!(".{name}")),
        (None, name) => Some(format!("[{}]", serde_json::Value::from(name))),
    }
}

/// Goes on in the next line, so that a long request stays readable.
const NEXT: &str = " \\\n    ";

fn line(requests: &Requests, request: &Request, file: &Table, section: &str) -> Option<String> {
    let has = |name: &str| request.headers.iter().any(|(own, _)| own == name);
    let method = request.method.as_str();
    let mut line = String::from("curl -gs");
    match method {
        "GET" if request.body.is_empty() => {}
        "HEAD" => line.push_str(" --head"),
        method => drop(write!(line, " -X {}", literal(method))),
    }
    let base: Option<String> = requests.base().iter().map(|piece| in_quotes(requests, piece, true)).collect();
    let path = quoted(requests, path(request), Encoding::Plain, false)?;
    let address = format!("{}{path}", base?.trim_end_matches('/'));
    let is_word = address.chars().all(|c| c.is_ascii_alphanumeric() || "_./:-".contains(c));
    let _ = if is_word { write!(line, " {address}") } else { write!(line, " \"{address}\"") };
    for (name, value) in request.headers.iter().filter(|(name, _)| !["content-length", "transfer-encoding"].contains(&name.as_str())) {
        match value.as_str() {
            "" => drop(write!(line, "{NEXT}-H {}", literal(&format!("{name};")))),
            value => drop(write!(line, "{NEXT}-H \"{name}: {}\"", quoted(requests, value, Encoding::Plain, true)?)),
        }
    }
    if !request.body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
        let endpoint = file.get(section)?.as_table()?;
        let (is_form, is_text) = (endpoint.contains_key("form"), endpoint.contains_key("body"));
        let encoding = if is_form { Encoding::Form } else { Encoding::Plain };
        let body = quoted(requests, std::str::from_utf8(&request.body).ok()?, encoding, is_text)?;
        if !has("content-type") {
            line.push_str(" -H 'content-type:'");
        }
        // Never --data-binary: a text that begins with @ would send a file of whoever pastes the lines.
        let _ = write!(line, "{NEXT}--data-raw \"{body}\"");
    }
    Some(line)
}

/// A text in double quotes. Values from the environment stand only where they need not be encoded.
fn quoted(requests: &Requests, text: &str, encoding: Encoding, as_they_are: bool) -> Option<String> {
    requests.pieces(text, encoding).iter().map(|piece| in_quotes(requests, piece, as_they_are)).collect()
}

fn in_quotes(requests: &Requests, piece: &Piece, as_they_are: bool) -> Option<String> {
    Some(match piece {
        Piece::Text(text) => is_plain(text).then(|| inside(text))?,
        Piece::Environment(_) if !as_they_are => return None,
        Piece::Environment(index) => {
            let variable = &requests.variables()[*index];
            let is_plain = |default: &String| default.chars().all(|c| c.is_ascii_alphanumeric() || "._:/-@".contains(c));
            match &variable.default {
                None => format!("${{{}}}", variable.name),
                Some(default) => is_plain(default).then(|| format!("${{{}:-{default}}}", variable.name))?,
            }
        }
        Piece::Id => "$ID".to_owned(),
        Piece::RawId => "$RAW".to_owned(),
        Piece::Uuid => "$(uuidgen | tr -d -)".to_owned(),
        Piece::Number => "$(date +%s)".to_owned(),
    })
}
