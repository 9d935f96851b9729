//! What ids that are never seen have in common, and the others have not.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;

use crate::analysis::diagnosis::chance::ln_choose;
use crate::analysis::diagnosis::dataset::ScanRow;
use crate::analysis::diagnosis::fact::Fact;
use crate::analysis::diagnosis::thresholds::FEATURE_P;
use crate::statistics::compare::rates::Rates;

/// Something in an id that a router or a decoder may trip over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say which")]
pub enum IdMark {
    Slash,
    Plus,
    Equals,
    Percent,
    Blank,
    Dot,
    Reserved,
    UpperCase,
    LeadingZero,
}

impl IdMark {
    const ALL: [IdMark; 9] = [
        IdMark::Slash,
        IdMark::Plus,
        IdMark::Equals,
        IdMark::Percent,
        IdMark::Blank,
        IdMark::Dot,
        IdMark::Reserved,
        IdMark::UpperCase,
        IdMark::LeadingZero,
    ];

    fn is_in(self, id: &str) -> bool {
        match self {
            IdMark::Slash => id.contains('/'),
            IdMark::Plus => id.contains('+'),
            IdMark::Equals => id.contains('='),
            IdMark::Percent => id.contains('%'),
            IdMark::Blank => id.contains(' '),
            IdMark::Dot => id.contains('.'),
            IdMark::Reserved => id.chars().any(|c| !(c.is_ascii_alphanumeric() || "-_.~".contains(c))),
            IdMark::UpperCase => id.chars().any(|c| c.is_ascii_uppercase()),
            IdMark::LeadingZero => id.starts_with('0'),
        }
    }
}

/// Ids of one or several parts of a division.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[expect(missing_docs, reason = "the names say which")]
pub struct IdPart {
    pub division: Division,
    pub parts: Vec<String>,
}

/// A way to divide all ids into parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say which")]
pub enum Division {
    LastCharacter,
    FirstCharacter,
    /// Of the id as a number, divided by this.
    Remainder(u64),
}

impl Division {
    const ALL: [Division; 5] =
        [Division::LastCharacter, Division::FirstCharacter, Division::Remainder(3), Division::Remainder(4), Division::Remainder(16)];

    fn part(self, id: &str) -> Option<String> {
        match self {
            Division::LastCharacter => id.chars().last().map(String::from),
            Division::FirstCharacter => id.chars().next().map(String::from),
            Division::Remainder(by) => Some((id.parse::<u64>().ok()? % by).to_string()),
        }
    }
}

fn tried() -> f64 {
    (IdMark::ALL.len() + Division::ALL.len()) as f64
}

/// Whether so many ids could tell anything: a perfect feature would be beyond chance.
pub(super) fn can_tell(lost: usize, seen: usize) -> bool {
    tried() * (-ln_choose(lost + seen, lost)).exp() <= FEATURE_P
}

/// What separates the ids of lost scans from the others', beyond chance, corrected for the number of features that are
/// tried: marks by Fisher's test, divisions by the share of all labellings that respect the parts as well.
pub(super) fn telling_feature(lost: &[&ScanRow<'_>], seen: &[&ScanRow<'_>]) -> Option<Fact> {
    if lost.is_empty() {
        return None;
    }
    mark(lost, seen).or_else(|| division(lost, seen))
}

fn mark(lost: &[&ScanRow<'_>], seen: &[&ScanRow<'_>]) -> Option<Fact> {
    let having =
        |rows: &[&ScanRow<'_>], mark: IdMark| rows.iter().filter(|row| row.scan.id().is_some_and(|id| mark.is_in(id))).count() as u64;
    let (mark, p) = IdMark::ALL
        .into_iter()
        .filter_map(|mark| {
            let (with_lost, with_seen) = (having(lost, mark), having(seen, mark));
            // It must explain nearly all losses, and nearly only losses.
            let explains = with_lost * 10 >= lost.len() as u64 * 9 && with_seen * 10 <= seen.len() as u64;
            let rates =
                Rates { base_events: with_seen, base_trials: seen.len() as u64, new_events: with_lost, new_trials: lost.len() as u64 };
            explains.then(|| (mark, rates.fisher().p_two_sided))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    (p * tried() <= FEATURE_P).then(|| Fact::IdsMarked {
        mark,
        lost_with: having(lost, mark),
        lost: lost.len() as u64,
        seen_with: having(seen, mark),
        seen: seen.len() as u64,
        p,
    })
}

fn division(lost: &[&ScanRow<'_>], seen: &[&ScanRow<'_>]) -> Option<Fact> {
    let (part, p) = Division::ALL
        .into_iter()
        .filter_map(|division| {
            let parts = |rows: &[&ScanRow<'_>]| {
                rows.iter().map(|row| row.scan.id().and_then(|id| division.part(id))).collect::<Option<Vec<String>>>()
            };
            let (lost_in, seen_in) = (parts(lost)?, parts(seen)?);
            let affected: BTreeSet<&String> = lost_in.iter().collect();
            if seen_in.iter().any(|part| affected.contains(part)) {
                return None;
            }
            let mut sizes: BTreeMap<&String, usize> = BTreeMap::new();
            for part in lost_in.iter().chain(&seen_in) {
                *sizes.entry(part).or_default() += 1;
            }
            let sizes: Vec<usize> = sizes.into_values().collect();
            let parts: Vec<String> = affected.iter().map(|part| (*part).clone()).collect();
            let p = (unions(&sizes, lost.len()).ln() - ln_choose(lost.len() + seen.len(), lost.len())).exp();
            Some((IdPart { division, parts }, p))
        })
        .min_by(|a, b| a.1.total_cmp(&b.1))?;
    (p * tried() <= FEATURE_P).then_some(Fact::IdsDivided { part, lost: lost.len() as u64, seen: seen.len() as u64, p })
}

/// How many unions of whole parts have so many members.
fn unions(sizes: &[usize], members: usize) -> f64 {
    let mut ways = vec![0.0; members + 1];
    ways[0] = 1.0;
    for size in sizes {
        for total in (*size..=members).rev() {
            ways[total] += ways[total - size];
        }
    }
    ways[members]
}
