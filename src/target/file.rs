//! The target file as it is written: one struct for each table, one field for each key, nothing understood yet.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// A whole target file.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetFile {
    pub(super) name: String,
    pub(super) base_url: String,
    pub(super) unknown_id: Option<String>,
    pub(super) http: Option<HttpFile>,
    #[serde(default)]
    pub(super) tls: TlsFile,
    #[serde(default)]
    pub(super) users: BTreeMap<String, UserFile>,
    pub(super) initiate: InitiateFile,
    pub(super) status: ReadFile,
    pub(super) witness: Option<ReadFile>,
    pub(super) results: Option<ReadFile>,
    pub(super) cancel: Option<CancelFile>,
    pub(super) filler: Option<FillerFile>,
}

/// `http`
#[derive(Debug, Clone, Copy, serde::Deserialize)]
pub(super) enum HttpFile {
    #[serde(rename = "1.1")]
    One,
    #[serde(rename = "2")]
    Two,
}

/// `[tls]`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    pub(super) ca: Option<String>,
    pub(super) client_cert: Option<String>,
    pub(super) client_key: Option<String>,
}

/// `[users.NAME]`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFile {
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
}

/// The keys that every endpoint takes: what is asked, and as whom.
#[derive(Debug)]
pub(super) struct AskFile {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) user: Option<String>,
    pub(super) json: Option<toml::Value>,
    pub(super) form: Option<BTreeMap<String, String>>,
    pub(super) body: Option<String>,
}

/// `[initiate]`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InitiateFile {
    method: Option<String>,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    user: Option<String>,
    json: Option<toml::Value>,
    form: Option<BTreeMap<String, String>>,
    body: Option<String>,
    pub(super) accept: Option<HttpCodes>,
    pub(super) id: ExtractFile,
}

/// `[status]`, `[witness]` and `[results]`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadFile {
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    user: Option<String>,
    json: Option<toml::Value>,
    form: Option<BTreeMap<String, String>>,
    body: Option<String>,
    pub(super) follow: Option<ExtractFile>,
    #[serde(default)]
    pub(super) follow_other_origins: bool,
    pub(super) state: Option<ExtractFile>,
    pub(super) echo: Option<ExtractFile>,
    pub(super) progress: Option<ExtractFile>,
    #[serde(default)]
    pub(super) states: StatesFile,
    #[serde(default)]
    pub(super) answer: Vec<RuleFile>,
}

/// `[status.states]`
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatesFile {
    #[serde(default)]
    pub(super) running: Vec<String>,
    #[serde(default)]
    pub(super) succeeded: Vec<String>,
    #[serde(default)]
    pub(super) failed: Vec<String>,
}

/// `[cancel]`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelFile {
    method: Option<String>,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    user: Option<String>,
    json: Option<toml::Value>,
    form: Option<BTreeMap<String, String>>,
    body: Option<String>,
    pub(super) seen_when: WhenFile,
}

/// `[filler]`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FillerFile {
    method: Option<String>,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    user: Option<String>,
    json: Option<toml::Value>,
    form: Option<BTreeMap<String, String>>,
    body: Option<String>,
}

/// Where a value stands in a reply: `{ pointer = "/id" }`, `{ jsonpath = "$.id" }` or `{ header = "Location", pattern = "…" }`.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtractFile {
    pub(super) pointer: Option<String>,
    pub(super) jsonpath: Option<String>,
    pub(super) header: Option<String>,
    pub(super) pattern: Option<String>,
}

/// `[[status.answer]]`
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    pub(super) is: IsFile,
    pub(super) state: Option<StateFile>,
    pub(super) when: WhenFile,
}

/// What a rule says a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum IsFile {
    Visible,
    NotFound,
    Refused,
    Throttled,
    Error,
}

/// The harness's states, as far as a file may name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateFile {
    Running,
    Succeeded,
    Failed,
}

/// The conditions of a rule; all that are given must hold.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenFile {
    pub(super) http: Option<HttpCodes>,
    pub(super) pointer: Option<String>,
    pub(super) jsonpath: Option<String>,
    pub(super) header: Option<String>,
    pub(super) equals: Option<toml::Value>,
    pub(super) one_of: Option<Vec<toml::Value>>,
    pub(super) matches: Option<String>,
    pub(super) exists: Option<bool>,
    pub(super) null: Option<bool>,
    pub(super) empty: Option<bool>,
    pub(super) body_matches: Option<String>,
}

/// Written apart and not by `flatten`, which would lose the places that errors point to.
macro_rules! splits_off_what_is_asked {
    ($($file:ident: $path:ident => $wrapped:expr),*) => {$(
        impl $file {
            /// Takes the keys out that every endpoint has.
            pub(super) fn ask(&mut self) -> AskFile {
                let $path = std::mem::take(&mut self.path);
                AskFile {
                    method: self.method.take(),
                    path: $wrapped,
                    headers: std::mem::take(&mut self.headers),
                    user: self.user.take(),
                    json: self.json.take(),
                    form: self.form.take(),
                    body: self.body.take(),
                }
            }
        }
    )*};
}

splits_off_what_is_asked!(
    InitiateFile: path => Some(path),
    ReadFile: path => path,
    CancelFile: path => Some(path),
    FillerFile: path => Some(path)
);

/// One or more HTTP status codes or classes of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HttpCodes(Vec<HttpCode>);

/// One code, or a class such as `5xx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HttpCode {
    Exactly(u16),
    Hundred(u16),
}

impl HttpCodes {
    /// Whether a reply's code is among them.
    pub(super) fn contain(&self, http: u16) -> bool {
        self.0.iter().any(|code| match *code {
            HttpCode::Exactly(exact) => exact == http,
            HttpCode::Hundred(hundred) => hundred == http / 100,
        })
    }

    /// Any 2xx.
    pub(super) fn success() -> Self {
        HttpCodes(vec![HttpCode::Hundred(2)])
    }
}

const HTTP_CODES: &str = "an HTTP code such as 404, a class such as \"5xx\", or a list of these such as [404, 410]";

struct HttpCodesVisitor;

impl<'de> Visitor<'de> for HttpCodesVisitor {
    type Value = HttpCodes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HTTP_CODES)
    }

    fn visit_i64<E: de::Error>(self, code: i64) -> Result<HttpCodes, E> {
        u16::try_from(code)
            .ok()
            .filter(|code| (100..600).contains(code))
            .map(|code| HttpCodes(vec![HttpCode::Exactly(code)]))
            .ok_or_else(|| E::invalid_value(de::Unexpected::Signed(code), &self))
    }

    fn visit_u64<E: de::Error>(self, code: u64) -> Result<HttpCodes, E> {
        self.visit_i64(i64::try_from(code).unwrap_or(i64::MAX))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<HttpCodes, E> {
        let class = match text.to_ascii_lowercase().as_str() {
            "1xx" => 1,
            "2xx" => 2,
            "3xx" => 3,
            "4xx" => 4,
            "5xx" => 5,
            _ => {
                return match text.parse::<i64>() {
                    Ok(code) => self.visit_i64(code),
                    Err(_) => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                };
            }
        };
        Ok(HttpCodes(vec![HttpCode::Hundred(class)]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HttpCodes, A::Error> {
        let mut codes = Vec::new();
        while let Some(HttpCodes(more)) = list.next_element()? {
            codes.extend(more);
        }
        if codes.is_empty() {
            return Err(de::Error::invalid_length(0, &self));
        }
        Ok(HttpCodes(codes))
    }
}

impl<'de> Deserialize<'de> for HttpCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HttpCodesVisitor)
    }
}
