//! Puts the logs of one run's shards together into one log.
//!
//! Streams: of each log one line is held at a time, and the earliest goes out. Nothing of an exchange is changed but its stamps,
//! which move by one constant a shard, so that everything within a scan, which lives on one shard, stays what it was.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{BufRead, Write};

use crate::log::block::{self, Parsed};
use crate::log::tally::{self, Ends, Tally};
use crate::log::valid::{self, Invalid};
use crate::log::{LogError, LogWriter, WriteError};
use crate::model::contact::Contact;
use crate::model::exchange::Exchange;
use crate::model::run::{End, EndReason, Flaw, Line, NEWEST_LOG_SCHEMA, Run, Stopped};
use crate::model::shard::{Merged, Numbering, Part, Shard, Share};
use crate::model::span::{Inside, Span};
use crate::model::text::Texts;
use crate::model::time::{Nanos, Stamp};

/// Why logs cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// One of them cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The merged log cannot be written.
    #[error("cannot write the merged log")]
    Write(#[from] WriteError),
    /// A log does not belong to a shard.
    #[error("{file}: {what}, and only the shards of one run can be merged: run them with --shard")]
    NoShard {
        /// The file as the user named it.
        file: String,
        /// What it is instead.
        what: &'static str,
    },
    /// A log belongs to another run.
    #[error("{file} and {first} are of different runs: {what}")]
    OtherPlan {
        /// The file as the user named it.
        file: String,
        /// The log that it was compared with.
        first: String,
        /// What differs.
        what: String,
    },
    /// A shard was given twice.
    #[error("{file} and {first} are both shard {shard}: leave out the one that is not meant")]
    Twice {
        /// The file as the user named it.
        file: String,
        /// The other one.
        first: String,
        /// Which shard, from 1.
        shard: u32,
    },
    /// The wall clock of a log's header is not a time.
    #[error("{file}: the run's start `{started}` is not a time in RFC 3339")]
    NoTime {
        /// The file as the user named it.
        file: String,
        /// What it says.
        started: String,
    },
}

/// What was put together.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// The merged log's header.
    pub run: Run,
    /// Exchanges in all.
    pub exchanges: u64,
    /// The files whose log has no end, because the shard was killed.
    pub cut_off: Vec<String>,
}

/// The logs of shards of one run, ready to be merged.
pub struct Shards<R>(Vec<Input<R>>);

/// Reads the headers of logs, each given with its name, and makes sure that they are shards of one run. `nanos` reads a wall clock
/// in RFC 3339 as nanoseconds since 1970.
pub fn open_shards<R: BufRead>(
    logs: impl IntoIterator<Item = (String, R)>,
    nanos: &dyn Fn(&str) -> Option<i64>,
) -> Result<Shards<R>, MergeError> {
    let mut inputs: Vec<Input<R>> = logs.into_iter().map(|(file, lines)| Input::open(file, lines, nanos)).collect::<Result<_, _>>()?;
    inputs.sort_by_key(|input| input.shard.index);
    for pair in inputs.windows(2) {
        let (first, other) = (&pair[0], &pair[1]);
        if let Some(what) = difference(&first.run, &other.run, first.shard, other.shard) {
            return Err(MergeError::OtherPlan { file: other.file.clone(), first: first.file.clone(), what });
        }
        if first.shard.index == other.shard.index {
            return Err(MergeError::Twice { file: other.file.clone(), first: first.file.clone(), shard: other.shard.index + 1 });
        }
    }
    let Some(origin) = inputs.iter().map(|input| input.started).min() else {
        return Err(LogError::Empty { file: "(no log)".to_owned() }.into());
    };
    for input in &mut inputs {
        input.shift = (input.started - origin) as u64;
    }
    Ok(Shards(inputs))
}

