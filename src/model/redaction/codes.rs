//! Bytes written as digits: base64 and its like at any alignment, and numbers in a row.

use std::ops::Range;

use super::SHORTEST_SECRET;
use super::view::{Reach, View};

/// Digits that stand for so many bits each.
pub(super) struct Digits {
    bits: u32,
    value: fn(u8) -> Option<u8>,
}

/// Base64 of both alphabets; hexadecimal; binary.
pub(super) const DIGITS: [Digits; 3] = [
    Digits {
        bits: 6,
        value: |byte| match byte {
            b'A'..=b'Z' => Some(byte - b'A'),
            b'a'..=b'z' => Some(byte - b'a' + 26),
            b'0'..=b'9' => Some(byte - b'0' + 52),
            b'+' | b'-' => Some(62),
            b'/' | b'_' => Some(63),
            _ => None,
        },
    },
    Digits { bits: 4, value: |byte| char::from(byte).to_digit(16).map(|digit| digit as u8) },
    Digits { bits: 1, value: |byte| matches!(byte, b'0' | b'1').then(|| byte - b'0') },
];

impl Digits {
    /// At how many places a byte can begin.
    pub(super) fn alignments(&self) -> usize {
        match self.bits {
            6 => 4,
            bits => (8 / bits) as usize,
        }
    }

    /// All runs of such digits that are long enough for a secret, read from their digit `skip` on.
    pub(super) fn read(&self, view: &View, skip: usize) -> View {
        // What digits over several lines stand for has its own blanks, which were not taken out with the line ends.
        let mut read = view.child(Reach::Digits);
        read.is_unfolded &= !view.joins_lines;
        let mut start = 0;
        let mut at = 0;
        while at < view.bytes.len() {
            let digits = self.run(&view.bytes, at);
            if digits.is_empty() {
                at += 1;
                continue;
            }
            if digits.len() * self.bits as usize >= 8 * SHORTEST_SECRET {
                let (mut held, mut bits) = (0_u32, 0);
                let mut first = 0;
                for (place, value) in digits.iter().skip(skip) {
                    if bits == 0 {
                        first = *place;
                    }
                    let begins = *place;
                    held = held << self.bits | u32::from(*value);
                    bits += self.bits;
                    if bits >= 8 {
                        bits -= 8;
                        read.push((held >> bits) as u8, view, &(first..begins + 1));
                        first = begins;
                    }
                    held &= (1 << bits) - 1;
                }
                start = read.end_stretch(start);
            }
            // The last digit of a run is known.
            at = digits.last().map_or(at, |(place, _)| *place) + 1;
        }
        read
    }

    /// The digits from a place on, with what only fills up left out.
    fn run(&self, bytes: &[u8], from: usize) -> Vec<(usize, u8)> {
        let mut digits = Vec::new();
        for (at, byte) in bytes.iter().enumerate().skip(from) {
            match (self.value)(*byte) {
                Some(value) => digits.push((at, value)),
                None if *byte == b'=' && !digits.is_empty() && self.bits == 6 => {}
                None => break,
            }
        }
        digits
    }
}

/// Alphabets of base32: of RFC 4648, its extended one, and Crockford's.
const BASE32: [&[u8; 32]; 3] =
    [b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHIJKLMNOPQRSTUV", b"0123456789ABCDEFGHJKMNPQRSTVWXYZ"];

/// Alphabets of base85 beside ASCII's own order: of RFC 1924, and `ZeroMQ`'s.
const BASE85: [&[u8; 85]; 3] = [
    b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstu",
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~",
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#",
];

/// Fewer digits than this say nothing.
const FEWEST_DIGITS: usize = 5;

/// The digits of base32 that a text has, whatever stands before and after it.
pub(super) fn base32(text: &[u8]) -> Vec<Vec<u8>> {
    let bits: Vec<u8> = text.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let place = |bits: &[u8]| bits.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit));
    let at = |alphabet: &[u8; 32], skip: usize| -> Vec<u8> { bits[skip..].chunks_exact(5).map(|bits| alphabet[place(bits)]).collect() };
    let all = BASE32.iter().flat_map(|alphabet| (0..5).map(move |skip| (alphabet, skip)));
    all.map(|(alphabet, skip)| at(alphabet, skip)).filter(|digits| digits.len() >= FEWEST_DIGITS).collect()
}

