//! A log's target as the shell can follow it: its requests as curl's arguments, and what they take from the environment.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::bundle::Unscriptable;
use crate::bundle::curl::{self, NEXT};
use crate::bundle::meaning::{self, States};
use crate::bundle::shell::{inside, is_plain, literal};
use crate::model::run::Run;
use crate::target::{
    Caller, Encoding, EnvironmentVariable, Extract, IdSource, LoggedFollow, LoggedRequest, LoggedStep, LoggedTarget, Piece, Placeholder,
    RequestError,
};

/// A contract that the shell can follow.
#[derive(Debug)]
pub(super) struct Contract {
    /// Lines that take values from the environment into variables of the script.
    pub(super) environment: String,
    /// Lines that set `base`.
    pub(super) base: String,
    /// The initiate as a command.
    pub(super) initiate: String,
    /// Conditions on `$code` under which the initiate was accepted, as patterns of `case`.
    pub(super) accepted: String,
    /// Lines that get the credentials and make the first steps, before anything else.
    pub(super) login: String,
    /// Lines of the steps before each initiate.
    pub(super) setup: String,
    /// A line that gives the client's own id before the initiate; empty where the reply has it.
    pub(super) own_id: String,
    /// A command that prints the id, out of the files `$head` and `$reply`.
    pub(super) take_id: String,
    /// Lines that capture values of the initiate's reply.
    pub(super) captures: String,
    /// Whether the cookies of a scan are kept.
    pub(super) cookies: bool,
    /// What an id must be for the requests that carry it, as checks.
    pub(super) checks: String,
    /// The status poll as a command.
    pub(super) status: String,
    /// A line that sets the `address` at which it asks: that of `$id`, made from it or remembered. Empty where the command has it itself.
    pub(super) address: String,
    /// Lines that remember the address which the initiate's reply hands out; empty where it is made from the id.
    pub(super) remember: String,
    /// Whether polls ask for a stream of events.
    pub(super) stream: bool,
    /// Lines after each answer to a poll that remember the next address.
    pub(super) chain: String,
    /// Where a list goes on, as a command that prints it, and how many pages a poll looks at.
    pub(super) pages: Option<(String, u32)>,
    /// The status poll as the foreign user, if the file has one.
    pub(super) foreign: Option<String>,
    /// Lines of a shell function: from `$code`, `$head` and `$reply` to a word.
    pub(super) rules: Vec<String>,
    /// Where a reply repeats the id: steps for jq.
    pub(super) echo: Option<String>,
    /// Where the state is, and the words of states that have ended and of those that have not.
    pub(super) states: Option<States>,
    /// Makes an id that was never issued, as a text in double quotes.
    pub(super) unknown_id: Option<String>,
    /// What curl is told about the version of HTTP.
    pub(super) version: &'static str,
}

/// A value that the shell fills in, and how it is written there.
type Filled = (Placeholder, Encoding);

