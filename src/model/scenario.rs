//! A scenario: what load to put on, when to poll, what to watch, what to expect.
//!
//! A [`Scenario`] is always a checked one: the only ways to make one are [`Scenario::read`], which checks a TOML file, and
//! reading a log, which holds what was checked before.

use serde::{Deserialize, Serialize};

use crate::model::exchange::{Connection, Route};
use crate::model::guarantee::Guarantee;
use crate::model::input::{InputError, Source};
use crate::model::time::Span;

/// One scenario, checked and with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Its short name, which is also its file's name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// The passage it comes from.
    pub source: String,
    /// Whether it mostly waits, so that the scenarios after it may run beside it.
    pub overlap: bool,
    /// How many scans, and how fast.
    pub load: Load,
    /// How scans are polled; scans are dealt to the arms in random order.
    pub arms: Vec<Arm>,
    /// The second write, if there is one.
    pub then: Option<Then>,
    /// Exchanges whose right answer is `not_found`.
    pub controls: Controls,
    /// Readings of the other endpoints.
    pub readings: Readings,
    /// What must hold.
    pub expect: Expect,
}

/// How many scans are asked for, and at what pace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// How many scans; 0 for a scenario of controls only.
    pub scans: u32,
    /// The pace.
    pub model: LoadModel,
    /// Whether every scan asks for something else or all ask for the same.
    pub input: Input,
}

/// Open and closed load, in the sense of Schroeder, Wierman and Harchol-Balter (NSDI 2006).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadModel {
    /// A scan starts every so often, whatever became of the others. Zero: all at once.
    Open {
        /// Time between two starts.
        every: Span,
    },
    /// At most so many scans at a time; the next one starts when one is done.
    Closed {
        /// How many at a time.
        in_flight: u32,
    },
}

/// What the scans of one scenario ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Every scan has a number of its own in its request, so that no warm key hides the window.
    #[default]
    Distinct,
    /// All scans ask for the same.
    Same,
}

/// One way of polling a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// What tells this arm from the others.
    pub name: String,
    /// The ages at which a scan is polled.
    pub offsets: Vec<Span>,
    /// Whether each scan is polled at all offsets or at one of them.
    pub each: Each,
    /// How many pollers send each of these polls at once.
    pub pollers: u32,
    /// How the polls travel.
    pub connection: Connection,
    /// An address other than the endpoint's own.
    pub route: Option<Route>,
    /// At most so many harmless requests (a random number) between the initiate and the first poll.
    pub fillers: u32,
    /// How far from its offset a poll may leave and still speak for it.
    pub tolerance: Span,
    /// How the scan is watched after the offsets.
    pub follow: Option<Follow>,
}

/// How offsets are dealt to scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// Every scan is polled at every offset.
    #[default]
    All,
    /// Every scan is polled at one offset only (single-shot), so that no poll disturbs another.
    One,
}

/// Polling on after the offsets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Follow {
    /// What ends it.
    pub until: Until,
    /// Time between two polls; the phase differs from scan to scan.
    pub every: Span,
    /// How long to go on polling after `until` was reached: a first success proves nothing about what comes after it.
    pub settle: Span,
    /// The age at which it ends in any case.
    pub deadline: Span,
}

/// What ends the watching of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// The first visible answer.
    Visible,
    /// The first terminal state.
    Terminal,
    /// Nothing but the deadline.
    Deadline,
}

/// A second write to a scan, and the polls after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Then {
    /// What is written.
    pub action: Action,
    /// When: at the first visible answer or at the first terminal one.
    pub when: Until,
    /// Ages of the polls after it, counted from its answer.
    pub offsets: Vec<Span>,
}

/// The second write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The same user asks for the same again.
    Repeat,
    /// The scan is cancelled.
    Cancel,
}

/// Exchanges whose right answer is `not_found`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Controls {
    /// How many never-issued ids are polled before the load begins.
    pub unknown_id: u32,
    /// The ages at which a foreign user polls each scan.
    pub foreign_user: Vec<Span>,
}

