//! One escape at the beginning of a text: what it stands for, and how long it is.

/// How a text was escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// JSON, JavaScript, C, Python: `\u004b`, `\x4b`, `\113`.
    Backslash,
    /// `%4B`, and `%u004B`.
    Url,
    /// `&#75;`, with as many digits as belong to it.
    Html,
    /// `&#75` without its end, before what could be a digit as well.
    HtmlCut,
    /// CSS: `\4b ` with any number of digits.
    Css,
    /// Some mark and two digits: quoted-printable's `=4B`, LDAP's `\4b`, `~4B`.
    Marked,
    /// Those of which one character says which it is.
    Mixed,
    /// The same, and those that are less certain.
    MixedAndMarked,
}

impl Escapes {
    /// Each alone.
    pub(super) const ALONE: [Escapes; 6] =
        [Escapes::Backslash, Escapes::Url, Escapes::Html, Escapes::HtmlCut, Escapes::Css, Escapes::Marked];

    /// Several at once.
    pub(super) const TOGETHER: [Escapes; 2] = [Escapes::Mixed, Escapes::MixedAndMarked];

    /// The escape at the beginning of a text, which is not empty.
    pub(super) fn unit(self, text: &[u8]) -> Option<(Vec<u8>, usize)> {
        match (self, text[0]) {
            (Escapes::Backslash | Escapes::Mixed, b'\\') => backslash(text),
            (Escapes::MixedAndMarked, b'\\') => backslash(text).or_else(|| marked(text)),
            (Escapes::Url | Escapes::Mixed | Escapes::MixedAndMarked, b'%') => url(text),
            (Escapes::Html | Escapes::Mixed, b'&') => html(text),
            (Escapes::HtmlCut | Escapes::MixedAndMarked, b'&') => html_cut(text).or_else(|| html(text)),
            (Escapes::Css, b'\\') => css(text),
            (Escapes::Marked | Escapes::MixedAndMarked, _) => marked(text),
            _ => None,
        }
    }

    /// A text with these escapes undone.
    pub(super) fn undone(self, text: &[u8]) -> Vec<u8> {
        let mut undone = Vec::with_capacity(text.len());
        let mut at = 0;
        while at < text.len() {
            let (unit, length) = self.unit(&text[at..]).unwrap_or_else(|| (vec![text[at]], 1));
            undone.extend(unit);
            at += length;
        }
        undone
    }
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok().filter(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix)))?;
    u32::from_str_radix(digits, radix).ok()
}

fn utf8(c: u32) -> Option<Vec<u8>> {
    char::from_u32(c).map(|c| c.to_string().into_bytes())
}

/// A code of UTF-16 behind a mark, two of them where the first is half a character.
fn utf16(text: &[u8], mark: &[u8]) -> Option<(Vec<u8>, usize)> {
    let length = mark.len() + 4;
    let first = number(text.get(mark.len()..length), 16)?;
    if (0xd800..0xdc00).contains(&first) && text.get(length..length + mark.len()).is_some_and(|next| next.eq_ignore_ascii_case(mark)) {
        let second = number(text.get(length + mark.len()..2 * length), 16).filter(|second| (0xdc00..0xe000).contains(second))?;
        return Some((utf8(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))?, 2 * length));
    }
    Some((utf8(first)?, length))
}

fn backslash(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let in_braces = || {
        let end = text.iter().take(16).position(|byte| *byte == b'}')?;
        Some((utf8(number(text.get(3..end), 16)?)?, end + 1))
    };
    match *text.get(1)? {
        b'u' | b'x' | b'o' if text.get(2) == Some(&b'{') => in_braces(),
        b'u' => utf16(text, b"\\u"),
        b'U' => Some((utf8(number(text.get(2..10), 16)?)?, 10)),
        b'x' => Some((vec![number(text.get(2..4), 16)? as u8], 4)),
        b'n' => Some((b"\n".to_vec(), 2)),
        b't' => Some((b"\t".to_vec(), 2)),
        b'r' => Some((b"\r".to_vec(), 2)),
        b'0'..=b'7' => {
            let length = text[1..].iter().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
            let code = u8::try_from(number(text.get(1..=length), 8)?).ok()?;
            Some((vec![code], length + 1))
        }
        byte if byte.is_ascii_punctuation() || byte == b' ' => Some((vec![byte], 2)),
        _ => None,
    }
}

