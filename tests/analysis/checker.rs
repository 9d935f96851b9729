//! What the analysis, the verdict and the diagnosis mean, case by case: a run written as a timeline, and the facts it must give.
//! The notation stands in `timeline/mod.rs`; `scripts/mutants` shows that these cases notice when a rule is broken.

use crate::support::timeline;

use statusgap::model::answer::Answer;
use statusgap::model::contact::{self, Contact, Unrouted};
use statusgap::model::exchange::Kind;
use statusgap::model::run::{EndReason, Flaw, FlawKind, Journal};
use statusgap::model::time::Nanos;
use statusgap::report::View;
use statusgap::report::sentences::facts::fact;
use statusgap::verdict::{Reason, Verdict};
use timeline::{Seen, journal, scenario, together};

/// A run under a scenario, and facts about it.
fn check_in(telling: &str, timeline: &str, expected: &[(&str, &str)]) {
    let seen = Seen::of(&journal(scenario(telling), timeline));
    for (fact, value) in expected {
        assert_eq!(seen.fact(fact), *value, "{fact} of\n{timeline}\n{:?}\n{:?}", seen.judgement.reasons, seen.analysis.diagnosis);
    }
}

/// A run that polls at 100 ms, and perhaps later, and facts about it.
fn check(timeline: &str, expected: &[(&str, &str)]) {
    check_in(AT_100, timeline, expected);
}

const AT_100: &str = "[polls]\noffsets = [\"100ms\"]";
const TO_THE_END: &str =
    "[polls]\noffsets = [\"100ms\"]\n[follow]\nuntil = \"terminal\"\nevery = \"1s\"\ndeadline = \"30s\"\n[expect]\nlate_at_most = 1.0";
const ONLY_FOLLOWED: &str = "[follow]\nuntil = \"visible\"\nevery = \"100ms\"\ndeadline = \"5s\"";

// The window of one scan.

#[test]
fn the_bracket_goes_from_the_last_denial_sent_to_the_first_sight_received() {
    check("@100=n 300=n 500+4=v 700=v", &[("brackets", "(300, 504]"), ("denied", "1")]);
    check("@100=v 300=v", &[("brackets", "(0, 102]"), ("denied", "0")]);
}

#[test]
fn a_scan_that_is_never_seen_is_censored_and_stays_in_the_estimate() {
    check("@100=n 4000=n", &[("brackets", "(4000, ∞)"), ("never", "1"), ("flapping", "0")]);
    check(
        "6* @100=n 200=v\n4* @100=n 4000=n",
        &[("quantile 0.5", "100..202 at most ∞ NotIdentified"), ("never", "4"), ("by 100", "0.00..0.00")],
    );
    check("4* @100=n 200=v\n6* @100=n 4000=n", &[("quantile 0.5", "4000..∞ at most ∞ NotIdentified")]);
}

#[test]
fn windows_that_share_an_end_do_not_overlap() {
    // Half end by 1 ms, half last at 1 ms: intervals closed at both ends would let all of them end at 1 ms.
    check_in(
        "[polls]\noffsets = [\"1ms\"]",
        "5* 0.5+0.5=v\n5* 1=n 1.5+0.5=v",
        &[("brackets", &["(0, 1]"; 5].into_iter().chain(["(1, 2]"; 5]).collect::<Vec<_>>().join(" ")), ("by 1", "0.50..0.50")],
    );
}

#[test]
fn the_share_visible_by_a_planned_age_is_what_the_polls_of_that_age_found() {
    let at_once = "[polls]\noffsets = [\"0s\"]";
    check_in(at_once, "5* @0=v", &[("by 0", "1.00..1.00"), ("brackets", "(0, 2] (0, 2] (0, 2] (0, 2] (0, 2]")]);
    check_in(at_once, "5* @0=v\n5* @0=n 100=v", &[("by 0", "0.50..0.50")]);
    check("50* @100=v", &[("by 100", "1.00..1.00"), ("limits 100", "0.93..1.00 of 50")]);
    check("50* @100=n 300=v", &[("by 100", "0.00..0.00"), ("limits 100", "0.00..0.07 of 50")]);
}

#[test]
fn a_planned_poll_that_was_late_or_told_nothing_counts_as_either() {
    check("8* @100=v\n@100=5xx 400=v\n190@100=v", &[("by 100", "0.80..1.00"), ("limits 100", "0.44..1.00 of 10")]);
    // Another poll of the same scan may tell nevertheless.
    check("8* @100=v\n50=v @100=5xx\n190@100=n 400=v", &[("by 100", "0.90..0.90")]);
    check("8* @100=v\n2* @100=lost", &[("by 100", "0.80..1.00"), ("no-evidence", "2")]);
}

#[test]
fn a_scan_that_was_never_to_be_polled_at_an_age_says_nothing_of_the_share_by_then() {
    let dealt = "[polls]\noffsets = [\"100ms\", \"2s\"]\neach = \"one\"";
    check_in(
        dealt,
        "20* @100=n 300=v\n30* @2000=v",
        &[("by 100", "0.00..0.00"), ("limits 100", "0.00..0.17 of 20"), ("by 2000", "1.00..1.00")],
    );
}

#[test]
fn the_bracket_is_made_of_actual_instants_not_of_planned_ones() {
    check("119@100=n 300=v", &[("brackets", "(119, 302]"), ("at 100", "1/1 late 0 other 0")]);
    check("190@100=n 300=v", &[("brackets", "(190, 302]"), ("at 100", "0/0 late 1 other 0")]);
}

#[test]
fn what_is_no_evidence_widens_the_bracket_and_is_not_a_denial() {
    for answer in ["lost", "5xx", "429", "403", "bad"] {
        check(
            &format!("20+1=n +50@100={answer} 400=v"),
            &[("brackets", "(20, 402]"), ("at 100", "0/0 late 0 other 1"), ("checked read-your-writes", "1/1")],
        );
        check(&format!("@100={answer} 400=v"), &[("brackets", "(0, 402]"), ("broken", "none"), ("denied", "0")]);
        check(&format!("@100={answer} 400={answer}"), &[("brackets", "none"), ("no-evidence", "1"), ("broken", "none")]);
    }
}

#[test]
fn a_denial_before_the_id_was_known_breaks_nothing() {
    check("-5=n 300=v", &[("brackets", "(0, 302]"), ("denied", "0"), ("broken", "none")]);
    check("0=n 300=v", &[("brackets", "(0, 302]"), ("denied", "1"), ("broken", "read-your-writes")]);
    // Seen before the initiate was answered: from then on a denial is one.
    check("-8+2=v -5+1=n 300=v", &[("denied", "1"), ("flapping", "1")]);
}

#[test]
fn after_a_cancel_a_denial_is_right() {
    check("@100=v x/200=v 300=n", &[("brackets", "(0, 102]"), ("denied", "0"), ("broken", "none")]);
}

// Flaps.

#[test]
fn a_denial_after_a_sight_is_a_flap_and_has_no_window() {
    check(
        "@100=v 500=n 900=v",
        &[("flapping", "1"), ("brackets", "none"), ("broken", "read-your-writes monotonic-visibility"), ("verdict", "fail")],
    );
}

#[test]
fn a_sight_still_under_way_proves_no_flap() {
    check("100+900=v 500=n 1500=v", &[("flapping", "0"), ("brackets", "(500, 1000]"), ("broken", "read-your-writes")]);
    // Answered in the very instant in which the denial was asked for: neither came first.
    check("100+400=v 500=n 900=v", &[("flapping", "0"), ("brackets", "(500, 902]")]);
    check("100+399=v 500=n 900=v", &[("flapping", "1")]);
}

#[test]
fn a_few_flaps_may_be_tolerated_and_a_denial_before_the_first_sight_is_none() {
    let tolerant = "[polls]\noffsets = [\"100ms\"]\n[expect]\nflaps_at_most = 1";
    check_in(tolerant, "59* @100=v\n@100=v 500=n 900=v", &[("verdict", "pass"), ("broken", "read-your-writes monotonic-visibility")]);
    check_in(tolerant, "59* @100=v\n2* @100=v 500=n 900=v", &[("verdict", "fail")]);
    check_in(tolerant, "59* @100=v\n@100=v 500=n 900=v\n50=n @100=v", &[("verdict", "fail"), ("reasons", "broken")]);
    check_in(tolerant, "59* @100=v\n50=v @100=n 900=v", &[("verdict", "fail"), ("reasons", "not_found")]);
    check("59* @100=v\n@100=v 500=n 900=v", &[("verdict", "fail")]);
}

// The gate.

#[test]
fn a_late_poll_is_void_for_its_offset_however_it_is_answered() {
    check("4* @100=v\n126@100=n", &[("at 100", "0/4 late 1 other 0")]);
    check("4* @100=v\n125@100=n", &[("at 100", "1/5 late 0 other 0"), ("reasons", "not_found broken")]);
    check("20* @100=v\n74@100=v", &[("at 100", "0/20 late 1 other 0")]);
    check("3* 126@100=v", &[("verdict", "inconclusive"), ("reasons", "no_samples late")]);
    check("7* @100=v\n3* 300@100=v", &[("verdict", "inconclusive"), ("reasons", "late")]);
}

#[test]
fn a_pass_says_what_it_could_have_missed() {
    check("59* @100=v", &[("verdict", "pass"), ("could-miss", "0.0495"), ("causes", "none")]);
    check("58* @100=v\n@100=n 200=v", &[("verdict", "fail"), ("could-miss", "–"), ("at 100", "1/59 late 0 other 0")]);
}

#[test]
fn a_tolerated_rate_must_be_shown_not_hoped_for() {
    let tolerant = "[polls]\noffsets = [\"100ms\"]\n[expect]\nnot_found = { at_most = 0.05, confidence = 0.95 }";
    check_in(tolerant, "59* @100=v", &[("verdict", "pass")]);
    check_in(tolerant, "58* @100=v", &[("verdict", "inconclusive"), ("reasons", "rate_unproven")]);
    check_in(tolerant, "99* @100=v\n@100=n 200=v", &[("verdict", "pass"), ("broken", "read-your-writes")]);
    check_in(tolerant, "50* @100=v\n3* @100=n 200=v", &[("verdict", "inconclusive"), ("reasons", "rate_unproven")]);
    check_in(tolerant, "50* @100=v\n10* @100=n 200=v", &[("verdict", "fail"), ("reasons", "rate_too_high")]);
}