impl<R: BufRead> Shards<R> {
    /// Writes all of them into one log. It has an end only if all shards have theirs; it is complete if all of them are.
    pub fn merge(self, out: Box<dyn Write + Send>) -> Result<Summary, MergeError> {
        let Shards(mut inputs) = self;
        let run = header(&inputs);
        let numbering = Numbering::of(&run.scenarios);
        let log = LogWriter::begin_patiently(out, &run)?;
        let mut heads: BTreeMap<usize, Exchange> = BTreeMap::new();
        let mut order: BinaryHeap<Reverse<(Stamp, usize)>> = BinaryHeap::new();
        for index in 0..inputs.len() {
            advance(&mut inputs, index, &numbering, &mut heads, &mut order)?;
        }
        let mut exchanges = 0;
        let mut last = Stamp::default();
        while let Some(Reverse((_, index))) = order.pop() {
            let Some(exchange) = heads.remove(&index) else { continue };
            log.exchange(&exchange)?;
            exchanges += 1;
            last = last.max(exchange.done);
            advance(&mut inputs, index, &numbering, &mut heads, &mut order)?;
        }
        for stopped in inputs.iter().flat_map(|input| &input.stopped) {
            log.stopped(*stopped)?;
        }
        for input in &inputs {
            input.inside.spans.iter().try_for_each(|span| log.span(span))?;
            input.inside.intake.map_or(Ok(()), |intake| log.span_intake(intake))?;
        }
        let cut_off: Vec<String> = inputs.iter().filter(|input| input.end.is_none()).map(|input| input.file.clone()).collect();
        if cut_off.is_empty() {
            let ended = inputs.iter().filter_map(|input| Some(input.shifted(input.end.as_ref()?.at)));
            let flaws = inputs.iter().flat_map(Input::flaws).collect();
            log.end_with(ended.max().unwrap_or_default().max(last), worst(&inputs), flaws)?;
        } else {
            log.flush()?;
        }
        Ok(Summary { run, exchanges, cut_off })
    }
}

/// Takes the next exchange of a log to where the earliest is chosen.
fn advance<R: BufRead>(
    inputs: &mut [Input<R>],
    index: usize,
    numbering: &Numbering,
    heads: &mut BTreeMap<usize, Exchange>,
    order: &mut BinaryHeap<Reverse<(Stamp, usize)>>,
) -> Result<(), LogError> {
    if let Some(exchange) = inputs[index].next(numbering)? {
        // Lines stand in the order in which exchanges ended.
        order.push(Reverse((exchange.done, index)));
        heads.insert(index, exchange);
    }
    Ok(())
}

/// One log that is being read.
struct Input<R> {
    file: String,
    lines: R,
    number: usize,
    text: Vec<u8>,
    texts: Texts,
    run: Run,
    shard: Shard,
    /// Its wall clock at stamp zero, in ns since 1970.
    started: i64,
    /// What is added to its stamps, in ns.
    shift: u64,
    stopped: Vec<Stopped>,
    /// Its spans, moved to the common clock: they are bounded in number, and no run's order depends on them.
    inside: Inside,
    end: Option<End>,
    tally: Tally,
    ends: Ends,
}

impl<R: BufRead> Input<R> {
    fn open(file: String, mut lines: R, nanos: &dyn Fn(&str) -> Option<i64>) -> Result<Input<R>, MergeError> {
        let (mut number, mut text, mut texts) = (0, Vec::new(), Texts::default());
        let line = next_line(&file, &mut lines, &mut number, &mut text, &mut texts)?;
        let Next::Line(Parsed::Other(Line::Run(run))) = line else {
            return Err(match line {
                Next::End => LogError::Empty { file },
                Next::Torn if block::may_be_header(&text) => LogError::NoHeader { file },
                Next::Torn => LogError::NoLog { file },
                Next::Line(_) => LogError::Line { file, line: number, why: "the first line must be a run's header".to_owned() },
            }
            .into());
        };
        if run.schema > NEWEST_LOG_SCHEMA {
            return Err(LogError::Schema { file, found: run.schema }.into());
        }
        if let Err(Invalid { field, why }) = valid::header(&run) {
            return Err(LogError::Field { file, line: number, field, why }.into());
        }
        let shard = match &run.shard {
            Some(Share::Shard(shard)) => *shard,
            Some(Share::Merged(_)) => return Err(MergeError::NoShard { file, what: "the log was merged before" }),
            None => return Err(MergeError::NoShard { file, what: "the log is of a whole run" }),
        };
        let mut tally = Tally::default();
        tally.other(&text);
        let Some(started) = nanos(&run.started) else { return Err(MergeError::NoTime { file, started: run.started.clone() }) };
        Ok(Input {
            file,
            lines,
            number,
            text,
            texts,
            run: *run,
            shard,
            started,
            shift: 0,
            stopped: Vec::new(),
            inside: Inside::default(),
            end: None,
            tally,
            ends: Ends::default(),
        })
    }

