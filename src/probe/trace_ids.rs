//! Gives each request its own `traceparent`, at the last moment: a prepared request may be sent many times, and each time is an exchange of
//! its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue};

use crate::model::trace::{SpanId, TRACEPARENT_LENGTH, traceparent, tracestate};

/// The header that carries the ids.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// What stands in a prepared request until it is sent.
const PLACEHOLDER: &str = "00-00000000000000000000000000000000-0000000000000000-01";

/// How the line of the header begins in a request of HTTP/1.1.
const LINE: &[u8] = b"\r\ntraceparent: ";

/// The ids of one run's exchanges, from its seed. Cheap to copy; all copies share one count.
#[derive(Debug, Clone)]
pub struct TraceIds {
    shared: Arc<Shared>,
    state: Option<HeaderValue>,
}

#[derive(Debug)]
struct Shared {
    seed: u64,
    run: AtomicU64,
    next: AtomicU64,
}

/// Each shard has so many bits of numbers of its own.
const NUMBERS_PER_SHARD: u32 = 40;

impl TraceIds {
    /// The ids of a run; `run_id` tells it from others with the same seed.
    pub fn of_run(seed: u64, run_id: &str) -> TraceIds {
        let shared = Shared { seed, run: AtomicU64::new(as_number(SpanId::of_run(seed, run_id))), next: AtomicU64::new(0) };
        let state = tracestate(run_id).and_then(|state| HeaderValue::try_from(state).ok());
        TraceIds { shared: Arc::new(shared), state }
    }

    /// From now on those of one shard: all shards of a run have the run's half in common, and no two of them an exchange's.
    pub fn of_shard(&self, seed: u64, index: u32) {
        self.shared.run.store(as_number(SpanId::of_run(seed, "")), Ordering::Relaxed);
        self.shared.next.store(u64::from(index) << NUMBERS_PER_SHARD, Ordering::Relaxed);
    }

    /// The half that all its trace ids have in common.
    pub fn run(&self) -> SpanId {
        let bytes = self.shared.run.load(Ordering::Relaxed).to_be_bytes();
        // No id is zero; the number was one.
        SpanId::of(&bytes).unwrap_or_else(|| SpanId::drawn(self.shared.seed, 0))
    }

    /// The next exchange's half.
    pub(crate) fn next(&self) -> SpanId {
        // By the run's half and not by the seed alone: two runs with one seed must not have the same spans.
        let run = self.shared.run.load(Ordering::Relaxed);
        SpanId::drawn(run, self.shared.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The headers that a request is prepared with.
    pub(crate) fn headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let state = self.state.clone().map(|state| (TRACESTATE, state));
        [(TRACEPARENT, HeaderValue::from_static(PLACEHOLDER))].into_iter().chain(state)
    }

    /// The header's value for one exchange.
    pub(crate) fn value(&self, own: SpanId) -> HeaderValue {
        // Hex digits and dashes alone; the placeholder is as harmless.
        HeaderValue::try_from(traceparent(self.run(), own)).unwrap_or(HeaderValue::from_static(PLACEHOLDER))
    }

    /// A request of HTTP/1.1 with the ids of one exchange in it, where `at` is the place of the header's value.
    pub(crate) fn in_bytes(&self, bytes: &[u8], at: usize, own: SpanId) -> Bytes {
        let mut patched = BytesMut::from(bytes);
        patched[at..at + TRACEPARENT_LENGTH].copy_from_slice(traceparent(self.run(), own).as_bytes());
        patched.freeze()
    }
}

/// Whether a header holds the place for ids, and not a value of the target file's own.
pub(crate) fn is_placeholder(value: &HeaderValue) -> bool {
    value == PLACEHOLDER
}

/// Where the place for ids is in a request of HTTP/1.1.
pub(crate) fn place_in(bytes: &[u8]) -> Option<usize> {
    let at = bytes.windows(LINE.len()).position(|window| window == LINE)? + LINE.len();
    (bytes.get(at..at + TRACEPARENT_LENGTH)? == PLACEHOLDER.as_bytes()).then_some(at)
}

fn as_number(id: SpanId) -> u64 {
    u64::from_be_bytes(*id.bytes())
}
