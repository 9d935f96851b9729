//! What spans say of the inside, with the reference service's own: it exports what it does, with its functions, files and lines.

use std::collections::{BTreeMap, BTreeSet};

use statusgap::analysis::analyse;
use statusgap::model::answer::Answer;
use statusgap::model::exchange::Kind;
use statusgap::model::fault::FaultClass;
use statusgap::model::run::Journal;
use statusgap::model::scenario::Scenario;
use statusgap::model::span::{Span, SpanIntake, SpanKind};
use statusgap::model::text::Text;
use statusgap::model::time::Nanos;
use statusgap::model::trace::{SpanId, TraceId};
use statusgap::traces::{Edge, Findings, Outcome, Stance, Statement, Unexplained, findings};

use crate::support::virtual_run::{self, Tried, traced};

/// Scans one after the other, each followed densely, so that the brackets are narrow and at random phases.
fn followed() -> Scenario {
    virtual_run::scenario(
        "[load]\nscans = 50\nevery = '130ms'\n[polls]\noffsets = ['0s']\n[follow]\nevery = '20ms'\nuntil = 'visible'\ndeadline = '8s'\n",
    )
}

fn tried<'a>(preset: &'a str, knobs: &'a [(&'a str, &'a str)]) -> Tried<'a> {
    Tried { preset, knobs, seed: 5 }
}

fn found(journal: &Journal) -> Findings {
    findings(journal, &analyse(journal)).expect("somebody listened")
}

fn named(journal: &Journal) -> statusgap::traces::Explanation {
    match found(journal).outcome {
        Outcome::Named(named) => named,
        other => panic!("nothing is named: {other:#?}"),
    }
}

#[test]
fn the_write_that_makes_scans_visible_is_named_with_its_line_of_code() {
    let named = named(&traced(tried("deferred", &[]), &followed()));
    assert_eq!((named.explained, named.of), (50, 50));
    assert_eq!(named.edge, Edge::End);
    let place = named.span.place.clone().expect("a file and a line");
    assert!(place.starts_with("src/service/") && place.rsplit(':').next().is_some_and(|line| line.parse::<u32>().is_ok()), "{place}");
    assert!(named.span.function.as_deref().is_some_and(|function| function.contains("write")), "{named:#?}");
    assert!((1_900.0..2_100.0).contains(&named.begins_ns.as_ms()), "{named:#?}");
    assert!(named.p <= 0.05 && named.after_ns <= named.until_ns, "{named:#?}");
}

#[test]
fn a_sound_service_is_blamed_for_nothing() {
    let journal = traced(tried("sound", &[]), &followed());
    assert!(!journal.inside.spans.is_empty());
    let found = found(&journal);
    assert_eq!((found.outcome, found.scans), (Outcome::NothingToExplain, 0));
    assert!(found.facts.is_empty(), "{:#?}", found.facts);
}

#[test]
fn a_window_that_varies_is_followed_scan_by_scan() {
    let named = named(&traced(tried("sound", &[("registration-delay", "uniform(200ms,1500ms)")]), &followed()));
    assert!(named.explained >= 49, "{named:#?}");
    assert!(named.p <= 0.002, "{named:#?}");
}

#[test]
fn a_clock_an_hour_off_changes_nothing() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let right = named(&journal);
    let hour = 3_600_000_000_000;
    for span in &mut journal.inside.spans {
        (span.start, span.end) = (Nanos(span.start.0 + hour), Nanos(span.end.0 + hour));
    }
    let off = named(&journal);
    assert_eq!((off.span, off.begins_ns, off.until_ns), (right.span, right.begins_ns, right.until_ns));
    let clock = found(&journal).clock.expect("a bound");
    assert!(clock.least_ns.0 <= hour && hour <= clock.most_ns.0 && clock.width().as_ms() <= 4.1, "{clock:?}");
}

#[test]
fn a_clock_that_is_set_while_the_run_goes_on_is_bounded_scan_by_scan() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let right = named(&journal);
    let middle = journal.exchanges[journal.exchanges.len() / 2].sent.0 as i64;
    for span in journal.inside.spans.iter_mut().filter(|span| span.start.0 > middle) {
        (span.start, span.end) = (Nanos(span.start.0 + 300_000_000), Nanos(span.end.0 + 300_000_000));
    }
    match found(&journal).outcome {
        Outcome::Named(still) => assert_eq!(still.span, right.span),
        // Scans that were under way when it was set have two clocks.
        Outcome::CannotTell(_) => {}
        other => panic!("a wrong answer: {other:#?}"),
    }
}

