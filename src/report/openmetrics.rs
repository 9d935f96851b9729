//! The result as `OpenMetrics` 1.0 text: for a dashboard, a push gateway, or GitLab's `metrics.txt`.
//!
//! Everything of one run is a gauge: a counter would claim to go on, as those of a watch do. Times are in seconds, as the format wants them. A number
//! that must not be told (a quantile of too few scans) is absent.

mod watch;

pub use watch::watch_openmetrics;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::report::view::{OffsetRow, ScenarioRow, View, WindowView};
use crate::verdict::Verdict;

/// The run as metrics. Ends with `# EOF` and a newline.
pub fn openmetrics(view: &View) -> String {
    let mut out = Exposition::default();
    whole(&mut out, view);
    out.end()
}

fn whole(out: &mut Exposition, view: &View) {
    run(out, view);
    scenarios(out, &view.scenarios);
    window(out, view);
    guarantees(out, view);
    round_trips(out, view);
}

fn run(out: &mut Exposition, view: &View) {
    let run = &view.run;
    let seed = run.seed.to_string();
    let notices = view.notices.join(" ");
    out.family("statusgap_run", Type::Info, "What was run, and what was found.");
    let about = [
        ("run_id", run.run_id.as_str()),
        ("target", &run.target),
        ("tool", &run.tool),
        ("started", &run.started),
        ("seed", &seed),
        ("headline", &view.headline),
        ("notices", &notices),
    ];
    out.sample("_info", &about, 1.0);
    out.family("statusgap_verdict", Type::StateSet, "The verdict on the run.");
    verdict(out, "statusgap_verdict", &[], Some(view.verdict));
    out.family("statusgap_exchanges", Type::Gauge, "Requests of all kinds in the run's log.");
    out.sample("", &[], run.exchanges as f64);
    if let Some(began) = run.began {
        out.family("statusgap_run_start_seconds", Type::Gauge, "Wall clock at the beginning of the run, since 1970.");
        out.sample("", &[], began.as_secs_f64());
    }
}

fn verdict(out: &mut Exposition, family: &str, labels: &[(&str, &str)], told: Option<Verdict>) {
    for state in [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive] {
        let with_state: Vec<(&str, &str)> = labels.iter().copied().chain([(family, state.word())]).collect();
        out.sample("", &with_state, f64::from(u8::from(told == Some(state))));
    }
}

/// What is told of an offset: a family's name, its help, and its number.
type OffsetColumn = (&'static str, &'static str, fn(&OffsetRow) -> u64);

fn scenarios(out: &mut Exposition, rows: &[ScenarioRow]) {
    out.family("statusgap_scenario_verdict", Type::StateSet, "The verdict on a scenario.");
    for row in rows {
        verdict(out, "statusgap_scenario_verdict", &[("scenario", &row.name)], Some(row.verdict));
    }
    out.family("statusgap_scenario_scans", Type::Gauge, "Scans that were accepted.");
    for row in rows {
        out.sample("", &[("scenario", &row.name)], row.accepted as f64);
    }
    let columns: [OffsetColumn; 6] = [
        ("statusgap_offset_polls", "Polls at a planned age that count.", |row| row.polls),
        ("statusgap_offset_not_found", "Those that were answered not_found.", |row| row.not_found),
        ("statusgap_offset_other", "Polls at a planned age that said neither visible nor not_found.", |row| row.other),
        ("statusgap_offset_late", "Polls outside the scenario's tolerance, which do not count.", |row| row.late),
        ("statusgap_offset_scans", "Scans behind the polls that count.", |row| row.scans),
        ("statusgap_offset_denied_scans", "Scans that were denied at a planned age.", |row| row.scans_denied),
    ];
    for (name, help, number) in columns {
        out.family(name, Type::Gauge, help);
        each_offset(rows, |labels, row| out.sample("", labels, number(row) as f64));
    }
    out.family(
        "statusgap_offset_denied_ratio",
        Type::Gauge,
        "95 % limits (Clopper-Pearson) for the share of scans denied at a planned age.",
    );
    each_offset(rows, |labels, row| {
        for (limit, value) in [("lower", row.lower), ("upper", row.upper)] {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("limit", limit)]).collect();
            out.sample("", &labels, value);
        }
    });
    out.family("statusgap_scenario_window_seconds", Type::Gauge, "Quantiles of a scenario's window.");
    for row in rows {
        quantiles(out, &[("scenario", &row.name)], &row.window);
    }
}

