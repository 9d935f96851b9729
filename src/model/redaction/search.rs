//! Looks for secrets in everything that a text can be read as.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash as _, Hasher as _};
use std::ops::Range;

use regex::bytes::Regex;

use super::codes::{DIGITS, NUMBERS, base32, base85};
use super::escapes::Escapes;
use super::view::{GAP, Reach, View};
use super::{ANY_CASE_FROM, NOTHING, SHORTEST_SECRET, in_any_case, merged, pattern};

/// How many forms may stand within each other.
const DEEPEST: usize = 6;

/// Up to this depth each kind of escape is undone alone as well: where all are undone at once, what only looks like one is lost.
const ALONE_UP_TO: usize = 1;

/// A hostile reply can be read in very many ways. So many bytes are read for each of its own; what is left unread is not recorded.
const MOST_WORK: usize = 300;

/// And so many for a short one.
const LEAST_WORK: usize = 1 << 20;

/// As much of a secret at a text's end or behind stars is the secret, cut off.
const CUT_FROM: usize = 8;

/// And so many hundredths of it are the secret wherever they stand: a server may strip what fills up a code, or the first characters.
const MOST_OF_IT: usize = 60;

/// So much of what a piece has in it is looked for; the rest is compared.
const LONGEST_MIDDLE: usize = 16;

/// What is looked for.
#[derive(Debug, Clone)]
pub(super) struct Needles {
    known: Regex,
    /// Without blanks; long ones alone, because words that are joined make short ones.
    unfolded: Option<Regex>,
    /// Their digits in codes that are not undone: so many of them would be read for nothing.
    coded: Option<Regex>,
    /// The first characters of long ones.
    beginnings: Option<Regex>,
    /// The last characters of long ones.
    endings: Option<Regex>,
    /// What most of a long one has in it, wherever the rest is missing.
    middles: Option<Regex>,
    /// The long ones as they are compared.
    long: Vec<Vec<u8>>,
    longest: usize,
}

/// How many bytes of a secret are as good as all of it.
fn most_of(needle: &[u8]) -> usize {
    (needle.len() * MOST_OF_IT).div_ceil(100).max(CUT_FROM)
}

/// Where the middle of a long secret begins: every piece of it that is most of it has the bytes from there to its own length.
fn middle_of(needle: &[u8]) -> usize {
    needle.len() - most_of(needle)
}

impl Needles {
    /// All spellings of all secrets.
    pub(super) fn of(mut all: Vec<Vec<u8>>) -> Option<Needles> {
        all.retain(|needle| needle.len() >= SHORTEST_SECRET);
        // At one place the longest is taken, so that no rest is left.
        all.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        all.dedup();
        let any_pattern = |pattern: &str| -> Option<Regex> {
            let any = || regex::bytes::RegexBuilder::new(&format!("(?s-u:{pattern})")).size_limit(1 << 28).build();
            // Secrets that are too large to be looked for are no reason to record them: then nothing is recorded.
            (!pattern.is_empty()).then(|| any().unwrap_or_else(|_| NOTHING.clone()))
        };
        let any_of = |needles: &[Vec<u8>]| any_pattern(&needles.iter().map(|needle| pattern(needle)).collect::<Vec<_>>().join("|"));
        let without_blanks = |needle: &Vec<u8>| needle.iter().copied().filter(|byte| *byte > b' ').collect::<Vec<u8>>();
        let long_enough = all.iter().filter(|needle| needle.len() >= ANY_CASE_FROM);
        let joined: Vec<Vec<u8>> = long_enough.map(without_blanks).filter(|needle| needle.len() >= SHORTEST_SECRET).collect();
        let mut long: Vec<Vec<u8>> =
            all.iter().filter(|needle| needle.len() > CUT_FROM).map(|needle| needle.iter().copied().map(plain).collect()).collect();
        long.sort();
        long.dedup();
        let any_piece = |piece: fn(&[u8]) -> &[u8]| {
            let pieces: BTreeSet<String> = long.iter().map(|needle| in_any_case(piece(needle))).collect();
            any_pattern(&pieces.into_iter().collect::<Vec<_>>().join("|"))
        };
        let beginnings = any_piece(|needle| &needle[..CUT_FROM]);
        let endings = any_piece(|needle| &needle[needle.len() - CUT_FROM..]);
        let middles = any_piece(|needle| {
            let from = middle_of(needle);
            &needle[from..most_of(needle).min(from + LONGEST_MIDDLE)]
        });
        let literally = |digits: Vec<u8>| regex::escape(&String::from_utf8_lossy(&digits));
        let coded = all.iter().flat_map(|needle| {
            let base32 = base32(needle).into_iter().flat_map(|digits| [digits.to_ascii_lowercase(), digits]);
            base32.chain(base85(needle)).map(literally)
        });
        let coded = coded.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join("|");
        let coded = (!coded.is_empty()).then(|| {
            let any = regex::bytes::RegexBuilder::new(&format!("(?-u:{coded})")).size_limit(1 << 28).build();
            any.unwrap_or_else(|_| NOTHING.clone())
        });
        Some(Needles {
            coded,
            known: any_of(&all)?,
            unfolded: any_of(&joined),
            beginnings,
            endings,
            middles,
            long,
            longest: all.first().map_or(0, Vec::len),
        })
    }

