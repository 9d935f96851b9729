//! What the twins of a trial are worth, against the settings that were switched on.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::analysis::diagnosis::{Candidates, Cause, Diagnosis};
use crate::analysis::twin::{Answer, Candidate, Law, Setting, Twin};
use crate::model::fault::FaultClass;
use crate::run::sweep::cases::Case;
use crate::run::sweep::{investigated, on_sound};
use crate::run::twin::Twins;
use crate::run::{Concluded, RunError};

/// What the twins of one trial say, and what that is worth.
#[derive(Debug, Clone)]
pub(crate) struct TwinTrial {
    pub(crate) answer: Answer,
    /// The candidates, best first.
    pub(crate) candidates: Vec<Candidate>,
    /// Whether the twin with exactly the causes that are there fits; `None`: there was no such twin.
    pub(crate) fits: Option<bool>,
    /// What that twin says does not fit, in the words of its data.
    pub(crate) misfits: Vec<String>,
    /// Each setting that was switched on and has a size, with the interval that was estimated for it.
    pub(crate) settings: Vec<SettingTrial>,
    /// What an investigation of the reproducer names; `None`: nothing was estimated, so that there is no reproducer.
    pub(crate) reproduced: Option<Reproduced>,
    /// How long the twins took, by the clock on the wall.
    pub(crate) took: Duration,
}

/// A setting that was switched on, and what was estimated of it.
#[derive(Debug, Clone)]
pub(crate) struct SettingTrial {
    pub(crate) knob: &'static str,
    /// As it was set.
    pub(crate) truth: String,
    /// The estimate with its limits; `None`: there is none.
    pub(crate) estimated: Option<Setting>,
    /// Whether the truth lies within the limits: of a law its median.
    pub(crate) holds: bool,
}

/// An investigation of the reference service with the settings of the best candidate.
#[derive(Debug, Clone)]
pub(crate) struct Reproduced {
    pub(crate) settings: String,
    pub(crate) named: BTreeSet<FaultClass>,
    /// Whether it names what the first investigation named.
    pub(crate) agrees: bool,
}

/// Runs the twins of what was concluded, and an investigation of the reproducer.
pub(super) async fn try_twins(case: &Case, seed: u64, concluded: Concluded) -> Result<(Concluded, Option<TwinTrial>), RunError> {
    let before = Instant::now();
    let concluded = concluded.with_twin(|_| {});
    let took = before.elapsed();
    let Some(twin) = concluded.analysis.twin.clone() else { return Ok((concluded, None)) };
    let own = own(&twin, case);
    let trial = TwinTrial {
        answer: twin.answer,
        candidates: twin.candidates.clone(),
        fits: own.and_then(|own| own.fit.as_ref().map(|_| own.fits)),
        misfits: own.iter().filter_map(|own| own.fit.as_ref()).flat_map(|fit| &fit.misfits).map(|misfit| format!("{misfit:?}")).collect(),
        settings: case.sizes().map(|(knob, truth)| compared(knob, truth, own)).collect(),
        reproduced: match twin.candidates.first() {
            Some(best) => Some(reproduce(best, seed, &concluded.analysis.diagnosis).await?),
            None => None,
        },
        took,
    };
    Ok((concluded, Some(trial)))
}

/// The candidate that has the causes that are there: exactly, or with those that come with them.
fn own<'a>(twin: &'a Twin, case: &Case) -> Option<&'a Candidate> {
    let has_all = |candidate: &Candidate| case.classes.iter().all(|class| candidate.classes.contains(class));
    let exact = twin.candidates.iter().find(|candidate| has_all(candidate) && candidate.classes.len() == case.classes.len());
    let with_others = || {
        twin.candidates.iter().find(|candidate| {
            has_all(candidate) && candidate.classes.iter().all(|class| case.classes.contains(class) || case.also.contains(class))
        })
    };
    exact.or_else(with_others)
}

fn compared(knob: &'static str, truth: &str, own: Option<&Candidate>) -> SettingTrial {
    let estimated = own.and_then(|own| own.settings.iter().find(|setting| setting.knob == knob)).cloned();
    let holds = estimated.as_ref().and_then(|estimated| estimated.likely.as_ref()).is_some_and(|likely| {
        let (Some(from), Some(truth), Some(to)) = (size(&likely.from), size(truth), size(&likely.to)) else { return false };
        // The limits are written with four digits.
        from * 0.9995 <= truth && truth <= to * 1.0005
    });
    SettingTrial { knob, truth: truth.to_owned(), estimated, holds }
}

/// The size of a knob's value: a number, or the median of a duration's law in milliseconds; `None` for a word.
pub(super) fn size(value: &str) -> Option<f64> {
    if let Ok(number) = value.parse() {
        return Some(number);
    }
    let ms = |text: &str| humantime::parse_duration(text.trim()).ok().map(|time| time.as_secs_f64() * 1e3);
    let Some((kind, inner)) = value.split_once('(') else { return ms(value) };
    let (first, second) = inner.strip_suffix(')')?.split_once(',').unwrap_or((inner.strip_suffix(')')?, ""));
    let law = match kind {
        "uniform" => Law::Uniform(ms(first)?, ms(second)?),
        "exp" => Law::Exponential(ms(first)?),
        "lognormal" => Law::LogNormal(ms(first)?, second.parse().ok()?),
        _ => return None,
    };
    Some(law.median())
}

/// Investigates the reproducer as `reproduce --virtual` does, with chances of its own.
async fn reproduce(best: &Candidate, seed: u64, first: &Diagnosis) -> Result<Reproduced, RunError> {
    let settings = best.settings.iter().map(|setting| (setting.knob, setting.value.as_str()));
    let written: Vec<String> = settings.clone().map(|(knob, value)| format!("{knob}={value}")).collect();
    let mut second = investigated(on_sound(settings)?, seed ^ 0x7715, &Candidates::all(), Twins::LeftOut).await?;
    let names =
        |concluded: &Concluded| concluded.analysis.diagnosis.causes.iter().flat_map(Cause::classes).collect::<BTreeSet<FaultClass>>();
    if !is_alike(&names(&second), best, first) {
        // `reproduce` would have its twins as well; where its rules are enough, that changes nothing here.
        second = second.with_twin(|_| {});
    }
    let named = names(&second);
    let agrees = is_alike(&named, best, first);
    Ok(Reproduced { settings: written.join(" "), named, agrees })
}

/// Whether classes are what a first diagnosis named, and what the best candidate consists of.
fn is_alike(named: &BTreeSet<FaultClass>, best: &Candidate, first: &Diagnosis) -> bool {
    first.causes.iter().all(|cause| cause.classes().any(|class| named.contains(&class)))
        && best.classes.iter().any(|class| named.contains(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_the_size_of_its_middle() {
        for (value, expected) in [
            ("0.25", Some(0.25)),
            ("400ms", Some(400.0)),
            ("1m 2s", Some(62_000.0)),
            ("uniform(1s,3s)", Some(2000.0)),
            ("exp(100ms)", Some(100.0 * std::f64::consts::LN_2)),
            ("lognormal(300ms,0.8)", Some(300.0)),
            ("eager", None),
            ("strange(1s)", None),
        ] {
            assert_eq!(size(value), expected, "{value}");
        }
    }
}
