//! A server's lines are imported or refused, by any format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::import::{Format, LogFormat, Options, Stamped, import};
use statusgap::model::time::Span;
use statusgap::target::{Hosts, Target};

fuzz_target!(|input: (&str, &[u8], bool)| {
    let (format, bytes, at_start) = input;
    let target = Target::reference("http://h", &|_| None).expect("the shipped file is right");
    let stamped = if at_start { Stamped::Start } else { Stamped::End };
    for format in [Some(LogFormat::combined()), LogFormat::read(format).ok()].into_iter().flatten() {
        let options = Options { target: Some(&target), hosts: Hosts::Own, at: vec![Span::millis(0)], tolerance: Span::millis(50) };
        if let Err(error) = import("fuzzed.log", bytes, &Format::AccessLog(format, stamped), &options) {
            error.to_string();
        }
    }
});
