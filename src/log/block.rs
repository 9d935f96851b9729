//! Parses a log in blocks of whole lines, as many at a time as there are processors.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::model::exchange::Exchange;
use crate::model::run::Line;
use crate::model::text::Texts;

/// The lines of one block. Line numbers count from 1 within it.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) exchanges: Vec<Exchange>,
    /// Lines that are not exchanges.
    pub(super) others: Vec<(usize, Line)>,
    /// The first line that is not blank.
    pub(super) first: Option<usize>,
    pub(super) lines: usize,
    pub(super) bytes: usize,
    /// The line at which parsing stopped, and why.
    pub(super) broken: Option<(usize, String)>,
    /// Whether the last line had no end and could not be read.
    pub(super) torn: bool,
}

/// How the writer begins the line of an exchange. Reading the tag first would make serde keep a copy of all the rest.
pub(super) const EXCHANGE: &[u8] = br#"{"line":"exchange","#;

/// About so many bytes are parsed at a time: some thousand lines, so that handing them over costs nothing, and few enough for
/// all blocks under way to be small beside what they become.
const BLOCK: u64 = 1 << 20;

/// Parses all of an input, and passes on its blocks in their order, until `take` fails. The outer error is the input's.
pub(super) fn parse_all<E>(mut input: impl BufRead, mut take: impl FnMut(Parsed) -> Result<(), E>) -> std::io::Result<Result<(), E>> {
    let first = next(&mut input)?;
    if (first.len() as u64) < BLOCK {
        return Ok(take(parse(&first)));
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (give, blocks) = sync_channel::<(usize, Vec<u8>)>(workers);
    let (tell, results) = channel::<(usize, Parsed)>();
    let blocks = Mutex::new(blocks);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (blocks, tell) = (&blocks, tell.clone());
            scope.spawn(move || {
                while let Some((index, text)) = receive(blocks) {
                    // Nobody listens any more: the input could not be read.
                    if tell.send((index, parse(&text))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        // Blocks that were parsed before an earlier one was.
        let mut waiting: BTreeMap<usize, Parsed> = BTreeMap::new();
        let mut taken = 0;
        let mut pass_on = |index, block| {
            waiting.insert(index, block);
            while let Some(block) = waiting.remove(&taken) {
                taken += 1;
                take(block)?;
            }
            Ok(())
        };
        let mut text = first;
        let mut given = 0;
        while !text.is_empty() {
            // The workers live as long as this end of the channel does.
            let _ = give.send((given, text));
            given += 1;
            for (index, block) in results.try_iter() {
                if let Err(error) = pass_on(index, block) {
                    return Ok(Err(error));
                }
            }
            text = next(&mut input)?;
        }
        drop(give);
        Ok(results.into_iter().try_for_each(|(index, block)| pass_on(index, block)))
    })
}

fn receive(blocks: &Mutex<Receiver<(usize, Vec<u8>)>>) -> Option<(usize, Vec<u8>)> {
    // A worker that panicked while it waited left the channel as it was.
    blocks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

/// The next block: so many bytes, and what is missing of the last line. Empty at the end.
fn next(input: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::with_capacity(BLOCK as usize + 4096);
    input.by_ref().take(BLOCK).read_to_end(&mut text)?;
    if !text.is_empty() && !text.ends_with(b"\n") {
        input.read_until(b'\n', &mut text)?;
    }
    Ok(text)
}

/// Parses the lines of one block.
fn parse(block: &[u8]) -> Parsed {
    let mut parsed = Parsed { bytes: block.len(), ..Parsed::default() };
    let mut texts = Texts::default();
    for line in block.split_inclusive(|byte| *byte == b'\n') {
        parsed.lines += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match parse_line(line) {
            Ok(Line::Exchange(mut exchange)) => {
                exchange.share_texts(&mut texts);
                parsed.exchanges.push(*exchange);
            }
            Ok(other) => parsed.others.push((parsed.lines, other)),
            Err(_) if !line.ends_with(b"\n") => {
                parsed.torn = true;
                break;
            }
            Err(error) => {
                parsed.broken = Some((parsed.lines, error.to_string()));
                break;
            }
        }
        parsed.first.get_or_insert(parsed.lines);
    }
    parsed
}

/// Parses one line.
pub(super) fn parse_line(line: &[u8]) -> Result<Line, serde_json::Error> {
    if line.starts_with(EXCHANGE) { serde_json::from_slice(line).map(Line::Exchange) } else { serde_json::from_slice(line) }
}
