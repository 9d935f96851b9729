//! JSON lines are imported or refused, by any mapping: the first line is the mapping, the others are the log.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use statusgap::import::{Format, Mapping, Options, Stamped, import};
use statusgap::model::time::Span;
use statusgap::target::{Hosts, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| Target::reference("http://h", &|_| None).expect("the shipped file is right"));

fuzz_target!(|bytes: &[u8]| {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (mapping, log) = bytes.split_at(at);
    let mapping = match String::from_utf8_lossy(mapping).parse::<Mapping>() {
        Ok(mapping) => mapping,
        Err(error) => {
            error.to_string();
            return;
        }
    };
    for stamped in [Stamped::Start, Stamped::End] {
        let options = Options { target: Some(&*TARGET), hosts: Hosts::Own, at: vec![Span::millis(0)], tolerance: Span::millis(50) };
        if let Err(error) = import("fuzzed.ndjson", log, &Format::JsonLines(mapping.clone(), stamped, "ndjson"), &options) {
            error.to_string();
        }
    }
});
