//! The command that repeats a run, ready to be pasted: without what does not change what is measured, and without secrets.

use clap::{Arg, Command};

use crate::bundle::shell::literal;
use crate::cli::args::headings::is_measured;
use crate::cli::args::parser::parser;
use crate::cli::config::is_flag;
use crate::model::redaction::without_password;

/// What stands in place of a user's name and token.
const USER: &str = "NAME:TOKEN";

/// The command that repeats a run with this seed, of which the words say nothing if none was `given`.
pub fn with_seed(words: &[String], given: Option<u64>, seed: u64, without: &[&str]) -> String {
    let command = command(words, without);
    if given.is_some() { command } else { format!("{command} --seed {seed}") }
}

/// The words of a command line that repeat it, but for the options `without`.
pub fn command(words: &[String], without: &[&str]) -> String {
    let mut parser = parser();
    parser.build();
    let mut command = &parser;
    let mut repeated = vec!["statusgap".to_owned()];
    let mut words = words.iter().skip(1);
    while let Some(word) = words.next() {
        if let Some(inner) = command.find_subcommand(word) {
            command = inner;
            repeated.push(word.clone());
            continue;
        }
        let Some((arg, value)) = option(command, word) else {
            repeated.push(literal(&without_password(word)));
            continue;
        };
        let apart = if is_flag(arg) || value.is_some() { None } else { words.next() };
        if !is_measured(arg.get_help_heading()) || without.contains(&arg.get_id().as_str()) {
            continue;
        }
        let shown = |value: &str| if is_user(arg) { without_token(value) } else { without_password(value).into_owned() };
        match value {
            // The whole word, so that it is quoted as one.
            Some(value) => repeated.push(literal(&format!("{}{}", word.strip_suffix(value).unwrap_or_default(), shown(value)))),
            None => {
                repeated.push(literal(word));
                repeated.extend(apart.map(|value| literal(&shown(value))));
            }
        }
    }
    repeated.join(" ")
}

/// The option that a word names, and the value that it gives it behind a `=`.
fn option<'c, 'w>(command: &'c Command, word: &'w str) -> Option<(&'c Arg, Option<&'w str>)> {
    if let Some(long) = word.strip_prefix("--") {
        let (long, value) = long.split_once('=').map_or((long, None), |(long, value)| (long, Some(value)));
        return command.get_arguments().find(|arg| arg.get_long() == Some(long)).map(|arg| (arg, value));
    }
    let mut letters = word.strip_prefix('-')?.chars();
    let short = letters.next()?;
    let arg = command.get_arguments().find(|arg| arg.get_short() == Some(short))?;
    Some((arg, None))
}

fn is_user(arg: &Arg) -> bool {
    arg.get_value_names().is_some_and(|names| names.iter().any(|name| name == USER))
}

/// `NAME:TOKEN` without the token, which is a secret.
pub fn without_token(user: &str) -> String {
    user.split_once(':').map_or_else(|| user.to_owned(), |(name, _)| format!("{name}:***"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repeating_command_keeps_what_matters_and_tells_no_secret() {
        for (words, told) in [
            ("run --out x --format=json --also junit,hlog --no-github -q --seed 4 immediate", "statusgap run --seed 4 immediate"),
            ("run -v -qv --save-baseline b.json --baseline a.json", "statusgap run --baseline a.json"),
            ("--color never run --config=c.toml --no-progress --max-rps=3", "statusgap run --max-rps=3"),
            ("run --user bob:secret --user=al:secret", "statusgap run --user 'bob:***' '--user=al:***'"),
            ("run --store=redis://u:secret@h:1/0", "statusgap run '--store=redis://u:***@h:1/0'"),
            (
                "run --store redis://:a@b@h/0 --target http://h:1/x@y:z",
                "statusgap run --store 'redis://:***@h/0' --target http://h:1/x@y:z",
            ),
            (
                "watch --every 5s --scenario canary --for=1m --keep-going --on-change ./page --timeout 3s",
                "statusgap watch --scenario canary --timeout 3s",
            ),
            ("import har --out log.ndjson --target t.toml har", "statusgap import har --target t.toml har"),
        ] {
            let words: Vec<String> = ["statusgap"].into_iter().chain(words.split(' ')).map(str::to_owned).collect();
            assert_eq!(command(&words, &[]), told);
        }
        let words = ["statusgap", "watch", "--seed", "4", "--virtual"].map(str::to_owned);
        assert_eq!(command(&words, &["seed"]), "statusgap watch --virtual");
    }
}
