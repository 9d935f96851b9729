//! Redacts secrets in what a target answers, in every form in which servers repeat what they were sent.
//!
//! A reply is looked at as it stands and as it reads once escapes are undone: JSON (`\/`, `\u002b`, `\x2b`), URLs (`%2B`, `+`), HTML
//! (`&#43;`, `&plus;`), one within another up to four deep, and base64 or hexadecimal text at any alignment. What is found in one of
//! these views is struck out where it stands in the original. Beside the known secrets, values go whose own names give them away: the
//! target's `access_token`, the signature of a signed address, a password before an `@`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex, bytes};

use crate::model::secret_names::{STRUCK, is_credential, is_secret};

/// The shortest text that is treated as a secret. Redacting every `1` or `eu` would ruin the record and protect nothing: whoever can
/// try a thousand values needs no log.
pub const SHORTEST_SECRET: usize = 4;

/// From this length on a secret is also found in other letter case. A shorter one may be a word of the contract in another case.
const ANY_CASE_FROM: usize = 8;

/// How many escapes may stand within each other.
const DEEPEST: usize = 4;

/// A hostile reply can be read in very many ways; no honest one needs so many.
const MOST_VIEWS: usize = 40;

/// How much longer than a secret its escaped form can be: `%255Cu002B` is ten bytes for one.
const LONGEST_FORM: usize = 12;

/// How much of a body is looked at for an excerpt of so many bytes: what is redacted makes room for more.
const READ_AHEAD: usize = 8;

/// What must not be recorded.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    secrets: Vec<String>,
    known: Option<bytes::Regex>,
    longest: usize,
}

impl Redaction {
    /// Redacts these, in every form.
    pub fn of(secrets: impl IntoIterator<Item = String>) -> Redaction {
        let secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET).collect();
        let mut needles: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| spellings(secret)).collect::<BTreeSet<_>>().into_iter().collect();
        needles.retain(|needle| needle.len() >= SHORTEST_SECRET);
        // At one place the longest is taken, so that no rest is left.
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
        let longest = needles.first().map_or(0, Vec::len);
        let known = (!needles.is_empty()).then(|| {
            let pattern = needles.iter().map(|needle| pattern(needle)).collect::<Vec<_>>().join("|");
            let found = bytes::RegexBuilder::new(&format!("(?s-u:{pattern})")).size_limit(1 << 28).build();
            // Secrets that are too large to be looked for are no reason to record them: then nothing is recorded.
            found.unwrap_or_else(|_| NOTHING.clone())
        });
        Redaction { secrets, known, longest }
    }

    /// The same, and these.
    #[must_use]
    pub fn and(&self, more: Vec<String>) -> Redaction {
        Redaction::of(self.secrets.iter().cloned().chain(more))
    }

    /// A text of the target's without the secrets in it.
    pub fn clean(&self, text: String) -> String {
        let found = self.found(text.as_bytes(), DEEPEST);
        let text = if found.is_empty() { text } else { without(&text, &found, text.len()) };
        match by_name(&text) {
            Cow::Owned(clean) => clean,
            Cow::Borrowed(_) => text,
        }
    }

    /// The beginning of a body, of at most so many bytes, without the secrets in it.
    pub fn excerpt(&self, body: &[u8], longest: usize) -> String {
        let limit = READ_AHEAD * longest;
        let text = String::from_utf8_lossy(&body[..body.len().min(limit + LONGEST_FORM * self.longest)]).into_owned();
        if body.len() <= limit {
            return self.clean(text);
        }
        // A secret that begins before the limit is seen whole, and one after it is not kept at all.
        let found = self.found(text.as_bytes(), DEEPEST);
        by_name(&without(&text, &found, limit)).into_owned()
    }

    /// Where secrets stand in a text, in order.
    fn found(&self, text: &[u8], deepest: usize) -> Vec<Range<usize>> {
        let Some(known) = &self.known else { return Vec::new() };
        let mut found = Vec::new();
        let mut views = vec![View::of(text)];
        let mut looked_at = 0;
        for _ in 0..=deepest {
            let from = looked_at;
            looked_at = views.len();
            for index in from..looked_at {
                let view = &views[index];
                found.extend(matches(known, &view.bytes).into_iter().map(|range| view.original(&range)));
                for range in encoded_runs(&view.bytes) {
                    if self.is_in_code(&view.bytes[range.clone()], deepest) {
                        found.push(view.original(&range));
                    }
                }
                let decoded: Vec<View> =
                    [Escapes::Json, Escapes::Url, Escapes::Html].iter().filter_map(|kind| view.decoded(*kind)).collect();
                views.extend(decoded.into_iter().take(MOST_VIEWS - views.len().min(MOST_VIEWS)));
            }
            if views.len() == looked_at {
                break;
            }
        }
        merged(found)
    }

    /// Whether a run of base64 or hexadecimal digits holds a secret, wherever its first byte stands.
    fn is_in_code(&self, run: &[u8], deepest: usize) -> bool {
        let Some(known) = &self.known else { return false };
        let holds =
            |bytes: &[u8]| known.is_match(bytes) || (deepest > 0 && may_be_escaped(bytes) && !self.found(bytes, deepest - 1).is_empty());
        let standard: Vec<u8> = run
            .iter()
            .filter(|byte| **byte != b'=')
            .map(|byte| match byte {
                b'-' => b'+',
                b'_' => b'/',
                byte => *byte,
            })
            .collect();
        let base64 = (0..4.min(standard.len())).any(|skip| {
            let digits = &standard[skip..];
            // One digit more than whole bytes belongs to what follows.
            let digits = if digits.len() % 4 == 1 { &digits[..digits.len() - 1] } else { digits };
            BASE64.decode(digits).is_ok_and(|bytes| holds(&bytes))
        });
        base64 || (0..2.min(run.len())).any(|skip| hexadecimal(&run[skip..]).is_some_and(|bytes| holds(&bytes)))
    }
}

