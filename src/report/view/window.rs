//! The window in numbers and in words.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use crate::analysis::guarantees::Checked;
use crate::analysis::window::{CONFIDENCE, Caveat, CurvePoint, EstimateNote, Quantile, ShareBy, Window};
use crate::model::guarantee::Guarantee;
use crate::report::rounded::{self, Rounded};
use crate::report::words;
use crate::statistics::binomial::lower_limit;
use crate::verdict::Verdict;

/// A window. A quantile of which too few scans were seen, or that lies beyond what was watched, is `null` in `quantiles_ms`;
/// its reason stands in `quantile_notes`, as does that of one that is an interval rather than a number.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WindowView {
    /// Scans that the distribution describes.
    pub scans: u64,
    /// Scans that were denied at least once.
    pub denied: u64,
    /// Scans that were seen and then denied.
    pub flapping: u64,
    /// Scans that were denied as long as anybody looked.
    pub never_visible: u64,
    /// Scans about which nothing was learnt.
    pub no_evidence: u64,
    /// Share of scans visible by certain ages.
    pub visible_by: Vec<VisibleByRow>,
    /// Quantiles.
    #[serde(flatten, serialize_with = "QuantileMaps::write")]
    #[schemars(with = "QuantileMaps<'static>")]
    pub quantiles: Vec<QuantileRow>,
    /// From when on a first poll is safe.
    #[serde(rename = "first_poll_safe")]
    pub safe: SafeDelay,
    /// The estimate's support: how much of it lies in which interval.
    #[serde(serialize_with = "CurveRow::write")]
    #[schemars(with = "Vec<CurveRow>")]
    pub curve: Vec<CurvePoint>,
    /// How well the estimate is established.
    pub estimate: Option<EstimateRow>,
    /// In a few words, for a table's cell.
    #[serde(skip)]
    pub short: String,
    /// Where no scan of the distribution was denied, or most flap: what there is to say instead of numbers.
    #[serde(skip)]
    pub instead: Option<String>,
    /// Scans that were seen and then denied, those of which no window was asked among them.
    #[serde(skip)]
    pub flapped: u64,
}

/// Share of scans visible by an age.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct VisibleByRow {
    /// The age.
    #[serde(serialize_with = "rounded::ms")]
    pub t_ms: f64,
    /// What is visible for certain.
    #[serde(serialize_with = "rounded::significant")]
    pub share: f64,
    /// What may be.
    #[serde(serialize_with = "rounded::significant")]
    pub share_to: f64,
    /// Exact 95 % limit for the share.
    #[serde(serialize_with = "rounded::significant")]
    pub lower: f64,
    /// Upper limit.
    #[serde(serialize_with = "rounded::significant")]
    pub upper: f64,
    /// Scans that were to be polled at this very age, on which the share rests; absent: it rests on the brackets.
    #[serde(skip_serializing_if = "rounded::is_zero")]
    pub scans: u64,
}

impl From<&ShareBy> for VisibleByRow {
    fn from(by: &ShareBy) -> VisibleByRow {
        let ShareBy { t_ms, share_from: share, share_to, lower, upper, scans } = *by;
        VisibleByRow { t_ms, share, share_to, lower, upper, scans }
    }
}

/// How well an estimate is established.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EstimateRow {
    /// How it was computed.
    pub method: String,
    /// How far below the best log-likelihood it can be (Kuhn–Tucker).
    #[serde(serialize_with = "rounded::significant")]
    pub kkt_gap: f64,
    /// Whether no other curve fits as well.
    pub unique: bool,
}

impl From<&EstimateNote> for EstimateRow {
    fn from(note: &EstimateNote) -> EstimateRow {
        EstimateRow { method: note.method.clone(), kkt_gap: note.kkt_gap, unique: note.unique }
    }
}

/// A part of the estimated distribution, as programs read it: drawings are made of the estimate's own points.
#[derive(Serialize, JsonSchema)]
struct CurveRow {
    /// Beginning of the interval, exclusive.
    from_ms: Rounded,
    /// Its end; `null`: beyond what was watched.
    to_ms: Option<Rounded>,
    /// Share of scans that became visible in it.
    mass: Rounded,
}

impl CurveRow {
    fn write<S: Serializer>(points: &[CurvePoint], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(points.iter().map(|point| CurveRow {
            from_ms: Rounded::ms(point.from_ms),
            to_ms: point.to_ms.map(Rounded::ms),
            mass: Rounded::significant(point.mass),
        }))
    }
}