fn each_offset(rows: &[ScenarioRow], mut tell: impl FnMut(&[(&str, &str)], &OffsetRow)) {
    for scenario in rows {
        for row in &scenario.offsets {
            let age = number(row.at_ms / 1e3);
            tell(&[("scenario", &scenario.name), ("arm", &row.arm), ("connection", row.connection.word()), ("age", &age)], row);
        }
    }
}

fn window(out: &mut Exposition, view: &View) {
    let window = &view.window;
    out.family("statusgap_window_scans", Type::Gauge, "Scans by what was seen of their window; flapping ones are described by no window.");
    for (seen, scans) in [
        ("described", window.scans),
        ("denied", window.denied),
        ("flapping", window.flapping),
        ("never_visible", window.never_visible),
        ("no_evidence", window.no_evidence),
    ] {
        out.sample("", &[("seen", seen)], scans as f64);
    }
    out.family(
        "statusgap_window_seconds",
        Type::Gauge,
        "Quantiles of the window: where the estimate reaches them (from, to), and 95 % limits (lower, upper).",
    );
    if view.assessable {
        quantiles(out, &[], window);
    }
    if let (Some(p), Some(ms)) = (window.safe.p, window.safe.ms) {
        out.family(
            "statusgap_first_poll_safe_seconds",
            Type::Gauge,
            "The age from which on a first poll finds that share of scans, at 95 %.",
        );
        out.sample("", &[("share", &number(p))], ms / 1e3);
    }
}

fn quantiles(out: &mut Exposition, labels: &[(&str, &str)], window: &WindowView) {
    for row in window.quantiles.iter().filter(|row| row.told_at_all) {
        let quantile = number(row.p);
        let bounds = [("from", Some(row.from_ms)), ("to", row.to_ms), ("lower", Some(row.lower_ms)), ("upper", row.upper_ms)];
        for (bound, ms) in bounds {
            let all: Vec<(&str, &str)> = labels.iter().copied().chain([("quantile", quantile.as_str()), ("bound", bound)]).collect();
            out.sample("", &all, ms.map_or(f64::INFINITY, |ms| ms / 1e3));
        }
    }
}

fn guarantees(out: &mut Exposition, view: &View) {
    out.family("statusgap_guarantee_checked", Type::Gauge, "How often a guarantee was checked.");
    for row in &view.guarantees {
        out.sample("", &[("guarantee", row.name)], row.checked as f64);
    }
    out.family("statusgap_guarantee_broken", Type::Gauge, "How often a guarantee was broken.");
    for row in view.guarantees.iter().filter(|row| row.checked > 0) {
        out.sample("", &[("guarantee", row.name)], row.broken as f64);
    }
}