    /// The next exchange, moved to the common clock; `None` at the end.
    fn next(&mut self, numbering: &Numbering) -> Result<Option<Exchange>, LogError> {
        loop {
            let line = match next_line(&self.file, &mut self.lines, &mut self.number, &mut self.text, &mut self.texts)? {
                Next::Line(line) => line,
                Next::Torn => {
                    self.ends.after += u64::from(self.end.is_some());
                    return Ok(None);
                }
                Next::End => return Ok(None),
            };
            if !matches!(line, Parsed::Other(Line::End(_))) {
                self.ends.after += u64::from(self.end.is_some());
            }
            let why = match line {
                Parsed::Exchange(exchange) if !self.defines(&exchange) => {
                    "an exchange of a scenario or an arm that the header does not define"
                }
                Parsed::Exchange(exchange) if self.shard.may_hold(&exchange, numbering) => {
                    if self.end.is_none() {
                        self.tally.exchange(&exchange);
                    }
                    return Ok(Some(self.moved(exchange)));
                }
                Parsed::Exchange(_) | Parsed::Other(Line::Exchange(_)) => "an exchange of a scan that belongs to another shard",
                Parsed::Other(Line::End(end)) => {
                    self.ends.ends += 1;
                    self.end.get_or_insert(end);
                    continue;
                }
                Parsed::Other(Line::Stopped(stopped)) => {
                    if let Err(Invalid { field, why }) = valid::stopped(stopped, &self.run.scenarios) {
                        return Err(LogError::Field { file: self.file.clone(), line: self.number, field, why });
                    }
                    if self.end.is_none() {
                        self.tally.stopped(stopped);
                        self.tally.other(&self.text);
                    }
                    self.stopped.push(Stopped { at: self.shifted(stopped.at), ..stopped });
                    continue;
                }
                Parsed::Other(Line::Span(span)) => {
                    if self.end.is_none() {
                        self.tally.span(&span);
                    }
                    let moved = |at: Nanos| Nanos(at.0.saturating_add_unsigned(self.shift));
                    self.inside.spans.push(Span { start: moved(span.start), end: moved(span.end), ..*span });
                    continue;
                }
                Parsed::Other(Line::SpanIntake(intake)) => {
                    if self.end.is_none() {
                        self.tally.other(&self.text);
                    }
                    self.inside.intake = Some(self.inside.intake.unwrap_or_default().and(intake));
                    continue;
                }
                Parsed::Other(Line::Scenario(_)) => "a scenario that was decided on during the run, which shards do not do",
                Parsed::Other(Line::NotAsked(_)) => "a scenario that an investigation left out, which shards do not do",
                Parsed::Other(Line::Run(_)) => "a second header",
            };
            return Err(LogError::Line { file: self.file.clone(), line: self.number, why: why.to_owned() });
        }
    }

    fn defines(&self, exchange: &Exchange) -> bool {
        self.run.scenarios.get(exchange.scenario as usize).is_some_and(|scenario| (exchange.arm as usize) < scenario.arms.len())
    }

    /// What is wrong with the lines of this log, which the end of the merged one has to say: its own count is that of what was read.
    /// Repeated exchanges and missing initiates show in the merged log as they did here.
    fn flaws(&self) -> Vec<Flaw> {
        let Some(end) = &self.end else { return Vec::new() };
        let known = end.flaws.iter().map(|flaw| flaw.kind);
        tally::said_of(Some(self.shard.index), known.chain(tally::flaws_of(end, &self.tally, self.ends)).collect()).collect()
    }

    fn moved(&self, mut exchange: Exchange) -> Exchange {
        for stamp in [&mut exchange.planned, &mut exchange.sent, &mut exchange.done].into_iter().chain(exchange.first_byte.get_mut()) {
            *stamp = self.shifted(*stamp);
        }
        exchange
    }

    fn shifted(&self, stamp: Stamp) -> Stamp {
        Stamp(stamp.0.saturating_add(self.shift))
    }
}

/// What comes next in a log.
enum Next {
    Line(Parsed),
    /// A last line that is not whole.
    Torn,
    End,
}

/// The next line that is not blank. A torn last line ends the log.
fn next_line(file: &str, lines: &mut impl BufRead, number: &mut usize, text: &mut Vec<u8>, texts: &mut Texts) -> Result<Next, LogError> {
    loop {
        text.clear();
        let length = lines.read_until(b'\n', text).map_err(|source| LogError::Io { file: file.to_owned(), source })?;
        if length == 0 {
            return Ok(Next::End);
        }
        *number += 1;
        if *number == 1 {
            block::blank_mark(text);
        }
        if text.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        return match block::parse_line(text, texts) {
            Ok(line) => Ok(Next::Line(line)),
            Err(_) if !text.ends_with(b"\n") => Ok(Next::Torn),
            Err(error) => Err(LogError::Line { file: file.to_owned(), line: *number, why: block::why(&error) }),
        };
    }
}

