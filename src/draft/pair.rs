//! Which of several requests starts a job, which asks for its status, and where the id stands in the second.

mod id;
mod login;

use std::collections::BTreeMap;

use super::DraftError;
use super::address::Address;
use super::error::{Settled, cut};
use super::infer::IdPlace;
use super::json::{leaves, text};
use super::marks;
use super::shape::Shape;
use super::states::States;
use crate::model::call::{Answered, Call};
use id::{Named, id_in, is_placeholder, with_mark, with_place_for};

pub use login::Login;

/// The two requests that describe a job API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Starts a job.
    pub initiate: Call,
    /// Asks for a job's status; the id is marked in it, unless the answer is a list of jobs.
    pub status: Call,
    /// Whose the id is.
    pub id_from: IdFrom,
    /// The id that stood there; `None` for a placeholder.
    pub id: Option<String>,
    /// What ids look like; unknown where a placeholder stood there.
    pub shape: Option<Shape>,
    /// Gets the credentials that both carry, where a third command does.
    pub login: Option<Login>,
    /// What a document says of the answers.
    pub known: Known,
}

/// Who gives a job its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdFrom {
    /// The service, in its answer.
    Answer,
    /// The client: it is marked in the request that starts the job, too.
    Client,
}

impl Pair {
    /// Whether the status request names no job, so that its answer must be a list of them.
    pub fn asks_for_a_list(&self) -> bool {
        let texts = std::iter::once(&self.status.url).chain(&self.status.body).chain(self.status.headers.iter().map(|(_, value)| value));
        !texts.into_iter().any(|text| text.contains(marks::ID))
    }
}

/// What is known of the answers before anything was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Where the id stands in the answer to the initiate.
    pub id_at: Option<IdPlace>,
    /// Where the state stands in the answer to the status request.
    pub state: Option<String>,
    /// The words that it may have.
    pub states: States,
}

/// What was settled about a pair.
#[derive(Debug, Clone, Copy, Default)]
pub struct PairOptions<'a> {
    /// Which commands are meant: `1,3`.
    pub calls: Settled<'a>,
    /// The id as it stands in the status request.
    pub id_in_url: Settled<'a>,
}

const TWO: &str = "give two commands: the POST that starts a job, and the GET that asks for its status";

/// The pair among commands.
pub fn of_commands(calls: &[Call], options: PairOptions<'_>) -> Result<Pair, DraftError> {
    let (login, others) = match options.calls {
        Some(_) => (None, calls.to_vec()),
        None => login::among(calls),
    };
    for call in &others {
        login::check_outputs(call, login.is_some())?;
        if call
            .url
            .split_once("://")
            .is_some_and(|(scheme, _)| !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https"))
        {
            Address::of(call)?;
        }
    }
    let (initiate, status) = chosen(&others, options)?;
    let named = match options.id_in_url {
        Some(id) => Named::said(id, initiate),
        None => id_in(initiate, status)?,
    };
    let mut pair = match named {
        Named::Nothing => {
            let (initiate, status) = (initiate.clone(), status.clone());
            Pair { initiate, status, id_from: IdFrom::Answer, id: None, shape: None, login: None, known: Known::default() }
        }
        Named::Id { id, shape, from } => {
            let not_there = || {
                DraftError::new(
                    format!("`{}` does not stand in {} {}", cut(&id), status.method, cut(&status.url)),
                    "name the id as it stands there: --id-in-url TEXT",
                )
                .at(status.line)
            };
            let status = with_mark(status, &id).ok_or_else(not_there)?;
            let initiate = with_place_for(from, initiate, &id);
            let id = (!is_placeholder(&id)).then_some(id);
            Pair { initiate, status, id_from: from, id, shape, login: None, known: Known::default() }
        }
    };
    if let Some(login) = login {
        login.into_pair(&mut pair)?;
    }
    Ok(pair)
}

/// The two commands that are meant.
fn chosen<'a>(calls: &'a [Call], options: PairOptions<'_>) -> Result<(&'a Call, &'a Call), DraftError> {
    if let Some(named) = options.calls {
        let numbers: Vec<usize> = named.split(',').filter_map(|number| number.trim().parse().ok()).collect();
        return match numbers.as_slice() {
            [start, ask] if (1..=calls.len()).contains(start) && (1..=calls.len()).contains(ask) => {
                Ok((&calls[start - 1], &calls[ask - 1]))
            }
            _ => Err(DraftError::new(
                format!("`--calls {}` names no two of the {} commands", cut(named), calls.len()),
                "write the numbers of the POST and of the GET, such as --calls 1,3",
            )),
        };
    }
    let starts: Vec<usize> = (0..calls.len()).filter(|at| !calls[*at].only_reads()).collect();
    if starts.is_empty() {
        return Err(DraftError::new("none of the commands starts a job: all of them only read", TWO));
    }
    let reads: Vec<usize> = (0..calls.len()).filter(|at| calls[*at].method == "GET").collect();
    let asks = match reads.as_slice() {
        // A status may be asked for by a POST, too.
        [] if starts.len() > 1 => vec![*starts.last().unwrap_or(&0)],
        [] => return Err(DraftError::new("there is no command that asks for a job's status", TWO)),
        _ => reads,
    };
    let pairs: Vec<(usize, usize)> =
        starts.iter().flat_map(|start| asks.iter().map(|ask| (*start, *ask))).filter(|(start, ask)| start != ask).collect();
    // Where there are more than two, a status that asks for an id below the address that starts a job is the likeliest.
    let fits: Vec<(usize, usize)> = match pairs.as_slice() {
        [only] => vec![*only],
        _ => pairs.iter().copied().filter(|(start, ask)| is_below(&calls[*start], &calls[*ask])).collect(),
    };
    match fits.as_slice() {
        [(start, ask)] => Ok((&calls[*start], &calls[*ask])),
        _ => {
            let several = if fits.is_empty() { pairs } else { fits };
            let shown = |at: usize| format!("{} {}", calls[at].method, cut(&marks::readable(&calls[at].url)));
            let values =
                several.iter().map(|(start, ask)| (format!("{},{}", start + 1, ask + 1), format!("{}, {}", shown(*start), shown(*ask))));
            Err(DraftError::ambiguous(format!("there are {} commands", calls.len()), "--calls", values.collect()))
        }
    }
}

