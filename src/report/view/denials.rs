//! How often status denied, by age and connection: the scenarios' gate polls added up.

use std::collections::BTreeMap;

use crate::analysis::Analysis;
use crate::analysis::window::CONFIDENCE;
use crate::model::exchange::Connection;
use crate::model::time::Nanos;
use crate::report::words;
use crate::statistics::binomial::clopper_pearson;

/// What was answered at one age on one kind of connection.
#[derive(Debug, Clone, PartialEq)]
pub struct DenialRow {
    /// The age asked for, in milliseconds.
    pub at_ms: f64,
    /// The same, as files write it.
    pub at: String,
    /// How the polls travelled.
    pub connection: Connection,
    /// Scans polled at this age.
    pub scans: u64,
    /// Those of them that were denied.
    pub denied: u64,
    /// The share denied.
    pub share: f64,
    /// 95 % limits (Clopper–Pearson) for that share.
    pub lower: f64,
    /// Upper limit.
    pub upper: f64,
    /// How many scenarios asked; each has its own load, so that a sum of several describes and proves nothing more.
    pub scenarios: usize,
}

/// One row for each age and connection at which scans were polled, by connection and age.
pub(super) fn rows(analysis: &Analysis) -> Vec<DenialRow> {
    let mut sums: BTreeMap<(Connection, Nanos), (u64, u64, usize)> = BTreeMap::new();
    for rate in analysis.scenarios.iter().flat_map(|scenario| &scenario.offsets).filter(|rate| rate.scans > 0) {
        let sum = sums.entry((rate.connection, rate.at)).or_default();
        sum.0 += rate.scans;
        sum.1 += rate.scans_denied;
        sum.2 += 1;
    }
    sums.into_iter()
        .map(|((connection, at), (scans, denied, scenarios))| {
            let limits = clopper_pearson(denied, scans, CONFIDENCE);
            DenialRow {
                at_ms: at.as_ms(),
                at: words::planned(at),
                connection,
                scans,
                denied,
                share: denied as f64 / scans as f64,
                lower: limits.lower,
                upper: limits.upper,
                scenarios,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use crate::report::samples;

    #[test]
    fn scenarios_that_poll_at_one_age_are_added_up() {
        let (journal, mut analysis, judgement) = samples::seed_bug();
        let twin = analysis.scenarios[0].offsets[0].clone();
        analysis.scenarios[1].offsets.push(twin);
        let view = crate::report::View::of(&journal, &analysis, &judgement);
        let told: Vec<_> = view.denials.iter().map(|row| (row.at.as_str(), row.denied, row.scans, row.scenarios)).collect();
        assert_eq!(told, [("100ms", 100, 100, 2), ("2s", 25, 50, 1)]);
        assert!((view.denials[0].lower - 0.963_8).abs() < 1e-4, "100 of 100: {}", view.denials[0].lower);
    }
}
