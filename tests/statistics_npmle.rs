//! The interval-censored estimate against 20 golden sets, and properties that hold for any set of brackets.
#![allow(clippy::unwrap_used)]

mod golden;

use golden::{close, json, number, real, rows, text};
use serde_json::Value;
use statusgap::analysis::npmle::{Method, Npmle, Observation, npmle};

fn check(name: &str, observations: &[Observation], answer: &Value) -> Npmle {
    let fit = npmle(observations);
    let support = answer["support"].as_array().unwrap();
    assert_eq!(fit.n, answer["n"].as_u64().unwrap(), "{name}");
    assert_eq!(
        fit.support.len(),
        support.len(),
        "{name}: {:?}",
        fit.support
    );
    for (ours, golden) in fit.support.iter().zip(support) {
        assert_eq!(
            (ours.left, ours.right),
            (number(&golden["L"]), number(&golden["R"])),
            "{name}"
        );
        close(ours.mass, number(&golden["mass"]), 1e-12, name);
    }
    // the golden likelihood has 30 digits; ours is a sum of up to 850 rounded logarithms
    close(fit.log_likelihood, number(&answer["loglik"]), 1e-9, name);
    assert!(fit.kkt_gap < 1e-9, "{name}: gap {}", fit.kkt_gap);
    assert_eq!(fit.unique, answer["unique"].as_bool().unwrap(), "{name}");
    fit
}

fn answer(file: &Value, name: &str) -> Value {
    file.as_array()
        .unwrap()
        .iter()
        .find(|set| set["name"] == name)
        .unwrap()
        .clone()
}

/// Brackets from a table whose first two columns are the ends and whose third is the group.
fn brackets(table: &str, group: &str) -> Vec<Observation> {
    rows(table)
        .iter()
        .filter(|row| group.is_empty() || row[2] == group)
        .map(|row| Observation::new(real(&row[0]), real(&row[1])))
        .collect()
}

#[test]
fn small_published_sets_equal_their_golden_answers() {
    let answers = json("npmle_golden.json");
    let sets: [(&str, &[(f64, f64)]); 3] = [
        (
            "fay_shaw_example1",
            &[
                (2.0, 3.0),
                (5.0, 6.0),
                (1.0, 7.0),
                (1.0, 7.0),
                (9.0, 12.0),
                (8.0, 10.0),
                (10.0, 13.0),
            ],
        ),
        (
            "adjacent_halfopen_trap",
            &[
                (0.0, 1.0),
                (0.0, 1.0),
                (0.0, 1.0),
                (0.0, 1.0),
                (0.0, 1.0),
                (1.0, 2.0),
                (1.0, 2.0),
                (1.0, 2.0),
                (1.0, 2.0),
                (1.0, 2.0),
            ],
        ),
        (
            "lifelines_unit_test_halfopen",
            &[
                (1.0, 7.0),
                (8.0, 8.0),
                (8.0, 10.0),
                (7.0, 16.0),
                (7.0, 14.0),
                (17.0, f64::INFINITY),
                (37.0, 44.0),
                (46.0, f64::INFINITY),
                (46.0, f64::INFINITY),
                (45.0, f64::INFINITY),
            ],
        ),
    ];
    for (name, ends) in sets {
        let observations: Vec<_> = ends.iter().map(|&(a, b)| Observation::new(a, b)).collect();
        check(name, &observations, &answer(&answers, name));
    }
}

#[test]
fn published_data_sets_equal_their_golden_answers() {
    let answers = json("npmle_golden.json");
    for (name, file, group, method) in [
        (
            "npsurv_cancer_RT",
            "npsurv_cancer.csv",
            "RT",
            Method::Newton,
        ),
        (
            "npsurv_cancer_RCT",
            "npsurv_cancer.csv",
            "RCT",
            Method::Newton,
        ),
        (
            "kmsurv_bcdeter_R",
            "kmsurv_bcdeter.csv",
            "1",
            Method::Newton,
        ),
        (
            "kmsurv_bcdeter_RC",
            "kmsurv_bcdeter.csv",
            "2",
            Method::Newton,
        ),
        ("mice_ce", "mice.csv", "ce", Method::PooledAdjacentViolators),
        ("mice_ge", "mice.csv", "ge", Method::PooledAdjacentViolators),
        (
            "mice_pooled",
            "mice.csv",
            "",
            Method::PooledAdjacentViolators,
        ),
        ("ir_diabetes", "ir_diabetes.csv", "", Method::Newton),
    ] {
        let fit = check(name, &brackets(&text(file), group), &answer(&answers, name));
        assert_eq!(fit.method, method, "{name}");
    }
}

#[test]
fn sets_shaped_like_our_runs_equal_their_golden_answers() {
    for set in json("harness_golden.json").as_array().unwrap() {
        let observations: Vec<_> = set["obs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ends| Observation::new(number(&ends[0]), number(&ends[1])))
            .collect();
        check(set["name"].as_str().unwrap(), &observations, set);
    }
}