/// Every text.
static NOTHING: LazyLock<bytes::Regex> = LazyLock::new(|| {
    // A constant, and a test reads it.
    bytes::Regex::new("(?s-u:.+)").expect("a pattern")
});

/// Any base64, however it ends.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How one secret may be spelt before it is escaped: as it is, as an address carries it, and as servers spell what they take for
/// another character set.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let mut spellings = vec![secret.as_bytes().to_vec()];
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(secret).collect();
    spellings.push(decoded);
    let trimmed = secret.trim();
    spellings.push(trimmed.as_bytes().to_vec());
    if !secret.is_ascii() {
        let by_byte = |byte: fn(u8) -> Vec<u8>| secret.bytes().flat_map(byte).collect::<Vec<u8>>();
        let by_char = |other: &str| secret.chars().map(|c| if c.is_ascii() { c.to_string() } else { other.to_owned() }).collect::<String>();
        // UTF-8 read as Latin-1, and the other way round.
        spellings.push(by_byte(|byte| char::from(byte).to_string().into_bytes()));
        spellings.extend(secret.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect::<Option<Vec<u8>>>());
        if secret.bytes().filter(u8::is_ascii).count() >= SHORTEST_SECRET {
            spellings.extend(["?", "\u{fffd}", ""].map(|other| by_char(other).into_bytes()));
            spellings.push(by_byte(|byte| if byte.is_ascii() { vec![byte] } else { b"?".to_vec() }));
            spellings.push(by_byte(|byte| if byte.is_ascii() { vec![byte] } else { "\u{fffd}".as_bytes().to_vec() }));
        }
    }
    spellings
}

/// A needle as a pattern: a blank and a plus are the same in an address.
fn pattern(needle: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut pattern = String::from(if needle.len() < ANY_CASE_FROM { "(?:" } else { "(?i:" });
    for byte in needle {
        match byte {
            b' ' | b'+' => pattern.push_str("[ +]"),
            byte if byte.is_ascii_alphanumeric() => pattern.push(char::from(*byte)),
            // Writing to a String cannot fail.
            byte => drop(write!(pattern, "\\x{byte:02x}")),
        }
    }
    pattern.push(')');
    pattern
}

