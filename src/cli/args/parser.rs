//! The command line's parser: what clap derives from the commands, with what is the same for all of them.

use clap::{ColorChoice, Command, CommandFactory};

use crate::cli::Cli;
use crate::cli::args::{examples, exit_codes};

/// Every help text fits the narrowest terminal in use.
const WIDTH: usize = 80;

/// The whole parser. Each command ends its help with examples and its exit codes.
pub fn parser() -> Command {
    let after_help = |name: &str, codes: &str| format!("{}{codes}", examples::as_help(examples::of(name)));
    let mut parser = Cli::command().max_term_width(WIDTH).after_help(after_help("statusgap", exit_codes::OF_A_VERDICT));
    let names: Vec<String> = parser.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        let text = after_help(&name, exit_codes::of(&name));
        parser = parser.mut_subcommand(name, |command| command.max_term_width(WIDTH).after_help(text));
    }
    // Whoever brings requests along does not mean the reference service.
    let reference = ["service", "workers", "store", "set", "profile", "data_dir", "users"];
    parser.mut_subcommand("reproduce", |command| {
        ["curl", "har"].into_iter().fold(command, |command, name| command.mut_arg(name, |arg| arg.conflicts_with_all(reference)))
    })
}

/// The parser, coloured as the words ask for: help and usage errors are told before any option is read.
pub fn parser_for(words: &[impl AsRef<std::ffi::OsStr>]) -> Command {
    let mut after_flag = false;
    let mut choice = ColorChoice::Auto;
    for word in words.iter().filter_map(|word| word.as_ref().to_str()) {
        match word.strip_prefix("--color=").or_else(|| after_flag.then_some(word)) {
            Some("always") => choice = ColorChoice::Always,
            Some("never") => choice = ColorChoice::Never,
            _ => {}
        }
        after_flag = word == "--color";
    }
    parser().color(choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        parser().debug_assert();
    }

    #[test]
    fn every_example_is_a_command_line_of_its_command() {
        let names: Vec<String> = parser().get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for name in &names {
            assert!(!examples::of(name).is_empty(), "{name} has no example");
            for (line, _) in examples::of(name) {
                let words: Vec<&str> = line.split(' ').collect();
                assert_eq!((words[0], words[1]), ("statusgap", name.as_str()), "{line}");
                if let Err(error) = parser().try_get_matches_from(words) {
                    panic!("{line}: {error}");
                }
            }
        }
        for (line, _) in examples::of("statusgap") {
            assert!(parser().try_get_matches_from(line.split(' ')).is_ok(), "{line}");
        }
    }

    #[test]
    fn every_command_tells_its_exit_codes_and_fits_eighty_columns() {
        let mut parser = parser();
        parser.build();
        let names: Vec<String> = parser.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        assert!(names.len() > 8, "{names:?}");
        for words in names.iter().filter(|name| *name != "help").flat_map(|name| [[name.as_str(), "-h"], [name, "--help"]]) {
            // clap asks the terminal how wide it is, and there may be none.
            let shown = self::parser().term_width(WIDTH).try_get_matches_from(["statusgap"].into_iter().chain(words));
            let text = shown.expect_err("help").to_string();
            assert!(text.contains("Exit codes:\n  0 "), "{words:?}: {text}");
            assert!(text.contains("Examples:\n  statusgap "), "{words:?}: {text}");
            for line in text.lines() {
                assert!(line.chars().count() <= WIDTH, "{words:?}: {line}");
            }
        }
    }
}
