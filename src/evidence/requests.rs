//! The requests of a log's target file, made by the same code that made the run's, with marks where a value comes from the
//! environment or differs from scan to scan.
//!
//! So a script, an archive and the lines of a report send what the run sent, whatever a target file can say. The marks are texts that
//! every encoding leaves alone, and are cut out of the finished requests.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use toml::{Table, Value};

use crate::evidence::Unscriptable;
use crate::model::credentials;
use crate::model::exchange::{Exchange, Kind, Route};
use crate::model::input::Source;
use crate::model::run::Run;
use crate::target::{Accepted, Caller, Request, RequestError, Target, Variables};

/// A target whose requests have marks in them.
#[derive(Debug)]
pub struct Requests {
    target: Target,
    /// What no text of the file has in it.
    mark: &'static str,
    variables: Vec<Variable>,
    base: Vec<Piece>,
}

/// A variable of the environment, as one text of the file names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// What stands for it if it is not set.
    pub default: Option<String>,
}

/// A part of a request's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The same in every request.
    Text(String),
    /// The value of a variable, by its place in [`Requests::variables`].
    Environment(usize),
    /// The scan's id, percent-encoded.
    Id,
    /// The scan's id as it is.
    RawId,
    /// The scan's own random text.
    Uuid,
    /// The scan's number.
    Number,
}

/// How values were written into a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As an address, a header, JSON or text.
    Plain,
    /// As form fields, which encode what is encoded already.
    Form,
}

/// Where the marked target lives; no request is sent there.
const NOWHERE: &str = "http://statusgap-base.invalid";

/// The number of the marked scan.
const NUMBER: u64 = 7_134_920_586_013_457_882;

impl Requests {
    /// Reads a run's target file.
    pub fn of(run: &Run) -> Result<Requests, Unscriptable> {
        // A credential that stands in the file itself is not copied: it becomes a variable.
        let text = credentials::replaced(&run.target.file, |literal| format!("${{{}}}", literal.variable));
        let mut file: Table = text.parse().map_err(|_| Unscriptable::NoTargetFile)?;
        let mark = ["zqz", "jqx", "qkz", "xqj"].into_iter().find(|mark| !text.contains(mark)).ok_or(Unscriptable::NoTargetFile)?;
        let mut variables = Vec::new();
        let own_base = file.insert("base_url".to_owned(), Value::String(NOWHERE.to_owned()));
        for value in file.iter_mut().map(|(_, value)| value) {
            marked(value, mark, &mut variables);
        }
        // What the path of the address has from the environment is not in the log.
        let mut base = Value::String(run.target.base_url.trim_end_matches('/').to_owned());
        if run.target.base_url.contains(credentials::STRUCK) {
            base = own_base.unwrap_or(base);
        }
        marked(&mut base, mark, &mut variables);
        let text = toml::to_string(&file).map_err(|_| Unscriptable::NoTargetFile)?;
        let target =
            Target::read(Source { file: "the log's target file", text: &text }, &|_| None).map_err(|_| Unscriptable::NoTargetFile)?;
        let mut requests = Requests { target, mark, variables, base: Vec::new() };
        requests.base = requests.pieces(base.as_str().unwrap_or_default(), Encoding::Plain);
        Ok(requests)
    }

    /// The variables that requests take from the environment.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The address before every path.
    pub fn base(&self) -> &[Piece] {
        &self.base
    }

    /// The initiate.
    pub fn initiate(&self) -> Result<Request, RequestError> {
        self.target.initiate(&self.marked())
    }

    /// A poll, of the scan whose id is marked.
    pub fn status(&self, caller: Caller) -> Result<Request, RequestError> {
        self.target.status(&self.marked(), caller, &self.accepted(), None)
    }

    /// The id of the control that was never issued.
    pub fn unknown_id(&self) -> Option<Vec<Piece>> {
        self.target.unknown(&self.marked()).ok().map(|(id, _)| self.pieces(&id, Encoding::Plain))
    }

