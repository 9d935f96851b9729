//! JSON lines are imported or refused, by any mapping, and so are k6's.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::import::{Format, Mapping, Options, Stamped, import};
use statusgap::model::time::Span;
use statusgap::target::{Hosts, Target};

fuzz_target!(|input: (&str, &[u8], bool)| {
    let (mapping, bytes, at_start) = input;
    let target = Target::reference("http://h", &|_| None).expect("the shipped file is right");
    let stamped = if at_start { Stamped::Start } else { Stamped::End };
    let mapped = mapping.parse::<Mapping>().ok().map(|mapping| Format::JsonLines(mapping, stamped, "ndjson"));
    for format in [Some(Format::K6Json), Some(Format::JsonLines(Mapping::default(), stamped, "ndjson")), mapped].into_iter().flatten() {
        let options = Options { target: Some(&target), hosts: Hosts::Own, at: vec![Span::millis(0)], tolerance: Span::millis(50) };
        if let Err(error) = import("fuzzed.ndjson", bytes, &format, &options) {
            error.to_string();
        }
    }
});