/// Whether one address goes on where the other ends, and has an id there.
fn is_below(start: &Call, ask: &Call) -> bool {
    let (Ok(start), Ok(asked)) = (Address::read(&start.url), Address::read(&ask.url)) else { return false };
    let (start, asked_segments) = (start.segments(), asked.segments());
    let common = start.iter().zip(&asked_segments).take_while(|(one, other)| one == other).count();
    let looks = |text: &String| Shape::of(text).is_some() || is_placeholder(text);
    common + 1 >= start.len()
        && common > 0
        && (asked_segments[common..].iter().any(looks) || asked.parameters().iter().any(|(_, value)| looks(value)))
}

/// The pair in a recording: the request whose answer holds what most later requests ask for.
pub fn of_recording(calls: &[Call], options: PairOptions<'_>) -> Result<Pair, DraftError> {
    if options.calls.is_some() || options.id_in_url.is_some() {
        return of_commands(calls, options);
    }
    let mut best: Option<(usize, usize, usize, String, IdFrom)> = None;
    for (at, start) in calls.iter().enumerate() {
        let accepted = start.answer.as_ref().filter(|answer| answer.is_success() || answer.is_redirect_to_what_it_made());
        let (false, Some(answer)) = (start.only_reads(), accepted) else { continue };
        for (value, from) in handed_out(answer).into_iter().map(|value| (value, IdFrom::Answer)).chain(id::given(start)) {
            let mut by_path: BTreeMap<String, (usize, usize)> = BTreeMap::new();
            for (later, call) in
                calls.iter().enumerate().skip(at + 1).filter(|(_, call)| call.method == "GET" && with_mark(call, &value).is_some())
            {
                let path = call.url.split('?').next().unwrap_or_default().to_owned();
                by_path.entry(path).or_insert((0, later)).0 += 1;
            }
            // The endpoint that is asked most often is the one that is polled; among equals the first.
            let Some((times, first)) = by_path.into_values().max_by_key(|(times, first)| (*times, std::cmp::Reverse(*first))) else {
                continue;
            };
            if best.as_ref().is_none_or(|(most, ..)| times > *most) {
                best = Some((times, at, first, value, from));
            }
        }
    }
    let Some((_, start, status, id, id_from)) = best else {
        return Err(DraftError::new(
            "the recording holds no POST whose answer names what a later GET asks for",
            "record with the bodies (\"Save all as HAR with content\"), from before the job starts until it has ended",
        ));
    };
    // It was found there.
    let marked = with_mark(&calls[status], &id).unwrap_or_else(|| calls[status].clone());
    let shape = Shape::of(&id);
    let initiate = with_place_for(id_from, &calls[start], &id);
    let mut pair = Pair { initiate, status: marked, id_from, id: Some(id), shape, login: None, known: Known::default() };
    if let Some(login) = login::recorded(&calls[..start], &pair.initiate) {
        login.into_pair(&mut pair)?;
    }
    Ok(pair)
}

/// Texts of an answer that may be ids: those that look like one.
fn handed_out(answer: &Answered) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    if let Some(json) = answer.json() {
        leaves(&json, &mut |_, leaf| {
            let Some(text) = text(leaf).filter(|text| Shape::of(text).is_some()) else { return };
            if !found.contains(&text) {
                found.push(text);
            }
        });
    }
    if let Some(location) = answer.header("location")
        && let Some(last) = location.split(['?', '#']).next().and_then(|path| path.rsplit('/').find(|part| !part.is_empty()))
        && !found.iter().any(|known| known == last)
    {
        found.push(last.to_owned());
    }
    found
}
