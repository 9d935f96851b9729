//! The scenario as it stands in a file: everything may be left out that has a sensible default.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::{
    Action, Controls, Detect, Each, Expect, Guarantee, Input, InputError, LoadModel, MOST_FOLLOWED, MOST_OFFSETS, MOST_POLLERS, MOST_SCANS,
    QuantileLimit, Readings, Source, Span, Stop, Tolerance, Until,
};
use crate::model::exchange::{Connection, Route};

/// A scenario file.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Scenario {
    /// The name: letters, digits, `-` and `_`.
    name: String,
    /// What it does, in one line.
    title: String,
    /// The passage it comes from.
    source: String,
    /// Whether it may run beside the others.
    #[serde(default)]
    overlap: bool,
    /// Whether it may run beside others that say so: each begins once the jobs of those before it are accepted, as long as all jobs are
    /// alike.
    #[serde(default)]
    side_by_side: bool,
    /// How many scans, and how fast.
    #[serde(default)]
    load: Load,
    /// When and how a scan is polled.
    #[serde(default)]
    polls: Polls,
    /// Polls that watch a scan until something happens.
    follow: Option<Follow>,
    /// Several ways of polling, among which scans are dealt evenly; what one leaves out is taken from `polls`.
    #[serde(default)]
    arms: Vec<Polls>,
    /// A second write, and the polls after it.
    then: Option<Then>,
    /// Requests whose right answer is `not_found`.
    #[serde(default)]
    controls: Controls,
    /// When the witness and the results are read.
    #[serde(default)]
    readings: Readings,
    /// What must hold.
    #[serde(default)]
    expect: ExpectFile,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Load {
    /// How many scans; 20, or what `detect` takes.
    scans: Option<u32>,
    /// What the gate is to catch, from which the number of scans is computed.
    detect: Option<Detect>,
    /// Whether scans begin on a schedule (open) or when others end (closed).
    model: Model,
    /// Open: the time between two scans.
    every: Option<Span>,
    /// Closed: how many scans at a time.
    in_flight: Option<u32>,
    /// Whether each scan has an input of its own.
    input: Input,
}

impl Default for Load {
    fn default() -> Self {
        Load { scans: None, detect: None, model: Model::Open, every: None, in_flight: None, input: Input::Distinct }
    }
}

#[derive(Deserialize, Clone, Copy, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Model {
    Open,
    Closed,
}

#[derive(Deserialize, Default, Clone, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Polls {
    /// The arm's name.
    name: Option<String>,
    /// The ages of a scan at which it is polled, in ascending order.
    offsets: Option<Vec<Span>>,
    /// Whether every scan is polled at all ages, or at one.
    each: Option<Each>,
    /// How many pollers ask at once.
    pollers: Option<u32>,
    /// How the polls travel.
    connection: Option<Connection>,
    /// Another address than the target's own.
    route: Option<Route>,
    /// At most so many harmless requests between initiate and poll.
    fillers: Option<u32>,
    /// How far from its age a poll may be sent and still count.
    tolerance: Option<Span>,
}

#[derive(Deserialize, Clone, Copy, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Follow {
    /// What ends the watching.
    until: Until,
    /// The time between two polls.
    every: Span,
    /// How long it goes on after that.
    #[serde(default)]
    settle: Option<Span>,
    /// When it ends at the latest.
    deadline: Span,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Then {
    /// What is done.
    action: Action,
    /// What it waits for.
    when: Until,
    /// The ages at which the scan is polled after it, counted from its answer, in ascending order.
    offsets: Vec<Span>,
    /// After `update`: the scan is deleted when those polls are done, and polled at these ages, counted from the delete's answer.
    #[serde(default)]
    delete: Vec<Span>,
}

