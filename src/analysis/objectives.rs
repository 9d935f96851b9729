//! Whether a run shows that the target's objectives (`[slo]`) are met.
//!
//! Of each objective's jobs some are certainly in time and some certainly late; the rest was not seen closely enough. An objective is
//! met if even with all of those late the quantile is within its bound at 95 %, and missed if even with all of them in time it is not.

use serde::Serialize;

use crate::analysis::timing::Timing;
use crate::analysis::window::{Brackets, CONFIDENCE, Window};
use crate::model::slo::{Slo, SloEvent};
use crate::statistics::band::{Band, quantile_needs};
use crate::statistics::binomial::lower_limit;
use crate::statistics::npmle::Observation;

/// One objective, and what a run says of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Objective {
    /// What is promised.
    pub slo: Slo,
    /// Accepted jobs that it is judged by.
    pub jobs: u64,
    /// Those that certainly were in time.
    pub in_time: u64,
    /// Those that certainly were not.
    pub late: u64,
    /// What that shows.
    pub standing: SloStanding,
}

/// What a run shows of an objective, at 95 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SloStanding {
    /// It is met.
    Met,
    /// It is missed.
    Missed,
    /// Neither is shown.
    Unknown(SloUnknown),
}

/// Why neither is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SloUnknown {
    /// No job was watched for it.
    NotMeasured,
    /// Even with all jobs in time there are too few.
    TooFew {
        /// How many it takes.
        needs: u64,
    },
    /// The share of jobs in time lies too close to what is asked.
    Close,
    /// A never-issued id is visible, too, so that being visible proves nothing.
    VisibleProvesNothing,
}

/// The target's objectives, in the order of its file. `honest`: whether a never-issued id was denied.
pub fn objectives(of: &[Slo], window: &Window, timing: &Timing, honest: Option<bool>) -> Vec<Objective> {
    let judged = |slo: &Slo| {
        let (jobs, brackets) = match slo.event {
            // A job that was denied again, or of which nothing was learnt, was not visible for good as far as anybody knows.
            SloEvent::Visible => (window.scans + window.flapping + window.no_evidence, &window.brackets),
            SloEvent::Done => (timing.done.jobs, &timing.done.brackets),
        };
        let judged = judge(*slo, jobs, brackets);
        if honest == Some(false) {
            Objective { standing: SloStanding::Unknown(SloUnknown::VisibleProvesNothing), ..judged }
        } else {
            judged
        }
    };
    of.iter().map(judged).collect()
}

fn judge(slo: Slo, jobs: u64, brackets: &Brackets) -> Objective {
    let observations = brackets.iter().map(|(after, until)| Observation::new(*after, until.get().unwrap_or(f64::INFINITY)));
    let band = Band::of(observations.collect::<Vec<_>>().into_iter());
    let bound_ms = slo.at_most.0.as_secs_f64() * 1e3;
    let (in_time, late) = (band.over_by(bound_ms), band.lasting_at(bound_ms));
    let needs = quantile_needs(slo.quantile);
    let standing = if jobs == 0 {
        SloStanding::Unknown(SloUnknown::NotMeasured)
    } else if lower_limit(in_time, jobs, CONFIDENCE) >= slo.quantile {
        SloStanding::Met
    } else if 1.0 - lower_limit(late, jobs, CONFIDENCE) < slo.quantile {
        SloStanding::Missed
    } else if jobs < needs {
        SloStanding::Unknown(SloUnknown::TooFew { needs })
    } else {
        SloStanding::Unknown(SloUnknown::Close)
    };
    Objective { slo, jobs, in_time, late, standing }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(text: &str, in_time: u64, late: u64, open: u64) -> SloStanding {
        let slo = Slo::read(SloEvent::Visible, text).expect("an objective");
        let bracket = |count: u64, after: f64, until: Option<f64>| (0..count).map(move |_| (after, until.into()));
        let brackets: Vec<_> =
            bracket(in_time, 0.0, Some(100.0)).chain(bracket(late, 200.0, Some(300.0))).chain(bracket(open, 150.0, None)).collect();
        judge(slo, in_time + late + open, &brackets.into()).standing
    }

    #[test]
    fn an_objective_is_met_or_missed_only_where_the_exact_limits_say_so() {
        let too_few = |needs| SloStanding::Unknown(SloUnknown::TooFew { needs });
        for (text, in_time, late, open, expected) in [
            ("p99 <= 200ms", 299, 0, 0, SloStanding::Met),
            ("p99 <= 200ms", 298, 0, 0, too_few(299)),
            // A single late job of 299 leaves a p99 open.
            ("p99 <= 200ms", 298, 1, 0, SloStanding::Unknown(SloUnknown::Close)),
            ("p99 <= 200ms", 298, 0, 1, SloStanding::Unknown(SloUnknown::Close)),
            // If 99 % were in time, two of two would be late once in 10,000 runs.
            ("p99 <= 200ms", 0, 2, 0, SloStanding::Missed),
            ("p50 <= 200ms", 0, 4, 0, too_few(5)),
            ("p50 <= 200ms", 0, 5, 0, SloStanding::Missed),
            ("p50 <= 200ms", 5, 0, 0, SloStanding::Met),
            ("p50 <= 200ms", 0, 0, 9, SloStanding::Unknown(SloUnknown::Close)),
            ("p99 <= 200ms", 0, 0, 0, SloStanding::Unknown(SloUnknown::NotMeasured)),
        ] {
            assert_eq!(standing(text, in_time, late, open), expected, "{text}: {in_time} in time, {late} late, {open} open");
        }
    }
}
