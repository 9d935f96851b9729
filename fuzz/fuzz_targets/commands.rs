//! Commands are read or refused, and so is whatever target file is made of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::draft::pair::{PairOptions, of_commands};
use statusgap::draft::{Draft, Origin, commands, from_assumptions, kind_of};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = kind_of(text);
    let Ok(found) = commands(text, &|_| Err("no files".to_owned())) else { return };
    let Ok(pair) = of_commands(&found.calls, PairOptions::default()) else { return };
    let Ok(draft) = Draft::of(pair, None) else { return };
    let origin = Origin { source: "fuzzed.txt", file: "fuzzed.toml", schema: None };
    if let Err(error) = from_assumptions(&draft, Some("/id"), &[7; 32], origin, &|_| None) {
        assert!(!error.what.contains("cannot be read"), "a file was made that cannot be read: {}", error.what);
    }
});
