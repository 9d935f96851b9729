//! How far a run is and what it has shown, on standard error: one picture where somebody watches, plain lines in a log.
//!
//! A thread of its own writes: a terminal that is slow must not make a poll late. The first denial is said at once, and after it
//! something every second.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::analysis::so_far::SoFar;
use crate::bundle;
use crate::cli::terminal::environment::{Place, place};
use crate::cli::terminal::output;
use crate::model::noun::Noun;
use crate::model::run::Run;
use crate::model::scenario::Scenario;
use crate::model::time::Nanos;
use crate::probe::{Event, Observation};
use crate::report::live;
use crate::run::{Forecast, Left, Shown};

/// Between two lines in a log before anything is denied: often enough to see that it lives, too seldom to bury what matters.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Between two lines once something is denied.
const AFTER_A_DENIAL: Duration = Duration::from_secs(1);

/// How long after the first denial it is said: others that arrive meanwhile make it a better sentence.
const GATHERED: Duration = Duration::from_millis(200);

/// Between two pictures.
const BETWEEN_PICTURES: Duration = Duration::from_millis(200);

/// Shows what a run does.
pub struct Progress {
    state: Arc<Mutex<State>>,
    wake: Mutex<Option<Sender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    bar: Option<ProgressBar>,
}

/// What is known of the run.
struct State {
    began: Instant,
    so_far: SoFar,
    forecast: Forecast,
    request: String,
    noun: Noun,
    scans: u64,
    ended: u64,
    /// What an investigation does now.
    step: String,
}

impl Progress {
    /// Progress over so many scans of these scenarios; 0 where nobody knows how many there will be.
    pub fn new(run: &Run, scenarios: &[Scenario], scans: u64) -> Progress {
        let state = State {
            began: Instant::now(),
            so_far: SoFar::default(),
            forecast: Forecast::of(scenarios),
            request: bundle::status_line(run).unwrap_or_else(|| "status".to_owned()),
            noun: run.target.noun.clone(),
            scans,
            ended: 0,
            step: String::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let bar = (place() == Place::Terminal).then(|| picture_of(&ProgressBar::new_spinner()));
        let (wake, woken) = channel();
        let (of_thread, its_bar) = (Arc::clone(&state), bar.clone());
        // Without a thread nothing is shown, and the run goes on.
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || match its_bar {
            Some(bar) => draw(&of_thread, &woken, &bar),
            None => write_lines(&of_thread, &woken),
        });
        Progress { state, wake: Mutex::new(Some(wake)), thread: Mutex::new(thread.ok()), bar }
    }

    /// Takes note of an event.
    pub fn note(&self, event: Event) {
        let mut state = lock(&self.state);
        let now = state.began.elapsed();
        match event {
            Event::ScenarioBegan { scenario } => state.forecast.begins(scenario, now),
            Event::ScenarioEnded { scenario } => state.forecast.ends(scenario),
            Event::ScanEnded { .. } => state.ended += 1,
        }
    }

    /// Takes note of a scenario that was decided on during the run.
    pub fn also(&self, scenario: &Scenario) {
        let mut state = lock(&self.state);
        state.forecast.also(scenario);
        // The gate's other jobs are not started any more.
        state.scans = state.ended + u64::from(scenario.load.scans);
    }

    /// Takes note of what was recorded.
    pub fn see(&self, observation: Observation<'_>) {
        let mut state = lock(&self.state);
        let is_first = match observation {
            Observation::Exchange(exchange) => state.so_far.exchange(exchange),
            Observation::ScanEnded { scan, .. } => {
                state.so_far.ended(scan);
                false
            }
        };
        drop(state);
        if is_first && let Some(wake) = &*lock(&self.wake) {
            // A thread that is gone shows nothing.
            let _ = wake.send(());
        }
    }