impl Default for Controls {
    fn default() -> Self {
        // Two, because one reply could be an accident and a wrong control voids the whole run.
        Controls { unknown_id: 2, foreign_user: Vec::new() }
    }
}

/// Readings of the endpoints beside status.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Readings {
    /// The ages at which the witness is read.
    pub witness: Vec<Span>,
    /// The ages at which the results are read.
    pub results: Vec<Span>,
    /// Whether both are read once more when the scan has ended.
    pub at_end: bool,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expect {
    /// What is tolerated at the gate offsets.
    pub not_found: Tolerance,
    /// The guarantees that are judged; the others are reported all the same.
    pub guarantees: Vec<Guarantee>,
    /// Upper limits for quantiles of the window.
    pub window: Vec<QuantileLimit>,
    /// Upper limits for quantiles of the poll's round trip.
    pub latency: Vec<QuantileLimit>,
    /// A poll that takes longer than this, and far longer than usual, was held back.
    pub stall: Span,
    /// Largest share of polls without evidence (errors, throttling) in a run that still says something.
    pub errors_at_most: f64,
    /// Largest share of late polls in a run that still says something.
    pub late_at_most: f64,
}

/// How much `not_found` is tolerated at a gate offset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tolerance {
    /// None.
    Never,
    /// A true rate of at most so much.
    Rate {
        /// The largest tolerated rate, 0 to 1.
        at_most: f64,
        /// With which confidence it must be shown.
        confidence: f64,
    },
    /// Not judged.
    Any,
}

/// An upper limit for one quantile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct QuantileLimit {
    /// The quantile, 0 to 1.
    pub quantile: f64,
    /// The limit.
    pub below: Span,
}

/// The quantiles that analyses tell, and that a scenario may limit.
pub const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// The most scans, polls and offsets that a scenario file may ask for: a typing error must not become a load test.
const MOST_SCANS: u32 = 1_000_000;
const MOST_POLLERS: u32 = 1_000;
const MOST_OFFSETS: usize = 1_000;

impl Scenario {
    /// Reads and checks a scenario file.
    pub fn read(source: Source<'_>) -> Result<Scenario, InputError> {
        let file: file::Scenario = source.read()?;
        file.check(source)
    }

    /// The age after which nothing is asked of a scan any more, as far as the plan can know.
    pub fn horizon(&self) -> Span {
        let polls = self.arms.iter().flat_map(|arm| arm.offsets.iter().copied().chain(arm.follow.map(|follow| follow.deadline)));
        let readings = self.readings.witness.iter().chain(&self.readings.results).chain(&self.controls.foreign_user).copied();
        let then = self.then.iter().flat_map(|then| then.offsets.iter().copied());
        polls.chain(readings).max().unwrap_or_default().max(Span::default()).plus(then.max().unwrap_or_default())
    }
}

impl Span {
    fn plus(self, other: Span) -> Span {
        Span(self.0 + other.0)
    }
}

