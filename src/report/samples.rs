//! Small runs with known findings, for the formats' tests.
//!
//! The findings are written down rather than computed, so that a snapshot shows what a format makes of them and nothing else.

use std::sync::Arc;

use crate::analysis::diagnosis::{Cause, Diagnosis, Exclusion, Fact, OpenQuestion, Pairs, RuledOut, Strength};
use crate::analysis::gate::{Bound, OffsetRate};
use crate::analysis::guarantees::{Breach, Checked, Exhibit, NotAssessed, Proof};
use crate::analysis::load::Load;
use crate::analysis::objectives::{Objective, SloStanding, SloUnknown};
use crate::analysis::punctuality::Punctuality;
use crate::analysis::round_trips::Percentiles;
use crate::analysis::round_trips::RoundTrips;
use crate::analysis::timeline::{Step, Timeline};
use crate::analysis::timing::{Completion, Timing, TripQuantile, Trips};
use crate::analysis::window::{Caveat, CurvePoint, EstimateNote, Quantile, ShareBy, Window};
use crate::analysis::{Analysis, Counts, ScenarioAnalysis};
use crate::model::answer::{Answer, State};
use crate::model::compact::CompactOption;
use crate::model::exchange::{Connection, Exchange, Kind, Purpose};
use crate::model::fault::FaultClass;
use crate::model::guarantee::Guarantee;
use crate::model::run::{Capabilities, ClockNote, End, EndReason, Environment, HttpVersion, Journal, Run, TargetNote};
use crate::model::scenario::Scenario;
use crate::model::slo::{Slo, SloEvent};
use crate::model::source::Source;
use crate::model::time::{Nanos, Span, Stamp};
use crate::report::View;
use crate::verdict::{Judgement, Reason, ScenarioJudgement, Verdict};

const TARGET: &str = r#"
name = "opportunity-scan"
base_url = "${STATUSGAP_URL:-http://127.0.0.1:8080}"
unknown_id = "scan_{uuid}"
[users.owner]
headers = { Authorization = "Bearer ${SCAN_TOKEN:-alice-token}" }
[initiate]
path = "/api/v1/opportunities/discover"
json = { force_refresh = true, symbols = ["S{n}"] }
id = { pointer = "/scan_id" }
[status]
path = "/api/v1/opportunities/status/{id}"
state = { pointer = "/status" }
"#;

const IMMEDIATE: &str = r#"
name = "immediate"
title = "polls every new scan 0.1 s after its id"
source = "the first test of the analysis"
[load]
scans = 50
[polls]
offsets = ["100ms"]
[follow]
until = "visible"
every = "20ms"
deadline = "10s"
[readings]
witness = ["100ms"]
"#;

const SETTLED: &str = r#"
name = "settled"
title = "polls every new scan 2 s after its id"
source = "the second test of the analysis"
[load]
scans = 50
[polls]
offsets = ["2s"]
"#;

fn ms(ms: f64) -> Nanos {
    Nanos((ms * 1e6) as i64)
}

fn exchange(kind: Kind, sent_ms: f64, answer: Answer, word: Option<&str>) -> Exchange {
    let sent = Stamp((sent_ms * 1e6) as u64);
    Exchange {
        scenario: 0,
        arm: 0,
        scan: Some(0).into(),
        kind,
        purpose: Purpose::Other,
        connection: Connection::Fresh,
        poller: 0,
        offset: CompactOption::NONE,
        planned: sent,
        sent,
        first_byte: CompactOption::NONE,
        done: Stamp(sent.0 + 1_200_000),
        conn: CompactOption::NONE,
        new_conn: None,
        http: Some(200),
        answer,
        fault: None,
        state: word.map(|_| State::Running),
        word: word.map(Into::into),
        progress: CompactOption::NONE,
        id: None,
        echo: None,
        worker: None,
        cache: None,
        seen: None,
        complete: None,
        created: CompactOption::NONE,
        route: None,
        trace: None,
        digest: None,
        body: None,
    }
}

