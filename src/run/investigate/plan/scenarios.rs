//! The scenarios of each step.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::analysis::diagnosis::{Fact, Pattern, Strength};
use crate::analysis::scan::Scans;
use crate::analysis::{Analysis, analyse};
use crate::model::exchange::{Connection, Route};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::{Capabilities, Journal};
use crate::model::scenario::{
    Action, Arm, Controls, Each, Expect, Follow, Input, Load, LoadModel, Readings, Scenario, Stop, Then, Tolerance, Until,
};
use crate::model::time::Span;
use crate::run::investigate::plan::question::Question;
use crate::run::investigate::plan::{Stage, further};

/// What the steps so far have shown.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each a yes or a no")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Some scans were denied at the start and seen later.
    pub(super) has_window: bool,
    /// Some scans were never seen, or may never be.
    pub(super) has_lost: bool,
    /// Connections disagree, so that a denial says nothing about time.
    pub(super) disagrees: bool,
    /// The latest age, in ms, at which a denied scan was seen at last.
    pub(super) window_ms: f64,
    /// Where no scan was seen yet, the latest age, in ms, at which one was denied.
    pub(super) in_vain_ms: f64,
    /// The latest age, in ms, at which a scan was denied that had been seen, where that may end later than anybody looked.
    pub(super) disagrees_until_ms: Option<f64>,
    /// Whether polling was seen to matter, but not compared in pairs of equal age.
    pub(super) doubts_observer: bool,
    /// The window's lower and upper end for the scans in the middle, in ms.
    pub(super) edge_ms: Option<(f64, f64)>,
    /// Whether the second write was followed for less than twice the window, or not sent.
    pub(super) window_grew: bool,
}

impl Known {
    pub(super) fn of(analysis: &Analysis) -> Known {
        let window = &analysis.window;
        let ends: Vec<f64> = window.brackets.iter().filter(|bracket| bracket.0 > 0.0).filter_map(|bracket| bracket.1.get()).collect();
        let in_vain = window.brackets.iter().filter(|bracket| bracket.1.get().is_none()).map(|bracket| bracket.0).fold(0.0, f64::max);
        let edge = window.quantile(0.5).and_then(|quantile| Some((quantile.from_ms, quantile.to_ms?)));
        Known {
            has_window: !ends.is_empty(),
            has_lost: analysis.diagnosis.patterns.iter().any(|pattern| {
                matches!(
                    pattern,
                    Pattern::MaybeLost { .. } | Pattern::NothingSeen { .. } | Pattern::DeniedLate { .. } | Pattern::Partition { .. }
                )
            }) || [FaultClass::K, FaultClass::L, FaultClass::M].into_iter().any(|class| analysis.diagnosis.names(class)),
            disagrees: analysis.diagnosis.names(FaultClass::B)
                || analysis.diagnosis.names(FaultClass::CPrime)
                || analysis.diagnosis.patterns.iter().any(|pattern| matches!(pattern, Pattern::AtRandom { .. })),
            window_ms: ends.iter().copied().fold(0.0, f64::max),
            in_vain_ms: if ends.is_empty() { in_vain } else { 0.0 },
            doubts_observer: analysis
                .diagnosis
                .causes
                .iter()
                .any(|cause| cause.class == FaultClass::D && cause.strength < Strength::Strong),
            edge_ms: edge,
            disagrees_until_ms: disagrees_until(analysis),
            window_grew: !analysis.diagnosis.ruled_out.iter().any(|out| out.class == FaultClass::C)
                && !analysis.diagnosis.causes.iter().any(|cause| cause.class == FaultClass::C && cause.or.is_empty()),
        }
    }

    /// How closely a scan is followed that may become visible at any time: a twelfth of the window, as far as round trips allow.
    fn closely(self) -> u64 {
        (self.window_ms.max(self.in_vain_ms) / 12.0).clamp(5.0, 60.0) as u64
    }
}