#[test]
fn polls_of_one_scan_count_as_one_in_the_limits() {
    let tolerant = "[polls]\noffsets = [\"100ms\"]\npollers = 6\n[expect]\nnot_found = { at_most = 0.05, confidence = 0.95 }";
    check_in(
        tolerant,
        "10* @100=v @100=v @100=v @100=v @100=v @100=v",
        &[("at 100", "0/60 late 0 other 0"), ("verdict", "inconclusive"), ("reasons", "rate_unproven")],
    );
}

#[test]
fn where_denials_are_tolerated_a_flap_still_is_not() {
    let any = "[polls]\noffsets = [\"100ms\"]\n[expect]\nnot_found = \"any\"";
    check_in(any, "5* @100=n 200=v", &[("verdict", "pass")]);
    check_in(any, "5* @100=v 200=n", &[("verdict", "fail"), ("reasons", "broken")]);
}

#[test]
fn a_quantile_needs_enough_scans_before_it_is_a_number() {
    let limit = "[polls]\noffsets = [\"100ms\"]\n[expect]\nwindow = { p99 = \"1s\" }";
    check_in(limit, "298* @100=v", &[("verdict", "inconclusive"), ("reasons", "window_unproven")]);
    check_in(limit, "298* @100=v", &[("quantile 0.99", "0..102 at most ∞ TooFew { needs: 299 }")]);
    check_in(limit, "299* @100=v", &[("verdict", "pass"), ("quantile 0.5", "0..102 at most 102 NotIdentified")]);
    // Of five windows only the longest bounds the median: four of five lie below it by chance in 19 % of runs.
    check("4* @100=v\n@100=n 3000=v", &[("quantile 0.5", "100..102 at most 3002")]);
}

#[test]
fn a_window_is_too_long_only_beyond_doubt() {
    let limit = "[polls]\noffsets = [\"100ms\"]\n[expect]\nnot_found = \"any\"\nwindow = { p50 = \"150ms\" }";
    check_in(limit, "20* @100=n 180=n 200=v", &[("verdict", "fail"), ("reasons", "window_too_long")]);
    check_in(limit, "20* @100=n 200=v", &[("verdict", "inconclusive"), ("reasons", "window_unproven")]);
    check_in(limit, "20* @100=n 140+5=v", &[("verdict", "pass")]);
}

// Controls.

#[test]
fn a_never_issued_id_that_is_visible_makes_the_run_inconclusive() {
    check(
        "control n v\n5* @100=n 500=v",
        &[("verdict", "inconclusive"), ("broken", "honesty read-your-writes"), ("causes", "N"), ("could-miss", "–")],
    );
    check("control v\n5* @100=v", &[("verdict", "inconclusive"), ("reasons", "unknown_id_visible")]);
}

#[test]
fn a_wrong_control_voids_the_other_scenarios_too() {
    let denied = journal(scenario(AT_100), "5* @100=n 500=v");
    let masked = journal(scenario(AT_100), "control v\n5* @100=v");
    let alone = Seen::of(&denied);
    assert_eq!(alone.fact("verdict"), "fail");
    let both = Seen::of(&together(vec![denied, masked]));
    assert_eq!([both.fact("verdict"), both.fact("reasons"), both.fact("causes")], ["inconclusive", "unknown_id_visible", "N"]);
}

#[test]
fn a_control_that_nobody_answered_leaves_a_clean_run_open() {
    for answer in ["lost", "5xx", "429"] {
        check(&format!("control {answer}\n59* @100=v"), &[("verdict", "inconclusive"), ("reasons", "no_control")]);
    }
    check("control 403\n59* @100=v", &[("verdict", "pass"), ("checked honesty", "0/1")]);
    check("control lost\n9* @100=v\n@100=n 200=v", &[("verdict", "fail")]);
}

#[test]
fn a_foreign_user_who_sees_the_scan_breaks_isolation() {
    check(
        "9* @100=v f/50=n\n@100=v f/50=v",
        &[("broken", "isolation"), ("checked isolation", "1/10"), ("verdict", "fail"), ("causes", "Q")],
    );
    check("10* @100=v f/50=403", &[("checked isolation", "0/10"), ("excluded Q", "yes"), ("verdict", "pass")]);
    check("10* @100=v f/50=5xx", &[("checked isolation", "0/0"), ("excluded Q", "no")]);
}

// Silence never passes.

#[test]
fn a_run_without_samples_never_passes() {
    check("", &[("verdict", "inconclusive"), ("reasons", "no_scans no_samples")]);
    check("10* refused", &[("verdict", "inconclusive"), ("reasons", "no_scans no_samples")]);
    check("10* 50=v", &[("verdict", "inconclusive"), ("reasons", "no_samples")]);
}

#[test]
fn a_run_of_errors_never_passes() {
    for answer in ["lost", "5xx", "429", "bad"] {
        check(&format!("10* @100={answer}"), &[("verdict", "inconclusive"), ("reasons", "no_samples polls_failed")]);
        check(&format!("8* @100=v\n2* @100={answer}"), &[("verdict", "inconclusive"), ("reasons", "polls_failed")]);
        check(&format!("18* @100=v\n2* @100={answer}"), &[("verdict", "pass")]);
        check(&format!("8* @100={answer}\n@100=v\n@100=n 200=v"), &[("verdict", "fail")]);
    }
    check("8* @100=v\n2* refused", &[("verdict", "inconclusive"), ("reasons", "initiates_failed")]);
}

#[test]
fn one_request_that_failed_is_an_accident_of_the_network_in_a_small_scenario_too() {
    check("5* @100=v\nrefused", &[("verdict", "pass")]);
    check("5* @100=v\n@100=5xx", &[("verdict", "pass")]);
    check("4* @100=v\n2* refused", &[("verdict", "inconclusive"), ("reasons", "initiates_failed")]);
    check("refused", &[("verdict", "inconclusive")]);
    check("@100=5xx", &[("verdict", "inconclusive")]);
    check_in(&format!("{AT_TWO}\n[expect]\nerrors_at_most = 0.0"), "5* @0=v @100=v\n@0=v @100=5xx", &[("verdict", "inconclusive")]);
}

#[test]
fn an_unlisted_word_that_reads_as_a_denial_is_no_sight_of_the_job() {
    let words = [("not_found", "inconclusive"), ("UNKNOWN", "inconclusive"), ("NoSuchJob", "inconclusive"), ("warming", "pass")];
    for (word, verdict) in words {
        let mut run = journal(scenario(AT_TWO), &format!("20* @0=v:odd.{word} @100=v:run"));
        for exchange in run.exchanges.iter_mut().filter(|exchange| exchange.kind == Kind::Poll) {
            exchange.http = Some(200);
        }
        let seen = Seen::of(&run);
        assert_eq!(seen.fact("verdict"), verdict, "{word}: {:?}", seen.judgement.reasons);
    }
}

// What a never-issued id is answered with, and polls that tell nothing.

const AT_TWO: &str = "[polls]\noffsets = [\"0s\", \"100ms\"]";

#[test]
fn a_handed_out_id_that_is_answered_as_a_never_issued_one_is_denied() {
    for answer in ["403", "n"] {
        let told = format!("control {answer} {answer}\n59* @0=v @100=v\n@0={answer} @100=v");
        check_in(
            AT_TWO,
            &told,
            &[("verdict", "fail"), ("broken", "read-your-writes"), ("at 0", "1/60 late 0 other 0"), ("checked honesty", "0/2")],
        );
    }
    // Refused everywhere but for the never-issued ids, it is not a denial.
    check_in(AT_TWO, "control n n\n59* @0=v @100=v\n@0=403 @100=v", &[("verdict", "pass"), ("at 0", "0/59 late 0 other 1")]);
    // An error of the service says nothing of an id, whoever is answered so.
    check_in(AT_TWO, "control 5xx 5xx\n59* @0=v @100=v\n@0=5xx @100=v", &[("verdict", "inconclusive"), ("broken", "none")]);
}

#[test]
fn a_refusal_denies_only_if_never_issued_ids_are_refused_with_the_same_code() {
    for (control, poll, verdict) in [(403, 403, "fail"), (401, 403, "pass"), (400, 400, "fail"), (429, 429, "pass"), (404, 403, "pass")] {
        let answers = |code: u16| match code {
            404 => "n",
            429 => "429",
            400 => "bad",
            _ => "403",
        };
        let told = format!("control n {}\n59* @0=v @100=v\n@0={} @100=v", answers(control), answers(poll));
        let mut run = journal(scenario(AT_TWO), &told);
        for exchange in &mut run.exchanges {
            let code = if exchange.kind == Kind::UnknownPoll { control } else { poll };
            exchange.http = (!matches!(exchange.answer, Answer::Visible | Answer::Accepted)).then_some(code);
        }
        let seen = Seen::of(&run);
        assert_eq!(seen.fact("verdict"), verdict, "controls {control}, a poll {poll}: {:?}", seen.judgement.reasons);
    }
}

#[test]
fn a_redirect_denies_only_if_never_issued_ids_are_led_to_the_same_place() {
    for (page, verdict) in [("/not-found", "fail"), ("/elsewhere", "pass")] {
        let mut run = journal(scenario(AT_TWO), "control n bad\n59* @0=v @100=v\n@0=bad @100=v");
        for exchange in run.exchanges.iter_mut().filter(|exchange| exchange.answer == Answer::Malformed) {
            let to = if exchange.kind == Kind::UnknownPoll { "/not-found" } else { page };
            exchange.http = Some(302);
            exchange.body = Some(format!("[HTTP 302 redirects to {to}] ").as_str().into());
        }
        let seen = Seen::of(&run);
        assert_eq!(seen.fact("verdict"), verdict, "a poll that is led to {page}: {:?}", seen.judgement.reasons);
    }
}

