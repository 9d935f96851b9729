//! `statusgap explain`: what a code in a report means, how it arises, and what mends it.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Ended;
use crate::cli::error::CliError;
use crate::cli::terminal::output;
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::report::sentences::faults;
use crate::service::Settings;
use crate::verdict::Exit;

/// Explains a code: of a guarantee (SG-RYW, or its name), or the letter of a cause (A to Z). Lists them all without one.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The code, in any case; C-prime stands for C'
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// How it is written
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    format: ExplainFormat,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExplainFormat {
    /// For reading
    Text,
    /// For programs
    Json,
}

/// What can be explained.
#[derive(Debug, Clone, Copy)]
enum Code {
    Guarantee(Guarantee),
    Cause(FaultClass),
}

/// Runs the command.
pub fn run(args: &ExplainArgs) -> Ended {
    let codes = match &args.code {
        Some(named) => vec![Code::named(named)?],
        None => Code::all(),
    };
    output::print(&match (args.format, codes.as_slice()) {
        (ExplainFormat::Text, [code]) => code.text(),
        (ExplainFormat::Text, codes) => list(codes),
        (ExplainFormat::Json, [code]) => format!("{:#}\n", code.json()),
        (ExplainFormat::Json, codes) => format!("{:#}\n", codes.iter().map(|code| code.json()).collect::<Value>()),
    })?;
    Ok(Exit::Pass)
}

/// All codes, in the order in which they are listed.
pub fn codes() -> impl Iterator<Item = &'static str> {
    Code::all().into_iter().map(Code::code)
}

impl Code {
    fn all() -> Vec<Code> {
        Guarantee::ALL.into_iter().map(Code::Guarantee).chain(FaultClass::ALL.into_iter().map(Code::Cause)).collect()
    }

    fn named(named: &str) -> Result<Code, CliError> {
        let cause = FaultClass::from_letter(named).map(Code::Cause);
        cause
            .or_else(|| Guarantee::from_code(named).map(Code::Guarantee))
            .ok_or_else(|| CliError::usage(format!("there is no code `{named}`"), "`statusgap explain` without a code lists them all"))
    }

    fn code(self) -> &'static str {
        match self {
            Code::Guarantee(guarantee) => guarantee.code(),
            Code::Cause(class) => class.letter(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Code::Guarantee(guarantee) => guarantee.name(),
            Code::Cause(class) => class.name(),
        }
    }

    /// Headings with what stands below them.
    fn sections(self) -> Vec<(&'static str, String)> {
        match self {
            Code::Guarantee(guarantee) => vec![
                ("promises", guarantee.promise().to_owned()),
                ("broken", guarantee.meaning().to_owned()),
                ("arises", guarantee.arises().to_owned()),
                ("mends", guarantee.mends().to_owned()),
            ],
            Code::Cause(class) => {
                let mut sections = vec![
                    ("arises", faults::mechanism(class).to_owned()),
                    ("looks", faults::looks(class).to_owned()),
                    ("mends", faults::cure(class).to_owned()),
                    ("options", format!("Of the reference service's three options: {}", faults::options(class))),
                ];
                if let Some(preset) = preset(class) {
                    sections.push(("try it", format!("statusgap reproduce --virtual --service {preset}")));
                }
                sections
            }
        }
    }

    fn text(self) -> String {
        let mut text = format!("{}  {}\n", self.code(), self.name());
        for (heading, told) in self.sections() {
            text.push('\n');
            let mut heading = heading;
            for line in wrapped(&told, 68) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{heading:<9} {line}");
                heading = "";
            }
        }
        text
    }

    fn json(self) -> Value {
        let mut object = json!({ "code": self.code(), "name": self.name() });
        for (heading, told) in self.sections() {
            object[heading.replace(' ', "_")] = Value::from(told);
        }
        object
    }
}

/// The preset of the reference service that has one cause and nothing else; `None` if it has none.
fn preset(class: FaultClass) -> Option<String> {
    let (name, options) = match class {
        FaultClass::B => ("zoo-b".to_owned(), " --workers 4"),
        FaultClass::CPrime => ("zoo-c-prime".to_owned(), ""),
        class => (format!("zoo-{}", class.letter().to_lowercase()), ""),
    };
    Settings::preset(&name).is_ok().then(|| format!("{name}{options}"))
}

fn list(codes: &[Code]) -> String {
    let mut text = String::from("Guarantees, and what is promised:\n");
    for code in codes {
        match code {
            Code::Guarantee(guarantee) => {
                let lines = wrapped(&format!("{} ({})", guarantee.promise(), guarantee.name()), 70);
                let _ = writeln!(text, "  {:<7} {}", guarantee.code(), lines.join("\n          "));
            }
            Code::Cause(class) => {
                if *class == FaultClass::A {
                    text.push_str("\nCauses:\n");
                }
                let _ = writeln!(text, "  {:<7} {}", class.letter(), class.name());
            }
        }
    }
    text.push_str("\n`statusgap explain CODE` tells what one means, how it arises, and what mends it.\n");
    text
}

/// Lines of at most so many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_explained_within_eighty_columns_and_can_be_tried() {
        for code in Code::all() {
            let text = code.text();
            assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
            assert!(code.sections().iter().all(|(_, told)| !told.is_empty()), "{text}");
            if let Code::Cause(class) = code {
                assert!(preset(class).is_some(), "{text}");
            }
        }
        assert!(list(&Code::all()).lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn a_code_is_known_by_every_way_in_which_people_write_it() {
        for (written, code) in [("sg-ryw", "SG-RYW"), ("read-your-writes", "SG-RYW"), ("c'", "C'"), ("C-Prime", "C'"), ("q", "Q")] {
            assert_eq!(Code::named(written).map(Code::code).ok(), Some(code), "{written}");
        }
        assert!(Code::named("AB").is_err());
    }
}
