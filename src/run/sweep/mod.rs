//! The sweep over sizes: the reference service with one fault, two, or none, at sizes that the diagnosis was not written for.
//!
//! `cases` lists what is switched on and how large, `law` writes sizes as knob values, `reach` says whether a run could have seen a fault
//! at all, and `outcome` compares what was found with what is there. Each trial is an investigation on virtual time.

mod cases;
mod law;
mod outcome;
mod reach;
mod sizes;
mod twins;

pub(crate) use cases::{Case, Group, cases};
pub(crate) use outcome::Outcome;
pub(crate) use twins::TwinTrial;

use std::time::Duration;

use crate::analysis::diagnosis::{Candidates, Diagnosis};
use crate::probe::{Jobs, OnStrain, Options, Restraint};
use crate::run::investigate::{Explaining, rehearse_among};
use crate::run::twin::Twins;
use crate::run::{Concluded, INVESTIGATION_JOBS, ReferenceService, RunError, Session, SpanOptions, Time, virtual_options};
use crate::service::{Settings, SettingsError};
use crate::verdict::Verdict;

/// One case with one seed: what was found, and what that is worth.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) seed: u64,
    pub(crate) verdict: Verdict,
    pub(crate) diagnosis: Diagnosis,
    pub(crate) outcome: Outcome,
    /// What its twins are worth; `None`: they were not wanted, or there was nothing to be explained.
    pub(crate) twin: Option<TwinTrial>,
}

/// The time that an investigation has.
const BUDGET: Duration = Duration::from_secs(60);

/// Investigates one case, with these classes to explain what is found. On a paused clock.
pub(crate) async fn try_case(case: &Case, seed: u64, candidates: &Candidates, twins: Twins) -> Result<Trial, RunError> {
    let service = on_sound(case.knobs.iter().map(|(knob, value)| (*knob, value.as_str())))?;
    let concluded = investigated(service, seed, candidates, twins).await?;
    let (Concluded { journal, analysis, judgement }, twin) = match twins {
        Twins::Run => Box::pin(twins::try_twins(case, seed, concluded)).await?,
        Twins::LeftOut => (concluded, None),
    };
    let outcome = Outcome::of(case, judgement.verdict, &analysis.diagnosis, &journal);
    Ok(Trial { seed, verdict: judgement.verdict, diagnosis: analysis.diagnosis, outcome, twin })
}

/// What an investigation of a service concludes, with these classes to explain what it finds.
async fn investigated(service: ReferenceService, seed: u64, candidates: &Candidates, twins: Twins) -> Result<Concluded, RunError> {
    let session = Session::reference(service, Time::Virtual, seed, &SpanOptions::default()).await?;
    let jobs = Jobs::at_most(Some(u64::from(INVESTIGATION_JOBS)));
    let restraint = Restraint { jobs, strain: OnStrain::SlowDown, ..Restraint::default() };
    let options = Options { restraint, ..virtual_options(seed) };
    let journal = rehearse_among(&session, options, BUDGET, Explaining { candidates: candidates.clone(), twins }, |_| {}).await?;
    session.close().await;
    Ok(Concluded::among(journal, candidates))
}

/// The sound service with these settings on top.
fn on_sound<'a>(knobs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<ReferenceService, RunError> {
    let set = || -> Result<(Settings, String), SettingsError> {
        let (mut settings, mut note) = (Settings::preset("sound")?, Vec::new());
        for (knob, value) in knobs {
            settings.set(knob, value)?;
            note.push(format!("{knob}={value}"));
        }
        Ok((settings, note.join(" ")))
    };
    let (settings, note) = set().map_err(|error| RunError::Service(error.into()))?;
    Ok(ReferenceService { settings, name: "sound".to_owned(), note })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_opens_and_is_another_one_with_another_seed() {
        let (first, second) = (cases(0), cases(1));
        assert_eq!(first.len(), second.len());
        for case in first.iter().chain(&second) {
            on_sound(case.knobs.iter().map(|(knob, value)| (*knob, value.as_str())))
                .unwrap_or_else(|error| panic!("{}: {error}", case.settings()));
        }
        let moved = first.iter().zip(&second).filter(|(first, second)| first.knobs != second.knobs).count();
        assert!(moved * 2 > first.len(), "only {moved} of {} cases have other sizes with another seed", first.len());
    }

    #[test]
    fn every_class_has_cases() {
        let cases = cases(0);
        for class in crate::model::fault::FaultClass::ALL {
            assert!(cases.iter().any(|case| case.group == Group::One(class)), "no case has {}", class.letter());
        }
    }

    /// What earlier sweeps answered wrongly, by kind: a class that is not there was named, or the one that is there was not even possible.
    #[test]
    fn faults_are_named_at_sizes_and_under_laws_of_any_kind() {
        use crate::model::fault::FaultClass::{A, C, CPrime, D, E, G, I, U};
        let cases: &[(_, &[(&'static str, &str)])] = &[
            // Random lags were taken for a queue, or for an index, and the changes and deletions that lag with them for faults of their own.
            (C, &[("replica-lag", "exp(30ms)")]),
            (C, &[("replica-lag", "lognormal(200ms,0.8)")]),
            (C, &[("replica-lag", "lognormal(1300ms,0.8)")]),
            // A lag of a few round trips was not told from a late commit.
            (C, &[("replica-lag", "25ms")]),
            // What an earlier answer hides was taken for late changes and deletions.
            (U, &[("positive-cache-ttl", "200ms")]),
            (U, &[("positive-cache-ttl", "5s")]),
            // A window that some scan outlasted was not looked at.
            (E, &[("queue-slots", "1"), ("queue-hold", "5s")]),
            // No second write was sent within a window of many seconds, or beneath a cache that keeps denials for as long.
            (C, &[("replica-lag", "14s")]),
            (D, &[("negative-cache-ttl", "30s"), ("registration-delay", "50ms")]),
            // A few instants of an index were not told from writes that arrive together.
            (G, &[("index-period", "4s")]),
            // Nobody looked at scans older than the last denial.
            (CPrime, &[("replica-lag", "12s"), ("replica-share", "0.3")]),
        ];
        for (class, knobs) in cases {
            let knobs = knobs.iter().map(|(knob, value)| (*knob, (*value).to_owned())).collect();
            let also = if *class == D { vec![A, I] } else { Vec::new() };
            let case = Case { knobs, also, ..Case::one(*class) };
            let trial = on_a_paused_clock(try_case(&case, 7, &Candidates::all(), Twins::LeftOut)).expect("an investigation");
            assert_eq!(trial.outcome, Outcome::Right, "{}: {:?}", case.settings(), trial.diagnosis.causes);
        }
    }

    fn on_a_paused_clock<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(work)
    }
}