#[test]
fn a_clock_that_drifts_is_bounded_by_each_scans_own_requests() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let right = named(&journal);
    let drifted = |at: Nanos| Nanos(at.0 + at.0 / 1_000);
    for span in &mut journal.inside.spans {
        (span.start, span.end) = (drifted(span.start), drifted(span.end));
    }
    let found = found(&journal);
    assert!(matches!(&found.outcome, Outcome::Named(still) if still.span == right.span), "{:#?}", found.outcome);
    let open = found.clock_by_scan_ns.expect("a bound all the same");
    assert!(found.clock.is_none() && open.0 <= 4_100_000, "{open:?}");
}

/// Gives spans an attribute.
fn say(span: &mut Span, name: &str, value: &str) {
    span.attributes.insert(Text::from(name), Text::from(value));
}

fn is_server(span: &Span) -> bool {
    span.kind == SpanKind::Server
}

/// A journal whose requests are answered by two machines by turns, and worked on by a third.
fn on_three_machines() -> Journal {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let traces: BTreeMap<TraceId, usize> =
        journal.inside.spans.iter().map(|span| span.trace).collect::<BTreeSet<_>>().into_iter().zip(0..).collect();
    for span in &mut journal.inside.spans {
        let host = if is_server(span) { ["web-1", "web-2"][traces[&span.trace] % 2] } else { "worker" };
        say(span, "host.name", host);
    }
    journal
}

#[test]
fn a_worker_is_assumed_to_have_the_clock_on_which_all_others_agree() {
    let named = named(&on_three_machines());
    assert_eq!((named.explained, named.of, named.clock_is_assumed), (50, 50, true));
}

#[test]
fn a_worker_with_a_clock_of_its_own_is_compared_with_nothing() {
    // Early by an hour, late by an hour, and early by less than the window.
    for off in [-3_600_000_000_000, 3_600_000_000_000, -900_000_000] {
        let mut journal = on_three_machines();
        for span in journal.inside.spans.iter_mut().filter(|span| span.attribute("host.name") == Some("worker")) {
            (span.start, span.end) = (Nanos(span.start.0 + off), Nanos(span.end.0 + off));
        }
        match found(&journal).outcome {
            Outcome::CannotTell(Unexplained::OtherClock { scans: 50, of: 50, .. }) => {}
            other => panic!("{off} ns: {other:#?}"),
        }
    }
}

#[test]
fn a_worker_that_goes_on_after_the_run_has_no_clock_of_its_own() {
    // A process for each job, as RQ forks them: the last one has nothing else to be judged by.
    let mut journal = traced(tried("deferred", &[]), &followed());
    let ended = journal.exchanges.iter().map(|one| one.done.0).max().expect("exchanges") as i64;
    let mut goes_on = Vec::new();
    for (n, span) in journal.inside.spans.iter_mut().enumerate().filter(|(_, span)| !is_server(span)) {
        let process = format!("of {:?}", span.trace);
        say(span, "service.instance.id", &process);
        let at = Nanos(ended + 200_000_000);
        goes_on.push(Span { span: SpanId::drawn(9, n as u64), name: Text::from("afterwards"), start: at, end: at, ..span.clone() });
    }
    journal.inside.spans.extend(goes_on);
    let named = named(&journal);
    assert_eq!((named.explained, named.of, named.clock_is_assumed), (50, 50, true));
}

#[test]
fn a_service_behind_another_is_bounded_by_the_request_that_it_was_sent() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let hour = 3_600_000_000_000;
    let mut gateway = Vec::new();
    for (n, span) in journal.inside.spans.iter_mut().enumerate() {
        say(span, "host.name", "inner");
        if is_server(span) {
            let id = |which: u64| SpanId::drawn(9, 2 * n as u64 + which);
            let mut outer = Span { span: id(0), attributes: BTreeMap::new(), ..span.clone() };
            let mut client = Span { span: id(1), parent: Some(id(0)), kind: SpanKind::Client, ..outer.clone() };
            (outer.start, outer.end) = (Nanos(span.start.0 - 2_000), Nanos(span.end.0 + 2_000));
            (client.start, client.end) = (Nanos(span.start.0 - 1_000), Nanos(span.end.0 + 1_000));
            span.parent = Some(id(1));
            for one in [&mut outer, &mut client] {
                say(one, "host.name", "gateway");
            }
            gateway.extend([outer, client]);
        }
        (span.start, span.end) = (Nanos(span.start.0 + hour), Nanos(span.end.0 + hour));
    }
    journal.inside.spans.extend(gateway);
    let named = named(&journal);
    assert_eq!((named.explained, named.of, named.clock_is_assumed), (50, 50, false), "{named:#?}");
    assert!((1_900.0..2_100.0).contains(&named.begins_ns.as_ms()), "{named:#?}");
}

