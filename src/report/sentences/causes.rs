//! A cause in words: its name, how it arises, and what cures it; where several classes are not told apart, for all of them.

use crate::analysis::diagnosis::{Cause, Fact};
use crate::model::fault::{FaultClass, Owner};
use crate::report::sentences::faults;

/// What people read: its name with the letter in brackets; two classes that are not told apart have one name together.
pub fn named(cause: &Cause) -> String {
    if cause.or.is_empty() { cause.class.named() } else { title(cause).to_owned() }
}

/// What it is called in results: two classes that are not told apart have one name together.
pub fn title(cause: &Cause) -> &'static str {
    match (cause.class, cause.or.as_slice()) {
        (_, []) => cause.class.name(),
        (FaultClass::A, [FaultClass::E]) => "written late (A), or when its turn in a queue comes (E)",
        (FaultClass::C, _) => "read from a lagging copy (C), or from an index that refreshes periodically (G)",
        (FaultClass::A, [FaultClass::I]) => "registered (A) or committed (I) just after the answer",
        (FaultClass::B, [FaultClass::CPrime]) => "known to one instance only (B), or now and then read from a copy that lags for long (C')",
        (FaultClass::E, [FaultClass::A]) => "written when its turn in a queue comes (E), or late by chance (A)",
        (FaultClass::B, [FaultClass::F]) => "per-instance memory (B), or removed early (F)",
        (FaultClass::A, [FaultClass::CPrime]) => "written late (A), or now and then read from a lagging copy (C')",
        (FaultClass::A, _) => "written late (A) or read from a lagging copy (C)",
        (FaultClass::O, _) => "an older answer: of a fallback or a frozen copy (O), or of a copy that lags (C')",
        (FaultClass::I, [FaultClass::A]) => "committed (I) or registered (A) just after the answer",
        (FaultClass::I, or) if or.contains(&FaultClass::A) => {
            "written just after the answer (I, A), or read from a copy that lags as little (C, C')"
        }
        (FaultClass::I, _) => "committed just after the answer (I), or read from a copy that lags as little (C, C')",
        (FaultClass::L, _) => "ids that do not get through (L), or whose records are not written (M)",
        (FaultClass::M, _) => "records that are not written (M), or ids that do not get through (L)",
        (class, _) => class.name(),
    }
}

/// What happens inside such a service.
pub fn mechanism(cause: &Cause) -> String {
    if let Some(variant) = Variant::of(cause) {
        return variant.mechanism().to_owned();
    }
    let all: Vec<&str> = cause.classes().map(faults::mechanism).collect();
    all.join(" Or: ")
}

/// What cures it. Where two classes are not told apart: what tells them apart, and the cure of each.
pub fn cure(cause: &Cause, owner: Owner) -> String {
    if let Some(variant) = Variant::of(cause) {
        return variant.cure().to_owned();
    }
    let step = match (cause.class, cause.or.as_slice()) {
        (_, []) => return faults::advice(cause.class, owner),
        (FaultClass::A | FaultClass::C, [FaultClass::A | FaultClass::C]) => {
            "Find out first which it is, since the cures differ: a second write tells (`statusgap reproduce` sends one where the target file has `[update]` or `[cancel]`), \
             and so does a look at whether the read goes to a replica or a cache."
        }
        (FaultClass::L | FaultClass::M, _) => {
            "Find out first which it is, since the cures differ: look for one of these ids in the store. If its record is there, the read does not find it (L); if \
             not, it was never written (M)."
        }
        (FaultClass::C, _) => {
            "Find out first which it is, since the cures differ: scans that become visible at common instants, whenever they were asked for, wait for a \
             refresh (G)."
        }
        (FaultClass::A, [FaultClass::E]) => {
            "Find out first which it is, since the cures differ: a queue (E) lets a scan that is asked for alone be seen at once, and the more wait the more \
             are asked for together."
        }
        (FaultClass::O, _) => {
            "Find out first which it is, since the cures differ: an older answer that comes for good is a copy's that is never brought up to date (O), one that \
             comes for a while is that of a copy that lags (C')."
        }
        (FaultClass::B, [FaultClass::F]) => {
            "Find out first which it is, since the cures differ: ask for one scan from several fresh connections at once, well after it was seen; an \
             instance of its own (B) answers some of them."
        }
        (FaultClass::B, _) => {
            "Find out first which it is, since the cures differ: watch a scan for longer than any copy may lag; instances with memories of their own (B) \
             disagree for ever."
        }
        (FaultClass::E, _) => {
            "Find out first which it is, since the cures differ: a queue (E) lets a scan that is asked for alone be seen at once."
        }
        (FaultClass::I, [FaultClass::A]) | (FaultClass::A, [FaultClass::I]) => {
            "Both are cured by having the record committed before the answer is sent."
        }
        _ => {
            "Find out first which it is, since the cures differ: see whether status reads from the store that the initiate writes (I, A), or from a replica \
             or a cache (C, C')."
        }
    };
    let cures: Vec<String> =
        cause.classes().map(|class| format!("If it is {}: {}", class.named(), lower_first(&faults::advice(class, owner)))).collect();
    format!("{step} {}", cures.join(" "))
}

/// A way in which a class arises that asks for another cure than the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// H at the end: the record moves from one store to another.
    Handover,
    /// F by idleness.
    Idle,
    /// M where another endpoint says that the job failed.
    RefusedAfterwards,
}

impl Variant {
    /// The variant that the facts of a cause show, if they show one.
    fn of(cause: &Cause) -> Option<Variant> {
        if !cause.or.is_empty() {
            return None;
        }
        cause.facts.iter().find_map(|fact| match fact {
            Fact::HolesAtTheEnd { .. } => Some(Variant::Handover),
            Fact::GoneWhileUnasked { .. } => Some(Variant::Idle),
            Fact::FailedByWitness { .. } => Some(Variant::RefusedAfterwards),
            _ => None,
        })
    }

    fn mechanism(self) -> &'static str {
        match self {
            Variant::Handover => {
                "At the end of a job its record leaves one store before it is in the other, and status looks in one of them."
            }
            Variant::Idle => "The record is removed when nobody has asked for it for a while.",
            Variant::RefusedAfterwards => "Some accepted scans are refused afterwards, and status never learns of it.",
        }
    }

    fn cure(self) -> &'static str {
        match self {
            Variant::Handover => "Write the record to its new place before it is removed from the old one, or let status look in both.",
            Variant::Idle => {
                "Count a record's lifetime from the end of its job, and not from the last question: callers that poll seldom lose it."
            }
            Variant::RefusedAfterwards => {
                "Refuse the request itself, or let status answer that the job failed. A durable queue alone does not help: these jobs were not lost."
            }
        }
    }
}

/// A sentence that goes on after a colon.
pub(crate) fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
