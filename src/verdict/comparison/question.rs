//! One question about two runs: its samples, its test, the size of the difference, and how many scans it would take.

use crate::analysis::baseline::{Rate, RoundTrips, ScenarioBaseline, Windows};
use crate::statistics::compare::dependence;
use crate::statistics::compare::needed::{scans_for_means, scans_for_rates};
use crate::statistics::compare::rates::Rates;
use crate::statistics::compare::units::{Layout, Scored, Units, compare_units, differences, ranked};
use crate::statistics::compare::windows::{Draws, Scores, scores};
use crate::statistics::npmle::{Observation, npmle};
use crate::verdict::comparison::{Change, Criteria, Finding, LeftOut, Subject};

/// A question with all that it takes to answer it.
#[derive(Debug)]
pub(super) struct Question {
    subject: Subject,
    base: Measured,
    new: Measured,
    samples: Samples,
    together: usize,
    /// How many units it rests on.
    units: Units,
}

/// What one run has to say.
#[derive(Debug, Clone, Copy)]
struct Measured {
    value: f64,
    /// Standard deviation of single scans' values; meaningless for shares.
    sd: f64,
    scans: u64,
    /// Whether the value is identified: where no scan was denied, a window lies between nothing and the first poll.
    known: bool,
}

#[derive(Debug)]
enum Samples {
    /// Events and trials in units, to be compared as two rates.
    Counts(Rates),
    /// A value for each scan, to be dealt anew. The larger the worse.
    Values { base: Vec<Scored>, new: Vec<Scored> },
}

/// The answer, before it is adjusted for other questions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered {
    pub(super) p_worse: f64,
    pub(super) p_better: f64,
}

/// All questions that can be asked of a scenario; why others cannot be is told in `left_out`.
pub(super) fn questions(base: &ScenarioBaseline, new: &ScenarioBaseline, layout: Layout, left_out: &mut Vec<LeftOut>) -> Vec<Question> {
    let together = Together { runs: together(base, new), at_once: base.is_at_once() || new.is_at_once() };
    let mut asked = Vec::new();
    for rate in &new.rates {
        let same = |old: &&Rate| old.arm == rate.arm && old.connection == rate.connection && old.at == rate.at;
        match base.rates.iter().find(same) {
            Some(old) if old.scans > 0 && rate.scans > 0 => asked.push(denied(old, rate, together, layout)),
            Some(_) => left_out.push(LeftOut::NoSample { at: rate.at, arm: rate.arm.clone() }),
            None => left_out.push(LeftOut::NewOffset { at: rate.at, arm: rate.arm.clone() }),
        }
    }
    match (&base.windows, &new.windows) {
        (Some(old), Some(now)) => {
            asked.push(flapping(old, now, together.runs));
            if old.brackets.is_empty() || now.brackets.is_empty() {
                left_out.push(LeftOut::NoWindows);
            } else {
                asked.push(window(old, now, together, layout));
            }
        }
        _ => left_out.push(LeftOut::WindowsOfResult),
    }
    if base.round_trips.is_empty() || new.round_trips.is_empty() {
        left_out.push(LeftOut::RoundTripsOfResult);
    }
    for now in &new.round_trips {
        let same = |old: &&RoundTrips| old.kind == now.kind && old.connection == now.connection;
        if let Some(old) = base.round_trips.iter().find(same) {
            asked.push(round_trip(old, now, together, layout));
        }
    }
    asked
}

/// How many consecutive scans count as one in both runs.
fn together(base: &ScenarioBaseline, new: &ScenarioBaseline) -> usize {
    base.together.max(new.together).max(1) as usize
}