/// A run of `immediate` and `settled` with one scan's exchanges: t = 0 is at 11.2 ms.
fn journal() -> Journal {
    let read = |text| Scenario::read(Source { file: "sample.toml", text }).expect("a right scenario");
    let scenarios = vec![read(IMMEDIATE), read(SETTLED)];
    let unknown = Exchange { scan: CompactOption::NONE, ..exchange(Kind::UnknownPoll, 1.0, Answer::NotFound, None) };
    let initiate = Exchange { id: Some("scan_7f".into()), ..exchange(Kind::Initiate, 10.0, Answer::Accepted, None) };
    let exchanges = vec![
        unknown.clone(),
        unknown,
        initiate,
        exchange(Kind::Poll, 111.3, Answer::NotFound, None),
        exchange(Kind::Witness, 111.4, Answer::Visible, Some("in_progress")),
        exchange(Kind::Poll, 2012.5, Answer::Visible, Some("scanning")),
    ];
    Journal {
        run: Run {
            schema: 1,
            tool: "statusgap 0.1.0".to_owned(),
            run_id: "r-000000000007".to_owned(),
            started: "2026-01-05T09:00:00Z".to_owned(),
            seed: 7,
            target: TargetNote {
                name: "opportunity-scan".to_owned(),
                base_url: "http://127.0.0.1:40123".to_owned(),
                file: TARGET.to_owned(),
                service: Some("deferred, 1 worker, store memory".to_owned()),
                can: Capabilities { witness: true, echo: true, states: true, ..Capabilities::default() },
                status: crate::model::run::StatusNote::default(),
                http: HttpVersion::One,
                noun: crate::model::noun::Noun::of_older_logs(),
                slo: Vec::new(),
            },
            scenarios: scenarios.clone(),
            allow: Vec::new(),
            clock: ClockNote { timer: "timerfd".to_owned(), resolution: Nanos(1) },
            shard: None,
            pair: None,
            command: "statusgap run immediate settled --service deferred --seed 7".to_owned(),
            environment: Environment { system: "linux x86_64".to_owned(), processors: 2 },
            recording: None,
            contact: None,
            trace_prefix: None,
        },
        scenarios,
        stopped: Vec::new(),
        not_asked: Vec::new(),
        inside: crate::model::span::Inside::default(),
        end: Some(End::new(Stamp(4_000_000_000), EndReason::Complete, exchanges.len() as u64)),
        exchanges,
        torn: false,
    }
}

fn quantile(p: f64, from_ms: f64, to_ms: Option<f64>, needs: u64) -> Quantile {
    let caveat = (needs > 50).then_some(Caveat::TooFew { needs });
    Quantile {
        p,
        from_ms,
        to_ms,
        lower_ms: (from_ms - 0.5).max(0.0),
        upper_ms: to_ms.filter(|_| caveat.is_none()).map(|to| to + 0.6),
        at_most_ms: None,
        caveat,
    }
}

/// A window that ends between two ages for all scans.
fn window(scans: u64, denied: u64, from_ms: f64, to_ms: f64) -> Window {
    let middle = f64::midpoint(from_ms, to_ms);
    Window {
        scans,
        flapping: 0,
        never_visible: 0,
        no_evidence: 0,
        denied,
        visible_by: vec![
            if denied > 0 { share_by(100.0, 0.0, 0.0, 0.0711) } else { share_by(100.0, 1.0, 0.9289, 1.0) },
            if denied > 0 { share_by(2000.0, 0.5, 0.355, 0.645) } else { share_by(2000.0, 1.0, 0.9289, 1.0) },
        ],
        quantiles: vec![
            quantile(0.5, from_ms, Some(middle), 5),
            quantile(0.9, middle, Some(to_ms), 29),
            quantile(0.99, middle, Some(to_ms), 299),
            quantile(0.999, middle, Some(to_ms), 2995),
        ],
        curve: vec![CurvePoint { from_ms, to_ms: Some(middle), mass: 0.5 }, CurvePoint { from_ms: middle, to_ms: Some(to_ms), mass: 0.5 }],
        estimate: Some(EstimateNote { method: "counting".to_owned(), kkt_gap: 1.2e-13, unique: true }),
        brackets: Arc::default(),
    }
}

fn share_by(t_ms: f64, share: f64, lower: f64, upper: f64) -> ShareBy {
    ShareBy { t_ms, share_from: share, share_to: share, lower, upper, scans: 50 }
}

