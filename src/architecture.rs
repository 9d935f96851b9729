//! Who may name whom, held as a test: the direction in which the rooms depend on one another, and what the pure ones may not touch.
//!
//! Modules of one crate can all see each other, so nothing but this keeps an analysis from opening a socket. It reads the
//! sources as text: comments and tests are left out, and a room is named by its path from the crate's root.

use std::fs;
use std::path::{Path, PathBuf};

/// A room: what it may name of the others, and what it may not touch at all.
struct Room {
    name: &'static str,
    may_name: &'static [&'static str],
    barred: &'static [&'static str],
}

/// A pure room is a function of its inputs: no clock, no network, no files, no environment.
const EFFECTS: &[&str] = &["tokio", "reqwest", "hyper", "std::fs", "std::net", "std::env", "Instant", "SystemTime", "jiff"];

/// The log is kept in files, and its writer looks at the clock to keep its promise of flushing.
const LOG_EFFECTS: &[&str] = &["tokio", "reqwest", "hyper", "std::net", "std::env", "SystemTime", "jiff"];

/// What reads and writes recordings is pure too, but has to understand other tools' stamps.
const READING_EFFECTS: &[&str] =
    &["tokio", "reqwest", "hyper", "std::fs", "std::net", "std::env", "Instant", "SystemTime", "Timestamp::now"];

/// A target file is read in one place: `target` compiles it, and all others use what it compiled.
const UNTYPED_TOML: &[&str] = &["toml::Table", "toml::Value", "toml::{"];

/// Files that may read TOML without a type all the same. The keys of `statusgap.toml` are clap's, known only while it runs.
const UNTYPED_TOML_ALLOWED: &[&str] = &["cli/config/file.rs"];

/// All rooms but `cli`, which stands on top.
const BELOW_CLI: &[&str] = &[
    "model",
    "log",
    "target",
    "statistics",
    "analysis",
    "verdict",
    "bundle",
    "report",
    "import",
    "traces",
    "draft",
    "client",
    "run",
    "probe",
    "service",
];

const ROOMS: &[Room] = &[
    Room { name: "model", may_name: &[], barred: EFFECTS },
    Room { name: "log", may_name: &["model"], barred: LOG_EFFECTS },
    // Replies say when a record was made.
    Room { name: "target", may_name: &["model"], barred: READING_EFFECTS },
    // What people bring along is read as purely as a target file.
    Room { name: "draft", may_name: &["model", "target"], barred: EFFECTS },
    // The ordinary client: it measures nothing, and knows no scan.
    Room { name: "client", may_name: &["model", "target"], barred: &["std::fs", "std::env", "hyper"] },
    Room { name: "import", may_name: &["model", "target"], barred: READING_EFFECTS },
    Room { name: "statistics", may_name: &[], barred: EFFECTS },
    Room { name: "analysis", may_name: &["model", "statistics"], barred: EFFECTS },
    Room { name: "traces", may_name: &["model", "statistics", "analysis"], barred: EFFECTS },
    Room { name: "verdict", may_name: &["model", "statistics", "analysis"], barred: EFFECTS },
    Room { name: "bundle", may_name: &["model", "analysis", "target"], barred: READING_EFFECTS },
    Room { name: "report", may_name: &["model", "statistics", "analysis", "verdict", "bundle", "traces"], barred: EFFECTS },
    Room { name: "probe", may_name: &["model", "log", "target"], barred: &["std::fs", "std::env"] },
    // Bytes in, bytes out: whoever reads or secures it need know nothing else of the house, but where an event of a stream ends
    // (`model::events`), which the readers of replies must see in the same place.
    Room {
        name: "probe/http1",
        may_name: &["model"],
        barred: &["super::super", "crate::probe::", "std::fs", "std::env", "reqwest", "Instant", "SystemTime"],
    },
    Room { name: "service", may_name: &[], barred: &["reqwest"] },
    Room {
        name: "run",
        may_name: &[
            "model",
            "log",
            "target",
            "statistics",
            "analysis",
            "verdict",
            "bundle",
            "import",
            "traces",
            "draft",
            "client",
            "probe",
            "service",
        ],
        barred: &["clap", "println", "print", "eprintln", "eprint"],
    },
    // What an investigation asks next is decided as purely as what it found.
    Room { name: "run/investigate/plan", may_name: &["model", "statistics", "analysis"], barred: EFFECTS },
    Room { name: "cli", may_name: BELOW_CLI, barred: &[] },
    // A command parses, calls `run`, and prints.
    Room { name: "cli/commands", may_name: BELOW_CLI, barred: &["Probe", "Recorder", "analyse", "judge"] },
];

