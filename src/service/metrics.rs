//! Counters of the service, as Prometheus text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What happened to scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Started,
    Completed,
    Failed,
}

/// Counts since service start.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(&'static str, u16), u64>,
    started: u64,
    completed: u64,
    failed: u64,
    visibility_count: u64,
    visibility_sum: f64,
}

impl Metrics {
    pub(crate) fn request(&self, path: &str, status: u16) {
        *self.lock().requests.entry((route(path), status)).or_default() += 1;
    }

    pub(crate) fn scan(&self, event: Event) {
        let mut counts = self.lock();
        match event {
            Event::Started => counts.started += 1,
            Event::Completed => counts.completed += 1,
            Event::Failed => counts.failed += 1,
        }
    }

    /// From the acceptance of a scan that has ended to the instant it became visible.
    pub(crate) fn visible_after(&self, latency: Duration) {
        let mut counts = self.lock();
        counts.visibility_count += 1;
        counts.visibility_sum += latency.as_secs_f64();
    }

    /// The exposition format, version 0.0.4.
    pub(crate) fn exposition(&self, entries: usize) -> String {
        let counts = self.lock();
        let mut text =
            String::from("# HELP statusgap_requests_total Requests by route and HTTP status.\n# TYPE statusgap_requests_total counter\n");
        for ((route, status), count) in &counts.requests {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "statusgap_requests_total{{route=\"{route}\",status=\"{status}\"}} {count}");
        }
        for (name, help, kind, value) in [
            ("scans_started_total", "Scans whose background work began.", "counter", counts.started),
            ("scans_completed_total", "Scans that ended with a result.", "counter", counts.completed),
            ("scans_failed_total", "Scans that ended without one.", "counter", counts.failed),
            ("entries", "Entries in worker memory and in a memory store.", "gauge", entries as u64),
        ] {
            let _ = writeln!(text, "# HELP statusgap_{name} {help}\n# TYPE statusgap_{name} {kind}\nstatusgap_{name} {value}");
        }
        let _ = writeln!(
            text,
            "# HELP statusgap_visibility_latency_seconds From acceptance to visibility, of scans that have ended.\n\
             # TYPE statusgap_visibility_latency_seconds summary\n\
             statusgap_visibility_latency_seconds_sum {}\nstatusgap_visibility_latency_seconds_count {}",
            counts.visibility_sum, counts.visibility_count
        );
        text
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The route a path belongs to; ids must not become label values.
fn route(path: &str) -> &'static str {
    const ROUTES: [(&str, &str); 7] = [
        ("/api/v1/opportunities/discover", "discover"),
        ("/api/v1/opportunities/status/", "status"),
        ("/api/v1/opportunities/results/", "results"),
        ("/api/v1/opportunities/cancel/", "cancel"),
        ("/api/v1/scan-diagnostics/scan-lifecycle/", "lifecycle"),
        ("/health", "health"),
        ("/metrics", "metrics"),
    ];
    ROUTES.iter().find(|(prefix, _)| path.starts_with(prefix)).map_or("unknown", |(_, name)| name)
}
