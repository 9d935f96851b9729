//! Work for many items on several threads.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Does `work` for each item, on so many threads or as many as there are processors. The results stand in the order of the items.
pub(crate) fn in_parallel<I: Sync, T: Send>(items: &[I], threads: Option<u16>, work: impl Fn(&I) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let worker = || -> Vec<(usize, T)> {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return done };
            done.push((index, work(item)));
        }
    };
    let threads = threads.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from);
    let mut results: Vec<(usize, T)> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads.min(items.len())).map(|_| scope.spawn(worker)).collect();
        // A panic in one of them is a bug of ours, and is passed on.
        running.into_iter().flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_the_order_of_the_items_with_any_number_of_threads() {
        let items: Vec<u32> = (0..50).collect();
        for threads in [None, Some(1), Some(7), Some(200)] {
            let doubled = in_parallel(&items, threads, |item| item * 2);
            assert!(doubled.into_iter().eq((0..50).map(|item| item * 2)));
        }
    }
}
