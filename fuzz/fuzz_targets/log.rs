//! A log is read or refused; one that is read is analysed, judged and reported in every format, and becomes an archive.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::analysis::analyse;
use statusgap::evidence;
use statusgap::report::{Colour, Format, Style, View, render};
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
    for format in [Format::Table, Format::Markdown, Format::Json] {
        render(&view, format, Style { width: 80, colour: Colour::Off });
    }
    evidence::archive(&journal);
    let _ = evidence::script(&journal, &analysis, &view.headline);
});