/// What is wrong with one file's text, one line each.
fn violations(room: &Room, file: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            // By the custom of the house a file's tests stand at its end; a test module declared further up is one line.
            if text.lines().nth(number + 1).is_some_and(|next| next.contains('{')) {
                break;
            }
            continue;
        }
        let code = line.split("//").next().unwrap_or_default();
        let mut tell = |what: String| found.push(format!("{file}:{}: `{}` {what}", number + 1, room.name));
        for root in ["crate::{", "std::{"].into_iter().filter(|root| code.contains(root)) {
            tell(format!("groups imports at `{root}`, which hides what it names"));
        }
        for named in code.split("crate::").skip(1) {
            let named: String = named.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let is_its_own = room.name.split('/').next() == Some(named.as_str());
            if !is_its_own && ROOMS.iter().any(|other| other.name == named) && !room.may_name.contains(&named.as_str()) {
                tell(format!("names `{named}`"));
            }
        }
        for barred in room.barred.iter().filter(|barred| is_word(code, barred)) {
            tell(format!("touches `{barred}`"));
        }
        let may_read_toml = room.name == "target" || UNTYPED_TOML_ALLOWED.contains(&file);
        for untyped in UNTYPED_TOML.iter().filter(|untyped| !may_read_toml && code.contains(**untyped)) {
            tell(format!("reads TOML as `{untyped}`"));
        }
    }
    found
}

/// Whether a path stands in a line by itself, and not as part of a longer name.
fn is_word(code: &str, path: &str) -> bool {
    let part_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    code.match_indices(path).any(|(at, _)| !code[..at].ends_with(part_of_name) && !code[at + path.len()..].starts_with(part_of_name))
}

/// Rooms and files whose findings are data: no sentence is made there, and none is compared. To hold another to it, add its path.
const DATA_ONLY: &[&str] = &["analysis", "verdict"];

/// Files of those rooms with words that are neither findings nor reasons, with the reason.
const WORDED: &[(&str, &str)] = &[
    ("analysis/baseline/conditions.rs", "the words of a saved baseline, by which conditions are compared"),
    ("verdict/comparison/criteria.rs", "errors in options"),
    ("verdict/comparison/usable.rs", "errors of a command"),
    ("verdict/comparison/mod.rs", "words of the published schema"),
];

/// Comparisons of texts that are parsing, by file, with the reason.
const PARSING: &[(&str, &str)] = &[
    ("analysis/baseline/mod.rs", "reads the timer's name in the header"),
    ("analysis/diagnosis/ids.rs", "looks for characters in the target's ids"),
    ("analysis/diagnosis/window_at_start/observer_effect.rs", "reads what a cache says in its headers"),
];

/// Where a file of findings makes a sentence, or decides by one. Attributes are text for the compiler.
fn english(file: &str, text: &str) -> Vec<String> {
    let worded = WORDED.iter().any(|(worded, _)| file == *worded);
    let parses = PARSING.iter().any(|(parsing, _)| file == *parsing);
    let tests = text.find("#[cfg(test)]").unwrap_or(text.len());
    let mut found = Vec::new();
    for (number, line) in text[..tests].lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        if code.trim_start().starts_with("#[") || ["panic!", "expect(", "assert"].iter().any(|excused| code.contains(excused)) {
            continue;
        }
        let is_sentence = |literal: &str| {
            let words = literal.split(' ').filter(|word| word.chars().any(char::is_alphabetic));
            words.count() >= 2
        };
        // Every other part between quotes is a literal; one that goes on over lines opens here.
        if !worded && code.split('"').skip(1).step_by(2).any(is_sentence) {
            found.push(format!("{file}:{}: a sentence", number + 1));
        }
        if !parses && [".contains(\"", ".starts_with(\"", ".ends_with(\"", "== \"", "!= \""].iter().any(|by| code.contains(by)) {
            found.push(format!("{file}:{}: a decision by a text", number + 1));
        }
    }
    found
}

