//! Scans out of single requests: by the id that was handed out, by the order of one client's requests, or by the id alone.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use super::Options;
use super::assemble::Seen;
use crate::model::answer::{Answer, TransportFault};
use crate::model::compact::CompactOption;
use crate::model::exchange::{Exchange, Kind, Purpose};
use crate::model::guarantee::Guarantee;
use crate::model::scenario::{Arm, Controls, Each, Expect, Follow, Input, Load, LoadModel, Readings, Scenario, Stop, Tolerance, Until};
use crate::model::text::Text;
use crate::model::time::{Nanos, Span, Stamp};

/// Scans, and what could not become part of one.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    scans: Vec<Scan>,
    pub(super) paired: u64,
    pub(super) inferred: u64,
    pub(super) denied_only: u64,
    pub(super) unmatched: u64,
    pub(super) other_users: u64,
}

/// One scan as a recording has it.
#[derive(Debug)]
struct Scan {
    id: Option<String>,
    /// `None`: not in the recording, or nobody can tell which it was.
    initiate: Option<Seen>,
    /// Whether the recording itself says that this id was handed out.
    handed_out: bool,
    about: Vec<Seen>,
}

/// Sorts requests into scans.
pub(super) fn sort(mut seen: Vec<Seen>) -> Sorted {
    seen.sort_by_key(|seen| (seen.from, seen.done));
    let mut sorted = Sorted::default();
    let mut scan_of: BTreeMap<String, usize> = BTreeMap::new();
    let mut rest = Vec::new();
    // What was handed out comes first: a coarse stamp may place a poll before the initiate that it followed.
    for mut seen in seen {
        match (seen.kind, seen.reading.answer, seen.id.clone()) {
            (Kind::Initiate, Answer::Accepted, Some(id)) => {
                if let Some(scan) = scan_of.get(&id) {
                    // The same id again is the same scan, asked for a second time.
                    seen.kind = Kind::Repeat;
                    sorted.scans[*scan].about.push(seen);
                } else {
                    scan_of.insert(id.clone(), sorted.scans.len());
                    sorted.scans.push(Scan { id: Some(id), initiate: Some(seen), handed_out: true, about: Vec::new() });
                }
            }
            (Kind::Initiate, Answer::Accepted, None) => rest.push(seen),
            (Kind::Initiate, ..) => {
                sorted.scans.push(Scan { id: None, initiate: Some(seen), handed_out: true, about: Vec::new() });
            }
            _ => rest.push(seen),
        }
    }
    let mut waiting: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    for seen in rest {
        let Some(id) = seen.id.clone() else {
            match seen.client.clone() {
                Some(client) => waiting.entry(client).or_default().push(seen),
                None => sorted.unmatched += 1,
            }
            continue;
        };
        let scan = match scan_of.get(&id) {
            Some(scan) => *scan,
            // Other endpoints' readings of an unknown id may be about anything.
            None if seen.kind != Kind::Poll => continue,
            None => {
                // Two initiates that wait for their id cannot be told apart by order, and neither can those before them.
                // Without a client there is no order to go by.
                let mut candidates = seen.client.as_ref().and_then(|client| waiting.remove(client)).unwrap_or_default();
                sorted.unmatched += if candidates.len() > 1 { candidates.len() as u64 } else { 0 };
                let initiate = if candidates.len() == 1 { candidates.pop() } else { None };
                scan_of.insert(id.clone(), sorted.scans.len());
                sorted.scans.push(Scan { id: Some(id), initiate, handed_out: false, about: Vec::new() });
                sorted.scans.len() - 1
            }
        };
        sorted.scans[scan].about.push(seen);
    }
    sorted.unmatched += waiting.values().map(|waiting| waiting.len() as u64).sum::<u64>();
    sorted.leave_out_strangers();
    sorted.leave_out_unproven();
    sorted.scans.sort_by_key(Scan::begins);
    sorted
}

