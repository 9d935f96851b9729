//! A scenario: what load to put on, when to poll, what to watch, what to expect.
//!
//! A [`Scenario`] is always a checked one: the only ways to make one are [`Scenario::read`], which checks a TOML file, and
//! reading a log, which holds what was checked before.

mod file;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::model::exchange::{Connection, Route};
use crate::model::guarantee::Guarantee;
use crate::model::source::{InputError, Source};
use crate::model::time::Span;

/// One scenario, checked and with every default filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scenario {
    /// Its short name, which is also its file's name.
    pub name: String,
    /// What it does, in one line.
    pub title: String,
    /// The passage it comes from.
    pub source: String,
    /// Whether it mostly waits, so that the scenarios after it may run beside it.
    pub overlap: bool,
    /// Whether the next scenario that is marked so may begin beside it once all its jobs are accepted, as long as all jobs of the run are
    /// alike. One that is not marked waits for the end of those that are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub side_by_side: bool,
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// How many scans; 0 for a scenario of controls only.
    pub scans: u32,
    /// The pace.
    pub model: LoadModel,
    /// Whether every scan asks for something else or all ask for the same.
    pub input: Input,
    /// What the number of scans was computed from, if it was not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<Detect>,
}

/// What a gate is to catch: a share of denied scans, and how surely.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detect {
    /// The share of scans that are denied at an offset, between 0 and 1.
    pub rate: f64,
    /// The probability with which a run must fail at that rate, between 0 and 1.
    #[serde(default = "ninety_five")]
    pub power: f64,
}

fn ninety_five() -> f64 {
    0.95
}

impl Detect {
    /// How many scans show at least one denial with that probability: the smallest n with `(1 - rate)^n <= 1 - power`.
    pub fn scans(&self) -> u64 {
        let exact = (1.0 - self.power).ln() / (-self.rate).ln_1p();
        // A quotient that is a whole number but for rounding is that number.
        (exact - 1e-9 * exact.max(1.0)).ceil().max(1.0) as u64
    }
}

/// Open and closed load, in the sense of Schroeder, Wierman and Harchol-Balter (NSDI 2006).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Every scan has a number of its own in its request, so that no warm key hides the window.
    #[default]
    Distinct,
    /// All scans ask for the same.
    Same,
}

/// One way of polling a scan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Each {
    /// Every scan is polled at every offset.
    #[default]
    All,
    /// Every scan is polled at one offset only (single-shot), so that no poll disturbs another.
    One,
}

/// Polling on after the offsets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Follow {
    /// What ends it.
    pub until: Until,
    /// Time between two polls; the phase differs from scan to scan. Zero: each poll leaves as soon as the last one was answered.
    pub every: Span,
    /// How long to go on polling after `until` was reached: a first success proves nothing about what comes after it.
    pub settle: Span,
    /// The age at which it ends in any case.
    pub deadline: Span,
}

/// What ends the watching of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Until {
    /// The id: the scan is not polled. With a second write of the same word, that is sent when `settle` has passed since the id.
    Accepted,
    /// The first visible answer.
    Visible,
    /// The first terminal state.
    Terminal,
    /// Nothing but the deadline.
    Deadline,
}

impl Until {
    /// The word used in files.
    pub fn word(self) -> &'static str {
        match self {
            Until::Accepted => "accepted",
            Until::Visible => "visible",
            Until::Terminal => "terminal",
            Until::Deadline => "deadline",
        }
    }
}

/// A second write to a scan, and the polls after it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Then {
    /// What is written.
    pub action: Action,
    /// When: at the first visible answer, at the first terminal one, or unasked, a while after the id.
    pub when: Until,
    /// Ages of the polls after it, counted from its answer.
    pub offsets: Vec<Span>,
    /// Where the scan is deleted after those polls: ages of the polls after the delete, counted from its answer. Empty: it is not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delete: Vec<Span>,
}

/// The second write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The same user asks for the same again.
    Repeat,
    /// The scan is cancelled.
    Cancel,
    /// The scan is changed.
    Update,
    /// The scan is deleted.
    Delete,
}

impl Action {
    /// The word used in files and reports.
    pub fn word(self) -> &'static str {
        match self {
            Action::Repeat => "repeat",
            Action::Cancel => "cancel",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }

    /// Whether the scan is not watched any further after it: what status says of it from then on is the action's doing.
    pub fn ends_the_watching(self) -> bool {
        matches!(self, Action::Cancel | Action::Delete)
    }
}

/// Exchanges whose right answer is `not_found`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Readings {
    /// The ages at which the witness is read.
    pub witness: Vec<Span>,
    /// The ages at which the results are read.
    pub results: Vec<Span>,
    /// Whether both are read once more when the watching is over, and results also when the end is first seen, where it goes on.
    pub at_end: bool,
}

/// What must hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// How many scans may be denied after they were seen.
    #[serde(default)]
    pub flaps_at_most: u64,
    /// When to start no more scans because the verdict on the gate is known.
    #[serde(default)]
    pub stop: Stop,
}

/// When a scenario starts no more scans, although more were planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stop {
    /// Never: everything that was planned is measured.
    #[default]
    Never,
    /// When a gate has failed.
    FirstFailure,
    /// When a gate has failed, or all have passed.
    Decided,
}

/// How much `not_found` is tolerated at a gate offset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QuantileLimit {
    /// The quantile, 0 to 1.
    pub quantile: f64,
    /// The limit.
    pub below: Span,
}

/// The quantiles that analyses tell, and that a scenario may limit.
pub const QUANTILES: [f64; 5] = [0.5, 0.9, 0.95, 0.99, 0.999];

