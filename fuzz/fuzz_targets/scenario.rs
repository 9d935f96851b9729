//! A scenario file is read or refused, and one that is read has a plan.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::model::source::Source;
use statusgap::model::plan::Plan;
use statusgap::model::scenario::Scenario;

fuzz_target!(|text: &str| {
    match Scenario::read(Source { file: "fuzzed.toml", text }) {
        Ok(scenario) => {
            Plan::of(&scenario).total();
        }
        Err(error) => {
            error.to_string();
        }
    }
});