fn round_trips(out: &mut Exposition, view: &View) {
    out.family(
        "statusgap_round_trip_seconds",
        Type::Summary,
        "Round trips to the last byte, counted from the actual sending and from the planned one.",
    );
    let origins = || view.latency.iter().flat_map(|row| [("sent", row, &row.sent), ("planned", row, &row.planned)]);
    for (from, row, trip) in origins() {
        let labels = [("exchange", row.kind.word()), ("connection", row.connection.word()), ("from", from)];
        for (quantile, ms) in [("0.5", trip.p50), ("0.9", trip.p90), ("0.99", trip.p99)] {
            let Some(ms) = ms else { continue };
            let all: Vec<(&str, &str)> = labels.into_iter().chain([("quantile", quantile)]).collect();
            out.sample("", &all, ms / 1e3);
        }
        out.sample("_count", &labels, trip.count as f64);
    }
    out.family("statusgap_round_trip_max_seconds", Type::Gauge, "The longest round trip.");
    for (from, row, trip) in origins() {
        out.sample("", &[("exchange", row.kind.word()), ("connection", row.connection.word()), ("from", from)], trip.max / 1e3);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Counter,
    Gauge,
    Info,
    StateSet,
    Summary,
}

/// The text as it grows, family by family.
#[derive(Default)]
struct Exposition {
    text: String,
    family: String,
    /// How often each series was told: two scenarios, or two arms, may bear one name, and a series may stand there once.
    told: BTreeMap<String, u32>,
}

impl Exposition {
    /// The whole text, with the mark by which a reader knows that nothing is missing.
    fn end(mut self) -> String {
        self.text.push_str("# EOF\n");
        self.text
    }

    /// Begins a family. Its unit follows from its name, as the format wants it.
    fn family(&mut self, name: &str, of: Type, help: &str) {
        name.clone_into(&mut self.family);
        self.told.clear();
        let word = match of {
            Type::Counter => "counter",
            Type::Gauge => "gauge",
            Type::Info => "info",
            Type::StateSet => "stateset",
            Type::Summary => "summary",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "# TYPE {name} {word}");
        if let Some(unit) = ["seconds", "ratio"].into_iter().find(|unit| name.ends_with(&format!("_{unit}"))) {
            let _ = writeln!(self.text, "# UNIT {name} {unit}");
        }
        let _ = writeln!(self.text, "# HELP {name} {}", escape(help));
    }

    fn sample(&mut self, suffix: &str, labels: &[(&str, &str)], value: f64) {
        let mut pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
        let times = self.told.entry(format!("{suffix}{}", pairs.join(","))).or_default();
        *times += 1;
        if *times > 1 {
            pairs.push(format!("nth=\"{times}\""));
        }
        let labels = if pairs.is_empty() { String::new() } else { format!("{{{}}}", pairs.join(",")) };
        let _ = writeln!(self.text, "{}{suffix}{labels} {}", self.family, number(value));
    }
}

/// A number as the format wants it, to nine significant digits; seconds since 1970, which have ten before the point, to the
/// millisecond.
fn number(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    if value.abs() >= 1e8 {
        return ((value * 1e3).round() / 1e3).to_string();
    }
    // Written and read back: `{}` then prints the shortest text of the rounded number. Minus zero is zero.
    format!("{value:.8e}").parse::<f64>().map_or_else(|_| "0".to_owned(), |rounded| (rounded + 0.0).to_string())
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::samples;

    #[test]
    fn a_run_reads_as_in_its_snapshot() {
        for (name, view) in samples::all().into_iter().filter(|(name, _)| ["seed_bug", "healthy"].contains(name)) {
            insta::assert_snapshot!(name, openmetrics(&view));
        }
    }

    #[test]
    fn every_sample_belongs_to_the_family_above_it_and_stands_once() {
        for (name, mut view) in samples::all() {
            // Two scenarios of one name must not make one series twice.
            view.scenarios.extend(view.scenarios.clone());
            let text = openmetrics(&view);
            let (mut families, mut series, mut family) = (BTreeSet::new(), BTreeSet::new(), "");
            let body = text.strip_suffix("# EOF\n").unwrap_or_else(|| panic!("{name}: no end"));
            for line in body.lines() {
                if let Some(declared) = line.strip_prefix("# TYPE ") {
                    family = declared.split(' ').next().unwrap_or_default();
                    assert!(families.insert(family), "{name}: {family} is declared twice");
                } else if !line.starts_with("# ") {
                    let (of, value) = line.rsplit_once(' ').expect("a sample has a value");
                    assert!(series.insert(of), "{name}: {of} stands there twice");
                    let suffix = of.split('{').next().and_then(|name| name.strip_prefix(family));
                    assert!(matches!(suffix, Some("" | "_info" | "_count")), "{name}: {line}");
                    assert!(value == "+Inf" || value.parse::<f64>().is_ok_and(f64::is_finite), "{name}: {line}");
                }
            }
            let denied = "statusgap_offset_not_found{scenario=\"immediate\",arm=\"fresh\",connection=\"fresh\",age=\"0.1\"} 50";
            assert_eq!(["seed_bug", "partial"].contains(&name), text.lines().any(|line| line == denied), "{name}: {text}");
        }
    }

    #[test]
    fn numbers_keep_nine_digits_and_wall_clocks_their_milliseconds() {
        for (value, told) in
            [(0.1 + 0.2, "0.3"), (1.0 / 3.0, "0.333333333"), (1_795_482_561.5, "1795482561.5"), (-0.0, "0"), (200_000_000.0, "200000000")]
        {
            assert_eq!(number(value), told);
        }
    }

    #[test]
    fn what_would_end_a_label_is_escaped() {
        let mut out = Exposition::default();
        out.family("f", Type::Gauge, "h");
        out.sample("", &[("l", "a\"b\\c\nd")], 0.1 + 0.2);
        assert_eq!(out.text, "# TYPE f gauge\n# HELP f h\nf{l=\"a\\\"b\\\\c\\nd\"} 0.3\n");
    }
}