/// The most scans, polls and offsets that a scenario file may ask for: a typing error must not become a load test.
pub(crate) const MOST_SCANS: u32 = 1_000_000;
pub(crate) const MOST_POLLERS: u32 = 1_000;
pub(crate) const MOST_OFFSETS: usize = 1_000;

/// The most polls that follow one scan.
pub const MOST_FOLLOWED: u64 = 1_000_000;

impl Scenario {
    /// The form of a scenario file, as JSON Schema. It knows the keys and their types; what must fit together is checked by
    /// [`Scenario::read`].
    pub fn file_schema() -> Schema {
        schemars::schema_for!(file::Scenario)
    }

    /// Reads and checks a scenario file.
    pub fn read(source: Source<'_>) -> Result<Scenario, InputError> {
        let file: file::Scenario = source.read()?;
        file.check(source)
    }

    /// The smallest number of scans with which each arm, and each offset of an arm that polls a scan once, has one.
    pub fn hands(&self) -> u32 {
        let hands = |arm: &Arm| if arm.each == Each::One { arm.offsets.len().max(1) } else { 1 };
        self.arms.iter().map(hands).sum::<usize>() as u32
    }

    /// Whether scans are followed to their ends.
    pub fn waits_for_ends(&self) -> bool {
        self.arms.iter().any(|arm| arm.follow.is_some_and(|follow| follow.until == Until::Terminal))
    }

    /// Whether denials at offsets are judged.
    pub fn is_gated(&self) -> bool {
        self.load.scans > 0 && self.expect.not_found != Tolerance::Any && self.arms.iter().any(|arm| !arm.offsets.is_empty())
    }

    /// The age after which nothing is asked of a scan any more, as far as the plan can know.
    pub fn horizon(&self) -> Span {
        let polls = self.arms.iter().flat_map(|arm| arm.offsets.iter().copied().chain(arm.follow.map(|follow| follow.deadline)));
        let readings = self.readings.witness.iter().chain(&self.readings.results).chain(&self.controls.foreign_user).copied();
        let last = |offsets: &[Span]| offsets.iter().copied().max().unwrap_or_default();
        let then = self.then.as_ref().map_or_else(Span::default, |then| last(&then.offsets).plus(last(&then.delete)));
        polls.chain(readings).max().unwrap_or_default().max(Span::default()).plus(then)
    }
}

impl Span {
    fn plus(self, other: Span) -> Span {
        Span(self.0 + other.0)
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
        check("[polls]\noffsets=[\"1s\"]\n[expect.window]\nmedian = \"1s\"", "`median` is not a quantile that reports give");
        check("[load]\nscans=9\ndetect={rate=0.01}\n[polls]\noffsets=[\"1s\"]", "x.toml:5:7: the number of scans is given twice");
        check("[load]\ndetect={rate=1}\n[polls]\noffsets=[\"1s\"]", "1 is not a rate that can be detected");
        check("[load]\ndetect={rate=0.01,power=1.0}\n[polls]\noffsets=[\"1s\"]", "1 is not a power");
        check("[load]\ndetect={rate=1e-7}\n[polls]\noffsets=[\"1s\"]", "takes 29957322 scans");
        check("[load]\ndetect={rate=0.01}\n[follow]\nuntil=\"visible\"\nevery=\"1s\"\ndeadline=\"2s\"", "no gate");
        check("[load]\ndetect={rate=0.01}\n[polls]\noffsets=[\"1s\"]\n[expect]\nnot_found={at_most=0.02}", "0.01 is tolerated");
        check("[load]\ndetect={rate=0.01}\n[polls]\noffsets=[\"1s\"]\n[expect]\nnot_found={at_most=0}", "can never be shown");
        check("[polls]\noffsets=[\"1s\"]\n[expect]\nnot_found={at_most=0.02}\nstop=\"decided\"", "which rate must be caught");
        check("[polls]\noffsets=[\"1s\"]\n[expect]\nnot_found=\"any\"\nstop=\"decided\"", "no gate");
        check("[polls]\noffsets=[\"1s\"]\n[expect]\nstop=\"first\"", "did you mean `first-failure`?");
        check("side_by_side=true\noverlap=true\n[polls]\noffsets=[\"1s\"]", "x.toml:4:14: the scenario runs beside all others already");
        check("side_by_side=true\n[load]\nmodel=\"closed\"\n[polls]\noffsets=[\"1s\"]", "never only waits");
        check("side_by_side=true\n[load]\nevery=\"0s\"\n[polls]\noffsets=[\"1s\"]", "starts all its jobs at once");
        check("[polls]\noffsets=[\"1s\"]\n[then]\naction=\"repeat\"\nwhen=\"terminal\"\noffsets=[\"0s\"]", "nobody watches the scan");
    }

    #[test]
    fn the_number_of_scans_follows_from_what_must_be_detected() {
        let one_in_a_hundred = "[load]\ndetect = { rate = 0.01 }\n[polls]\noffsets = [\"0s\", \"1s\"]\n";
        for (text, scans) in [
            (one_in_a_hundred.to_owned(), 299),
            (one_in_a_hundred.replace("0.01", "0.001"), 2995),
            (one_in_a_hundred.replace("0.01", "0.05, power = 0.99"), 90),
            (one_in_a_hundred.replace("0.01", "0.5, power = 0.75"), 2),
            // Every offset of every arm has its own 299.
            (format!("{one_in_a_hundred}each = \"one\""), 2 * 299),
            (format!("{one_in_a_hundred}[[arms]]\nname = \"a\"\n[[arms]]\nname = \"b\"\neach = \"one\""), 3 * 299),
        ] {
            let text = format!("{SMALLEST}{text}");
            let scenario = Scenario::read(Source { file: "x.toml", text: &text }).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scenario.load.scans, scans, "{text}");
        }
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
