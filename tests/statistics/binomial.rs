//! Binomial limits against golden values and against their own promise.

use crate::support::golden;

use golden::{close, json, number};
use statusgap::statistics::binomial::{clopper_pearson, lower_limit, n_for_zero_failures, pmf, upper_limit, zero_failure_bound};

#[test]
fn clopper_pearson_limits_equal_the_golden_ones() {
    for case in json("other_golden.json")["clopper_pearson"].as_array().unwrap() {
        let (x, n) = (case["x"].as_u64().unwrap(), case["n"].as_u64().unwrap());
        let limits = clopper_pearson(x, n, 0.95);
        let what = format!("{x} of {n}");
        close(limits.lower, number(&case["two_sided_95"][0]), 1e-14, &what);
        close(limits.upper, number(&case["two_sided_95"][1]), 1e-14, &what);
        close(upper_limit(x, n, 0.95), number(&case["one_sided_95_upper"]), 1e-14, &what);
        close(lower_limit(x, n, 0.95), number(&case["one_sided_95_lower"]), 1e-14, &what);
        close(upper_limit(x, n, 0.99), number(&case["one_sided_99_upper"]), 1e-14, &what);
    }
}

#[test]
fn zero_failures_bound_the_rate_as_the_golden_values_say() {
    for case in json("other_golden.json")["zero_failures"].as_array().unwrap() {
        let n = case["n"].as_u64().unwrap();
        close(zero_failure_bound(n, 0.95), number(&case["upper95"]), 1e-15, "95 %");
        close(zero_failure_bound(n, 0.99), number(&case["upper99"]), 1e-15, "99 %");
    }
}

#[test]
fn the_number_of_clean_trials_needed_equals_the_golden_one() {
    for case in json("other_golden.json")["n_needed_zero_failures"].as_array().unwrap() {
        let (rate, confidence) = (number(&case["p"]), number(&case["conf"]));
        assert_eq!(n_for_zero_failures(rate, confidence), case["n"].as_u64().unwrap(), "{case}");
    }
}

/// No simulation: the probability of every count is added up where its limits contain the truth.
#[test]
fn clopper_pearson_covers_the_truth_at_every_probability() {
    for n in [10, 50, 200] {
        let limits: Vec<_> = (0..=n).map(|x| clopper_pearson(x, n, 0.95)).collect();
        for grid in 1..1000 {
            let p = f64::from(grid) / 1000.0;
            let covered: f64 =
                (0..=n).filter(|&x| (limits[x as usize].lower..=limits[x as usize].upper).contains(&p)).map(|x| pmf(x, n, p)).sum();
            assert!(covered >= 0.95 - 1e-12, "n = {n}, p = {p}: {covered}");
        }
    }
}
