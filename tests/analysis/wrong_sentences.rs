//! Sentences of the diagnosis that were not true, each as a run written as a timeline, and what must be said instead.
use std::fmt::Write as _;

use statusgap::report::View;
use statusgap::report::sentences::exclusions::exclusion;

use crate::support::timeline::{Seen, journal, scenario, together};

const AT_100: &str = "[polls]\noffsets = [\"100ms\"]";

/// A run, and facts about it.
fn check(timeline: &str, expected: &[(&str, &str)]) {
    check_run(&Seen::of(&journal(scenario(AT_100), timeline)), timeline, expected);
}

fn check_run(seen: &Seen, timeline: &str, expected: &[(&str, &str)]) {
    for (fact, value) in expected {
        assert_eq!(seen.fact(fact), *value, "{fact} of\n{timeline}\n{:#?}", seen.analysis.diagnosis);
    }
}

fn next_step(timeline: &str) -> String {
    let run = journal(scenario(AT_100), timeline);
    let Seen { analysis, judgement } = Seen::of(&run);
    View::of(&run, &analysis, &judgement).next_step
}

/// One scan that is visible at all these ages but for some.
fn watched(ages: impl Iterator<Item = u32>, denied: impl Fn(u32) -> bool) -> String {
    ages.fold(String::new(), |mut line, age| {
        let _ = write!(line, "{age}={} ", if denied(age) { "n" } else { "v" });
        line
    })
}

/// Whether a scan's poll is denied, at a share of so many in a hundred, by a fixed disorder.
fn by_chance(scan: u32, poll: u32, percent: u32) -> bool {
    let mut x = u64::from(scan) * 0x9E37_79B9 + u64::from(poll) * 0x85EB_CA6B + 12345;
    for _ in 0..3 {
        x ^= x >> 15;
        x = x.wrapping_mul(0x2C1B_3C6D_1234_5677);
        x ^= x >> 29;
    }
    x % 100 < u64::from(percent)
}

// Too little to name a class.

#[test]
fn one_denial_among_many_polls_names_no_class() {
    let gate = |first: &str, second: &str| format!("{first}=v @100={second} @1000=v @2000=v");
    // At the planned age, a hair before the others' polls at the same age.
    check(
        &format!("{}\n106* {}", gate("20", "n"), gate("20", "v")),
        &[("causes", "none"), ("patterns", "too_few"), ("excluded B", "no"), ("excluded C'", "no")],
    );
    let dense = watched((1..350).map(|n| 10 * n), |age| age == 1700);
    check(&dense, &[("causes", "none"), ("patterns", "too_few"), ("excluded H", "no")]);
}

#[test]
fn the_same_poll_of_every_scan_is_told_by_its_place() {
    let scans: Vec<String> = (1..=10).map(|n| format!("20=v {}=n 3000=v 3500=v 4000=v", 100 * n)).collect();
    check(&scans.join("\n"), &[("causes", "none"), ("patterns", "same_poll")]);
}

// After the end.

#[test]
fn denials_that_all_come_after_an_end_that_was_seen_are_no_memory_of_workers() {
    let evicted = "100=v:run 300=v:run 500=v:run 700=v:done 950=v:done 1200=n\n".repeat(3);
    check(&evicted, &[("causes", "F"), ("strength", "Moderate"), ("patterns", "none"), ("undecided", "1")]);
    // The answer that showed the end may be what removed it.
    let read_once = "100=v:run 300=v:run 450=v:run 700=v:done 900=n 1150=n\n".repeat(3);
    check(&read_once, &[("causes", "F"), ("strength", "Moderate"), ("patterns", "none"), ("undecided", "2")]);
    let long =
        format!("{} 2000=v:done 2250=n 2500=n\n", (1..9).fold(String::new(), |line, n| format!("{line}{}=v:run ", 200 * n))).repeat(3);
    check(&long, &[("causes", "F"), ("patterns", "none")]);
    // Pollers that ask together for the end: one is answered, and the others find it gone.
    let pollers = "100=v:run 300=v:run 450=v:run 500=v:run 700=n 700=v:done 700=n 900=n 1150=n\n".repeat(2);
    check(&pollers, &[("causes", "F")]);
    // Some came back, or were denied before their end.
    let back = "100=v:run 300=n 500=v:run 700=v:done 950=n 1200=v:done 1400=n\n".repeat(6);
    check(&back, &[("causes", "B")]);
}

