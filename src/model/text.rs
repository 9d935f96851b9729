//! Short texts that occur again and again: a scan's id, a worker's name, a state's word.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use arcstr::ArcStr;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is cheap to copy and small to keep: one pointer, so that `Option<Text>` is eight bytes.
///
/// A log of a million exchanges names each id a dozen times and each worker a hundred thousand times.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(ArcStr);

/// The longest word or name that is kept: a state is a word, and so is a worker's name.
pub const LONGEST_WORD: usize = 100;

/// The longest reason, or note of what a cache says, that is kept: a sentence or two.
pub const LONGEST_NOTE: usize = 400;

/// A text of at most so many bytes, with an ellipsis where it was cut. Secrets are struck out before: half a credential at the cut
/// would not be recognised as one.
pub fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        let end = (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl Text {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text(text.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text(text.into())
    }
}

impl From<Text> for String {
    fn from(text: Text) -> String {
        text.as_str().to_owned()
    }
}

impl PartialEq<str> for Text {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl JsonSchema for Text {
    fn schema_name() -> Cow<'static, str> {
        "Text".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Text, E> {
                Ok(text.into())
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

/// One copy of each text, for as long as its owner is reading.
///
/// Texts come back soon or never: after so many others all are forgotten, so that a million different ones need no room here.
#[derive(Debug, Default)]
pub struct Texts(HashSet<Text>);

/// The most texts that are known at a time: the ids, and an answer to each, of far more scans than are under way together.
const MOST_KNOWN: usize = 1 << 14;

impl Texts {
    /// The text that is known to be equal, or a new one.
    pub fn shared(&mut self, text: &str) -> Text {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        if self.0.len() == MOST_KNOWN {
            self.0.clear();
        }
        let new = Text::from(text);
        self.0.insert(new.clone());
        new
    }
}

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
    }

    #[test]
    fn equal_texts_are_kept_once() {
        let mut texts = Texts::default();
        let (one, two) = (texts.shared("scan_1"), texts.shared("scan_1"));
        assert!(ArcStr::ptr_eq(&one.0, &two.0));
        assert_eq!(two, "scan_1");
    }

    #[test]
    fn an_optional_text_is_as_small_as_a_pointer() {
        assert_eq!(size_of::<Option<Text>>(), size_of::<usize>());
        assert_eq!(size_of::<Option<Digest>>(), 9);
    }
}
