//! From answers to a target file that was read back.

use super::error::{DraftError, Settled};
use super::infer::{self, Contract, Evidence, IdPlace, Poll, Token};
use super::marks::ID;
use super::pair::{IdFrom, Pair};
use super::read_back::{Readings, read_back};
use super::write::{Said, target_file};
use super::{Draft, Lookup};
use crate::model::call::Call;
use crate::model::source::Source;
use crate::target::Target;

/// The answers about one job, and what was decided about them.
#[derive(Debug, Clone)]
pub struct Answers {
    /// The answers.
    pub evidence: Evidence,
    /// Where the id stands.
    pub id_at: IdPlace,
    /// The template of ids that were never issued.
    pub unknown_id: String,
    /// What the login gave, if there was one.
    pub token: Option<Token>,
}

/// A target file with what it was made of.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The file.
    pub text: String,
    /// The file as it was read.
    pub target: Target,
    /// What the answers say about the contract, or what is assumed.
    pub contract: Contract,
    /// How the file reads the answers; none where nothing was asked.
    pub readings: Option<Readings>,
}

/// What goes into the file's head.
#[derive(Debug, Clone, Copy)]
pub struct Origin<'a> {
    /// What it was made from.
    pub source: &'a str,
    /// The name of the file itself, for messages.
    pub file: &'a str,
    /// The schema beside it.
    pub schema: Option<&'a str>,
}

/// Makes the file from answers.
pub fn from_answers(draft: &Draft, answers: &Answers, origin: Origin<'_>, lookup: Lookup<'_>) -> Result<Finished, DraftError> {
    let contract = Contract::of(&answers.evidence, &draft.pair).map_err(|error| or_another_id(error, answers))?;
    let is_tried = !answers.evidence.never.is_empty();
    let Origin { source, schema, .. } = origin;
    let posted = &answers.evidence.posted;
    let redirect = posted.is_redirect_to_what_it_made().then_some(posted.http);
    let said = Said {
        contract: &contract,
        id_at: &answers.id_at,
        unknown_id: &answers.unknown_id,
        token: answers.token.as_ref(),
        redirect,
        source,
        schema,
        is_tried,
    };
    let text = target_file(draft, said)?;
    let target = read(draft, &text, origin.file, lookup)?;
    let readings = read_back(draft, &target, &answers.evidence)?;
    Ok(Finished { text, target, contract, readings: Some(readings) })
}

/// The error with the other places of the answer that may have the id, where the job was not visible by the one that was taken.
fn or_another_id(error: DraftError, answers: &Answers) -> DraftError {
    let Answers { evidence, id_at, .. } = answers;
    let others = match id_at {
        IdPlace::Client(_) => Vec::new(),
        _ => infer::other_ids(&evidence.posted, &evidence.id),
    };
    if infer::is_visible(evidence) || others.is_empty() {
        return error;
    }
    let places: Vec<String> = others.iter().take(3).map(|(pointer, _)| format!("--id {pointer}")).collect();
    let hint = format!("{} The id was taken from {}; if it stands elsewhere: {}", error.hint, id_at.shown(), places.join(", or "));
    DraftError { hint, ..error }
}

/// Makes the file from what is usual, without having asked anything. `id_at` is where the id stands, if that was said.
pub fn from_assumptions(
    draft: &Draft,
    id_at: Settled<'_>,
    random: &[u8; 32],
    origin: Origin<'_>,
    lookup: Lookup<'_>,
) -> Result<Finished, DraftError> {
    let pair = &draft.pair;
    if pair.asks_for_a_list() {
        return Err(DraftError::new(
            "without asking it is not known where the job stands in the list that the second request asks for",
            "leave --offline out, or copy a request that asks for one job",
        ));
    }
    let token = pair.login.as_ref().map(Token::assumed);
    let id_at = match id_at {
        _ if pair.id_from == IdFrom::Client => IdPlace::Client(draft.id_of_the_client().unwrap_or_default()),
        Some(named) => IdPlace::named(named, pair)?,
        None => pair.known.id_at.clone().ok_or_else(|| {
            DraftError::new(
                "without asking for a job it is not known where its id stands in the answer",
                "say where, such as --id /id or --id Location, or leave --offline out",
            )
        })?,
    };
    let contract = Contract::assumed(&pair.known);
    let unknown_id = draft.never_issued(pair.id.as_deref().unwrap_or_default(), random).swap_remove(0);
    let Origin { source, schema, .. } = origin;
    let said = Said {
        contract: &contract,
        id_at: &id_at,
        unknown_id: &unknown_id,
        token: token.as_ref(),
        redirect: None,
        source,
        schema,
        is_tried: false,
    };
    let text = target_file(draft, said)?;
    let target = read(draft, &text, origin.file, lookup)?;
    Ok(Finished { text, target, contract, readings: None })
}

/// Reads what was written. Variables without a value get one that nobody sends: only the form is looked at.
fn read(draft: &Draft, text: &str, file: &str, lookup: Lookup<'_>) -> Result<Target, DraftError> {
    let address = draft.address_variable();
    let value = |name: &str| {
        // The address that was copied is meant, whatever the environment has under that name.
        if name == address {
            return None;
        }
        let missing = || draft.variables.iter().any(|known| known == name).then(|| "unset".to_owned());
        draft.value(name, lookup).or_else(missing)
    };
    Target::read(Source { file, text }, &value).map_err(|error| {
        DraftError::new(
            format!("the target file that was made cannot be read: {}", draft.shown(&error.to_string())),
            "write the file by hand: `statusgap schema target` lists its keys",
        )
    })
}

/// What a recording says about its job.
pub fn recorded(pair: &Pair, calls: &[Call], id_at: Settled<'_>) -> Result<(Evidence, IdPlace), DraftError> {
    let posted = pair.initiate.answer.clone().unwrap_or_default();
    let (id, id_at) = match (&pair.id, &pair.shape) {
        (Some(id), Some(shape)) if pair.id_from == IdFrom::Client => (id.clone(), IdPlace::Client(shape.of_the_client())),
        _ => infer::id(&posted, pair, id_at)?,
    };
    let wanted = pair.status.url.replace(ID, pair.id.as_deref().unwrap_or_default());
    let path = |url: &str| url.split(['?', '#']).next().unwrap_or_default().to_owned();
    let is_poll = |call: &&Call| call.method == pair.status.method && path(&call.url) == path(&wanted);
    let polls = calls.iter().filter(is_poll).filter_map(|call| call.answer.clone()).map(|answer| Poll { age_ms: 0.0, answer }).collect();
    Ok((Evidence { posted, id, polls, is_list: pair.asks_for_a_list(), ..Evidence::default() }, id_at))
}
