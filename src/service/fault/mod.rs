//! The faults that need a mechanism of their own, one a file.
//!
//! Each one delays, drops or misroutes something real: a write reaches a copy later, a cache keeps an answer, a job waits for a slot. None
//! of them decides what an answer says. Faults that are only another choice at an existing place (which scan is looked up, who is
//! checked, where an entry is kept) have no file here; they are the knobs `resolve`, `owner-check`, `read-path`, `slot`, `placeholder`,
//! `fallback`, `unknown-as-pending` and `unset-state`. A POST whose answer comes too late (Z) is cut off in the front. Everything here is given what it needs and knows nothing of HTTP routes or of the other faults.

pub(crate) mod affinity;
pub(crate) mod answer_cache;
pub(crate) mod arrivals;
pub(crate) mod delivery;
pub(crate) mod eviction;
pub(crate) mod follower;
pub(crate) mod hold;
pub(crate) mod late_changes;
pub(crate) mod mangling;
pub(crate) mod queue;
pub(crate) mod quorum;
pub(crate) mod scope;