#[test]
fn a_service_that_refuses_never_issued_ids_can_pass() {
    check_in(AT_TWO, "control 403 403\n59* @0=v @100=v", &[("verdict", "pass"), ("checked honesty", "0/2"), ("excluded N", "yes")]);
}

#[test]
fn a_refusal_denies_nothing_where_the_caller_may_have_been_locked_out() {
    // Nothing was ever visible: the credentials are wrong, and a refused control is not a control.
    check(
        "control 403 403\n10* @100=403",
        &[("verdict", "inconclusive"), ("reasons", "no_control no_samples polls_failed"), ("broken", "none"), ("causes", "none")],
    );
    // Nothing was visible any more: a token that expired looks alike.
    check_in(AT_TWO, "control 403\n59* @0=v @100=v\n@0=v @100=403", &[("verdict", "pass"), ("broken", "none")]);
    check_in(AT_TWO, "control 403\n40* @0=v @100=v\n20* @0=403 @100=403", &[("verdict", "inconclusive"), ("broken", "none")]);
}

#[test]
fn losses_that_gather_at_one_age_make_it_inconclusive_and_come_first() {
    for answer in ["5xx", "403", "429", "lost", "bad"] {
        let told = format!("20* @0={answer} @100=v\n280* @0=v @100=v");
        check_in(AT_TWO, &told, &[("verdict", "inconclusive"), ("reasons", "lost")]);
        check_in(AT_TWO, &format!("{told}\ncut"), &[("reasons", "cut_off lost")]);
        // Also where there is no other offset.
        check_in("[polls]\noffsets = [\"0s\"]", &format!("20* @0={answer} 300=v\n280* @0=v"), &[("reasons", "lost")]);
        // A denial is one, whatever else was lost.
        check_in(AT_TWO, &format!("{told}\n@0=n @100=v"), &[("verdict", "fail")]);
    }
    // A third of one offset is a twelfth of all polls.
    let four = "[polls]\noffsets = [\"0s\", \"100ms\", \"500ms\", \"2s\"]";
    check_in(four, "10* @0=5xx @100=v @500=v @2000=v\n20* @0=v @100=v @500=v @2000=v", &[("reasons", "lost")]);
}

#[test]
fn first_polls_that_fail_where_later_ones_do_not_leave_no_pass() {
    let lenient = "[polls]\noffsets = [\"0s\"]\n[expect]\nerrors_at_most = 0.5";
    let followed = "[polls]\noffsets = [\"100ms\"]\n[expect]\nerrors_at_most = 0.5";
    let polls =
        |first: &str, later: &str| format!("@100={first} {}", (2..80).map(|at| format!("{at}00={later}")).collect::<Vec<_>>().join(" "));
    let judged = |at_once: &str, watched: &str| {
        let seen = Seen::of(&together(vec![journal(scenario(lenient), at_once), journal(scenario(followed), watched)]));
        (seen.fact("verdict"), seen.fact("reasons"))
    };
    let expected = |verdict: &str, reasons: &str| (verdict.to_owned(), reasons.to_owned());
    for answer in ["5xx", "403", "lost", "bad"] {
        let some = format!("6* @0={answer}\n21* @0=v");
        assert_eq!(judged(&some, &format!("5* {}", polls("v", "v"))), expected("inconclusive", "first_polls"), "{answer}");
        // Errors at any age are the network's, or the service's.
        let everywhere = format!("5* {}", polls("v", "v").replace("500=v", &format!("500={answer}")));
        assert_eq!(judged(&some, &everywhere).0, "pass", "{answer}");
        // One is an accident.
        assert_eq!(judged(&format!("@0={answer}\n26* @0=v"), &format!("5* {}", polls("v", "v"))).0, "pass");
    }
    // 429 asks for a pause, and says nothing of the scan.
    assert_eq!(judged("6* @0=429\n21* @0=v", &format!("5* {}", polls("v", "v"))).0, "pass");
}

#[test]
fn a_few_polls_lost_here_and_there_leave_a_pass_and_widen_its_bound() {
    let clean = |n: u32| format!("{n}* @0=v @100=v");
    check_in(AT_TWO, &clean(299), &[("verdict", "pass"), ("could-miss", "0.0100")]);
    for answer in ["5xx", "403", "429", "lost", "bad"] {
        // Each lost poll may have been a denial: 2 of 299 allow for 2.1 %, as clopper_pearson does.
        let told = format!("2* @0={answer} @100=v\n{}", clean(297));
        check_in(AT_TWO, &told, &[("verdict", "pass"), ("could-miss", "0.0209")]);
        let told = format!("4* @0={answer} @100=v\n4* @0=v @100={answer}\n{}", clean(292));
        check_in(AT_TWO, &told, &[("verdict", "pass"), ("could-miss", "0.0303")]);
    }
    // One lost poll of four is not a tenth of anything.
    let four = "[polls]\noffsets = [\"0s\", \"100ms\", \"500ms\", \"2s\"]";
    check_in(four, "@0=5xx @100=v @500=v @2000=v\n3* @0=v @100=v @500=v @2000=v", &[("verdict", "pass"), ("could-miss", "0.7514")]);
}

#[test]
fn what_a_pass_could_miss_is_that_of_the_age_of_which_least_is_known() {
    let dealt = "[polls]\noffsets = [\"100ms\", \"2s\"]\neach = \"one\"";
    check_in(dealt, "20* @2000=v\n59* @100=v", &[("verdict", "pass"), ("could-miss", "0.1391")]);
    check_in(AT_TWO, "20* @0=v @100=v\n39* 190@0=v @100=v", &[("could-miss", "–")]);
    check_in(&format!("{AT_TWO}\n[expect]\nlate_at_most = 0.5"), "20* @0=v @100=v\n39* 90@0=v @100=v", &[("could-miss", "0.1391")]);
}

#[test]
fn a_lost_poll_never_helps_a_tolerated_rate_to_pass() {
    let tolerant = "[polls]\noffsets = [\"100ms\"]\n[expect]\nnot_found = { at_most = 0.01 }";
    check_in(tolerant, "299* @100=v", &[("verdict", "pass")]);
    check_in(tolerant, "299* @100=v\n@100=5xx", &[("verdict", "inconclusive"), ("reasons", "rate_unproven")]);
    check_in(tolerant, "480* @100=v\n@100=5xx", &[("verdict", "pass")]);
    // Four clean scans pass the sequential test: (0.5 / 0.9)^4 < 0.1 / 0.9. A lost one weighs as much as a denied one.
    let by_turns = "[load]\ndetect = { rate = 0.5, power = 0.9 }\n[polls]\noffsets = [\"100ms\"]\n[expect]\n\
        not_found = { at_most = 0.1, confidence = 0.9 }\nstop = \"decided\"\nerrors_at_most = 0.5";
    check_in(by_turns, "4* @100=v", &[("verdict", "pass")]);
    check_in(by_turns, "@100=lost\n6* @100=v", &[("verdict", "inconclusive"), ("reasons", "rate_undecided")]);
    check_in(by_turns, "@100=lost\n7* @100=v", &[("verdict", "pass")]);
    check_in(by_turns, "5* @100=lost\n2* @100=n 300=v", &[("verdict", "fail")]);
}

#[test]
fn a_log_that_is_cut_off_never_passes_but_still_fails() {
    check("59* @100=v\ncut", &[("verdict", "inconclusive"), ("reasons", "cut_off")]);
    check("9* @100=v\n@100=n 200=v\ncut", &[("verdict", "fail")]);
}

#[test]
fn a_log_that_lacks_lines_never_passes_but_still_fails() {
    let lacks_a_line = |telling: &str, timeline: &str| {
        let mut journal = journal(scenario(telling), timeline);
        if let Some(end) = &mut journal.end {
            end.flaws.push(Flaw { shard: None, kind: FlawKind::Count { written: end.exchanges + 1, read: end.exchanges } });
        }
        Seen::of(&journal).judgement.verdict
    };
    assert_eq!(lacks_a_line(AT_100, "59* @100=v"), Verdict::Inconclusive);
    assert_eq!(lacks_a_line(AT_100, "9* @100=v\n@100=n 200=v"), Verdict::Fail, "the denial is there");
    // Sights may be among the lines that are missing, and so may the poll that saw the end.
    let tolerant = "[polls]\noffsets = [\"100ms\"]\n[expect]\nnot_found = { at_most = 0.05, confidence = 0.95 }";
    assert_eq!(lacks_a_line(tolerant, "50* @100=v\n10* @100=n 200=v"), Verdict::Inconclusive);
}

#[test]
fn scans_that_share_an_id_prove_nothing() {
    check("10* id=one @100=v", &[("verdict", "inconclusive"), ("reasons", "warm_ids")]);
}

// States, echoes, endpoints.

#[test]
fn an_answer_for_another_scan_breaks_the_echo_and_nothing_else() {
    check("5* id=a @100=v~a\n@100=v:done~other 300=v:run", &[("broken", "echo"), ("verdict", "fail"), ("causes", "J")]);
    check("5* id=a @100=v~a", &[("checked echo", "0/5"), ("excluded J", "yes")]);
}

#[test]
fn a_state_never_goes_back_from_its_end() {
    check_in(TO_THE_END, "@100=v:run 1000=v:done 2000=v:run", &[("broken", "monotonic-state"), ("causes", "O")]);
    check_in(TO_THE_END, "@100=v:run 1000=v:done 2000=v:fail", &[("broken", "monotonic-state")]);
    // The poll that says running was asked before the one that says done was answered.
    check_in(TO_THE_END, "@100=v:run 1000+900=v:done 1500=v:run 3000=v:done", &[("broken", "none")]);
    // The same scan was asked for again, and may start anew.
    check_in(TO_THE_END, "id=a @100=v:run 1000=v:done b/1500=ok~a 2000=v:run 3000=v:done", &[("broken", "none")]);
    check_in(TO_THE_END, "id=a @100=v:run 1000=v:done b/1500=ok~b 2000=v:run 3000=v:done", &[("broken", "monotonic-state")]);
}