#[test]
fn one_late_job_among_many_is_a_possibility() {
    check("60* @100=v 500=v\n@100=n 300=n 500=v", &[("causes", "A"), ("either", "C"), ("strength", "Weak")]);
    check("57* @100=v 500=v\n4* @100=n 300=n 500=v", &[("causes", "A"), ("either", "C"), ("strength", "Moderate")]);
}

// At random.

#[test]
fn denials_at_random_are_told_as_such_at_any_share() {
    for percent in [3, 8, 15, 30] {
        let scans: Vec<String> =
            (0..40).map(|scan| format!("10=v {}", watched((1..=20).map(|n| 200 * n), |age| by_chance(scan, age / 200, percent)))).collect();
        check(&scans.join("\n"), &[("causes", "none"), ("patterns", "at_random"), ("excluded B", "no"), ("excluded M", "yes")]);
    }
}

#[test]
fn a_worker_of_any_weight_is_a_memory_of_its_own_where_the_scans_it_accepted_show_it() {
    // One worker in ten requests: nine scans in ten are denied now and then, and one nearly always.
    let scans: Vec<String> = (0..40)
        .map(|scan| {
            let of_small = scan % 10 == 3;
            format!("10=v {}", watched((1..=20).map(|n| 200 * n), |age| by_chance(scan, age / 200, 10) != of_small))
        })
        .collect();
    check(&scans.join("\n"), &[("causes", "B"), ("patterns", "none")]);
}

#[test]
fn two_equal_workers_are_still_memories_of_their_own() {
    let scans: Vec<String> =
        (0..12).map(|scan| format!("10=v {}", watched((1..=20).map(|n| 200 * n), |age| by_chance(scan, age / 200, 50)))).collect();
    check(&scans.join("\n"), &[("causes", "B"), ("strength", "Strong")]);
    // Where kept connections are denied as well, it may as well be chance.
    let kept: Vec<String> = scans.iter().map(|scan| format!("{scan} k/5000=v k/5100=n k/5200=n k/5300=v k/5400=n")).collect();
    check(&kept.join("\n"), &[("causes", "B"), ("strength", "Moderate")]);
}

// All at one time.

#[test]
fn what_was_denied_at_one_time_only_is_no_hole_in_the_life_of_scans() {
    // Two scans that are watched beside each other, of different ages; a stretch of half a second in which both are denied.
    let run = |denied: &dyn Fn(u32) -> bool| {
        let one = watched((1..60).map(|n| 250 * n), |age| denied(age + 1000));
        let other = watched((1..60).map(|n| 250 * n), |age| denied(age + 3000));
        let mut all = journal(scenario(AT_100), &format!("{one}\n{other}"));
        every(2000, &mut all);
        Seen::of(&all)
    };
    let blip = run(&|at| (6000..6600).contains(&at));
    check_run(&blip, "a blip", &[("causes", "none"), ("patterns", "one_stretch"), ("verdict", "fail")]);
}

/// Makes scans of a timeline meet: each is asked for so many ms after the one before it, instead of a minute.
fn every(ms: u64, all: &mut statusgap::model::run::Journal) {
    for exchange in &mut all.exchanges {
        let Some(scan) = exchange.scan.get() else { continue };
        for stamp in [&mut exchange.planned, &mut exchange.sent, &mut exchange.done] {
            stamp.0 -= scan * (60_000 - ms) * 1_000_000;
        }
    }
    statusgap::log::in_order(&mut all.exchanges);
}

#[test]
fn records_that_went_at_one_time_are_no_proof_of_a_lifetime() {
    let gone_from = |from: u32| watched((1..20).map(|n| 250 * n), |age| age >= from);
    let mut restart = journal(scenario(AT_100), &format!("{}\n{}", gone_from(4000), gone_from(2000)));
    every(2000, &mut restart);
    check_run(&Seen::of(&restart), "a restart", &[("causes", "F"), ("strength", "Moderate"), ("undecided", "1")]);
    let mut lifetime = journal(scenario(AT_100), &format!("{}\n{}", gone_from(2000), gone_from(2000)));
    every(2000, &mut lifetime);
    check_run(&Seen::of(&lifetime), "a lifetime", &[("causes", "F"), ("strength", "Strong"), ("undecided", "0")]);
}

