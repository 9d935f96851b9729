//! The target file as it is written: one struct for each table, one field for each key, nothing understood yet.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::model::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, SeqAccess, Visitor};

/// A whole target file.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TargetFile {
    /// The target's name.
    pub(super) name: String,
    /// What a job is called in reports, in the singular; "job", if it is not said.
    pub(super) noun: Option<String>,
    /// Its address; `${NAME:-default}` reads the environment.
    pub(super) base_url: String,
    /// An id that was never issued, for the controls.
    pub(super) unknown_id: Option<String>,
    /// Which HTTP is spoken; what both sides agree on, if it is not said.
    pub(super) http: Option<HttpFile>,
    /// Certificates, where the system's own do not do.
    #[serde(default)]
    pub(super) tls: TlsFile,
    /// Who asks: `owner`, `foreign`, and others that endpoints name.
    #[serde(default)]
    pub(super) users: BTreeMap<String, UserFile>,
    /// Whether the cookies that a scan was given go along with its later requests; default: none do.
    #[serde(default)]
    pub(super) cookies: bool,
    /// How to get the credentials that requests need, once for all scans.
    pub(super) login: Option<LoginFile>,
    /// Steps before each scan, in this order.
    #[serde(default)]
    pub(super) setup: Vec<SetupFile>,
    /// How a scan is asked for.
    pub(super) initiate: InitiateFile,
    /// The endpoint under test.
    pub(super) status: ReadFile,
    /// An endpoint that knows scans independently of status.
    pub(super) witness: Option<ReadFile>,
    /// Where a scan's results are read.
    pub(super) results: Option<ReadFile>,
    /// How a scan is cancelled.
    pub(super) cancel: Option<CancelFile>,
    /// How a scan is changed.
    pub(super) update: Option<UpdateFile>,
    /// How a scan is deleted.
    pub(super) delete: Option<DeleteFile>,
    /// A harmless request that shifts round-robin routing.
    pub(super) filler: Option<FillerFile>,
    /// Objectives that reports hold the run to.
    pub(super) slo: Option<SloFile>,
}

/// `[slo]`
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SloFile {
    /// From the id to the first answer that knows the scan, such as `"p99 <= 200ms"`, or a list of such.
    pub(super) visible: Option<OneOrMore>,
    /// From the id to the end of the scan, such as `"p95 <= 60s"`, or a list of such.
    pub(super) done: Option<OneOrMore>,
}

/// `http`
#[derive(Debug, Clone, Copy, serde::Deserialize, JsonSchema)]
pub(super) enum HttpFile {
    #[serde(rename = "1.1")]
    One,
    #[serde(rename = "2")]
    Two,
}

/// `[tls]`
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TlsFile {
    pub(super) ca: Option<String>,
    pub(super) client_cert: Option<String>,
    pub(super) client_key: Option<String>,
}

/// `[users.NAME]`
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserFile {
    /// Headers that make a request this user's.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// How to get this user's credentials, where `[login]` gets those of another; what it captures is known in this user's headers.
    pub(super) login: Option<LoginFile>,
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
    pub(super) verbatim: Vec<String>,
    pub(super) base_url: Option<OneOrMore>,
    pub(super) cookies: Option<bool>,
}

/// A table of an endpoint: the keys of every endpoint, and its own. Not by serde's `flatten`, which would lose the places that errors
/// point to.
macro_rules! endpoint {
    ($(#[$doc:meta])* $name:ident, path: $path_type:ty => |$path:ident| $wrapped:expr, { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, serde::Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// The HTTP method; the endpoint has a usual one.
            method: Option<String>,
            /// The path, with `{id}` and other placeholders.
            path: $path_type,
            /// Request headers.
            #[serde(default)]
            headers: BTreeMap<String, String>,
            /// Who asks: a user of `[users]`.
            user: Option<String>,
            /// The request's body as JSON.
            #[schemars(with = "Option<serde_json::Value>")]
            json: Option<toml::Value>,
            /// The request's body as form fields.
            form: Option<BTreeMap<String, String>>,
            /// The request's body as text.
            body: Option<String>,
            /// Texts of `json`, by JSON Pointer, that are sent as they stand: their braces are braces, as in GraphQL.
            #[serde(default)]
            verbatim: Vec<String>,
            /// Where this endpoint lives, if not at the `base_url` at the top; several addresses are asked by turns.
            base_url: Option<OneOrMore>,
            /// Whether the cookies that the scan was given go along; `cookies` at the top says it for all endpoints.
            cookies: Option<bool>,
            $($own)*
        }

        impl $name {
            /// As whom it is asked, where the file does not say so.
            #[allow(dead_code, reason = "not every endpoint has one of its own")]
            pub(super) fn set_user(&mut self, user: &str) {
                self.user.get_or_insert_with(|| user.to_owned());
            }

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
                    verbatim: std::mem::take(&mut self.verbatim),
                    base_url: self.base_url.take(),
                    cookies: self.cookies.take(),
                }
            }
        }
    };
}

