//! The runs over time as a picture: what code-hosting sites and mail programs show beside markdown. Everything is an attribute of its
//! own element: no script, no style sheet, no font or picture that would have to be loaded.
//!
//! Each wait has a panel, and in each run a mark for every quantile that can be stated, with its 95 % limits as a line. A quantile
//! without enough jobs has no mark. Colours are Okabe and Ito's, and each quantile has a shape of its own.

use maud::{Markup, html};

use crate::report::latency::{Latency, day_and_minute, lead};
use crate::report::trend::Denied;
use crate::report::view::{TimingQuantile, View, Wait};
use crate::report::words;

pub(super) const WIDTH: f64 = 760.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 20.0;
const HEAD: f64 = 76.0;
/// From one panel to the next, and the part of it that is drawn in.
const PANEL: f64 = 154.0;
const PLOT: f64 = 104.0;
const FOOT: f64 = 34.0;
const INK: &str = "#1b1d21";
const QUIET: &str = "#5a5f68";
const GRID: &str = "#dcdcd6";
/// So many dates fit below a panel.
const DATES: usize = 7;

/// The quantiles that are drawn, with their colours.
const DRAWN: [(&str, &str); 3] = [("p50", "#0072b2"), ("p95", "#b34700"), ("p99", "#8a4a70")];

/// One panel: a title, and for each run what is drawn of it.
struct Panel {
    title: String,
    /// How the ends of the axis are written.
    unit: Unit,
    runs: Vec<Vec<Drawn>>,
    /// Bounds of the newest run's objectives, with what they promise.
    bounds: Vec<(f64, String)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Share,
    Milliseconds,
}

/// A value with its limits, and which of [`DRAWN`] it is.
#[derive(Clone, Copy)]
struct Drawn {
    place: usize,
    from: f64,
    to: f64,
    limits: (Option<f64>, Option<f64>),
}

/// The picture. Ends with a newline.
pub fn svg(report: &Latency<'_>) -> String {
    let view = report.newest();
    let panels = panels(report);
    let height = HEAD + PANEL * panels.len() as f64 + FOOT;
    let day = day_and_minute(&view.run.started);
    let title = format!("Latency: {}. {} on {day}", view.run.target, view.verdict.word().to_uppercase());
    let description: Vec<String> =
        [lead(view)].into_iter().chain(spoken(view)).chain(view.notices.iter().chain(&report.warnings).cloned()).collect();
    let picture = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(height) viewBox={ "0 0 " (WIDTH) " " (height) } role="img"
            font-family="Helvetica, Arial, sans-serif" font-size="12" fill=(INK) {
            title { (title) } "\n"
            desc { (description.join(". ")) "." } "\n"
            rect width=(WIDTH) height=(height) fill="#ffffff" {} "\n"
            text x="12" y="24" font-size="15" font-weight="bold" { (shortened(&title, 86)) } "\n"
            text x="12" y="44" fill=(QUIET) { (shortened(&lead(view), 110)) } "\n"
            (legend()) "\n"
            @for (place, panel) in panels.iter().enumerate() { (panel.svg(HEAD + PANEL * place as f64)) }
            (dates(report, height - 12.0))
        }
        "\n"
    };
    picture.into_string()
}

/// Text in a picture is not wrapped.
fn shortened(text: &str, most: usize) -> String {
    let short: String = text.chars().take(most).collect();
    if short.len() < text.len() { short + "…" } else { short }
}

/// The newest run's numbers, for whoever hears the picture.
fn spoken(view: &View) -> Vec<String> {
    let row = |row: &crate::report::view::TimingRow| {
        let quantiles: Vec<String> =
            row.quantiles.iter().map(|quantile| format!("{} {}", quantile.label, quantile.with_limits())).collect();
        format!("{}: {}", row.wait.name(), if quantiles.is_empty() { "not measured".to_owned() } else { quantiles.join(", ") })
    };
    view.timing.rows.iter().map(row).collect()
}

