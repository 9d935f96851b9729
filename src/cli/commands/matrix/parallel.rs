//! Many investigations at once, each on a paused clock of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cli::error::CliError;

/// Does `work` for each item, on so many threads or as many as there are processors. The results stand in the order of the items.
pub(super) fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    jobs: Option<u16>,
    work: impl Fn(&I) -> Result<T, CliError> + Sync,
) -> Result<Vec<T>, CliError> {
    let next = AtomicUsize::new(0);
    let worker = || -> Result<Vec<(usize, T)>, CliError> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return Ok(done) };
            done.push((index, work(item)?));
        }
    };
    let threads = jobs.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let ended: Vec<Result<Vec<(usize, T)>, CliError>> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.min(items.len())).map(|_| scope.spawn(worker)).collect();
        // A panic in one of them is a bug of ours, and is passed on.
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    let mut results = Vec::with_capacity(items.len());
    for done in ended {
        results.extend(done?);
    }
    results.sort_by_key(|(index, _)| *index);
    Ok(results.into_iter().map(|(_, result)| result).collect())
}

/// Runs a future on a paused clock.
pub(super) fn on_a_paused_clock<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.map_err(|source| CliError::System { action: "start the runtime", source })?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items_with_any_number_of_threads() {
        let items: Vec<u32> = (0..50).collect();
        for jobs in [None, Some(1), Some(7), Some(200)] {
            let doubled = in_parallel(&items, jobs, |item| Ok(item * 2)).expect("nothing fails");
            assert!(doubled.into_iter().eq((0..50).map(|item| item * 2)));
        }
    }

    #[test]
    fn one_failure_is_the_failure_of_all() {
        let failed =
            in_parallel(&[1, 2, 3], Some(2), |item| if *item == 2 { Err(CliError::usage("no".to_owned(), "yes")) } else { Ok(*item) });
        assert!(failed.is_err());
    }
}