/// The latest age, in ms, at which a scan was denied that had been seen, where reads of a copy that lags are possible and holes are not, and
/// where there is time to look at older scans.
fn disagrees_until(analysis: &Analysis) -> Option<f64> {
    let by_memory = |fact: &Fact| match fact {
        Fact::FreshConnectionsDisagree { latest_ns, .. } => Some(latest_ns.as_ms()),
        _ => None,
    };
    let doubted = analysis.diagnosis.causes.iter().filter(|cause| cause.class == FaultClass::B && cause.may_be(FaultClass::CPrime));
    let at_random = analysis.diagnosis.patterns.iter().filter_map(|pattern| match pattern {
        Pattern::AtRandom { latest_ns, may_be, .. } if may_be.contains(&FaultClass::CPrime) && !may_be.contains(&FaultClass::H) => {
            Some(latest_ns.as_ms())
        }
        _ => None,
    });
    let latest = doubted.flat_map(|cause| cause.facts.iter().filter_map(by_memory)).chain(at_random).reduce(f64::max)?;
    (latest <= 15_000.0).then_some(latest)
}

const fn ms(ms: u64) -> Span {
    Span::millis(ms)
}

fn spans(all: &[u64]) -> Vec<Span> {
    all.iter().map(|at| ms(*at)).collect()
}

/// A scenario of the investigation, to be adjusted.
fn scenario(question: Question, title: &str, source: &str, scans: u32, model: LoadModel) -> Scenario {
    Scenario {
        name: question.name().to_owned(),
        title: title.to_owned(),
        source: source.to_owned(),
        overlap: false,
        side_by_side: false,
        load: Load { scans, model, input: Input::Distinct, detect: None },
        arms: vec![arm("fresh", Connection::Fresh)],
        then: None,
        controls: Controls { unknown_id: 1, foreign_user: Vec::new() },
        readings: Readings::default(),
        expect: Expect {
            not_found: Tolerance::Never,
            guarantees: Guarantee::ALL.to_vec(),
            window: Vec::new(),
            latency: Vec::new(),
            // Far below what a client would notice: the investigation compares with the usual round trip anyway.
            stall: ms(300),
            // An investigation reports what it saw; it is no gate that needs every offset.
            errors_at_most: 0.5,
            late_at_most: 0.5,
            flaps_at_most: 0,
            stop: Stop::Never,
        },
    }
}

fn arm(name: &str, connection: Connection) -> Arm {
    Arm {
        name: name.to_owned(),
        offsets: Vec::new(),
        each: Each::All,
        pollers: 1,
        connection,
        route: None,
        fillers: 0,
        tolerance: ms(50),
        follow: None,
    }
}

fn follow(until: Until, every: u64, settle: u64, deadline: u64) -> Follow {
    Follow { until, every: ms(every), settle: ms(settle), deadline: ms(deadline) }
}

fn every(millis: u64) -> LoadModel {
    LoadModel::Open { every: ms(millis) }
}

pub(super) fn scenarios(stage: Stage, journal: &Journal, analysis: &Analysis, can: Capabilities) -> Vec<Scenario> {
    match stage {
        Stage::Controls => controls(),
        Stage::Alone => alone(),
        Stage::Together => together(analysis),
        Stage::Survey => survey(analysis, can),
        Stage::SingleShots => single_shots(journal, analysis, can),
        Stage::Separate => separate(analysis, Known::of(analysis), can),
        Stage::Further => more(&further::questions(analysis), analysis, can),
        Stage::Edge => edge(journal, analysis),
    }
}

/// The scenarios of a step if everything that it looks for is there: what it may do, before anything is known.
pub(super) fn outline(stage: Stage, journal: &Journal, can: Capabilities) -> Vec<Scenario> {
    let nothing = analyse(journal);
    let found = Known { has_window: true, has_lost: true, disagrees: false, ..Known::of(&nothing) };
    match stage {
        Stage::Separate => separate(&nothing, found, can),
        Stage::Further => more(&[Question::SecondWrite, Question::Lattice, Question::AtOnce, Question::Deeper].into(), &nothing, can),
        Stage::Edge => vec![edge_between(0.0, 1000.0)],
        other => scenarios(other, journal, &nothing, can),
    }
}