/// Quantiles as programs read them: by key.
#[derive(Serialize, JsonSchema)]
struct QuantileMaps<'a> {
    /// Where the estimate reaches each quantile: from, and to.
    quantiles_ms: BTreeMap<&'a str, Option<(Rounded, Option<Rounded>)>>,
    /// 95 % limits of each quantile; a limit that is `null` is not finite.
    quantiles_limits_ms: BTreeMap<&'a str, (Rounded, Option<Rounded>)>,
    /// What keeps a quantile from being a number.
    quantile_notes: BTreeMap<&'a str, &'a str>,
}

impl QuantileMaps<'_> {
    fn write<S: Serializer>(rows: &[QuantileRow], serializer: S) -> Result<S::Ok, S::Error> {
        let interval = |from_ms, to_ms: Option<f64>| (Rounded::ms(from_ms), to_ms.map(Rounded::ms));
        let estimate = |row: &QuantileRow| row.told_at_all.then(|| interval(row.from_ms, row.to_ms));
        let maps = QuantileMaps {
            quantiles_ms: rows.iter().map(|row| (row.key.as_str(), estimate(row))).collect(),
            quantiles_limits_ms: rows.iter().map(|row| (row.key.as_str(), interval(row.lower_ms, row.upper_ms))).collect(),
            quantile_notes: rows.iter().filter_map(|row| Some((row.key.as_str(), row.note.as_deref()?))).collect(),
        };
        maps.serialize(serializer)
    }
}

/// All scans of a run or a scenario. The window rests on those of them that were watched undisturbed, as far as there are any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Everyone {
    /// Scans of which a poll was answered.
    polled: u64,
    /// Those that were denied.
    denied: u64,
    /// Those that were denied after they had been visible.
    flapped: u64,
    /// Whether most scans of the run that were polled again after they had been visible were denied then.
    most_flap: bool,
}

impl Everyone {
    /// From what was checked in a scenario or a run, and from the run's.
    pub(super) fn of(checked: &[Checked], of_run: &[Checked]) -> Everyone {
        let of = |all: &[Checked], guarantee| {
            all.iter().find(|checked| checked.guarantee == guarantee).map_or((0, 0), |checked| (checked.broken, checked.checked))
        };
        let (denied, polled) = of(checked, Guarantee::ReadYourWrites);
        let (flapped, _) = of(checked, Guarantee::MonotonicVisibility);
        let (flap, seen_again) = of(of_run, Guarantee::MonotonicVisibility);
        Everyone { polled, denied, flapped, most_flap: flap * 2 > seen_again }
    }
}

/// One quantile of the window, with what keeps it from being a number.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct QuantileRow {
    /// Which, 0 to 1.
    #[serde(skip)]
    pub p: f64,
    /// Its key in results: `p50`, `p999`.
    #[serde(skip)]
    pub key: String,
    /// Its label in tables: `p50`, `p99.9`.
    #[serde(skip)]
    pub label: String,
    /// Where the estimate reaches it, from.
    #[serde(serialize_with = "rounded::ms")]
    pub from_ms: f64,
    /// To; `null`: beyond what was watched.
    #[serde(serialize_with = "rounded::ms")]
    pub to_ms: Option<f64>,
    /// 95 % limit.
    #[serde(serialize_with = "rounded::ms")]
    pub lower_ms: f64,
    /// Upper limit, if there is a finite one.
    #[serde(serialize_with = "rounded::ms")]
    pub upper_ms: Option<f64>,
    /// What keeps it from being a number.
    #[serde(skip)]
    pub note: Option<String>,
    /// The estimate in words, or the note.
    #[serde(skip)]
    pub told: String,
    /// Whether it may be told at all: enough scans, and reached while anybody watched.
    #[serde(skip)]
    pub told_at_all: bool,
}

impl WindowView {
    /// Which scans the numbers rest on, in a sentence or two.
    pub fn basis(&self) -> String {
        let mut told = vec![format!(
            "How long status denies an accepted scan, by {} watched undisturbed: {} {} denied at least once, {} {} denied after being \
                 visible, {} {} still denied when last polled.",
            words::counted(self.scans + self.flapping, "scan"),
            words::count(self.denied),
            words::were(self.denied),
            words::count(self.flapping),
            words::were(self.flapping),
            words::count(self.never_visible),
            words::were(self.never_visible)
        )];
        told.extend(self.instead.as_ref().map(|instead| format!("Window: {instead}.")));
        if self.flapping > 0 && self.scans > 0 {
            told.push(format!("The quantiles describe the other {} alone.", words::count(self.scans)));
        }
        told.join(" ")
    }

