//! The interval-censored estimate against 20 golden sets, and properties that hold for any set of brackets.

use crate::support::golden;

use golden::{close, json, number, real, rows, text, withheld};
use proptest::prelude::*;
use serde_json::Value;
use statusgap::statistics::npmle::{Method, Npmle, Observation, npmle};

fn check(name: &str, observations: &[Observation], answer: &Value) -> Npmle {
    let fit = npmle(observations);
    let support = answer["support"].as_array().unwrap();
    assert_eq!(fit.n, answer["n"].as_u64().unwrap(), "{name}");
    assert_eq!(fit.support.len(), support.len(), "{name}: {:?}", fit.support);
    for (ours, golden) in fit.support.iter().zip(support) {
        assert_eq!((ours.left, ours.right), (number(&golden["L"]), number(&golden["R"])), "{name}");
        close(ours.mass, number(&golden["mass"]), 1e-12, name);
    }
    // the golden likelihood has 30 digits; ours is a sum of up to 850 rounded logarithms
    close(fit.log_likelihood, number(&answer["loglik"]), 1e-9, name);
    assert!(fit.kkt_gap < 1e-9, "{name}: gap {}", fit.kkt_gap);
    assert_eq!(fit.unique, answer["unique"].as_bool().unwrap(), "{name}");
    fit
}

fn answer(file: &Value, name: &str) -> Value {
    file.as_array().unwrap().iter().find(|set| set["name"] == name).unwrap().clone()
}

/// Brackets from a table whose first two columns are the ends and whose third is the group.
fn brackets(table: &str, group: &str) -> Vec<Observation> {
    rows(table).iter().filter(|row| group.is_empty() || row[2] == group).map(|row| Observation::new(real(&row[0]), real(&row[1]))).collect()
}