#[test]
fn endpoints_must_not_contradict_each_other() {
    for (timeline, broken) in [
        ("w/50=v 100=n 500=v", "read-your-writes agreement"),
        ("w/50=v 100=n", "read-your-writes agreement"),
        ("100=n w/150=v 500=v", "read-your-writes"),
        ("w/99+2=v 100=n 500=v", "read-your-writes"),
        ("100=v:run 1000=v:done r/1500=n", "agreement"),
        ("100=v:run 1000=v:done r/1500=v:run", "agreement"),
        ("100=v:run 1000=v:done r/1500=5xx", "none"),
        ("100=v:run r/900=n 1000=v:done", "none"),
        ("100=v:run w/1000=v:done 1500=v:run 9000=v:done", "none"),
        ("100=v:run w/1000=v:done 2500=v:run 9000=v:done", "agreement"),
    ] {
        check_in(ONLY_FOLLOWED, timeline, &[("broken", broken)]);
    }
}

#[test]
fn a_witness_contradicts_a_denial_only_at_about_that_time() {
    let later = "1 scan: status denied it long after the witness had known it, and the witness was not asked again: it may have been removed from both";
    for (timeline, broken) in [
        ("w/500=v 600=v:run 900=v:done 6000=n", "0/0"),
        ("w/500=v 600=v:run 900=v:done 1200=n", "0/0"),
        ("w/500=v 6000=n", "0/0"),
        ("w/500=v 600=v:run 700=n 800=v:run", "1/1"),
        ("w/500=v 600=v:run 6000=n w/6100=v", "1/1"),
        ("w/500=v 600=v:run 6000=n w/6100=n", "0/0"),
        ("w/500=v 600=v:run 900=v:done", "0/1"),
    ] {
        check_in(TO_THE_END, timeline, &[("checked agreement", broken)]);
    }
    check_in(TO_THE_END, "w/500=v 600=v:run 900=v:done 6000=n", &[("unclear agreement", later)]);
    let asked = later.replace("was not asked again", "later said not_found");
    for timeline in ["w/500=v 600=v:run 6000=n w/6100=n", "w/500=v 600=v:run w/900=n 6000=n"] {
        check_in(TO_THE_END, timeline, &[("unclear agreement", &asked)]);
    }
}

#[test]
fn results_that_are_there_before_any_end_leave_open_whether_status_is_stuck() {
    let stuck = "@100=v:run 20000=v:run 30000=v:run r/30000=v";
    let not_known = ("reasons", "none_ended");
    for (timeline, expected) in [
        (stuck.to_owned(), [("verdict", "inconclusive"), not_known]),
        // The witness says so, and status was not asked again.
        ("@100=v:run 30000=v:run w/30000=v:done".to_owned(), [("verdict", "inconclusive"), not_known]),
        // A slow service, whose results are not there.
        ("@100=v:run 30000=v:run r/30000=n".to_owned(), [("verdict", "pass"), ("reasons", "none")]),
        ("@100=v:run 30000=v:run r/30000=v:run".to_owned(), [("verdict", "pass"), ("reasons", "none")]),
        ("@100=v:run 30000=v:run".to_owned(), [("verdict", "pass"), ("reasons", "none")]),
        // Another scan ended, and showed that results are partial at first.
        (format!("{stuck}\n@100=v:run r/200=v 300=v:run 1000=v:done"), [("verdict", "pass"), ("reasons", "none")]),
    ] {
        check_in(TO_THE_END, &timeline, &expected);
    }
    check_in(ONLY_FOLLOWED, stuck, &[("verdict", "pass")]);
    let unclear =
        "1 scan: results were there while status still said that the work went on: whether this API shows partial results is not known";
    check_in(TO_THE_END, stuck, &[("not-assessed completion", unclear)]);
}

#[test]
fn an_end_that_status_never_showed_before_it_denied_the_scan_is_told_as_that() {
    let denied = "1 scan: its witness said that it had ended, and status denied it without having shown the end";
    check_in(TO_THE_END, "@100=v:run w/900=v:done 1200=n 6000=n", &[("unclear completion", denied)]);
    let denied = "1 scan: it was at work when status last showed it, and was denied after that";
    check_in(TO_THE_END, "@100=v:run 1200=n 6000=n", &[("unclear completion", denied)]);
}

#[test]
fn an_answer_that_a_cache_may_keep_may_be_as_old_as_that() {
    let unclear = "1 scan: an earlier state followed its end, within the time for which `Cache-Control` lets a cache keep the answer";
    let back = |cache: &str, at: u32| format!("@100=v:run 1000=v:done {at}=v:run{cache}");
    for (timeline, broken) in [
        (back("!max-age=5", 4000), "none"),
        (back("!max-age=5", 6100), "monotonic-state"),
        (back("!public,s-maxage=5", 4000), "none"),
        (back("!max-age=5,no-cache", 4000), "monotonic-state"),
        // The cache says that it has kept the answer for 1 s only.
        (back("!max-age=60;age:1", 4000), "monotonic-state"),
        (back("!max-age=60;age:3", 4000), "none"),
        (back("!hit", 4000), "monotonic-state"),
        ("@100=v:run w/1000=v:done 4000=v:run!max-age=5 9000=v:done".to_owned(), "none"),
        ("@100=v:run w/1000=v:done 7100=v:run!max-age=5 9000=v:done".to_owned(), "agreement"),
    ] {
        check_in(TO_THE_END, &timeline, &[("broken", broken)]);
    }
    check_in(TO_THE_END, &back("!max-age=5", 4000), &[("unclear monotonic-state", unclear), ("causes", "none")]);
    check_in(TO_THE_END, "@100=v:run w/20000=v:done 24000=v:run!max-age=5", &[("checked completion", "0/0"), ("causes", "none")]);
    check_in(TO_THE_END, "@100=v:run w/20000=v:done 27000=v:run!max-age=5", &[("checked completion", "1/1")]);
}

#[test]
fn a_scan_that_does_not_end_breaks_completion_only_if_its_own_witness_or_results_say_that_it_has() {
    check_in(TO_THE_END, "3* @100=v:run 29000=v:run", &[("checked completion", "0/0"), ("verdict", "pass")]);
    // Jobs differ in length, and wait in queues: that others ended says nothing of this one.
    for waiting in ["29000=v:run", "5000=v:run 29000=v:run.queued", "29000=v:run w/29100=v:run", "29000=v:run r/29100=n"] {
        check_in(
            TO_THE_END,
            &format!("2* @100=v:run 9000=v:done\n@100=v:run {waiting}"),
            &[("checked completion", "0/2"), ("verdict", "pass"), ("causes", "none"), ("excluded O", "yes")],
        );
    }
    check_in(
        TO_THE_END,
        "@100=v:run w/20000=v:done 21100=v:run",
        &[("checked completion", "1/1"), ("causes", "O"), ("strength", "Moderate")],
    );
    check_in(
        TO_THE_END,
        "2* @100=v:run w/20000=v:done 21100=v:run",
        &[("checked completion", "2/2"), ("causes", "O"), ("strength", "Strong")],
    );
    check_in(TO_THE_END, "@100=v:run r/20000=v:done 21100=v:run", &[("checked completion", "1/1"), ("causes", "O")]);
    // Read when the watch was over: it may have ended in between, or the witness be a moment ahead.
    check_in(TO_THE_END, "@100=v:run 29000=v:run w/29100=v:done", &[("checked completion", "0/0"), ("verdict", "inconclusive")]);
    check_in(TO_THE_END, "@100=v:run w/20000=v:done 20900=v:run", &[("checked completion", "0/0")]);
    // An attempt that the witness calls over, and another one.
    check_in(TO_THE_END, "@100=v:run w/9000=v:fail w/12000=v:run 29000=v:run", &[("broken", "none")]);
    check_in(TO_THE_END, "2* @100=v:run 9000=v:done\n@100=n 29000=n", &[("checked completion", "0/2")]);
}

#[test]
fn results_that_tell_no_state_tell_the_end_only_where_they_come_with_it() {
    let gated = "2* @100=v:run r/500=n 9000=v:done r/9100=v";
    check_in(TO_THE_END, &format!("{gated}\n@100=v:run r/20000=v 25000=v:run"), &[("checked completion", "1/3"), ("causes", "O")]);
    // A service that shows its results as they come.
    let partial = "2* @100=v:run r/500=v 600=v:run 9000=v:done";
    check_in(TO_THE_END, &format!("{partial}\n@100=v:run r/20000=v 25000=v:run"), &[("checked completion", "0/2"), ("broken", "none")]);
}

#[test]
fn a_scan_that_died_must_say_so() {
    check_in(TO_THE_END, "@100=v:run w/5000=v:fail 6000=v:fail", &[("checked crash-honesty", "0/1")]);
    check_in(TO_THE_END, "@100=v:run w/5000=v:fail 6100=v:run", &[("checked crash-honesty", "1/1")]);
    // A moment's lag, another attempt, or a word that may well mean it.
    check_in(TO_THE_END, "@100=v:run w/5000=v:fail 5500=v:run", &[("checked crash-honesty", "0/0")]);
    check_in(TO_THE_END, "@100=v:run w/5000=v:fail w/5900=v:run 6100=v:run", &[("checked crash-honesty", "0/0")]);
    check_in(TO_THE_END, "@100=v:run w/5000=v:fail 6100=v:odd.crashed", &[("checked crash-honesty", "0/0")]);
    check_in(TO_THE_END, "@100=v:run w/5000=v:fail", &[("checked crash-honesty", "0/0")]);
}