fn rate(at_ms: f64, polls: u64, not_found: u64, lower: f64, upper: f64) -> OffsetRate {
    OffsetRate {
        at: ms(at_ms),
        arm: "fresh".to_owned(),
        connection: Connection::Fresh,
        polls,
        not_found,
        other: 0,
        late: 0,
        scans: polls,
        scans_denied: not_found,
        lower,
        upper,
        crossed: None,
        scans_lost: 0,
        lost_then_visible: 0,
        losses: Vec::new(),
        gathered: None,
    }
}

fn guarantees(broken: &[&(Guarantee, u64, Proof)], n: u64) -> Vec<Checked> {
    Guarantee::ALL
        .into_iter()
        .map(|guarantee| {
            let told = broken.iter().find(|told| told.0 == guarantee);
            let why = match guarantee {
                Guarantee::Isolation => Some(NotAssessed::NoForeignPoll),
                Guarantee::CrashHonesty => Some(NotAssessed::NoneDied),
                _ => None,
            };
            Checked {
                guarantee,
                checked: if why.is_some() {
                    0
                } else if guarantee == Guarantee::Honesty {
                    2
                } else {
                    n
                },
                broken: told.map_or(0, |(_, broken, _)| *broken),
                evidence: told.iter().map(|(_, _, proof)| proof.clone()).collect(),
                not_assessed: why,
                unclear: Vec::new(),
            }
        })
        .collect()
}

fn proof(scan: Option<u64>, breach: Breach, exchanges: &[(Kind, f64, Answer, Option<&str>)]) -> Proof {
    let exhibit = |(kind, age_ms, answer, word): &(Kind, f64, Answer, Option<&str>)| Exhibit {
        kind: *kind,
        connection: Connection::Fresh,
        sent_ns: Stamp(0),
        age_ns: ms(*age_ms),
        took_ns: ms(0.8),
        http: None,
        answer: *answer,
        fault: None,
        state: None,
        word: word.map(str::to_owned),
        progress: None,
        worker: None,
    };
    Proof { scan, breach, exchanges: exchanges.iter().map(exhibit).collect() }
}

fn trips() -> Vec<RoundTrips> {
    let latency = |p50_ms| Percentiles {
        count: 100,
        p50_ms,
        p90_ms: p50_ms * 1.5,
        p95_ms: p50_ms * 2.0,
        p99_ms: p50_ms * 2.5,
        p999_ms: p50_ms * 3.0,
        max_ms: p50_ms * 3.0,
    };
    let row = |kind, connection, p50| RoundTrips { kind, connection, from_sent: latency(p50), from_planned: latency(p50 + 0.1) };
    vec![row(Kind::Initiate, Connection::Fresh, 1.2), row(Kind::Poll, Connection::Fresh, 0.8), row(Kind::Poll, Connection::KeepAlive, 0.5)]
}

fn step(at_ms: f64, until_ms: f64, times: u64, kind: Kind, told: &str, denied: bool) -> Step {
    let answer = if denied { Answer::NotFound } else { Answer::Visible };
    Step {
        at: ms(at_ms),
        until: ms(until_ms),
        times,
        kind,
        connection: Connection::Fresh,
        answer,
        told: told.to_owned(),
        denied,
        worker: None,
        trace: None,
    }
}

fn scenario(name: &str, offsets: Vec<OffsetRate>, window: Window, guarantees: Vec<Checked>) -> ScenarioAnalysis {
    ScenarioAnalysis {
        name: name.to_owned(),
        counts: Counts { initiates: 50, accepted: 50, polls: 200, ..Counts::default() },
        offsets,
        window,
        guarantees,
        punctuality: Punctuality::default(),
        round_trips: Vec::new(),
        losses: Vec::new(),
        lost_controls: Vec::new(),
    }
}

