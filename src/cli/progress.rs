//! The progress bar: on a terminal only, and on standard error.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::model::scenario::Scenario;
use crate::probe::Event;

/// Shows how far the run is.
#[derive(Clone)]
pub struct Progress {
    bar: ProgressBar,
    names: Arc<[String]>,
}

impl Progress {
    /// A bar over so many scans; hidden where nobody would see it.
    pub fn new(scenarios: &[Scenario], scans: u64, hidden: bool) -> Progress {
        let bar = if hidden || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { ProgressBar::new(scans) };
        // The template is a constant that is known to be right; a plain bar would do as well.
        let style = ProgressStyle::with_template("{spinner} {pos:>4}/{len} scans [{bar:24}] {elapsed} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style.progress_chars("━╸ "));
        bar.enable_steady_tick(Duration::from_millis(120));
        Progress { bar, names: scenarios.iter().map(|scenario| scenario.name.clone()).collect() }
    }

    /// Takes note of an event.
    pub fn note(&self, event: Event) {
        match event {
            Event::ScenarioBegan { scenario } => self.bar.set_message(self.names.get(scenario as usize).cloned().unwrap_or_default()),
            Event::ScanEnded { .. } => self.bar.inc(1),
            Event::ScenarioEnded { .. } => {}
        }
    }

    /// Removes the bar.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