/// All matches, also those that overlap.
fn matches(known: &bytes::Regex, text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(here) = known.find_at(text, at) {
        found.push(here.range());
        at = here.start() + 1;
    }
    found
}

/// Ranges in order, each byte in one of them.
fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// The text up to `limit` with something else in those places.
fn without(text: &str, places: &[Range<usize>], limit: usize) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    let boundary = |at: usize| (at..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let limit = boundary(limit.min(text.len()));
    for place in places.iter().filter(|place| place.start < limit) {
        let start = (0..=place.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        clean.push_str(&text[at.min(start)..start]);
        clean.push_str(STRUCK);
        at = boundary(place.end);
    }
    if at < limit {
        clean.push_str(&text[at..limit]);
    }
    clean
}

/// How a text was escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Json,
    Url,
    Html,
}

/// A text with escapes undone, and where each of its bytes comes from.
struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// Start and end in the original; none where the view is the original.
    from: Vec<(u32, u32)>,
}

impl<'a> View<'a> {
    fn of(text: &'a [u8]) -> View<'a> {
        View { bytes: Cow::Borrowed(text), from: Vec::new() }
    }

    fn original(&self, range: &Range<usize>) -> Range<usize> {
        match (self.from.get(range.start), self.from.get(range.end - 1)) {
            (Some((start, _)), Some((_, end))) => *start as usize..*end as usize,
            _ => range.clone(),
        }
    }

    /// The same with one kind of escape undone; `None` where there is none.
    fn decoded(&self, kind: Escapes) -> Option<View<'static>> {
        let marks = match kind {
            Escapes::Json => b'\\',
            Escapes::Url => b'%',
            Escapes::Html => b'&',
        };
        memchr::memchr(marks, &self.bytes)?;
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut from = Vec::with_capacity(self.bytes.len());
        let mut at = 0;
        let mut changed = false;
        while at < self.bytes.len() {
            let rest = &self.bytes[at..];
            let unit = if rest[0] == marks { kind.unit(rest) } else { None };
            changed |= unit.is_some();
            let (unit, length) = unit.unwrap_or_else(|| (vec![rest[0]], 1));
            let Range { start, end } = self.original(&(at..at + length));
            from.extend(unit.iter().map(|_| (start as u32, end as u32)));
            bytes.extend(unit);
            at += length;
        }
        changed.then_some(View { bytes: Cow::Owned(bytes), from })
    }
}

impl Escapes {
    /// The escape at the beginning of a text: what it stands for, and how long it is.
    fn unit(self, text: &[u8]) -> Option<(Vec<u8>, usize)> {
        match self {
            Escapes::Json => json_escape(text),
            Escapes::Url => {
                Some((vec![u8::from_str_radix(std::str::from_utf8(text.get(1..3)?).ok().filter(|code| is_hex(code))?, 16).ok()?], 3))
            }
            Escapes::Html => html_entity(text),
        }
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// An escape of JSON, JavaScript or Python.
fn json_escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let hex = |from: usize, to: usize| {
        let digits = std::str::from_utf8(text.get(from..to)?).ok().filter(|digits| is_hex(digits))?;
        u32::from_str_radix(digits, 16).ok()
    };
    let utf8 = |c: u32| char::from_u32(c).map(|c| c.to_string().into_bytes());
    match *text.get(1)? {
        b'u' if text.get(2) == Some(&b'{') => {
            let end = text.iter().take(12).position(|byte| *byte == b'}')?;
            Some((utf8(hex(3, end)?)?, end + 1))
        }
        b'u' => {
            let first = hex(2, 6)?;
            if (0xd800..0xdc00).contains(&first) && text.get(6..8) == Some(b"\\u") {
                let second = hex(8, 12).filter(|second| (0xdc00..0xe000).contains(second))?;
                return Some((utf8(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 12));
            }
            Some((utf8(first)?, 6))
        }
        b'x' => Some((vec![hex(2, 4)? as u8], 4)),
        b'n' => Some((b"\n".to_vec(), 2)),
        b't' => Some((b"\t".to_vec(), 2)),
        b'r' => Some((b"\r".to_vec(), 2)),
        byte @ (b'"' | b'/' | b'\\' | b'\'' | b'`' | b'$') => Some((vec![byte], 2)),
        _ => None,
    }
}

/// A character reference of HTML or XML.
fn html_entity(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = text.iter().take(12).position(|byte| *byte == b';')?;
    let name = std::str::from_utf8(&text[1..end]).ok()?;
    let c = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        char::from_u32(code)?
    } else {
        ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| *c).or_else(|| {
            let place = LATIN_ENTITIES.split(' ').position(|known| known == name)?;
            char::from_u32(0xa0 + place as u32)
        })?
    };
    Some((c.to_string().into_bytes(), end + 1))
}

