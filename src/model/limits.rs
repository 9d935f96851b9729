//! How long texts of the target's may be that are kept.

/// The longest word or name that is kept: a state is a word, and so is a worker's name.
pub const LONGEST_WORD: usize = 100;

/// The longest reason, or note of what a cache says, that is kept: a sentence or two.
pub const LONGEST_NOTE: usize = 400;

/// A text of at most so many bytes, with an ellipsis where it was cut. Secrets are struck out before: half a credential at the cut
/// would not be recognised as one.
pub fn cut(mut text: String, longest: usize) -> String {
    if text.len() > longest {
        let end = (0..=longest).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}
