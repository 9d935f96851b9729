//! Which classes a diagnosis may name. All of them, but where it is asked what it would say of a cause that it does not know.

use std::collections::BTreeSet;

use crate::model::fault::FaultClass;

/// The classes that are considered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Candidates {
    left_out: BTreeSet<FaultClass>,
}

impl Candidates {
    /// All classes.
    pub fn all() -> Candidates {
        Candidates::default()
    }

    /// All but one.
    pub fn without(class: FaultClass) -> Candidates {
        Candidates { left_out: BTreeSet::from([class]) }
    }

    /// Whether a class is considered.
    pub fn has(&self, class: FaultClass) -> bool {
        !self.left_out.contains(&class)
    }
}