/// The names of ASCII characters that may be escaped (HTML, "Named character references").
const ENTITIES: [(&str, char); 43] = [
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("apos", '\''),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("lpar", '('),
    ("rpar", ')'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("comma", ','),
    ("hyphen", '-'),
    ("period", '.'),
    ("sol", '/'),
    ("colon", ':'),
    ("semi", ';'),
    ("equals", '='),
    ("quest", '?'),
    ("commat", '@'),
    ("lsqb", '['),
    ("lbrack", '['),
    ("bsol", '\\'),
    ("rsqb", ']'),
    ("rbrack", ']'),
    ("Hat", '^'),
    ("lowbar", '_'),
    ("grave", '`'),
    ("lcub", '{'),
    ("lbrace", '{'),
    ("verbar", '|'),
    ("vert", '|'),
    ("rcub", '}'),
    ("rbrace", '}'),
];

/// The names of U+00A0 to U+00FF, in order.
const LATIN_ENTITIES: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 acute \
micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc \
Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave \
aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml \
divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

fn may_be_escaped(bytes: &[u8]) -> bool {
    memchr::memchr3(b'\\', b'%', b'&', bytes).is_some()
}

/// Runs of digits of base64, of either alphabet, that are long enough to hold a secret.
fn encoded_runs(text: &[u8]) -> Vec<Range<usize>> {
    const SHORTEST_RUN: usize = SHORTEST_SECRET * 4 / 3 + 1;
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 0..=text.len() {
        if text.get(at).is_some_and(is_digit) {
            continue;
        }
        if at - start >= SHORTEST_RUN {
            runs.push(start..at);
        }
        start = at + 1;
    }
    runs
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let length = digits.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() / 2 * 2;
    if length < 2 * SHORTEST_SECRET {
        return None;
    }
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or_default() as u8;
    Some(digits[..length].chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect())
}

/// Whether a value of this name in a reply is a credential, by whomever it was issued.
fn is_secret_in_reply(name: &str) -> bool {
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    is_secret(name)
        || ["cookie", "signature", "jwt", "sessionid"].iter().any(|mark| plain.contains(mark))
        || ["sig", "session", "sid", "awsaccesskeyid", "xamzcredential", "xgoogcredential", "googleaccessid", "sas"]
            .contains(&plain.as_str())
}

/// Patterns of credentials that are known by what stands before them. Constants, and tests read them.
struct Shapes {
    member: Regex,
    parameter: Regex,
    element: Regex,
    scheme: Regex,
    token: Regex,
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(|| {
    let pattern = |text: &str| Regex::new(text).expect("a pattern");
    Shapes {
        member: pattern(r#"(\\*["'])([A-Za-z0-9_.\- ]{1,80})\\*["']\s*(?::|=>|=)\s*(\\*["'])"#),
        parameter: pattern(
            r#"(^|[?&;\s"'(>,#]|%3[Ff]|%26|\\u0026|\\u003[Ff])([A-Za-z0-9_.\-]{1,80})(=|%3[Dd]|\\u003[Dd])([^&\s"'<>#;,)\\]+)"#,
        ),
        element: pattern(r"<([A-Za-z0-9_.:\-]{1,80})>([^<>]+)<"),
        scheme: pattern(r"(?i)\b(bearer|basic|negotiate)(\s+|%20|\+)([A-Za-z0-9._~+/%=\-]{12,})"),
        token: pattern(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]*"),
    }
});

/// A reply's text without the values whose names say that they are credentials.
fn by_name(text: &str) -> Cow<'_, str> {
    if !text.contains(['=', ':', '<', '%', ' ']) && !text.contains("eyJ") {
        return Cow::Borrowed(text);
    }
    let shapes = &*SHAPES;
    let mut clean = Cow::Borrowed(text);
    let mut replace = |pattern: &Regex, by: &dyn Fn(&Captures<'_>) -> String| {
        if let Cow::Owned(replaced) = pattern.replace_all(&clean, |captures: &Captures<'_>| by(captures)) {
            clean = Cow::Owned(replaced);
        }
    };
    replace(&shapes.element, &|found| {
        let name = found[1].rsplit(':').next().unwrap_or_default();
        format!("<{}>{}<", &found[1], if is_secret_in_reply(name) { STRUCK } else { &found[2] })
    });
    replace(&shapes.scheme, &|found| {
        let is_credential = found[3].contains(|c: char| c.is_ascii_digit());
        format!("{}{}{}", &found[1], &found[2], if is_credential { STRUCK } else { &found[3] })
    });
    replace(&shapes.token, &|_| STRUCK.to_owned());
    for without in [without_parameters, without_members, without_passwords] {
        if let Cow::Owned(without) = without(&clean) {
            clean = Cow::Owned(without);
        }
    }
    clean
}

/// A text without the values of parameters that are credentials, in addresses and forms. One parameter may hold an address.
fn without_parameters(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut at = 0;
    while let Some(found) = SHAPES.parameter.captures_at(text, at) {
        let Some(value) = found.get(4) else { break };
        let is_key = &found[2] == "key" && found[1].contains(['?', '&', '%', '\\']);
        clean.push_str(&text[at..value.start()]);
        at = value.start();
        if (is_key || is_secret_in_reply(&found[2])) && value.as_str() != STRUCK {
            clean.push_str(STRUCK);
            at = value.end();
        }
    }
    if at == 0 { Cow::Borrowed(text) } else { Cow::Owned(clean + &text[at..]) }
}

/// A text without the values of members that are credentials, in JSON and what is written alike.
fn without_members(text: &str) -> Cow<'_, str> {
    let mut clean = String::new();
    let mut at = 0;
    while let Some(found) = SHAPES.member.captures_at(text, at) {
        // The whole match is always there.
        let Some(whole) = found.get(0) else { break };
        let value = whole.end();
        clean.push_str(&text[at..value]);
        at = value;
        if is_secret_in_reply(&found[2]) {
            clean.push_str(STRUCK);
            at += end_of_value(&text[value..], &found[3]);
        }
    }
    if at == 0 { Cow::Borrowed(text) } else { Cow::Owned(clean + &text[at..]) }
}

/// Where a quoted value ends: at the next quote with as many backslashes before it as the first had.
fn end_of_value(value: &str, quote: &str) -> usize {
    let mark = quote.chars().last().unwrap_or('"');
    let depth = quote.len() - 1;
    let closes = |at: &usize| value[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count() == depth;
    value.match_indices(mark).map(|(at, _)| at).find(closes).map_or(value.len(), |at| at - depth)
}

/// A text without the passwords that stand in the addresses in it.
pub fn without_passwords(text: &str) -> Cow<'_, str> {
    if !text.contains('@') || !text.contains(":/") {
        return Cow::Borrowed(text);
    }
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ',');
    let clean: String =
        text.split_inclusive(is_end).map(|word| if word.contains(":/") { without_password(word) } else { Cow::Borrowed(word) }).collect();
    Cow::Owned(clean)
}