#[test]
fn slow_answers_alone_break_nothing() {
    check("19* @100=v\n+3000@100=v", &[("broken", "none"), ("verdict", "pass")]);
    check("10* @100=v\n10* +3000@100=v", &[("broken", "none"), ("verdict", "pass"), ("checked promptness", "0/0")]);
    check("20* +3000@100=v", &[("broken", "none")]);
    check("18* @100=v\n2* +9000@100=lost", &[("broken", "none"), ("unclear promptness", "none")]);
    // A long poll by design, on either kind of connection.
    check_in(BOTH, "10* +1500@100=v 2000=v\narm 1\n10* k/+1500@100=v k/2000=v", &[("broken", "none"), ("excluded P", "yes")]);
    // One slow request in twelve, wherever.
    check_in(BOTH, "23* @100=v\n+1500@100=v\narm 1\n22* k/@100=v\n2* k/+1500@100=v", &[("broken", "none"), ("excluded P", "yes")]);
}

/// A scan in each of two arms, one after the other, so many times and so many ms apart.
fn by_turns(times: u32, apart: u32, fresh: impl Fn(u32) -> String, kept: impl Fn(u32) -> String) -> String {
    let scans = |scan: &dyn Fn(u32) -> String, from: u32| {
        let lines: Vec<String> = (0..times).map(|n| 5000 + 2 * n * apart + from).map(|at| format!("at={at} {}", scan(at))).collect();
        lines.join("\n")
    };
    format!("{}\narm 1\n{}", scans(&fresh, 0), scans(&kept, apart))
}

#[test]
fn polls_that_one_pause_releases_together_are_one_accident() {
    // The worker that holds all kept connections stops for a moment, and the others go on; all of its polls end together.
    let pause = |at: u32| format!("k/+{}@100=v", 8000 - at - 100);
    check_in(BOTH, &by_turns(12, 20, |_| "@100=v".into(), pause), &[("broken", "none"), ("verdict", "pass"), ("causes", "none")]);
    // Each held until its own work is done: they end one by one, as they began.
    let held = |_| "k/+2000@100=v".into();
    check_in(BOTH, &by_turns(12, 20, |_| "@100=v".into(), held), &[("broken", "promptness"), ("verdict", "fail"), ("causes", "P")]);
    // Everything stops.
    let all = |lane: &'static str| move |at: u32| format!("{lane}+{}@100=v", 8000 - at - 100);
    check_in(BOTH, &by_turns(12, 20, all(""), all("k/")), &[("broken", "none"), ("excluded P", "yes")]);
    // Slow under the probe's own burst, one by one.
    check_in(BOTH, &by_turns(12, 20, |_| "+1400@100=v".into(), |_| "k/+1500@100=v".into()), &[("broken", "none"), ("excluded P", "yes")]);
}

#[test]
fn a_declared_long_poll_is_as_slow_as_it_says() {
    let timeline = "10* @100=v\narm 1\n10* k/+2000@100=v";
    let mut run = journal(scenario(BOTH), timeline);
    assert_eq!(Seen::of(&run).fact("broken"), "promptness");
    run.run.target.status.long_poll = Some("1500ms".parse().expect("a length of time"));
    let seen = Seen::of(&run);
    assert_eq!([seen.fact("broken"), seen.fact("unclear promptness")], ["none", "none"]);
}

const BOTH: &str =
    "[[arms]]\nname = \"fresh\"\noffsets = [\"100ms\"]\n[[arms]]\nname = \"kept\"\nconnection = \"keep-alive\"\noffsets = [\"100ms\"]";

#[test]
fn a_word_that_is_not_listed_breaks_nothing_unless_the_end_comes_again() {
    let archived = "after its end it was answered `archived`, which [status.states] does not list: list it there";
    for (after, why) in [("odd.archived", archived), ("odd", "after its end the answers gave no state")] {
        check_in(
            TO_THE_END,
            &format!("3* @100=v:run 1000=v:done 2000=v:{after} 3000=v:{after}"),
            &[("broken", "none"), ("causes", "none"), ("verdict", "inconclusive"), ("checked monotonic-state", "0/0")],
        );
        let seen = Seen::of(&journal(scenario(TO_THE_END), &format!("3* @100=v:run 1000=v:done 2000=v:{after}")));
        assert_eq!(seen.fact("not-assessed monotonic-state"), format!("3 scans: {why}"));
        // Two workers, one of which has a word that the target file lacks.
        check_in(
            TO_THE_END,
            &format!("@100=v:run 1000=v:done 2000=v:{after} 3000=v:done"),
            &[("broken", "monotonic-state"), ("causes", "O"), ("verdict", "fail")],
        );
    }
    check_in(TO_THE_END, "@100=v:odd.scanning 1000=v:done 2000=v:odd.scanning", &[("broken", "monotonic-state"), ("causes", "O")]);
    check_in(TO_THE_END, "@100=v:odd 1000=v:done 2000=v:odd", &[("broken", "none")]);
    // The end itself was missed.
    check_in(
        TO_THE_END,
        "@100=v:run 2000=v:odd.archived 29000=v:odd.archived w/20000=v:done\n2* @100=v:run 1000=v:done 2000=v:odd.archived",
        &[("broken", "none"), ("causes", "none"), ("checked completion", "0/2")],
    );
    // The words are told with their counts.
    let unlisted = Seen::of(&journal(scenario(TO_THE_END), "@100=v:run 200=v:odd.scanning 300=v:odd.scanning 900=v:done"));
    assert_eq!(unlisted.fact("unclear monotonic-state"), "`scanning` is not listed in [status.states], and stood in 2 of 4 answers");
}

#[test]
fn places_where_nothing_was_found_leave_a_guarantee_unassessed() {
    let check = |timeline: &str, guarantee: &str, why: &str| {
        let mut run = journal(scenario(TO_THE_END), timeline);
        let status = &mut run.run.target.status;
        status.state = Some("`/state`".into());
        status.echo = Some("`/id`".into());
        status.progress = Some("`/progress`".into());
        let seen = Seen::of(&run);
        let facts = [format!("not-assessed {guarantee}"), format!("unclear {guarantee}")].map(|fact| seen.fact(&fact));
        assert!(facts.iter().any(|fact| fact.contains(why)), "{timeline}\n{facts:?}");
        assert_eq!(seen.fact("broken"), "none");
        facts[0] != "no"
    };
    assert!(check("2* 100=v:odd 200=v:odd", "monotonic-state", "`/state` was absent in 4 of 4 answers"));
    assert!(check("2* 100=v:odd:3 200=v:odd:4", "monotonic-state", "`/state` was absent in 4 of 4 answers"));
    assert!(check("2* 100=v:odd 200=v:odd", "completion", "`/state` was absent in 4 of 4 answers"));
    assert!(check("2* 100=v:odd 200=v:odd", "echo", "`/id` was absent in 4 of 4 answers"));
    assert!(check(
        "2* 100=v:odd.active:1 200=v:odd.active:2",
        "monotonic-state",
        "`/state` held no word of [status.states] in 4 of 4 answers: list what is a state there, or name another place"
    ));
    // Two scenarios say it once.
    let twice = together(vec![
        journal(scenario(TO_THE_END), "2* 100=v:odd.active 200=v:odd.active"),
        journal(scenario(TO_THE_END), "100=v:odd.active 200=v:odd.active"),
    ]);
    let whole = statusgap::analysis::analyse(&twice);
    let states = whole.guarantees.iter().find(|checked| checked.guarantee.name() == "monotonic-state").expect("a guarantee");
    let told: Vec<String> = states.unclear.iter().map(statusgap::report::sentences::unclear).collect();
    assert!(told.contains(&"`active` is not listed in [status.states], and stood in 6 of 6 answers".to_owned()), "{told:?}");
    assert_eq!(states.not_assessed.as_ref().map(statusgap::report::sentences::not_assessed).as_ref(), told.first());
    // States are read, and only progress is not.
    assert!(!check("2* 100=v:run 200=v:done", "monotonic-state", "`/progress` gave no number in 4 of 4 answers"));
}

#[test]
fn progress_that_falls_proves_nothing_unless_one_answer_comes_back_while_others_go_on() {
    let turns = |low: &str, high: &dyn Fn(u32) -> u32, times: u32| {
        (0..times).map(|n| format!("{}=v:run:{} {}=v:run:{low}", 100 + 200 * n, high(n), 200 + 200 * n)).collect::<Vec<_>>().join(" ")
    };
    let rising = |n: u32| 20 + 3 * n;
    for (progress, broken) in [
        // Stages, attempts, files, and totals that grow.
        ("100=v:run:50 200=v:run:99 300=v:run:0 400=v:run:20 500=v:run:60 600=v:run:3 700=v:done:100", "none"),
        ("100=v:run.fetch:50 200=v:run.fetch:99 300=v:run.convert:40 400=v:run.convert:80", "none"),
        ("100=v:run.fetch:99 300=v:run.convert:40 400=v:run.fetch:70 500=v:run.convert:20", "none"),
        ("100=v:run:50 200=v:run:99 300=v:run:0", "none"),
        ("100=v:run:70 200=v:run:35 300=v:run:71 400=v:run:40 500=v:run:75", "none"),
        ("100=v:run:60 200=v:run:59 300=v:run:61 400=v:run:60 500=v:run:62 600=v:run:61", "none"),
        ("@100=v:run:3 1000=v:run:7 2000=v:run:5 3000=v:done:14", "none"),
        ("@100=v:run:3 1000=v:run:7 2000=v:fail:0", "none"),
        ("100=v:run.queued:0 200=v:run.busy:60 300=v:run.queued:0 400=v:run.busy:70", "none"),
        (&turns("0", &|n| 20 + 30 * (n % 3), 8), "none"),
        // A copy that stands still, beside one that moves.
        (&turns("7", &rising, 8), "monotonic-state"),
        (&turns("0", &rising, 8), "monotonic-state"),
        (&turns("7", &rising, 3), "none"),
    ] {
        check_in(TO_THE_END, progress, &[("broken", broken)]);
    }
    let fell = "its progress fell, as it may where each stage or attempt is counted from its beginning, or a total grows";
    let case = "2* @100=v:run:70 200=v:run:35 900=v:done:100";
    check_in(TO_THE_END, case, &[("causes", "none"), ("verdict", "pass"), ("unclear monotonic-state", &format!("2 scans: {fell}"))]);
    let frozen = turns("7", &rising, 8);
    check_in(TO_THE_END, &format!("3* {frozen}"), &[("causes", "O"), ("strength", "Moderate")]);
    let back = Seen::of(&journal(scenario(TO_THE_END), "3* 100=v:run 200=v:done 300=v:fail"));
    let facts: Vec<String> = back.analysis.diagnosis.causes[0].facts.iter().map(fact).collect();
    let facts = facts.join("\n");
    assert!(facts.contains("ended in one way and later in another"), "{facts}");
    assert!(!facts.contains("progress"), "{facts}");
}

