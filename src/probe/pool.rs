//! The connections that nobody uses at the moment, for lanes that share them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The longest that a connection waits to be used again. Servers close idle connections after 5 s at the earliest, as a rule, and a
/// request that crosses such a goodbye is lost.
const LONGEST_IDLE: Duration = Duration::from_secs(4);

/// Idle connections, the one used last on top. That one is taken first, as by most clients: so that no more connections stay open
/// than are needed.
#[derive(Debug)]
pub(crate) struct Pool<C> {
    /// By the time since which they wait.
    idle: Mutex<Vec<(Instant, C)>>,
}

impl<C> Default for Pool<C> {
    fn default() -> Self {
        Pool { idle: Mutex::default() }
    }
}

impl<C> Pool<C> {
    /// Takes out the connection that was used last, of those that fit.
    pub(crate) fn take(&self, fits: impl Fn(&C) -> bool) -> Option<C> {
        let now = Instant::now();
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let too_old = idle.partition_point(|(since, _)| now.duration_since(*since) > LONGEST_IDLE);
        idle.drain(..too_old);
        let place = idle.iter().rposition(|(_, connection)| fits(connection))?;
        Some(idle.remove(place).1)
    }

    /// Puts in a connection that can carry another exchange.
    pub(crate) fn give(&self, connection: C) {
        // Read under the lock, so that the order is that of the instants.
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push((Instant::now(), connection));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_was_used_last_is_taken_first() {
        let pool = Pool::default();
        for connection in [1, 2, 3] {
            pool.give(connection);
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        assert_eq!(pool.take(|_| true), Some(3));
        assert_eq!(pool.take(|connection| *connection < 2), Some(1));
        pool.give(4);
        assert_eq!([pool.take(|_| true), pool.take(|_| true), pool.take(|_| true)], [Some(4), Some(2), None]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_waited_for_too_long_is_closed() {
        let pool = Pool::default();
        pool.give("old");
        tokio::time::advance(LONGEST_IDLE).await;
        pool.give("new");
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(pool.take(|connection| *connection == "old"), None);
        assert_eq!(pool.take(|_| true), Some("new"));
    }
}
