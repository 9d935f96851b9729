//! How far a run is, on standard error: a bar where somebody watches, now and then a line in a log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::terminal::environment::{Place, place};
use crate::cli::terminal::output;
use crate::model::scenario::Scenario;
use crate::probe::Event;

/// Between two lines in a log: often enough to see that it lives, too seldom to bury what matters.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// Shows how far the run is.
#[derive(Clone)]
pub struct Progress {
    shown: Shown,
    names: Arc<[String]>,
}

#[derive(Clone)]
enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines(Arc<Mutex<Lines>>),
}

impl Progress {
    /// Progress over so many scans; `hidden` where nobody wants it.
    pub fn new(scenarios: &[Scenario], scans: u64, hidden: bool) -> Progress {
        let shown = match place() {
            _ if hidden => Shown::Nothing,
            Place::Terminal => Shown::Bar(bar(scans)),
            Place::Log => Shown::Lines(Arc::new(Mutex::new(Lines::new(scans)))),
        };
        Progress { shown, names: scenarios.iter().map(|scenario| scenario.name.clone()).collect() }
    }

    /// Takes note of an event.
    pub fn note(&self, event: Event) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => match event {
                Event::ScenarioBegan { scenario } => bar.set_message(self.names.get(scenario as usize).cloned().unwrap_or_default()),
                Event::ScanEnded { .. } => bar.inc(1),
                Event::ScenarioEnded { .. } => {}
            },
            Shown::Lines(lines) => {
                if matches!(event, Event::ScanEnded { .. }) {
                    // A count is right whatever a panicking thread was doing.
                    let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                    let now = lines.began.elapsed();
                    if let Some(line) = lines.scan_ended(now) {
                        output::eprint_note(&line);
                    }
                }
            }
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

fn bar(scans: u64) -> ProgressBar {
    let bar = ProgressBar::new(scans);
    // The template is a constant that is known to be right; a plain bar would do as well.
    let style = ProgressStyle::with_template("{spinner} {pos:>4}/{len} scans [{bar:24}] {elapsed} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━╸ "));
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// Progress as lines: what has been done, and when it was last told.
struct Lines {
    began: Instant,
    scans: u64,
    ended: u64,
    told: Duration,
}

impl Lines {
    fn new(scans: u64) -> Lines {
        Lines { began: Instant::now(), scans, ended: 0, told: Duration::ZERO }
    }

    /// Counts a scan that ended `now` after the beginning; a line if it is time for one.
    fn scan_ended(&mut self, now: Duration) -> Option<String> {
        self.ended += 1;
        if now < self.told + BETWEEN_LINES {
            return None;
        }
        self.told = now;
        Some(format!("{:>7.1} s  {} of {} scans", now.as_secs_f64(), self.ended, self.scans))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_gets_a_line_every_ten_seconds_and_no_more() {
        let mut lines = Lines::new(40);
        let told: Vec<String> = (1..=30).filter_map(|second| lines.scan_ended(Duration::from_secs(second))).collect();
        assert_eq!(told, ["   10.0 s  10 of 40 scans", "   20.0 s  20 of 40 scans", "   30.0 s  30 of 40 scans"]);
    }
}