fn controls() -> Vec<Scenario> {
    let mut controls = scenario(Question::Controls, "ids that were never issued", "fault class N", 0, every(0));
    controls.controls.unknown_id = 5;
    vec![controls]
}

fn alone() -> Vec<Scenario> {
    let mut alone = scenario(
        Question::Alone,
        "scans one after the other, watched until they are visible",
        "what a patient client sees; an idle queue (fault class E)",
        2,
        LoadModel::Closed { in_flight: 1 },
    );
    // Asked at once: a scan that waits for nothing is there, whatever others wait for.
    alone.arms[0].offsets = spans(&[0]);
    alone.arms[0].follow = Some(follow(Until::Visible, 40, 400, 3000));
    alone.readings.witness = spans(&[50]);
    vec![alone]
}

fn together(analysis: &Analysis) -> Vec<Scenario> {
    let watch = (2.0 * Known::of(analysis).window_ms) as u64 + 5000;
    let mut together =
        scenario(Question::Together, "12 scans at once, watched until they are visible", "k jobs at once (fault class E)", 12, every(0));
    together.arms[0].follow = Some(follow(Until::Visible, 60, 200, watch));
    vec![together]
}

/// No scan is watched for longer, in ms: a third of the usual budget.
const LONGEST_WATCH_MS: u64 = 20_000;

fn survey(analysis: &Analysis, can: Capabilities) -> Vec<Scenario> {
    let window = Known::of(analysis).window_ms as u64;
    let mut all = Vec::new();
    let mut end = scenario(
        Question::ToTheEnd,
        "scans watched until well after they have ended",
        "early eviction and stale fallbacks (fault classes F and O)",
        2,
        every(150),
    );
    end.overlap = true;
    end.arms[0].follow = Some(follow(Until::Terminal, 250, 6000, LONGEST_WATCH_MS));
    // Results are asked for early as well: only where they are missing before the end do they say that a scan has ended.
    end.readings = Readings { witness: spans(&[50, 1000, 3000]), results: spans(&[50, 600, 2500]), at_end: true };
    all.push(end);

    let mut again = scenario(
        Question::Again,
        "the same is asked for again when a scan has ended",
        "a slot that is shared by all scans of a user (fault classes J and O)",
        2,
        every(150),
    );
    again.overlap = true;
    again.arms[0].follow = Some(follow(Until::Terminal, 250, 0, LONGEST_WATCH_MS));
    again.readings.results = spans(&[50]);
    again.then = Some(Then { action: Action::Repeat, when: Until::Terminal, offsets: spans(&[0, 100, 500, 2500]), delete: Vec::new() });
    all.push(again);

    all.extend(second_write(can, Known::of(analysis)));

    let mut dense = scenario(
        Question::Dense,
        "scans polled every 15 ms to their end, and the result at once after it",
        "holes, the shape of the window, and results that come after the end (fault classes H, E, C' and V)",
        2,
        every(70),
    );
    dense.overlap = true;
    dense.arms[0].follow = Some(follow(Until::Terminal, 15, 200, 9000));
    dense.readings.at_end = true;
    all.push(dense);

    let mut pollers =
        scenario(Question::Pollers, "12 pollers on one scan at the same instants", "k pollers on one job (fault class B)", 2, every(100));
    pollers.overlap = true;
    pollers.arms[0].pollers = 12;
    pollers.arms[0].offsets = spans(&[50, 300, 1500, 4000]);
    all.push(pollers);

    if can.foreign_user {
        let mut foreign =
            scenario(Question::Foreign, "another user asks for the owner's scans", "foreign disclosure (fault class Q)", 3, every(50));
        foreign.overlap = true;
        foreign.controls.foreign_user = spans(&[60, 800, 2600]);
        all.push(foreign);
    }

    let mut kept = scenario(
        Question::Kept,
        "polls on fresh and on kept connections, compared",
        "keep-alive hides it (fault classes P and B)",
        12,
        every(40),
    );
    let offsets = spans(&[20, 500, 1000, 1500, window.max(2000) + 1000]);
    kept.arms = vec![
        Arm { offsets: offsets.clone(), ..arm("fresh", Connection::Fresh) },
        Arm { offsets, ..arm("keep-alive", Connection::KeepAlive) },
    ];
    all.push(kept);
    all.extend(can.two_addresses.then(handed_out));
    all
}

