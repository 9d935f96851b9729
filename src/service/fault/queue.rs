//! Class E: jobs wait for a slot, and a waiting job may be recorded only when it starts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A queue with a fixed number of slots, served in order of arrival.
#[derive(Debug, Clone)]
pub(crate) struct Queue {
    slots: Arc<Semaphore>,
}

/// A slot in use.
#[derive(Debug)]
pub(crate) struct JobSlot {
    permit: OwnedSemaphorePermit,
}

impl Queue {
    /// `None` for a service without a queue.
    pub(crate) fn new(slots: usize) -> Option<Self> {
        (slots > 0).then(|| Queue { slots: Arc::new(Semaphore::new(slots)) })
    }

    /// A slot if one is free and nobody waits.
    pub(crate) fn try_take(&self) -> Option<JobSlot> {
        self.slots.clone().try_acquire_owned().ok().map(|permit| JobSlot { permit })
    }

    /// Waits for a slot.
    pub(crate) async fn take(&self) -> JobSlot {
        let permit = self.slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        JobSlot { permit }
    }
}

impl JobSlot {
    /// Gives the slot back after `time`, whatever the job is doing by then.
    pub(crate) async fn hold_for(self, time: Duration) {
        tokio::time::sleep(time).await;
        drop(self.permit);
    }
}