#[test]
fn a_worker_with_one_trace_for_all_its_messages_is_followed_by_its_links() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let right = named(&journal);
    let own = TraceId::of(&[7; 16]).expect("an id");
    let inner: BTreeSet<SpanId> = journal.inside.spans.iter().filter(|span| !is_server(span)).map(|span| span.span).collect();
    for span in journal.inside.spans.iter_mut().filter(|span| !is_server(span)) {
        // Those that the request began, and those within what had not ended by the end.
        if span.parent.is_none_or(|parent| !inner.contains(&parent)) {
            span.links = vec![span.trace];
            span.parent = None;
        }
        span.trace = own;
    }
    let linked = named(&journal);
    assert_eq!((linked.explained, linked.of, linked.edge), (right.explained, right.of, right.edge));
    assert_eq!((linked.span.name, linked.span.place), (right.span.name, right.span.place));
}

#[test]
fn what_is_tried_again_in_some_scans_is_named_by_its_last_try() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let right = named(&journal);
    // One write of many has a name of its own.
    let mut counts: BTreeMap<TraceId, u32> = BTreeMap::new();
    for span in journal.inside.spans.iter_mut().filter(|span| span.name.as_str() == right.span.name) {
        let count = counts.entry(span.trace).or_default();
        *count += 1;
        if *count == right.span.occurrence {
            span.name = Text::from("publish");
        }
    }
    // Others are written at the same time, and would do as well.
    journal.inside.spans.retain(|span| span.name.as_str() != right.span.name);
    let mut tries = Vec::new();
    for (n, span) in journal.inside.spans.iter().filter(|span| span.name.as_str() == "publish").enumerate().filter(|(n, _)| n % 3 == 0) {
        let before = 500_000_000;
        tries.push(Span {
            span: SpanId::drawn(9, n as u64),
            start: Nanos(span.start.0 - before),
            end: Nanos(span.end.0 - before),
            failed: true,
            ..span.clone()
        });
    }
    assert!(tries.len() >= 16, "{}", tries.len());
    journal.inside.spans.extend(tries);
    let named = named(&journal);
    assert_eq!((named.explained, named.of), (50, 50));
    // What is around it ends at the same time, and would do as well; of the tries only the last one would.
    match named.span.name.as_str() {
        "publish" => assert_eq!((named.span.occurrence, &named.span.place), (0, &right.span.place)),
        around => assert_eq!(around, "write_record"),
    }
}

#[test]
fn a_queue_at_another_address_is_no_replica() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let posts: BTreeSet<TraceId> =
        journal.exchanges.iter().filter(|one| one.kind == Kind::Initiate).filter_map(|one| journal.trace_of(one)).collect();
    let compared = |journal: &mut Journal, written: (&str, &str), read: (&str, &str)| {
        for span in &mut journal.inside.spans {
            let (system, address) = if posts.contains(&span.trace) { written } else { read };
            say(span, "db.system.name", system);
            say(span, "server.address", address);
            say(span, "db.operation.name", if posts.contains(&span.trace) { "SET" } else { "GET" });
        }
        says(&found(journal), FaultClass::C, |statement| matches!(statement, Statement::ReadElsewhere { .. }))
    };
    for (written, read, is_replica) in [
        (("redis", "queue"), ("postgresql", "db-1"), false),
        (("redis", "queue"), ("redis", "10.0.0.7"), false),
        (("redis", "localhost"), ("redis", "127.0.0.1"), false),
        (("redis", "primary"), ("redis", "replica"), true),
    ] {
        assert_eq!(compared(&mut journal, written, read), is_replica, "{written:?} {read:?}");
    }
}

#[test]
fn a_span_that_fits_beside_another_address_leaves_both_open() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    for span in &mut journal.inside.spans {
        let is_write = span.name.as_str() == "SET";
        say(span, "db.system.name", "redis");
        say(span, "db.operation.name", if is_write { "SET" } else { "GET" });
        say(span, "server.address", if is_write { "primary" } else { "pool" });
    }
    let found = found(&journal);
    match &found.outcome {
        Outcome::CannotTell(Unexplained::ReadElsewhere { explained: 50, of: 50, span, .. }) => assert_eq!(span.name, "SET"),
        other => panic!("a copy, or the same database by another name: {other:#?}"),
    }
    assert!(says(&found, FaultClass::A, |_| true) && says(&found, FaultClass::C, |_| true), "{:#?}", found.facts);
}