#[test]
fn an_id_written_in_another_way_is_no_other_id() {
    check_in(TO_THE_END, "10* id=urn%3Ajob%3A7 @100=v:run~urn:job:7 900=v:done~urn:job:7", &[("broken", "none"), ("excluded J", "yes")]);
    let case = "id=AB1 @100=v:run~ab1 900=v:done~ab1\nid=AB2 @100=v:run~ab2 900=v:done~ab2";
    check_in(TO_THE_END, case, &[("broken", "none"), ("checked echo", "0/0"), ("checked completion", "0/2"), ("excluded J", "no")]);
    check_in(TO_THE_END, "id=a1 @100=v:run~/jobs/a1\nid=a2 @100=v:run~/jobs/a1", &[("broken", "echo"), ("strength", "Strong")]);
}

/// A run whose file says that the id is at `/tenant`.
fn check_place(timeline: &str, expected: &[(&str, &str)]) {
    let mut run = journal(scenario(TO_THE_END), timeline);
    run.run.target.status.echo = Some("`/tenant`".into());
    let seen = Seen::of(&run);
    for (fact, value) in expected {
        assert_eq!(seen.fact(fact), *value, "{fact} of\n{timeline}\n{:?}", seen.judgement.reasons);
    }
}

#[test]
fn a_place_that_holds_no_id_of_the_run_says_nothing_of_the_jobs() {
    const CONSTANT: &str =
        "`/tenant` held `eu` in 4 of 4 answers, which is not an id that this run handed out: does `[status] echo` name the id?";
    let misplaced =
        [("broken", "none"), ("checked echo", "0/0"), ("excluded J", "no"), ("checked monotonic-state", "0/2"), ("causes", "none")];
    check_place("id=a1 @100=v:run~eu 900=v:done~eu\nid=a2 @100=v:run~eu 900=v:done~eu", &misplaced);
    check_place("id=a1 @100=v:run~eu 900=v:done~eu\nid=a2 @100=v:run~eu 900=v:done~eu", &[("unclear echo", CONSTANT)]);
    // The number of each request.
    check_place("id=a1 @100=v:run~r81 900=v:done~r84\nid=a2 @100=v:run~r82 900=v:done~r83", &misplaced);
    // A tenant whose number is the id of a later job.
    check_place("id=7 @100=v:run~8 900=v:done~8\nid=8 @100=v:run~8 900=v:done~8", &misplaced);
    check_place("id=a1 @100=v:run~eu 900=v:done~eu", &[("broken", "none"), ("checked echo", "0/0")]);
    // What is right once is not a constant, and another job's answer is found by what it says of the states.
    check_place("id=a1 @100=v:run~eu 900=v:done~eu 1500=v:run~eu\nid=a2 @100=v:run~eu 900=v:done~eu", &[("broken", "monotonic-state")]);
}

#[test]
fn an_answer_for_another_job_is_wrong_wherever_that_job_was_asked_for() {
    for mixed_up in [
        "id=a1 @100=v:run~a1 900=v:done~a1\nid=a2 @100=v:run~eu 900=v:done~a2",
        "id=a1 @100=v:run~a2 900=v:done~a2\nid=a2 @100=v:run~a1 900=v:done~a1",
        "id=a1 @100=v:run~a1 900=v:done~a1\nid=a2 @100=v:run~a1 900=v:done~a1",
        "id=a1 @100=v:run~/jobs/a2 900=v:done~/jobs/a2\nid=a2 @100=v:run~/jobs/a1 900=v:done~/jobs/a1",
        // Somebody else's.
        "id=job_1a @100=v:run~job_77 900=v:done~job_78\nid=job_2b @100=v:run~job_79 900=v:done~job_79",
    ] {
        check_place(mixed_up, &[("broken", "echo"), ("causes", "J"), ("verdict", "fail")]);
    }
}

#[test]
fn ids_that_several_jobs_were_given_void_what_compares_answers_over_time() {
    let slots = "3* id=slot1 @100=v:run:1~slot1 1000=v:done:9~slot1 2000=v:run:2~slot1 3000=n 4000=v:run:3~slot1";
    check_in(TO_THE_END, slots, &[("broken", "read-your-writes"), ("checked monotonic-state", "0/0"), ("checked echo", "0/3")]);
    let shared = "3 scans: the id was handed out more than once, so the answers may be about several jobs";
    check_in(TO_THE_END, "3* id=s @100=v:run 1000=v:done 2000=v:run w/1500=v:done 3000=v:run", &[("broken", "none"), ("causes", "none")]);
    check_in(TO_THE_END, "3* id=s @100=v:run 1000=v:done 2000=v:run", &[("unclear monotonic-state", shared)]);
    // Another job's answer is found by what it says.
    check_in(TO_THE_END, "id=s @100=v:run~s\n3* id=s @100=v:run~other", &[("broken", "echo"), ("causes", "J")]);
}

// Causes.

#[test]
fn a_clean_run_has_no_cause_and_says_what_it_excludes() {
    check(
        "20* @100=v 500=v",
        &[
            ("causes", "none"),
            ("excluded A", "yes"),
            ("excluded B", "yes"),
            ("excluded I", "no"),
            ("excluded K", "yes"),
            ("undecided", "0"),
        ],
    );
    check("3* @100=v", &[("causes", "none"), ("excluded A", "no"), ("excluded B", "no")]);
}

#[test]
fn denials_that_end_at_an_age_are_a_delay_with_what_is_left_open() {
    check("12* @100=n 600=n 700=v 900=v 1500=v", &[("causes", "A"), ("strength", "Moderate"), ("excluded B", "yes"), ("undecided", "3")]);
}

#[test]
fn a_second_write_tells_a_delay_from_a_lag() {
    let cancel = "[follow]\nuntil = \"visible\"\nevery = \"100ms\"\ndeadline = \"5s\"\n\
        [then]\naction = \"cancel\"\nwhen = \"visible\"\noffsets = [\"10ms\"]";
    let scan = |hidden: &str| format!("8* 100=n 600=n 700=v x/800=v {hidden}");
    let mut prompt = journal(scenario(cancel), &scan("810=v"));
    let mut lagging = journal(scenario(cancel), &scan("810=v 1300=v 1500=v"));
    for (journal, from) in [(&mut prompt, 810.0), (&mut lagging, 1500.0)] {
        for poll in &mut journal.exchanges {
            let age = (poll.sent.0 as f64 / 1e6 - 1000.0).rem_euclid(60_000.0);
            if poll.kind == statusgap::model::exchange::Kind::Poll && age > 805.0 {
                poll.purpose = statusgap::model::exchange::Purpose::Then;
                poll.seen = Some(age > from - 1.0);
            }
        }
    }
    let (prompt, lagging) = (Seen::of(&prompt), Seen::of(&lagging));
    assert_eq!([prompt.fact("causes"), prompt.fact("excluded C")], ["A", "yes"]);
    assert_eq!([lagging.fact("causes"), lagging.fact("excluded A")], ["C", "yes"]);
}

#[test]
fn workers_that_disagree_for_ever_are_memories_of_their_own() {
    check("3* @100=v#1 200=n#2 300=v#1 400=n#2 2500=v#1 2600=n#2", &[("causes", "B"), ("strength", "Strong")]);
    // Without the header, by the pattern alone.
    check("6* @100=v 200=n 300=v 400=n 1500=v 2600=n 2700=n 2800=v", &[("causes", "B"), ("strength", "Strong")]);
}

#[test]
fn disagreement_that_heals_is_a_lag() {
    check("4* @100=v 150=n 200=v 250=n 300=v 800=v 900=v 1000=v 1100=v 1200=v 1300=v 1400=v", &[("causes", "C'"), ("excluded B", "yes")]);
}

#[test]
fn seen_and_then_denied_for_good_is_an_eviction_if_there_is_enough_of_both() {
    check("2* @100=v 200=v 300=v 400=v 500=v 600=n 700=n 800=n 900=n", &[("causes", "F"), ("strength", "Strong")]);
    // Changed once and not back, with few polls: a worker that lacks the scan may have had all of them.
    check("2* @100=v 200=n 300=n", &[("causes", "B"), ("either", "F"), ("strength", "Moderate"), ("undecided", "1")]);
    check("2* @100=v 200=v 300=n 400=n", &[("causes", "B"), ("either", "F"), ("strength", "Moderate"), ("undecided", "1")]);
}

#[test]
fn a_scan_that_goes_with_the_answer_that_showed_its_end_may_have_been_read_away() {
    let gone = "600=n 700=n 800=n 900=n";
    let run = "@100=v:run 200=v:run 300=v:run 400=v:run";
    for (end, strength, undecided) in
        [("500=v:done", "Moderate", "1"), ("500=v:done 550=v:done", "Strong", "0"), ("500=v:run", "Strong", "0")]
    {
        check(&format!("3* {run} {end} {gone}"), &[("causes", "F"), ("strength", strength), ("undecided", undecided)]);
    }
    // One scan whose end was told twice is enough.
    check(&format!("2* {run} 500=v:done {gone}\n{run} 500=v:done k/550=v:done {gone}"), &[("causes", "F"), ("strength", "Strong")]);
}

