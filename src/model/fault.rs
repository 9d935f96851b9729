//! The twenty-seven causes behind one symptom.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fault class. The letters are the ones that people use in tickets; docs/causes.md has them all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "`name` says what each letter stands for")]
pub enum FaultClass {
    A,
    B,
    C,
    #[serde(rename = "C'")]
    CPrime,
    D,
    E,
    F,
    G,
    H,
    I,
    J,
    K,
    L,
    M,
    N,
    O,
    P,
    Q,
    R,
    S,
    T,
    U,
    V,
    W,
    X,
    Y,
    Z,
}

/// Whose service is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The reference service, which has three numbered options.
    Reference,
    /// Anybody else's.
    Other,
}

impl FaultClass {
    /// All classes, in order.
    pub const ALL: [FaultClass; 27] = [
        FaultClass::A,
        FaultClass::B,
        FaultClass::C,
        FaultClass::CPrime,
        FaultClass::D,
        FaultClass::E,
        FaultClass::F,
        FaultClass::G,
        FaultClass::H,
        FaultClass::I,
        FaultClass::J,
        FaultClass::K,
        FaultClass::L,
        FaultClass::M,
        FaultClass::N,
        FaultClass::O,
        FaultClass::P,
        FaultClass::Q,
        FaultClass::R,
        FaultClass::S,
        FaultClass::T,
        FaultClass::U,
        FaultClass::V,
        FaultClass::W,
        FaultClass::X,
        FaultClass::Y,
        FaultClass::Z,
    ];

    /// The letter, as in results.
    pub fn letter(self) -> &'static str {
        match self {
            FaultClass::A => "A",
            FaultClass::B => "B",
            FaultClass::C => "C",
            FaultClass::CPrime => "C'",
            FaultClass::D => "D",
            FaultClass::E => "E",
            FaultClass::F => "F",
            FaultClass::G => "G",
            FaultClass::H => "H",
            FaultClass::I => "I",
            FaultClass::J => "J",
            FaultClass::K => "K",
            FaultClass::L => "L",
            FaultClass::M => "M",
            FaultClass::N => "N",
            FaultClass::O => "O",
            FaultClass::P => "P",
            FaultClass::Q => "Q",
            FaultClass::R => "R",
            FaultClass::S => "S",
            FaultClass::T => "T",
            FaultClass::U => "U",
            FaultClass::V => "V",
            FaultClass::W => "W",
            FaultClass::X => "X",
            FaultClass::Y => "Y",
            FaultClass::Z => "Z",
        }
    }

    /// The name, as in results.
    pub fn name(self) -> &'static str {
        match self {
            FaultClass::A => "delayed registration",
            FaultClass::B => "per-instance memory",
            FaultClass::C => "replica or cache lag",
            FaultClass::CPrime => "mixed reads (primary and lagging replica)",
            FaultClass::D => "negative cache (observer effect)",
            FaultClass::E => "enqueue-to-start gap",
            FaultClass::F => "early eviction",
            FaultClass::G => "index refresh lag",
            FaultClass::H => "hole in mid-life",
            FaultClass::I => "commit after the answer",
            FaultClass::J => "wrong job answered",
            FaultClass::K => "scope mismatch",
            FaultClass::L => "id mismatch or encoding",
            FaultClass::M => "lost job",
            FaultClass::N => "unknown masked as pending",
            FaultClass::O => "stale fallback or frozen copy",
            FaultClass::P => "held response (masking)",
            FaultClass::Q => "foreign disclosure",
            FaultClass::R => "grant lag",
            FaultClass::S => "stale update",
            FaultClass::T => "late or lost deletion",
            FaultClass::U => "positive cache (observer effect)",
            FaultClass::V => "end before result",
            FaultClass::W => "read that changes the record",
            FaultClass::X => "half a record",
            FaultClass::Y => "default reported as an end",
            FaultClass::Z => "accepted, reported as failed",
        }
    }

    /// What people read: the name with the letter in brackets.
    pub fn named(self) -> String {
        match self.name().strip_suffix(')') {
            Some(name) => format!("{}, {})", name, self.letter()),
            None => format!("{} ({})", self.name(), self.letter()),
        }
    }

    /// The class with this letter (`C'`, `C′` and `C-prime` alike).
    pub fn from_letter(letter: &str) -> Option<FaultClass> {
        let letter = letter.replace('′', "'").to_ascii_uppercase().replace("-PRIME", "'");
        FaultClass::ALL.into_iter().find(|class| class.letter() == letter)
    }
}
