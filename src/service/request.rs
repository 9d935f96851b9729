//! The body of a discover request, and the cache key made of it.

use serde_json::{Map, Value, json};
use sha1::{Digest as _, Sha1};

/// The strategies in the order in which they are started.
pub(crate) const STRATEGIES: [&str; 14] = [
    "spot_momentum",
    "spot_mean_reversion",
    "spot_breakout",
    "pairs_trading",
    "statistical_arbitrage",
    "market_making",
    "scalping",
    "complex",
    "futures_trade",
    "options_trade",
    "funding_arbitrage",
    "risk_management",
    "portfolio_optimization",
    "hedge_position",
];

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct DiscoverRequest {
    pub(crate) force_refresh: bool,
    pub(crate) recommendations: bool,
    /// The id that the client gives the scan, for clients that have to find it again after a request that failed.
    pub(crate) scan_id: Option<String>,
    pub(crate) filters: Filters,
}

/// What a scan is restricted to; an empty list is no restriction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Filters {
    pub(crate) symbols: Vec<String>,
    pub(crate) asset_tiers: Vec<String>,
    pub(crate) strategy_ids: Vec<String>,
}

/// Why a body was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BodyError {
    #[error("the body is not JSON: {0}")]
    NotJson(String),
    #[error("the body must be a JSON object")]
    NotAnObject,
    #[error("field `{field}` must be {expected}")]
    WrongType { field: &'static str, expected: &'static str },
}

impl DiscoverRequest {
    /// Reads a body; an empty one asks for everything by default. Unknown fields are ignored.
    pub(crate) fn from_body(body: &[u8]) -> Result<Self, BodyError> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(DiscoverRequest { recommendations: true, ..Self::default() });
        }
        let body: Value = serde_json::from_slice(body).map_err(|error| BodyError::NotJson(error.to_string()))?;
        let Value::Object(fields) = body else {
            return Err(BodyError::NotAnObject);
        };
        Ok(DiscoverRequest {
            force_refresh: flag(&fields, "force_refresh", false)?,
            recommendations: flag(&fields, "include_strategy_recommendations", true)?,
            scan_id: scan_id(&fields)?,
            filters: Filters {
                symbols: list(&fields, "symbols")?,
                asset_tiers: list(&fields, "asset_tiers")?,
                strategy_ids: list(&fields, "strategy_ids")?,
            },
        })
    }
}

/// An id of the client's, in the form of the service's own.
fn scan_id(fields: &Map<String, Value>) -> Result<Option<String>, BodyError> {
    let Some(value) = fields.get("scan_id") else { return Ok(None) };
    let is_id = |text: &&str| {
        let digits = text.strip_prefix("scan_").unwrap_or_default();
        (16..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let wrong = BodyError::WrongType { field: "scan_id", expected: "`scan_` and 16 to 64 letters, digits and hyphens" };
    value.as_str().filter(is_id).map(|id| Some(id.to_owned())).ok_or(wrong)
}

impl Filters {
    /// `user:digest`, the digest being that of the original system: sorted keys, compact JSON, SHA-1, 16 digits.
    pub(crate) fn key(&self, user: &str) -> String {
        let Filters { symbols, asset_tiers, strategy_ids } = self;
        let text = json!({"asset_tiers": asset_tiers, "strategy_ids": strategy_ids, "symbols": symbols}).to_string();
        let digest = Sha1::digest(text.as_bytes());
        // 16 hexadecimal digits are the first 8 of SHA-1's 20 bytes.
        let head = digest.iter().take(8).fold(0, |head: u64, byte| head << 8 | u64::from(*byte));
        format!("{user}:{head:016x}")
    }

    /// The filters as answered.
    pub(crate) fn to_json(&self) -> Value {
        json!({"symbols": self.symbols, "asset_tiers": self.asset_tiers, "strategy_ids": self.strategy_ids})
    }

    /// The strategies to run: those named, or all 14 if none of the names is known.
    pub(crate) fn strategies(&self) -> Vec<&'static str> {
        let named = |strategy: &&str| self.strategy_ids.iter().any(|id| id.eq_ignore_ascii_case(strategy));
        let chosen: Vec<_> = STRATEGIES.into_iter().filter(named).collect();
        if chosen.is_empty() { STRATEGIES.to_vec() } else { chosen }
    }
}

/// The label in the body of a change.
pub(crate) fn label_from_body(body: &[u8]) -> Result<String, BodyError> {
    let body: Value = serde_json::from_slice(body).map_err(|error| BodyError::NotJson(error.to_string()))?;
    let Value::Object(fields) = body else {
        return Err(BodyError::NotAnObject);
    };
    let wrong = BodyError::WrongType { field: "label", expected: "a text of at most 200 characters" };
    let label = fields.get("label").and_then(Value::as_str).filter(|label| label.chars().count() <= LONGEST_LABEL);
    label.map(str::to_owned).ok_or(wrong)
}

/// The longest label, in characters.
const LONGEST_LABEL: usize = 200;

fn flag(fields: &Map<String, Value>, field: &'static str, default: bool) -> Result<bool, BodyError> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(BodyError::WrongType { field, expected: "true or false" }),
    }
}

/// A list of strings or a comma string; trimmed, without empty or repeated entries.
fn list(fields: &Map<String, Value>, field: &'static str) -> Result<Vec<String>, BodyError> {
    let wrong = BodyError::WrongType { field, expected: "a list of strings or a comma-separated string" };
    let raw: Vec<&str> = match fields.get(field) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.split(',').collect(),
        Some(Value::Array(items)) => items.iter().map(Value::as_str).collect::<Option<_>>().ok_or(wrong)?,
        Some(_) => return Err(wrong),
    };
    let mut list: Vec<String> = Vec::new();
    for item in raw.into_iter().map(str::trim).filter(|item| !item.is_empty()) {
        if !list.iter().any(|known| known.eq_ignore_ascii_case(item)) {
            list.push(item.to_owned());
        }
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filters_give_the_published_digest() {
        assert_eq!(Filters::default().key("alice"), "alice:b7131f12a6b6595f");
    }

    #[test]
    fn lists_are_trimmed_and_deduplicated() {
        for (body, expected) in [
            (r#"{"symbols": " BTC, eth,,btc "}"#, vec!["BTC", "eth"]),
            (r#"{"symbols": ["BTC", "Btc", " "]}"#, vec!["BTC"]),
            (r#"{"symbols": [], "unknown": 1}"#, vec![]),
            ("  ", vec![]),
        ] {
            assert_eq!(
                DiscoverRequest::from_body(body.as_bytes()).map(|request| request.filters.symbols),
                Ok(expected.into_iter().map(str::to_owned).collect())
            );
        }
    }

    #[test]
    fn a_wrong_body_names_the_field() {
        for (body, message) in [
            (r#"{"force_refresh": "yes"}"#, "field `force_refresh` must be true or false"),
            (r#"{"symbols": [1]}"#, "field `symbols` must be a list of strings or a comma-separated string"),
            ("[]", "the body must be a JSON object"),
        ] {
            assert_eq!(DiscoverRequest::from_body(body.as_bytes()).map_err(|error| error.to_string()), Err(message.into()));
        }
        assert!(matches!(DiscoverRequest::from_body(b"{"), Err(BodyError::NotJson(_))));
    }
}