fn denied(old: &Rate, now: &Rate, together: Together, layout: Layout) -> Question {
    let subject = Subject::Denied { arm: now.arm.clone(), connection: now.connection, at: now.at };
    let outcomes = |rate: &Rate| -> Vec<Scored> {
        let values: Vec<f64> = rate.outcomes().into_iter().map(|denied| f64::from(u8::from(denied))).collect();
        scored(&values, &rate.numbers)
    };
    let (base, new) = (outcomes(old), outcomes(now));
    let together = together.between(&base, &new, layout);
    let known = !base.is_empty() && !new.is_empty();
    // Boschloo's test is the sharper one for scans that are exchangeable one by one.
    if known && (layout == Layout::Pairs || together > 1) {
        let (old, now) = (Measured::share(old.denied, old.scans), Measured::share(now.denied, now.scans));
        Question::of_values(subject, old, now, (base, new), together, layout)
    } else {
        Question::of_counts(subject, (old.denied, old.scans), (now.denied, now.scans), together)
    }
}

fn flapping(old: &Windows, now: &Windows, together: usize) -> Question {
    Question::of_counts(Subject::Flapping, (old.flapping, old.scans), (now.flapping, now.scans), together)
}

fn window(old: &Windows, now: &Windows, together: Together, layout: Layout) -> Question {
    let observations = |windows: &Windows| -> Vec<Observation> {
        windows.brackets.iter().map(|(after, until)| Observation::new(*after, until.unwrap_or(f64::INFINITY))).collect()
    };
    let (base, new) = (observations(old), observations(now));
    let horizon = horizon(&base).min(horizon(&new));
    let (base_mean, new_mean) = (mean_window(&base, horizon), mean_window(&new, horizon));
    let pooled: Vec<Observation> = base.iter().chain(&new).copied().collect();
    // Scores are negative for late windows; here more is worse.
    let worse: Vec<f64> = scores(&pooled, Scores::SunLogRank).into_iter().map(|score| -score).collect();
    let (base_scores, new_scores) = worse.split_at(base.len());
    let samples = (scored(base_scores, &old.numbers), scored(new_scores, &now.numbers));
    let together = together.between(&samples.0, &samples.1, layout);
    Question::of_values(Subject::Window, base_mean, new_mean, samples, together, layout)
}

fn round_trip(old: &RoundTrips, now: &RoundTrips, together: Together, layout: Layout) -> Question {
    let subject = Subject::RoundTrip { kind: now.kind, connection: now.connection };
    let (base, new) = (scored(&old.ms, &old.numbers), scored(&now.ms, &now.numbers));
    // Round trips have a dependence of their own: a busy minute slows them all. Between twins only what slows one of them counts.
    let own = match layout {
        Layout::Apart => dependence::together(&old.ms).max(dependence::together(&now.ms)),
        Layout::Pairs => dependence::together(&differences(&base, &new)),
    };
    let together = together.between(&base, &new, layout).max(own);
    let samples = ranked(&base, &new);
    Question::of_values(subject, Measured::median(&old.ms), Measured::median(&now.ms), samples, together, layout)
}

/// How many consecutive scans of a scenario count as one.
#[derive(Debug, Clone, Copy)]
struct Together {
    /// As each run shows by itself.
    runs: usize,
    at_once: bool,
}

impl Together {
    /// How many of these scans count as one. Of twins that were asked for by turns, no more than depend on each other in both ways: as
    /// their runs show, and in what makes one twin differ from the other. A drift meets both alike and is not in the differences. Runs
    /// that were made one after the other have no such second look, and a quarter more for it: measured, twice the dependence still
    /// gave 1.6 % of false regressions at a level of 1 %.
    fn between(self, base: &[Scored], new: &[Scored], layout: Layout) -> usize {
        match layout {
            Layout::Pairs if !self.at_once && self.runs > 1 => self.runs.min(dependence::together(&differences(base, new))),
            Layout::Pairs => self.runs,
            Layout::Apart if self.runs > 1 => self.runs + self.runs.div_ceil(4),
            Layout::Apart => 1,
        }
    }
}

