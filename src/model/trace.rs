//! Trace context (W3C): the ids by which an exchange is found in a tracing backend.
//!
//! A trace id has two halves. The first is the run's, so that spans of a run can be told from all others by a look at their trace id.
//! The second is the exchange's, and is also the id of the span that the request is said to come from.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {digits} hex digits")]
pub struct HexError {
    /// The text as it was given.
    pub text: String,
    /// How many there should be.
    pub digits: usize,
}

/// An id of so many bytes, written as hex digits.
macro_rules! hex_id {
    ($(#[$meta:meta])* $name:ident, $bytes:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// The id of these bytes; `None` if there are not as many as it has, or all are zero, which W3C forbids.
            pub fn of(bytes: &[u8]) -> Option<$name> {
                <[u8; $bytes]>::try_from(bytes).ok().filter(|bytes| bytes.iter().any(|byte| *byte != 0)).map($name)
            }

            /// Its bytes.
            pub fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = HexError;

            fn from_str(text: &str) -> Result<$name, HexError> {
                let wrong = || HexError { text: text.chars().take(64).collect(), digits: 2 * $bytes };
                if text.len() != 2 * $bytes || !text.is_ascii() {
                    return Err(wrong());
                }
                let mut bytes = [0; $bytes];
                for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
                    let digit = |at: usize| char::from(digits[at]).to_digit(16);
                    let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err(wrong()) };
                    *byte = (high << 4 | low) as u8;
                }
                $name::of(&bytes).ok_or_else(wrong)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "description": concat!("An id of ", $bytes, " bytes as lower-case hex digits."),
                    "type": "string",
                    "pattern": format!("^[0-9a-f]{{{}}}$", 2 * $bytes),
                })
            }
        }
    };
}

hex_id! {
    /// A whole trace id.
    TraceId, 16
}

hex_id! {
    /// The id of a span, or half of a trace id.
    SpanId, 8
}

impl TraceId {
    /// The trace id of an exchange, from the run's half and its own.
    pub fn joined(run: SpanId, own: SpanId) -> TraceId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&run.0);
        bytes[8..].copy_from_slice(&own.0);
        TraceId(bytes)
    }

    /// The exchange's half, if the trace id begins with the run's.
    pub fn of_run(&self, run: SpanId) -> Option<SpanId> {
        if self.0[..8] == run.0 { SpanId::of(&self.0[8..]) } else { None }
    }
}

impl SpanId {
    /// The n-th id of those that a seed stands for. Different numbers have different ids.
    pub fn drawn(seed: u64, n: u64) -> SpanId {
        // A bijection of n for a fixed seed (splitmix64), so that no two are equal; the one that would be zero is none that any run reaches.
        let mixed = mix(seed.wrapping_add(mix(n ^ 0x5ca1_ab1e)));
        SpanId(if mixed == 0 { u64::MAX } else { mixed }.to_be_bytes())
    }

    /// The run's half of its trace ids. `run` tells runs of one seed apart; shards of one run have an empty one, since they share it.
    pub fn of_run(seed: u64, run: &str) -> SpanId {
        let folded = run.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)));
        SpanId::drawn(folded, u64::MAX)
    }
}

fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The length of every `traceparent` of version 00.
pub const TRACEPARENT_LENGTH: usize = 55;

/// The `traceparent` of an exchange: version 00, sampled.
pub fn traceparent(run: SpanId, own: SpanId) -> String {
    format!("00-{}-{own}-01", TraceId::joined(run, own))
}

/// The `tracestate` of all exchanges of a run; `None` where the run's id has characters that it may not have.
pub fn tracestate(run_id: &str) -> Option<String> {
    let is_plain = !run_id.is_empty() && run_id.len() <= 256 && run_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_plain.then(|| format!("statusgap={run_id}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_traceparent_is_what_w3c_says_and_reads_back() {
        let (run, own) = (SpanId::of_run(7, "r-1"), SpanId::drawn(7, 0));
        let header = traceparent(run, own);
        assert_eq!(header.len(), TRACEPARENT_LENGTH);
        let parts: Vec<&str> = header.split('-').collect();
        let trace: TraceId = parts[1].parse().expect("32 hex digits");
        assert_eq!((parts[0], parts[3]), ("00", "01"));
        assert_eq!(trace.of_run(run), Some(own));
        assert_eq!(parts[2].parse(), Ok(own), "the request comes from the span of its exchange");
        assert_eq!(trace.of_run(SpanId::of_run(7, "r-2")), None, "another run with the same seed");
    }

    #[test]
    fn ids_differ_and_come_from_the_seed() {
        let ids: BTreeSet<SpanId> = (0..10_000).map(|n| SpanId::drawn(3, n)).collect();
        assert_eq!(ids.len(), 10_000);
        assert_eq!(SpanId::drawn(3, 5), SpanId::drawn(3, 5));
        assert_ne!(SpanId::drawn(3, 5), SpanId::drawn(4, 5));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0000000000000000", "123", "zz00000000000000", "ää0000000000", "00000000000000011"] {
            assert!(text.parse::<SpanId>().is_err(), "{text}");
        }
        assert_eq!("00000000000000AB".parse::<SpanId>().map(|id| id.to_string()), Ok("00000000000000ab".to_owned()));
        assert!(TraceId::of(&[0; 16]).is_none() && TraceId::of(&[1; 8]).is_none());
    }

    #[test]
    fn a_tracestate_has_only_what_it_may_have() {
        assert_eq!(tracestate("virtual-00ab").as_deref(), Some("statusgap=virtual-00ab"));
        assert_eq!(tracestate("a,b=c"), None);
    }
}