#[test]
fn processes_that_share_one_id_speak_neither_for_nor_against_their_sharing_nothing() {
    let mut journal = traced(tried("zoo-b", &[]), &followed());
    for span in &mut journal.inside.spans {
        say(span, "service.instance.id", "made before the fork");
    }
    let facts = found(&journal).facts;
    assert!(facts.iter().all(|fact| fact.class != FaultClass::B), "{facts:#?}");
}

#[test]
fn spans_of_other_services_alone_are_said_to_be_so() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    journal.inside.spans.clear();
    journal.inside.intake = Some(SpanIntake { read: 40, foreign: 40, ..SpanIntake::default() });
    assert_eq!(found(&journal).outcome, Outcome::CannotTell(Unexplained::NoSpans { others: 40 }));
}

#[test]
fn spans_without_parents_are_matched_by_their_trace() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    for span in &mut journal.inside.spans {
        span.parent = None;
    }
    assert_eq!(named(&journal).explained, 50);
}

#[test]
fn spans_that_were_lost_are_said_to_be() {
    let mut journal = traced(tried("deferred", &[]), &followed());
    let all = journal.inside.spans.clone();
    journal.inside.spans.clear();
    assert_eq!(found(&journal).outcome, Outcome::CannotTell(Unexplained::NoSpans { others: 0 }));
    // Only a few POSTs were sampled.
    let posts: Vec<_> = journal.exchanges.iter().filter(|one| one.kind == Kind::Initiate).filter_map(|one| journal.trace_of(one)).collect();
    journal.inside.spans = all.iter().filter(|span| !posts[10..].contains(&span.trace)).cloned().collect();
    assert!(matches!(found(&journal).outcome, Outcome::CannotTell(Unexplained::FewWithSpans { with_spans: 10, of: 50 })));
    // The spans of the write were lost for some.
    let lost = |span: &&Span| is_server(span) || !posts[40..].contains(&span.trace);
    journal.inside.spans = all.iter().filter(lost).cloned().collect();
    match found(&journal).outcome {
        Outcome::CannotTell(Unexplained::NoneFits { explained: 40, have: 40, of: 50, .. }) => {}
        other => panic!("40 of 50 have the span that makes them visible: {other:#?}"),
    }
    // The write itself is not instrumented.
    journal.inside.spans = all
        .iter()
        .filter(|span| !span.name.contains("write") && !span.name.contains("SET") && !span.name.contains("run_"))
        .cloned()
        .collect();
    assert!(!matches!(found(&journal).outcome, Outcome::Named(_)), "{:#?}", found(&journal).outcome);
}

#[test]
fn spans_of_other_scans_explain_nothing() {
    let mut journal = traced(tried("sound", &[("registration-delay", "uniform(200ms,1500ms)")]), &followed());
    // Each POST's spans move by an amount of their own, as if they had nothing to do with the scan.
    for span in &mut journal.inside.spans {
        if span.start.0 > 0 && span.kind != statusgap::model::span::SpanKind::Server {
            let moved = i64::from(span.trace.bytes()[15]) * 11_000_000 - 1_000_000_000;
            (span.start, span.end) = (Nanos(span.start.0 + moved), Nanos(span.end.0 + moved));
        }
    }
    assert!(!matches!(found(&journal).outcome, Outcome::Named(_)), "{:#?}", found(&journal).outcome);
}

#[test]
fn polls_that_are_too_coarse_name_nothing() {
    let coarse = virtual_run::scenario("[load]\nscans = 50\nevery = '130ms'\n[polls]\noffsets = ['0s', '3s']\n");
    match found(&traced(tried("deferred", &[]), &coarse)).outcome {
        Outcome::CannotTell(Unexplained::Chance { p, .. }) => assert!(p > 0.05),
        other => panic!("brackets of 3 s prove nothing: {other:#?}"),
    }
}

#[test]
fn a_replica_is_no_span_of_the_post() {
    let found = found(&traced(tried("zoo-c", &[]), &followed()));
    // A stage of the work happens to end when the replica has caught up.
    assert!(!matches!(found.outcome, Outcome::Named(_)), "{:#?}", found.outcome);
    assert!(says(&found, FaultClass::C, |statement| matches!(statement, Statement::ReadElsewhere { .. })), "{:#?}", found.facts);
}