/// Values with their scans' numbers, or with their places where numbers are not known.
fn scored(values: &[f64], numbers: &[u64]) -> Vec<Scored> {
    let number = |place: usize| numbers.get(place).copied().unwrap_or(place as u64);
    values.iter().enumerate().map(|(place, value)| Scored { scan: number(place), value: *value }).collect()
}

/// Up to which age a run tells how long its windows were: without end, or as long as its last scan that was never seen was watched.
fn horizon(windows: &[Observation]) -> f64 {
    let censored = windows.iter().filter(|one| one.until.is_infinite()).map(|one| one.after);
    censored.reduce(f64::max).unwrap_or(f64::INFINITY)
}

/// The mean window up to an age, from the estimate: in the middle of where a share of it may lie, and nothing for scans that were
/// never denied.
fn mean_window(windows: &[Observation], horizon: f64) -> Measured {
    let estimate = npmle(windows);
    let at = |left: f64, right: f64| match (left > 0.0, right.is_finite()) {
        (false, true) => 0.0,
        (_, false) => horizon,
        (true, true) => f64::midpoint(left, right).min(horizon),
    };
    let value: f64 = estimate.support.iter().map(|mass| mass.mass * at(mass.left, mass.right)).sum();
    let variance: f64 = estimate.support.iter().map(|mass| mass.mass * (at(mass.left, mass.right) - value).powi(2)).sum();
    Measured { value, sd: variance.sqrt(), scans: windows.len() as u64, known: windows.iter().any(|one| one.after > 0.0) }
}

impl Measured {
    fn share(events: u64, trials: u64) -> Measured {
        Measured { value: if trials == 0 { 0.0 } else { events as f64 / trials as f64 }, sd: 0.0, scans: trials, known: true }
    }

    fn median(ms: &[f64]) -> Measured {
        let mut sorted = ms.to_vec();
        sorted.sort_by(f64::total_cmp);
        let at = |share: f64| sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1))).copied();
        // From the quartiles: a few stalls say nothing of how closely a median is known.
        let sd = at(0.75).zip(at(0.25)).map_or(0.0, |(high, low)| (high - low) / 1.349);
        Measured { value: at(0.5).unwrap_or_default(), sd, scans: ms.len() as u64, known: true }
    }
}

impl Question {
    fn of_counts(subject: Subject, base: (u64, u64), new: (u64, u64), together: usize) -> Question {
        let units = |trials: u64| trials / together as u64;
        let events = |events: u64, trials: u64| ((events as f64 / together as f64).round() as u64).min(units(trials));
        let rates = Rates {
            base_events: events(base.0, base.1),
            base_trials: units(base.1),
            new_events: events(new.0, new.1),
            new_trials: units(new.1),
        };
        Question {
            subject,
            base: Measured::share(base.0, base.1),
            new: Measured::share(new.0, new.1),
            units: Units { base: rates.base_trials as usize, new: rates.new_trials as usize },
            samples: Samples::Counts(rates),
            together,
        }
    }

    fn of_values(
        subject: Subject,
        base: Measured,
        new: Measured,
        samples: (Vec<Scored>, Vec<Scored>),
        together: usize,
        layout: Layout,
    ) -> Question {
        let units = Units::of(&samples.0, &samples.1, together, layout);
        Question { subject, base, new, units, samples: Samples::Values { base: samples.0, new: samples.1 }, together }
    }

    /// Whether pairs are what it compares.
    fn layout(&self, layout: Layout) -> Layout {
        match self.samples {
            Samples::Counts(_) => Layout::Apart,
            Samples::Values { .. } => layout,
        }
    }

    /// The smallest p-value that any outcome of so many units could have.
    pub(super) fn smallest_p(&self, layout: Layout) -> f64 {
        self.smallest_p_of(self.units, layout)
    }