fn panels(report: &Latency<'_>) -> Vec<Panel> {
    let denied = report.runs.iter().map(|view| {
        let denied = Denied::of(view);
        let drawn = |share| Drawn { place: 0, from: share, to: share, limits: (Some(denied.lower), Some(denied.upper)) };
        denied.share.map(drawn).into_iter().collect()
    });
    let mut panels =
        vec![Panel { title: "Accepted, but not found".to_owned(), unit: Unit::Share, runs: denied.collect(), bounds: Vec::new() }];
    let mut waits: Vec<Wait> = Vec::new();
    for row in report.runs.iter().flat_map(|view| &view.timing.rows) {
        if !waits.contains(&row.wait) {
            waits.push(row.wait);
        }
    }
    waits.sort_by_key(|wait| order(*wait));
    panels.extend(waits.into_iter().map(|wait| Panel {
        title: wait.name(),
        unit: Unit::Milliseconds,
        runs: report.runs.iter().map(|view| drawn(view, wait)).collect(),
        bounds: objectives(report.newest(), wait),
    }));
    panels.retain(|panel| panel.runs.iter().any(|run| !run.is_empty()));
    panels
}

fn objectives(view: &View, wait: Wait) -> Vec<(f64, String)> {
    let of_wait = view.timing.objectives.iter().filter(|row| row.wait == wait);
    of_wait.map(|row| (row.at_most_ms, format!("{}: {}", row.promise, row.standing))).collect()
}

/// A wait that only some runs have stands where it stands in a table all the same.
fn order(wait: Wait) -> (u8, Option<crate::model::answer::Answer>) {
    match wait {
        Wait::Post => (0, None),
        Wait::Visible => (1, None),
        Wait::Done => (2, None),
        Wait::Poll(answer) => (3, Some(answer)),
    }
}

fn drawn(view: &View, wait: Wait) -> Vec<Drawn> {
    let Some(row) = view.timing.row(wait) else { return Vec::new() };
    let drawn = |quantile: &TimingQuantile| {
        let place = DRAWN.iter().position(|(label, _)| *label == quantile.label)?;
        let (from, to) = quantile.ms?;
        Some(Drawn { place, from, to, limits: quantile.limits })
    };
    row.quantiles.iter().filter_map(drawn).collect()
}

/// Where a run stands from left to right; its marks stand side by side.
fn across(run: usize, runs: usize, place: f64) -> f64 {
    let room = (WIDTH - LEFT - RIGHT) / runs as f64;
    LEFT + room * (run as f64 + 0.5) + place * (room / 5.0).min(9.0)
}

impl Panel {
    /// The upper end of the axis: the highest mark, or a limit not far above it, since one far away would flatten everything.
    fn top(&self) -> f64 {
        if self.unit == Unit::Share {
            return 1.0;
        }
        let drawn = || self.runs.iter().flatten();
        let highest = drawn().map(|drawn| drawn.to).fold(0.0, f64::max);
        let limit = drawn().filter_map(|drawn| drawn.limits.1).fold(0.0, f64::max);
        let bound = self.bounds.iter().map(|(bound, _)| *bound).fold(0.0, f64::max);
        round_up(highest.max(limit.min(highest * 2.0)).max(bound.min(highest * 3.0)) * 1.05)
    }

    fn svg(&self, y: f64) -> Markup {
        let (top, bottom) = (y + 30.0, y + 30.0 + PLOT);
        let end = self.top();
        let at = |value: f64| bottom - (value / end).clamp(0.0, 1.0) * PLOT;
        let written = |value: f64| if self.unit == Unit::Share { words::share(value) } else { words::age(value) };
        let runs = self.runs.len();
        html! {
            text x="12" y=(number(y + 12.0)) font-weight="bold" { (self.title) } "\n"
            @for share in [0.0, 0.5, 1.0] {
                @let line = number(at(end * share));
                line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(line) y2=(line) stroke=(GRID) {}
                text x=(LEFT - 8.0) y=(number(at(end * share) + 4.0)) text-anchor="end" fill=(QUIET) { (written(end * share)) }
                "\n"
            }
            @for (bound, promise) in self.bounds.iter().filter(|(bound, _)| *bound <= end) {
                @let line = at(*bound);
                line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(number(line)) y2=(number(line)) stroke=(INK) stroke-dasharray="6 4" {}
                text x=(WIDTH - RIGHT) y=(number(line - 4.0)) text-anchor="end" font-size="11" { (promise) }
                "\n"
            }
            @for place in 0..DRAWN.len() { (self.line(place, &at)) }
            @for (run, drawn) in self.runs.iter().enumerate() {
                @for drawn in drawn { (drawn.svg(across(run, runs, drawn.place as f64 - 1.0), &at, (top, bottom), self.unit)) "\n" }
            }
        }
    }

