//! Refusals that are denials: a handed-out id that is answered exactly as an id that was never issued.
//!
//! Some services do not say `not_found`: they answer 403, 401 or 400 for an id they do not know. What their controls were
//! answered with tells which. Such an answer to the poll of a handed-out id denies it, provided that the caller's credentials
//! were good at that time; a refused caller learns nothing about any id.

use std::collections::BTreeMap;

use crate::analysis::blank;
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::Journal;

/// An answer that stands for `not_found` in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// What the answer means by itself.
    pub answer: Answer,
    /// Its HTTP status code.
    pub http: Option<u16>,
    /// Never-issued ids that were answered so.
    pub controls: u64,
    /// Polls of handed-out ids that were answered so and count as denials.
    pub polls: u64,
}

/// The answer kind and the HTTP status code, by which answers are compared.
type Signature = (Answer, Option<u16>);

/// The log with each refusal that is a denial read as `not_found`, and what was read so; answers that say nothing of the job
/// (`blank`) are read as malformed; `None` without any of either.
pub(super) fn read(journal: &Journal) -> (Option<Journal>, Vec<Refusal>) {
    let mut found: BTreeMap<Signature, Refusal> = BTreeMap::new();
    for control in journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll && could_deny(exchange)) {
        let (answer, http) = (control.answer, control.http);
        found.entry((answer, http)).or_insert(Refusal { answer, http, controls: 0, polls: 0 }).controls += 1;
    }
    // Without a visible answer nothing shows that the caller may ask at all: then a refused control is no control.
    if !journal.exchanges.iter().any(shows_good_credentials) {
        found.clear();
    }
    let blanks = blank::of(journal);
    if found.is_empty() && blanks.is_empty() {
        return (None, Vec::new());
    }
    let denials = if found.is_empty() { Vec::new() } else { denials(&journal.exchanges, &found) };
    let mut read = journal.clone();
    for place in blanks {
        let exchange = &mut read.exchanges[place];
        (exchange.answer, exchange.state) = (Answer::Malformed, None);
    }
    for place in denials {
        let exchange = &mut read.exchanges[place];
        if let Some(refusal) = found.get_mut(&(exchange.answer, exchange.http)) {
            refusal.polls += u64::from(exchange.kind == Kind::Poll);
        }
        exchange.answer = Answer::NotFound;
    }
    (Some(read), found.into_values().collect())
}

/// Whether an answer can be a service's way to say that it does not know the id. An error of the service, throttling or a lost
/// reply says nothing of an id, whoever is answered so.
fn could_deny(exchange: &Exchange) -> bool {
    match exchange.answer {
        Answer::Refused => true,
        Answer::Malformed => exchange.http.is_some_and(|code| (400..500).contains(&code) && code != 408 && code != 429),
        _ => false,
    }
}

fn shows_good_credentials(exchange: &Exchange) -> bool {
    exchange.kind == Kind::Poll && exchange.answer == Answer::Visible
}

/// The places of all controls and polls that deny by a refusal.
///
/// A refused poll denies if another scan was visible to the same caller later on, and no initiate was refused meanwhile: an
/// expired token, or a caller who is locked out for a while, is refused everywhere.
fn denials(exchanges: &[Exchange], found: &BTreeMap<Signature, Refusal>) -> Vec<usize> {
    let is_like_unknown = |exchange: &Exchange| found.contains_key(&(exchange.answer, exchange.http));
    let mut order: Vec<usize> = (0..exchanges.len()).collect();
    order.sort_by_key(|place| exchanges[*place].sent);
    let mut denials = Vec::new();
    let (mut open, mut locked_out) = (Vec::new(), false);
    for place in order {
        let exchange = &exchanges[place];
        match exchange.kind {
            Kind::UnknownPoll if is_like_unknown(exchange) => denials.push(place),
            Kind::Poll if is_like_unknown(exchange) => open.push(place),
            Kind::Initiate | Kind::Repeat if exchange.answer == Answer::Refused => locked_out = true,
            _ if shows_good_credentials(exchange) => {
                if !locked_out {
                    denials.append(&mut open);
                }
                open.clear();
                locked_out = false;
            }
            _ => {}
        }
    }
    denials
}
