//! Parses a log in blocks of whole lines, as many at a time as there are processors.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::log::line::ExchangeLine;
use crate::log::tally::Tally;
use crate::model::exchange::Exchange;
use crate::model::run::Line;
use crate::model::text::Texts;

/// Some whole lines, and what they say. Line numbers count from 1 within it.
///
/// Blocks go round: they are read, parsed, taken, and filled again. Room that is given back for each block would have to be
/// cleared for the next, which costs a tenth of all reading.
#[derive(Debug, Default)]
pub(super) struct Block {
    text: Vec<u8>,
    pub(super) exchanges: Vec<Exchange>,
    /// Lines that are not exchanges.
    pub(super) others: Vec<Other>,
    /// What was added up of its lines, up to the first end in it.
    pub(super) tally: Tally,
    /// The first line that is not blank.
    pub(super) first: Option<usize>,
    pub(super) lines: usize,
    /// The line at which parsing stopped, and why.
    pub(super) broken: Option<(usize, String)>,
    /// Whether the last line had no end and could not be read.
    pub(super) torn: bool,
    /// Whether that line may be the beginning of a header.
    pub(super) begun: bool,
}

/// A line that is not an exchange.
#[derive(Debug)]
pub(super) struct Other {
    /// Which line of its block, from 1.
    pub(super) line: usize,
    /// Exchanges before it in its block.
    pub(super) after: usize,
    pub(super) said: Line,
}

/// How the writer begins the line of an exchange. Reading the tag first would make serde keep a copy of all the rest.
pub(super) const EXCHANGE: &str = r#"{"line":"exchange","#;

/// About so many bytes are parsed at a time: some hundred lines, so that handing them over costs little, and few enough for all
/// blocks under way to stay in the processors' caches.
const BLOCK: u64 = 1 << 18;

/// An input of up to so many bytes is parsed where it is read, in less than 50 ms: blocks that go round would take more memory than
/// the probe itself did, whose own is free for what is read.
const SHORT: u64 = 1 << 23;

/// What is parsed at a time then.
const SHORT_BLOCK: u64 = 1 << 15;

