//! Which connection carries what.

use std::sync::{Arc, Mutex, PoisonError};

use super::connection::HttpConnection;
use super::destination::Destination;
use crate::model::exchange::Connection;
use crate::probe::pool::Pool;

/// A place to send from.
#[derive(Debug)]
pub(crate) enum NetworkLane {
    /// Every exchange opens a connection of its own.
    Fresh,
    /// The exchanges share one connection. Boxed, since every scan has such lanes, too.
    Kept(Box<Mutex<Option<Idle>>>),
    /// An exchange takes whichever connection is idle.
    Pooled,
}

/// A connection between two exchanges.
#[derive(Debug)]
pub(crate) struct Idle {
    to: Arc<Destination>,
    connection: HttpConnection,
}

impl NetworkLane {
    /// A lane on which nothing was sent.
    pub(crate) fn new(connection: Connection) -> NetworkLane {
        match connection {
            Connection::Fresh => NetworkLane::Fresh,
            Connection::KeepAlive | Connection::PreOpened => NetworkLane::Kept(Box::default()),
            Connection::Pooled => NetworkLane::Pooled,
        }
    }

    /// An open connection, if this lane has one that leads to the right place and still can be used.
    pub(super) async fn take(&self, pool: &Pool<Idle>, to: &Arc<Destination>) -> Option<HttpConnection> {
        match self {
            NetworkLane::Fresh => None,
            NetworkLane::Kept(kept) => {
                let idle = kept.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                if idle.leads_to(to) { idle.if_usable().await } else { None }
            }
            NetworkLane::Pooled => loop {
                if let Some(connection) = pool.take(|idle| idle.leads_to(to))?.if_usable().await {
                    return Some(connection);
                }
            },
        }
    }

    /// Keeps a connection for the next exchange.
    pub(super) fn keep(&self, pool: &Pool<Idle>, to: &Arc<Destination>, connection: HttpConnection) {
        let idle = Idle { to: Arc::clone(to), connection };
        match self {
            NetworkLane::Fresh => {}
            NetworkLane::Kept(kept) => *kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(idle),
            NetworkLane::Pooled => pool.give(idle),
        }
    }
}

impl Idle {
    fn leads_to(&self, to: &Arc<Destination>) -> bool {
        Arc::ptr_eq(&self.to, to) || self.to == *to
    }

    async fn if_usable(mut self) -> Option<HttpConnection> {
        self.connection.is_usable().await.then_some(self.connection)
    }
}