impl Contract {
    /// The contract of a run.
    pub(super) fn of(run: &Run) -> Result<Contract, Unscriptable> {
        if !["http://", "https://"].iter().any(|scheme| run.target.base_url.starts_with(scheme)) {
            return Err(Unscriptable::NoAddress);
        }
        let logged = LoggedTarget::read(&run.target).ok_or(Unscriptable::NoTargetFile)?;
        let unclear = |what: &str| Unscriptable::Contract(what.to_owned());
        let base = quoted(logged.base()).ok_or_else(|| unclear("the address"))?;
        let mut filled = Vec::new();
        let mut split = |what: &str, request: Result<LoggedRequest, RequestError>| {
            let made = request.ok().and_then(|request| command(&request, &mut filled));
            made.ok_or_else(|| unclear(&format!("the {what} request")))
        };
        if logged.has_other_addresses() {
            return Err(unclear("an endpoint with an address of its own"));
        }
        let (mut login, mut setup) = (String::new(), String::new());
        for (nth, step) in logged.steps().enumerate() {
            let is_login = nth < logged.logins();
            let LoggedStep { request, accept, captures } = step.map_err(|_| unclear("a step before the initiate"))?;
            let name = if is_login { "login" } else { "setup" };
            let ask = whole(split(name, Ok(request))?);
            let (lines, indent) = if is_login { (&mut login, "") } else { (&mut setup, "  ") };
            let _ = writeln!(lines, "{indent}{ask} || unable 'the {name} was not answered'");
            let codes = meaning::codes(accept);
            let _ = writeln!(
                lines,
                "{indent}case $code in {codes}) ;; *) unable \"the {name} was answered HTTP $code: $(head -c 300 \"$reply\")\" ;; esac"
            );
            *lines += &captured(&logged, indent, captures).ok_or_else(|| unclear("a captured value"))?;
        }
        let captures = captured(&logged, "  ", logged.captures()).ok_or_else(|| unclear("a captured value"))?;
        let own_id = match logged.client_id() {
            Some(pieces) => format!("  id=\"{}\"\n", quoted(&pieces).ok_or_else(|| unclear("the id"))?),
            None => String::new(),
        };
        let take_id = match logged.replies().id {
            IdSource::InReply(place) => meaning::take(&logged, place).ok_or_else(|| unclear("the place of the id"))?,
            IdSource::OfTheClient(_) => "printf %s \"$id\"".to_owned(),
        };
        let initiate = whole(split("initiate", logged.initiate())?);
        let is_plain_poll = logged.follow().is_none() && logged.pages().is_none();
        let poll = |command: Command| if is_plain_poll { (whole(command), String::new()) } else { at_address(command) };
        let (status, mut address) = poll(split("status", logged.status(Caller::Owner))?);
        let foreign = logged.has_foreign_user().then(|| split("foreign user's", logged.status(Caller::Foreign)).map(poll)).transpose()?;
        let (mut remember, mut chain) = (String::new(), String::new());
        if let Some(LoggedFollow { from, suffix, chain: goes_on }) = logged.follow() {
            let take = meaning::take(&logged, from).ok_or_else(|| unclear("the place of the address to follow"))?;
            let suffix = (is_plain(suffix) && logged.is_constant(suffix)).then(|| literal(suffix)).ok_or_else(|| unclear("`suffix`"))?;
            address = String::from("  recall\n");
            let _ = writeln!(
                remember,
                "  led=$({take}) || unable \"no address can be read in the reply to the initiate: $(head -c 300 \"$reply\")\""
            );
            let _ = writeln!(remember, "  remember \"$led\" {suffix}");
            if goes_on {
                let _ = writeln!(chain, "  led=$({take} 2> /dev/null) && [ -n \"$led\" ] && remember \"$led\" {suffix}");
            }
        }
        let pages = logged
            .pages()
            .map(|(next, most)| Ok((meaning::take(&logged, next).ok_or_else(|| unclear("the place at which a list goes on"))?, most)));
        let pages = pages.transpose()?;
        Ok(Contract {
            stream: status.contains("text/event-stream"),
            login,
            setup,
            own_id,
            take_id,
            captures,
            cookies: logged.has_cookies(),
            unknown_id: logged.unknown_id().and_then(|pieces| quoted(&pieces)),
            rules: meaning::rules(&logged)?,
            states: meaning::states(&logged),
            environment: environment(&logged, &filled)?,
            base: base_lines(&base, &logged)?,
            initiate,
            accepted: meaning::codes(logged.replies().accept),
            checks: checks(&filled),
            status,
            address,
            remember,
            chain,
            pages,
            foreign: foreign.map(|(foreign, _)| foreign),
            echo: logged.replies().echo.and_then(meaning::place_of),
            version: curl::version(&run.target),
        })
    }
}

/// A request as the arguments of `ask`, and its address.
struct Command {
    arguments: String,
    address: String,
}

/// A command at `$address`, and the line that sets it.
fn at_address(Command { arguments, address }: Command) -> (String, String) {
    (format!("{arguments}{NEXT}\"$address\""), format!("  address={address}\n"))
}

fn whole(Command { arguments, address }: Command) -> String {
    arguments + NEXT + &address
}

/// One request as the shell has it; what of it is filled in there is added to `filled`.
fn command(request: &LoggedRequest, filled: &mut Vec<Filled>) -> Option<Command> {
    let mut quote = |pieces: &[Piece]| {
        filled.extend(pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Placeholder(of, encoding) => Some((*of, *encoding)),
        }));
        quoted(pieces)
    };
    let mut line = format!("ask{}{}", curl::method(request), curl::headers(request, &mut quote)?);
    for (name, value) in [("accept", "*/*"), ("accept-encoding", "identity")] {
        if !curl::has_header(request, name) {
            let _ = write!(line, " -H '{name}: {value}'");
        }
    }
    let body = curl::body(request, &mut quote)?;
    line += &body;
    Some(Command { arguments: line, address: format!("\"$base{}\"", quote(&request.path)?) })
}

