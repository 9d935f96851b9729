//! What ids look like, so that the id in an answer is found, and one that was never issued looks like the others.

/// The look of an id: a prefix, and a core of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    prefix: String,
    core: Core,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Core {
    /// 8-4-4-4-12 hexadecimal digits.
    Uuid,
    /// So many hexadecimal digits in small letters, or in capitals.
    Hex { len: usize, capitals: bool },
    /// So many decimal digits.
    Digits { len: usize },
    /// So many letters and digits, in small letters alone, in capitals alone, or in both.
    Letters { len: usize, case: Case },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Small,
    Capital,
    Both,
}

/// Shorter texts of letters are words, not ids.
const SHORTEST: usize = 6;

impl Shape {
    /// The look of a text; `None` if it looks like a word or a sentence.
    pub fn of(text: &str) -> Option<Shape> {
        if let Some(core) = Core::of(text) {
            return Some(Shape { prefix: String::new(), core });
        }
        if is_version_or_date(text) {
            return None;
        }
        // `scan_6f1d…`, `job-17`, `urn:job:17`: the shortest prefix that leaves a core.
        text.char_indices().filter(|(_, c)| matches!(c, '_' | '-' | ':' | '.' | '/')).find_map(|(at, _)| {
            let core = Core::of(&text[at + 1..])?;
            Some(Shape { prefix: text[..=at].to_owned(), core })
        })
    }

    /// Whether a text may be another id of the same look.
    pub fn fits(&self, text: &str) -> bool {
        text.strip_prefix(self.prefix.as_str()).is_some_and(|core| match (self.core, Core::of(core)) {
            // A counter grows.
            (Core::Digits { .. }, Some(Core::Digits { .. })) => true,
            // By chance a hexadecimal id may be all digits, and one of letters may have none above f.
            (Core::Hex { len, .. } | Core::Letters { len, .. }, Some(Core::Hex { len: other, .. } | Core::Digits { len: other }))
            | (Core::Letters { len, .. }, Some(Core::Letters { len: other, .. })) => len == other,
            (one, other) => other == Some(one),
        })
    }

    /// How surely a text is an id rather than a word or a count.
    pub fn certainty(&self) -> u32 {
        match self.core {
            Core::Uuid => 4,
            Core::Hex { len, .. } | Core::Letters { len, .. } if len >= 16 => 3,
            Core::Hex { .. } | Core::Letters { .. } => 2,
            Core::Digits { .. } if !self.prefix.is_empty() => 2,
            Core::Digits { .. } => 1,
        }
    }

    /// A template of this look, by which a client gives each job an id of its own.
    pub fn of_the_client(&self) -> String {
        let core = match self.core {
            Core::Uuid => "{uuid:dashed}",
            Core::Digits { .. } => "{n}",
            Core::Hex { .. } | Core::Letters { .. } => "{uuid}",
        };
        format!("{}{core}", self.prefix.replace('{', "{{").replace('}', "}}"))
    }

    /// Texts of this look, for ids that were never issued, the best first: with `{uuid}` or `{n}`, where a target file fills in what is
    /// new in each request. Elsewhere `random` is all that makes it new, and every control asks for the same id.
    pub fn never_issued(&self, random: &[u8; 32]) -> Vec<String> {
        let drawn = |len: usize, letters: &[u8]| -> String {
            let mut text: Vec<u8> = random.iter().cycle().take(len).map(|byte| letters[usize::from(*byte) % letters.len()]).collect();
            // Without a digit it would look like a word.
            if let Some(last) = text.last_mut().filter(|_| !text_has_digit(random, len, letters)) {
                *last = b'7';
            }
            String::from_utf8(text).unwrap_or_default()
        };
        let cores = match self.core {
            Core::Uuid => vec!["{uuid:dashed}".to_owned()],
            Core::Hex { len: 32, capitals: false } => vec!["{uuid}".to_owned()],
            Core::Hex { len, capitals } => vec![drawn(len, if capitals { b"0123456789ABCDEF" } else { b"0123456789abcdef" })],
            // Far above any counter, and exact in every reader of JSON.
            Core::Digits { len } if len < 10 => vec!["90071992{n}".to_owned()],
            Core::Digits { len } => vec![format!("9{}", drawn(len - 1, b"0123456789"))],
            Core::Letters { len, case } => vec![drawn(
                len,
                match case {
                    Case::Small => b"abcdefghijklmnopqrstuvwxyz0123456789".as_slice(),
                    Case::Capital => b"ABCDEFGHJKMNPQRSTVWXYZ0123456789",
                    Case::Both => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                },
            )],
        };
        cores.into_iter().map(|core| format!("{}{core}", self.prefix.replace('{', "{{").replace('}', "}}"))).collect()
    }
}

