//! Numbers of a header that are used as sizes, shares or places. A log may come from anybody, and one with a number that no run writes
//! is refused where it is read, so that nothing after it has to expect one.

use crate::model::run::{Run, Stopped};
use crate::model::scenario::{LoadModel, MOST_OFFSETS, MOST_POLLERS, MOST_SCANS, Scenario, Tolerance};
use crate::model::shard::{MOST_SHARDS, Share};

/// A field with a value that no run writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Invalid {
    /// Where it stands in the line.
    pub(super) field: String,
    /// What is wrong with it.
    pub(super) why: String,
}

fn refuse(field: impl Into<String>, why: impl Into<String>) -> Result<(), Invalid> {
    Err(Invalid { field: field.into(), why: why.into() })
}

/// So many arms a scenario may have: a header with more was made by hand.
const MOST_ARMS: usize = 1_000;

/// Checks a header.
pub(super) fn header(run: &Run) -> Result<(), Invalid> {
    if let Some(share) = &run.shard {
        of_shards(share)?;
    }
    if run.clock.resolution.0 < 0 {
        return refuse("clock.resolution", format!("{} ns is not the step of a clock", run.clock.resolution.0));
    }
    for (index, one) in run.scenarios.iter().enumerate() {
        scenario(one, &format!("scenarios.{index}."))?;
        if run.recording.is_none() {
            let scans = one.load.scans;
            at_most(scans.into(), MOST_SCANS.into(), || format!("scenarios.{index}.load.scans"), "scans")?;
        }
    }
    Ok(())
}

fn of_shards(share: &Share) -> Result<(), Invalid> {
    let of = share.of();
    if of == 0 || of > MOST_SHARDS {
        return refuse("shard.of", format!("{of} shards, and a run has 1 to {MOST_SHARDS}"));
    }
    match share {
        Share::Shard(shard) if shard.index >= of => refuse("shard.index", format!("there is no shard {} of {of}", shard.index)),
        Share::Shard(_) => Ok(()),
        Share::Merged(merged) => {
            if merged.parts.is_empty() {
                return refuse("shard.parts", "there is no shard in it");
            }
            if let Some(part) = merged.parts.iter().find(|part| part.index >= of) {
                return refuse("shard.parts", format!("there is no shard {} of {of}", part.index));
            }
            match merged.parts.iter().zip(&merged.parts[1..]).find(|(one, next)| one.index >= next.index) {
                Some((_, next)) => refuse("shard.parts", format!("shard {} is not in its place, or there twice", next.index)),
                None => Ok(()),
            }
        }
    }
}

/// Checks a scenario; `at` is where it stands in its line.
pub(super) fn scenario(scenario: &Scenario, at: &str) -> Result<(), Invalid> {
    let field = |name: &str| format!("{at}{name}");
    if let LoadModel::Closed { in_flight: 0 } = scenario.load.model {
        return refuse(field("load.model.in_flight"), "nothing would ever start");
    }
    if let Some(detect) = scenario.load.detect {
        inside(detect.rate, || field("load.detect.rate"))?;
        inside(detect.power, || field("load.detect.power"))?;
    }
    at_most(scenario.arms.len() as u64, MOST_ARMS as u64, || field("arms"), "arms")?;
    for (index, arm) in scenario.arms.iter().enumerate() {
        at_most(arm.pollers.into(), MOST_POLLERS.into(), || field(&format!("arms.{index}.pollers")), "pollers")?;
        at_most(arm.offsets.len() as u64, MOST_OFFSETS as u64, || field(&format!("arms.{index}.offsets")), "offsets")?;
        if arm.pollers == 0 {
            return refuse(field(&format!("arms.{index}.pollers")), "nobody would ever poll");
        }
    }
    let expect = &scenario.expect;
    share(expect.errors_at_most, || field("expect.errors_at_most"))?;
    share(expect.late_at_most, || field("expect.late_at_most"))?;
    if let Tolerance::Rate { at_most, confidence } = expect.not_found {
        share(at_most, || field("expect.not_found.at_most"))?;
        share(confidence, || field("expect.not_found.confidence"))?;
    }
    for (name, limits) in [("window", &expect.window), ("latency", &expect.latency)] {
        for (index, limit) in limits.iter().enumerate() {
            inside(limit.quantile, || field(&format!("expect.{name}.{index}.quantile")))?;
        }
    }
    Ok(())
}

/// Checks where a scenario was stopped.
pub(super) fn stopped(stopped: Stopped, scenarios: &[Scenario]) -> Result<(), Invalid> {
    if stopped.scenario as usize >= scenarios.len() {
        return refuse("scenario", format!("scenario {} was stopped, which the log does not define", stopped.scenario));
    }
    Ok(())
}

fn at_most(count: u64, most: u64, field: impl Fn() -> String, what: &str) -> Result<(), Invalid> {
    if count > most { refuse(field(), format!("{count} {what}, and {most} are the most")) } else { Ok(()) }
}

fn share(value: f64, field: impl Fn() -> String) -> Result<(), Invalid> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { refuse(field(), format!("{value} is not a share: it must be from 0 to 1")) }
}

fn inside(value: f64, field: impl Fn() -> String) -> Result<(), Invalid> {
    if 0.0 < value && value < 1.0 { Ok(()) } else { refuse(field(), format!("{value} must be between 0 and 1")) }
}
