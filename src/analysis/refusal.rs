//! Refusals that are denials: a handed-out id that is answered exactly as an id that was never issued.
//!
//! Some services do not say `not_found`: they answer 403, 401 or 400 for an id they do not know, or lead to an error page. What
//! their controls were answered with tells which. Such an answer to the poll of a handed-out id denies it, provided that the caller's credentials
//! were good at that time; a refused caller learns nothing about any id.

use std::collections::BTreeMap;

use crate::analysis::blank;
use crate::model::answer::Answer;
use crate::model::exchange::{Exchange, Kind};
use crate::model::run::Journal;
use crate::model::time::Stamp;

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

/// The answer kind, the HTTP status code and where a redirect leads, by which answers are compared.
type Signature<'a> = (Answer, Option<u16>, Option<&'a str>);

fn signature(exchange: &Exchange) -> Signature<'_> {
    let is_redirect = exchange.http.is_some_and(|code| (300..400).contains(&code));
    // What the answer was read as, with the address in it, stands in brackets before the body.
    let note = exchange.body.as_deref().filter(|_| is_redirect).and_then(|body| body.split_once(']')).map(|(note, _)| note);
    (exchange.answer, exchange.http, note)
}

/// The log with each refusal that is a denial read as `not_found`, and what was read so; answers that say nothing of the job
/// (`blank`) are read as malformed; `None` without any of either.
pub(super) fn read(journal: &Journal) -> (Option<Journal>, Vec<Refusal>) {
    let mut found: BTreeMap<Signature<'_>, Refusal> = BTreeMap::new();
    for control in journal.exchanges.iter().filter(|exchange| exchange.kind == Kind::UnknownPoll && could_deny(exchange)) {
        let (answer, http) = (control.answer, control.http);
        found.entry(signature(control)).or_insert(Refusal { answer, http, controls: 0, polls: 0 }).controls += 1;
    }
    // Without a visible answer nothing shows that the caller may ask at all: then a refused control is not a control.
    if !journal.exchanges.iter().any(shows_good_credentials) {
        found.clear();
    }
    let blanks = blank::of(journal);
    let grants = late_grants(&journal.exchanges, &found);
    if found.is_empty() && blanks.is_empty() && grants.is_empty() {
        return (None, Vec::new());
    }
    let denials = if found.is_empty() { Vec::new() } else { denials(&journal.exchanges, &found) };
    let mut read = journal.clone();
    for place in blanks {
        let exchange = &mut read.exchanges[place];
        (exchange.answer, exchange.state) = (Answer::Malformed, None);
    }
    for place in grants {
        read.exchanges[place].answer = Answer::NotFound;
    }
    for place in denials {
        let exchange = &mut read.exchanges[place];
        if let Some(refusal) = found.get_mut(&signature(&journal.exchanges[place])) {
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
        Answer::Malformed => exchange.http.is_some_and(|code| (300..500).contains(&code) && !matches!(code, 304 | 408 | 429)),
        _ => false,
    }
}

fn shows_good_credentials(exchange: &Exchange) -> bool {
    exchange.kind == Kind::Poll && exchange.answer == Answer::Visible
}

/// The places of refusals that deny the owner a scan for a while, where ids that do not exist are answered otherwise: the scan had been
/// accepted from this caller, it was shown to it later, and no initiate was refused in between, as it would be with credentials that have
/// expired. A second scan that is refused after the first was shown tells it from a caller who was locked out once.
fn late_grants(exchanges: &[Exchange], like_unknown: &BTreeMap<Signature<'_>, Refusal>) -> Vec<usize> {
    let is_candidate = |exchange: &Exchange| {
        exchange.kind == Kind::Poll
            && exchange.answer == Answer::Refused
            && matches!(exchange.http, Some(401 | 403))
            && !like_unknown.contains_key(&signature(exchange))
    };
    let shown: BTreeMap<u64, Stamp> = exchanges
        .iter()
        .filter(|exchange| shows_good_credentials(exchange))
        .filter_map(|exchange| Some((exchange.scan.get()?, exchange.sent)))
        .fold(BTreeMap::new(), |mut shown, (scan, sent)| {
            let last = shown.entry(scan).or_insert(sent);
            *last = (*last).max(sent);
            shown
        });
    let locked_out: Vec<Stamp> = exchanges
        .iter()
        .filter(|exchange| matches!(exchange.kind, Kind::Initiate | Kind::Repeat) && exchange.answer == Answer::Refused)
        .map(|exchange| exchange.sent)
        .collect();
    let granted_later = |exchange: &Exchange| {
        let last = exchange.scan.get().and_then(|scan| shown.get(&scan)).copied();
        last.is_some_and(|last| exchange.done <= last && !locked_out.iter().any(|at| exchange.sent <= *at && *at <= last))
    };
    let places: Vec<usize> =
        (0..exchanges.len()).filter(|place| is_candidate(&exchanges[*place]) && granted_later(&exchanges[*place])).collect();
    // For each scan its first refusal, and the first answer after it that shows the scan.
    let mut refused: BTreeMap<u64, Stamp> = BTreeMap::new();
    for place in &places {
        let exchange = &exchanges[*place];
        if let Some(scan) = exchange.scan.get() {
            let first = refused.entry(scan).or_insert(exchange.done);
            *first = (*first).min(exchange.done);
        }
    }
    let granted = exchanges
        .iter()
        .filter(|exchange| shows_good_credentials(exchange))
        .filter(|exchange| exchange.scan.get().and_then(|scan| refused.get(&scan)).is_some_and(|first| *first <= exchange.sent))
        .map(|exchange| exchange.done)
        .min();
    // Scans that are refused later need not be granted while anybody looks, as long as new ones are accepted from the same caller.
    let accepted = exchanges.iter().filter(|exchange| exchange.kind == Kind::Initiate && exchange.answer == Answer::Accepted);
    let last_accepted = accepted.map(|initiate| initiate.sent).max().filter(|_| locked_out.is_empty());
    let refused_after = |granted: Stamp, exchange: &Exchange| granted <= exchange.sent && Some(exchange.sent) <= last_accepted;
    let again = granted.is_some_and(|granted| {
        places.iter().any(|place| granted <= exchanges[*place].sent)
            || exchanges.iter().any(|exchange| is_candidate(exchange) && refused_after(granted, exchange))
    });
    if refused.len() >= 2 && again { places } else { Vec::new() }
}

/// The places of all controls and polls that deny by a refusal.
///
/// A refused poll denies if another scan was visible to the same caller later on, and no initiate was refused meanwhile: an
/// expired token, or a caller who is locked out for a while, is refused everywhere.
fn denials(exchanges: &[Exchange], found: &BTreeMap<Signature<'_>, Refusal>) -> Vec<usize> {
    let is_like_unknown = |exchange: &Exchange| found.contains_key(&signature(exchange));
    let mut order: Vec<usize> = (0..exchanges.len()).collect();
    order.sort_by_key(|place| exchanges[*place].sent);
    let mut denials = Vec::new();
    let (mut open, mut locked_out) = (Vec::new(), false);
    for place in order {
        let exchange = &exchanges[place];
        match exchange.kind {
            Kind::UnknownPoll if is_like_unknown(exchange) => denials.push(place),
            Kind::Poll if is_like_unknown(exchange) => open.push(place),
            Kind::Initiate | Kind::Repeat if exchange.answer == Answer::Refused || is_like_unknown(exchange) => locked_out = true,
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