    /// What stands in a text of secrets that are not whole.
    fn pieces(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let matches = |pieces: &Option<Regex>| pieces.as_ref().map_or_else(Vec::new, |pieces| matches(pieces, bytes));
        let (beginnings, endings, middles) = (matches(&self.beginnings), matches(&self.endings), matches(&self.middles));
        if beginnings.is_empty() && endings.is_empty() && middles.is_empty() {
            return Vec::new();
        }
        let text: Vec<u8> = bytes.iter().copied().map(plain).collect();
        let mut found = Vec::new();
        for Range { start, .. } in beginnings {
            let reached = self.long.iter().map(|needle| in_common(&text[start..], needle)).filter(|reached| *reached >= CUT_FROM);
            found.extend(reached.filter(|reached| is_cut(&bytes[start + reached..])).map(|reached| start..start + reached));
        }
        for Range { end, .. } in endings {
            let reached = self.long.iter().map(|needle| in_common_before(&text[..end], needle)).filter(|reached| *reached >= CUT_FROM);
            found.extend(reached.filter(|reached| is_masked(&bytes[..end - reached])).map(|reached| end - reached..end));
        }
        for Range { start, .. } in middles {
            found.extend(self.long.iter().filter_map(|needle| {
                let (before, after) = needle.split_at(middle_of(needle));
                let (before, after) = (in_common_before(&text[..start], before), in_common(&text[start..], after));
                (before + after >= most_of(needle)).then_some(start - before..start + after)
            }));
        }
        // Of `Bearer x` the blank before `x` is not a secret.
        let is_blank = |byte: &&u8| **byte == b' ';
        let trimmed = |Range { start, end }: Range<usize>| {
            let piece = &bytes[start..end];
            start + piece.iter().take_while(is_blank).count()..end - piece.iter().rev().take_while(is_blank).count()
        };
        found.into_iter().map(trimmed).collect()
    }

    /// The length of the longest.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }
}

/// A search through one text.
pub(super) struct Search<'a> {
    text: &'a [u8],
    needles: &'a Needles,
    found: Vec<Range<usize>>,
    read: HashSet<u64>,
    /// How many bytes were read.
    pub(super) work: usize,
}