/// In what two shards' runs differ, in words; `None` if they are of one plan.
fn difference(a: &Run, b: &Run, of_a: Shard, of_b: Shard) -> Option<String> {
    if of_a.of != of_b.of {
        return Some(format!("one is of {} shards, the other of {}", of_a.of, of_b.of));
    }
    if a.seed != b.seed {
        return Some(format!("their seeds are {} and {}", a.seed, b.seed));
    }
    let names = |run: &Run| run.scenarios.iter().map(|scenario| scenario.name.clone()).collect::<Vec<_>>();
    let (scenarios_a, scenarios_b) = (names(a), names(b));
    if scenarios_a != scenarios_b {
        return Some(format!("their scenarios are {} and {}", scenarios_a.join(", "), scenarios_b.join(", ")));
    }
    if let Some((other, _)) = a.scenarios.iter().zip(&b.scenarios).find(|(one, other)| one != other) {
        return Some(format!("scenario {} is not the same in both", other.name));
    }
    // A service that each shard started for itself has a port of its own.
    if (a.target.service.is_none() || b.target.service.is_none()) && a.target.base_url != b.target.base_url {
        return Some(format!("their targets are {} and {}", a.target.base_url, b.target.base_url));
    }
    if a.target.service != b.target.service {
        let told = |run: &Run| run.target.service.clone().unwrap_or_else(|| "a deployment".to_owned());
        return Some(format!("their targets are {} and {}", told(a), told(b)));
    }
    if a.target.service.is_none() && a.target.file != b.target.file {
        return Some("their target files are not the same".to_owned());
    }
    if a.tool != b.tool {
        return Some(format!("they were written by {} and {}", a.tool, b.tool));
    }
    (of_a.plan != of_b.plan).then(|| format!("their plans are {} and {}", of_a.plan, of_b.plan))
}

/// The header of the merged log: that of the first shard, but for what concerns one shard only.
fn header<R>(inputs: &[Input<R>]) -> Run {
    let parts = inputs.iter().map(|input| Part {
        index: input.shard.index,
        run_id: input.run.run_id.clone(),
        started: input.run.started.clone(),
        shift: Nanos(input.shift as i64),
    });
    // There is at least one, or there was no origin of time.
    let (first, Shard { index, of, plan }) = (&inputs[0].run, inputs[0].shard);
    let started = inputs.iter().min_by_key(|input| input.started).map_or(&first.started, |input| &input.run.started);
    Run {
        schema: inputs.iter().map(|input| input.run.schema).max().unwrap_or(first.schema),
        run_id: format!("merged-{plan}"),
        started: started.clone(),
        command: first.command.replace(&format!(" --shard {}/{of}", index + 1), ""),
        shard: Some(Share::Merged(Merged { of, plan, parts: parts.collect() })),
        contact: contacts(inputs),
        ..first.clone()
    }
}

/// The shards' first contacts as one: a shard that could not begin leaves the run without its scans.
fn contacts<R>(inputs: &[Input<R>]) -> Option<Contact> {
    inputs.iter().filter_map(|input| input.run.contact.as_ref()).fold(None, |whole: Option<Contact>, one| {
        let Some(mut whole) = whole else { return Some(one.clone()) };
        whole.exchanges.extend(one.exchanges.iter().cloned());
        for note in &one.notes {
            if !whole.notes.contains(note) {
                whole.notes.push(note.clone());
            }
        }
        whole.problem = whole.problem.or_else(|| one.problem.clone());
        whole.unrouted = whole.unrouted.or_else(|| one.unrouted.clone());
        Some(whole)
    })
}

/// The weightiest of the ends: a run is complete if all its shards are.
fn worst<R>(inputs: &[Input<R>]) -> EndReason {
    let weight = |reason: &EndReason| match reason {
        EndReason::Complete => 0,
        EndReason::Budget => 1,
        EndReason::Interrupted => 2,
        EndReason::TargetGone | EndReason::Throttled { .. } => 3,
    };
    inputs.iter().filter_map(|input| Some(input.end.as_ref()?.reason)).max_by_key(weight).unwrap_or(EndReason::Complete)
}