fn url(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    match number(text.get(1..3), 16) {
        Some(code) => Some((vec![code as u8], 3)),
        None if text.get(1) == Some(&b'u') => utf16(text, b"%u"),
        None if text.get(1) == Some(&b'U') => utf16(text, b"%U"),
        None => None,
    }
}

fn css(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let digits = text[1..].iter().take(6).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let c = utf8(number(text.get(1..=digits), 16)?)?;
    Some((c, 1 + digits + usize::from(text.get(1 + digits).is_some_and(u8::is_ascii_whitespace))))
}

fn marked(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if text[0] == b'=' {
        // A line that goes on in the next.
        for end in [&b"=\r\n"[..], b"=\n"] {
            if text.starts_with(end) {
                return Some((Vec::new(), end.len()));
            }
        }
    }
    if !matches!(text[0], b'=' | b'\\' | b'~' | b'$' | b'!' | b'*' | b'#' | b'^' | b'_') {
        return None;
    }
    Some((vec![number(text.get(1..3), 16)? as u8], 3))
}

/// How many zeros may stand before a number.
const MOST_ZEROS: usize = 64;

/// A character reference of HTML or XML, with its `;` or, for numbers and the oldest names, without.
fn html(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if text.get(1) == Some(&b'#') {
        let (from, radix) = if matches!(text.get(2), Some(b'x' | b'X')) { (3, 16) } else { (2, 10) };
        let digits = text.get(from..)?.iter().take(MOST_ZEROS).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let c = utf8(number(text.get(from..from + digits), radix)?)?;
        let end = from + digits;
        return Some((c, end + usize::from(text.get(end) == Some(&b';'))));
    }
    let letters = text[1..].iter().take(10).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let name = std::str::from_utf8(&text[1..=letters]).ok()?;
    if text.get(letters + 1) == Some(&b';') {
        return Some((utf8(named(name)?)?, letters + 2));
    }
    let (old, c) =
        (2..=letters).rev().find_map(|end| Some((end, named(&name[..end]).filter(|c| *c >= 0xa0 || OLDEST.contains(&&name[..end]))?)))?;
    Some((utf8(c)?, old + 1))
}

/// A number without `;` where the text goes on with digits: of ASCII, as short as it can be.
fn html_cut(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    if text.get(1) != Some(&b'#') {
        return None;
    }
    let (from, radix, most) = if matches!(text.get(2), Some(b'x' | b'X')) { (3, 16, 2) } else { (2, 10, 3) };
    let zeros = text.get(from..)?.iter().take(MOST_ZEROS).take_while(|byte| **byte == b'0').count();
    let start = from + zeros;
    (2..=most).rev().find_map(|digits| {
        let code = number(text.get(start..start + digits), radix).filter(|code| (0x20..0x7f).contains(code))?;
        let end = start + digits;
        Some((vec![code as u8], end + usize::from(text.get(end) == Some(&b';'))))
    })
}

fn named(name: &str) -> Option<u32> {
    ENTITIES.iter().find(|(known, _)| *known == name).map(|(_, c)| u32::from(*c)).or_else(|| {
        let place = LATIN_ENTITIES.split(' ').position(|known| known == name)?;
        Some(0xa0 + place as u32)
    })
}

/// The names of ASCII characters that need no `;`.
const OLDEST: [&str; 8] = ["amp", "AMP", "lt", "LT", "gt", "GT", "quot", "QUOT"];

/// The names of ASCII characters that may be escaped (HTML, "Named character references").
const ENTITIES: [(&str, char); 44] = [
    ("amp", '&'),
    ("AMP", '&'),
    ("lt", '<'),
    ("LT", '<'),
    ("gt", '>'),
    ("GT", '>'),
    ("quot", '"'),
    ("QUOT", '"'),
    ("apos", '\''),
    ("hellip", '…'),
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