impl<'a> Search<'a> {
    /// Reads a text in every way.
    pub(super) fn through(text: &'a [u8], needles: &'a Needles) -> Search<'a> {
        let mut search = Search { text, needles, found: Vec::new(), read: HashSet::new(), work: 0 };
        let mut level = vec![View::of(text)];
        for depth in 0..=DEEPEST {
            let mut next = Vec::new();
            for view in level {
                search.look(&view);
                if depth < DEEPEST {
                    search.read_on(&view, depth, &mut next);
                }
                if search.work > MOST_WORK * text.len() + LEAST_WORK {
                    search.found = std::iter::once(0..text.len()).collect();
                    return search;
                }
            }
            level = next;
        }
        search
    }

    /// Where secrets stand, in order.
    pub(super) fn found(self) -> Vec<Range<usize>> {
        merged(self.found)
    }

    /// What a view reads as once one thing more is undone.
    fn read_on(&mut self, view: &View, depth: usize, next: &mut Vec<View>) {
        if view.bytes.len() < SHORTEST_SECRET || view.is_unfolded && !view.joins_lines {
            return;
        }
        let alone = if depth <= ALONE_UP_TO { &Escapes::ALONE[..] } else { &[] };
        for escapes in Escapes::TOGETHER.iter().chain(alone) {
            self.work += view.bytes.len();
            next.extend(view.undone(*escapes).filter(|undone| self.is_new(undone)));
        }
        next.extend(view.unfolded().filter(|unfolded| self.is_new(unfolded)));
        let mut texts = view.child(Reach::Digits);
        for digits in &DIGITS {
            for skip in 0..digits.alignments() {
                let read = digits.read(view, skip);
                if read.bytes.is_empty() {
                    break;
                }
                self.look(&read);
                // Of 16 bits each.
                if read.bytes.windows(6).any(|six| (0..6).all(|at| (six[at] == 0) == (at % 2 == 1))) {
                    self.look(&read.without_zeros());
                    if let Some(unfolded) = read.unfolded() {
                        self.look(&unfolded);
                    }
                }
                texts.add_texts_of(&read);
            }
        }
        let rows = NUMBERS.iter().map(|(numbers, lines)| numbers.read(view, *lines));
        next.extend(rows.chain([texts]).filter(|read| self.is_new(read)));
    }

    fn is_new(&mut self, view: &View) -> bool {
        let mut hasher = DefaultHasher::new();
        (&view.bytes, view.is_unfolded, view.reach as u8).hash(&mut hasher);
        view.bytes.len() >= SHORTEST_SECRET && self.read.insert(hasher.finish())
    }

    /// Looks for secrets in what a view reads as, and for pieces of one that was cut.
    fn look(&mut self, view: &View) {
        let (needles, bytes) = (self.needles, &view.bytes);
        self.work += bytes.len();
        let known = if view.is_unfolded { needles.unfolded.as_ref() } else { Some(&needles.known) };
        let mut hits = known.map_or_else(Vec::new, |known| matches(known, bytes));
        hits.extend(needles.pieces(bytes));
        if let Some(coded) = &needles.coded {
            for hit in matches(coded, bytes) {
                let place = self.reaching(view.original(&hit), Reach::Group);
                self.found.push(self.reaching(place, view.reach));
            }
        }
        for hit in hits {
            let place = view.original(&hit);
            self.found.push(self.reaching(place, view.reach));
        }
    }

    /// A place with what it must not leave.
    fn reaching(&self, place: Range<usize>, reach: Reach) -> Range<usize> {
        let Range { mut start, mut end } = place;
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte);
        match reach {
            Reach::Bytes => {}
            Reach::Group => {
                let is_digit = |byte: &&u8| byte.is_ascii_graphic();
                start -= self.text[..start].iter().rev().take(7).take_while(is_digit).count();
                end += self.text[end..].iter().take(7).take_while(is_digit).count();
            }
            Reach::Digits => {
                start -= self.text[..start].iter().rev().take_while(|byte| is_digit(byte)).count();
                end += self.text[end..].iter().take_while(|byte| is_digit(byte) || **byte == b'=').count();
                // What fills up, as an address carries it.
                while [&b"%3D"[..], b"%3d"].iter().any(|filling| self.text[end..].starts_with(filling)) {
                    end += 3;
                }
            }
            Reach::Line => end += self.text[end..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\\' | b'<')).count(),
        }
        start..end
    }
}

/// A byte as it is compared: in any case, and a plus as the blank that it may be.
fn plain(byte: u8) -> u8 {
    if byte == b'+' { b' ' } else { byte.to_ascii_lowercase() }
}

/// So many bytes are compared at once: a long secret may stand in a text very often.
const STEP: usize = 32;

/// How many bytes two texts have in common at their beginning.
fn in_common(text: &[u8], needle: &[u8]) -> usize {
    let most = text.len().min(needle.len());
    let mut same = 0;
    while same + STEP <= most && text[same..same + STEP] == needle[same..same + STEP] {
        same += STEP;
    }
    while same < most && text[same] == needle[same] {
        same += 1;
    }
    same
}

/// The same at their end.
fn in_common_before(text: &[u8], needle: &[u8]) -> usize {
    let (text_end, needle_end) = (text.len(), needle.len());
    let most = text_end.min(needle_end);
    let mut same = 0;
    while same + STEP <= most && text[text_end - same - STEP..text_end - same] == needle[needle_end - same - STEP..needle_end - same] {
        same += STEP;
    }
    while same < most && text[text_end - same - 1] == needle[needle_end - same - 1] {
        same += 1;
    }
    same
}

/// Whether a text that ends like this hides what should stand there.
fn is_masked(before: &[u8]) -> bool {
    before.last().is_none_or(|last| *last == GAP)
        || ["*", "...", "\u{2026}", "\u{fffd}", "\u{2022}", "\u{2026}]", "...]", "xxx", "XXX"]
            .iter()
            .any(|mark| before.ends_with(mark.as_bytes()))
}

/// Whether a text that goes on like this was cut off: at its end, with dots or stars, or within an escape.
fn is_cut(rest: &[u8]) -> bool {
    let half = rest.first().is_some_and(|mark| b"\\%&=".contains(mark))
        && rest.len() < 12
        && rest[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"#\\%&;".contains(byte));
    rest.is_empty()
        || rest[0] == GAP
        || half
        || ["...", "\u{2026}", "\u{fffd}", "[\u{2026}]", "[...", "*", "\u{2022}"].iter().any(|mark| rest.starts_with(mark.as_bytes()))
}

/// All matches, also those that overlap.
fn matches(known: &Regex, text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(here) = known.find_at(text, at) {
        found.push(here.range());
        if here.end() == text.len() {
            break;
        }
        at = here.start() + 1;
    }
    found
}