/// The digits of base85 that a text has, whatever stands before and after it.
pub(super) fn base85(text: &[u8]) -> Vec<Vec<u8>> {
    let group = |alphabet: &[u8; 85], bytes: &[u8]| -> Vec<u8> {
        let whole = bytes.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
        (0..5).rev().map(|place| alphabet[(whole / 85_u32.pow(place) % 85) as usize]).collect()
    };
    let at = |alphabet: &[u8; 85], skip: usize| -> Vec<u8> {
        text.get(skip..).unwrap_or_default().chunks_exact(4).flat_map(|bytes| group(alphabet, bytes)).collect()
    };
    let all = BASE85.iter().flat_map(|alphabet| (0..4).map(move |skip| (alphabet, skip)));
    all.map(|(alphabet, skip)| at(alphabet, skip)).filter(|digits| digits.len() >= FEWEST_DIGITS).collect()
}

fn runs(bytes: &[u8], is_in: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut start = 0;
    for at in 0..=bytes.len() {
        if bytes.get(at).is_some_and(|byte| is_in(*byte)) {
            continue;
        }
        if at > start {
            runs.push(start..at);
        }
        start = at + 1;
    }
    runs
}

/// How many bytes of text stand at the beginning: one character's, or none.
pub(super) fn text_unit(bytes: &[u8]) -> usize {
    let Some(first) = bytes.first() else { return 0 };
    let length = match first {
        b' '..=b'~' | b'\t' | b'\r' | b'\n' | 0 => return 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return 0,
    };
    let is_char = bytes.get(..length).is_some_and(|bytes| std::str::from_utf8(bytes).is_ok());
    if is_char { length } else { 0 }
}

/// How the numbers of a row are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    Hexadecimal,
    Decimal,
    Octal,
    Binary,
}

/// Whether lines begin with an address and end with the same as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines {
    Data,
    Dump,
}

/// All ways to read a row of numbers.
pub(super) const NUMBERS: [(Numbers, Lines); 6] = [
    (Numbers::Hexadecimal, Lines::Data),
    (Numbers::Hexadecimal, Lines::Dump),
    (Numbers::Decimal, Lines::Data),
    (Numbers::Octal, Lines::Data),
    (Numbers::Octal, Lines::Dump),
    (Numbers::Binary, Lines::Data),
];

/// How much may stand between two numbers of a row: a line end, an indent and marks.
const WIDEST_GAP: usize = 80;

impl Numbers {
    /// The bytes that a word stands for.
    fn bytes(self, word: &[u8]) -> Option<Vec<u8>> {
        if word.len() > 34 || !word.iter().any(u8::is_ascii_hexdigit) {
            return None;
        }
        let text = std::str::from_utf8(word).ok()?;
        let lower = text.to_ascii_lowercase();
        let after = |prefix: &str| lower.strip_prefix(prefix).map(str::to_owned);
        let parsed = |digits: &str, radix: u32| {
            let plain = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            plain.then(|| u32::from_str_radix(digits, radix).ok()).flatten()
        };
        match self {
            Numbers::Hexadecimal => {
                let prefixed =
                    after("0x").or_else(|| after("x")).or_else(|| after("u")).or_else(|| lower.strip_suffix('h').map(str::to_owned));
                let digits = match prefixed {
                    Some(digits) if digits.len() % 2 == 1 => format!("0{digits}"),
                    Some(digits) => digits,
                    None => lower,
                };
                // A code point of one byte.
                let digits = digits.strip_prefix("00").filter(|rest| rest.len() == 2).map_or(digits.clone(), str::to_owned);
                let is_row = matches!(digits.len(), 2 | 4 | 6 | 8 | 16 | 32) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
                is_row.then(|| {
                    digits
                        .as_bytes()
                        .chunks(2)
                        .filter_map(|pair| parsed(std::str::from_utf8(pair).ok()?, 16))
                        .map(|byte| byte as u8)
                        .collect()
                })
            }
            Numbers::Decimal => {
                let code = parsed(text, 10).filter(|_| text.len() <= 7)?;
                u8::try_from(code).map(|byte| vec![byte]).ok().or_else(|| char::from_u32(code).map(|c| c.to_string().into_bytes()))
            }
            Numbers::Octal => {
                let digits = after("0o").unwrap_or(lower);
                if !matches!(digits.len(), 2..=4) {
                    return None;
                }
                u8::try_from(parsed(&digits, 8)?).ok().map(|byte| vec![byte])
            }
            Numbers::Binary => {
                let digits = after("0b").unwrap_or(lower);
                if !matches!(digits.len(), 7 | 8) {
                    return None;
                }
                u8::try_from(parsed(&digits, 2)?).ok().map(|byte| vec![byte])
            }
        }
    }

