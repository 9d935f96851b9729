//! Files of one line a request: read one by one, the unreadable ones counted.

use std::fmt::Write as _;
use std::io::{BufRead, Read as _};

use super::ImportError;
use super::assemble::Assembler;
use super::record::Record;

/// A longer line is not a log line, and must not fill the memory.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// A recording with a larger share of unreadable lines than this is not of the format that was named.
const BAD_AT_MOST: f64 = 0.05;

/// How many unreadable lines are told one by one.
const TOLD: usize = 5;

/// What lines are expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// k6's own.
    K6,
    /// A server's, by a format.
    Text,
    /// JSON by a mapping.
    Json,
}

impl Wanted {
    fn hint(self) -> &'static str {
        match self {
            Wanted::K6 => "write the file with `k6 run --out json=FILE`",
            Wanted::Text => "say how its lines are written: --log-format '$remote_addr - … $status …', with nginx's names",
            Wanted::Json => "say where the fields stand: --map time=KEY,method=KEY,url=KEY,status=KEY",
        }
    }
}

/// Reads lines into records. A reader of one line gives `None` for a line that is not a request, and an error as a fragment.
pub fn read(
    file: &str,
    mut input: impl BufRead,
    wanted: Wanted,
    record: impl Fn(&str) -> Result<Option<Record>, String>,
    assembler: &mut Assembler<'_>,
) -> Result<(), ImportError> {
    let mut bad: Vec<(u64, String)> = Vec::new();
    let (mut number, mut filled, mut bad_lines) = (0, 0, 0);
    let mut bytes = Vec::new();
    loop {
        bytes.clear();
        let io = |source| ImportError::Io { file: file.to_owned(), source };
        let length = input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut bytes).map_err(io)?;
        if length == 0 {
            break;
        }
        number += 1;
        let too_long = length as u64 == LONGEST_LINE && !bytes.ends_with(b"\n");
        if too_long {
            input.skip_until(b'\n').map_err(io)?;
        }
        let text = String::from_utf8_lossy(&bytes);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        filled += 1;
        let read = if too_long { Err("longer than 16 MiB".to_owned()) } else { record(text) };
        match read {
            Ok(Some(record)) => assembler.take(record),
            Ok(None) => {}
            Err(why) => {
                bad_lines += 1;
                if bad.len() < TOLD {
                    bad.push((number, why));
                }
            }
        }
    }
    if filled == 0 || bad_lines as f64 > filled as f64 * BAD_AT_MOST {
        return Err(too_many(file, bad_lines, filled, "lines", &bad, wanted.hint()));
    }
    assembler.bad_lines(bad_lines, bad.into_iter().map(|(number, _)| number).collect());
    Ok(())
}

/// The complaint about a file that is mostly something else.
pub fn too_many(file: &str, bad: u64, of: u64, unit: &'static str, first: &[(u64, String)], hint: &'static str) -> ImportError {
    let mut told = String::new();
    for (number, why) in first {
        // Writing to a string cannot fail.
        let _ = write!(told, "\n  {file}:{number}: {why}");
    }
    if of == 0 {
        told.push_str("\n  the file is empty");
    }
    ImportError::TooManyBad { file: file.to_owned(), bad, of, unit, first: told, hint }
}

/// Enough of a text to recognise it by, on one line.
pub fn shortened(text: &str) -> String {
    const ENOUGH: usize = 80;
    let mut short: String = text.chars().take(ENOUGH).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(ENOUGH).is_some() {
        short.push('…');
    }
    short
}