/// All sources of a room that are not tests.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.sort();
    let (folders, files): (Vec<_>, Vec<_>) = paths.into_iter().partition(|path| path.is_dir());
    let rust = files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs"));
    let below = folders.iter().filter(|path| !path.ends_with("tests")).flat_map(|path| sources(path));
    rust.chain(below).collect()
}

#[test]
fn no_room_names_what_it_may_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for room in ROOMS {
        let files = sources(&root.join(room.name));
        assert!(!files.is_empty(), "the room `{}` has no sources: the table is out of date", room.name);
        for path in files {
            let text = fs::read_to_string(&path).expect("a readable source");
            found.extend(violations(room, &path.strip_prefix(&root).expect("below the root").display().to_string(), &text));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn findings_are_data() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for place in DATA_ONLY {
        let path = root.join(place);
        let files = if path.is_dir() { sources(&path) } else { vec![path] };
        for path in files {
            let text = fs::read_to_string(&path).expect("a readable source");
            found.extend(english(&path.strip_prefix(&root).expect("below the root").display().to_string(), &text));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_room_stands_in_the_table() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms: Vec<String> = fs::read_dir(root)
        .expect("sources")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    rooms.sort();
    // A part of a room with rules of its own is no room.
    let mut table: Vec<&str> = ROOMS.iter().map(|room| room.name).filter(|name| !name.contains('/')).collect();
    table.sort_unstable();
    assert_eq!(rooms, table);
}

#[test]
fn a_seeded_violation_is_found_with_its_place() {
    let check = |name: &str, text: &str| {
        let room = ROOMS.iter().find(|room| room.name == name).expect("a room of the table");
        violations(room, "seeded.rs", text)
    };
    assert_eq!(check("analysis", "use crate::model::time::Stamp;\nuse crate::probe::Clock;"), ["seeded.rs:2: `analysis` names `probe`"]);
    assert_eq!(check("service", "let e: crate::model::exchange::Exchange;"), ["seeded.rs:1: `service` names `model`"]);
    assert_eq!(check("report", "let now = Instant::now();"), ["seeded.rs:1: `report` touches `Instant`"]);
    assert_eq!(check("verdict", "std::fs::read(path)"), ["seeded.rs:1: `verdict` touches `std::fs`"]);
    assert_eq!(check("report", "text.parse::<toml::Table>()"), ["seeded.rs:1: `report` reads TOML as `toml::Table`"]);
    assert_eq!(check("target", "use toml::Value;"), [""; 0]);
    assert_eq!(check("cli/commands", "let probe = Probe::new(target);"), ["seeded.rs:1: `cli/commands` touches `Probe`"]);
    assert_eq!(check("target", "use crate::{model, probe};").len(), 1, "a grouped import hides what it names");
    let fine: [String; 0] = [];
    assert_eq!(check("model", "// unlike tokio's, see crate::probe\nlet Instantly = 1;"), fine);
    assert_eq!(check("model", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}"), fine, "tests may read fixtures");
}

#[test]
fn a_seeded_sentence_is_found_and_so_is_a_decision_by_one() {
    let check = |text: &str| english("seeded.rs", text).len();
    assert_eq!(check("let told = format!(\"{} scans were denied\", n);"), 1);
    assert_eq!(check("if told.starts_with(\"paired\") { weak() }"), 1);
    assert_eq!(check("if name == \"single-shots\" || told.contains(\"cannot tell\") {}"), 2);
    for fine in [
        "Fact::Healed { polls }, // after that none was denied",
        "#[expect(missing_docs, reason = \"the names say which\")]",
        "let word = \"not_found\"; let other = \"HTTP/2\";",
        "id.starts_with('0')",
        "#[cfg(test)]\nmod tests { const TOLD: &str = \"a sentence here\"; }",
    ] {
        assert_eq!(check(fine), 0, "{fine}");
    }
    assert!(english(PARSING[0].0, "note.contains(\"hit\")").is_empty(), "parsing compares texts");
}