endpoint! {
    /// `[initiate]`
    InitiateFile, path: String => |path| Some(path), {
        /// The codes of an accepted initiate.
        pub(super) accept: Option<HttpCodes>,
        /// Where the id stands in the reply; or a text such as "{uuid}", which is the id that the client gives the scan.
        pub(super) id: IdFile,
        /// Values of the reply that later paths, headers, bodies and rules name.
        #[serde(default)]
        pub(super) capture: BTreeMap<String, ExtractFile>,
        /// Whether a scan whose initiate failed is looked for all the same; it takes an id that the client gives.
        #[serde(default)]
        pub(super) orphan: bool,
    }
}

endpoint! {
    /// `[[setup]]`
    SetupFile, path: String => |path| Some(path), {
        /// The codes of a step that went well.
        pub(super) accept: Option<HttpCodes>,
        /// Values of the reply that later paths, headers, bodies and rules name.
        #[serde(default)]
        pub(super) capture: BTreeMap<String, ExtractFile>,
    }
}

endpoint! {
    /// `[login]`, and `[users.NAME.login]`
    LoginFile, path: String => |path| Some(path), {
        /// The codes of a login that went well.
        pub(super) accept: Option<HttpCodes>,
        /// Values of the reply that users' headers, paths, headers and bodies name.
        pub(super) capture: BTreeMap<String, ExtractFile>,
        /// Where the reply says for how many seconds they are good.
        pub(super) expires: Option<ExtractFile>,
        /// For how long they are good, where the reply does not say.
        pub(super) lasts: Option<Span>,
    }
}

endpoint! {
    /// `[status]`, `[witness]` and `[results]`
    ReadFile, path: Option<String> => |path| path, {
        /// Where the initiate's reply hands out the address to poll.
        pub(super) follow: Option<FollowFile>,
        #[serde(default)]
        pub(super) follow_other_origins: bool,
        /// Where a list goes on, if the scan is not on its first page.
        pub(super) pages: Option<PagesFile>,
        /// Only in `[status]`: whether polls carry the last `ETag` as `If-None-Match`; 304 then means "as before".
        #[serde(default)]
        pub(super) conditional: bool,
        /// Only in `[status]`: whether a visible reply has everything that belongs to the scan.
        pub(super) complete: Option<WhenFile>,
        /// Only in `[status]`: where the reply says when the record was made, in RFC 3339 or as seconds or milliseconds since 1970.
        pub(super) created: Option<ExtractFile>,
        /// Only in `[status]`: whether each scan is polled once before it is asked for; it takes an id that the client gives.
        #[serde(default)]
        pub(super) ask_before: bool,
        /// Only in `[status]`: for how long a request is held on purpose while nothing changes, such as `"30s"`.
        pub(super) long_poll: Option<Span>,
        /// Where the reply tells the scan's state.
        pub(super) state: Option<ExtractFile>,
        /// Where the reply repeats the id.
        pub(super) echo: Option<ExtractFile>,
        /// Where the reply tells the progress.
        pub(super) progress: Option<ExtractFile>,
        /// What the deployment's words for a scan's state mean.
        #[serde(default)]
        pub(super) states: StatesFile,
        /// Rules for what a reply means; the first that holds decides.
        #[serde(default)]
        pub(super) answer: Vec<RuleFile>,
    }
}

/// `[status.states]`
#[derive(Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StatesFile {
    /// Words for a scan that is queued or at work.
    #[serde(default)]
    pub(super) running: Vec<String>,
    /// Words for a scan that ended well.
    #[serde(default)]
    pub(super) succeeded: Vec<String>,
    /// Words for a scan that ended badly.
    #[serde(default)]
    pub(super) failed: Vec<String>,
}

endpoint! {
    /// `[cancel]`
    CancelFile, path: String => |path| Some(path), {
        /// By what a cancel shows in a status reply.
        pub(super) seen_when: WhenFile,
    }
}

endpoint! {
    /// `[update]`
    UpdateFile, path: String => |path| Some(path), {
        /// By what the update shows in a status reply.
        pub(super) seen_when: WhenFile,
    }
}

endpoint! {
    /// `[delete]`
    DeleteFile, path: String => |path| Some(path), {
        /// By what the delete shows in a status reply; if it is not said, by `not_found`.
        pub(super) seen_when: Option<WhenFile>,
    }
}

endpoint! {
    /// `[filler]`
    FillerFile, path: String => |path| Some(path), {}
}

/// Where a value stands in a reply: `{ pointer = "/id" }`, `{ jsonpath = "$.id" }` or `{ header = "Location", pattern = "…" }`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ExtractFile {
    /// A JSON pointer (RFC 6901).
    pub(super) pointer: Option<String>,
    /// A JSONPath (RFC 9535).
    pub(super) jsonpath: Option<String>,
    /// A header's name.
    pub(super) header: Option<String>,
    /// A regular expression; its first group is the value.
    pub(super) pattern: Option<String>,
}

/// `id`: a place in the reply, or a text with holes.
#[derive(Debug)]
pub(super) enum IdFile {
    InReply(ExtractFile),
    OfTheClient(String),
}

