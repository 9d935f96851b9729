//! Many investigations at once, each on a paused clock of its own.

use crate::cli::error::CliError;
use crate::run;

/// Does `work` for each item, on so many threads or as many as there are processors; one failure is the failure of all.
pub(super) fn in_parallel<I: Sync, T: Send>(
    items: &[I],
    jobs: Option<u16>,
    work: impl Fn(&I) -> Result<T, CliError> + Sync,
) -> Result<Vec<T>, CliError> {
    run::in_parallel(items, jobs, work).into_iter().collect()
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
    fn one_failure_is_the_failure_of_all() {
        let failed =
            in_parallel(&[1, 2, 3], Some(2), |item| if *item == 2 { Err(CliError::usage("no".to_owned(), "yes")) } else { Ok(*item) });
        assert!(failed.is_err());
    }
}
