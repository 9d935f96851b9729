//! The window of a group of scans: its distribution, as far as the brackets tell it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::analysis::gate::{Sample, sample};
use crate::analysis::scan::{ScanHistory, Visibility};
use crate::model::compact::CompactOption;
use crate::model::scenario::Scenario;
use crate::model::time::Nanos;
use crate::statistics::band::{Band, Counts, quantile_needs};
use crate::statistics::npmle::{Npmle, Observation, QuantileInterval, npmle_of};

/// The confidence of every band and limit.
pub const CONFIDENCE: f64 = 0.95;

/// What is known of the window of a group of scans. Times are ages in milliseconds.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Scans whose window the distribution describes: seen for good, or never seen.
    pub scans: u64,
    /// Scans that were seen and then denied; they have no window.
    pub flapping: u64,
    /// Scans that were denied as long as anybody looked (right-censored).
    pub never_visible: u64,
    /// Scans about which nothing was learnt.
    pub no_evidence: u64,
    /// Scans that were denied at least once.
    pub denied: u64,
    /// Share of scans visible by certain ages.
    pub visible_by: Vec<ShareBy>,
    /// Quantiles of the window.
    pub quantiles: Vec<Quantile>,
    /// The estimate's support: where the NPMLE has mass.
    pub curve: Vec<CurvePoint>,
    /// How well the estimate is established; `None` without scans.
    pub estimate: Option<EstimateNote>,
    /// The brackets behind it.
    pub brackets: Brackets,
}

/// Brackets in milliseconds, shared: a run of one scenario has those of its scenario, and there may be a million.
pub type Brackets = Arc<[(f64, CompactOption<f64>)]>;

impl Window {
    /// One of the quantiles that are told.
    pub fn quantile(&self, p: f64) -> Option<&Quantile> {
        self.quantiles.iter().find(|quantile| (quantile.p - p).abs() < 1e-9)
    }

    /// The brackets as the estimators take them.
    pub fn observations(&self) -> impl ExactSizeIterator<Item = Observation> + Clone {
        self.brackets.iter().map(|(after, until)| Observation::new(*after, until.get().unwrap_or(f64::INFINITY)))
    }
}

/// Share of scans that are visible by one age.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareBy {
    /// The age.
    pub t_ms: f64,
    /// The estimate's lower end; below the upper one where the brackets do not tell.
    pub share_from: f64,
    /// The estimate's upper end.
    pub share_to: f64,
    /// Lower 95 % limit (identified-set Clopper–Pearson).
    pub lower: f64,
    /// Upper 95 % limit.
    pub upper: f64,
    /// Scans that were to be polled at this very age, on which the share rests; 0: none was, and it rests on the brackets.
    pub scans: u64,
}

/// One quantile of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// Which, 0 to 1.
    pub p: f64,
    /// The estimate: the interval in which the NPMLE reaches `p`. `None` for its end when it lies beyond what was watched.
    pub from_ms: f64,
    /// Upper end of the estimate.
    pub to_ms: Option<f64>,
    /// 95 % limits for the quantile, whatever the law; `None`: no finite limit.
    pub lower_ms: f64,
    /// Upper limit.
    pub upper_ms: Option<f64>,
    /// One-sided 95 % upper limit: what a gate may rely on; `None`: no finite limit.
    pub at_most_ms: Option<f64>,
    /// What keeps this from being a number.
    pub caveat: Option<Caveat>,
}

/// Why a quantile is not to be read as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caveat {
    /// Fewer scans than an upper limit for this quantile needs.
    TooFew {
        /// How many it needs.
        needs: u64,
    },
    /// The polls all fell on the same ages, so that only an interval can be told.
    NotIdentified,
}

/// One stretch of the estimated curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// Where the stretch begins; within it the curve rises nobody knows how.
    pub from_ms: f64,
    /// Where it ends; `None`: beyond what was watched.
    pub to_ms: Option<f64>,
    /// Share of scans that became visible in it.
    pub mass: f64,
}

/// How well the estimate is established.
#[derive(Debug, Clone, PartialEq)]
pub struct EstimateNote {
    /// How it was computed.
    pub method: String,
    /// How far its log-likelihood can be below the best, in nats (Kuhn–Tucker).
    pub kkt_gap: f64,
    /// Whether it is the only best one.
    pub unique: bool,
}

/// Which quantiles are told.
const QUANTILES: [f64; 5] = crate::model::scenario::QUANTILES;

/// An estimate spread over more than this share of the quantile's own size is an interval rather than a number.
const IDENTIFIED_WITHIN: f64 = 0.1;