    /// The median, where there is one.
    pub fn median(&self) -> Option<&QuantileRow> {
        self.quantiles.iter().find(|quantile| quantile.key == "p50")
    }
}

impl QuantileRow {
    /// Whether the estimate can be read as a number.
    pub fn is_number(&self) -> bool {
        self.note.is_none()
    }

    /// The 95 % limits in words.
    pub fn limits(&self) -> String {
        match self.upper_ms {
            Some(upper) => words::between(self.lower_ms, Some(upper)),
            None => format!("{} or later", words::age(self.lower_ms)),
        }
    }
}

/// From when on a first poll is safe, as far as the scans tell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SafeDelay {
    /// For which share of scans; `null` where nothing can be said.
    #[serde(serialize_with = "rounded::significant")]
    pub p: Option<f64>,
    /// The age: an upper 95 % limit.
    #[serde(serialize_with = "rounded::ms")]
    pub ms: Option<f64>,
    /// The same as a sentence.
    pub told: String,
}

/// Puts a window into words.
pub(super) fn view(window: &Window, everyone: Everyone, assessable: bool, verdict: Verdict) -> WindowView {
    let quantiles: Vec<QuantileRow> = window.quantiles.iter().map(|quantile| row(quantile, window.scans)).collect();
    WindowView {
        scans: window.scans,
        flapping: window.flapping,
        never_visible: window.never_visible,
        no_evidence: window.no_evidence,
        denied: window.denied,
        short: short(window, everyone, &quantiles, assessable),
        flapped: window.flapping.max(everyone.flapped),
        instead: instead(window, everyone),
        visible_by: window.visible_by.iter().map(VisibleByRow::from).collect(),
        safe: match verdict {
            // A delay is advice, and rests on a verdict.
            Verdict::Inconclusive if assessable => {
                SafeDelay { p: None, ms: None, told: "first poll: no safe delay can be stated, since the run is inconclusive".to_owned() }
            }
            _ => safe_delay(window, everyone, &quantiles, assessable),
        },
        quantiles,
        curve: window.curve.clone(),
        estimate: window.estimate.as_ref().map(EstimateRow::from),
    }
}

fn row(quantile: &Quantile, scans: u64) -> QuantileRow {
    let label = words::quantile(quantile.p);
    let key = label.replace('.', "");
    let (note, told_at_all) = match (quantile.caveat, quantile.to_ms) {
        (Some(Caveat::TooFew { needs }), _) => {
            (Some(format!("n too small: {} of {}", words::count(scans), words::counted(needs, "scan"))), false)
        }
        (_, None) => (Some(format!("beyond what was watched: {}", words::between(quantile.from_ms, None))), false),
        (Some(Caveat::NotIdentified), Some(_)) => {
            (Some(format!("not identified: somewhere in {}", words::between(quantile.from_ms, quantile.to_ms))), true)
        }
        (None, Some(_)) => (None, true),
    };
    let told = note.clone().unwrap_or_else(|| words::between(quantile.from_ms, quantile.to_ms));
    QuantileRow {
        p: quantile.p,
        key,
        label,
        from_ms: quantile.from_ms,
        to_ms: quantile.to_ms,
        lower_ms: quantile.lower_ms,
        upper_ms: quantile.upper_ms,
        note,
        told,
        told_at_all,
    }
}

/// Whether most scans were denied after they had been visible, so that no time is the one at which they became visible.
pub(super) fn flaps_mostly(window: &Window, everyone: Everyone) -> bool {
    window.flapping * 2 > window.scans + window.flapping || everyone.most_flap
}

/// What stands in the place of a curve that nobody should read.
fn instead(window: &Window, everyone: Everyone) -> Option<String> {
    let denied_at_first = window.denied.saturating_sub(window.flapping);
    if flaps_mostly(window, everyone) {
        let flapped = window.flapping.max(everyone.flapped);
        return Some(format!("none, since {} {} denied after being visible", words::counted(flapped, "scan"), words::were(flapped)));
    }
    if denied_at_first > window.never_visible {
        return None;
    }
    if denied_at_first > 0 {
        return Some(format!(
            "none that ended: {} of {} {} still denied when last polled, all others were visible whenever polled",
            words::count(denied_at_first),
            words::counted(window.scans, "scan"),
            words::were(denied_at_first)
        ));
    }
    let others = everyone.denied.saturating_sub(window.denied);
    Some(match (window.flapping, others) {
        (0, 0) => format!("none seen: no poll of {} was denied", words::counted(everyone.polled.max(window.scans), "scan")),
        (0, others) => format!(
            "none seen in the {} watched until visible; {} of the {} polled otherwise {} denied",
            words::counted(window.scans, "scan"),
            words::count(others),
            words::count(everyone.polled.saturating_sub(window.scans)),
            words::were(others)
        ),
        (flapping, _) => format!(
            "none seen before the first visible answer of {}; {} {} denied later",
            words::counted(window.scans + flapping, "scan"),
            words::count(flapping),
            words::were(flapping)
        ),
    })
}