const ID: &str = "where the reply has the id, such as { pointer = \"/id\" }, or in quotes the id that the client gives, such as \"{uuid}\"";

impl<'de> Deserialize<'de> for IdFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;
        impl<'de> Visitor<'de> for IdVisitor {
            type Value = IdFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(ID)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<IdFile, E> {
                Ok(IdFile::OfTheClient(text.to_owned()))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<IdFile, A::Error> {
                ExtractFile::deserialize(de::value::MapAccessDeserializer::new(map)).map(IdFile::InReply)
            }
        }
        deserializer.deserialize_any(IdVisitor)
    }
}

impl JsonSchema for IdFile {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": ID, "anyOf": [{ "type": "string" }, generator.subschema_for::<ExtractFile>()] })
    }
}

/// Where an address to poll is handed out: `{ pointer = "/status_url" }` and the like.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FollowFile {
    /// A JSON pointer (RFC 6901).
    pub(super) pointer: Option<String>,
    /// A JSONPath (RFC 9535).
    pub(super) jsonpath: Option<String>,
    /// A header's name.
    pub(super) header: Option<String>,
    /// A regular expression; its first group is the address.
    pub(super) pattern: Option<String>,
    /// What is added to the end of the address's path.
    pub(super) suffix: Option<String>,
    /// Only in `[status]`: whether status replies hand out the next address at the same place.
    #[serde(default)]
    pub(super) chain: bool,
}

/// `pages = { next = { pointer = "/next" }, most = 5 }`
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PagesFile {
    /// Where a page says the address of the next one; nothing there on the last.
    pub(super) next: ExtractFile,
    /// How many pages are looked at in all, at most.
    pub(super) most: u32,
}

/// `[[status.answer]]`
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    /// What such a reply means.
    pub(super) is: IsFile,
    /// Which state it shows.
    pub(super) state: Option<StateFile>,
    /// When the rule holds.
    pub(super) when: WhenFile,
}

/// What a rule says a reply is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum IsFile {
    Visible,
    NotFound,
    Refused,
    Throttled,
    Error,
}

/// The harness's states, as far as a file may name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateFile {
    Running,
    Succeeded,
    Failed,
}

/// The conditions of a rule; all that are given must hold.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WhenFile {
    /// The reply's status code.
    pub(super) http: Option<HttpCodes>,
    /// A JSON pointer (RFC 6901).
    pub(super) pointer: Option<String>,
    /// A JSONPath (RFC 9535).
    pub(super) jsonpath: Option<String>,
    /// A header's name.
    pub(super) header: Option<String>,
    /// The value is this one.
    #[schemars(with = "Option<serde_json::Value>")]
    pub(super) equals: Option<toml::Value>,
    /// The value is one of these.
    #[schemars(with = "Option<Vec<serde_json::Value>>")]
    pub(super) one_of: Option<Vec<toml::Value>>,
    /// The value as text matches this regular expression.
    pub(super) matches: Option<String>,
    /// Whether there is such a value.
    pub(super) exists: Option<bool>,
    /// Whether the value is null.
    pub(super) null: Option<bool>,
    /// Whether the value is an empty text, list or object.
    pub(super) empty: Option<bool>,
    /// A regular expression over the whole body.
    pub(super) body_matches: Option<String>,
    /// More conditions, each with a place of its own: all must hold.
    #[serde(default)]
    pub(super) all: Vec<WhenFile>,
}

/// A text, or a list of texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    /// The texts, each with the end of its key: nothing for a single one, and `.0`, `.1` … in a list.
    pub(super) fn texts(&self) -> Vec<(String, &str)> {
        match self {
            OneOrMore::One(text) => vec![(String::new(), text.as_str())],
            OneOrMore::More(list) => list.iter().enumerate().map(|(index, text)| (format!(".{index}"), text.as_str())).collect(),
        }
    }
}

struct OneOrMoreVisitor;

impl<'de> Visitor<'de> for OneOrMoreVisitor {
    type Value = OneOrMore;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text in quotes, or a list of texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<OneOrMore, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = list.next_element()? {
            texts.push(text);
        }
        if texts.is_empty() {
            return Err(de::Error::invalid_length(0, &self));
        }
        Ok(OneOrMore::More(texts))
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMoreVisitor)
    }
}

impl JsonSchema for OneOrMore {
    fn schema_name() -> Cow<'static, str> {
        "OneOrMore".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] })
    }
}

/// One or more HTTP status codes or classes of codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpCodes(pub(crate) Vec<HttpCode>);

/// One code, or a class such as `5xx`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpCode {
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

impl JsonSchema for HttpCodes {
    fn schema_name() -> Cow<'static, str> {
        "HttpCodes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let code = json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "pattern": "^([1-5][xX][xX]|[1-5][0-9][0-9])$" },
            ],
        });
        json_schema!({
            "description": HTTP_CODES,
            "anyOf": [code, { "type": "array", "items": code, "minItems": 1 }],
        })
    }
}

impl<'de> Deserialize<'de> for HttpCodes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HttpCodesVisitor)
    }
}