/// The window of the given scans of these scenarios; `ages` are those for `visible_by`.
pub fn window(scans: &[&ScanHistory<'_>], ages: &[Nanos], scenarios: &[Scenario]) -> Window {
    let mut window = Window {
        scans: 0,
        flapping: 0,
        never_visible: 0,
        no_evidence: 0,
        denied: 0,
        visible_by: Vec::new(),
        quantiles: Vec::new(),
        curve: Vec::new(),
        estimate: None,
        brackets: Arc::default(),
    };
    let mut brackets = Vec::with_capacity(scans.len());
    // Some scans were never denied: they may have been visible before their age began, which only tells at the age 0.
    let mut undenied = Vec::with_capacity(scans.len());
    for scan in scans {
        let denied = scan.denials().next().is_some();
        window.denied += u64::from(denied);
        let bracket = match scan.visibility() {
            Visibility::NotAccepted => continue,
            Visibility::NoEvidence => {
                window.no_evidence += 1;
                continue;
            }
            Visibility::Flapping => {
                window.flapping += 1;
                continue;
            }
            Visibility::Seen(bracket) => bracket,
            Visibility::NeverSeen(bracket) => {
                window.never_visible += 1;
                bracket
            }
        };
        brackets.push((bracket.after.as_ms(), bracket.until.map(Nanos::as_ms).into()));
        undenied.push(!denied);
    }
    window.scans = brackets.len() as u64;
    let planned = planned_counts(scans, scenarios);
    if brackets.is_empty() {
        return window;
    }
    window.brackets = brackets.into();
    let estimate = npmle_of(&window.observations());
    // One band after the other, and none of them from a copy: each is as large as all brackets.
    let band = Band::of(window.observations());
    window.quantiles = QUANTILES.iter().map(|p| quantile(&estimate, &band, *p)).collect();
    drop(band);
    let from_before = |(seen, undenied): (Observation, &bool)| Observation { after: if *undenied { -1.0 } else { seen.after }, ..seen };
    let shares = Band::of(window.observations().zip(&undenied).map(from_before));
    window.visible_by = ages
        .iter()
        .map(|at| planned.get(at).map_or_else(|| share_by(&estimate, &shares, at.as_ms()), |by| share_planned(by, *at)))
        .collect();
    drop(shares);
    window.curve =
        estimate.support.iter().map(|mass| CurvePoint { from_ms: mass.left, to_ms: finite(mass.right), mass: mass.mass }).collect();
    window.estimate = Some(EstimateNote { method: estimate.method.words().to_owned(), kkt_gap: estimate.kkt_gap, unique: estimate.unique });
    window
}

/// Of the scans that were to be polled at each gate offset: those certainly visible by then, those certainly not, and all.
///
/// Which scans these are is settled before any answer arrives, so that exact binomial limits hold, whatever else is asked of
/// them afterwards. A scan whose poll was late or told nothing counts as either, unless its other polls tell.
fn planned_counts(scans: &[&ScanHistory<'_>], scenarios: &[Scenario]) -> BTreeMap<Nanos, Counts> {
    let mut counts: BTreeMap<Nanos, Counts> = BTreeMap::new();
    for scan in scans {
        let arm = scenarios.get(scan.scenario() as usize).and_then(|scenario| scenario.arms.get(scan.arm() as usize));
        let (Some(bracket), Some(arm)) = (scan.bracket().filter(|_| scan.visibility() != Visibility::Flapping), arm) else { continue };
        let denied_once = scan.denials().next().is_some();
        let mut planned: BTreeMap<Nanos, (bool, bool)> = BTreeMap::new();
        for poll in scan.gate_polls() {
            let Some(at) = poll.offset.get() else { continue };
            let told = planned.entry(at).or_default();
            match sample(scan.age(poll), at, arm.tolerance, poll.answer) {
                Sample::Visible => told.0 = true,
                Sample::Denied => told.1 = true,
                Sample::Late | Sample::NoEvidence => {}
            }
        }
        for (at, (visible, denied)) in planned {
            let over = !denied && (visible || bracket.until.is_some_and(|until| until <= at));
            let lasting = !visible && (denied || denied_once && bracket.after >= at);
            let count = counts.entry(at).or_default();
            count.n += 1;
            count.over += u64::from(over);
            count.lasting += u64::from(lasting);
        }
    }
    counts
}

fn share_planned(by: &Counts, at: Nanos) -> ShareBy {
    let share = by.share(CONFIDENCE);
    ShareBy {
        t_ms: at.as_ms(),
        share_from: share.estimate_lo,
        share_to: share.estimate_hi,
        lower: share.lower,
        upper: share.upper,
        scans: by.n,
    }
}

fn share_by(estimate: &Npmle, band: &Band, t_ms: f64) -> ShareBy {
    let share = band.visible_by(t_ms, CONFIDENCE);
    // The estimate lets every window begin at 0 at the earliest; what it has there may have been over at that very age, unless
    // it was denied then.
    let (share_from, share_to) = estimate.cdf_bounds(t_ms.max(f64::MIN_POSITIVE));
    let share_to = if t_ms > 0.0 { share_to } else { share_to.min(share.estimate_hi) };
    ShareBy { t_ms, share_from, share_to, lower: share.lower, upper: share.upper, scans: 0 }
}

/// Quantiles of brackets in milliseconds; none without a bracket.
pub(super) fn quantiles(brackets: &Brackets, of: &[f64]) -> Vec<Quantile> {
    if brackets.is_empty() {
        return Vec::new();
    }
    let observations = || brackets.iter().map(|(after, until)| Observation::new(*after, until.get().unwrap_or(f64::INFINITY)));
    let (estimate, band) = (npmle_of(&observations()), Band::of(observations()));
    of.iter().map(|p| quantile(&estimate, &band, *p)).collect()
}

fn quantile(estimate: &Npmle, band: &Band, p: f64) -> Quantile {
    // Only a share outside (0, 1) has no quantile, and these are constants inside it.
    let interval = estimate.quantile(p).unwrap_or(QuantileInterval { left: 0.0, right: f64::INFINITY });
    let limits = band.quantile_limits(p, CONFIDENCE);
    let needs = quantile_needs(p);
    let caveat = if band.n() < needs {
        Some(Caveat::TooFew { needs })
    } else if finite(interval.right).is_none_or(|right| right - interval.left > (IDENTIFIED_WITHIN * right).max(5.0)) {
        Some(Caveat::NotIdentified)
    } else {
        None
    };
    Quantile {
        p,
        from_ms: interval.left,
        to_ms: finite(interval.right),
        lower_ms: limits.lower,
        upper_ms: finite(limits.upper),
        at_most_ms: finite(band.quantile_upper(p, CONFIDENCE)),
        caveat,
    }
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