/// The other address at which status can be asked for: clients that take the one that was handed out must see the same.
fn handed_out() -> Scenario {
    let mut addresses = scenario(
        Question::Addresses,
        "scans polled at the address that was handed out",
        "two addresses of one status that do not agree",
        4,
        every(50),
    );
    addresses.overlap = true;
    addresses.arms[0] = Arm { offsets: spans(&[0, 100, 500, 2500]), route: Some(Route::HandedOut), ..arm("handed-out", Connection::Fresh) };
    addresses
}

/// A later write to scans that are visible, asked for as finely as the window of a new scan; a change if the target can, else a cancel, and
/// a deletion after it.
fn second_write(can: Capabilities, known: Known) -> Option<Scenario> {
    let action = write_of(can)?;
    // Where none was seen yet, as long as scans are watched to their end.
    let watch = if known.in_vain_ms > 0.0 { LONGEST_WATCH_MS } else { (known.window_ms * 2.0) as u64 + 1000 };
    let mut second = scenario(
        Question::SecondWrite,
        "scans are changed once they are visible, and watched until that is seen",
        "a second write lags as the first did, or by itself (fault classes C, S and T)",
        10,
        every(61),
    );
    second.overlap = true;
    // A handshake after the acknowledgement would hide as much of a lag as it takes.
    second.arms[0].connection = Connection::PreOpened;
    second.arms[0].offsets = spans(&[0]);
    second.arms[0].follow = Some(follow(Until::Visible, known.closely(), 0, watch));
    let offsets = after_write(known.window_ms);
    let delete = if can.delete && action == Action::Update { offsets.clone() } else { Vec::new() };
    second.then = Some(Then { action, when: Until::Visible, offsets, delete });
    Some(second)
}

/// The write that is sent to a scan which exists: a change if the target can, else a cancel, else a deletion.
fn write_of(can: Capabilities) -> Option<Action> {
    match can {
        Capabilities { update: true, .. } => Some(Action::Update),
        Capabilities { cancel: true, .. } => Some(Action::Cancel),
        Capabilities { delete: true, .. } => Some(Action::Delete),
        _ => None,
    }
}

/// The same write to scans that nobody has asked for: what is read back old of them was not kept from an earlier answer.
fn unasked(can: Capabilities, known: Known) -> Option<Scenario> {
    let action = write_of(can)?;
    let mut unasked = scenario(
        Question::Unasked,
        "scans are changed before anybody has asked for them",
        "caches that keep what was visible (fault class U)",
        8,
        every(61),
    );
    unasked.overlap = true;
    let settle = (known.window_ms * 2.0) as u64 + 500;
    unasked.arms[0].connection = Connection::PreOpened;
    unasked.arms[0].follow = Some(follow(Until::Accepted, 1000, settle, settle));
    unasked.then = Some(Then { action, when: Until::Accepted, offsets: after_write(known.window_ms), delete: Vec::new() });
    Some(unasked)
}

/// The ages of the polls after a write: dense for well over the window, or for 100 ms where there is none, and wider and wider beyond.
fn after_write(window_ms: f64) -> Vec<Span> {
    let until = (1.4 * window_ms).max(100.0);
    // What an index shows at its next refresh is told from others by how closely it was looked for.
    let step = (until / 16.0).min(250.0);
    let mut at = 0.0;
    let mut offsets = Vec::new();
    while at <= until + 2000.0 {
        offsets.push(ms(at as u64));
        at += if at < until { step } else { (at * 0.25).min(500.0).max(step) };
    }
    offsets.dedup();
    offsets
}

