//! The first screen of every kind of service, for every kind of run: it fits, whatever things are called.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::virtual_run::{Tried, inquire, run_all, scenario};
use statusgap::analysis::analyse;
use statusgap::model::run::Journal;
use statusgap::report::{Colour, Format, MOST_LINES, Style, View, render, screen};
use statusgap::service::Settings;
use statusgap::verdict::judge;

const RUN: &str = "[load]\nscans = 12\nevery = \"10ms\"\n[polls]\noffsets = [\"0s\", \"100ms\", \"2500ms\"]\n\
    [follow]\nuntil = \"visible\"\nevery = \"100ms\"\nsettle = \"300ms\"\ndeadline = \"4s\"\n\
    [controls]\nunknown_id = 2\nforeign_user = [\"100ms\"]\n[readings]\nwitness = [\"100ms\"]";
const GATE: &str =
    "[load]\nscans = 40\nevery = \"20ms\"\n[polls]\noffsets = [\"0s\", \"100ms\", \"2500ms\"]\n[expect]\nstop = \"first-failure\"";

fn view(journal: &Journal) -> View {
    let analysis = analyse(journal);
    View::of(journal, &analysis, &judge(journal, &analysis))
}

/// The same run of a target whose names are as long as names can be.
fn long_winded(mut journal: Journal) -> Journal {
    let long = |text: &str, times: usize| text.repeat(times);
    journal.run.target.name = long("a service with a long name ", 9);
    journal.run.target.base_url = format!("https://{}.example/{}", long("deeply.nested.", 12), long("path/", 40));
    journal.run.target.service = None;
    journal.run.command = format!("statusgap run --target '{}' --seed 7", long("a folder/with blanks/", 30));
    for (n, scenario) in journal.scenarios.iter_mut().enumerate() {
        scenario.name = format!("{n}-{}", long("scenario-", 20));
    }
    for exchange in &mut journal.exchanges {
        exchange.word = exchange.word.as_ref().map(|_| long("STATE_OF_A_JOB_", 20).into());
        exchange.worker = exchange.worker.as_ref().map(|_| long("worker-", 30).into());
    }
    journal
}

fn check(name: &str, view: &View) {
    for width in [80, 100, 160] {
        let text = screen(view, Style { width, colour: Colour::Off });
        assert!(text.lines().count() <= MOST_LINES, "{name} at {width}: {} lines\n{text}", text.lines().count());
    }
    for width in [40, 80, 160] {
        let text = screen(view, Style { width, colour: Colour::Off });
        assert!(text.lines().all(|line| line.chars().count() <= width), "{name} at {width}:\n{text}");
    }
    let text = screen(view, Style { width: 80, colour: Colour::Off });
    assert!(text.starts_with(&view.verdict.word().to_uppercase()), "{name}:\n{text}");
    for told in view.answers.all() {
        assert!(text.contains(&format!("\n{}", told.label)) && told.answer.len() > 2, "{name} has no {}:\n{text}", told.key);
        for format in [Format::Markdown, Format::PullRequest, Format::Html, Format::Junit] {
            let document = render(view, format, Style { width: 80, colour: Colour::Off });
            assert!(document.contains(told.question), "{name} as {format:?} does not ask: {}", told.question);
        }
    }
    let annotation = render(view, Format::Github, Style { width: 80, colour: Colour::Off });
    assert_eq!(annotation.lines().count(), 1, "{name}: {annotation}");
    assert!(view.answers.line.chars().count() <= 200, "{name}: {}", view.answers.line);
}

fn check_preset(preset: &str) {
    let tried = Tried { preset, knobs: &[], seed: 1 };
    let runs = [("run", run_all(tried, &[scenario(RUN)])), ("gate", run_all(tried, &[scenario(GATE)])), ("reproduce", inquire(tried).0)];
    for (what, journal) in runs {
        check(&format!("{what} of {preset}"), &view(&journal));
        check(&format!("{what} of {preset} with long names"), &view(&long_winded(journal)));
    }
}

#[test]
fn the_first_screen_of_every_service_fits() {
    let presets: Vec<&str> = Settings::presets().iter().map(|preset| preset.name).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(preset) = presets.get(next.fetch_add(1, Ordering::Relaxed)) {
            check_preset(preset);
        }
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        for thread in running {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}