fn short(window: &Window, everyone: Everyone, quantiles: &[QuantileRow], assessable: bool) -> String {
    let all = window.scans + window.flapping;
    if !assessable {
        return "not measured".to_owned();
    }
    if window.flapping > 0 {
        return format!("flaps in {} of {}", words::count(window.flapping), words::count(all));
    }
    if window.scans == 0 {
        return "–".to_owned();
    }
    if window.denied == 0 {
        return "none seen".to_owned();
    }
    let mut text = if window.never_visible == window.scans {
        String::new()
    } else if let Some(median) = quantiles.first().filter(|_| window.denied * 2 > window.scans && !everyone.most_flap) {
        match (median.is_number(), median.told_at_all) {
            (true, _) => format!("p50 {}", median.told),
            (false, true) => format!("within {}", words::between(median.from_ms, median.to_ms)),
            (false, false) => median.told.clone(),
        }
    } else {
        // What was denied last bounds no window from above: the next poll may have come much later, or never.
        let last = window.brackets.iter().map(|(after, _)| *after).fold(0.0, f64::max);
        format!("{} of {}, as late as {}", words::count(window.denied), words::count(all), words::age(last))
    };
    if window.never_visible > 0 && window.never_visible == window.denied {
        return format!("{} of {} denied to the last poll", words::count(window.denied), words::count(all));
    }
    if window.never_visible > 0 {
        let never = format!("{} denied to the last poll", words::count(window.never_visible));
        text = if text.is_empty() { never } else { format!("{text}, {never}") };
    }
    text
}

/// From which age on a first poll is safe. Every format states this, and no other.
///
/// Where no poll was denied it is the earliest age at which enough scans were polled, for the share that was visible then
/// (lower 95 % limit). Otherwise it is the highest quantile of the window with an upper limit.
fn safe_delay(window: &Window, everyone: Everyone, quantiles: &[QuantileRow], assessable: bool) -> SafeDelay {
    let silent = |told: String| SafeDelay { p: None, ms: None, told };
    if !assessable {
        return silent("first poll: nothing can be said, a visible answer proves nothing here".to_owned());
    }
    let flapped = window.flapping.max(everyone.flapped);
    if flapped > 0 {
        return silent(format!(
            "first poll: no delay is safe, since {} {} denied after being visible",
            words::counted(flapped, "scan"),
            words::were(flapped)
        ));
    }
    if window.denied == 0
        && everyone.denied == 0
        && let Some((ms, p)) = earliest(window)
    {
        let told = format!("first poll safe at {} for at least {} of scans: no poll was denied", words::age(ms), words::share_at_least(p));
        return SafeDelay { p: Some(p), ms: Some(ms), told };
    }
    let known = |quantile: &&QuantileRow| quantile.told_at_all && quantile.upper_ms.is_some();
    let Some(best) = quantiles.iter().rev().find(known) else {
        return silent("first poll: no safe delay can be stated".to_owned());
    };
    let upper = best.upper_ms.unwrap_or_default();
    let finest = quantiles.last().filter(|last| last.p > best.p);
    let rest = finest.map_or_else(String::new, |last| {
        format!("; not known for {} ({})", words::share(last.p), last.note.clone().unwrap_or_else(|| "no finite limit".to_owned()))
    });
    let told = format!("first poll safe at {} for {} of scans{rest}", words::age(upper), words::share(best.p));
    SafeDelay { p: Some(best.p), ms: Some(upper), told }
}

/// The earliest age at which nearly all scans are shown to be visible, with the least share of them; where none shows that, the age
/// at which most are.
fn earliest(window: &Window) -> Option<(f64, f64)> {
    const NEARLY_ALL: f64 = 0.9;
    let planned = window.visible_by.iter().filter(|by| by.scans > 0);
    let shown: Vec<(f64, f64)> = planned
        .map(|by| (by.t_ms, lower_limit((by.share_from * by.scans as f64).round() as u64, by.scans, CONFIDENCE)))
        .filter(|(_, p)| *p > 0.0)
        .collect();
    let most = || shown.iter().copied().reduce(|most, next| if next.1 > most.1 { next } else { most });
    shown.iter().copied().find(|(_, p)| *p >= NEARLY_ALL).or_else(most)
}
