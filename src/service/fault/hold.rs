//! Class P: a connection that carried a POST is not read again until the job's first phase has ended.
//!
//! As behind middleware that keeps the response stream open until background work ends: the answer arrives in full, but the connection
//! serves nobody meanwhile. A pooled client sees one stalled poll where a fresh one sees the window.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

/// Resolves when the first phase has ended; travels from the worker to the front with the response.
#[derive(Debug, Clone)]
pub(crate) struct FirstPhase(pub(crate) watch::Receiver<bool>);

/// The connections that are held.
#[derive(Debug, Default)]
pub(crate) struct HeldConnections {
    held: Mutex<BTreeMap<SocketAddr, FirstPhase>>,
}

impl HeldConnections {
    /// Holds a connection from now on.
    pub(crate) fn hold(&self, peer: SocketAddr, phase: FirstPhase) {
        self.lock().insert(peer, phase);
    }

    /// Returns when the connection may be read.
    pub(crate) async fn readable(&self, peer: SocketAddr) {
        let held = self.lock().get(&peer).cloned();
        if let Some(FirstPhase(mut ended)) = held {
            // A job that died drops its end of the channel, which releases the connection too.
            let _ = ended.wait_for(|ended| *ended).await;
            self.lock().retain(|_, phase| phase.0.has_changed().is_ok() && !*phase.0.borrow());
        }
    }

    /// A new connection has this address: whatever was held under it is gone.
    pub(crate) fn opened(&self, peer: SocketAddr) {
        self.lock().remove(&peer);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<SocketAddr, FirstPhase>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