#[test]
fn one_denial_in_each_scan_is_neither_chance_nor_a_worker() {
    // The second poll of each, at four offsets.
    let gate = "[polls]\noffsets = [\"0s\", \"100ms\", \"500ms\", \"2s\"]";
    check_in(gate, "60* @0=v @100=n @500=v @2000=v", &[("causes", "none"), ("patterns", "once_each"), ("excluded B", "no")]);
    // At one age, between two sights, it may be a hole.
    check_in(gate, "60* @0=v @100=v @500=n @2000=v", &[("causes", "H"), ("strength", "Moderate")]);
    check_in(gate, "6* @0=v @100=n @500=v @2000=v", &[("causes", "none"), ("patterns", "once_each")]);
    let anywhere: Vec<String> = (0..60)
        .map(|scan| {
            (0..8).map(|n| format!("{}={}", 100 + 97 * n, if n == 1 + scan * 5 % 6 { "n" } else { "v" })).collect::<Vec<_>>().join(" ")
        })
        .collect();
    check(&anywhere.join("\n"), &[("causes", "none"), ("patterns", "once_each")]);
}

#[test]
fn polls_at_once_tell_a_commit_only_if_equal_ones_went_either_way() {
    let at_once = "[[arms]]\nname = \"at-once\"\noffsets = [\"0s\"]\n[[arms]]\nname = \"later\"\noffsets = [\"50ms\"]";
    let either_way: Vec<&str> = (0..40).map(|n| if n % 2 == 0 { "0=n 3=n 6=n 9=v" } else { "0=v 3=v 6=v 9=v" }).collect();
    let later = "arm 1\n12* @50=v";
    let commit = |polls: &str| format!("{polls}\n{later}");
    // No poll of a scan that was seen was denied, though half of the first ones were.
    check_in(at_once, &commit(&either_way.join("\n")), &[("causes", "I"), ("strength", "Moderate"), ("either", "C")]);
    // Denied or seen as the age decides, or as the connection does: nothing tells a commit from a registration or a copy.
    for polls in ["20* 0=n 60=v\n20* 2=v 60=v", "20* 0=n 60=v\n20* 4=v"] {
        check_in(at_once, &commit(polls), &[("causes", "I"), ("strength", "Moderate"), ("either", "A C")]);
    }
    let mixed: Vec<&str> = (0..40).map(|n| if n % 2 == 0 { "0=n 60=v" } else { "0=v 60=v" }).collect();
    check_in(at_once, &commit(&mixed.join("\n")), &[("causes", "I"), ("strength", "Moderate"), ("either", "C C'")]);
}

#[test]
fn an_older_state_after_the_end_is_an_older_copy_only_where_nothing_else_explains_it() {
    let run = "@100=v:run 1000=v:run 2000=v:done";
    for (timeline, strength, undecided) in [
        (format!("3* {run} 3000=v:run 4000=v:run"), "Strong", "0"),
        // One scan only.
        (format!("{run} 3000=v:run 4000=v:run\n2* {run} 3000=v:done"), "Moderate", "1"),
        // An end before anything else, which is then taken back, in two scans only.
        ("2* @100=v:fail 1000=v:run 2000=v:done".to_owned(), "Moderate", "1"),
        // A failed attempt and another.
        ("3* @100=v:run 1000=v:fail 2000=v:run 3000=v:done".to_owned(), "Moderate", "1"),
    ] {
        let expected = [("broken", "monotonic-state"), ("causes", "O"), ("strength", strength), ("undecided", undecided)];
        check_in(TO_THE_END, &timeline, &expected);
    }
    // All scans begin with an end: it is a default.
    check_in(TO_THE_END, "3* @100=v:done 1000=v:run 2000=v:done", &[("causes", "Y"), ("strength", "Strong"), ("undecided", "0")]);
}

#[test]
fn a_short_denial_amid_sights_is_a_hole() {
    let sights = |from: u32| (0..30).map(|step| format!("{}=v", from + 20 * step)).collect::<Vec<_>>().join(" ");
    check(&format!("2* @100=v {} 750=n {}", sights(120), sights(770)), &[("causes", "H")]);
}

#[test]
fn scans_that_are_never_seen_are_lost_and_not_late() {
    let scans = |lost: &str| format!("12* @100=v 1000=v\n4* @100=n 1000=n 2000=n 3000=n {lost}");
    check(&scans("w/500=n"), &[("causes", "M"), ("strength", "Strong"), ("excluded L", "yes"), ("never", "4")]);
    check(&scans("w/500=v"), &[("causes", "M"), ("strength", "Moderate")]);
    // Looked at once or twice only, they may as well be late, or have met the wrong worker.
    check("12* @100=v 1000=v\n4* @100=n", &[("causes", "none")]);
    check("12* @100=v 1000=v\n4* 3000=n 3500=n", &[("causes", "none")]);
}

#[test]
fn a_feature_of_the_ids_that_are_never_seen_is_named() {
    let never: Vec<String> = (0..6).map(|n| format!("id=a/{n} @100=n 1000=n 2000=n 3000=n")).collect();
    check(&format!("12* @100=v 1000=v\n{}", never.join("\n")), &[("causes", "L"), ("excluded M", "yes")]);
}

#[test]
fn a_denial_kept_by_a_cache_is_told_by_pairs_of_equal_age_or_by_its_header() {
    let pairs = "[[arms]]\nname = \"early\"\noffsets = [\"100ms\", \"2s\"]\n[[arms]]\nname = \"late\"\noffsets = [\"2s\"]";
    check_in(pairs, "12* @100=n @2000=n 3000=v\narm 1\n12* @2000=v", &[("causes", "D A"), ("strength", "Strong Moderate")]);
    check_in(pairs, "12* @100=n @2000=v 3000=v\narm 1\n12* @2000=v", &[("excluded D", "yes")]);
    // The first poll of each was answered by the cache: nothing is left that would speak of the scans themselves.
    check("8* @100=n!hit 500=v", &[("causes", "D"), ("strength", "Moderate")]);
}

#[test]
fn a_window_that_grows_with_the_place_in_the_queue_is_a_queue() {
    let burst = "[load]\nscans = 12\nevery = \"0s\"\n[follow]\nuntil = \"visible\"\nevery = \"100ms\"\ndeadline = \"9s\"";
    let queue: Vec<String> = (0..12).map(|place| format!("{}=n {}=v", 200 * place, 200 * place + 100)).collect();
    check_in(burst, &queue.join("\n"), &[("causes", "E")]);
    check_in(burst, "12* 500=n 600=v", &[("excluded E", "yes")]);
    // As spread out, but in no order.
    let by_chance: Vec<String> =
        [5, 0, 9, 3, 11, 1, 7, 2, 10, 4, 8, 6].iter().map(|n| format!("{}=n {}=v", 200 * n, 200 * n + 100)).collect();
    check_in(burst, &by_chance.join("\n"), &[("causes", "A"), ("excluded E", "yes")]);
    // Alone within 100 ms: still no queue, if later scans wait no longer than earlier ones.
    let idle = journal(
        scenario(
            "[load]\nscans = 5\nmodel = \"closed\"\nin_flight = 1\n[follow]\nuntil = \"visible\"\nevery = \"50ms\"\ndeadline = \"9s\"",
        ),
        "5* 50=n 100=v",
    );
    let seen = Seen::of(&together(vec![journal(scenario(burst), &by_chance.join("\n")), idle.clone()]));
    assert_eq!(seen.fact("causes"), "A");
    let seen = Seen::of(&together(vec![journal(scenario(burst), &queue.join("\n")), idle]));
    assert_eq!([seen.fact("causes"), seen.fact("strength")], ["E", "Strong"]);
}

#[test]
fn polls_held_on_the_initiators_connection_are_a_window_in_hiding() {
    let both =
        "[[arms]]\nname = \"fresh\"\noffsets = [\"100ms\"]\n[[arms]]\nname = \"kept\"\nconnection = \"keep-alive\"\noffsets = [\"100ms\"]";
    check_in(both, "10* @100=v\narm 1\n10* k/+2000@100=v", &[("causes", "P"), ("broken", "promptness")]);
    check_in(both, "10* @100=v\narm 1\n10* k/@100=v", &[("excluded P", "yes")]);
    let pooled = both.replace("keep-alive", "pooled");
    check_in(&pooled, "10* @100=v\narm 1\n10* p/+2000@100=v", &[("causes", "P"), ("strength", "Strong"), ("broken", "promptness")]);
    check_in(&pooled, "10* @100=v\narm 1\n10* p/@100=v", &[("excluded P", "yes")]);
}

#[test]
fn polls_held_on_connections_that_others_used_prove_nothing_without_fresh_ones() {
    for (lane, connection) in [("k", "keep-alive"), ("p", "pooled")] {
        let alone = format!("[polls]\nconnection = \"{connection}\"\noffsets = [\"100ms\"]");
        let held = format!("10* {lane}/+2000@100=v\n20* {lane}/@100=v");
        check_in(&alone, &held, &[("broken", "none"), ("causes", "none"), ("excluded P", "no"), ("undecided", "2")]);
        // Other workers may not know what the one that the POST reached does.
        check_in(&alone, &format!("20* {lane}/@100=v"), &[("excluded B", "no"), ("undecided", "1")]);
        check_in(&alone, &format!("20* {lane}/@100=n"), &[("verdict", "fail"), ("causes", "none"), ("undecided", "1")]);
    }
    check("20* @100=v", &[("undecided", "0")]);
}

#[test]
fn a_pass_says_first_that_no_poll_could_have_met_another_worker() {
    for (connection, lane, told) in [("pooled", "p/", true), ("keep-alive", "k/", true), ("fresh", "", false)] {
        let run =
            journal(scenario(&format!("[polls]\nconnection = \"{connection}\"\noffsets = [\"100ms\"]")), &format!("20* {lane}@100=v"));
        let Seen { analysis, judgement } = Seen::of(&run);
        assert_eq!(judgement.verdict, Verdict::Pass);
        let first = View::of(&run, &analysis, &judgement).unseen.into_iter().next().expect("no run sees everything");
        assert_eq!(first.contains("connection that had carried something else"), told, "{connection}: {first}");
    }
}