/// What polling does to a scan: three arms that are asked for at the same two ages after their end, of which one was asked for before both,
/// one before the second, and one before neither.
fn ends(journal: &Journal) -> Option<Scenario> {
    let scans = Scans::of(&journal.exchanges);
    let histories = scans.histories();
    let at_end: Vec<u64> = histories.iter().filter_map(|scan| Some((scan.age(scan.ended()?.0).as_ms()).max(0.0) as u64)).collect();
    let (first, last) = (*at_end.iter().min()?, *at_end.iter().max()?);
    if last > LATEST_END_MS {
        return None;
    }
    let (soon, later) = (ms(last + 200), ms(last + 800));
    let mut ends = scenario(
        Question::Ends,
        "scans of equal age after their end, some of them polled before",
        "caches that keep what was visible, and reads that use up (fault classes U and W)",
        21,
        every(29),
    );
    ends.overlap = true;
    let before = [first / 4, first.saturating_sub(first / 10 + 20)];
    ends.arms = vec![
        Arm { offsets: spans(&before).into_iter().chain([soon, later]).collect(), ..arm("polled before", Connection::Fresh) },
        Arm { offsets: vec![soon], ..arm("first polled after the end", Connection::Fresh) },
        Arm { offsets: vec![later], ..arm("first polled later", Connection::Fresh) },
    ];
    Some(ends)
}

/// Jobs that take longer than this are not waited for once more.
const LATEST_END_MS: u64 = 8000;

fn single_shots(journal: &Journal, analysis: &Analysis, can: Capabilities) -> Vec<Scenario> {
    let known = Known::of(analysis);
    let window = known.window_ms as u64;
    let mut offsets = vec![5, 15, 40, 90, 200, 500, 1000];
    // A poll after the window, where it is worth waiting for.
    offsets.push(if window > LONG_WINDOW_MS { 2000 } else { window.max(1000) + 700 });
    let mut shots =
        scenario(Question::SingleShots, "one poll per scan, at many ages", "the single-shot curve: nobody disturbs the job", 40, every(30));
    shots.arms[0].offsets = spans(&offsets);
    shots.arms[0].each = Each::One;
    shots.arms[0].fillers = 2;
    let mut all = Vec::new();
    if asks_at_ends(analysis, can) {
        all.extend(ends(journal));
    }
    if [FaultClass::S, FaultClass::T, FaultClass::O].iter().any(|class| analysis.diagnosis.names(*class)) {
        all.extend(unasked(can, known));
    }
    all.extend([at_once(known), shots]);
    all
}

/// A window that is longer, in ms, leaves little of the usual budget after it.
const LONG_WINDOW_MS: u64 = 4000;

fn at_once(known: Known) -> Scenario {
    // Where half of all scans are denied for long, a few show that polls at once are, too; more would only be more requests.
    let scans = if known.edge_ms.is_some_and(|(from, _)| from > 100.0) { 24 } else { 60 };
    let mut at_once = scenario(
        Question::AtOnce,
        "a poll at once, on a connection that is already open",
        "zero-delay polls (fault class I)",
        scans,
        every(12),
    );
    at_once.overlap = true;
    // Two pollers of one instant disagree where some reads go to a copy, and agree where the record is late.
    at_once.arms = vec![Arm { offsets: spans(&[0]), pollers: 2, fillers: 3, ..arm("pre-opened", Connection::PreOpened) }];
    at_once
}

/// Whether scans of equal age after their end are worth their jobs: something went at its end, or may have been kept from before it. Where
/// a scan can be changed, the second write has shown whether answers are kept.
fn asks_at_ends(analysis: &Analysis, can: Capabilities) -> bool {
    let possible = analysis.diagnosis.possible();
    write_of(can).is_none() || [FaultClass::F, FaultClass::W].iter().any(|class| possible.contains(class))
}