    /// Says something that stays, above the picture if there is one.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| output::eprint_note(text)),
            None => output::eprint_note(text),
        }
    }

    /// What an investigation does now.
    pub fn step(&self, step: &str) {
        step.clone_into(&mut lock(&self.state).step);
    }

    /// Removes the picture.
    pub fn finish(&self) {
        lock(&self.wake).take();
        if let Some(thread) = lock(&self.thread).take() {
            // A thread that panicked has nothing more to show.
            let _ = thread.join();
        }
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What a panic elsewhere left behind is still a count of whole exchanges.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn picture_of(bar: &ProgressBar) -> ProgressBar {
    // The template is a constant that is known to be right; a plain spinner would do as well.
    bar.set_style(ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.clone()
}

/// Draws the picture until the run is over.
fn draw(state: &Mutex<State>, woken: &Receiver<()>, bar: &ProgressBar) {
    let mut said = false;
    loop {
        let width = output::width_of_standard_error();
        {
            let state = lock(state);
            if !said && state.so_far.first.is_some() {
                said = true;
                if let Some(text) = state.first_denial() {
                    bar.suspend(|| output::eprint_note(&text));
                }
            }
            bar.set_message(state.picture(width));
        }
        match woken.recv_timeout(BETWEEN_PICTURES) {
            Err(RecvTimeoutError::Disconnected) => return,
            Ok(()) => std::thread::sleep(GATHERED),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

/// Writes lines until the run is over.
fn write_lines(state: &Mutex<State>, woken: &Receiver<()>) {
    let mut lines = Lines { next: BETWEEN_LINES, said: false };
    loop {
        let wait = lines.next.saturating_sub(lock(state).began.elapsed());
        match woken.recv_timeout(wait) {
            Err(RecvTimeoutError::Disconnected) => {
                if let Some(text) = lines.last(&lock(state)) {
                    output::eprint_note(&text);
                }
                return;
            }
            Ok(()) => std::thread::sleep(GATHERED),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let text = lines.due(&lock(state));
        output::eprint_note(&text);
    }
}

/// Which line comes next in a log, and when.
struct Lines {
    /// Time since the beginning.
    next: Duration,
    /// Whether the first denial has been said.
    said: bool,
}

impl Lines {
    fn due(&mut self, state: &State) -> String {
        let now = state.began.elapsed();
        self.next = now + if state.so_far.first.is_some() { AFTER_A_DENIAL } else { BETWEEN_LINES };
        if !std::mem::replace(&mut self.said, state.so_far.first.is_some())
            && let Some(text) = state.first_denial()
        {
            return text;
        }
        let told = if state.so_far.first.is_some() { live::line(&state.so_far, &state.noun) } else { state.done() };
        format!("{:>7.1} s  {told}{}", now.as_secs_f64(), state.left(now))
    }

    /// A run may be over before its first denial was said.
    fn last(&self, state: &State) -> Option<String> {
        if self.said { None } else { state.first_denial() }
    }
}

impl State {
    /// The first sentence, with what happens now.
    fn first_denial(&self) -> Option<String> {
        let now = self.began.elapsed();
        let told = live::first_denial(&self.so_far, &self.request, &self.noun)?;
        let left = self.left(now);
        let measured = if left.is_empty() {
            String::new()
        } else {
            format!("\n{:>7.1} s  now measuring how long denials last{left}", now.as_secs_f64())
        };
        Some(format!("{:>7.1} s  {told}{measured}", now.as_secs_f64()))
    }

    fn done(&self) -> String {
        if self.scans > 0 {
            format!("{} of {} done, none denied", self.ended, self.noun.counted(self.scans))
        } else {
            format!("{} polled, none denied", self.noun.counted(self.so_far.polled))
        }
    }

    /// How long it still takes, to be put behind a sentence.
    fn left(&self, now: Duration) -> String {
        let known = |age: Nanos| Duration::from_nanos(age.0.max(0) as u64);
        let window = self.so_far.denied_until.max(self.so_far.found_from_to.map(|(_, to)| to)).map(known).unwrap_or_default();
        let shown = Shown { window, job: self.so_far.ended_until.map(known), alike: self.so_far.are_alike() };
        let seconds = |left: Duration| left.as_secs_f64().ceil();
        match self.forecast.left(now, shown) {
            Some(Left::About(left)) => format!("; about {} s more", seconds(left)),
            Some(Left::AtMost(left)) => format!("; at most {} s more", seconds(left)),
            None => String::new(),
        }
    }

    fn picture(&self, width: usize) -> String {
        let now = self.began.elapsed();
        let running: Vec<&str> = self.forecast.running().collect();
        let what = if self.step.is_empty() { running.join(", ") } else { self.step.clone() };
        let what = if what.is_empty() { String::new() } else { format!(" · {what}") };
        let head = format!("{:.1} s, {}{}{what}", now.as_secs_f64(), self.jobs(), self.left(now));
        // Two columns are the spinner's.
        let head: String = head.chars().take(width.saturating_sub(3)).collect();
        let picture = live::picture(&self.so_far, &self.noun, width.saturating_sub(1));
        if picture.is_empty() { head } else { format!("{head}\n{picture}") }
    }

    fn jobs(&self) -> String {
        if self.scans > 0 {
            format!("{} of {} done", self.ended, self.noun.counted(self.scans))
        } else {
            format!("{} polled", self.noun.counted(self.so_far.polled))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::so_far::FirstDenial;
    use crate::model::time::Stamp;

    fn state() -> State {
        State {
            began: Instant::now(),
            so_far: SoFar::default(),
            forecast: Forecast::of(&[]),
            request: "GET /jobs/{id}".to_owned(),
            noun: Noun::default(),
            scans: 40,
            ended: 10,
            step: String::new(),
        }
    }

    #[test]
    fn a_log_gets_few_lines_until_something_is_denied_and_then_one_a_second() {
        let mut lines = Lines { next: BETWEEN_LINES, said: false };
        let mut state = state();
        assert!(lines.due(&state).ends_with("10 of 40 jobs done, none denied"));
        assert!(lines.next >= BETWEEN_LINES && !lines.said);
        state.so_far.first = Some(FirstDenial { at: Stamp(0), age: Nanos(0), http: Some(404), word: None });
        (state.so_far.polled, state.so_far.denied) = (12, 12);
        let first = lines.due(&state);
        assert!(first.contains("denied: GET /jobs/{id} answered 404 for 12 of 12 jobs so far"), "{first}");
        assert!(lines.next < BETWEEN_LINES && lines.said);
        let second = lines.due(&state);
        assert!(second.contains("12 of 12 jobs denied; none found again yet"), "{second}");
        assert_eq!(lines.last(&state), None);
    }

    #[test]
    fn a_run_that_ends_at_once_still_says_what_was_denied() {
        let lines = Lines { next: BETWEEN_LINES, said: false };
        let mut state = state();
        assert_eq!(lines.last(&state), None);
        state.so_far.first = Some(FirstDenial { at: Stamp(0), age: Nanos(0), http: Some(404), word: None });
        assert!(lines.last(&state).is_some_and(|text| text.contains("denied: GET /jobs/{id}")));
    }

    #[test]
    fn the_picture_is_no_wider_than_the_terminal() {
        let mut state = state();
        state.step = "a step with a very long name ".repeat(9);
        for width in [40, 80, 160] {
            assert!(state.picture(width).lines().all(|line| line.chars().count() < width), "{width}");
        }
    }
}
