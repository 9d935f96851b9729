//! The binary without the simulation of causes, which takes up to a minute in a build for tests and has tests of its own.

const SIMULATING: [&str; 5] = ["run", "reproduce", "diagnose", "report", "bundle"];

/// The words of a command line, with `--no-twin` after the name of a command that simulates causes.
pub fn twinless<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut words: Vec<&str> = words.into_iter().collect();
    if let Some(command) = words.iter().position(|word| SIMULATING.contains(word)) {
        words.insert(command + 1, "--no-twin");
    }
    words
}
