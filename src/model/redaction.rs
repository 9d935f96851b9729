//! Redacts secrets in what a target answers, in every form in which servers repeat what they were sent.
//!
//! A reply is looked at as it stands and as it reads once something is undone: escapes of JSON and its like, URLs, HTML, CSS and mails, codes
//! such as base64 at any alignment, rows of numbers, dumps, folded lines, one within another up to six deep. What is found in one of these
//! views is struck out where it stands in the original, and so is what is left of a secret that was cut off at either end. Beside the known
//! secrets, values go whose own names give them away: the target's `access_token`, the signature of a signed address, a password before
//! an `@`.

mod codes;
mod escapes;
mod search;
mod view;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex, bytes};

use self::escapes::Escapes;
use self::search::{Needles, Search};
use crate::model::secret_names::{STRUCK, is_credential, is_secret};

/// The shortest text that is treated as a secret. Redacting every `1` or `eu` would ruin the record and protect nothing: whoever can
/// try a thousand values needs no log.
pub const SHORTEST_SECRET: usize = 4;

/// From this length on a secret is also found in other letter case. A shorter one may be a word of the contract in another case.
const ANY_CASE_FROM: usize = 8;

/// How much longer than a secret its escaped form can be: `%255Cu002B` is ten bytes for one.
const LONGEST_FORM: usize = 12;

/// How much of a body is looked at for an excerpt of so many bytes: what is redacted makes room for more.
const READ_AHEAD: usize = 8;

/// What must not be recorded.
#[derive(Debug, Clone, Default)]
pub struct Redaction {
    secrets: Vec<String>,
    needles: Option<Needles>,
}

impl Redaction {
    /// Redacts these, in every form.
    pub fn of(secrets: impl IntoIterator<Item = String>) -> Redaction {
        let secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST_SECRET).collect();
        let spelt = secrets.iter().flat_map(|secret| spellings(secret)).collect::<BTreeSet<_>>();
        let needles = Needles::of(spelt.into_iter().collect());
        Redaction { secrets, needles }
    }

    /// The same, and these.
    #[must_use]
    pub fn and(&self, more: Vec<String>) -> Redaction {
        Redaction::of(self.secrets.iter().cloned().chain(more))
    }

    /// A text of the target's without the secrets in it.
    pub fn clean(&self, text: String) -> String {
        let found = self.found(text.as_bytes());
        let text = if found.is_empty() { text } else { without(&text, &found, text.len()) };
        match by_name(&text) {
            Cow::Owned(clean) => clean,
            Cow::Borrowed(_) => text,
        }
    }

    /// The beginning of a body, of at most so many bytes, without the secrets in it.
    pub fn excerpt(&self, body: &[u8], longest: usize) -> String {
        let limit = READ_AHEAD * longest;
        let longest_secret = self.needles.as_ref().map_or(0, Needles::longest);
        let text = String::from_utf8_lossy(&body[..body.len().min(limit + LONGEST_FORM * longest_secret)]).into_owned();
        if body.len() <= limit {
            return self.clean(text);
        }
        // A secret that begins before the limit is seen whole, and one after it is not kept at all.
        let found = self.found(text.as_bytes());
        by_name(&without(&text, &found, limit)).into_owned()
    }

    /// Where secrets stand in a text, in order.
    fn found(&self, text: &[u8]) -> Vec<Range<usize>> {
        self.needles.as_ref().map_or_else(Vec::new, |needles| Search::through(text, needles).found())
    }
}

/// Every text.
static NOTHING: LazyLock<bytes::Regex> = LazyLock::new(|| {
    // A constant, and a test reads it.
    bytes::Regex::new("(?s-u:.+)").expect("a pattern")
});

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
    // As it reads where a server undid escapes that the secret only seems to have, and each view of a reply does the same.
    for escapes in Escapes::TOGETHER.iter().chain(&Escapes::ALONE) {
        let mut undone = secret.as_bytes().to_vec();
        loop {
            let further = escapes.undone(&undone);
            if further == undone || further.is_empty() {
                break;
            }
            spellings.push(further.clone());
            undone = further;
        }
    }
    spellings
}

/// A needle as a pattern.
fn pattern(needle: &[u8]) -> String {
    if needle.len() < ANY_CASE_FROM { format!("(?:{})", literal(needle)) } else { in_any_case(needle) }
}

fn in_any_case(needle: &[u8]) -> String {
    format!("(?i:{})", literal(needle))
}

/// A blank and a plus are the same in an address.
fn literal(needle: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut pattern = String::new();
    for byte in needle {
        match byte {
            b' ' | b'+' => pattern.push_str("[ +]"),
            byte if byte.is_ascii_alphanumeric() => pattern.push(char::from(*byte)),
            // Writing to a String cannot fail.
            byte => drop(write!(pattern, "\\x{byte:02x}")),
        }
    }
    pattern
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

/// A text with the escapes of JSON, addresses and HTML undone, also where one stands in another.
pub fn unescaped(text: &str) -> String {
    /// A path in an address in a JSON text, and one more.
    const DEEPEST: usize = 3;
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..DEEPEST {
        let undone = Escapes::Mixed.undone(&bytes);
        if undone == bytes {
            break;
        }
        bytes = undone;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a value of this name in a reply is a credential, by whomever it was issued.
pub fn is_secret_in_reply(name: &str) -> bool {
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
    if !text.contains('@') || !text.contains('/') {
        return Cow::Borrowed(text);
    }
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ',');
    let may_have_one = |word: &str| word.contains(":/") || word.contains('@') && word.contains('/');
    let clean: String =
        text.split_inclusive(is_end).map(|word| if may_have_one(word) { without_password(word) } else { Cow::Borrowed(word) }).collect();
    Cow::Owned(clean)
}

/// One address, as somebody gave it, without the password or token before its host. What is not a good address is read generously: in
/// `rediss:/u:pw@h` and in `u:pw@h` the password goes as well.
pub fn without_password(address: &str) -> Cow<'_, str> {
    let Some(last) = address.rfind('@') else { return Cow::Borrowed(address) };
    let after_scheme = address.find(":/").filter(|at| *at < last).map(|at| {
        let slashes = address[at + 1..].bytes().take_while(|byte| matches!(byte, b'/' | b'\\')).count();
        at + 1 + slashes
    });
    // `redis//u:pw@h`: the colon behind the scheme was forgotten.
    let without_colon = || {
        let slash = address[..last].rfind('/')?;
        (!address[..slash].contains(':') && address[slash..last].contains(':')).then_some(slash + 1)
    };
    let start = after_scheme.or_else(without_colon).unwrap_or(0);
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