    /// The request of an exchange, as far as the log tells: about this id, with marks for the rest.
    pub fn of_exchange(&self, exchange: &Exchange, id: &str) -> Option<Request> {
        let (variables, accepted) = (self.marked(), Accepted { id: id.to_owned(), ..Accepted::default() });
        // An address that was handed out is not in the log.
        let route = exchange.route.filter(|route| *route == Route::CacheBusted);
        match exchange.kind {
            Kind::Initiate | Kind::Repeat => self.target.initiate(&variables).ok(),
            Kind::Poll | Kind::UnknownPoll => self.target.status(&variables, Caller::Owner, &accepted, route).ok(),
            Kind::ForeignPoll => self.target.status(&variables, Caller::Foreign, &accepted, route).ok(),
            Kind::Witness => self.target.witness(&variables, &accepted)?.ok(),
            Kind::Results => self.target.results(&variables, &accepted)?.ok(),
            Kind::Cancel => self.target.cancel(&variables, &accepted)?.ok(),
            Kind::Filler => self.target.filler(&variables).ok(),
        }
    }

    /// A text of a request, taken apart.
    pub fn pieces(&self, text: &str, encoding: Encoding) -> Vec<Piece> {
        let mark = self.mark;
        let (encoded, raw) = match encoding {
            Encoding::Plain => (format!("{mark}%2Bid"), format!("{mark}+id")),
            Encoding::Form => (format!("{mark}%252Bid"), format!("{mark}%2Bid")),
        };
        let mut marks =
            vec![(encoded, Piece::Id), (raw, Piece::RawId), (format!("{mark}uuid"), Piece::Uuid), (NUMBER.to_string(), Piece::Number)];
        marks.extend((0..self.variables.len()).map(|index| (variable_mark(mark, index), Piece::Environment(index))));
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((at, (mark, piece))) = marks.iter().filter_map(|mark| Some((rest.find(&mark.0)?, mark))).min_by_key(|(at, _)| *at) {
            if at > 0 {
                pieces.push(Piece::Text(rest[..at].to_owned()));
            }
            pieces.push(piece.clone());
            rest = &rest[at + mark.len()..];
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        pieces
    }

    /// A text of a request as the target file has it.
    pub fn written(&self, text: &str, encoding: Encoding) -> String {
        let of = |piece: Piece| match piece {
            Piece::Text(text) => text,
            Piece::Environment(index) => format!("${{{}}}", self.variables[index].name),
            Piece::Id => "{id}".to_owned(),
            Piece::RawId => "{id:raw}".to_owned(),
            Piece::Uuid => "{uuid}".to_owned(),
            Piece::Number => "{n}".to_owned(),
        };
        self.pieces(text, encoding).into_iter().map(of).collect()
    }

    fn marked(&self) -> Variables {
        Variables { n: NUMBER, uuid: format!("{}uuid", self.mark), nonce: 0 }
    }

    fn accepted(&self) -> Accepted {
        Accepted { id: format!("{}+id", self.mark), ..Accepted::default() }
    }
}

/// The path and query of such a request.
pub fn path(request: &Request) -> &str {
    request.url.strip_prefix(NOWHERE).unwrap_or(&request.url)
}

fn variable_mark(mark: &str, index: usize) -> String {
    format!("{mark}{index}e")
}

/// Puts a mark in the place of each `${NAME}` and `${NAME:-default}`.
fn marked(value: &mut Value, mark: &str, variables: &mut Vec<Variable>) {
    static VARIABLE: LazyLock<Regex> = LazyLock::new(|| {
        // A constant, and tests read it.
        Regex::new(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}").expect("a pattern")
    });
    match value {
        Value::String(text) => {
            let clean = VARIABLE.replace_all(text, |found: &Captures<'_>| {
                let variable = Variable { name: found[1].to_owned(), default: found.get(2).map(|default| default.as_str().to_owned()) };
                let index = variables.iter().position(|known| *known == variable).unwrap_or_else(|| {
                    variables.push(variable);
                    variables.len() - 1
                });
                variable_mark(mark, index)
            });
            *text = clean.into_owned();
        }
        Value::Array(list) => list.iter_mut().for_each(|value| marked(value, mark, variables)),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| marked(value, mark, variables)),
        _ => {}
    }
}
