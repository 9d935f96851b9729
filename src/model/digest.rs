//! The digest by which two bodies are told apart.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first eight bytes of a body's SHA-1: enough to see that two answers differ. 16 hex digits where it is written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 8]);

/// Why a text is no [`Digest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest: expected 16 hex digits")]
pub struct DigestError {
    /// The text as it was given.
    pub text: String,
}

impl From<[u8; 8]> for Digest {
    fn from(bytes: [u8; 8]) -> Digest {
        Digest(bytes)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Digest, DigestError> {
        let add = |bits: u64, byte: u8| Some(bits << 4 | u64::from(char::from(byte).to_digit(16)?));
        let bits = if text.len() == 16 { text.bytes().try_fold(0, add) } else { None };
        bits.map(|bits| Digest(bits.to_be_bytes())).ok_or_else(|| DigestError { text: text.to_owned() })
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl JsonSchema for Digest {
    fn schema_name() -> Cow<'static, str> {
        "Digest".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "16 hex digits of a digest.", "type": "string", "pattern": "^[0-9a-fA-F]{16}$" })
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Digest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("16 hex digits")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Digest, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_as_sixteen_hex_digits_and_read_back() {
        for text in ["4a4d726fde7942ad", "0000000000000001", "ffffffffffffffff"] {
            assert_eq!(text.parse::<Digest>().map(|digest| digest.to_string()).as_deref(), Ok(text));
        }
        for wrong in ["", "4a4d", "+a4d726fde7942ad", "4a4d726fde7942ad0", "xa4d726fde7942ad"] {
            assert!(wrong.parse::<Digest>().is_err(), "{wrong}");
        }
        assert_eq!(size_of::<Option<Digest>>(), 9);
    }
}
