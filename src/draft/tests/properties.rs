//! Whatever somebody brings along is read or refused, and never more than that.

use proptest::prelude::*;

use super::no_files;
use crate::draft::infer::{Contract, Evidence, Poll};
use crate::draft::openapi::{self, DocumentOptions};
use crate::draft::pair::{PairOptions, of_commands, of_recording};
use crate::draft::{Draft, commands, from_assumptions, har, kind_of};
use crate::model::call::Answered;

/// Pieces of which commands are made, in any order.
const PIECES: &[&str] = &[
    "curl ",
    "curl.exe ",
    "http://h/jobs",
    "/17",
    "?a=b",
    "'",
    "\"",
    "$'",
    "\\",
    "^",
    "`",
    "\n",
    "\r\n",
    " \\\n",
    " ^\n",
    " `\n",
    "-d ",
    "-H ",
    "-X ",
    "POST ",
    "--json ",
    "-F ",
    "-u ",
    "a:b ",
    "a=b ",
    "@x ",
    "$ID",
    "${ID}",
    "$(",
    ")",
    ";",
    "&",
    "|",
    "#",
    "{",
    "}",
    "<id>",
    "Invoke-WebRequest ",
    "-Uri ",
    "-Body ",
    "@{",
    "@\"",
    "\"@",
    "=",
    "$([char]",
    "fetch(\"",
    "\", {",
    "\\u00e",
    "\\x4",
    "é",
    "\u{e000}",
    "\u{e003}",
    "--next ",
    "-",
    "--",
    "[",
    "]",
];

fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES).prop_map(str::to_owned), 0..40).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => pieces, 1 => any::<String>()]
}

proptest! {
    #[test]
    fn commands_are_read_or_refused(text in text()) {
        let _ = kind_of(&text);
        if let Ok(found) = commands(&text, &no_files)
            && let Ok(pair) = of_commands(&found.calls, PairOptions::default())
                && let Ok(draft) = Draft::of(pair, None)
                // A file that is made can be read, whatever was copied; or it says why it cannot be made.
                && let Err(error) = from_assumptions(&draft, Some("/id"), &[3; 32], crate::draft::Origin { source: "x", file: "x", schema: None }, &|_| None)
        {
            prop_assert!(!error.what.contains("cannot be read"), "{text:?}: {}", error.what);
        }
    }

    #[test]
    fn recordings_and_documents_are_read_or_refused(text in text()) {
        if let Ok(calls) = har::calls(&text) {
            let _ = of_recording(&calls, PairOptions::default());
        }
        let _ = openapi::pair(&text, DocumentOptions::default());
        let _ = openapi::pair(&format!("openapi: 3.1.0\npaths:\n  /a:\n    post: {text}"), DocumentOptions::default());
    }

    #[test]
    fn answers_are_understood_or_refused(bodies in prop::collection::vec("(\\{\"(status|id|a)\":(\"(x|done|17)\"|null|\\[\\]|17)(,\"b\":\\{\"c\":[0-9]\\})?\\}|x)", 4), codes in prop::collection::vec(prop::sample::select(vec![200_u16, 202, 404, 403, 500]), 4)) {
        let answer = |at: usize| Answered { http: codes[at], headers: Vec::new(), body: bodies[at].clone().into_bytes() };
        let pair = super::pair("curl -d x h/jobs\ncurl h/jobs/16").expect("a pair");
        let polls = vec![Poll { age_ms: 0.0, answer: answer(2) }, Poll { age_ms: 1.0, answer: answer(3) }];
        let _ = Contract::of(&Evidence { posted: answer(0), id: "17".to_owned(), never: vec![answer(1), answer(1)], polls: polls.clone(), ..Evidence::default() }, &pair);
        let _ = Contract::of(&Evidence { posted: answer(0), id: "17".to_owned(), never: Vec::new(), polls, ..Evidence::default() }, &pair);
    }
}
