//! What k6 writes is imported or refused.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use statusgap::import::{Format, Options, import};
use statusgap::model::time::Span;
use statusgap::target::{Hosts, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| Target::reference("http://h", &|_| None).expect("the shipped file is right"));

fuzz_target!(|bytes: &[u8]| {
    let options = Options { target: Some(&*TARGET), hosts: Hosts::Any, at: vec![Span::millis(0)], tolerance: Span::millis(50) };
    if let Err(error) = import("fuzzed.json", bytes, &Format::K6Json, &options) {
        error.to_string();
    }
});