#[derive(Deserialize, Default, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ExpectFile {
    /// How much `not_found` is tolerated at the ages.
    not_found: Option<ToleranceFile>,
    /// The guarantees that are judged; all, if none are named.
    guarantees: Option<Vec<Guarantee>>,
    /// Upper limits for quantiles of the window, such as p99 = "1s".
    window: BTreeMap<String, Span>,
    /// Upper limits for quantiles of the polls' round trip.
    latency: BTreeMap<String, Span>,
    /// A poll that takes longer, and far longer than usual, was held back.
    stall: Option<Span>,
    /// Largest share of polls without evidence in a run that still says something.
    errors_at_most: Option<f64>,
    /// Largest share of late polls in a run that still says something.
    late_at_most: Option<f64>,
    /// How many scans may be denied after they were seen.
    flaps_at_most: Option<u64>,
    /// When to start no more scans because the verdict on the gate is known.
    stop: Stop,
}

/// `"never"`, `"any"`, or a table with `at_most` and `confidence`.
struct ToleranceFile(Tolerance);

impl<'de> Deserialize<'de> for ToleranceFile {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = ToleranceFile;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"never\", \"any\" or { at_most = 0.01, confidence = 0.95 }")
            }

            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<ToleranceFile, E> {
                match word {
                    "never" => Ok(ToleranceFile(Tolerance::Never)),
                    "any" => Ok(ToleranceFile(Tolerance::Any)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<ToleranceFile, A::Error> {
                #[derive(Deserialize, JsonSchema)]
                #[serde(deny_unknown_fields)]
                struct Rate {
                    at_most: f64,
                    #[serde(default = "ninety_five")]
                    confidence: f64,
                }
                let rate = Rate::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                Ok(ToleranceFile(Tolerance::Rate { at_most: rate.at_most, confidence: rate.confidence }))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for ToleranceFile {
    fn schema_name() -> Cow<'static, str> {
        "Tolerance".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let share = json_schema!({ "type": "number", "minimum": 0, "maximum": 1 });
        json_schema!({
            "description": "How much not_found is tolerated at a gate offset.",
            "anyOf": [
                { "enum": ["never", "any"] },
                {
                    "type": "object",
                    "properties": { "at_most": share, "confidence": share },
                    "required": ["at_most"],
                    "additionalProperties": false,
                },
            ],
        })
    }
}

fn ninety_five() -> f64 {
    0.95
}

impl Scenario {
    pub(super) fn check(self, source: Source<'_>) -> Result<super::Scenario, InputError> {
        let wrong = |path: &str, message: String, hint: &str| Err(source.complain(path, message, Some(hint.to_owned())));
        if self.name.is_empty() || !self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return wrong(
                "name",
                format!("`{}` is not a usable name", self.name),
                "use letters, digits, `-` and `_`: the name becomes a file's name",
            );
        }
        let mut load = self.load.check(source)?;
        let expect = self.expect.check(source)?;
        let arms = if self.arms.is_empty() { vec![Polls::default()] } else { self.arms };
        let mut checked = Vec::with_capacity(arms.len());
        for (index, arm) in arms.iter().enumerate() {
            checked.push(arm.over(&self.polls).check(index, arms.len(), self.follow, source)?);
        }
        if load.scans == 0 && self.controls.unknown_id == 0 {
            return wrong(
                "load.scans",
                "the scenario asks for nothing: no scans and no controls".into(),
                "set load.scans or controls.unknown_id to at least 1",
            );
        }
        let asks = |spans: &[Span]| !spans.is_empty();
        let polled = checked.iter().any(|arm| asks(&arm.offsets) || arm.follow.is_some());
        if load.scans > 0 && !polled && !asks(&self.controls.foreign_user) && !asks(&self.readings.witness) && !asks(&self.readings.results)
        {
            return wrong(
                "load.scans",
                "scans are started but never polled".into(),
                "give polls.offsets, a [follow] section or controls.foreign_user",
            );
        }
        if self.side_by_side {
            let at_once = load.model == LoadModel::Open { every: Span::default() } && load.scans > 1;
            let why = match load.model {
                _ if self.overlap => "runs beside all others already, by `overlap`",
                LoadModel::Closed { .. } => "starts a job when another has ended, so it never only waits",
                LoadModel::Open { .. } if at_once => "starts all its jobs at once, and asks what the target bears alone",
                LoadModel::Open { .. } if self.then.is_some() => "writes again, at a time that is not known beforehand",
                LoadModel::Open { .. } => "",
            };
            if !why.is_empty() {
                return wrong("side_by_side", format!("the scenario {why}"), "leave `side_by_side` out");
            }
        }
        if let Some(then) = &self.then {
            if then.when == Until::Deadline {
                return wrong(
                    "then.when",
                    "the second write needs an event to wait for".into(),
                    "use when = \"accepted\", when = \"visible\" or when = \"terminal\"",
                );
            }
            if !then.delete.is_empty() && then.action != Action::Update {
                return wrong(
                    "then.delete",
                    format!("a {} is not followed by a delete", then.action.word()),
                    "use `delete` with action = \"update\", or write action = \"delete\" with `offsets` of its own",
                );
            }
            let reaches = |follow: &super::Follow| match (follow.until, then.when) {
                (until, when) if until == when => true,
                (Until::Accepted, _) | (_, Until::Accepted) => false,
                (until, when) => until == Until::Deadline || when == Until::Visible,
            };
            if !checked.iter().all(|arm| arm.follow.as_ref().is_some_and(reaches)) {
                return wrong(
                    "then",
                    format!("nobody watches the scan until it is {}", then.when.word()),
                    "add a [follow] section whose `until` reaches what `then.when` waits for",
                );
            }
        }
        let hands: u64 = checked.iter().map(|arm| if arm.each == Each::One { arm.offsets.len().max(1) as u64 } else { 1 }).sum();
        if let Some(detect) = load.detect {
            let scans = detect.scans() * hands;
            if scans > u64::from(MOST_SCANS) {
                return wrong(
                    "load.detect",
                    format!("a rate of {} at power {} takes {scans} scans, and 1,000,000 are the most", detect.rate, detect.power),
                    "ask for a higher rate or less power",
                );
            }
            load.scans = scans as u32;
        }
        gate(&expect, load.detect, checked.iter().any(|arm| !arm.offsets.is_empty()), source)?;
        Ok(super::Scenario {
            name: self.name,
            title: self.title,
            source: self.source,
            overlap: self.overlap,
            side_by_side: self.side_by_side,
            load,
            arms: checked,
            then: self.then.map(|then| super::Then { action: then.action, when: then.when, offsets: then.offsets, delete: then.delete }),
            controls: self.controls,
            readings: self.readings,
            expect,
        })
    }
}

impl Load {
    fn check(&self, source: Source<'_>) -> Result<super::Load, InputError> {
        let wrong = |path: &str, message: &str, hint: &str| Err(source.complain(path, message, Some(hint.to_owned())));
        let scans = self.scans.unwrap_or(20);
        if let Some(detect) = self.detect {
            let within = |share: f64| 0.0 < share && share < 1.0;
            if self.scans.is_some() {
                return wrong(
                    "load.scans",
                    "the number of scans is given twice",
                    "give `scans`, or `detect` alone: the number follows from the rate and the power",
                );
            }
            if !within(detect.rate) {
                return wrong(
                    "load.detect.rate",
                    &format!("{} is not a rate that can be detected", detect.rate),
                    "write a number between 0 and 1: 0.01 is one scan in a hundred",
                );
            }
            if !within(detect.power) {
                return wrong(
                    "load.detect.power",
                    &format!("{} is not a power", detect.power),
                    "write a number between 0 and 1, such as 0.95",
                );
            }
        }
        if scans > MOST_SCANS {
            return wrong("load.scans", "more than 1,000,000 scans", "split the run into shards");
        }
        let model = match self.model {
            Model::Open => {
                if self.in_flight.is_some() {
                    return wrong(
                        "load.in_flight",
                        "`in_flight` belongs to the closed model",
                        "set model = \"closed\", or give `every` instead",
                    );
                }
                super::LoadModel::Open { every: self.every.unwrap_or(Span::millis(20)) }
            }
            Model::Closed => {
                if self.every.is_some() {
                    return wrong("load.every", "`every` belongs to the open model", "set model = \"open\", or give `in_flight` instead");
                }
                let in_flight = self.in_flight.unwrap_or(1);
                if in_flight == 0 {
                    return wrong("load.in_flight", "nothing would ever start", "set in_flight to at least 1");
                }
                super::LoadModel::Closed { in_flight }
            }
        };
        Ok(super::Load { scans, model, input: self.input, detect: self.detect })
    }
}

impl Polls {
    /// This arm, with what it leaves out taken from the common `[polls]`.
    fn over(&self, common: &Polls) -> Polls {
        Polls {
            name: self.name.clone().or_else(|| common.name.clone()),
            offsets: self.offsets.clone().or_else(|| common.offsets.clone()),
            each: self.each.or(common.each),
            pollers: self.pollers.or(common.pollers),
            connection: self.connection.or(common.connection),
            route: self.route.or(common.route),
            fillers: self.fillers.or(common.fillers),
            tolerance: self.tolerance.or(common.tolerance),
        }
    }

    fn check(self, index: usize, arms: usize, follow: Option<Follow>, source: Source<'_>) -> Result<super::Arm, InputError> {
        let at = |key: &str| {
            if arms > 1 { format!("arms.{index}.{key}") } else { format!("polls.{key}") }
        };
        let wrong = |key: &str, message: String, hint: &str| Err(source.complain(&at(key), message, Some(hint.to_owned())));
        let pollers = self.pollers.unwrap_or(1);
        if pollers == 0 || pollers > MOST_POLLERS {
            return wrong("pollers", format!("{pollers} pollers"), "use 1 to 1,000 pollers");
        }
        let offsets = self.offsets.unwrap_or_default();
        if offsets.len() > MOST_OFFSETS {
            return wrong("offsets", format!("{} offsets", offsets.len()), "use at most 1,000 offsets, or a [follow] section");
        }
        if let Some((earlier, later)) = offsets.iter().zip(offsets.iter().skip(1)).find(|(earlier, later)| later <= earlier) {
            return wrong("offsets", format!("{later} stands after {earlier}"), "list the offsets in ascending order, each once");
        }
        let connection = self.connection.unwrap_or(Connection::Fresh);
        if pollers > 1 && connection == Connection::KeepAlive {
            return wrong(
                "connection",
                "several pollers cannot share the initiator's connection".into(),
                "use connection = \"fresh\", \"pre-opened\" or \"pooled\" with pollers above 1",
            );
        }
        if let Some(follow) = follow {
            if offsets.last().is_some_and(|last| *last > follow.deadline) {
                return Err(source.complain(
                    "follow.deadline",
                    "the deadline is before the last offset",
                    Some("raise follow.deadline".into()),
                ));
            }
            // Without a pause the answers set the pace, and the probe stops at the same number.
            if !follow.every.0.is_zero() && follow.deadline.0.as_nanos() / follow.every.0.as_nanos() > u128::from(MOST_FOLLOWED) {
                return Err(source.complain(
                    "follow.every",
                    "more than 1,000,000 polls of one scan",
                    Some("raise follow.every or lower follow.deadline".into()),
                ));
            }
        }
        Ok(super::Arm {
            name: self.name.unwrap_or_else(|| connection.word().to_owned()),
            offsets,
            each: self.each.unwrap_or_default(),
            pollers,
            connection,
            route: self.route,
            fillers: self.fillers.unwrap_or(3),
            // Wide enough for a busy two-core CI machine; a poll outside it is void for its offset, never wrong.
            tolerance: self.tolerance.unwrap_or(Span::millis(25)),
            follow: follow.map(|follow| super::Follow {
                until: follow.until,
                every: follow.every,
                settle: follow.settle.unwrap_or_default(),
                deadline: follow.deadline,
            }),
        })
    }
}

impl ExpectFile {
    fn check(self, source: Source<'_>) -> Result<Expect, InputError> {
        let tolerance = self.not_found.map_or(Tolerance::Never, |file| file.0);
        if let Tolerance::Rate { at_most, confidence } = tolerance {
            share(at_most, "expect.not_found.at_most", source)?;
            share(confidence, "expect.not_found.confidence", source)?;
        }
        let errors_at_most = self.errors_at_most.unwrap_or(0.1);
        share(errors_at_most, "expect.errors_at_most", source)?;
        let late_at_most = self.late_at_most.unwrap_or(0.2);
        share(late_at_most, "expect.late_at_most", source)?;
        Ok(Expect {
            not_found: tolerance,
            guarantees: self.guarantees.unwrap_or_else(|| Guarantee::ALL.to_vec()),
            window: quantiles(&self.window, "expect.window", source)?,
            latency: quantiles(&self.latency, "expect.latency", source)?,
            stall: self.stall.unwrap_or(Span::millis(1000)),
            errors_at_most,
            late_at_most,
            flaps_at_most: self.flaps_at_most.unwrap_or(0),
            stop: self.stop,
        })
    }
}

/// What is to be detected, and when to stop, must fit what is judged.
fn gate(expect: &Expect, detect: Option<Detect>, polled: bool, source: Source<'_>) -> Result<(), InputError> {
    let wrong = |path: &str, message: String, hint: &str| Err(source.complain(path, message, Some(hint.to_owned())));
    let gated = polled && expect.not_found != Tolerance::Any;
    if detect.is_some() && !gated {
        return wrong(
            "load.detect",
            "there is no gate that could detect anything".into(),
            "give polls.offsets, and a not_found other than \"any\"",
        );
    }
    if expect.stop != Stop::Never && !gated {
        return wrong(
            "expect.stop",
            "there is no gate whose verdict could be waited for".into(),
            "give polls.offsets, and a not_found other than \"any\"",
        );
    }
    let Tolerance::Rate { at_most, confidence } = expect.not_found else { return Ok(()) };
    let Some(detect) = detect else {
        if expect.stop == Stop::Never {
            return Ok(());
        }
        return wrong(
            "expect.stop",
            "to stop early under a tolerated rate takes knowing which rate must be caught".into(),
            "give load.detect = { rate = 0.05, power = 0.95 } in place of load.scans",
        );
    };
    if at_most <= 0.0 || confidence <= 0.0 || confidence >= 1.0 {
        return wrong(
            "expect.not_found",
            format!("a rate of at most {at_most} with confidence {confidence} can never be shown"),
            "use not_found = \"never\", or a rate above 0 and a confidence between 0 and 1",
        );
    }
    if detect.rate <= at_most {
        return wrong(
            "load.detect.rate",
            format!("a rate of {} is tolerated by not_found, so it need not be detected", detect.rate),
            "ask for a rate above not_found.at_most",
        );
    }
    if (1.0 - confidence) + (1.0 - detect.power) >= 1.0 {
        return wrong("load.detect.power", "confidence and power are so low that a coin would do".into(), "raise load.detect.power");
    }
    Ok(())
}

fn share(value: f64, path: &str, source: Source<'_>) -> Result<(), InputError> {
    if (0.0..=1.0).contains(&value) {
        return Ok(());
    }
    Err(source.complain(path, format!("{value} is not a share"), Some("write a number from 0 to 1: 0.01 is one per cent".into())))
}

/// Reads `p50 = "1s"` and the like.
fn quantiles(table: &BTreeMap<String, Span>, path: &str, source: Source<'_>) -> Result<Vec<QuantileLimit>, InputError> {
    table
        .iter()
        .map(|(key, below)| {
            // p50 is 0.50 and p999 is 0.999: the digits stand behind the decimal point.
            let quantile = key.strip_prefix('p').and_then(|digits| format!("0.{digits}").parse::<f64>().ok());
            match quantile.filter(|quantile| super::QUANTILES.contains(quantile)) {
                Some(quantile) => Ok(QuantileLimit { quantile, below: *below }),
                None => Err(source.complain(
                    &format!("{path}.{key}"),
                    format!("`{key}` is not a quantile that reports give"),
                    Some("use p50, p90, p95, p99 or p999".into()),
                )),
            }
        })
        .collect()
}