/// `2.0`, `10.0.0.7`, `2026-11-30` and `2026-11-30T12:00:00Z` are not ids.
fn is_version_or_date(text: &str) -> bool {
    let is_dotted = text.contains('.') && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let shape = text.bytes().take(10).map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
    let is_dated = shape.eq(*b"0000-00-00") && !text.as_bytes().get(10).is_some_and(|byte| byte.is_ascii_alphanumeric() && *byte != b'T');
    is_dotted || is_dated
}

/// Whether a text that is drawn so has a digit.
fn text_has_digit(random: &[u8; 32], len: usize, letters: &[u8]) -> bool {
    random.iter().cycle().take(len).any(|byte| letters[usize::from(*byte) % letters.len()].is_ascii_digit())
}

impl Core {
    fn of(text: &str) -> Option<Core> {
        let hex = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.split('-').all(hex) {
            return Some(Core::Uuid);
        }
        let len = text.len();
        if len > 0 && len <= 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some(Core::Digits { len });
        }
        let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
        let has_digit = has(u8::is_ascii_digit);
        let (small, capital) = (has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase));
        if len < SHORTEST || !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        if has_digit && hex(text) && !(small && capital) {
            return Some(Core::Hex { len, capitals: capital });
        }
        let case = match (small, capital) {
            (true, true) => Case::Both,
            (_, true) => Case::Capital,
            _ => Case::Small,
        };
        // Words of one case without a digit are words; long ones of both cases are not.
        (has_digit || (case == Case::Both && len >= 16)).then_some(Core::Letters { len, case })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_words_and_a_new_one_looks_like_the_old() {
        for (id, other) in [
            ("6f1de3a1-aaaa-4bbb-8ccc-0123456789ab", "3cd63d03-1111-4222-8333-0123456789ab"),
            ("6f1de3a1aaaa4bbb8ccc0123456789ab", "00000000000000000000000000000001"),
            ("17", "1042"),
            ("job_17", "job_18"),
            ("scan-0123abcd", "scan-99999999"),
            ("01HZX3Q9K7V5N2M8P4R6T0W1YB", "01HZX3Q9K7V5N2M8P4R6T0W1YC"),
            ("dQw4w9WgXcQ7", "aaaa1aaaBaaa"),
            ("urn:job:7", "urn:job:8"),
        ] {
            let shape = Shape::of(id).unwrap_or_else(|| panic!("{id}"));
            assert!(shape.fits(other), "{id} {other}");
            let made = shape.never_issued(&[7; 32]).pop().expect("one at least");
            let made = made.replace("{n}", "3").replace("{uuid}", "00000000000000000000000000000001");
            let made = made.replace("{uuid:dashed}", "00000000-0000-4000-8000-000000000001");
            assert!(shape.fits(&made), "{id}: {made}");
        }
        for word in [
            "processing",
            "completed",
            "v1",
            "",
            "a b",
            "not_found",
            "https://h/x",
            "Ada Lovelace",
            "2.0",
            "2026-11-30",
            "2026-11-30T12:00:00Z",
        ] {
            assert_eq!(Shape::of(word), None, "{word}");
        }
    }
}