/// One objective of each standing.
fn objectives() -> Vec<Objective> {
    let objective = |event, text: &str, (jobs, in_time, late), standing| Objective {
        slo: Slo::read(event, text).expect("an objective"),
        jobs,
        in_time,
        late,
        standing,
    };
    let few = SloStanding::Unknown(SloUnknown::TooFew { needs: 299 });
    vec![
        objective(SloEvent::Visible, "p50 <= 200ms", (100, 2, 98), SloStanding::Missed),
        objective(SloEvent::Visible, "p99 <= 5s", (100, 100, 0), few),
        objective(SloEvent::Done, "p50 <= 60s", (61, 60, 0), SloStanding::Met),
        objective(SloEvent::Done, "p95 <= 60s", (61, 60, 1), SloStanding::Unknown(SloUnknown::Close)),
    ]
}

/// Enough jobs for a median of the POST, too few for more; half of the jobs that were watched to their end have ended.
fn timing() -> Timing {
    let quantile = |p, ms, lower_ms, upper_ms, needs| TripQuantile { p, ms, lower_ms, upper_ms, needs };
    let quantiles = vec![
        quantile(0.5, Some(3.8), Some(3.1), Some(4.4), 5),
        quantile(0.95, None, Some(4.2), None, 59),
        quantile(0.99, None, None, None, 299),
    ];
    let post = Trips { count: 50, jobs: 50, quantiles };
    let done =
        |p, from_ms, to_ms, lower_ms, upper_ms, caveat| Quantile { p, from_ms, to_ms, lower_ms, upper_ms, at_most_ms: upper_ms, caveat };
    let quantiles = vec![
        done(0.5, 7000.0, Some(7250.0), 6750.0, Some(7500.0), None),
        done(0.95, 7500.0, None, 7250.0, None, Some(Caveat::NotIdentified)),
        done(0.99, 7500.0, None, 0.0, None, Some(Caveat::TooFew { needs: 299 })),
    ];
    let brackets =
        (0..60).map(|n| (f64::from(n) * 120.0, CompactOption::from((n % 2 == 0).then(|| f64::from(n) * 120.0 + 250.0)))).collect();
    let done = Completion { jobs: 61, ended: 30, failed: 2, unclear: 1, quantiles, brackets };
    Timing { polls: vec![(Answer::Visible, post.clone()), (Answer::NotFound, Trips { count: 950, ..post.clone() })], post, done }
}

fn analysis(scenarios: Vec<ScenarioAnalysis>, window: Window, guarantees: Vec<Checked>) -> Analysis {
    Analysis {
        first_polls: None,
        scenarios,
        window,
        guarantees,
        round_trips: trips(),
        timing: timing(),
        objectives: objectives(),
        load: Load { started: 100, ended: 88, unfinished: 12, ..Load::default() },
        punctuality: Punctuality { polls: 100, p50_ms: 0.05, p99_ms: 0.31, max_ms: 0.9 },
        twin: None,
        timeline: Some(Timeline {
            scan: 0,
            scenario: 0,
            id: Some("scan_7f".to_owned()),
            trace: None,
            steps: vec![
                step(100.1, 100.1, 1, Kind::Poll, "not_found", true),
                step(100.2, 100.2, 1, Kind::Witness, "in_progress", false),
                step(120.4, 1999.8, 95, Kind::Poll, "not_found", true),
                step(2001.3, 2001.3, 1, Kind::Poll, "scanning", false),
            ],
        }),
        diagnosis: Diagnosis::default(),
        honest: Some(true),
        refusals: Vec::new(),
        as_read: None,
    }
}

fn judged(name: &str, verdict: Verdict, reasons: Vec<Reason>, could_miss: Option<f64>) -> ScenarioJudgement {
    let at = if name == "settled" { ms(2000.0) } else { ms(100.0) };
    let bound = could_miss.map(|_| Bound::of(Some(at), Connection::Fresh, 50, 0));
    ScenarioJudgement { name: name.to_owned(), verdict, reasons, could_miss, bound, power: None }
}

