//! A log's target file, compiled without the values of its environment: the requests of the run, with placeholders where a value came
//! from the environment or differs from scan to scan.
//!
//! They are made by the code that made the run's, so that whoever prints them sends what the run sent, whatever a target file can say.
//! Marks stand for the values: texts that every encoding leaves alone, cut out of the finished requests.

use std::cell::RefCell;

use http::Method;

use crate::model::exchange::{Exchange, Kind, Route};
use crate::model::run::TargetNote;
use crate::model::secret_names::STRUCK;
use crate::model::source::Source;

use super::file::HttpCodes;
use super::reading::Replies;
use super::request::{Encoding, Endpoint};
use super::selector::Extract;
use super::{Accepted, Caller, Captured, Request, RequestError, Target, Variables, WriteKind, compile, credentials};

/// A target as a log has it.
#[derive(Debug)]
pub(crate) struct LoggedTarget {
    target: Target,
    /// What no text of the file has in it.
    mark: &'static str,
    variables: Vec<EnvironmentVariable>,
    base: Vec<Piece>,
    own_base: Vec<Piece>,
}

/// A variable of the environment, as one text of the file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentVariable {
    pub(crate) name: String,
    /// What stands for it if it is not set.
    pub(crate) default: Option<String>,
}

/// A request with placeholders.
#[derive(Debug)]
pub(crate) struct LoggedRequest {
    pub(crate) method: Method,
    /// The path and query, to be added to [`LoggedTarget::base`].
    pub(crate) path: Vec<Piece>,
    pub(crate) headers: Vec<(String, Vec<Piece>)>,
    pub(crate) body: Vec<Piece>,
}

/// A step before an initiate.
#[derive(Debug)]
pub(crate) struct LoggedStep<'a> {
    pub(crate) request: LoggedRequest,
    pub(crate) accept: &'a HttpCodes,
    /// Where its reply has the captured values, by place.
    pub(crate) captures: Vec<(u8, &'a Extract)>,
}

/// How the address of a poll is handed out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoggedFollow<'a> {
    /// Where the initiate's reply has it.
    pub(crate) from: &'a Extract,
    /// What is added to its path.
    pub(crate) suffix: &'a str,
    /// Whether status replies hand out the next one.
    pub(crate) chain: bool,
}

/// A part of a request's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Placeholder(Placeholder, Encoding),
}

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placeholder {
    /// The value of a variable, by its place in [`LoggedTarget::variables`].
    Environment(usize),
    /// The scan's id, percent-encoded.
    Id,
    /// The scan's id as it is.
    RawId,
    Uuid,
    /// The same with dashes.
    UuidDashed,
    Number,
    /// A captured value, percent-encoded.
    Capture(u8),
    /// A captured value as it is.
    RawCapture(u8),
}

/// Where the marked target lives; no request is sent there.
const NOWHERE: &str = "http://statusgap-base.invalid";

/// The number of the marked scan.
const NUMBER: u64 = 7_134_920_586_013_457_882;

impl LoggedTarget {
    /// Compiles a log's target file; `None` if it cannot be read.
    pub(crate) fn read(note: &TargetNote) -> Option<LoggedTarget> {
        // A credential that stands in the file itself is not copied: it becomes a variable.
        let text = credentials::replaced(&note.file, |literal| format!("${{{}}}", literal.variable));
        let mark = ["zqz", "jqx", "qkz", "xqj"].into_iter().find(|mark| !text.contains(mark))?;
        let variables: RefCell<Vec<EnvironmentVariable>> = RefCell::default();
        let lookup = |name: &str, default: Option<&str>| {
            let variable = EnvironmentVariable { name: name.to_owned(), default: default.map(str::to_owned) };
            let mut variables = variables.borrow_mut();
            let index = variables.iter().position(|known| *known == variable).unwrap_or_else(|| {
                variables.push(variable);
                variables.len() - 1
            });
            Some(variable_mark(mark, index))
        };
        let mut own_base = String::new();
        let source = Source { file: "the log's target file", text: &text };
        let target = compile::compile_at(source, &lookup, |address| {
            own_base = address;
            NOWHERE.to_owned()
        });
        let mut logged = LoggedTarget { target: target.ok()?, mark, variables: variables.take(), base: Vec::new(), own_base: Vec::new() };
        logged.own_base = logged.pieces(own_base.trim_end_matches('/'), Encoding::Plain);
        // What the path of the address has from the environment is not in the log.
        logged.base = if note.base_url.contains(STRUCK) {
            logged.own_base.clone()
        } else {
            vec![Piece::Text(note.base_url.trim_end_matches('/').to_owned())]
        };
        Some(logged)
    }