#[test]
fn a_hole_at_one_age_of_scans_of_different_times_is_a_hole() {
    for wide in [100, 600, 3000] {
        let scan = watched((1..200).map(|n| 50 * n), |age| (2000..2000 + wide).contains(&age));
        check(&format!("3* {scan}"), &[("causes", "H"), ("strength", "Strong"), ("patterns", "none")]);
    }
    check(
        &watched((1..200).map(|n| 50 * n), |age| (2000..2600).contains(&age)),
        &[("causes", "H"), ("strength", "Moderate"), ("undecided", "1")],
    );
}

// Scans that are never seen.

#[test]
fn nothing_is_excluded_while_a_scan_was_never_seen() {
    check(
        "30* @100=v 1000=v\n3* @1000=n",
        &[("causes", "none"), ("patterns", "maybe_lost"), ("excluded K", "no"), ("excluded L", "no"), ("excluded M", "no")],
    );
    check("30* @100=v 1000=v", &[("excluded K", "yes"), ("excluded L", "yes"), ("excluded M", "yes")]);
}

#[test]
fn a_part_of_the_ids_that_is_never_seen_leaves_both_classes_open() {
    for parts in ["f", "0f", "01234567"] {
        let scans: Vec<String> = (0..96_u32)
            .map(|n| {
                let id = format!("{:07x}{:x}", n.wrapping_mul(0x9E37_79B9) >> 8, n % 16);
                let lost = parts.contains(&id[7..]);
                if lost { format!("id={id} 500=n 1000=n 2000=n 3000=n") } else { format!("id={id} 500=v 3000=v") }
            })
            .collect();
        check(&scans.join("\n"), &[("causes", "L"), ("either", "M"), ("patterns", "partition"), ("excluded M", "no")]);
        let single: Vec<String> = scans.iter().map(|scan| scan.replace(" 1000=n 2000=n 3000=n", "")).collect();
        check(&single.join("\n"), &[("causes", "L"), ("either", "M"), ("excluded M", "no")]);
    }
}

#[test]
fn scans_first_polled_when_others_were_gone_are_not_lost() {
    // Seen until 1.0 s, gone when next polled at 2.5 s: the others were polled from 2 s on, in between.
    let watched = "5=v 500=v 700=v 1003=v 2500=n 3000=n 3500=n 4000=n 4500=n";
    check(
        &format!("2* {watched}\n20* @2000=n 2200=n 2400=n 2450=n 5000=n\n20* 100=v"),
        &[("causes", "F"), ("excluded M", "no"), ("patterns", "none")],
    );
    // Where no scan was watched across the end of its life, it is open.
    check("20* @100=v 1000=v\n20* @2000=n 2500=n 3000=n 4000=n", &[("causes", "none"), ("patterns", "denied_late")]);
}

#[test]
fn a_queue_that_the_run_filled_itself_loses_no_job() {
    // Windows grow from 1 to 20 s; the last scans are still denied when the watch ends.
    let scans: Vec<String> = (1..=20)
        .map(|place| {
            let window = 1000 * place;
            watched((0..60).map(|n| 200 * n), |age| age < window)
        })
        .collect();
    let mut all = journal(scenario(AT_100), &scans.join("\n"));
    every(200, &mut all);
    check_run(&Seen::of(&all), "a queue", &[("causes", "none"), ("patterns", "still_waiting"), ("excluded M", "no")]);
}

#[test]
fn a_scan_is_lost_only_if_it_was_watched_for_twice_the_longest_window() {
    // Nobody who was asked for later was served before it.
    let late = "12* 100=n 1000=n 3000=n 3900=n 4000=v 5000=v";
    check(&format!("2* 100=n 1000=n 3000=n 6000=n 9000=n\n{late}"), &[("patterns", "still_waiting"), ("excluded M", "no")]);
    // Others were, but had waited for half as long themselves.
    let longer = "12* 100=n 1000=n 3000=n 290000=n 300000=v";
    check(&format!("2* 100=n 1000=n 3000=n 590000=n\n{longer}"), &[("patterns", "still_waiting"), ("excluded M", "no")]);
    let lost = Seen::of(&journal(scenario(AT_100), &format!("2* 100=n 1000=n 3000=n 6000=n 700000=n\n{late}")));
    assert!(lost.fact("causes").split(' ').any(|class| class == "M"), "{:#?}", lost.analysis.diagnosis);
}

