//! How long the work of a job takes: what a twin needs whatever its fault is.

use crate::analysis::twin::estimate::{Estimate, Evidence, Known, estimate};
use crate::analysis::twin::law::{Bracketed, LIKELY, Law, LawFit, fit};
use crate::model::fault::FaultClass;

/// A job that nobody saw to end goes on for so much longer than anybody watched, and for no less than this.
const BEYOND: f64 = 2.0;
const AT_LEAST_MS: f64 = 60_000.0;

/// Jobs whose work begins with the first sight of them, with nothing to be seen of it but that they run and that they end.
pub(in crate::analysis::twin) fn job(evidence: &Evidence<'_>) -> Estimate {
    let brackets: Vec<Bracketed> = evidence
        .rows
        .iter()
        .filter_map(|row| {
            let (after, by) = row.end()?;
            let (from, until) = row.window()?;
            Some(Bracketed::new(((after - until).max(0.0), (by - from).max(0.0))))
        })
        .collect();
    let watched = evidence.rows.iter().filter_map(|row| row.polls.last()).map(|poll| poll.sent).fold(0.0, f64::max);
    let never = Law::Fixed((BEYOND * watched).max(AT_LEAST_MS));
    let never = LawFit { best: never, likely: vec![never; LIKELY] };
    let work = fit(&brackets).unwrap_or(never);
    // The class is not read of these: they are the ground on which the settings of a class stand.
    estimate(
        FaultClass::A,
        &[
            ("stage-profile", Known::Word("0s")),
            ("stage-portfolio", Known::Word("0s")),
            ("stage-assets", Known::Word("0s")),
            ("strategy", Known::Word("0s")),
            ("stage-finalise", Known::Law(work)),
        ],
    )
}
