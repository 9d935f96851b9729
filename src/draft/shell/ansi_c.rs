//! `$'…'`: text in which the escapes of C hold (bash's manual, section 3.1.2.4).

use super::cursor::Cursor;

/// What stands up to the closing quote, which is taken as well; `None` if there is none.
pub(super) fn quoted(rest: &mut Cursor<'_>) -> Option<String> {
    let mut value: Vec<u8> = Vec::new();
    let push = |value: &mut Vec<u8>, c: char| value.extend(c.encode_utf8(&mut [0; 4]).bytes());
    loop {
        match rest.next()? {
            '\'' => return Some(String::from_utf8_lossy(&value).into_owned()),
            '\\' => match rest.next()? {
                'n' => value.push(b'\n'),
                't' => value.push(b'\t'),
                'r' => value.push(b'\r'),
                'a' => value.push(7),
                'b' => value.push(8),
                'f' => value.push(12),
                'v' => value.push(11),
                'e' | 'E' => value.push(27),
                // A byte and not a character: UTF-8 may be written byte by byte.
                'x' => match number(rest, String::new(), 2, 16) {
                    Some(byte) => value.push(byte as u8),
                    None => value.extend(b"\\x"),
                },
                digit @ '0'..='7' => value.push(number(rest, digit.to_string(), 2, 8).unwrap_or_default() as u8),
                kind @ ('u' | 'U') => unicode(rest, kind, &mut value),
                other => push(&mut value, other),
            },
            c => push(&mut value, c),
        }
    }
}

/// Up to so many more digits.
fn number(rest: &mut Cursor<'_>, mut digits: String, most: usize, radix: u32) -> Option<u32> {
    for _ in 0..most {
        match rest.next_if(|c| c.is_digit(radix)) {
            Some(digit) => digits.push(digit),
            None => break,
        }
    }
    u32::from_str_radix(&digits, radix).ok()
}

/// `\uD83D\uDE00` too: browsers copy what JavaScript calls a character, which may be half of one.
fn unicode(rest: &mut Cursor<'_>, kind: char, value: &mut Vec<u8>) {
    let most = if kind == 'u' { 4 } else { 8 };
    let Some(mut code) = number(rest, String::new(), most, 16) else {
        value.extend([b'\\', kind as u8]);
        return;
    };
    if (0xd800..0xdc00).contains(&code) {
        let mut ahead = rest.clone();
        if ahead.next() == Some('\\')
            && ahead.next() == Some('u')
            && let Some(low) = number(&mut ahead, String::new(), 4, 16).filter(|low| (0xdc00..0xe000).contains(low))
        {
            *rest = ahead;
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    value.extend(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]).bytes());
}