/// One address, as somebody gave it, without the password or token before its host. What is no good address is read generously: in
/// `rediss:/u:pw@h` and in `u:pw@h` the password goes as well.
pub fn without_password(address: &str) -> Cow<'_, str> {
    let Some(last) = address.rfind('@') else { return Cow::Borrowed(address) };
    let after_scheme = address.find(":/").filter(|at| *at < last).map(|at| {
        let slashes = address[at + 1..].bytes().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
        at + 1 + slashes
    });
    let start = after_scheme.unwrap_or(0);
    let authority_end = address[start..].find(['/', '?', '#']).map_or(address.len(), |at| start + at);
    // The password may hold what ends an authority; behind a host's port, an `@` is a part of the path.
    let at = match address[start..authority_end].rfind('@') {
        Some(at) => start + at,
        None if address[start..authority_end].split_once(':').is_some_and(|(_, port)| !port.bytes().all(|byte| byte.is_ascii_digit())) => {
            last
        }
        None => return Cow::Borrowed(address),
    };
    let account = &address[start..at];
    match account.split_once(':') {
        Some((_, "")) => Cow::Borrowed(address),
        Some(("mailto" | "acct" | "sip" | "sips" | "xmpp", _)) if after_scheme.is_none() => Cow::Borrowed(address),
        Some((user, _)) => Cow::Owned(format!("{}{user}:***{}", &address[..start], &address[at..])),
        None if after_scheme.is_some() && !account.is_empty() => Cow::Owned(format!("{}***{}", &address[..start], &address[at..])),
        None => Cow::Borrowed(address),
    }
}