#[test]
fn where_nothing_was_ever_seen_no_class_is_named_until_another_way_to_ask_shows_it() {
    let never = "8* 100=n 1000=n 2000=n 3000=n";
    check(never, &[("causes", "none"), ("patterns", "nothing_seen")]);
    let mut all = together(vec![journal(scenario(AT_100), never), journal(scenario(AT_100), "8* 1000=v 2000=v")]);
    for exchange in all.exchanges.iter_mut().filter(|exchange| exchange.scenario == 1) {
        if exchange.kind == statusgap::model::exchange::Kind::Poll {
            exchange.route = Some(statusgap::model::exchange::Route::AsInitiator);
        }
    }
    check_run(&Seen::of(&all), "as the initiator", &[("causes", "K"), ("strength", "Strong"), ("patterns", "none")]);
}

// Late, or a copy that lags.

#[test]
fn without_a_second_write_late_and_lagging_are_one_answer() {
    let timeline = "12* @100=n 600=n 700=v 900=v 1500=v";
    check(timeline, &[("causes", "A"), ("either", "C"), ("strength", "Moderate")]);
    let advice = next_step(timeline);
    assert!(
        advice.starts_with("Two causes explain what was seen equally well: written late (A) or read from a lagging copy (C)"),
        "{advice}"
    );
}

#[test]
fn progress_and_the_witness_tell_a_late_record_from_a_lagging_copy() {
    // Half done when first visible at 1 s, as if begun with the id.
    check("6* 100=n 900=n 1000=v:run:50 1300=v:run:50 1500=v:run:75", &[("causes", "A"), ("either", "none"), ("strength", "Moderate")]);
    // The same, and it may be counted by the clock whenever it is read, in a copy as well.
    check("6* 100=n 900=n 1000=v:run:50 1300=v:run:65 1500=v:run:75", &[("causes", "A"), ("either", "C")]);
    // Just begun when first visible: either.
    check("6* 100=n 900=n 1000=v:run:5 1500=v:run:30", &[("causes", "A"), ("either", "C")]);
    // The witness says that it has ended, and status shows the end as late as the beginning.
    check("6* 100=n 900=n 1000=v:run 2000=v:run w/2010=v:done 2900=v:run 3100=v:done", &[("either", "none"), ("excluded A", "no")]);
}

// Advice.

#[test]
fn advice_without_a_class_says_what_broke_and_what_to_ask() {
    let late = "58* @100=v\n2* @100=v 200=v:run:50 300=v:run:10";
    let advice = next_step(late);
    assert!(!advice.contains("Start with the first proof"), "{advice}");
    let lost = next_step("30* @100=v 1000=v\n3* @1000=n");
    assert!(lost.contains("3 of 33 scans were denied") && lost.contains("many-ids"), "{lost}");
    let chance = next_step(&format!("106* 20=v @100=v @1000=v\n{}", "20=v @100=n @1000=v"));
    assert!(chance.contains("too few to tell"), "{chance}");
}

#[test]
fn what_is_ruled_out_names_size_and_power() {
    let seen = Seen::of(&journal(scenario(AT_100), "20* @100=v:run 500=v:done 1500=v:done 6500=v:done"));
    let by = |letter: &str| {
        let out = seen.analysis.diagnosis.ruled_out.iter().find(|out| out.class.letter() == letter);
        exclusion(out.unwrap_or_else(|| panic!("{letter} is not ruled out: {:#?}", seen.analysis.diagnosis)))
    };
    assert!(by("F").starts_with("no eviction within 5.998 s of the end"), "{}", by("F"));
    assert!(by("M").contains("more than 14 % lost would have shown with 95 %"), "{}", by("M"));
    assert!(by("B").contains("from one client address"), "{}", by("B"));
    assert!(by("A").contains("in more than 14 % of scans would have shown"), "{}", by("A"));
}