fn separate(analysis: &Analysis, known: Known, can: Capabilities) -> Vec<Scenario> {
    let mut all = Vec::new();
    if known.has_lost {
        all.push(many_ids(analysis, can));
    }
    // Scans that are never seen while they are polled may be kept out of sight by the polling itself.
    if (known.has_lost || known.has_window || known.doubts_observer) && !known.disagrees {
        all.push(observer(analysis));
    }
    if analysis.diagnosis.names(FaultClass::D) && !known.disagrees {
        // Of a scan that was asked for a cache keeps the denial: neither its window nor its second write is seen.
        all.extend(unasked(can, Known { window_ms: undisturbed_window(analysis), ..known }));
    } else if known.has_window && !known.disagrees {
        all.extend(separate_windows(analysis, can, known));
    }
    all
}

/// More of what tells apart causes that are still possible together.
fn more(questions: &BTreeSet<Question>, analysis: &Analysis, can: Capabilities) -> Vec<Scenario> {
    let known = Known::of(analysis);
    let ask = |question: &Question| match question {
        Question::SecondWrite => {
            second_write(can, known).map(|second| Scenario { load: Load { scans: 20, ..second.load.clone() }, ..second })
        }
        Question::Lattice => Some(lattice(analysis, known)),
        Question::AtOnce => Some(at_once(known)),
        Question::Deeper => Some(deeper(known)),
        Question::ManyIds => Some(many_ids(analysis, can)),
        Question::Unasked => unasked(can, Known { window_ms: undisturbed_window(analysis), ..known }),
        Question::Later => known.disagrees_until_ms.map(later),
        _ => None,
    };
    questions.iter().filter_map(ask).collect()
}

/// Scans asked for again at ages well after the latest at which one was denied that had been seen: reads that go to a copy agree once it has
/// caught up, and workers with memories of their own never do.
fn later(denied_until_ms: f64) -> Scenario {
    let mut later = scenario(
        Question::Later,
        "12 pollers on scans that are older than any that was denied",
        "disagreement that ends with age, or never (fault classes C' and B)",
        8,
        every(100),
    );
    later.overlap = true;
    later.arms[0].pollers = 12;
    // Asked for while they are young as well, so that the same scans are compared.
    later.arms[0].offsets = std::iter::once(600).chain([1.4, 1.6].map(|times| (times * denied_until_ms) as u64 + 700)).map(ms).collect();
    later
}

/// More scans at once than before, followed closely: a queue with several slots shows only behind those that are served at once.
fn deeper(known: Known) -> Scenario {
    let watch = (4.0 * known.window_ms) as u64 + 5000;
    let mut deeper =
        scenario(Question::Deeper, "24 scans at once, followed closely", "a queue with several slots (fault class E)", 24, every(0));
    deeper.arms[0].connection = Connection::PreOpened;
    deeper.arms[0].offsets = spans(&[0]);
    deeper.arms[0].follow = Some(follow(Until::Visible, known.closely(), 0, watch));
    deeper
}

fn many_ids(analysis: &Analysis, can: Capabilities) -> Scenario {
    let ages = spans(&[700, 1400, 2100, 2800, 3500]);
    let mut ids = scenario(
        Question::ManyIds,
        "many scans, to compare the ids that are never seen with the others",
        "grouping by features of the id (fault classes L and M)",
        36,
        every(40),
    );
    ids.arms[0].offsets.clone_from(&ages);
    ids.readings.witness = spans(&[900, 3000]);
    if can.handed_out {
        ids.arms.push(Arm { offsets: ages.clone(), route: Some(Route::HandedOut), ..arm("handed-out", Connection::Fresh) });
    }
    // Whoever was given the id may see what this caller does not.
    let nothing_seen = analysis.diagnosis.patterns.iter().any(|pattern| matches!(pattern, Pattern::NothingSeen { .. }));
    if can.other_initiator && nothing_seen {
        ids.arms.push(Arm { offsets: ages, route: Some(Route::AsInitiator), ..arm("as-initiator", Connection::Fresh) });
    }
    ids.overlap = true;
    ids
}

