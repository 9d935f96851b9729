//! How long things took, as the owner of latency asks: one row for each wait, each quantile with its limits or with what it lacks.

use crate::analysis::Analysis;
use crate::analysis::objectives::{Objective, SloStanding, SloUnknown};
use crate::analysis::timing::{QUANTILES, Timing, TripQuantile, Trips};
use crate::analysis::window::{Caveat, Quantile, Window};
use crate::model::answer::Answer;
use crate::model::noun::Noun;
use crate::model::slo::SloEvent;
use crate::report::view::Mark;
use crate::report::view::window::{Everyone, flaps_mostly};
use crate::report::words;

/// How long things took.
#[derive(Debug, Clone, PartialEq)]
pub struct TimingView {
    /// Accepted jobs.
    pub jobs: u64,
    /// What the target calls a job.
    pub noun: Noun,
    /// One row for each wait, in the order in which a job meets them.
    pub rows: Vec<TimingRow>,
    /// One row for each of the target's objectives.
    pub objectives: Vec<ObjectiveRow>,
}

/// One objective.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectiveRow {
    /// Which wait it is about.
    pub wait: Wait,
    /// The bound, in milliseconds.
    pub at_most_ms: f64,
    /// What is promised: `p99 of POST to visible at most 200ms`.
    pub promise: String,
    /// How its standing is to be taken.
    pub mark: Mark,
    /// `met`, `missed` or `unknown`.
    pub standing: &'static str,
    /// What that rests on.
    pub why: String,
}

/// Which wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The request that hands out the id, from its sending to the last byte of its answer.
    Post,
    /// From that answer until status knows the job.
    Visible,
    /// From that answer until status says that the job has ended.
    Done,
    /// Polls with one kind of answer, from their sending to the last byte of the answer.
    Poll(Answer),
}

impl Wait {
    /// What it is called in tables and pictures.
    pub fn name(self) -> String {
        match self {
            Wait::Post => "POST".to_owned(),
            Wait::Visible => "POST to visible".to_owned(),
            Wait::Done => "POST to done".to_owned(),
            Wait::Poll(answer) => format!("poll: {}", answer.word()),
        }
    }
}

/// One wait.
#[derive(Debug, Clone, PartialEq)]
pub struct TimingRow {
    /// Which.
    pub wait: Wait,
    /// Jobs that it rests on.
    pub jobs: u64,
    /// Requests that it rests on, where a job has several.
    pub requests: Option<u64>,
    /// p50, p95 and p99; none where nothing was measured.
    pub quantiles: Vec<TimingQuantile>,
    /// What the quantiles do not say: jobs without an end, or why there is nothing.
    pub note: Option<String>,
}

/// One quantile of a wait.
#[derive(Debug, Clone, PartialEq)]
pub struct TimingQuantile {
    /// `p50`.
    pub label: String,
    /// Where it lies, from and to, in milliseconds; one number for what is known exactly. `None`: it cannot be stated.
    pub ms: Option<(f64, f64)>,
    /// 95 % limits; an end is `None` where the sample is too small to have one.
    pub limits: (Option<f64>, Option<f64>),
    /// In words: the number, or why there is none.
    pub told: String,
}

impl TimingQuantile {
    /// The number with its limits, or why there is none.
    pub fn with_limits(&self) -> String {
        if self.ms.is_none() {
            return self.told.clone();
        }
        let limits = match self.limits {
            (Some(lower), Some(upper)) => words::between(lower, Some(upper)),
            (Some(lower), None) => format!("{} or more", words::age(lower)),
            (None, Some(upper)) => format!("at most {}", words::age(upper)),
            (None, None) => return self.told.clone(),
        };
        // Clocks have a resolution: limits that are written like the number say nothing beside it.
        if limits == self.told { self.told.clone() } else { format!("{} ({limits})", self.told) }
    }
}

impl TimingView {
    /// The row of a wait, if there is one.
    pub fn row(&self, wait: Wait) -> Option<&TimingRow> {
        self.rows.iter().find(|row| row.wait == wait)
    }
}

/// Puts the times of a run into words. Without honest controls a visible answer proves nothing, and only round trips are stated.
pub(super) fn view(analysis: &Analysis, everyone: Everyone, noun: &Noun, assessable: bool) -> TimingView {
    let Timing { post, polls, .. } = &analysis.timing;
    let mut rows = vec![trips(Wait::Post, post)];
    if assessable {
        rows.extend([visible(&analysis.window, everyone, noun), done(&analysis.timing, noun)]);
    } else {
        let note = "not measured: a never-issued id is answered as visible, too, so a visible answer proves nothing";
        rows.extend([Wait::Visible, Wait::Done].map(|wait| nothing(wait, note)));
    }
    rows.extend(polls.iter().map(|(answer, polls)| trips(Wait::Poll(*answer), polls)));
    TimingView {
        jobs: post.jobs,
        rows,
        objectives: analysis.objectives.iter().map(|objective| objective_row(objective, noun)).collect(),
        noun: noun.clone(),
    }
}