    fn smallest_p_of(&self, units: Units, layout: Layout) -> f64 {
        let few = self.together > 1 && units.base.min(units.new) < dependence::FEWEST_UNITS;
        if few { 1.0 } else { units.smallest_p(self.layout(layout)) }
    }

    /// Answers it, with permutations enough for a p-value below `level`.
    pub(super) fn answer(&self, layout: Layout, level: f64, seed: u64) -> Option<Answered> {
        match &self.samples {
            Samples::Counts(rates) => {
                // The direction in which nothing points is not worth its price.
                let rises = rates.new_events * rates.base_trials > rates.base_events * rates.new_trials;
                let falls = rates.new_events * rates.base_trials < rates.base_events * rates.new_trials;
                let p = |asked: bool, rates: Rates| if asked { rates.boschloo_higher() } else { 1.0 };
                Some(Answered { p_worse: p(rises, *rates), p_better: p(falls, rates.exchanged()) })
            }
            Samples::Values { base, new } => {
                let draws = Draws { count: (10.0 / level).clamp(20_000.0, 500_000.0) as u32, seed };
                let test = compare_units(base, new, self.together, layout, draws)?;
                Some(Answered { p_worse: test.p_larger, p_better: test.p_smaller })
            }
        }
    }

    /// What it amounts to, given the adjusted p-values for worse and for better; `level` is what a single test is held to.
    pub(super) fn finding(self, p: Option<(f64, f64)>, layout: Layout, level: f64, criteria: &Criteria) -> Finding {
        let minimum = match self.subject {
            Subject::Denied { .. } | Subject::Flapping => criteria.min_rate.0,
            Subject::Window => criteria.min_window.beside(self.base.value),
            Subject::RoundTrip { .. } => criteria.min_latency.beside(self.base.value),
        };
        let difference = self.new.value - self.base.value;
        // Shares and times are told to six digits; what is equal to the minimum there is as large as asked for.
        let enough = difference.abs() >= minimum * (1.0 - 1e-9);
        let sure = |p: f64| p <= criteria.alpha;
        let change = match p {
            _ if !self.base.known && !self.new.known => Change::NotIdentified,
            None => Change::TooFew,
            Some((worse, _)) if sure(worse) && difference > 0.0 && enough => Change::Regression,
            Some((_, better)) if sure(better) && difference < 0.0 && enough => Change::Improvement,
            Some((worse, better)) if sure(worse) || sure(better) => Change::Small,
            Some(_) => Change::None,
        };
        let needs = match change {
            Change::None | Change::TooFew => self.needed(minimum, layout, level),
            _ => None,
        };
        Finding {
            base: self.base.value,
            new: self.new.value,
            base_known: self.base.known,
            new_known: self.new.known,
            base_scans: self.base.scans,
            new_scans: self.new.scans,
            minimum,
            p_worse: p.map(|p| p.0),
            p_better: p.map(|p| p.1),
            change,
            needs,
            subject: self.subject,
        }
    }

    /// How many scans of each run would show a difference that counts; `None` where there were as many.
    fn needed(&self, minimum: f64, layout: Layout, level: f64) -> Option<u64> {
        let have = self.base.scans.min(self.new.scans);
        if self.together as u64 >= have {
            // All in one moment: more of them would still count as one.
            return None;
        }
        let for_size = match self.subject {
            Subject::Denied { .. } | Subject::Flapping if self.base.value + minimum >= 1.0 => 1,
            Subject::Denied { .. } | Subject::Flapping => scans_for_rates(self.base.value, self.base.value + minimum, level),
            _ if minimum <= 0.0 => return None,
            _ => scans_for_means(self.base.sd.max(self.new.sd), minimum, level),
        };
        let able = |n: &usize| self.smallest_p_of(Units { base: *n, new: *n }, layout) <= level;
        let for_any = (1..200).find(able).unwrap_or(200) as u64;
        let needed = for_size.max(for_any).saturating_mul(self.together as u64);
        (needed > have).then_some(needed)
    }
}