/// The run that the seed's bug leaves.
pub(super) fn seed_bug() -> (Journal, Analysis, Judgement) {
    let reads = (
        Guarantee::ReadYourWrites,
        50,
        proof(Some(0), Breach::Denied { denials: 96, last_ns: ms(1999.8) }, &[(Kind::Poll, 100.1, Answer::NotFound, None)]),
    );
    let agreement = (
        Guarantee::Agreement,
        50,
        proof(
            Some(0),
            Breach::DeniedWhileWitnessed,
            &[(Kind::Witness, 100.2, Answer::Visible, Some("in_progress")), (Kind::Poll, 120.4, Answer::NotFound, None)],
        ),
    );
    let scenarios = vec![
        scenario(
            "immediate",
            vec![rate(100.0, 50, 50, 0.9289, 1.0)],
            window(50, 50, 1998.2, 2003.9),
            guarantees(&[&reads, &agreement], 50),
        ),
        scenario("settled", vec![rate(2000.0, 50, 25, 0.3553, 0.6447)], window(50, 50, 1998.2, 2003.9), guarantees(&[&reads], 50)),
    ];
    let mut analysis = analysis(scenarios, window(50, 50, 1998.2, 2003.9), guarantees(&[&reads, &agreement], 100));
    analysis.guarantees[2].broken = 100;
    analysis.diagnosis = Diagnosis {
        causes: vec![Cause {
            class: FaultClass::A,
            or: Vec::new(),
            strength: Strength::Strong,
            facts: vec![Fact::HalfSeen { after_ns: Nanos(1_998_200_000), until_ns: Nanos(2_003_900_000) }],
        }],
        ruled_out: vec![RuledOut {
            class: FaultClass::D,
            by: Exclusion::PairsAlike {
                pairs: Pairs { at: Span::millis(2000), polled_before_denied: 0, polled_before: 20, undisturbed_denied: 0, undisturbed: 20 },
            },
        }],
        open: vec![OpenQuestion::GrowthNotAsked],
        ..Diagnosis::default()
    };
    let not_found = |at, not_found| Reason::NotFound { at: ms(at), connection: Connection::Fresh, not_found, polls: 50 };
    let broken = Reason::Broken { guarantee: Guarantee::ReadYourWrites, broken: 50, checked: 50 };
    let judgement = Judgement {
        verdict: Verdict::Fail,
        reasons: vec![not_found(100.0, 50), broken.clone(), not_found(2000.0, 25)],
        assessable: true,
        unused_allowances: Vec::new(),
        scenarios: vec![
            judged("immediate", Verdict::Fail, vec![not_found(100.0, 50), broken], None),
            judged("settled", Verdict::Fail, vec![not_found(2000.0, 25)], None),
        ],
    };
    (journal(), analysis, judgement)
}

/// A run of a service without a window.
pub(super) fn healthy() -> (Journal, Analysis, Judgement) {
    let scenarios = vec![
        scenario("immediate", vec![rate(100.0, 50, 0, 0.0, 0.0711)], window(50, 0, 0.0, 101.3), guarantees(&[], 50)),
        scenario("settled", vec![rate(2000.0, 50, 0, 0.0, 0.0711)], window(50, 0, 0.0, 2001.1), guarantees(&[], 50)),
    ];
    let mut analysis = analysis(scenarios, window(50, 0, 0.0, 101.3), guarantees(&[], 100));
    for seen in std::iter::once(&mut analysis.window).chain(analysis.scenarios.iter_mut().map(|scenario| &mut scenario.window)) {
        for quantile in &mut seen.quantiles[..2] {
            quantile.from_ms = 0.0;
            quantile.caveat = Some(Caveat::NotIdentified);
        }
    }
    analysis.timeline = None;
    let judgement = Judgement {
        verdict: Verdict::Pass,
        reasons: Vec::new(),
        assessable: true,
        unused_allowances: Vec::new(),
        scenarios: vec![
            judged("immediate", Verdict::Pass, Vec::new(), Some(0.0582)),
            judged("settled", Verdict::Pass, Vec::new(), Some(0.0582)),
        ],
    };
    (journal(), analysis, judgement)
}