    /// The rows of such numbers in a view.
    pub(super) fn read(self, view: &View, lines: Lines) -> View {
        let bytes = &view.bytes;
        let mut read = view.child(if lines == Lines::Dump { Reach::Line } else { Reach::Bytes });
        let mut start = 0;
        let mut last: Option<Range<usize>> = None;
        let (mut rest_of_line, mut is_after_address) = (false, false);
        for word in runs(bytes, |byte| byte.is_ascii_alphanumeric()) {
            let gap = &bytes[last.as_ref().map_or(0, |last| last.end)..word.start];
            let is_new_line = gap.contains(&b'\n') || last.is_none();
            let is_near = gap.len() <= WIDEST_GAP || lines == Lines::Dump && rest_of_line;
            if !is_near {
                start = read.end_stretch(start);
            }
            let before = last.replace(word.clone());
            if lines == Lines::Dump {
                let is_address = matches!(word.len(), 7 | 8)
                    && bytes[word.clone()].iter().all(u8::is_ascii_hexdigit)
                    && [&b"  "[..], b": "].iter().any(|after| bytes[word.end..].starts_with(after));
                if is_new_line || is_address {
                    // An address.
                    (rest_of_line, is_after_address) = (false, true);
                    if word.len() < 4 || !bytes[word.clone()].iter().all(u8::is_ascii_hexdigit) {
                        start = read.end_stretch(start);
                    }
                    continue;
                }
                let ends = gap.contains(&b'|')
                    || gap.contains(&b'>')
                    || gap.starts_with(b"  ") && !is_after_address && before.is_some_and(|before| matches!(before.len(), 4 | 8));
                is_after_address = false;
                rest_of_line |= ends;
                if rest_of_line {
                    continue;
                }
            }
            // An index before its value: `{"0":116}`.
            let is_index = self == Numbers::Decimal
                && word.start > 0
                && matches!(bytes[word.start - 1], b'"' | b'\'')
                && bytes[word.end..].iter().skip(1).find(|byte| **byte != b' ') == Some(&b':');
            let is_mark = self == Numbers::Hexadecimal && matches!(&bytes[word.clone()], b"U" | b"u" | b"x" | b"X");
            if is_index || is_mark {
                continue;
            }
            match self.bytes(&bytes[word.clone()]) {
                Some(mut numbers) => {
                    let is_negative = self == Numbers::Decimal
                        && gap.last() == Some(&b'-')
                        && gap.iter().rev().nth(1).is_none_or(|byte| matches!(byte, b' ' | b',' | b'['));
                    if let ([number], true) = (numbers.as_mut_slice(), is_negative) {
                        *number = number.wrapping_neg();
                    }
                    for number in numbers {
                        read.push(number, view, &word);
                    }
                }
                None if lines == Lines::Dump => rest_of_line = true,
                None => start = read.end_stretch(start),
            }
        }
        read.end_stretch(start);
        read
    }
}