    pub(crate) fn variables(&self) -> &[EnvironmentVariable] {
        &self.variables
    }

    /// The address before every path.
    pub(crate) fn base(&self) -> &[Piece] {
        &self.base
    }

    /// The same as the file has it, where the run may have used another one.
    pub(crate) fn own_base(&self) -> &[Piece] {
        &self.own_base
    }

    /// Whether the file has a user who must not see the owner's scans.
    pub(crate) fn has_foreign_user(&self) -> bool {
        self.target.can().foreign_user
    }

    pub(crate) fn replies(&self) -> Replies<'_> {
        self.target.replies()
    }

    /// Whether a text of [`LoggedTarget::replies`] takes nothing from the environment.
    pub(crate) fn is_constant(&self, text: &str) -> bool {
        !text.contains(self.mark)
    }

    /// The steps before an initiate, the logins first: each as a request, the codes with which it went well, and what it captures.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Result<LoggedStep<'_>, RequestError>> {
        let variables = self.marked();
        let logins = self.target.logins.iter().enumerate().map(|(nth, login)| (self.target.login(nth, &variables), &login.step));
        let setup = self.target.setup.iter().enumerate().map(|(index, step)| (self.target.setup(index, &variables), step));
        let all: Vec<_> = logins.chain(setup).collect();
        all.into_iter().filter_map(|(request, step)| {
            Some(request?.map(|request| LoggedStep {
                request: self.logged(&request, step.endpoint.body.encoding()),
                accept: &step.accept,
                captures: step.capture.iter().map(|capture| (capture.place, &capture.from)).collect(),
            }))
        })
    }

    /// How many of [`LoggedTarget::steps`] are logins.
    pub(crate) fn logins(&self) -> usize {
        self.target.logins()
    }

    /// What the initiate's reply is captured for, by place.
    pub(crate) fn captures(&self) -> impl Iterator<Item = (u8, &Extract)> {
        self.target.initiate_reader.capture.iter().map(|capture| (capture.place, &capture.from))
    }

    /// The id that the client gives, with placeholders; `None` where the reply has it.
    pub(crate) fn client_id(&self) -> Option<Vec<Piece>> {
        let id = self.target.initiate_reader.client_id(&self.marked())?;
        Some(self.pieces(&id, Encoding::Plain))
    }

    /// Whether an endpoint lives elsewhere than the others.
    pub(crate) fn has_other_addresses(&self) -> bool {
        self.target.addresses().len() > 1
    }

    /// Where a reply hands out the address that is polled; `None` where it is made from the id.
    pub(crate) fn follow(&self) -> Option<LoggedFollow<'_>> {
        let status = &self.target.status;
        let follow = status.follow.as_ref().filter(|_| status.endpoint.path.is_none())?;
        Some(LoggedFollow { from: &follow.from, suffix: &follow.suffix, chain: follow.chain })
    }

    /// Where a list goes on, and how many of its pages one poll looks at.
    pub(crate) fn pages(&self) -> Option<(&Extract, u32)> {
        self.target.status.pages.as_ref().map(|pages| (&pages.next, pages.most))
    }

    /// Whether cookies of a scan go along with its requests.
    pub(crate) fn has_cookies(&self) -> bool {
        self.target.keeps_cookies()
    }

    pub(crate) fn initiate(&self) -> Result<LoggedRequest, RequestError> {
        Ok(self.logged(&self.target.initiate(&self.marked())?, self.target.initiate.body.encoding()))
    }

    /// A poll, of the scan whose id is a placeholder. The path of one at an address that was handed out means nothing.
    pub(crate) fn status(&self, caller: Caller) -> Result<LoggedRequest, RequestError> {
        let handed_out = self.follow().map(|_| "/".to_owned());
        let accepted = Accepted { id: format!("{}+id", self.mark), handed_out, ..Accepted::default() };
        let request = self.target.status(&self.marked(), caller, &accepted, None)?;
        Ok(self.logged(&request, self.target.status.endpoint.body.encoding()))
    }

    /// The id of the control that was never issued.
    pub(crate) fn unknown_id(&self) -> Option<Vec<Piece>> {
        self.target.unknown(&self.marked()).ok().map(|(id, _)| self.pieces(&id, Encoding::Plain))
    }

    /// The request of an exchange, as far as the log tells: about this id, with placeholders for the rest.
    pub(crate) fn of_exchange(&self, exchange: &Exchange, id: &str) -> Option<LoggedRequest> {
        let target = &self.target;
        let (variables, accepted) = (self.marked(), Accepted { id: id.to_owned(), ..Accepted::default() });
        // An address that was handed out is not in the log.
        let route = exchange.route.filter(|route| *route != Route::HandedOut);
        let request = match exchange.kind {
            Kind::Login => target.login(exchange.poller as usize, &variables)?,
            Kind::Setup => target.setup(exchange.poller as usize, &variables)?,
            Kind::Initiate | Kind::Repeat => target.initiate(&variables),
            // Where a list goes on is not in the log.
            Kind::Page => return None,
            Kind::EarlyPoll | Kind::OrphanPoll => target.status(&variables, Caller::Owner, &accepted, None),
            Kind::Poll | Kind::UnknownPoll => target.status(&variables, Caller::Owner, &accepted, route),
            Kind::ForeignPoll => target.status(&variables, Caller::Foreign, &accepted, route),
            Kind::Witness => target.witness(&variables, &accepted)?,
            Kind::Results => target.results(&variables, &accepted)?,
            Kind::Cancel | Kind::Update | Kind::Delete => target.write(WriteKind::of(exchange.kind)?, &variables, &accepted)?,
            Kind::Filler => target.filler(&variables),
        };
        Some(self.logged(&request.ok()?, self.endpoint(exchange.kind)?.body.encoding()))
    }

    /// The method of such requests, also where their address is not in the log; `None` for what the file has not.
    pub(crate) fn method(&self, kind: Kind) -> Option<&Method> {
        self.endpoint(kind).map(|endpoint| &endpoint.method)
    }

    fn endpoint(&self, kind: Kind) -> Option<&Endpoint> {
        let target = &self.target;
        match kind {
            Kind::Initiate | Kind::Repeat => Some(&target.initiate),
            Kind::Poll | Kind::UnknownPoll | Kind::ForeignPoll | Kind::EarlyPoll | Kind::OrphanPoll | Kind::Page => {
                Some(&target.status.endpoint)
            }
            Kind::Login => target.logins.first().map(|login| &login.step.endpoint),
            Kind::Setup => target.setup.first().map(|step| &step.endpoint),
            Kind::Witness => target.witness.as_ref().map(|read| &read.endpoint),
            Kind::Results => target.results.as_ref().map(|read| &read.endpoint),
            Kind::Cancel | Kind::Update | Kind::Delete => target.writes.get(&WriteKind::of(kind)?).map(|write| &write.endpoint),
            Kind::Filler => Some(target.filler.as_ref().unwrap_or(&target.status.endpoint)),
        }
    }

    pub(crate) fn written(&self, pieces: &[Piece]) -> String {
        let of = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Placeholder(Placeholder::Environment(index), _) => format!("${{{}}}", self.variables[*index].name),
            Piece::Placeholder(Placeholder::Id, _) => "{id}".to_owned(),
            Piece::Placeholder(Placeholder::RawId, _) => "{id:raw}".to_owned(),
            Piece::Placeholder(Placeholder::Uuid, _) => "{uuid}".to_owned(),
            Piece::Placeholder(Placeholder::UuidDashed, _) => "{uuid:dashed}".to_owned(),
            Piece::Placeholder(Placeholder::Number, _) => "{n}".to_owned(),
            Piece::Placeholder(Placeholder::Capture(place) | Placeholder::RawCapture(place), _) => {
                format!("{{{}}}", self.target.captures[usize::from(*place)])
            }
        };
        pieces.iter().map(of).collect()
    }

    fn logged(&self, request: &Request, body: Encoding) -> LoggedRequest {
        let path = request.url.strip_prefix(NOWHERE).unwrap_or(&request.url);
        LoggedRequest {
            method: request.method.clone(),
            path: self.pieces(path, Encoding::Address),
            headers: request.headers.iter().map(|(name, value)| (name.clone(), self.pieces(value, Encoding::Plain))).collect(),
            body: self.pieces(&String::from_utf8_lossy(&request.body), body),
        }
    }

    /// A text of a request, taken apart.
    fn pieces(&self, text: &str, encoding: Encoding) -> Vec<Piece> {
        let mark = self.mark;
        let (encoded, raw) = match encoding {
            // Forms encode what is encoded already.
            Encoding::Form => (format!("{mark}%252Bid"), format!("{mark}%2Bid")),
            Encoding::Plain | Encoding::Address | Encoding::Json => (format!("{mark}%2Bid"), format!("{mark}+id")),
        };
        let mut marks = vec![
            (encoded, Placeholder::Id),
            (raw, Placeholder::RawId),
            // The longer one first, since the other begins in the same way.
            (super::template::dashed(&format!("{mark}uuid")), Placeholder::UuidDashed),
            (format!("{mark}uuid"), Placeholder::Uuid),
            (NUMBER.to_string(), Placeholder::Number),
        ];
        for place in (0..).take(self.target.captures.len()) {
            let raw = format!("{mark}+c{place}e");
            let encoded = format!("{mark}%2Bc{place}e");
            // Forms encode everything.
            if encoding == Encoding::Form {
                marks.push((encoded, Placeholder::RawCapture(place)));
            } else {
                marks.extend([(encoded, Placeholder::Capture(place)), (raw, Placeholder::RawCapture(place))]);
            }
        }
        marks.extend((0..self.variables.len()).map(|index| (variable_mark(mark, index), Placeholder::Environment(index))));
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, (mark, of))) = marks.iter().filter_map(|mark| Some((rest.find(&mark.0)?, mark))).min_by_key(|(at, _)| *at) {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.push(Piece::Placeholder(*of, encoding));
            rest = &rest[at + mark.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        pieces
    }

    /// A text of the compiled file as it is written there.
    pub(super) fn shown(&self, text: &str) -> String {
        self.written(&self.pieces(text, Encoding::Plain))
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn marked_id(&self) -> String {
        format!("{}+id", self.mark)
    }

    /// A request of a kind, with placeholders for everything; for steps before an initiate, the one at this place. `None` where its
    /// address is handed out.
    pub(super) fn request_of(&self, kind: Kind, step: usize) -> Option<LoggedRequest> {
        let (target, variables) = (&self.target, self.marked());
        let accepted = Accepted { id: self.marked_id(), ..Accepted::default() };
        let request = match kind {
            Kind::Login => target.login(step, &variables)?,
            Kind::Setup => target.setup(step, &variables)?,
            Kind::Initiate => target.initiate(&variables),
            Kind::Poll => target.status(&variables, Caller::Owner, &accepted, None),
            Kind::Witness => target.witness(&variables, &accepted)?,
            Kind::Results => target.results(&variables, &accepted)?,
            Kind::Filler => target.filler(&variables),
            other => target.write(WriteKind::of(other)?, &variables, &accepted)?,
        };
        Some(self.logged(&request.ok()?, self.endpoint_of(kind, step)?.body.encoding()))
    }

    pub(super) fn endpoint_of(&self, kind: Kind, step: usize) -> Option<&Endpoint> {
        match kind {
            Kind::Setup => self.target.setup.get(step).map(|step| &step.endpoint),
            Kind::Login => self.target.logins.get(step).map(|login| &login.step.endpoint),
            _ => self.endpoint(kind),
        }
    }

    pub(super) fn marked(&self) -> Variables {
        let mut captured = Captured::default();
        for place in (0..).take(self.target.captures.len()) {
            captured.set(place, &format!("{}+c{place}e", self.mark));
        }
        Variables { n: NUMBER, uuid: format!("{}uuid", self.mark), captured, ..Variables::default() }
    }
}

fn variable_mark(mark: &str, index: usize) -> String {
    format!("{mark}{index}e")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::{Capabilities, HttpVersion, StatusNote};

    fn logged(file: &str) -> LoggedTarget {
        let (name, base_url, file) = ("x".to_owned(), "http://h".to_owned(), file.to_owned());
        let (can, status, http) = (Capabilities::default(), StatusNote::default(), HttpVersion::One);
        let (noun, slo) = (crate::model::noun::Noun::default(), Vec::new());
        LoggedTarget::read(&TargetNote { name, base_url, file, service: None, can, status, http, noun, slo }).expect("a right file")
    }

    #[test]
    fn requests_have_what_the_file_has_and_values_stay_open() {
        let logged = logged(
            "name = 'x'\nbase_url = '${URL}/v1'\nunknown_id = 'no-{n}'\n\
             [users.owner]\nheaders = { Cookie = 's3cret', X-One = '${A:-1}', X-Two = '${A:-2}' }\n\
             [initiate]\npath = '/jobs?k=${K}'\nform = { a = '${A}', n = '{n} {uuid}' }\nid = { pointer = '/id' }\n\
             [status]\npath = '/jobs/{id}'\nheaders = { X-Id = '{id:raw}' }\nmethod = 'POST'\njson = { id = '{id}' }\n",
        );
        let told = |request: LoggedRequest| {
            let headers: Vec<String> = request.headers.iter().map(|(name, value)| format!("{name}: {}", logged.written(value))).collect();
            format!("{} {} {} | {}", request.method, logged.written(&request.path), headers.join(", "), logged.written(&request.body))
        };
        assert_eq!(
            told(logged.initiate().expect("a request")),
            "POST /jobs?k=${K} cookie: ${OWNER_COOKIE}, x-one: ${A}, x-two: ${A}, content-type: application/x-www-form-urlencoded | \
             a=${A}&n={n}+{uuid}"
        );
        assert_eq!(
            told(logged.status(Caller::Owner).expect("a request")),
            "POST /jobs/{id} cookie: ${OWNER_COOKIE}, x-one: ${A}, x-two: ${A}, x-id: {id:raw}, content-type: application/json | \
             {\"id\":\"{id}\"}"
        );
        assert_eq!(logged.unknown_id().map(|id| logged.written(&id)).as_deref(), Some("no-{n}"));
        assert_eq!((logged.written(logged.base()), logged.written(logged.own_base())), ("http://h".to_owned(), "${URL}/v1".to_owned()));
        let of_a: Vec<_> = logged.variables().iter().filter(|one| one.name == "A").map(|one| one.default.as_deref()).collect();
        assert_eq!(of_a, [Some("1"), Some("2"), None], "one that has another default is another variable");
    }
}
