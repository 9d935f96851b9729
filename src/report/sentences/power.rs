//! What a gate can see and what it cannot.

// Writing to a String cannot fail.
use std::fmt::Write as _;

use crate::model::scenario::Scenario;
use crate::model::time::Span;
use crate::report::words::{are, count, counted, planned_span};
use crate::verdict::power::{self, GateSize, Outlook};

/// What it detects with its scans, and what it misses as often as not.
pub fn outlook(seen: &Outlook) -> String {
    format!("{} at each offset: {}", counted(seen.scans, "scan"), detects(seen))
}

/// The same without the scans.
pub fn detects(seen: &Outlook) -> String {
    let Some(detection) = seen.detects else {
        return "it can never fail: so few scans cannot show that more than the tolerated rate is denied".to_owned();
    };
    format!(
        "{} a rate of {} with power {}; misses a rate under {} half the time",
        if detection.falls_short { "only detects" } else { "detects" },
        percent(detection.rate),
        probability(detection.power),
        percent(detection.half)
    )
}

/// What a scenario's gate will be able to see, in two lines, and how long the usual sizes would take.
pub fn plan(scenario: &Scenario) -> Option<String> {
    let plan = power::plan(scenario)?;
    let mut text = outlook(&plan.outlook);
    if let Some((rate, needed)) = plan.short_of {
        let scans = plan.outlook.scans;
        let _ =
            write!(text, "\n{} takes {} at each offset, and there {} {}", percent(rate), counted(needed, "scan"), are(scans), count(scans));
    }
    if !plan.sizes.is_empty() {
        let sizes: Vec<String> = plan.sizes.iter().map(size).collect();
        let _ = write!(text, "\nto detect {}", sizes.join(", "));
    }
    Some(text)
}

/// `1 % with power 0.95 takes 299 scans (at most 6s)`.
fn size(size: &GateSize) -> String {
    // Nobody plans by the millisecond.
    let at_most = Span(std::time::Duration::from_millis(size.at_most.0.as_millis().div_ceil(100) as u64 * 100));
    format!(
        "{} with power {} takes {} (at most {})",
        percent(size.rate),
        probability(size.power),
        counted(size.scans, "scan"),
        planned_span(at_most)
    )
}

/// A rate in per cent with three digits that count, since rates to be detected are small: `1 %`, `0.232 %`.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let digits = if percent >= 100.0 { 0 } else { (2 - percent.max(1e-9).log10().floor() as i32).clamp(0, 9) };
    let text = format!("{percent:.*}", digits as usize);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} %")
}

/// A probability, never rounded up to certainty.
fn probability(power: f64) -> String {
    if power > 0.999 { "over 0.999".to_owned() } else { format!("{power:.3}").trim_end_matches('0').trim_end_matches('.').to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::power::Power;
    use crate::verdict::power::tests::scenario;

    #[test]
    fn a_gate_says_what_it_detects_and_what_it_misses() {
        for (telling, told) in [
            ("[load]\nscans = 50", "detects a rate of 5 % with power 0.923; misses a rate under 1.38 % half the time"),
            ("[load]\ndetect = { rate = 0.01 }", "detects a rate of 1 % with power 0.95; misses a rate under 0.232 % half the time"),
            ("[load]\nscans = 1", "detects a rate of 100 % with power over 0.999; misses a rate under 50 % half the time"),
            ("[load]\nscans = 3\n[expect]\nnot_found = { at_most = 0.5 }", "it can never fail"),
        ] {
            let scenario = scenario(telling);
            let power = Power::of(&scenario, u64::from(scenario.load.scans)).expect("a gate");
            let written = outlook(&power.outlook(scenario.load.detect));
            assert!(written.contains(told), "{telling}: {written}");
        }
    }

    #[test]
    fn a_run_that_was_cut_short_says_what_is_left_of_its_plan() {
        let mut scenario = scenario("[load]\ndetect = { rate = 0.01 }");
        scenario.load.scans = 50;
        let told = plan(&scenario).expect("a gate");
        assert!(told.contains("only detects a rate of 1 % with power 0.395"), "{told}");
        assert!(told.contains("1 % takes 299 scans at each offset, and there are 50"), "{told}");
    }

    #[test]
    fn shares_are_written_with_three_digits_and_no_idle_zeros() {
        assert_eq!([1.0, 0.5, 0.01, 0.002_315, 0.1234, 1e-4].map(percent), ["100 %", "50 %", "1 %", "0.231 %", "12.3 %", "0.01 %"]);
    }
}