/// Parses all of an input of about so many bytes (0 if nobody knows), and passes on its blocks in their order, until `take` fails. The
/// outer error is the input's.
pub(super) fn parse_all<E>(
    mut input: impl BufRead,
    bytes: u64,
    mut take: impl FnMut(&mut Block) -> Result<(), E>,
) -> std::io::Result<Result<(), E>> {
    let mut first = Block::default();
    if (1..=SHORT).contains(&bytes) {
        let mut texts = Texts::default();
        loop {
            first.fill(&mut input, SHORT_BLOCK)?;
            if first.bytes() == 0 {
                return Ok(Ok(()));
            }
            first.parse(&mut texts);
            if let Err(error) = take(&mut first) {
                return Ok(Err(error));
            }
        }
    }
    first.fill(&mut input, BLOCK)?;
    if (first.bytes() as u64) < BLOCK {
        first.parse(&mut Texts::default());
        return Ok(take(&mut first));
    }
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let (give, blocks) = sync_channel::<(usize, Block)>(workers);
    let (tell, results) = channel::<(usize, Block)>();
    let blocks = Mutex::new(blocks);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (blocks, tell) = (&blocks, tell.clone());
            scope.spawn(move || {
                let mut texts = Texts::default();
                while let Some((index, mut block)) = receive(blocks) {
                    block.parse(&mut texts);
                    // Nobody listens any more: the input could not be read.
                    if tell.send((index, block)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(tell);
        // Blocks that were parsed before an earlier one was.
        let mut waiting: BTreeMap<usize, Block> = BTreeMap::new();
        let mut spare = Vec::new();
        let mut taken = 0;
        let mut pass_on = |index, block, spare: &mut Vec<Block>| {
            waiting.insert(index, block);
            while let Some(mut block) = waiting.remove(&taken) {
                taken += 1;
                take(&mut block)?;
                spare.push(block);
            }
            Ok(())
        };
        let mut block = first;
        let mut given = 0;
        while block.bytes() > 0 {
            // The workers live as long as this end of the channel does.
            let _ = give.send((given, block));
            given += 1;
            for (index, block) in results.try_iter() {
                if let Err(error) = pass_on(index, block, &mut spare) {
                    return Ok(Err(error));
                }
            }
            block = spare.pop().unwrap_or_default();
            block.fill(&mut input, BLOCK)?;
        }
        drop(give);
        Ok(results.into_iter().try_for_each(|(index, block)| pass_on(index, block, &mut spare)))
    })
}

fn receive(blocks: &Mutex<Receiver<(usize, Block)>>) -> Option<(usize, Block)> {
    // A worker that panicked while it waited left the channel as it was.
    blocks.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}

impl Block {
    /// How long its lines are.
    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The line of one of its exchanges, from 1, given which lines are none. For complaints alone: the lines are looked at anew.
    pub(super) fn line_of(&self, exchange: usize, not_exchanges: &[usize]) -> usize {
        let is_exchange =
            |(place, line): &(usize, &[u8])| !line.iter().all(u8::is_ascii_whitespace) && !not_exchanges.contains(&(place + 1));
        self.text.split(|byte| *byte == b'\n').enumerate().filter(is_exchange).nth(exchange).map_or(self.lines, |(place, _)| place + 1)
    }

    /// Reads the next lines in place of those it had: so many bytes, and what is missing of the last line. Empty at the end.
    fn fill(&mut self, input: &mut impl BufRead, bytes: u64) -> std::io::Result<()> {
        let (mut text, mut exchanges) = (std::mem::take(&mut self.text), std::mem::take(&mut self.exchanges));
        text.clear();
        exchanges.clear();
        text.reserve(bytes as usize + 4096);
        input.by_ref().take(bytes).read_to_end(&mut text)?;
        blank_mark(&mut text);
        if !text.is_empty() && !text.ends_with(b"\n") {
            input.read_until(b'\n', &mut text)?;
        }
        *self = Block { text, exchanges, ..Block::default() };
        Ok(())
    }

    /// Parses its lines.
    fn parse(&mut self, texts: &mut Texts) {
        let mut rest = self.text.as_slice();
        let mut ended = false;
        while !rest.is_empty() {
            let (line, after) = rest.split_at(memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1));
            rest = after;
            self.lines += 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            match parse_line(line, texts) {
                Ok(Parsed::Exchange(exchange)) => {
                    if !ended {
                        self.tally.exchange(&exchange);
                    }
                    self.exchanges.push(exchange);
                }
                Ok(Parsed::Other(said)) => {
                    ended |= matches!(said, Line::End(_));
                    if !ended && !matches!(said, Line::Span(_)) {
                        self.tally.other(line);
                    }
                    self.others.push(Other { line: self.lines, after: self.exchanges.len(), said });
                }
                Err(_) if !line.ends_with(b"\n") => {
                    self.torn = true;
                    self.begun = may_be_header(line);
                    break;
                }
                Err(error) => {
                    self.broken = Some((self.lines, why(&error)));
                    break;
                }
            }
            self.first.get_or_insert(self.lines);
        }
    }
}

/// Blanks out a byte order mark, which editors put before a text and JSON does not have.
pub(super) fn blank_mark(text: &mut [u8]) {
    if let Some(mark) = text.get_mut(..3).filter(|mark| *mark == "\u{feff}".as_bytes()) {
        mark.fill(b' ');
    }
}

/// What the parser says of a line, with the column alone: which line it is stands before it.
pub(super) fn why(error: &serde_json::Error) -> String {
    let (said, place) = (error.to_string(), format!(" at line {} column {}", error.line(), error.column()));
    match said.strip_suffix(&place) {
        Some(said) if error.line() == 1 => format!("{said} at column {}", error.column()),
        Some(said) => format!("{said} at its end"),
        None => said,
    }
}

/// Whether a text begins like the line of a header, as far as it goes.
pub(super) fn may_be_header(text: &[u8]) -> bool {
    const HEADER: &[u8] = br#"{"line":"run","#;
    let text: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(HEADER.len()).collect();
    HEADER.starts_with(&text)
}

/// What a line says.
pub(super) enum Parsed {
    Exchange(Exchange),
    Other(Line),
}

/// Parses one line.
pub(super) fn parse_line(line: &[u8], texts: &mut Texts) -> Result<Parsed, serde_json::Error> {
    let parsed = match str::from_utf8(line) {
        Ok(line) if line.starts_with(EXCHANGE) => {
            return serde_json::from_str::<ExchangeLine<'_>>(line).map(|line| Parsed::Exchange(line.keep(texts)));
        }
        Ok(line) => serde_json::from_str(line),
        // Says what is wrong, and where.
        Err(_) => serde_json::from_slice(line),
    };
    parsed.map(|line| match line {
        Line::Exchange(mut exchange) => {
            exchange.share_texts(texts);
            Parsed::Exchange(*exchange)
        }
        other => Parsed::Other(other),
    })
}
