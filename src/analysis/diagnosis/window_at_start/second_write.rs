//! When a second write is seen: a copy lags behind every write.

use crate::analysis::diagnosis::dataset::{Dataset, median};
use crate::analysis::diagnosis::never_visible::Lost;

/// The lag of the second write: medians of the last poll that did not show it and of the first answer that did, in ms.
pub(super) fn second_write(data: &Dataset<'_>, lost: &Lost) -> Option<(f64, f64, usize)> {
    let mut lower = Vec::new();
    let mut upper = Vec::new();
    for row in &data.rows {
        let Some(change) = row.scan.change().filter(|change| !lost.contains(&row.scan.number()) && change.was_answered()) else { continue };
        let told: Vec<_> = row.scan.polls_after(change).collect();
        let Some(shown) = told.iter().filter(|poll| poll.seen == Some(true)).min_by_key(|poll| poll.done) else { continue };
        let hidden = told
            .iter()
            .filter(|poll| poll.seen == Some(false) && poll.sent < shown.sent)
            .map(|poll| poll.sent.since(change.done).as_ms())
            .fold(0.0, f64::max);
        lower.push(hidden);
        upper.push(shown.done.since(change.done).as_ms());
    }
    let n = lower.len();
    (n >= 3).then_some(())?;
    Some((median(lower)?, median(upper)?, n))
}
