//! `statusgap check --live`: a target file is tried with one job.

use std::path::Path;
use std::time::Duration;

use crate::cli::Ended;
use crate::cli::args::network::NetworkArgs;
use crate::cli::error::CliError;
use crate::cli::sources::{Answer, Screen, confirm, variable};
use crate::model::answer::State;
use crate::model::redaction::Redaction;
use crate::model::source::Source;
use crate::model::wording::age;
use crate::run::learn::{CONTROLS, POLLS};
use crate::run::live_check::{CheckNote, Checking, LiveCheck};
use crate::run::ordinary;
use crate::target::Target;
use crate::verdict::Exit;

/// The longest that one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Tries a file.
pub fn check(path: &Path, yes: bool, wait: Duration, quiet: bool) -> Ended {
    let named = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| CliError::file("read", path, source))?;
    let source = Source { file: &named, text: &text };
    if source.line_of("initiate").is_none() {
        return Err(CliError::usage(
            format!("{named} is not a target file, so that there is nothing to try"),
            "leave --live out for scenarios and lists of known failures",
        ));
    }
    let target = Target::read(source, &variable)?;
    if !agreed(&target, yes)? {
        return Ok(Exit::Pass);
    }
    let certificates = NetworkArgs::default().options(&target, &named, "")?.certificates;
    let client = ordinary::client(target.base_url(), &certificates, TIMEOUT + target.long_poll())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| CliError::System { action: "start the runtime", source })?;
    let screen = Screen::new(quiet);
    let redaction = Redaction::of(target.secrets());
    let clean = |text: String| redaction.clean(text);
    let checked = runtime.block_on(Checking { client: &client, target: &target, wait }.check(&mut |note| shown(&screen, &clean, note)));
    show(&screen, &target, &checked);
    match checked.problem {
        Some(problem) => Err(CliError::target(format!("`{}` {}", problem.asked, problem.answered), problem.change)),
        None if checked.visible.is_none() => Ok(Exit::Inconclusive),
        None => Ok(Exit::Pass),
    }
}

fn agreed(target: &Target, yes: bool) -> Result<bool, CliError> {
    let plan = format!("1 POST and at most {} GETs to {}", POLLS + CONTROLS, target.shown_url());
    if yes {
        return Ok(true);
    }
    match confirm(&format!("{:<9}{plan}; go on?", "sends"))? {
        Answer::Yes => Ok(true),
        Answer::No => Ok(false),
        Answer::Nobody => Err(CliError::usage(
            format!("check --live would send {plan}, and there is no terminal to ask for permission"),
            "say --yes if it may, or leave --live out",
        )),
    }
}

fn shown(screen: &Screen, clean: &dyn Fn(String) -> String, note: CheckNote<'_>) {
    match note {
        CheckNote::Posted(answer, took, id) => {
            screen.answered("POST", &format!("in {}", age(took.as_secs_f64() * 1e3)), answer, clean, "");
            if let Some(id) = id {
                screen.id(id);
            }
        }
        CheckNote::Never(answer, reading) => {
            screen.answered("never", "", answer, clean, &format!("   <- a never-issued id: {}", reading.answer.word()));
        }
        CheckNote::Polled(poll, reading) => {
            let state =
                reading.state.filter(|state| *state != State::Unknown).map_or_else(String::new, |state| format!(", {}", state.word()));
            screen.answered(
                "poll",
                &format!("{:>7}", age(poll.age_ms)),
                &poll.answer,
                clean,
                &format!("   <- {}{state}", reading.answer.word()),
            );
        }
    }
}

/// What the answers came to.
fn show(screen: &Screen, target: &Target, checked: &LiveCheck) {
    screen.gap_of(&checked.denied, checked.visible);
    for note in &checked.notes {
        screen.line("note", note);
    }
    if checked.visible.is_none() && checked.problem.is_none() {
        screen.line("note", "the job was never visible, so that nothing is known of how the file reads a job");
    }
    if !checked.unlisted.is_empty() {
        let words = checked.unlisted.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        screen.line(
            "note",
            &format!("[status.states] does not list {words}, which stood at [status] state: a job's end is known by these words alone"),
        );
    }
    if let Some(unused) = &checked.unused {
        for (key, place) in [("state", &unused.state), ("echo", &unused.echo), ("progress", &unused.progress)] {
            if let Some(place) = place {
                screen.line("note", &format!("the answers have what looks like the {key} at {place}, and [status] does not name it: {key} = {{ pointer = \"{place}\" }}"));
            }
        }
    }
    let is_fine = checked.problem.is_none() && checked.visible.is_some() && checked.notes.is_empty() && checked.unlisted.is_empty();
    if is_fine {
        screen.line("fits", &format!("the file reads the answers of {} as they are meant, as far as one job shows", target.shown_url()));
    }
}