/// Lines that take values out of the last reply.
fn captured<'a>(logged: &LoggedTarget, indent: &str, captures: impl IntoIterator<Item = (u8, &'a Extract)>) -> Option<String> {
    let mut lines = String::new();
    for (place, from) in captures {
        let take = meaning::take(logged, from)?;
        let _ = writeln!(lines, "{indent}c{place}=$({take}) || unable \"no value to capture in the reply: $(head -c 300 \"$reply\")\"");
        let _ = writeln!(lines, "{indent}plain 'a captured value' \"$c{place}\"");
    }
    Some(lines)
}

/// A text inside double quotes; `None` where it cannot stand in a script.
fn quoted(pieces: &[Piece]) -> Option<String> {
    pieces.iter().map(in_quotes).collect()
}

fn in_quotes(piece: &Piece) -> Option<String> {
    let (of, encoding) = match piece {
        Piece::Text(text) => return is_plain(text).then(|| inside(text)),
        Piece::Placeholder(of, encoding) => (of, encoding),
    };
    let variable = match of {
        Placeholder::Uuid => return Some("$uuid".to_owned()),
        Placeholder::UuidDashed => return Some("$(dashed \"$uuid\")".to_owned()),
        Placeholder::Number => return Some("$n".to_owned()),
        Placeholder::Environment(index) => format!("$v{index}"),
        Placeholder::RawId => "$id".to_owned(),
        Placeholder::RawCapture(place) => format!("$c{place}"),
        Placeholder::Capture(place) => return Some(format!("$(encoded \"$c{place}\")")),
        Placeholder::Id => {
            let encoded = "$(encoded \"$id\")";
            return Some(if *encoding == Encoding::Form { format!("$(formed \"{encoded}\")") } else { encoded.to_owned() });
        }
    };
    Some(match encoding {
        Encoding::Address => format!("$(addressed \"{variable}\")"),
        Encoding::Json => format!("$(jsoned \"{variable}\")"),
        Encoding::Form => format!("$(formed \"{variable}\")"),
        Encoding::Plain => variable,
    })
}

/// The variables that the address before every path takes from the environment.
fn of_base(logged: &LoggedTarget) -> Vec<usize> {
    let named = |index: &usize| logged.base().contains(&Piece::Placeholder(Placeholder::Environment(*index), Encoding::Plain));
    (0..logged.variables().len()).filter(named).collect()
}

/// Takes what requests need from the environment, with what the file has for what is not set.
fn environment(logged: &LoggedTarget, filled: &[Filled]) -> Result<String, Unscriptable> {
    let (variables, of_base) = (logged.variables(), of_base(logged));
    let used = |index: &usize| filled.iter().any(|(of, _)| *of == Placeholder::Environment(*index)) && !of_base.contains(index);
    let used: Vec<usize> = (0..variables.len()).filter(used).collect();
    let mut lines = taken(variables, &used, "")?;
    for index in used {
        if filled.contains(&(Placeholder::Environment(index), Encoding::Address)) {
            let _ = writeln!(lines, "addressable {} \"$v{index}\"", variables[index].name);
        }
    }
    Ok(lines)
}

/// Takes variables, and says all at once that are missing.
fn taken(variables: &[EnvironmentVariable], used: &[usize], indent: &str) -> Result<String, Unscriptable> {
    let mut lines = String::new();
    let mut checks = String::new();
    for index in used {
        let EnvironmentVariable { name, default } = &variables[*index];
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
fn base_lines(base: &str, logged: &LoggedTarget) -> Result<String, Unscriptable> {
    let taken = taken(logged.variables(), &of_base(logged), "  ")?;
    Ok(format!("base=${{BASE_URL:-}}\nif [ -z \"$base\" ]; then\n{taken}  base=\"{base}\"\nfi\nbase=${{base%/}}\n"))
}

/// What is demanded of an id before it is put where an encoding would be needed that the shell does not have.
fn checks(filled: &[Filled]) -> String {
    let in_path = filled.contains(&(Placeholder::RawId, Encoding::Address));
    if in_path { "  addressable 'the id' \"$id\"\n".to_owned() } else { String::new() }
}
