//! Examples of each command: help and manual pages end with them, and a test reads each as the parser does.

/// A command line, and what it does.
pub type Example = (&'static str, &'static str);

const PROGRAM: &[Example] = &[
    ("statusgap run", "find the bug in the reference service that ships with this program"),
    ("statusgap reproduce --target jobs.toml", "is my deployment broken, why, and what to do: a minute at most"),
    ("statusgap run gate --target jobs.toml --out gap --also junit", "a gate for a pipeline"),
];

const INIT: &[Example] = &[
    ("statusgap init --curl calls.txt", "a target file from two \"Copy as cURL\" commands, tried with one job"),
    ("statusgap init --curl - --yes", "the same from standard input, without the question"),
    ("statusgap init --har browser.har", "from a recording; sends nothing"),
    ("statusgap init https://api.example.com", "from the OpenAPI document that a service serves"),
    ("statusgap init jobs.toml --ci github", "the pipeline step for a target file"),
];

const RUN: &[Example] = &[
    ("statusgap run", "all shipped scenarios against the reference service: exit code 1, since the bug is there"),
    ("statusgap run --service sound --workers 4", "the same against the cured service: exit code 0"),
    ("statusgap run gate --target jobs.toml --out gap --also junit", "a gate in CI; gap/junit.xml is what the CI server shows"),
    ("statusgap run immediate settled --target http://127.0.0.1:8080", "two scenarios against a running reference service"),
    ("statusgap run --target jobs.toml --dry-run", "what would be sent; sends nothing"),
];

const REPRODUCE: &[Example] = &[
    ("statusgap reproduce --target jobs.toml", "is it there, what is it, what to do"),
    ("statusgap reproduce --curl calls.txt", "the same with two curl commands in place of a target file"),
    ("statusgap reproduce --target jobs.toml --budget 30s --max-jobs 20", "the same with less time and fewer jobs"),
    ("statusgap reproduce --target jobs.toml -vv", "with the full report, and every exchange as curl shows it"),
];

const DIAGNOSE: &[Example] = &[("statusgap diagnose gap/log.ndjson", "which causes the log supports, and which it rules out")];

const REPORT: &[Example] = &[
    ("statusgap report gap", "the first screen again, from the folder of a run"),
    ("statusgap report gap -v", "the full report"),
    ("statusgap report gap --format markdown", "for a ticket"),
    ("statusgap report monday tuesday --trend", "the trend over several runs"),
];

const COMPARE: &[Example] = &[("statusgap compare last-week/result.json gap", "is the new run worse?")];

const BUNDLE: &[Example] = &[("statusgap bundle gap/log.ndjson --out ticket", "report, log, repro.sh and HAR in one folder")];

const IMPORT: &[Example] = &[
    ("statusgap import har session.har --target jobs.toml", "what a browser recorded, as a log on standard output"),
    ("statusgap import k6-json out.json --target jobs.toml", "what k6 wrote with `--out json=out.json`"),
];

const MERGE: &[Example] = &[("statusgap merge shard-1/log.ndjson shard-2/log.ndjson --out all", "the logs of two shards as one run")];

const MATRIX: &[Example] = &[("statusgap matrix --seeds 1 --only sound", "one seed of the configurations named sound")];

const WATCH: &[Example] = &[
    ("statusgap watch --target jobs.toml", "four jobs every 30 s, with a page on http://127.0.0.1:9464"),
    ("statusgap watch --target jobs.toml --every 5m --on-change ./page-me", "less often, and a command when the verdict changes"),
];

const SERVE: &[Example] = &[
    ("statusgap serve --service deferred --port 8080", "the API with the bug"),
    ("statusgap serve --service sound --workers 4 --port 0", "the cured one on a free port"),
    ("statusgap serve --list-presets", "all presets, with what is wrong in each"),
];

const CHECK: &[Example] = &[
    ("statusgap check jobs.toml", "is the target file right, and what does it leave out?"),
    ("statusgap check --live jobs.toml", "the same, tried with one job"),
];

const SCHEMA: &[Example] = &[("statusgap schema target", "the form of a target file as JSON Schema")];

const EXPLAIN: &[Example] = &[
    ("statusgap explain A", "the cause with this letter"),
    ("statusgap explain SG-RYW", "the guarantee with this code"),
    ("statusgap explain", "all of them"),
];

const CONFIG: &[Example] = &[("statusgap config run", "the options in effect for `run`, and where each comes from")];

const COMPLETIONS: &[Example] = &[("statusgap completions bash", "what bash needs to complete commands, options and names")];

const MAN: &[Example] = &[("statusgap man /usr/local/share/man/man1", "the manual pages of all commands")];

/// The examples of a command; those of the program itself where no command is named.
pub fn of(command: &str) -> &'static [Example] {
    match command {
        "init" => INIT,
        "run" => RUN,
        "reproduce" => REPRODUCE,
        "diagnose" => DIAGNOSE,
        "report" => REPORT,
        "compare" => COMPARE,
        "bundle" => BUNDLE,
        "import" => IMPORT,
        "merge" => MERGE,
        "matrix" => MATRIX,
        "watch" => WATCH,
        "serve" => SERVE,
        "check" => CHECK,
        "schema" => SCHEMA,
        "explain" => EXPLAIN,
        "config" => CONFIG,
        "completions" => COMPLETIONS,
        "man" => MAN,
        "statusgap" => PROGRAM,
        _ => &[],
    }
}

/// The examples as help shows them.
pub fn as_help(examples: &[Example]) -> String {
    let lines: Vec<String> = examples.iter().map(|(line, what)| format!("  {line}\n      {what}")).collect();
    if lines.is_empty() { String::new() } else { format!("Examples:\n{}\n\n", lines.join("\n")) }
}
