//! One way to read a text: its bytes, and where each of them stands in the original.

use std::ops::Range;

use super::escapes::Escapes;
use super::{SHORTEST_SECRET, codes};

/// Stands between what was not together in the original. No form of a secret has it.
pub(super) const GAP: u8 = 0x1f;

/// What a text that was read out of another one needs to have, to be worth reading on.
const SHORTEST_TEXT: usize = 6;

/// How far what is found reaches beyond its own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// Not at all.
    Bytes,
    /// To the next digits, which it shares with its neighbours.
    Group,
    /// To the ends of the digits that it stands among.
    Digits,
    /// To the end of the line, where a dump repeats it as text.
    Line,
}

/// A text as it reads once something is undone.
#[derive(Debug)]
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// Start and end in the original; none where the view is the original.
    from: Option<Vec<(u32, u32)>>,
    pub(super) reach: Reach,
    /// Whether blanks and line ends were taken out.
    pub(super) is_unfolded: bool,
    /// Whether line ends were among them: digits may be spread over lines, but hardly over words.
    pub(super) joins_lines: bool,
}

impl View {
    pub(super) fn of(text: &[u8]) -> View {
        View { bytes: text.to_vec(), from: None, reach: Reach::Bytes, is_unfolded: false, joins_lines: false }
    }

    /// An empty one, for what is read out of this one.
    pub(super) fn child(&self, reach: Reach) -> View {
        View {
            bytes: Vec::new(),
            from: Some(Vec::new()),
            reach: self.reach.max(reach),
            is_unfolded: self.is_unfolded,
            joins_lines: self.joins_lines,
        }
    }

    /// Where a range, which is not empty, stands in the original.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        match &self.from {
            None => range.clone(),
            Some(from) => from[range.start].0 as usize..from[range.end - 1].1 as usize,
        }
    }

    fn place(&self, at: usize) -> (u32, u32) {
        self.from.as_ref().map_or((at as u32, at as u32 + 1), |from| from[at])
    }

    /// Adds a byte that a range of another view, which is not empty, stands for.
    pub(super) fn push(&mut self, byte: u8, of: &View, range: &Range<usize>) {
        self.bytes.push(byte);
        if let Some(from) = &mut self.from {
            from.push((of.place(range.start).0, of.place(range.end - 1).1));
        }
    }

    /// Ends a stretch: what is too short to hold anything is taken out again.
    pub(super) fn end_stretch(&mut self, start: usize) -> usize {
        if self.bytes.len() - start < SHORTEST_SECRET {
            self.bytes.truncate(start);
            if let Some(from) = &mut self.from {
                from.truncate(start);
            }
        } else {
            let last = *self.from.as_ref().and_then(|from| from.last()).unwrap_or(&(0, 0));
            self.bytes.push(GAP);
            if let Some(from) = &mut self.from {
                from.push((last.1, last.1));
            }
        }
        self.bytes.len()
    }

    /// The same with escapes undone; `None` where there is none.
    pub(super) fn undone(&self, escapes: Escapes) -> Option<View> {
        let is_escape = |at: &usize| self.bytes[*at].is_ascii_punctuation() && escapes.unit(&self.bytes[*at..]).is_some();
        let first = (0..self.bytes.len()).find(is_escape)?;
        let mut undone = self.child(Reach::Bytes);
        undone.bytes.extend_from_slice(&self.bytes[..first]);
        undone.from = Some((0..first).map(|at| self.place(at)).collect());
        let mut at = first;
        while at < self.bytes.len() {
            // Most bytes are not marks, and cost nothing.
            let unit = if self.bytes[at].is_ascii_punctuation() { escapes.unit(&self.bytes[at..]) } else { None };
            if let Some((bytes, length)) = unit {
                for byte in bytes {
                    undone.push(byte, self, &(at..at + length));
                }
                at += length;
            } else {
                undone.push(self.bytes[at], self, &(at..at + 1));
                at += 1;
            }
        }
        Some(undone)
    }

    /// The same without the zeros between the characters of UTF-16.
    pub(super) fn without_zeros(&self) -> View {
        let mut narrow = self.child(Reach::Bytes);
        for (at, byte) in self.bytes.iter().enumerate().filter(|(_, byte)| **byte != 0) {
            narrow.push(*byte, self, &(at..at + 1));
        }
        narrow
    }

    /// The same without blanks, line ends and what else cannot be seen.
    pub(super) fn unfolded(&self) -> Option<View> {
        let is_blank = |byte: &u8| *byte <= b' ' && *byte != GAP || *byte == 0x7f;
        if !self.bytes.iter().any(is_blank) {
            return None;
        }
        let joins_lines = self.joins_lines || self.bytes.iter().any(|byte| *byte < b' ' && *byte != GAP);
        let mut unfolded = View { is_unfolded: true, joins_lines, ..self.child(Reach::Bytes) };
        for (at, byte) in self.bytes.iter().enumerate().filter(|(_, byte)| !is_blank(byte)) {
            unfolded.push(*byte, self, &(at..at + 1));
        }
        Some(unfolded)
    }

    /// The stretches of it that are text: what was decoded at the wrong place hardly ever is.
    pub(super) fn add_texts_of(&mut self, other: &View) {
        let mut start = self.bytes.len();
        let mut at = 0;
        while at <= other.bytes.len() {
            let length = codes::text_unit(other.bytes.get(at..).unwrap_or_default());
            if length == 0 {
                if self.bytes.len() - start < SHORTEST_TEXT {
                    self.bytes.truncate(start);
                    if let Some(from) = &mut self.from {
                        from.truncate(start);
                    }
                }
                start = self.end_stretch(start);
                at += 1;
                continue;
            }
            for at in at..at + length {
                self.push(other.bytes[at], other, &(at..at + 1));
            }
            at += length;
        }
    }
}
