//! Which scenarios are meant: the shipped ones by name, or files and folders.

use std::path::Path;

use crate::cli::error::CliError;
use crate::model::scenario::Scenario;
use crate::model::source::{Source, nearest};
use crate::verdict::power::sized;

/// The shipped scenarios, in the order in which they begin: controls first; then what must come before other jobs are asked for; then
/// what waits for the ends of jobs, beside all the rest; then small loads, beside each other where jobs are alike; and last, alone, jobs that
/// are all asked for at once.
const SHIPPED: [(&str, &str); 10] = [
    ("unknown-id", include_str!("../../../scenarios/unknown-id.toml")),
    ("concurrent-polls", include_str!("../../../scenarios/concurrent-polls.toml")),
    ("completion", include_str!("../../../scenarios/completion.toml")),
    ("repeat-request", include_str!("../../../scenarios/repeat-request.toml")),
    ("foreign-user", include_str!("../../../scenarios/foreign-user.toml")),
    ("immediate", include_str!("../../../scenarios/immediate.toml")),
    ("settled", include_str!("../../../scenarios/settled.toml")),
    ("keep-alive", include_str!("../../../scenarios/keep-alive.toml")),
    ("zero-delay", include_str!("../../../scenarios/zero-delay.toml")),
    ("burst", include_str!("../../../scenarios/burst.toml")),
];

/// Shipped, and run only where it is named: it asks for more scans than all the others together.
const GATE: (&str, &str) = ("gate", include_str!("../../../scenarios/gate.toml"));

/// Shipped as what `watch` repeats.
const CANARY: (&str, &str) = ("canary", include_str!("../../../scenarios/canary.toml"));

/// The names of the shipped scenarios.
pub fn names() -> impl Iterator<Item = &'static str> {
    by_name().map(|(name, _)| *name)
}

/// Resolves what was named on the command line; nothing named means all shipped scenarios.
pub fn resolve(named: &[String]) -> Result<Vec<Scenario>, CliError> {
    if named.is_empty() {
        return SHIPPED.iter().map(|(name, text)| shipped(name, text)).collect();
    }
    let mut scenarios: Vec<Scenario> = Vec::new();
    for name in named {
        let path = Path::new(name);
        if let Some((name, text)) = by_name().find(|(shipped, _)| shipped == name) {
            scenarios.push(shipped(name, text)?);
        } else if path.is_dir() {
            scenarios.extend(folder(path)?);
        } else if path.is_file() {
            scenarios.push(file(path)?);
        } else {
            let meant = nearest(name, by_name().map(|(name, _)| *name));
            let hint = match meant {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("name a file, a folder, or one of: {}", by_name().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")),
            };
            return Err(CliError::usage(format!("there is no scenario and no file `{name}`"), hint));
        }
    }
    for (index, scenario) in scenarios.iter().enumerate() {
        if scenarios[..index].iter().any(|earlier| earlier.name == scenario.name) {
            return Err(CliError::usage(format!("two scenarios are named `{}`", scenario.name), "give each a name of its own"));
        }
    }
    Ok(scenarios)
}

fn by_name() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SHIPPED.iter().chain([&GATE, &CANARY])
}

fn shipped(name: &str, text: &str) -> Result<Scenario, CliError> {
    Ok(sized(Scenario::read(Source { file: &format!("{name}.toml (built in)"), text })?))
}

fn folder(path: &Path) -> Result<Vec<Scenario>, CliError> {
    let entries = std::fs::read_dir(path).map_err(|source| CliError::file("read the folder", path, source))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(CliError::usage(format!("the folder `{}` holds no .toml file", path.display()), "name a folder with scenario files"));
    }
    files.iter().map(|path| file(path)).collect()
}

fn file(path: &Path) -> Result<Scenario, CliError> {
    let text = std::fs::read_to_string(path).map_err(|source| CliError::file("read", path, source))?;
    Ok(sized(Scenario::read(Source { file: &path.display().to_string(), text: &text })?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_scenario_is_right_and_named_after_its_file() {
        for (name, text) in by_name() {
            let scenario = Scenario::read(Source { file: name, text }).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(scenario.name, *name);
        }
    }
}
