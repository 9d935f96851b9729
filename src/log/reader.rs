//! Reads a log back, whole or cut off.

use std::io::BufRead;

use crate::log::block::{self, Block, Other};
use crate::log::tally::{self, Ends, Tally};
use crate::log::valid::{self, Invalid};
use crate::model::exchange::Exchange;
use crate::model::run::{Journal, Line, NEWEST_LOG_SCHEMA};
use crate::model::span::Inside;
use crate::model::time::Stamp;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file could not be read.
    #[error("cannot read {file}")]
    Io {
        /// The file as the user named it.
        file: String,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line in the middle is not a log line: the file is not a log, or it was edited.
    #[error("{file}:{line}: not a line of a statusgap log: {why}")]
    Line {
        /// The file as the user named it.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the parser said.
        why: String,
    },
    /// A field has a value that no log of this version has.
    #[error("{file}:{line}: {field}: {why}; a log must be as statusgap wrote it: use a fresh copy")]
    Field {
        /// The file as the user named it.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Where the value stands in the line.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// The file holds nothing.
    #[error("{file}: empty: nothing to report")]
    Empty {
        /// The file as the user named it.
        file: String,
    },
    /// The file ends within its header.
    #[error("{file}: cut off before its first line was whole: nothing to report")]
    NoHeader {
        /// The file as the user named it.
        file: String,
    },
    /// The file is something else.
    #[error("{file}: not a log of statusgap: give a log.ndjson or the folder of its run; `statusgap import` makes a log of a recording")]
    NoLog {
        /// The file as the user named it.
        file: String,
    },
    /// The log was written by a later version.
    #[error("{file}: schema {found} is newer than the {NEWEST_LOG_SCHEMA} that this version reads: use a newer statusgap")]
    Schema {
        /// The file as the user named it.
        file: String,
        /// The log's version.
        found: u32,
    },
}

/// Reads a log. A torn last line is dropped and noted; a broken line anywhere else is an error.
///
/// Long logs are parsed on all processors, block by block.
pub fn read(file: &str, input: impl BufRead) -> Result<Journal, LogError> {
    read_sized(file, input, 0)
}

/// [`read`], from an input of about so many bytes: where that is known, a long log takes half the memory for a moment.
pub fn read_sized(file: &str, input: impl BufRead, bytes: u64) -> Result<Journal, LogError> {
    let mut reading = Reading {
        file,
        bytes,
        journal: None,
        lines: 0,
        exchanges: Vec::new(),
        tally: Tally::default(),
        ends: Ends::default(),
        at_end: None,
        begun: false,
    };
    block::parse_all(input, bytes, |block| reading.take(block)).map_err(|source| LogError::Io { file: file.to_owned(), source })??;
    reading.end()
}

/// A log as far as it has been put together.
struct Reading<'a> {
    file: &'a str,
    /// About how long the log is; 0 if nobody knows.
    bytes: u64,
    journal: Option<Journal>,
    /// Lines before the block at hand.
    lines: usize,
    exchanges: Vec<Exchange>,
    tally: Tally,
    ends: Ends,
    /// Exchanges before the first end.
    at_end: Option<usize>,
    /// Whether the log ends within what may be its header.
    begun: bool,
}