#[test]
fn small_published_sets_equal_their_golden_answers() {
    let answers = json("npmle_golden.json");
    let sets: [(&str, &[(f64, f64)]); 3] = [
        ("fay_shaw_example1", &[(2.0, 3.0), (5.0, 6.0), (1.0, 7.0), (1.0, 7.0), (9.0, 12.0), (8.0, 10.0), (10.0, 13.0)]),
        (
            "adjacent_halfopen_trap",
            &[(0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0)],
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
        ("npsurv_cancer_RT", "npsurv_cancer.csv", "RT", Method::Newton),
        ("npsurv_cancer_RCT", "npsurv_cancer.csv", "RCT", Method::Newton),
        ("kmsurv_bcdeter_R", "kmsurv_bcdeter.csv", "1", Method::Newton),
        ("kmsurv_bcdeter_RC", "kmsurv_bcdeter.csv", "2", Method::Newton),
        ("mice_ce", "mice.csv", "ce", Method::PooledAdjacentViolators),
        ("mice_ge", "mice.csv", "ge", Method::PooledAdjacentViolators),
        ("mice_pooled", "mice.csv", "", Method::PooledAdjacentViolators),
        ("ir_diabetes", "ir_diabetes.csv", "", Method::Newton),
    ] {
        let fit = check(name, &brackets(&text(file), group), &answer(&answers, name));
        assert_eq!(fit.method, method, "{name}");
    }
}

#[test]
fn sets_shaped_like_our_runs_equal_their_golden_answers() {
    for set in json("harness_golden.json").as_array().unwrap() {
        let observations: Vec<_> =
            set["obs"].as_array().unwrap().iter().map(|ends| Observation::new(number(&ends[0]), number(&ends[1]))).collect();
        check(set["name"].as_str().unwrap(), &observations, set);
    }
}

#[test]
fn withheld_data_sets_equal_their_golden_answers() {
    let answers = json("npmle_golden.json");
    if let Some(table) = withheld("bcos.csv") {
        for (name, group) in [("bcos_Rad", "Rad"), ("bcos_RadChem", "RadChem"), ("bcos_pooled", "")] {
            check(name, &brackets(&table, group), &answer(&answers, name));
        }
    }
    if let Some(table) = withheld("hepA_bulgaria.csv") {
        let looks: Vec<_> = rows(&table)
            .iter()
            .map(|row| match row[1].as_str() {
                "1" => Observation::new(0.0, real(&row[0])),
                _ => Observation::new(real(&row[0]), f64::INFINITY),
            })
            .collect();
        let fit = check("hepA_bulgaria", &looks, &answer(&answers, "hepA_bulgaria"));
        assert_eq!(fit.method, Method::PooledAdjacentViolators);
    }
}

#[test]
fn single_looks_give_the_exact_fractions() {
    let fractions = &json("other_golden.json")["current_status_pava"];
    for (name, group) in [("mice_ce", "ce"), ("mice_ge", "ge")] {
        let fit = npmle(&brackets(&text("mice.csv"), group));
        for step in fractions[name].as_array().unwrap() {
            let (over, _) = fit.cdf_bounds(number(&step["to_time"]));
            close(over, number(&step["F_float"]), 1e-15, name);
        }
    }
}

#[test]
fn right_censored_exact_times_give_the_product_limit_estimate() {
    let times: Vec<_> = rows(&text("drug6mp.csv"))
        .iter()
        .filter(|row| row[2] == "6MP")
        .map(|row| match row[1].as_str() {
            "1" => Observation::exact(real(&row[0])),
            _ => Observation::new(real(&row[0]), f64::INFINITY),
        })
        .collect();
    let fit = npmle(&times);
    assert_eq!(fit.method, Method::ProductLimit);
    // Freireich's 6-MP arm, as printed in any textbook, with more digits
    for (at, open) in [
        (6.0, 0.857_142_857_142),
        (7.0, 0.806_722_689_076),
        (10.0, 0.752_941_176_471),
        (13.0, 0.690_196_078_431),
        (16.0, 0.627_450_980_392),
        (22.0, 0.537_815_126_050),
        (23.0, 0.448_179_271_709),
    ] {
        close(1.0 - fit.cdf_bounds(at).0, open, 1e-12, "6-MP");
    }
    assert!(fit.kkt_gap < 1e-9);
}

/// Brackets on a coarse grid, so that ends coincide; some exact, some open-ended.
fn any_brackets() -> impl Strategy<Value = Vec<Observation>> {
    let bracket = (0_u32..40, 0_u32..12, 0_u32..10, 1_u64..4).prop_map(|(after, length, kind, weight)| Observation {
        after: f64::from(after),
        until: match kind {
            0 => f64::INFINITY,
            _ => f64::from(after + length),
        },
        weight,
    });
    prop::collection::vec(bracket, 1..60)
}

/// Brackets with ends that hardly ever coincide.
fn scattered_brackets() -> impl Strategy<Value = Vec<Observation>> {
    let bracket = (0.0..100.0_f64, 0.01..80.0_f64, 0_u32..10)
        .prop_map(|(after, length, kind)| Observation::new(after, if kind == 0 { f64::INFINITY } else { after + length }));
    prop::collection::vec(bracket, 1..120)
}

fn same_estimate(one: &Npmle, other: &Npmle, time: impl Fn(f64) -> f64) -> Result<(), TestCaseError> {
    prop_assert_eq!(one.support.len(), other.support.len(), "{:?}\n{:?}", one, other);
    for (a, b) in one.support.iter().zip(&other.support) {
        prop_assert_eq!((time(a.left), time(a.right)), (b.left, b.right));
        prop_assert!((a.mass - b.mass).abs() < 1e-7, "{:?} {:?}", a, b);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_estimate_carries_its_certificate(observations in prop_oneof![any_brackets(), scattered_brackets()]) {
        let fit = npmle(&observations);
        let sum: f64 = fit.support.iter().map(|mass| mass.mass).sum();
        prop_assert!(fit.kkt_gap < 1e-9, "gap {} {:?}", fit.kkt_gap, fit.method);
        prop_assert!(fit.unique);
        prop_assert!((sum - 1.0).abs() < 1e-12, "{sum}");
    }

    #[test]
    fn the_order_of_the_brackets_does_not_matter(observations in any_brackets()) {
        let mut reversed = observations.clone();
        reversed.reverse();
        prop_assert_eq!(npmle(&observations), npmle(&reversed));
    }

    #[test]
    fn repeating_a_bracket_is_giving_it_weight(observations in any_brackets()) {
        let repeated: Vec<_> = observations
            .iter()
            .flat_map(|one| (0..one.weight).map(|_| Observation { weight: 1, ..*one }))
            .collect();
        prop_assert_eq!(npmle(&observations), npmle(&repeated));
    }

    #[test]
    fn only_the_order_of_the_times_matters(observations in any_brackets()) {
        let stretch = |t: f64| t * t + 3.0 * t;
        let stretched: Vec<_> = observations
            .iter()
            .map(|one| Observation { after: stretch(one.after), until: stretch(one.until), ..*one })
            .collect();
        same_estimate(&npmle(&observations), &npmle(&stretched), stretch)?;
    }
}