#[test]
fn a_queue_shows_in_how_long_messages_wait() {
    let burst = virtual_run::scenario(
        "[load]\nscans = 40\nevery = '0s'\n[polls]\noffsets = ['0s']\n[follow]\nevery = '50ms'\nuntil = 'visible'\ndeadline = '60s'\n",
    );
    let found = found(&traced(tried("zoo-e", &[]), &burst));
    assert!(says(&found, FaultClass::E, |statement| matches!(statement, Statement::MessageWaited { .. })), "{found:#?}");
}

#[test]
fn workers_that_share_nothing_are_told_by_who_answered() {
    let found = found(&traced(tried("zoo-b", &[]), &followed()));
    assert!(
        !found.facts.iter().any(|fact| fact.class == FaultClass::B && fact.stance == Stance::Against),
        "what is right is not contradicted: {:#?}",
        found.facts
    );
}

/// A few scans: polls of a window of 5 s are many.
fn of_a_few(preset: &str) -> Journal {
    let few = virtual_run::scenario(
        "[load]\nscans = 8\nevery = '130ms'\n[polls]\noffsets = ['0s']\n[follow]\nevery = '100ms'\nuntil = 'visible'\ndeadline = '8s'\n",
    );
    traced(tried(preset, &[]), &few)
}

/// The journal with a span of a cache in each poll's trace; `hits` says of the how manyth denial, or of a visible answer, whether it hit.
fn with_a_cache(journal: &Journal, hits: impl Fn(Option<usize>) -> bool) -> Journal {
    let mut journal = journal.clone();
    let mut denials: BTreeMap<u64, usize> = BTreeMap::new();
    let mut looked_up = Vec::new();
    for (n, poll) in journal.exchanges.iter().enumerate().filter(|(_, one)| one.kind == Kind::Poll) {
        let (Some(trace), Some(scan)) = (journal.trace_of(poll), poll.scan.get()) else { continue };
        let denial = (poll.answer == Answer::NotFound).then(|| {
            let count = denials.entry(scan).or_default();
            *count += 1;
            *count - 1
        });
        let at = Nanos(poll.sent.0 as i64 + 1_000);
        let mut span = Span {
            trace,
            span: SpanId::drawn(9, n as u64),
            parent: poll.trace,
            links: Vec::new(),
            kind: SpanKind::Internal,
            name: Text::from("cache.get"),
            start: at,
            end: at,
            failed: false,
            attributes: BTreeMap::new(),
        };
        say(&mut span, "cache.hit", if hits(denial) { "true" } else { "false" });
        looked_up.push(span);
    }
    journal.inside.spans.extend(looked_up);
    journal
}

fn says_that_a_cache_was_hit(journal: &Journal) -> bool {
    says(&found(journal), FaultClass::D, |statement| matches!(statement, Statement::CacheHit { .. }))
}

#[test]
fn a_cache_that_keeps_denials_is_told_by_its_hits() {
    let journal = of_a_few("zoo-d");
    // Filled by the first denial, or before; what is visible was looked up anew.
    for filled_before in [false, true] {
        let journal = with_a_cache(&journal, |denial| denial.is_some_and(|nth| nth > 0 || filled_before));
        assert!(says_that_a_cache_was_hit(&journal), "{filled_before}");
    }
    // Visible answers are kept as well, and the writer puts them there.
    assert!(says_that_a_cache_was_hit(&with_a_cache(&journal, |denial| denial != Some(0))));
}

#[test]
fn a_cache_that_every_request_hits_says_nothing_of_denials() {
    let journal = of_a_few("deferred");
    // Of sessions, say: it is asked for whatever is requested.
    assert!(!says_that_a_cache_was_hit(&with_a_cache(&journal, |_| true)));
    assert!(!says_that_a_cache_was_hit(&with_a_cache(&journal, |_| false)));
}

#[test]
fn what_is_instrumented_speaks_for_the_cause_that_was_measured() {
    let journal = traced(tried("deferred", &[]), &followed());
    let found = found(&journal);
    assert!(says(&found, FaultClass::A, |statement| matches!(statement, Statement::WrittenAfterAnswer { .. })), "{:#?}", found.facts);
    assert!(found.facts.iter().all(|fact| fact.agrees != Some(false)), "{:#?}", found.facts);
}

fn says(found: &Findings, class: FaultClass, what: impl Fn(&Statement) -> bool) -> bool {
    found.facts.iter().any(|fact| fact.class == class && fact.stance == Stance::For && what(&fact.statement))
}
