//! A watch as metrics: counters over all of its rounds, and the window of rounds as the run that it is judged as.
//!
//! What a watch of ten minutes served was read by the `OpenMetrics` parser of `prometheus_client` 0.26.0 (Python), without complaint.

use crate::report::openmetrics::{Exposition, Type, verdict, whole};
use crate::report::view::View;
use crate::report::watch_status::WatchStatus;

/// A watch as metrics; `view` is of the window of rounds, or of the last round where that could not be measured, and `None`
/// before the first has ended. Ends with `# EOF` and a newline.
pub fn watch_openmetrics(live: &WatchStatus, view: Option<&View>) -> String {
    let mut out = Exposition::default();
    standing(&mut out, live);
    counters(&mut out, live);
    if let Some(view) = view {
        whole(&mut out, view);
    }
    out.end()
}

fn standing(out: &mut Exposition, live: &WatchStatus) {
    out.family("statusgap_watch", Type::Info, "What is watched.");
    out.sample("_info", &[("target", &live.target), ("scenarios", &live.scenarios)], 1.0);
    out.family("statusgap_watch_verdict", Type::StateSet, "The rolling verdict; all 0 before the first round has ended.");
    verdict(out, "statusgap_watch_verdict", &[], live.verdict);
    out.family("statusgap_watch_start_seconds", Type::Gauge, "Wall clock at the beginning of the watch, since 1970.");
    out.sample("", &[], live.began.unix);
    out.family("statusgap_watch_interval_seconds", Type::Gauge, "From the beginning of one round to that of the next, at least.");
    out.sample("", &[], live.every.as_secs_f64());
    if let Some(since) = &live.since {
        out.family("statusgap_watch_verdict_since_seconds", Type::Gauge, "Wall clock at the last change of the rolling verdict.");
        out.sample("", &[], since.unix);
    }
    if let Some(last) = live.recent.first() {
        out.family("statusgap_watch_last_round_seconds", Type::Gauge, "Wall clock at the beginning of the last round that has ended.");
        out.sample("", &[], last.began.unix);
    }
    out.family("statusgap_watch_window_rounds", Type::Gauge, "Rounds that are judged together.");
    out.sample("", &[], live.kept.0 as f64);
    out.family("statusgap_watch_clean_rounds_owed", Type::Gauge, "Clean rounds in a row that a fail still needs to end.");
    out.sample("", &[], f64::from(live.owed));
}

fn counters(out: &mut Exposition, live: &WatchStatus) {
    out.family("statusgap_watch_rounds", Type::Counter, "Rounds by the verdict of each alone.");
    for (count, outcome) in live.rounds.iter().zip(WatchStatus::OUTCOMES) {
        out.sample("_total", &[("outcome", outcome.word())], *count as f64);
    }
    for (name, help, count) in [
        ("statusgap_watch_changes", "Changes of the rolling verdict.", live.changed),
        ("statusgap_watch_scans", "Scans that were accepted.", live.scans),
        ("statusgap_watch_denied_scans", "Accepted scans that were denied.", live.denied),
        ("statusgap_watch_exchanges", "Requests of all kinds.", live.exchanges),
    ] {
        out.family(name, Type::Counter, help);
        out.sample("_total", &[], count as f64);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::report::{samples, watch_status};

    #[test]
    fn a_watch_is_one_exposition_whose_series_stand_once() {
        let live = watch_status::sample();
        for view in [None, Some(samples::view(&samples::seed_bug()))] {
            let text = watch_openmetrics(&live, view.as_ref());
            let body = text.strip_suffix("# EOF\n").expect("an end");
            let (mut families, mut series) = (BTreeSet::new(), BTreeSet::new());
            for line in body.lines() {
                match line.strip_prefix("# TYPE ").and_then(|declared| declared.split(' ').next()) {
                    Some(family) => assert!(families.insert(family), "{family} is declared twice"),
                    None if line.starts_with('#') => {}
                    None => assert!(series.insert(line.rsplit_once(' ').expect("a value").0), "{line} stands there twice"),
                }
            }
            for line in [
                "# TYPE statusgap_watch_rounds counter",
                "statusgap_watch_rounds_total{outcome=\"failing\"} 2",
                "statusgap_watch_verdict{statusgap_watch_verdict=\"fail\"} 1",
                "statusgap_watch_verdict{statusgap_watch_verdict=\"pass\"} 0",
                "statusgap_watch_denied_scans_total 5",
                "statusgap_watch_interval_seconds 30",
                "statusgap_watch_last_round_seconds 1767225690",
            ] {
                assert!(text.lines().any(|told| told == line), "{line} is not in {text}");
            }
            assert_eq!(text.contains("statusgap_run_info"), view.is_some());
        }
    }

    /// What the alert rules and the dashboard ask for: the names of the metrics in every expression of a file.
    fn asked_for(text: &str) -> BTreeSet<&str> {
        let expressions = text.lines().filter_map(|line| line.trim_start().trim_start_matches('"').strip_prefix("expr"));
        let names = expressions.flat_map(|line| line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_'));
        names.filter(|name| name.starts_with("statusgap_")).collect()
    }

    #[test]
    fn alerts_and_dashboard_ask_for_metrics_that_there_are() {
        let live = watch_status::sample();
        let text = watch_openmetrics(&live, Some(&samples::view(&samples::seed_bug())));
        let there: BTreeSet<&str> =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
        let labels = "statusgap_watch_verdict{statusgap_watch_verdict=";
        assert!(text.contains(labels), "the name of a state set is one of its labels, too");
        for (file, least) in
            [(include_str!("../../../deploy/prometheus-alerts.yml"), 3), (include_str!("../../../deploy/grafana-dashboard.json"), 10)]
        {
            let asked = asked_for(file);
            assert!(asked.len() >= least, "the expressions are not found any more: {asked:?}");
            assert!(asked.is_subset(&there), "there are no {:?}", asked.difference(&there).collect::<Vec<_>>());
        }
    }
}
