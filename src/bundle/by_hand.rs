//! The few lines that a report has for whoever wants to see a denial with his own eyes: curl, and jq for the id.

use crate::bundle::curl;
use crate::bundle::shell::{inside, is_plain, literal};
use crate::model::run::Run;
use crate::target::{Caller, Encoding, IdSource, LoggedRequest, LoggedTarget, Piece, Placeholder, Step};

/// Lines to be pasted that ask for a new scan and poll it `seconds` later, ten times where `flapping`. `None` where the target file
/// says what a few lines cannot: an id that stands in a header, an address that is handed out, a list of several pages, or a value from the
/// environment that would have to be encoded.
pub fn by_hand(run: &Run, seconds: f64, flapping: bool) -> Option<String> {
    let logged = LoggedTarget::read(&run.target)?;
    // A service that the run had started itself is gone with its port; the file says where one is usually found.
    let usual = match logged.own_base().first() {
        Some(Piece::Text(text)) => text.starts_with("http"),
        Some(Piece::Placeholder(..)) => true,
        None => false,
    };
    let base = if run.target.service.is_some() && usual {
        logged.own_base()
    } else if ["http://", "https://"].iter().any(|scheme| run.target.base_url.starts_with(scheme)) {
        logged.base()
    } else {
        // Anything else could be read as an option.
        return None;
    };
    let asks_onward = logged.has_other_addresses() || logged.follow().is_some() || logged.pages().is_some();
    if asks_onward || logged.has_cookies() || logged.steps().next().is_some() || logged.captures().next().is_some() {
        return None;
    }
    let IdSource::InReply(id) = logged.replies().id else { return None };
    let id = if id.pattern.is_some() { return None } else { id.selector.steps()? };
    let id = id.iter().map(step).fold(String::new(), |path, step| match (path.is_empty(), step.starts_with('[')) {
        (true, true) => format!(".{step}"),
        _ => path + &step,
    });
    // What curl speaks by itself is left out.
    let version = match curl::version(&run.target) {
        "--http1.1" if !run.target.base_url.starts_with("https://") => String::new(),
        version => format!(" {version}"),
    };
    let line = |request: &LoggedRequest| line(&logged, base, &version, request);
    let (initiate, status) = (line(&logged.initiate().ok()?)?, line(&logged.status(Caller::Owner).ok()?)?);
    // Each line would make one of its own.
    if status.contains("uuidgen") {
        return None;
    }
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
fn step(step: &Step) -> String {
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphabetic() || c == '_') && !name.is_empty();
    match (step.index, step.name.as_str()) {
        (Some(index), _) => format!("[{index}]"),
        (None, name) if is_name(name) => format!(".{name}"),
        (None, name) => format!("[{}]", serde_json::Value::from(name)),
    }
}

fn line(logged: &LoggedTarget, base: &[Piece], version: &str, request: &LoggedRequest) -> Option<String> {
    let quote = |pieces: &[Piece]| quoted(logged, pieces);
    let address = format!("{}{}", quote(base)?.trim_end_matches('/'), quote(&request.path)?);
    let is_word = address.chars().all(|c| c.is_ascii_alphanumeric() || "_./:-".contains(c));
    let address = if is_word { address } else { format!("\"{address}\"") };
    Some(format!("curl -gs{version}{} {address}{}{}", curl::method(request), curl::headers(request, quote)?, curl::body(request, quote)?))
}

/// A text in double quotes. Values from the environment stand only where they need not be encoded.
fn quoted(logged: &LoggedTarget, pieces: &[Piece]) -> Option<String> {
    pieces.iter().map(|piece| in_quotes(logged, piece)).collect()
}

fn in_quotes(logged: &LoggedTarget, piece: &Piece) -> Option<String> {
    Some(match piece {
        Piece::Text(text) => is_plain(text).then(|| inside(text))?,
        Piece::Placeholder(Placeholder::Environment(index), Encoding::Plain) => {
            let variable = &logged.variables()[*index];
            let is_plain = |default: &String| default.chars().all(|c| c.is_ascii_alphanumeric() || "._:/-@".contains(c));
            match &variable.default {
                None => format!("${{{}}}", variable.name),
                Some(default) => is_plain(default).then(|| format!("${{{}:-{default}}}", variable.name))?,
            }
        }
        Piece::Placeholder(Placeholder::Environment(_) | Placeholder::Capture(_) | Placeholder::RawCapture(_), _) => return None,
        Piece::Placeholder(Placeholder::Id, _) => "$ID".to_owned(),
        Piece::Placeholder(Placeholder::RawId, _) => "$RAW".to_owned(),
        Piece::Placeholder(Placeholder::Uuid, _) => "$(uuidgen | tr -d -)".to_owned(),
        Piece::Placeholder(Placeholder::UuidDashed, _) => "$(uuidgen)".to_owned(),
        Piece::Placeholder(Placeholder::Number, _) => "$(date +%s)".to_owned(),
    })
}