impl Reading<'_> {
    fn take(&mut self, block: &mut Block) -> Result<(), LogError> {
        if self.journal.is_none()
            && let Some(first) = block.first
            && !block.others.first().is_some_and(|other| other.line == first && matches!(other.said, Line::Run(_)))
        {
            return Err(self.wrong(first, "the first line must be a run's header"));
        }
        if self.at_end.is_none() {
            self.tally.with(block.tally);
        }
        let not_exchanges: Vec<usize> = block.others.iter().map(|other| other.line).collect();
        for Other { line, after, said } in block.others.drain(..) {
            let is_end = matches!(said, Line::End(_));
            self.ends.after += u64::from(self.at_end.is_some() && !is_end);
            self.ends.ends += u64::from(is_end);
            match (&mut self.journal, said) {
                (None, Line::Run(run)) => {
                    if run.schema > NEWEST_LOG_SCHEMA {
                        return Err(LogError::Schema { file: self.file.to_owned(), found: run.schema });
                    }
                    valid::header(&run).map_err(|wrong| self.invalid(line, wrong))?;
                    let scenarios = run.scenarios.clone();
                    self.journal = Some(Journal {
                        run: *run,
                        scenarios,
                        exchanges: Vec::new(),
                        stopped: Vec::new(),
                        not_asked: Vec::new(),
                        inside: Inside::default(),
                        end: None,
                        torn: false,
                    });
                }
                (Some(journal), Line::Scenario(scenario)) => {
                    if let Err(wrong) = valid::scenario(&scenario, "") {
                        return Err(self.invalid(line, wrong));
                    }
                    if self.at_end.is_none() {
                        self.tally.scenario(&scenario, journal.scenarios.len());
                    }
                    journal.scenarios.push(*scenario);
                }
                (Some(journal), Line::Stopped(stopped)) => {
                    if let Err(wrong) = valid::stopped(stopped, &journal.scenarios) {
                        return Err(self.invalid(line, wrong));
                    }
                    if self.at_end.is_none() {
                        self.tally.stopped(stopped);
                    }
                    journal.stopped.push(stopped);
                }
                (Some(journal), Line::NotAsked(not_asked)) => {
                    if self.at_end.is_none() {
                        self.tally.not_asked(&not_asked);
                    }
                    journal.not_asked.push(not_asked);
                }
                (Some(journal), Line::Span(span)) => {
                    if self.at_end.is_none() {
                        self.tally.span(&span);
                    }
                    journal.inside.spans.push(*span);
                }
                (Some(journal), Line::SpanIntake(intake)) => {
                    journal.inside.intake = Some(journal.inside.intake.unwrap_or_default().and(intake));
                }
                // The first one: whatever follows is not what it counts.
                (Some(journal), Line::End(end)) => {
                    journal.end.get_or_insert(end);
                    self.at_end.get_or_insert(self.exchanges.len() + after);
                }
                (Some(_), Line::Run(_)) => {
                    return Err(self.wrong(line, "a second header; use `statusgap merge` to put several logs together"));
                }
                // Exchanges are not among the others, and without a header nothing came this far.
                (_, Line::Exchange(_)) | (None, _) => {}
            }
        }
        if self.journal.is_none() && (block.broken.is_some() || block.torn && !block.begun) {
            return Err(LogError::NoLog { file: self.file.to_owned() });
        }
        if let Some((line, why)) = &block.broken {
            return Err(self.wrong(*line, why));
        }
        if let Some(journal) = &mut self.journal {
            journal.torn |= block.torn;
        }
        if let Some(journal) = &self.journal {
            let is_defined = |one: &Exchange| {
                journal.scenarios.get(one.scenario as usize).is_some_and(|scenario| (one.arm as usize) < scenario.arms.len())
            };
            if let Some(place) = block.exchanges.iter().position(|one| !is_defined(one)) {
                let Exchange { scenario, arm, .. } = block.exchanges[place];
                let why = format!("an exchange names scenario {scenario} arm {arm}, which the log does not define");
                return Err(self.wrong(block.line_of(place, &not_exchanges), &why));
            }
        }
        self.begun |= block.begun;
        self.lines += block.lines;
        if self.exchanges.is_empty() {
            // Room for all, and some more, from how many the first block has: a vector that grows needs its memory twice for a
            // moment, and room that is not used costs nothing.
            let blocks = self.bytes as f64 / block.bytes().max(1) as f64;
            self.exchanges.reserve((block.exchanges.len() as f64 * blocks * 1.1) as usize);
        }
        self.exchanges.append(&mut block.exchanges);
        Ok(())
    }

    fn end(self) -> Result<Journal, LogError> {
        let Some(mut journal) = self.journal else {
            let file = self.file.to_owned();
            return Err(if self.begun { LogError::NoHeader { file } } else { LogError::Empty { file } });
        };
        journal.exchanges = self.exchanges;
        in_order(&mut journal.exchanges);
        journal.inside.spans.sort_by_key(|span| (span.start, span.end, span.trace, span.span));
        if let (Some(end), Some(at_end)) = (&mut journal.end, self.at_end) {
            let torn = u64::from(journal.torn);
            let ends = Ends { after: self.ends.after + (journal.exchanges.len() - at_end) as u64 + torn, ..self.ends };
            let found = tally::flaws_of(end, &self.tally, ends);
            let among = tally::flaws_among(&journal.run, end, &journal.exchanges);
            end.flaws.extend(tally::said_of(None, found).chain(tally::said_of(None, among)));
        }
        Ok(journal)
    }

    fn invalid(&self, line: usize, wrong: Invalid) -> LogError {
        LogError::Field { file: self.file.to_owned(), line: self.lines + line, field: wrong.field, why: wrong.why }
    }

    /// A complaint about a line of the block at hand, counted from 1.
    fn wrong(&self, line: usize, why: &str) -> LogError {
        LogError::Line { file: self.file.to_owned(), line: self.lines + line, why: why.to_owned() }
    }
}