/// The scenario as it stands in a file: everything may be left out that has a sensible default.
mod file {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::{
        Action, Controls, Each, Expect, Guarantee, Input, InputError, MOST_OFFSETS, MOST_POLLERS, MOST_SCANS, QuantileLimit, Readings,
        Source, Span, Tolerance, Until,
    };
    use crate::model::exchange::{Connection, Route};

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(super) struct Scenario {
        name: String,
        title: String,
        source: String,
        #[serde(default)]
        overlap: bool,
        #[serde(default)]
        load: Load,
        #[serde(default)]
        polls: Polls,
        follow: Option<Follow>,
        #[serde(default)]
        arms: Vec<Polls>,
        then: Option<Then>,
        #[serde(default)]
        controls: Controls,
        #[serde(default)]
        readings: Readings,
        #[serde(default)]
        expect: ExpectFile,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Load {
        scans: u32,
        model: Model,
        every: Option<Span>,
        in_flight: Option<u32>,
        input: Input,
    }

    impl Default for Load {
        fn default() -> Self {
            Load { scans: 20, model: Model::Open, every: None, in_flight: None, input: Input::Distinct }
        }
    }

    #[derive(Deserialize, Clone, Copy)]
    #[serde(rename_all = "kebab-case")]
    enum Model {
        Open,
        Closed,
    }

    #[derive(Deserialize, Default, Clone)]
    #[serde(deny_unknown_fields, default)]
    struct Polls {
        name: Option<String>,
        offsets: Option<Vec<Span>>,
        each: Option<Each>,
        pollers: Option<u32>,
        connection: Option<Connection>,
        route: Option<Route>,
        fillers: Option<u32>,
        tolerance: Option<Span>,
    }

    #[derive(Deserialize, Clone, Copy)]
    #[serde(deny_unknown_fields)]
    struct Follow {
        until: Until,
        every: Span,
        #[serde(default)]
        settle: Option<Span>,
        deadline: Span,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Then {
        action: Action,
        when: Until,
        offsets: Vec<Span>,
    }

    #[derive(Deserialize, Default)]
    #[serde(deny_unknown_fields, default)]
    struct ExpectFile {
        not_found: Option<ToleranceFile>,
        guarantees: Option<Vec<Guarantee>>,
        window: BTreeMap<String, Span>,
        latency: BTreeMap<String, Span>,
        stall: Option<Span>,
        errors_at_most: Option<f64>,
        late_at_most: Option<f64>,
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
                    #[derive(Deserialize)]
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
            let load = self.load.check(source)?;
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
            if load.scans > 0
                && !polled
                && !asks(&self.controls.foreign_user)
                && !asks(&self.readings.witness)
                && !asks(&self.readings.results)
            {
                return wrong(
                    "load.scans",
                    "scans are started but never polled".into(),
                    "give polls.offsets, a [follow] section or controls.foreign_user",
                );
            }
            if let Some(then) = &self.then {
                if then.when == Until::Deadline {
                    return wrong(
                        "then.when",
                        "the second write needs an event to wait for".into(),
                        "use when = \"visible\" or when = \"terminal\"",
                    );
                }
                let reaches =
                    |follow: &super::Follow| follow.until == then.when || follow.until == Until::Deadline || then.when == Until::Visible;
                if !checked.iter().all(|arm| arm.follow.as_ref().is_some_and(reaches)) {
                    return wrong(
                        "then",
                        format!(
                            "nobody watches the scan until it is {}",
                            if then.when == Until::Terminal { "terminal" } else { "visible" }
                        ),
                        "add a [follow] section whose `until` reaches what `then.when` waits for",
                    );
                }
            }
            Ok(super::Scenario {
                name: self.name,
                title: self.title,
                source: self.source,
                overlap: self.overlap,
                load,
                arms: checked,
                then: self.then.map(|then| super::Then { action: then.action, when: then.when, offsets: then.offsets }),
                controls: self.controls,
                readings: self.readings,
                expect: self.expect.check(source)?,
            })
        }
    }

    impl Load {
        fn check(&self, source: Source<'_>) -> Result<super::Load, InputError> {
            let wrong = |path: &str, message: &str, hint: &str| Err(source.complain(path, message, Some(hint.to_owned())));
            if self.scans > MOST_SCANS {
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
                        return wrong(
                            "load.every",
                            "`every` belongs to the open model",
                            "set model = \"open\", or give `in_flight` instead",
                        );
                    }
                    let in_flight = self.in_flight.unwrap_or(1);
                    if in_flight == 0 {
                        return wrong("load.in_flight", "nothing would ever start", "set in_flight to at least 1");
                    }
                    super::LoadModel::Closed { in_flight }
                }
            };
            Ok(super::Load { scans: self.scans, model, input: self.input })
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
                    "use connection = \"fresh\" or \"pre-opened\" with pollers above 1",
                );
            }
            if let Some(follow) = follow {
                if follow.every.0.is_zero() {
                    return Err(source.complain("follow.every", "polling without a pause", Some("use at least \"1ms\"".into())));
                }
                if offsets.last().is_some_and(|last| *last > follow.deadline) {
                    return Err(source.complain(
                        "follow.deadline",
                        "the deadline is before the last offset",
                        Some("raise follow.deadline".into()),
                    ));
                }
                if (follow.deadline.0.as_nanos() / follow.every.0.as_nanos()) > 1_000_000 {
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
            })
        }
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
                        format!("`{key}` is not a quantile that is told"),
                        Some("use p50, p90, p95, p99 or p999".into()),
                    )),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALLEST: &str = "name = \"x\"\ntitle = \"t\"\nsource = \"s\"\n";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let text = format!("{SMALLEST}{text}");
        let error = Scenario::read(Source { file: "x.toml", text: &text }).expect_err("the scenario is wrong");
        assert!(error.to_string().contains(expected), "{error}\nlacks: {expected}");
        assert!(error.place.is_some(), "no place: {error}");
    }

    #[test]
    fn a_wrong_scenario_is_refused_with_its_place_and_a_way_out() {
        check("[load]\nscans = 1\n[polls]\noffsets = [\"2s\", \"1s\"]", "x.toml:7:11: 1s stands after 2s");
        check("[load]\nscan = 1", "did you mean `scans`?");
        check("[load]\nscans = \"many\"", "x.toml:5:9: invalid type: string \"many\", expected u32");
        check("[load]\nscans = 0\n[controls]\nunknown_id = 0", "the scenario asks for nothing");
        check("[load]\nscans = 1\n", "scans are started but never polled");
        check("[load]\nmodel = \"closed\"\nevery = \"1s\"", "`every` belongs to the open model");
        check("[load]\nmodel = \"opened\"", "did you mean `open`?");
        check("[polls]\noffsets = [\"1s\"]\npollers = 3\nconnection = \"keep-alive\"", "several pollers cannot share");
        check("[polls]\noffsets = [\"1 fortnight\"]", "is not a length of time");
        check("[polls]\noffsets=[\"1s\"]\n[expect]\nnot_found = \"seldom\"", "expected \"never\", \"any\" or {");
        check("[polls]\noffsets=[\"1s\"]\n[expect]\nnot_found = { at_most = 2 }", "2 is not a share");
        check("[polls]\noffsets=[\"1s\"]\n[expect]\nguarantees = [\"read-your-write\"]", "did you mean `read-your-writes`?");
        check("[polls]\noffsets=[\"1s\"]\n[expect.window]\nmedian = \"1s\"", "`median` is not a quantile that is told");
        check("[polls]\noffsets=[\"1s\"]\n[then]\naction=\"repeat\"\nwhen=\"terminal\"\noffsets=[\"0s\"]", "nobody watches the scan");
    }

    #[test]
    fn arms_inherit_what_they_leave_out() {
        let text = format!(
            "{SMALLEST}[polls]\noffsets=[\"100ms\"]\nfillers = 1\n[[arms]]\nconnection=\"fresh\"\n[[arms]]\nconnection=\"keep-alive\"\nfillers=0"
        );
        let scenario = Scenario::read(Source { file: "x.toml", text: &text }).expect("a right scenario");
        let arms: Vec<_> = scenario.arms.iter().map(|arm| (arm.name.as_str(), arm.offsets.len(), arm.fillers)).collect();
        assert_eq!(arms, [("fresh", 1, 1), ("keep-alive", 1, 0)]);
    }

    #[test]
    fn a_scenario_survives_the_log() {
        let text = format!("{SMALLEST}[polls]\noffsets=[\"100ms\"]\n[expect]\nnot_found={{at_most=0.01}}\n[expect.window]\np999=\"1s\"");
        let scenario = Scenario::read(Source { file: "x.toml", text: &text }).expect("a right scenario");
        let line = serde_json::to_string(&scenario).expect("scenarios are plain data");
        assert_eq!(serde_json::from_str::<Scenario>(&line).ok(), Some(scenario));
    }
}