/// An address without what may be a credential in it: neither a password, nor a query.
pub fn without_query(address: &str) -> String {
    let address = without_password(address);
    match address.split_once(['?', '#']) {
        Some((before, _)) => format!("{before}?…"),
        None => address.into_owned(),
    }
}

/// A line of a file as it may be quoted: each character of a credential becomes a star, so that columns stay where they are.
pub fn starred(line: &str) -> Cow<'_, str> {
    static NAMED: LazyLock<Regex> = LazyLock::new(|| {
        // A constant, and a test reads it.
        Regex::new(r#"([A-Za-z0-9_.\-]+)["']?\s*[:=]\s*(?:(["'])|([^\s"'\[{,}\]&]))"#).expect("a pattern")
    });
    let mut hidden: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while let Some(found) = NAMED.captures_at(line, at) {
        let Some(whole) = found.get(0) else { break };
        at = whole.end();
        let (start, end) = match (found.get(2), found.get(3)) {
            (Some(quote), _) => (at, line[at..].find(quote.as_str()).map_or(line.len(), |end| at + end)),
            (None, Some(first)) => (first.start(), line[at..].find(['&', '"', '\'', ',', '}', ']']).map_or(line.len(), |end| at + end)),
            (None, None) => continue,
        };
        let value = &line[start..end];
        let is_account = &found[1] == "user" && value.contains(':');
        if (is_credential(&found[1]) || is_secret_in_reply(&found[1]) || is_account) && !is_variable(value) {
            // The scheme before a credential says what is wrong more often than it gives anything away.
            let keeps = value
                .split_once(' ')
                .filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphabetic()))
                .map_or(0, |(scheme, _)| scheme.len() + 1);
            hidden.push(start + keeps..end);
        }
    }
    for word in line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'')).filter(|word| word.contains('@')) {
        if let Cow::Owned(clean) = without_password(word) {
            let offset = word.as_ptr() as usize - line.as_ptr() as usize;
            let same = word.bytes().zip(clean.bytes()).take_while(|(one, other)| one == other).count();
            let after = clean.len() - same - "***".len();
            hidden.push(offset + same..offset + word.len() - after);
        }
    }
    if hidden.is_empty() {
        return Cow::Borrowed(line);
    }
    let star = |(at, c): (usize, char)| if hidden.iter().any(|range| range.contains(&at)) { '*' } else { c };
    Cow::Owned(line.char_indices().map(star).collect())
}

/// Whether a value comes from the environment or is made for each request, and so says nothing.
fn is_variable(value: &str) -> bool {
    let rest =
        value.split_once(' ').filter(|(scheme, _)| scheme.bytes().all(|byte| byte.is_ascii_alphabetic())).map_or(value, |(_, rest)| rest);
    (rest.starts_with("${") || rest.starts_with('{')) && rest.ends_with('}') && !rest.contains(":-")
}

#[cfg(test)]
mod tests;
