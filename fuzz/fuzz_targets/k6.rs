//! What k6 writes is imported or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::import::{Format, Options, import};
use statusgap::model::time::Span;
use statusgap::target::{Hosts, Target};

fuzz_target!(|bytes: &[u8]| {
    let target = Target::reference("http://h", &|_| None).expect("the shipped file is right");
    let options = Options { target: Some(&target), hosts: Hosts::Any, at: vec![Span::millis(0)], tolerance: Span::millis(50) };
    if let Err(error) = import("fuzzed.json", bytes, &Format::K6Json, &options) {
        error.to_string();
    }
});