#[test]
fn a_window_is_not_read_off_held_connections() {
    let both =
        "[[arms]]\nname = \"fresh\"\noffsets = [\"100ms\"]\n[[arms]]\nname = \"kept\"\nconnection = \"keep-alive\"\noffsets = [\"100ms\"]";
    check_in(both, "@100=n 700=v\narm 1\n3* k/+2000@100=v", &[("brackets", "(100, 702]")]);
    check_in(&both.replace("keep-alive", "pooled"), "@100=n 700=v\narm 1\n3* p/+2000@100=v", &[("brackets", "(100, 702]")]);
}

// Rate limits.

#[test]
fn a_rate_limit_is_named_before_what_it_kept_from_being_measured() {
    let limited = |timeline: &str| {
        let run = journal(scenario(AT_100), timeline);
        let Seen { analysis, judgement } = Seen::of(&run);
        assert_eq!(judgement.verdict, Verdict::Inconclusive, "{timeline}");
        let view = View::of(&run, &analysis, &judgement);
        assert_eq!(view.headline.contains("with 429"), view.next_step.contains("--max-rps"), "{timeline}\n{}", view.headline);
        assert_ne!(view.next_step.contains("--max-rps"), view.next_step.contains("quieter machine"), "{timeline}\n{}", view.next_step);
        view.headline
    };
    let none_in_time = limited("49* 7000@100=v\n@100=v 200=429 7100=v");
    assert!(none_in_time.contains("answered 1 request with 429, or 503 and Retry-After (the first after"), "{none_in_time}");
    assert!(limited("40* 700@100=v\n3* @100=v 200=429 900=v").contains("with 429"));
    // Nobody held these back.
    assert!(!limited("50* 700@100=v").contains("429"));
    assert!(!limited("5* @100=v\n45* 700@100=v").contains("429"));
}

#[test]
fn a_rate_limit_is_no_breach_and_no_pass() {
    for timeline in ["50* @100=v\n50* @100=429", "20* @100=429 900=v\n20* @100=429 900=429", "40* @100=v\n10* @100=429 900=v"] {
        check(timeline, &[("verdict", "inconclusive"), ("broken", "none"), ("causes", "none")]);
    }
}

// First contact.

/// A run before which the new job, an id that was never issued and a path that does not exist were answered alike: `404 no route`.
/// Its denials are `404 {body}`.
fn check_unrouted(body: &str, timeline: &str, expected: &[(&str, &str)]) {
    let mut run = journal(scenario(AT_100), timeline);
    run.run.contact = Some(Contact {
        unrouted: Some(Unrouted {
            asked: "GET /v1/render/a".into(),
            http: 404,
            quoted: "`no route /v1/render/a`".into(),
            shape: Some(contact::shape("no route /v1/render/a", "a")),
            change: "`[status] path` is answered like a path that does not exist".into(),
        }),
        ..Contact::default()
    });
    for poll in run.exchanges.iter_mut().filter(|exchange| exchange.kind == Kind::Poll) {
        (poll.http, poll.body) = match poll.answer {
            Answer::NotFound => (Some(404), Some(body.into())),
            Answer::ServerError => (Some(503), None),
            _ => (Some(200), None),
        };
    }
    let seen = Seen::of(&run);
    for (fact, value) in expected {
        assert_eq!(seen.fact(fact), *value, "{fact} of\n{timeline}\n{:?}", seen.judgement.reasons);
    }
}

const NEVER_SEEN: &str = "6* @100=n 400=n 900=n 3000=n 9000=n";

#[test]
fn jobs_that_are_never_visible_at_a_path_that_does_not_exist_are_not_lost() {
    let open = [("verdict", "inconclusive"), ("reasons", "like_no_such_path"), ("causes", "none")];
    check_unrouted("no route /v1/render/b", NEVER_SEEN, &open);
    check_unrouted("no route /v1/render/b", "6* @100=n 400=5xx 900=n 3000=n", &open);
}

#[test]
fn a_service_that_denies_in_its_own_words_or_shows_a_single_job_is_sick() {
    check_unrouted("no such job", NEVER_SEEN, &[("verdict", "fail"), ("reasons", "not_found broken")]);
    check_unrouted("no route /v1/render/b", &format!("{NEVER_SEEN}\n@100=n 400=v"), &[("verdict", "fail")]);
    check_unrouted("no route /v1/render/b", "6* @100=n 400=v", &[("verdict", "fail")]);
    check_unrouted("no route /v1/render/b", "40* @100=v", &[("verdict", "pass")]);
}

#[test]
fn answers_that_say_nothing_of_the_job_are_no_sight_of_it_where_others_carry_its_state() {
    let check_blank = |places: bool, body: &str, timeline: &str, expected: &[(&str, &str)]| {
        let mut run = journal(scenario(AT_TWO), timeline);
        if places {
            run.run.target.status.state = Some("/state".into());
        }
        for poll in run.exchanges.iter_mut().filter(|exchange| exchange.kind == Kind::Poll) {
            poll.http = Some(200);
            if poll.state.is_none() {
                poll.body = Some(body.into());
            }
        }
        let seen = Seen::of(&run);
        for (fact, value) in expected {
            assert_eq!(seen.fact(fact), *value, "{fact} of\n{timeline}\n{:?}", seen.judgement.reasons);
        }
    };
    let error = r#"{"error":"no such job"}"#;
    let some = "30* @0=v:run @100=v:run\n10* @0=v @100=v:run";
    check_blank(true, error, some, &[("verdict", "inconclusive"), ("reasons", "lost polls_failed")]);
    // Where the target file names no place, or no answer has anything there, nothing is concluded from its absence.
    check_blank(false, error, some, &[("verdict", "pass")]);
    check_blank(true, error, "40* @0=v @100=v", &[("verdict", "pass")]);
    // A state that is null until work begins is an answer about the job.
    let waits = r#"[no state at `/state`] {"id":"a","state":null}"#;
    check_blank(true, waits, "30* @0=v @100=v:run\n1* @0=v:odd.x @100=v:run", &[("verdict", "pass")]);
    // One in which all is null is none.
    check_blank(true, r#"[no state at `/state`] {"id":null,"state":null}"#, some, &[("verdict", "inconclusive")]);
}

#[test]
fn scans_that_never_get_an_answer_are_no_accident_if_the_others_always_do() {
    check_in(AT_TWO, "40* @0=v @100=v\n3* @0=lost @100=lost", &[("verdict", "inconclusive"), ("reasons", "silent")]);
    check_in(AT_TWO, "40* @0=v @100=v\n1* @0=lost @100=lost", &[("verdict", "pass")]);
    check_in(AT_TWO, "37* @0=v @100=v\n3* @0=lost @100=v\n3* @0=v @100=lost", &[("verdict", "pass")]);
}

#[test]
fn results_that_are_not_ready_yet_or_read_once_contradict_nothing() {
    let watched = |readings: &str| format!("@100=v:run 500=v:done 700=v:done {readings}");
    check_in(TO_THE_END, &watched("r/600=n r/1200=v"), &[("broken", "agreement")]);
    check_in(TO_THE_END, &watched("r/600=v r/1200=n"), &[("broken", "none")]);
    let mut run = journal(scenario(TO_THE_END), &watched("r/600=v:run r/1200=v"));
    for reading in run.exchanges.iter_mut().filter(|exchange| exchange.kind == Kind::Results && exchange.state.is_some()) {
        reading.http = Some(202);
    }
    assert_eq!(Seen::of(&run).fact("broken"), "none");
}

#[test]
fn a_witness_that_contradicts_the_end_for_good_breaks_agreement_and_one_that_lags_is_unclear() {
    let watched = |readings: &str| format!("@100=v:run 500=v:done 700=v:done {readings}");
    check_in(TO_THE_END, &watched("w/3000=v:fail w/6000=v:fail"), &[("broken", "agreement")]);
    for lagging in ["w/3000=v:fail", "w/3000=v:run w/6000=v:run", "w/3000=n", "w/3000=v:run w/6000=v:done", "w/600=v:run"] {
        check_in(TO_THE_END, &watched(lagging), &[("broken", "none")]);
    }
    check_in(TO_THE_END, &watched("w/3000=n"), &[("checked agreement", "0/0")]);
}

#[test]
fn a_foreign_user_with_invalid_credentials_is_no_control() {
    let mut run = journal(scenario(AT_100), "@100=v:run f/200=403 f/300=403");
    for poll in run.exchanges.iter_mut().filter(|exchange| exchange.kind == Kind::ForeignPoll) {
        poll.http = Some(401);
    }
    assert_eq!(Seen::of(&run).fact("checked isolation"), "0/0");
    check("@100=v:run f/200=403", &[("checked isolation", "0/1")]);
}

#[test]
fn a_scenario_that_was_cut_short_does_not_pass() {
    let of_three = || scenario(&format!("[load]\nscans = 3\n{AT_100}"));
    let mut log = together(vec![journal(of_three(), "3* @100=v"), journal(of_three(), "2* @100=v"), journal(of_three(), "3* @100=n")]);
    let verdicts = |log: &Journal| Seen::of(log).judgement.scenarios.iter().map(|scenario| scenario.verdict).collect::<Vec<_>>();
    assert_eq!(verdicts(&log), [Verdict::Pass, Verdict::Pass, Verdict::Fail]);
    log.end.as_mut().unwrap().reason = EndReason::Budget;
    assert_eq!(verdicts(&log), [Verdict::Pass, Verdict::Inconclusive, Verdict::Fail], "the first was done when the run ended");
    let mut clean = together(vec![journal(of_three(), "3* @100=v"), journal(of_three(), "1* @100=v")]);
    clean.end.as_mut().unwrap().reason = EndReason::Throttled { waited: Nanos(60_000_000_000), retry_after: None };
    assert_eq!(verdicts(&clean), [Verdict::Pass, Verdict::Inconclusive]);
    let seen = Seen::of(&clean);
    assert!(!seen.judgement.reasons.contains(&Reason::CutShort), "the run says why it ended");
    assert!(statusgap::report::junit(&View::of(&clean, &seen.analysis, &seen.judgement)).contains("cut short"));
}