    /// From each run to the next, where both have the quantile.
    fn line(&self, place: usize, at: &impl Fn(f64) -> f64) -> Markup {
        let points: Vec<Option<(f64, f64)>> = self
            .runs
            .iter()
            .enumerate()
            .map(|(run, drawn)| {
                let drawn = drawn.iter().find(|drawn| drawn.place == place)?;
                Some((across(run, self.runs.len(), place as f64 - 1.0), at(f64::midpoint(drawn.from, drawn.to))))
            })
            .collect();
        html! {
            @for pair in points.windows(2) {
                @if let [Some((x1, y1)), Some((x2, y2))] = pair {
                    line x1=(number(*x1)) y1=(number(*y1)) x2=(number(*x2)) y2=(number(*y2)) stroke=(DRAWN[place].1) stroke-width="1.5" stroke-opacity="0.5" {}
                    "\n"
                }
            }
        }
    }
}

impl Drawn {
    fn svg(&self, x: f64, at: &impl Fn(f64) -> f64, (top, bottom): (f64, f64), unit: Unit) -> Markup {
        let colour = DRAWN[self.place].1;
        let (low, high) = (self.limits.0.map_or(bottom, at), self.limits.1.map_or(top, at));
        // An end that the sample is too small for is open: dashed to the edge.
        let dashes = if self.limits.0.is_some() && self.limits.1.is_some() { None } else { Some("3 3") };
        let middle = at(f64::midpoint(self.from, self.to));
        let (from, to) = (at(self.from), at(self.to));
        html! {
            line x1=(number(x)) x2=(number(x)) y1=(number(low)) y2=(number(high)) stroke=(colour) stroke-width="1.5" stroke-dasharray=[dashes] {}
            @if from - to > 1.0 { line x1=(number(x)) x2=(number(x)) y1=(number(from)) y2=(number(to)) stroke=(colour) stroke-width="5" stroke-opacity="0.45" {} }
            (shape(if unit == Unit::Share { 0 } else { self.place }, x, middle, colour))
        }
    }
}

/// A mark: a circle, a square, a triangle.
fn shape(place: usize, x: f64, y: f64, colour: &str) -> Markup {
    html! {
        @match place {
            0 => circle cx=(number(x)) cy=(number(y)) r="4" fill=(colour) {},
            1 => rect x=(number(x - 3.5)) y=(number(y - 3.5)) width="7" height="7" fill=(colour) {},
            _ => path d={ "M" (number(x)) " " (number(y - 5.0)) "l4.8 8.4h-9.6z" } fill=(colour) {},
        }
    }
}

fn legend() -> Markup {
    html! {
        @for (place, (label, colour)) in DRAWN.iter().enumerate() {
            @let x = 16.0 + 52.0 * place as f64;
            (shape(place, x, 58.0, colour))
            text x=(x + 10.0) y="62" fill=(QUIET) { (label) }
        }
        text x="178" y="62" fill=(QUIET) { "lines: 95 % limits, dashed where too few jobs set one; no mark: too few jobs for that quantile" }
    }
}

fn dates(report: &Latency<'_>, y: f64) -> Markup {
    let runs = report.runs.len();
    let step = runs.div_ceil(DATES);
    html! {
        @for (run, view) in report.runs.iter().enumerate() {
            // From the newest backwards, which is the one that is looked for.
            @if (runs - 1 - run).is_multiple_of(step) {
                text x=(number(across(run, runs, 0.0))) y=(y) text-anchor="middle" fill=(QUIET) { (day_and_minute(&view.run.started)) } "\n"
            }
        }
    }
}

/// The next number that reads well: 1, 2 or 5 times a power of ten, or a half more.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(value.log10().floor());
    [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

/// A length with at most one digit after the point.
fn number(value: f64) -> String {
    let text = format!("{:.1}", value + 0.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
