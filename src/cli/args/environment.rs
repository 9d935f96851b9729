//! The variables that the program reads and the files that it reads and writes, as manual pages list them.

use crate::cli::config::PROBING;

/// A name, and what it is for.
pub type Named = (&'static str, &'static str);

const OF_ALL: &[Named] = &[
    ("STATUSGAP_CONFIG", "The file with defaults, as --config names it."),
    (
        "STATUSGAP_KEY",
        "The default of an option of run, reproduce and watch: --max-rps is STATUSGAP_MAX_RPS. A flag is stronger; a file is weaker.",
    ),
    ("STATUSGAP_COMMAND_KEY", "The same for one command alone, such as STATUSGAP_RUN_SEED."),
    ("NO_COLOR, CLICOLOR_FORCE, CLICOLOR", "Whether the output is coloured where --color does not say."),
    ("COLUMNS", "The width of the output; without it, the terminal's."),
];

const OF_PROBING: &[Named] = &[
    (
        "HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, NO_PROXY",
        "The proxy to a target, where --proxy does not say. Each is read in small letters, too.",
    ),
    ("CI, GITHUB_ACTIONS, GITLAB_CI, JENKINS_URL", "A build machine, or the like: progress is written as lines rather than drawn."),
    ("GITHUB_STEP_SUMMARY, GITHUB_OUTPUT", "Where GitHub Actions runs the command: files to which the result is appended."),
];

const CONFIGURATION: Named = ("statusgap.toml", "Defaults of options, in this folder or in a parent, up to the repository's root.");

const OF_A_RUN: &[Named] = &[
    ("reports/TIME-NAME/log.ndjson", "Every exchange of the run, as it happened; all else is made of it."),
    ("reports/TIME-NAME/result.json", "The result for programs; statusgap schema result describes it."),
    ("reports/TIME-NAME/report.md, report.html", "The report for people."),
];

/// The variables that a command reads.
pub fn variables(command: &str) -> Vec<Named> {
    let probing: &[Named] = if probes(command) { OF_PROBING } else { &[] };
    OF_ALL.iter().chain(probing).copied().collect()
}

/// The files that a command reads and writes where it is not told otherwise.
pub fn files(command: &str) -> Vec<Named> {
    let of_a_run: &[Named] = if probes(command) || command == "merge" { OF_A_RUN } else { &[] };
    std::iter::once(&CONFIGURATION).chain(of_a_run).copied().collect()
}

fn probes(command: &str) -> bool {
    command == "statusgap" || PROBING.contains(&command)
}