/// Pairs of equal age, one of them polled before; the common age is beyond the latest denial of a first poll.
fn observer(analysis: &Analysis) -> Scenario {
    let common = ms((undisturbed_window(analysis) * 1.25).min(8000.0) as u64 + 20);
    let mut observer = scenario(
        Question::Observer,
        "pairs of equal age, one of them polled before",
        "negative cache: it exists because it was polled (fault class D)",
        28,
        every(30),
    );
    observer.overlap = true;
    observer.arms = vec![
        Arm { offsets: vec![ms(0), ms(8), common], fillers: 3, ..arm("polled before", Connection::PreOpened) },
        Arm { offsets: vec![common], fillers: 3, ..arm("not polled before", Connection::PreOpened) },
    ];
    observer
}

fn separate_windows(analysis: &Analysis, can: Capabilities, known: Known) -> Vec<Scenario> {
    // The second write of the survey was followed as finely as the window that was known by then.
    let second = second_write(can, known).filter(|_| known.window_grew);
    std::iter::once(lattice(analysis, known)).chain(second).collect()
}

fn lattice(analysis: &Analysis, known: Known) -> Scenario {
    let watch = (known.window_ms * 2.0) as u64 + 1000;
    // Scans of one refresh tell of one instant: where an index is still possible, they are asked for over several.
    let may_be_index = analysis.diagnosis.causes.iter().any(|cause| cause.may_be(FaultClass::G));
    let apart = if may_be_index { (known.window_ms * 0.29) as u64 } else { 0 };
    let mut lattice = scenario(
        Question::Lattice,
        "scans asked for at random instants, followed closely",
        "index refresh: a common lattice of instants (fault class G)",
        16,
        // A time that no refresh is likely to have, nor a part of it: even times would always meet the same moment between two.
        every(apart.clamp(223, 701)),
    );
    lattice.overlap = true;
    lattice.arms[0].follow = Some(follow(Until::Visible, known.closely(), 0, watch));
    lattice
}

/// The latest age at which a scan that had not been polled before was denied, in ms.
fn undisturbed_window(analysis: &Analysis) -> f64 {
    analysis
        .scenarios
        .iter()
        .filter(|scenario| matches!(Question::named(&scenario.name), Some(Question::SingleShots | Question::AtOnce)))
        .flat_map(|scenario| &scenario.offsets)
        .filter(|rate| rate.not_found > 0)
        .map(|rate| rate.at.as_ms())
        .fold(0.0, f64::max)
        // The next offset is where such a scan was seen; between the two nobody looked.
        * 2.4
}

/// More scans around the middle of the window, each polled a few times closely: the edge of a step to a millisecond.
fn edge(_journal: &Journal, analysis: &Analysis) -> Vec<Scenario> {
    let known = Known::of(analysis);
    let Some((from, to)) = known.edge_ms else { return Vec::new() };
    // Only a step has an edge that is worth more scans; a spread-out window is told by its distribution.
    let spread = analysis.window.quantile(0.9).and_then(|quantile| quantile.to_ms).unwrap_or(f64::INFINITY) - from;
    if spread > 0.1 * to + 30.0 || to < 5.0 {
        return Vec::new();
    }
    vec![edge_between(from, to)]
}

fn edge_between(from: f64, to: f64) -> Scenario {
    let start = (from - 12.0).max(0.0);
    let mut edge = scenario(
        Question::Edge,
        "scans polled every 3 ms around the window's edge",
        "measure the edge; assert away from it",
        24,
        every(20),
    );
    // A handshake is part of the exchange that needs it, and would widen every bracket.
    edge.arms[0].connection = Connection::PreOpened;
    edge.arms[0].offsets = vec![Span(Duration::from_secs_f64(start / 1e3))];
    edge.arms[0].follow =
        Some(Follow { until: Until::Visible, every: ms(3), settle: ms(0), deadline: Span(Duration::from_secs_f64((to + 500.0) / 1e3)) });
    edge
}