impl Sorted {
    /// What another user is denied is not a broken promise, and what one is shown may be right.
    fn leave_out_strangers(&mut self) {
        for scan in &mut self.scans {
            let by_initiate = scan.initiate.as_ref().and_then(|initiate| initiate.user.clone());
            let by_sight = || scan.about.iter().find(|seen| seen.is_visible_poll()).and_then(|seen| seen.user.clone());
            let Some(owner) = by_initiate.or_else(by_sight) else { continue };
            let before = scan.about.len();
            scan.about.retain(|seen| seen.kind != Kind::Poll || seen.user.as_ref().is_none_or(|user| *user == owner));
            self.other_users += (before - scan.about.len()) as u64;
        }
    }

    /// An id that nothing but a request names may have been made up, or be long expired: only a sight proves that it was issued.
    fn leave_out_unproven(&mut self) {
        for scan in std::mem::take(&mut self.scans) {
            if scan.handed_out {
                self.scans.push(scan);
            } else if scan.about.iter().any(Seen::is_visible_poll) {
                *(if scan.initiate.is_some() { &mut self.paired } else { &mut self.inferred }) += 1;
                self.scans.push(scan);
            } else if scan.about.iter().any(|seen| seen.kind == Kind::Poll) {
                self.denied_only += 1;
                self.unmatched += u64::from(scan.initiate.is_some());
            }
        }
    }
}

impl Seen {
    fn is_visible_poll(&self) -> bool {
        self.kind == Kind::Poll && self.reading.answer == Answer::Visible
    }
}

impl Scan {
    fn begins(&self) -> i64 {
        let first = self.initiate.iter().chain(self.about.iter().filter(|seen| seen.kind == Kind::Poll)).map(|seen| seen.from).min();
        first.unwrap_or(i64::MAX)
    }

    /// The instant from which ages count: the end of the initiate, or the first poll of whoever knew the id by then.
    fn t0(&self) -> i64 {
        match &self.initiate {
            Some(initiate) => initiate.done,
            None => self.about.iter().filter(|seen| seen.kind == Kind::Poll).map(|seen| seen.from - seen.step).min().unwrap_or(0),
        }
    }

    /// The line for the initiate. One that is not in the recording has no round trip, and says so.
    fn begin(&self, base: i64) -> Option<Exchange> {
        if let Some(initiate) = &self.initiate {
            return Some(Exchange { id: self.id.clone().map(Text::from), ..initiate.exchange(base, None) });
        }
        let first = self.about.iter().find(|seen| seen.kind == Kind::Poll)?;
        let t0 = Stamp(self.t0().saturating_sub(base).unsigned_abs());
        Some(Exchange {
            kind: Kind::Initiate,
            purpose: Purpose::Other,
            planned: t0,
            sent: t0,
            done: t0,
            http: None,
            answer: Answer::Accepted,
            fault: Some(TransportFault::Closed),
            state: None,
            word: None,
            progress: CompactOption::NONE,
            echo: None,
            worker: None,
            cache: None,
            id: self.id.clone().map(Text::from),
            body: Some("[not in the recording: the age counts from the first poll]".into()),
            ..first.exchange(base, None)
        })
    }
}

/// The scans as exchanges, and the scenarios they belong to: one for scans whose t = 0 is known, one for the others, whose
/// windows mean less and must not be mixed with the first ones'.
pub(super) fn tell(sorted: &Sorted, base: i64, options: &Options<'_>) -> (Vec<Exchange>, Vec<Scenario>) {
    let known = sorted.scans.iter().filter(|scan| scan.initiate.is_some()).count();
    let inferred = sorted.scans.len() - known;
    let first = sorted.scans.first().map_or(0, Scan::begins);
    let last = sorted.scans.last().map_or(0, Scan::begins);
    let every = Duration::from_nanos((last - first).unsigned_abs() / sorted.scans.len().max(1) as u64);
    let mut exchanges = Vec::new();
    // Looked up alone, and never listed.
    let mut connections = HashSet::new();
    let mut watched = Nanos(0);
    for (number, scan) in sorted.scans.iter().enumerate() {
        let t0 = scan.t0();
        let Some(begin) = scan.begin(base) else { continue };
        let scenario = u32::from(scan.initiate.is_none() && known > 0);
        let accepted = begin.done;
        let from = exchanges.len();
        if let Some(connection) = scan.initiate.as_ref().and_then(|initiate| initiate.connection.clone()) {
            connections.insert(connection);
        }
        exchanges.push(begin);
        for seen in &scan.about {
            let mut exchange = seen.exchange(base, Some(t0));
            (exchange.connection, exchange.new_conn) = seen.travelled(scan.initiate.as_ref(), &mut connections);
            watched = watched.max(exchange.sent.since(accepted));
            exchanges.push(exchange);
        }
        for exchange in &mut exchanges[from..] {
            exchange.scan = Some(number as u64).into();
            exchange.scenario = scenario;
        }
        at_ages(&mut exchanges[from..], accepted, options);
    }
    exchanges.sort_by_key(|exchange| (exchange.sent, exchange.done, exchange.scan.get(), exchange.kind));
    let deadline = Span(Duration::from_nanos(watched.0.unsigned_abs()) + Duration::from_millis(1));
    let mut scenarios = Vec::new();
    if known > 0 || inferred == 0 {
        scenarios.push(scenario(&KNOWN, known, every, Some(deadline), options));
    }
    if inferred > 0 {
        scenarios.push(scenario(&INFERRED, inferred, every, None, options));
    }
    (exchanges, scenarios)
}

