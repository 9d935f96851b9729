//! A log is read or refused; one that is read is analysed, judged and reported in every format,
//! and becomes an archive that is read back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::analysis::analyse;
use statusgap::bundle;
use statusgap::import::{self, Options, import};
use statusgap::model::time::Span;
use statusgap::report::{Colour, Format, Style, View, render};
use statusgap::target::Hosts;
use statusgap::verdict::judge;

fuzz_target!(|bytes: &[u8]| {
    let journal = match statusgap::log::read("fuzzed.ndjson", bytes) {
        Ok(journal) => journal,
        Err(error) => {
            error.to_string();
            return;
        }
    };
    let analysis = analyse(&journal);
    let view = View::of(&journal, &analysis, &judge(&journal, &analysis));
    for format in Format::ALL {
        render(&view, format, Style { width: 80, colour: Colour::Off });
    }
    let mut archive = Vec::new();
    bundle::archive(&journal, &mut archive).expect("memory takes all");
    let options = Options { target: None, hosts: Hosts::Own, at: Vec::new(), tolerance: Span::millis(50) };
    let _ = import("fuzzed.har", &archive[..], &import::Format::Har, &options);
    let _ = bundle::script(&journal, &analysis, &view.headline);
});
