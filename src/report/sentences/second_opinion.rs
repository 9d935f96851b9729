//! What an ordinary client's second opinion says, as a sentence.

use crate::analysis::second_opinion::Opinion;
use crate::model::second_opinion::SecondOpinion;
use crate::model::wording::{counted, planned};

/// The sentence, without a full stop.
pub fn second_opinion(said: &SecondOpinion) -> String {
    let sequence = said.sequence;
    let how = if sequence.apart { "on another connection" } else { "on the same connection" };
    let asked = format!("a POST, and one poll {} later {how}", planned(sequence.age));
    let own = format!("{} of {}", sequence.denied, sequence.polls);
    match Opinion::of(said) {
        Opinion::Confirmed { denied, of } => format!("seen by an ordinary HTTP client as well: {denied} of {of} jobs denied ({asked})"),
        Opinion::OnlyOwn { of } => format!(
            "not seen by an ordinary HTTP client: 0 of {of} jobs denied ({asked}), where statusgap's own client was denied {own}; it may be its own \
             doing, so that no cause is called strong"
        ),
        Opinion::Unsettled { of } => format!(
            "an ordinary HTTP client was not denied in {} ({asked}), which proves nothing: statusgap's own was denied {own}, and so few jobs may \
             miss that by chance",
            counted(of, "job")
        ),
        Opinion::Silent { jobs } => {
            format!("an ordinary HTTP client got no answer to {} that says anything ({asked})", counted(jobs, "job"))
        }
    }
}