/// Marks, for each age that was asked about, the poll that is nearest to it.
fn at_ages(exchanges: &mut [Exchange], t0: Stamp, options: &Options<'_>) {
    let mut taken = BTreeSet::new();
    for at in &options.at {
        let off = |exchange: &Exchange| (exchange.sent.since(t0).0 - at.as_nanos().0).abs();
        let nearest = exchanges
            .iter()
            .enumerate()
            .filter(|(index, exchange)| {
                exchange.kind == Kind::Poll && !taken.contains(index) && off(exchange) <= options.tolerance.as_nanos().0
            })
            .min_by_key(|(_, exchange)| off(exchange))
            .map(|(index, _)| index);
        if let Some(index) = nearest {
            taken.insert(index);
            exchanges[index].purpose = Purpose::Offset;
            exchanges[index].offset = Some(at.as_nanos()).into();
        }
    }
}

struct Wording {
    name: &'static str,
    title: &'static str,
}

const KNOWN: Wording = Wording { name: "imported", title: "scans of the recording whose initiate is in it" };
const INFERRED: Wording = Wording {
    name: "imported-inferred",
    title: "scans whose initiate is not in the recording or cannot be told: ages count from the first poll",
};

fn scenario(wording: &Wording, scans: usize, every: Duration, deadline: Option<Span>, options: &Options<'_>) -> Scenario {
    Scenario {
        name: wording.name.to_owned(),
        title: wording.title.to_owned(),
        source: "a recording; no request was sent".to_owned(),
        overlap: false,
        side_by_side: false,
        load: Load {
            scans: u32::try_from(scans).unwrap_or(u32::MAX),
            // Never zero, which would mean a burst that was meant as one.
            model: LoadModel::Open { every: Span(every.max(Duration::from_millis(1))) },
            // Whether clients asked for the same is not known, and nobody can be told to ask for something else.
            input: Input::Same,
            detect: None,
        },
        arms: vec![Arm {
            name: wording.name.to_owned(),
            offsets: options.at.clone(),
            each: Each::All,
            pollers: 1,
            connection: crate::model::exchange::Connection::Fresh,
            route: None,
            fillers: 0,
            tolerance: options.tolerance,
            // A client stops asking when it likes, so no end is missed that it did not wait for.
            follow: deadline.map(|deadline| Follow {
                until: Until::Deadline,
                every: Span::millis(1000),
                settle: Span::default(),
                deadline,
            }),
        }],
        then: None,
        // Wanted and never there: a recording without a breach stays inconclusive.
        controls: Controls { unknown_id: 1, foreign_user: Vec::new() },
        readings: Readings::default(),
        expect: Expect {
            not_found: Tolerance::Never,
            guarantees: Guarantee::ALL.to_vec(),
            window: Vec::new(),
            latency: Vec::new(),
            stall: Span::millis(1000),
            errors_at_most: 0.5,
            late_at_most: 0.5,
            flaps_at_most: 0,
            stop: Stop::Never,
        },
    }
}
