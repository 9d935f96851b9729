//! How each type of knob value is read from text, shown, and described.

use std::path::PathBuf;
use std::time::Duration;

use super::distribution::Distribution;
use super::duration;
use super::fault::quorum::Quorum;
use super::settings::{
    Affinity, CacheKey, Evict, Fallback, Handover, OnCrash, PathDecoding, Placeholder, Policy, QueueRecord, ReadPath, Resolve, Routing,
    Slot, Stage, StoreChoice, StoreHandle, Switch, UnsetState,
};

/// A type that a knob's value can have.
pub(super) trait KnobValue: Sized {
    /// What a value looks like.
    fn form() -> String;
    /// The words it can be, where it is one of a few.
    fn words() -> &'static [&'static str] {
        &[]
    }
    /// The value that is written so, if it is one.
    fn read(text: &str) -> Option<Self>;
    /// How the value is written.
    fn show(&self) -> String;
}

macro_rules! word_values {
    ($($type:ident),+) => {
        $(impl KnobValue for $type {
            fn form() -> String { format!("one of {}", Self::WORDS.join(", ")) }
            fn words() -> &'static [&'static str] { Self::WORDS }
            fn read(text: &str) -> Option<Self> { Self::from_word(text) }
            fn show(&self) -> String { self.word().into() }
        })+
    };
}

word_values!(
    Switch,
    Routing,
    Policy,
    StoreHandle,
    ReadPath,
    Slot,
    Placeholder,
    Fallback,
    Stage,
    OnCrash,
    Evict,
    QueueRecord,
    PathDecoding,
    Resolve,
    Quorum,
    Affinity,
    CacheKey,
    Handover,
    UnsetState
);

impl KnobValue for Distribution {
    fn form() -> String {
        "a duration or law: 2s, uniform(1.9s,2.1s), exp(50ms), lognormal(300ms,0.8)".into()
    }
    fn read(text: &str) -> Option<Self> {
        Distribution::parse(text)
    }
    fn show(&self) -> String {
        Distribution::show(self)
    }
}

impl KnobValue for Duration {
    fn form() -> String {
        "a duration: 100ms, 2s, 1m30s".into()
    }
    fn read(text: &str) -> Option<Self> {
        duration::parse(text)
    }
    fn show(&self) -> String {
        duration::show(*self)
    }
}

impl KnobValue for Option<(Duration, Duration)> {
    fn form() -> String {
        "off, or an interval since service start: 2s..4s".into()
    }
    fn read(text: &str) -> Option<Self> {
        if text == "off" {
            return Some(None);
        }
        let (from, to) = text.split_once("..")?;
        let (from, to) = (duration::parse(from)?, duration::parse(to)?);
        (from < to).then_some(Some((from, to)))
    }
    fn show(&self) -> String {
        match self {
            None => "off".into(),
            Some((from, to)) => format!("{}..{}", duration::show(*from), duration::show(*to)),
        }
    }
}

/// A probability.
impl KnobValue for f64 {
    fn form() -> String {
        "a share from 0 to 1".into()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|share| (0.0..=1.0).contains(share))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl KnobValue for usize {
    fn form() -> String {
        "a whole number from 0 to 10000".into()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|count| *count <= 10_000)
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

/// An HTTP code of success.
impl KnobValue for u16 {
    fn form() -> String {
        "200 or 202".into()
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|code| [200, 202].contains(code))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl KnobValue for Option<u64> {
    fn form() -> String {
        "random, or a whole number".into()
    }
    fn read(text: &str) -> Option<Self> {
        if text == "random" { Some(None) } else { text.parse().ok().map(Some) }
    }
    fn show(&self) -> String {
        self.map_or_else(|| "random".into(), |seed| seed.to_string())
    }
}

impl KnobValue for Option<i64> {
    fn form() -> String {
        "machine, or a wall clock in RFC 3339 such as 2026-01-01T00:00:00Z".into()
    }
    fn read(text: &str) -> Option<Self> {
        if text == "machine" {
            return Some(None);
        }
        let stamp: jiff::Timestamp = text.parse().ok()?;
        (stamp.as_millisecond() >= 0).then(|| Some(stamp.as_millisecond()))
    }
    fn show(&self) -> String {
        match self.map(jiff::Timestamp::from_millisecond) {
            Some(Ok(stamp)) => stamp.to_string(),
            _ => "machine".into(),
        }
    }
}

impl KnobValue for StoreChoice {
    fn form() -> String {
        "memory, embedded, or redis://host:port/db".into()
    }
    fn words() -> &'static [&'static str] {
        &["memory", "embedded"]
    }
    fn read(text: &str) -> Option<Self> {
        match text {
            "memory" => Some(StoreChoice::Memory),
            "embedded" => Some(StoreChoice::Embedded),
            url if url.starts_with("redis://") && url.len() > "redis://".len() => Some(StoreChoice::Redis(url.into())),
            _ => None,
        }
    }
    fn show(&self) -> String {
        match self {
            StoreChoice::Memory => "memory".into(),
            StoreChoice::Embedded => "embedded".into(),
            StoreChoice::Redis(url) => url.clone(),
        }
    }
}

impl KnobValue for Option<PathBuf> {
    fn form() -> String {
        "a directory".into()
    }
    fn read(text: &str) -> Option<Self> {
        Some((!text.is_empty()).then(|| text.into()))
    }
    fn show(&self) -> String {
        self.as_ref().map(|dir| dir.display().to_string()).unwrap_or_default()
    }
}

impl KnobValue for String {
    fn form() -> String {
        "any text".into()
    }
    fn read(text: &str) -> Option<Self> {
        Some(text.into())
    }
    fn show(&self) -> String {
        self.clone()
    }
}