/// A service that answers any id as if it existed.
pub(super) fn unassessable() -> (Journal, Analysis, Judgement) {
    let (mut journal, mut analysis, mut judgement) = healthy();
    for exchange in journal.exchanges.iter_mut().filter(|exchange| exchange.kind == Kind::UnknownPoll) {
        exchange.answer = Answer::Visible;
        exchange.word = Some("pending".into());
    }
    let honesty = (
        Guarantee::Honesty,
        2,
        proof(
            None,
            Breach::NeverIssued { id: Some("scan_0000".to_owned()) },
            &[(Kind::UnknownPoll, 0.0, Answer::Visible, Some("pending"))],
        ),
    );
    analysis.guarantees = guarantees(&[&honesty], 100);
    analysis.honest = Some(false);
    analysis.diagnosis.causes = vec![Cause {
        class: FaultClass::N,
        or: Vec::new(),
        strength: Strength::Strong,
        facts: vec![Fact::NeverIssuedVisible { broken: 2, polls: 2 }],
    }];
    judgement.verdict = Verdict::Inconclusive;
    judgement.assessable = false;
    judgement.reasons = vec![Reason::UnknownIdVisible];
    for scenario in &mut judgement.scenarios {
        *scenario = judged(&scenario.name, Verdict::Inconclusive, vec![Reason::UnknownIdVisible], None);
    }
    (journal, analysis, judgement)
}

/// The seed's bug, in a log that was cut off.
pub(super) fn partial() -> (Journal, Analysis, Judgement) {
    let (mut journal, analysis, mut judgement) = seed_bug();
    journal.end = None;
    journal.torn = true;
    judgement.reasons.insert(0, Reason::CutOff);
    (journal, analysis, judgement)
}

/// Four workers with memories of their own, one of whose names is hostile.
pub(super) fn flapping() -> (Journal, Analysis, Judgement) {
    let (journal, mut analysis, mut judgement) = seed_bug();
    let by = |workers: &[&str], mut proof: Proof| {
        for (exchange, worker) in proof.exchanges.iter_mut().zip(workers) {
            exchange.worker = Some((*worker).to_owned());
        }
        proof
    };
    let denied = Breach::Denied { denials: 1, last_ns: ms(100.2) };
    let reads = proof(Some(3), denied, &[(Kind::Poll, 100.2, Answer::NotFound, None)]);
    let reads = (Guarantee::ReadYourWrites, 37, by(&["2|\u{1b}[2J`rm`"], reads));
    let flaps = proof(
        Some(3),
        Breach::DeniedAfterVisible { denials: 4 },
        &[(Kind::Poll, 120.3, Answer::Visible, None), (Kind::Poll, 140.2, Answer::NotFound, None)],
    );
    let flaps = (Guarantee::MonotonicVisibility, 31, by(&["1", "2"], flaps));
    analysis.guarantees = guarantees(&[&reads, &flaps], 50);
    analysis.scenarios.truncate(1);
    analysis.scenarios[0].guarantees = analysis.guarantees.clone();
    analysis.scenarios[0].offsets = vec![rate(100.0, 50, 37, 0.597, 0.8537)];
    for seen in [&mut analysis.window, &mut analysis.scenarios[0].window] {
        *seen = Window { flapping: 31, denied: 37, ..window(19, 6, 0.0, 140.2) };
        seen.quantiles[0].caveat = Some(Caveat::NotIdentified);
        seen.quantiles[1].caveat = Some(Caveat::TooFew { needs: 29 });
    }
    if let Some(timeline) = &mut analysis.timeline {
        timeline.steps[0].worker = Some("2|\u{1b}[2J`rm`".to_owned());
    }
    analysis.diagnosis = Diagnosis::default();
    let broken = |guarantee, broken| Reason::Broken { guarantee, broken, checked: 50 };
    judgement.reasons = vec![broken(Guarantee::ReadYourWrites, 37), broken(Guarantee::MonotonicVisibility, 31)];
    judgement.scenarios = vec![judged("immediate", Verdict::Fail, judgement.reasons.clone(), None)];
    let mut journal = journal;
    journal.scenarios.truncate(1);
    (journal, analysis, judgement)
}

/// The view of a sample.
pub(super) fn view(sample: &(Journal, Analysis, Judgement)) -> View {
    View::of(&sample.0, &sample.1, &sample.2)
}

/// All samples, by name.
pub(super) fn all() -> Vec<(&'static str, View)> {
    vec![
        ("seed_bug", view(&seed_bug())),
        ("healthy", view(&healthy())),
        ("unassessable", view(&unassessable())),
        ("partial", view(&partial())),
        ("flapping", view(&flapping())),
    ]
}
