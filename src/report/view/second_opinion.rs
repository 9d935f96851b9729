//! The second opinion as a row of the result.

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::second_opinion::Opinion;
use crate::model::answer::Answer;
use crate::model::run::Journal;
use crate::report::rounded;
use crate::report::sentences::second_opinion::second_opinion;

/// What an ordinary HTTP client was answered to the smallest sequence of requests that was denied: a POST and one poll.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SecondOpinionRow {
    /// In one sentence.
    #[serde(rename = "text")]
    pub told: String,
    /// The age of the job at which it is polled, in ms.
    #[serde(serialize_with = "rounded::ms")]
    pub at_ms: f64,
    /// Jobs that the ordinary client asked for.
    pub jobs: u64,
    /// Its polls that say anything.
    pub polls: u64,
    /// How many of them were denied.
    pub not_found: u64,
    /// statusgap's own polls of the same kind.
    pub own_polls: u64,
    /// How many of those were denied.
    pub own_not_found: u64,
    /// Whether only statusgap's own client sees the denial, beyond chance.
    pub only_own_client: bool,
}

/// The row, if there is a second opinion.
pub(super) fn row(journal: &Journal) -> Option<SecondOpinionRow> {
    let said = journal.end.as_ref()?.second_opinion.as_ref()?;
    let counted = || said.tries.iter().filter(|tried| tried.counts(said.sequence));
    Some(SecondOpinionRow {
        told: second_opinion(said),
        at_ms: said.sequence.age.as_ms(),
        jobs: said.tries.len() as u64,
        polls: counted().count() as u64,
        not_found: counted().filter(|tried| tried.answer == Answer::NotFound).count() as u64,
        own_polls: said.sequence.polls,
        own_not_found: said.sequence.denied,
        only_own_client: matches!(Opinion::of(said), Opinion::OnlyOwn { .. }),
    })
}
