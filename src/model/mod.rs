//! The words of the domain: stamps and brackets, exchanges and answers, scenarios and plans.
//!
//! Everything the other rooms talk about is a plain type from here. This room does no I/O, reads no clock, knows no async
//! runtime and no HTTP library; it may name no other room of the crate.

pub mod allow;
pub mod answer;
pub mod call;
pub mod compact;
pub mod contact;
pub mod denial_word;
pub mod digest;
pub mod events;
pub mod exchange;
pub mod fault;
pub mod guarantee;
pub mod limits;
pub mod noun;
pub mod plan;
pub mod recording;
pub mod redaction;
pub mod redirects;
pub mod run;
pub mod scenario;
pub mod second_opinion;
pub mod secret_names;
pub mod shard;
pub mod slo;
pub mod source;
pub mod span;
pub mod text;
pub mod time;
pub mod trace;
pub mod wording;
