//! Whether two ids name the same scan: services write one id in several ways.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use schemars::JsonSchema;
use serde::Serialize;

/// How the id in an answer relates to the id that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Likeness {
    /// The same id, perhaps written in another way: encoded, quoted, or as the end of an address.
    Same,
    /// It may be the same: nothing but the service's own rules can tell.
    Doubtful(Doubt),
    /// Another id.
    Other,
}

/// Why two ids may be the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// They differ only in upper and lower case.
    Case,
    /// They are the same but for punctuation or leading zeros.
    Form,
    /// One is the beginning of the other.
    Shortened,
    /// Two addresses that end alike.
    Address,
}

/// Compares the id that was asked for with the one that was answered.
pub fn likeness(asked: &str, answered: &str) -> Likeness {
    if asked == answered {
        return Likeness::Same;
    }
    let (asked, answered) = (plain(asked), plain(answered));
    if asked.is_empty() || answered.is_empty() {
        return Likeness::Other;
    }
    if asked == answered || ends_with(&asked, &answered) || ends_with(&answered, &asked) {
        return Likeness::Same;
    }
    for (one, other) in [(&asked, &answered), (&answered, &asked)] {
        if decoded(one).is_some_and(|decoded| decoded == *other || ends_with(&decoded, other)) {
            return Likeness::Same;
        }
    }
    doubt(&asked, &answered).map_or(Likeness::Other, Likeness::Doubtful)
}

fn doubt(asked: &str, answered: &str) -> Option<Doubt> {
    let (low_asked, low_answered) = (asked.to_lowercase(), answered.to_lowercase());
    if low_asked == low_answered || ends_with(&low_asked, &low_answered) || ends_with(&low_answered, &low_asked) {
        return Some(Doubt::Case);
    }
    let letters = |id: &str| -> String {
        let bare: String = id.strip_prefix("urn:uuid:").unwrap_or(id).chars().filter(|c| c.is_alphanumeric()).collect();
        bare.trim_start_matches('0').to_owned()
    };
    // Ids of digits and dots only, such as 1.2 and 12, are too short to be the same by accident of punctuation alone.
    let (bare_asked, bare_answered) = (letters(&low_asked), letters(&low_answered));
    let digits = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
    if bare_asked == bare_answered && (bare_asked.len() >= 16 || (digits(asked) && digits(answered))) {
        return Some(Doubt::Form);
    }
    let (long, short) = if asked.len() > answered.len() { (asked, answered) } else { (answered, asked) };
    // Numbered ids also begin alike (job-1, job-10): only digests are cut.
    let digest = long.len() >= SHORTEST_DIGEST && long.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest && short.len() >= SHORTEST_PART && long.starts_with(short) {
        return Some(Doubt::Shortened);
    }
    let last = |id: &str| id.rsplit_once('/').map(|(_, last)| last.to_owned());
    (last(asked).is_some() && last(asked) == last(answered)).then_some(Doubt::Address)
}

/// As short as tools cut digests, and as long as those are at least.
const SHORTEST_PART: usize = 7;
const SHORTEST_DIGEST: usize = 32;

/// Without what stands around an id: quotes, braces, blanks, the query and the end of an address; percent-decoded.
fn plain(id: &str) -> String {
    let id = id.trim().trim_matches(['"', '\'']);
    let id = id.strip_prefix('{').and_then(|id| id.strip_suffix('}')).unwrap_or(id);
    // Decoded twice: what was cut out of an address may have been encoded by the service and by its router.
    let once = percent_decoded(id);
    percent_decoded(&once).trim_end_matches('/').to_owned()
}

fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let hex = |at: usize| bytes.get(at).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(at + 1), hex(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

/// Whether a longer name is a path, an address, a URN or a query that ends in the id.
fn ends_with(longer: &str, id: &str) -> bool {
    let whole =
        |longer: &str| longer.strip_suffix(id).is_some_and(|before| before.is_empty() || before.ends_with(['/', ':', '#', '=', '|']));
    let without_query = longer.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    whole(longer) || (!without_query.is_empty() && whole(without_query))
}

/// A global id as some services make it: a kind and an id in base64.
fn decoded(id: &str) -> Option<String> {
    if id.len() < 6 {
        return None;
    }
    let bare = id.trim_end_matches('=');
    let bytes = STANDARD_NO_PAD.decode(bare).or_else(|_| URL_SAFE_NO_PAD.decode(bare)).ok()?;
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_id_written_in_two_ways_is_the_same_id() {
        for (asked, answered) in [
            ("7", "7"),
            ("urn%3Ajob%3A7", "urn:job:7"),
            ("urn%3ajob%3a7", "urn:job:7"),
            ("urn%253Ajob%253A7", "urn:job:7"),
            ("j%C3%B6b", "jöb"),
            ("7", "/jobs/7"),
            ("7", "/jobs/7/"),
            ("7", "https://api.example.com/v1/jobs/7?expand=1"),
            ("7", "https://api.example.com/job?id=7"),
            ("/v1/jobs/7", "7"),
            ("7", "urn:job:7"),
            ("7", "projects/p/jobs/7"),
            ("a/b", "/jobs/a%2Fb"),
            ("7", "\"7\""),
            ("550e8400-e29b-41d4-a716-446655440000", "{550e8400-e29b-41d4-a716-446655440000}"),
            ("7", "Sm9iOjc="),
        ] {
            assert_eq!(likeness(asked, answered), Likeness::Same, "{asked} {answered}");
            assert_eq!(likeness(answered, asked), Likeness::Same, "{answered} {asked}");
        }
    }

    #[test]
    fn what_only_the_service_can_tell_is_doubtful() {
        for (asked, answered, doubt) in [
            ("AB12", "ab12", Doubt::Case),
            ("urn%3Ajob%3AAB", "urn:job:ab", Doubt::Case),
            ("AB12", "/jobs/ab12", Doubt::Case),
            ("550e8400e29b41d4a716446655440000", "550e8400-e29b-41d4-a716-446655440000", Doubt::Form),
            ("007", "7", Doubt::Form),
            ("4c01db0b339c5d1f4c01db0b339c5d1f", "4c01db0b339c", Doubt::Shortened),
            ("/a/jobs/7", "/b/jobs/7", Doubt::Address),
        ] {
            assert_eq!(likeness(asked, answered), Likeness::Doubtful(doubt), "{asked} {answered}");
            assert_eq!(likeness(answered, asked), Likeness::Doubtful(doubt), "{answered} {asked}");
        }
    }

    #[test]
    fn another_id_is_another_id() {
        for (asked, answered) in [
            ("7", "8"),
            ("7", "17"),
            ("7", "/jobs/17"),
            ("/jobs/7", "/jobs/8"),
            ("a-1", "a-2"),
            ("1.2", "12"),
            ("7", ""),
            ("job-7", "job-70"),
            ("render-1000", "render-10001"),
            ("urn:job:7", "urn:job:17"),
        ] {
            assert_eq!(likeness(asked, answered), Likeness::Other, "{asked} {answered}");
            assert_eq!(likeness(answered, asked), Likeness::Other, "{answered} {asked}");
        }
    }
}
