//! OpenAPI documents and archives are read as the descriptions of a target, or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statusgap::draft::openapi::{self, DocumentOptions};
use statusgap::draft::pair::{PairOptions, of_recording};
use statusgap::draft::{Draft, Origin, from_assumptions, har, recorded};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(calls) = har::calls(text)
        && let Ok(pair) = of_recording(&calls, PairOptions::default())
    {
        let _ = recorded(&pair, &calls, None);
    }
    let options = DocumentOptions { from: Some("http://h/openapi.json"), ..DocumentOptions::default() };
    let Ok(pair) = openapi::pair(text, options) else { return };
    let Ok(draft) = Draft::of(pair, None) else { return };
    let origin = Origin { source: "fuzzed.yaml", file: "fuzzed.toml", schema: None };
    if let Err(error) = from_assumptions(&draft, Some("/id"), &[7; 32], origin, &|_| None) {
        assert!(!error.what.contains("cannot be read"), "a file was made that cannot be read: {}", error.what);
    }
});