/// Puts exchanges into the order in which they were sent. Lines are written as exchanges end; everything after wants them as
/// they began.
///
/// Sorts their places and then moves each exchange once: a million of them are too large to be shifted about by a sort.
pub fn in_order(exchanges: &mut [Exchange]) {
    if exchanges.is_sorted_by(|a, b| in_time(a, b).is_le()) {
        return;
    }
    let mut places: Vec<(Stamp, usize)> = exchanges.iter().enumerate().map(|(place, exchange)| (exchange.sent, place)).collect();
    // The place decides last, so equal exchanges stay as they were.
    places.sort_unstable_by(|(sent, a), (other, b)| {
        sent.cmp(other).then_with(|| in_time(&exchanges[*a], &exchanges[*b])).then_with(|| a.cmp(b))
    });
    let mut to = vec![0; places.len()];
    for (new, (_, old)) in places.into_iter().enumerate() {
        to[old] = new;
    }
    for at in 0..to.len() {
        while to[at] != at {
            let home = to[at];
            exchanges.swap(at, home);
            to.swap(at, home);
        }
    }
}

fn in_time(a: &Exchange, b: &Exchange) -> std::cmp::Ordering {
    let rest = |exchange: &Exchange| (exchange.done, exchange.scenario, exchange.scan.get(), exchange.kind, exchange.poller);
    a.sent.cmp(&b.sent).then_with(|| rest(a).cmp(&rest(b)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::log::LogWriter;
    use crate::model::run::EndReason;

    /// A log of so many polls that it is several blocks long, as lines.
    fn long() -> Vec<String> {
        let header = r#"{"line":"run","schema":1,"tool":"t","run_id":"r","started":"2026-01-01T00:00:00Z","seed":1,"target":{"name":"t","base_url":"http://127.0.0.1:1","file":"","can":{"foreign_user":false,"witness":false,"results":false,"cancel":false,"echo":false,"states":false,"handed_out":false}},"scenarios":[],"clock":{"timer":"virtual","resolution":1},"command":"c","environment":{"system":"s","processors":1}}"#;
        let scenario = crate::model::scenario::Scenario::read(crate::model::source::Source {
            file: "x.toml",
            text: "name = 'x'\ntitle = 't'\nsource = 's'\n[polls]\noffsets = ['1s']",
        })
        .expect("a right scenario");
        let scenario = serde_json::to_string(&Line::Scenario(Box::new(scenario))).expect("plain data");
        let poll = |n: usize| {
            // Written as they ended: later ones first.
            let sent = 1_000_000 - n;
            let pad = "x".repeat(600);
            format!(
                r#"{{"line":"exchange","scenario":0,"scan":{n},"kind":"poll","purpose":"offset","connection":"fresh","planned":{sent},"sent":{sent},"done":{sent},"answer":"visible","worker":"1","body":"{pad}"}}"#
            )
        };
        let mut lines = vec![header.to_owned(), scenario];
        lines.extend((0..10_000).map(poll));
        lines.push(r#"{"line":"end","at":9,"reason":"complete","exchanges":10000}"#.to_owned());
        lines
    }

    fn read_lines(lines: &[String]) -> Result<Journal, LogError> {
        let text = lines.join("\n") + "\n";
        read("x.ndjson", text.as_bytes())
    }

    #[test]
    fn a_log_of_many_blocks_is_read_whole_and_in_the_order_of_sending() {
        let journal = read_lines(&long()).expect("a log");
        assert_eq!(journal.exchanges.len(), 10_000);
        assert!(journal.exchanges.is_sorted_by_key(|exchange| exchange.sent));
        assert!(journal.is_complete() && !journal.torn);
    }

    #[test]
    fn a_broken_line_is_named_by_its_number_wherever_it_is() {
        for at in [2, 5_000, 10_001] {
            let mut lines = long();
            lines[at] = r#"{"line":"exchange","scenario":"none"}"#.to_owned();
            lines.insert(1, String::new());
            let error = read_lines(&lines).expect_err("a broken line").to_string();
            assert!(error.starts_with(&format!("x.ndjson:{}: ", at + 2)), "{error}");
        }
    }

    #[test]
    fn a_torn_last_line_of_a_long_log_is_dropped_and_said() {
        let lines = long();
        let text = lines[..lines.len() - 1].join("\n");
        let journal = read("x.ndjson", &text.as_bytes()[..text.len() - 20]).expect("a log");
        assert_eq!((journal.exchanges.len(), journal.torn, journal.end), (9_999, true, None));
    }

    #[test]
    fn a_log_begins_with_a_header_and_has_only_one() {
        let lines = long();
        let error = read_lines(&lines[1..]).expect_err("no header").to_string();
        assert!(error.contains("x.ndjson:1: ") && error.contains("header"), "{error}");
        let mut twice = lines.clone();
        twice[6_000].clone_from(&lines[0]);
        let error = read_lines(&twice).expect_err("two headers").to_string();
        assert!(error.contains("x.ndjson:6001: ") && error.contains("merge"), "{error}");
        assert!(matches!(read("x.ndjson", &b""[..]), Err(LogError::Empty { .. })));
    }

    /// A log of one exchange, as it is written.
    fn written() -> String {
        let journal = read_lines(&long()).expect("a log");
        let out = Arc::new(Mutex::new(Vec::new()));
        let writer = LogWriter::begin(Box::new(Shared(out.clone())), &journal.run).expect("a header");
        writer.scenario(&journal.scenarios[0]).expect("a scenario");
        writer.exchange(&journal.exchanges[0]).expect("an exchange");
        writer.stopped(crate::model::run::Stopped { scenario: 0, at: Stamp(5), begun: 1 }).expect("a stop");
        writer.end(Stamp(1), EndReason::Complete).expect("an end");
        String::from_utf8(out.lock().expect("no writer panics").clone()).expect("text")
    }

    fn flaws(text: &str) -> Vec<crate::model::run::FlawKind> {
        let end = read("x.ndjson", text.as_bytes()).expect("a log").end.expect("an end");
        end.flaws.into_iter().map(|flaw| flaw.kind).filter(|kind| !matches!(kind, crate::model::run::FlawKind::NoInitiate { .. })).collect()
    }

    #[test]
    fn a_line_that_was_edited_shows_also_where_it_is_no_exchange() {
        use crate::model::run::FlawKind;
        let text = written();
        assert_eq!(flaws(&text), []);
        for (old, new) in [
            (r#""name":"t","base_url""#, r#""name":"u","base_url""#),
            (r#""foreign_user":false"#, r#""foreign_user":true"#),
            (r#""title":"t""#, r#""title":"u""#),
            (r#""begun":1"#, r#""begun":2"#),
        ] {
            let edited = text.replacen(old, new, 1);
            assert_ne!(edited, text, "{old}");
            assert_eq!(flaws(&edited), [FlawKind::Lines], "{old}");
        }
        let laid_out_anew = text.replace("\":", "\" : ").replace(",\"", ", \"");
        assert_eq!(flaws(&laid_out_anew), [], "{laid_out_anew}");
    }

    #[test]
    fn a_log_of_an_earlier_version_has_a_sum_over_fewer_lines() {
        let text = written();
        let from = text.rfind(r#","others":""#).expect("a sum over the other lines");
        let to = from + r#","others":"#.len() + text[from + r#","others":"#.len() + 1..].find('"').expect("its end") + 2;
        let older = format!("{}{}", &text[..from], &text[to..]);
        assert_eq!(flaws(&older), []);
        assert_eq!(flaws(&older.replacen(r#""name":"t","base_url""#, r#""name":"u","base_url""#, 1)), []);
    }

    #[test]
    fn what_is_no_log_is_told_from_an_empty_one() {
        for (bytes, expected) in [
            (&b""[..], "empty"),
            (b"\n\n", "empty"),
            (br#"{"line":"run","schema":1,"to"#, "cut off"),
            (br#"{"log":{"version":"1.2","entries":[]}}"#, "not a log of statusgap"),
            (b"\x7fELF\x02\x01\x01\x00\xff\xfe", "not a log of statusgap"),
            (b"{\n  \"log\": {}\n}\n", "not a log of statusgap"),
        ] {
            let error = read("x.ndjson", bytes).expect_err("no log").to_string();
            assert!(error.contains(expected), "{bytes:?}: {error}");
            assert!(expected == "empty" || !error.contains("empty"), "{bytes:?}: {error}");
        }
    }

    #[test]
    fn a_log_with_a_byte_order_mark_is_read() {
        let mut text = "\u{feff}".to_owned();
        text += &written();
        assert_eq!(flaws(&text), []);
    }

    #[test]
    fn a_broken_line_has_one_number() {
        let mut lines = long();
        lines[5] = lines[5].replace(r#""kind":"poll""#, r#""kind":}"#);
        lines[5].push(' ');
        let error = read_lines(&lines).expect_err("a broken line").to_string();
        assert!(error.starts_with("x.ndjson:6: ") && !error.contains("at line"), "{error}");
        assert!(error.contains("column"), "{error}");
    }

    /// Bytes that outlive the writer they were given to.
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no writer panics").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_written_begins_as_the_reader_expects() {
        let journal = read_lines(&long()).expect("a log");
        let out = Arc::new(Mutex::new(Vec::new()));
        let writer = LogWriter::begin(Box::new(Shared(out.clone())), &journal.run).expect("a header");
        writer.exchange(&journal.exchanges[0]).expect("an exchange");
        writer.end(Stamp(1), EndReason::Complete).expect("an end");
        let text = String::from_utf8(out.lock().expect("no writer panics").clone()).expect("text");
        let second = text.lines().nth(1).expect("an exchange");
        assert!(second.starts_with(block::EXCHANGE), "the quick way is not taken: {second}");
    }
}
