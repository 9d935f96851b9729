//! The scenarios of an investigation by what they ask, so that none can be forgotten where they are sized.

use crate::model::scenario::Scenario;

/// What a scenario of the investigation asks; in the order in which jobs are given to those of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Question {
    Controls,
    Alone,
    Together,
    ToTheEnd,
    Pollers,
    Kept,
    Addresses,
    Dense,
    Foreign,
    Again,
    AtOnce,
    SingleShots,
    SecondWrite,
    Unasked,
    Observer,
    Ends,
    ManyIds,
    Lattice,
    Edge,
    Deeper,
    Later,
}

impl Question {
    const ALL: [Question; 21] = [
        Question::Controls,
        Question::Alone,
        Question::Together,
        Question::ToTheEnd,
        Question::Pollers,
        Question::Kept,
        Question::Addresses,
        Question::Dense,
        Question::Foreign,
        Question::Again,
        Question::AtOnce,
        Question::SingleShots,
        Question::SecondWrite,
        Question::Unasked,
        Question::Observer,
        Question::Ends,
        Question::ManyIds,
        Question::Lattice,
        Question::Edge,
        Question::Deeper,
        Question::Later,
    ];

    /// The scenario's name, in logs and reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Question::Controls => "controls",
            Question::Alone => "alone",
            Question::Together => "together",
            Question::ToTheEnd => "to-the-end",
            Question::Pollers => "pollers",
            Question::Kept => "kept",
            Question::Addresses => "addresses",
            Question::Dense => "dense",
            Question::Foreign => "foreign",
            Question::Again => "again",
            Question::AtOnce => "at-once",
            Question::SingleShots => "single-shots",
            Question::SecondWrite => "second-write",
            Question::Unasked => "unasked-write",
            Question::Observer => "observer",
            Question::Ends => "ends",
            Question::ManyIds => "many-ids",
            Question::Lattice => "lattice",
            Question::Edge => "edge",
            Question::Deeper => "deeper",
            Question::Later => "later",
        }
    }

    /// What a scenario of a log asks; `None` if it is none of the investigation's.
    pub(super) fn named(name: &str) -> Option<Question> {
        Question::ALL.into_iter().find(|question| question.name() == name)
    }

    pub(super) fn of(scenario: &Scenario) -> Option<Question> {
        Question::named(&scenario.name)
    }
}