fn objective_row(objective: &Objective, noun: &Noun) -> ObjectiveRow {
    let Objective { slo, jobs, in_time, late, standing } = objective;
    let wait = match slo.event {
        SloEvent::Visible => Wait::Visible,
        SloEvent::Done => Wait::Done,
    };
    let (mark, word, lacking) = match standing {
        SloStanding::Met => (Mark::Works, "met", None),
        SloStanding::Missed => (Mark::Fails, "missed", None),
        SloStanding::Unknown(why) => (Mark::Neutral, "unknown", Some(why)),
    };
    let open = jobs - in_time - late;
    let unseen = if open > 0 { format!(", {} not seen closely enough", words::count(open)) } else { String::new() };
    let of = words::counted(*jobs, noun.one());
    let why = format!("{} of {of} in time, {} late{unseen}", words::count(*in_time), words::count(*late));
    let lacking = lacking.map(|lacking| match lacking {
        SloUnknown::NotMeasured => "nothing was measured for it".to_owned(),
        SloUnknown::TooFew { needs } => lacks(*needs, *jobs),
        SloUnknown::Close => "too close to tell at 95 %".to_owned(),
        SloUnknown::VisibleProvesNothing => "a never-issued id is answered as visible, too".to_owned(),
    });
    let why = match lacking {
        Some(lacking) if *jobs == 0 => lacking,
        Some(lacking) => format!("{why}: {lacking}"),
        None => why,
    };
    ObjectiveRow {
        wait,
        at_most_ms: slo.at_most.0.as_secs_f64() * 1e3,
        promise: format!("{} of {} at most {}", slo.quantile_word(), wait.name(), words::planned_span(slo.at_most)),
        mark,
        standing: word,
        why,
    }
}

fn nothing(wait: Wait, note: &str) -> TimingRow {
    TimingRow { wait, jobs: 0, requests: None, quantiles: Vec::new(), note: Some(note.to_owned()) }
}

fn trips(wait: Wait, trips: &Trips) -> TimingRow {
    let quantile = |quantile: &TripQuantile| TimingQuantile {
        label: words::quantile(quantile.p),
        ms: quantile.ms.map(|ms| (ms, ms)),
        limits: (quantile.lower_ms, quantile.upper_ms),
        told: quantile.ms.map_or_else(|| lacks(quantile.needs, trips.jobs), words::age),
    };
    TimingRow {
        wait,
        jobs: trips.jobs,
        requests: matches!(wait, Wait::Poll(_)).then_some(trips.count),
        quantiles: trips.quantiles.iter().map(quantile).collect(),
        note: (trips.count == 0).then(|| "no answer with an accepted job".to_owned()),
    }
}

/// `needs 299, has 201`.
fn lacks(needs: u64, has: u64) -> String {
    format!("needs {}, has {}", words::count(needs), words::count(has))
}

fn visible(window: &Window, everyone: Everyone, noun: &Noun) -> TimingRow {
    let of = |jobs| words::counted(jobs, noun.one());
    if flaps_mostly(window, everyone) {
        return nothing(Wait::Visible, &format!("none: most {} were denied again after being visible", noun.many()));
    }
    if window.scans == 0 {
        return nothing(Wait::Visible, &format!("not measured: nothing was learnt of any {}", noun.one()));
    }
    let mut note = Vec::new();
    if window.never_visible > 0 {
        note.push(format!("{} still denied when last polled", of(window.never_visible)));
    }
    if window.flapping > 0 {
        note.push(format!("left out: {} denied again after being visible", of(window.flapping)));
    }
    TimingRow {
        wait: Wait::Visible,
        jobs: window.scans,
        requests: None,
        quantiles: QUANTILES.iter().filter_map(|p| window.quantile(*p)).map(|quantile| censored(quantile, window.scans)).collect(),
        note: (!note.is_empty()).then(|| note.join("; ")),
    }
}

fn done(timing: &Timing, noun: &Noun) -> TimingRow {
    let of = |jobs| words::counted(jobs, noun.one());
    let done = &timing.done;
    let scans = done.brackets.len() as u64;
    if scans == 0 {
        let note = if done.jobs == 0 {
            format!("not measured: no scenario watched {} to their end, as the scenario completion does", noun.many())
        } else {
            "not measured: no poll showed a state that the target file lists".to_owned()
        };
        return nothing(Wait::Done, &note);
    }
    let mut note = Vec::new();
    if done.ended < scans {
        note.push(format!("{} not ended when last polled", of(scans - done.ended)));
    }
    if done.failed > 0 {
        note.push(format!("{} ended badly", of(done.failed)));
    }
    if done.unclear > 0 {
        note.push(format!("left out: {} without a listed state", of(done.unclear)));
    }
    TimingRow {
        wait: Wait::Done,
        jobs: scans,
        requests: None,
        quantiles: done.quantiles.iter().map(|quantile| censored(quantile, scans)).collect(),
        note: (!note.is_empty()).then(|| note.join("; ")),
    }
}

/// A quantile of a censored wait: an interval, and open where it lies beyond what was watched.
fn censored(quantile: &Quantile, jobs: u64) -> TimingQuantile {
    let (ms, told) = match (quantile.caveat, quantile.to_ms) {
        (Some(Caveat::TooFew { needs }), _) => (None, lacks(needs, jobs)),
        (_, None) => (None, format!("{} or more: not seen to the end", words::age(quantile.from_ms))),
        (_, Some(to_ms)) => (Some((quantile.from_ms, to_ms)), words::between(quantile.from_ms, Some(to_ms))),
    };
    // Every wait is at least 0, which is no limit that anybody has to be told.
    let lower = (quantile.lower_ms > 0.0).then_some(quantile.lower_ms);
    TimingQuantile { label: words::quantile(quantile.p), ms, limits: (lower, quantile.upper_ms), told }
}
