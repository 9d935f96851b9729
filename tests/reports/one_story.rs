//! One log in all formats: none says what another denies. Verdict, headline, counts, window, first safe poll and percentiles are
//! read from each format as its readers would, and compared with the result in JSON.

use crate::support::timeline;

use regex::Regex;
use serde_json::Value;
use statusgap::model::run::Journal;
use statusgap::report::{Colour, Format, Style, View, render};
use timeline::{Seen, journal, scenario};

const AT_TWO: &str = "[polls]\noffsets = [\"0s\", \"100ms\"]\n[follow]\nuntil = \"visible\"\nevery = \"100ms\"\ndeadline = \"5s\"";
const LIMITED: &str = "[polls]\noffsets = [\"0s\", \"100ms\", \"1s\"]\n[expect]\nerrors_at_most = 0.9";

/// A name, the telling part of a scenario, a timeline, and the verdict.
const LOGS: &[(&str, &str, &str, &str)] = &[
    ("a sound service", AT_TWO, "60* @0=v:run @100=v:run", "pass"),
    ("few scans", AT_TWO, "4* @0=v @100=v", "pass"),
    ("some lost polls", AT_TWO, "58* @0=v @100=v\n@0=lost @100=v\n@0=v @100=5xx", "pass"),
    ("a window", AT_TWO, "40* @0=n @100=n 300+3=v\n20* @0=n @100=v", "fail"),
    ("a rare window", AT_TWO, "300* @0=v @100=v\n2* @0=n @100=n 300=v", "fail"),
    ("flaps", AT_TWO, "20* @0=v @100=n 300=v\n20* @0=v @100=v", "fail"),
    ("lost jobs", AT_TWO, "30* @0=v @100=v\n5* @0=n @100=n 4000=n", "fail"),
    ("refusals that deny", AT_TWO, "control 403 403 403\n20* @0=403 @100=v\n20* @0=v @100=v", "fail"),
    ("bad credentials", AT_TWO, "control 403 403 403\n20* @0=403 @100=403", "inconclusive"),
    ("first polls that fail", AT_TWO, "20* @0=5xx @100=v 300=v\n40* @0=v @100=v 300=v", "inconclusive"),
    ("a rate limit over a window", LIMITED, "6* @0=n @100=n @1000=v\n50* @0=429 @100=429 @1000=v\n50* @0=429 700@100=v @1000=429", "fail"),
    ("a control that is visible", AT_TWO, "control v v\n20* @0=v @100=v", "inconclusive"),
    ("a log that is cut off", AT_TWO, "60* @0=v @100=v\ncut", "inconclusive"),
    ("no scan", AT_TWO, "10* refused", "inconclusive"),
];

/// The whole of a report in one format, as somebody reads it: without markup and line breaks.
fn read(view: &View, format: Format) -> String {
    let text = render(view, format, Style { width: 100, colour: Colour::Off });
    let text = match format {
        Format::Html => {
            let body = text.split("</head>").last().expect("a body").split("<script").next().expect("a body");
            Regex::new("<[^>]*>").expect("a right expression").replace_all(body, " ").into_owned()
        }
        Format::Markdown | Format::PullRequest => text.replace('\\', ""),
        Format::Github => text.replace("%25", "%").replace("%0A", " "),
        _ => text,
    };
    collapsed(&without_escapes(&text))
}

fn without_escapes(text: &str) -> String {
    [
        ("&nbsp;", " "),
        ("\u{a0}", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&quot;", "\""),
        ("&#64;", "@"),
        ("&amp;", "&"),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain))
}

fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The element of a page with this key.
fn keyed(page: &str, key: &str) -> Option<String> {
    let (before, after) = page.split_once(&format!("data-key=\"{key}\">"))?;
    let tag = before.rsplit('<').next()?.split(' ').next()?;
    let inner = after.split(&format!("</{tag}>")).next()?;
    let bare = Regex::new("<[^>]*>").expect("a right expression").replace_all(inner, "").into_owned();
    Some(collapsed(&without_escapes(&bare)))
}

/// The value of a metric with these labels.
fn metric(metrics: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labelled = |line: &&str| labels.iter().all(|(label, value)| line.contains(&format!("{label}=\"{value}\"")));
    let line =
        metrics.lines().filter(|line| line.starts_with(&format!("{name}{{")) || line.starts_with(&format!("{name} "))).find(labelled)?;
    line.rsplit(' ').next()?.parse().ok()
}

fn views() -> Vec<(&'static str, &'static str, View, Journal)> {
    LOGS.iter()
        .map(|(name, telling, told, verdict)| {
            let journal = journal(scenario(telling), told);
            let seen = Seen::of(&journal);
            (*name, *verdict, View::of(&journal, &seen.analysis, &seen.judgement), journal)
        })
        .collect()
}

fn result(view: &View) -> Value {
    serde_json::from_str(&render(view, Format::Json, Style { width: 100, colour: Colour::Off })).expect("JSON")
}

fn page(view: &View) -> String {
    render(view, Format::Html, Style { width: 100, colour: Colour::Off })
}

fn metrics(view: &View) -> String {
    render(view, Format::OpenMetrics, Style { width: 100, colour: Colour::Off })
}

#[test]
fn all_formats_give_the_same_verdict_and_the_same_headline() {
    for (name, expected, view, _) in views() {
        let result = result(&view);
        assert_eq!(result["verdict"], expected, "{name}: {}", result["headline"]);
        let headline = collapsed(result["headline"].as_str().expect("a headline"));
        let (word, upper) = (expected, expected.to_uppercase());
        let markdown = read(&view, Format::Markdown);
        assert!(read(&view, Format::Table).starts_with(&format!("{upper} {headline}")), "{name}: {}", read(&view, Format::Table));
        assert!(markdown.contains(&format!("{upper}**: {headline}.")), "{name}: {markdown}");
        assert!(read(&view, Format::PullRequest).contains(&format!("statusgap: {word} **{headline}.**")), "{name}");
        assert!(read(&view, Format::Github).contains(&collapsed(&view.answers.line)), "{name}");
        assert!(read(&view, Format::Github).lines().next().is_some_and(|line| line.contains(&format!("statusgap {word}"))), "{name}");
        assert!(read(&view, Format::Junit).contains(&headline), "{name}");
        assert!(read(&view, Format::Junit).contains(&format!("name=\"verdict\" value=\"{word}\"")), "{name}");
        let page = page(&view);
        assert_eq!(keyed(&page, "verdict").as_deref().map(|told| told.ends_with(&upper)), Some(true), "{name}");
        let told = keyed(&page, "headline").unwrap_or_default();
        assert!(told.to_lowercase().contains(&headline.to_lowercase().replace('`', "")), "{name}: {told} and {headline}");
        assert_eq!(metric(&metrics(&view), "statusgap_verdict", &[("statusgap_verdict", word)]), Some(1.0), "{name}");
        assert!(metrics(&view).replace("\\\"", "\"").contains(&format!("headline=\"{headline}")), "{name}");
    }
}

#[test]
fn all_formats_count_the_same_polls() {
    for (name, _, view, _) in views() {
        let (result, metrics) = (result(&view), metrics(&view));
        let (markdown, html, junit) = (read(&view, Format::Markdown), read(&view, Format::Html), read(&view, Format::Junit));
        for offset in result["scenarios"][0]["offsets"].as_array().expect("offsets") {
            let n = |key: &str| offset[key].as_u64().expect("a count");
            let at_ms = offset["at_ms"].as_f64().expect("an age");
            let at = if at_ms == 0.0 {
                "0s".to_owned()
            } else if at_ms < 1000.0 {
                format!("{at_ms}ms")
            } else {
                format!("{}s", at_ms / 1e3)
            };
            let counts = [n("polls"), n("not_found"), n("other"), n("late")];
            let cells = counts.map(|count| count.to_string());
            assert!(markdown.contains(&format!("| case | {at} | fresh | {} |", cells.join(" | "))), "{name} at {at}: {markdown}");
            assert!(html.contains(&format!("case {at} fresh {}", cells.join(" "))), "{name} at {at}: {html}");
            assert!(junit.contains(&format!("{at} fresh: {} of {} polls not_found", counts[1], counts[0])), "{name} at {at}: {junit}");
            let age = (at_ms / 1e3).to_string();
            for (count, metric_name) in counts.iter().zip(["polls", "not_found", "other", "late"]) {
                let told = metric(&metrics, &format!("statusgap_offset_{metric_name}"), &[("age", &age)]);
                assert_eq!(told, Some(*count as f64), "{name} at {at}: {metric_name}");
            }
            for (limit, key) in [("lower", "lower"), ("upper", "upper")] {
                let told = metric(&metrics, "statusgap_offset_denied_ratio", &[("age", &age), ("limit", limit)]).expect("a limit");
                assert!((told - offset[key].as_f64().expect("a limit")).abs() < 1e-5, "{name} at {at}: {limit}");
            }
        }
    }
}

#[test]
fn all_formats_give_the_same_window_and_the_same_first_safe_poll() {
    for (name, _, view, _) in views() {
        let (result, page, metrics) = (result(&view), page(&view), metrics(&view));
        let (table, markdown, html) = (read(&view, Format::Table), read(&view, Format::Markdown), read(&view, Format::Html));
        if !view.assessable || view.window.scans + view.window.flapping == 0 {
            assert_eq!(result["window"]["first_poll_safe"]["p"], Value::Null, "{name}");
            continue;
        }
        let safe = &result["window"]["first_poll_safe"];
        let told = collapsed(safe["told"].as_str().expect("a sentence"));
        for (format, text) in [("table", &table), ("markdown", &markdown), ("html", &html)] {
            assert!(text.to_lowercase().contains(&told.to_lowercase()), "{name}, {format}: {told} in {text}");
        }
        let tile = keyed(&page, "safe").expect("a tile");
        let (p, ms) = (safe["p"].as_f64(), safe["ms"].as_f64());
        match (p, ms) {
            (Some(p), Some(ms)) => {
                assert!(told.contains(&format!("safe at {tile} for")), "{name}: {told} and {tile}");
                let seconds = metrics.lines().find(|line| line.starts_with("statusgap_first_poll_safe_seconds{")).expect("a metric");
                let (share, value) = seconds.split_once("\"} ").expect("a value");
                let share: f64 = share.rsplit('"').next().expect("a share").parse().expect("a number");
                assert!((share - p).abs() < 1e-5, "{name}: {seconds}");
                assert!((value.parse::<f64>().expect("a number") * 1e3 - ms).abs() < 1e-3, "{name}: {seconds}");
            }
            _ => {
                assert_eq!(tile, "–", "{name}: {told}");
                assert!(!metrics.contains("statusgap_first_poll_safe_seconds{"), "{name}");
            }
        }
        if view.window.scans == 0 {
            continue;
        }
        for row in &view.window.quantiles {
            let (key, estimate) = (row.key.as_str(), &result["window"]["quantiles_ms"][&row.key]);
            assert_eq!(estimate.is_null(), !row.told_at_all, "{name}: {key}");
            assert_eq!(keyed(&page, key), Some(collapsed(&row.told)), "{name}: {key}");
            assert!(markdown.contains(&format!("| {} | {} |", row.label, collapsed(&row.told))), "{name}: {key}: {markdown}");
            let from = metric(&metrics, "statusgap_window_seconds", &[("quantile", &row.p.to_string()), ("bound", "from")]);
            let expected = estimate[0].as_f64();
            assert_eq!(from.is_some(), expected.is_some(), "{name}: {key}");
            assert!(from.zip(expected).is_none_or(|(seconds, ms)| (seconds * 1e3 - ms).abs() < 1e-3), "{name}: {key}");
        }
        for by in result["window"]["visible_by"].as_array().expect("shares") {
            assert!(by["lower"].as_f64() <= by["share"].as_f64() && by["share_to"].as_f64() <= by["upper"].as_f64(), "{name}: {by}");
        }
    }
}

/// So many round trips a percentile needs, of which the largest then bounds it from above at 95 %.
const NEEDS: [(&str, f64, u64); 5] = [("p50", 0.5, 5), ("p90", 0.9, 29), ("p95", 0.95, 59), ("p99", 0.99, 299), ("p999", 0.999, 2995)];

#[test]
fn a_percentile_that_one_format_withholds_is_stated_by_none() {
    for (name, _, view, _) in views() {
        let (result, metrics) = (result(&view), metrics(&view));
        let (markdown, html) = (read(&view, Format::Markdown), read(&view, Format::Html));
        for row in &view.latency {
            let told = &result["latency_ms"][&row.name];
            for (key, quantile, needs) in NEEDS {
                let stated = told[key].as_f64();
                assert_eq!(stated.is_some(), row.sent.count >= needs, "{name}, {}: {key} of {}", row.name, row.sent.count);
                let labels = [("exchange", row.kind.word()), ("from", "sent"), ("quantile", &quantile.to_string())];
                let metric = metric(&metrics, "statusgap_round_trip_seconds", &labels);
                assert!(metric.is_none() || stated.is_some(), "{name}, {}: {key}", row.name);
                assert!(metric.zip(stated).is_none_or(|(seconds, ms)| (seconds * 1e3 - ms).abs() < 1e-3), "{name}, {}: {key}", row.name);
            }
            let cell = |key: &str, withheld: &str| told[key].as_f64().map_or_else(|| withheld.to_owned(), |ms| format!("{ms:.2}"));
            let in_markdown = ["p50", "p90", "p99"].map(|key| cell(key, "n too small")).join(" | ");
            let count = row.sent.count;
            assert!(
                markdown.contains(&format!("| {} | sent | {count} | {in_markdown} |", row.name)),
                "{name}: {in_markdown} in {markdown}"
            );
            let in_html = NEEDS.map(|(key, ..)| cell(key, "–")).join(" ");
            assert!(html.contains(&format!("{} sent {count} {in_html}", row.name)), "{name}: {in_html} in {html}");
        }
    }
}

#[test]
fn the_headline_says_what_share_of_the_planned_polls_tell_anything() {
    let views = views();
    let headline =
        |name: &str| views.iter().find(|(known, ..)| *known == name).map(|(_, _, view, _)| view.headline.clone()).expect("a log");
    let limited = headline("a rate limit over a window");
    assert!(limited.contains("only 68 of 318 planned polls show whether the scan was known"), "{limited}");
    assert!(limited.contains("200 were answered neither visible nor not_found, 200 of them throttled; 50 left too late"), "{limited}");
    for name in ["a window", "a sound service", "some lost polls"] {
        assert!(!headline(name).contains("planned polls"), "{name}: {}", headline(name));
    }
}

fn view_of(telling: &str, told: &str) -> View {
    let journal = journal(scenario(telling), told);
    let seen = Seen::of(&journal);
    View::of(&journal, &seen.analysis, &seen.judgement)
}

#[test]
fn the_headline_bounds_the_age_of_which_least_is_known_and_names_it() {
    let dealt = "[polls]\noffsets = [\"100ms\", \"2s\"]\neach = \"one\"";
    for (telling, told, headline) in [
        (AT_TWO, "59* @0=v @100=v", "0 of 59 accepted scans were denied: at each age polled the true rate is below 4.96 % (95 %)"),
        (
            dealt,
            "59* @100=v\n20* @2000=v",
            "0 of 79 accepted scans were denied; least is known at 2s: 0 of 20, so the true rate there is below 14 % (95 %)",
        ),
        (
            AT_TWO,
            "58* @0=v @100=v\n2* @0=lost @100=v",
            "0 of 60 accepted scans were denied; least is known at 0s: 0 of 58, and 2 without an answer that counts, so the true rate \
             there is below 10.2 % (95 %)",
        ),
        (
            dealt,
            "59* @100=v\n3* @2000=v",
            "0 of 62 accepted scans were denied; where at least 10 scans were polled at one age, least is known at 100ms: 0 of 59, so the \
             true rate there is below 4.96 % (95 %)",
        ),
        (
            "[polls]\noffsets = [\"100ms\"]",
            "3* @100=v",
            "0 of 3 accepted scans were denied: at each age polled the true rate is below 63.2 % (95 %)",
        ),
        (
            "[follow]\nuntil = \"visible\"\nevery = \"100ms\"\ndeadline = \"5s\"",
            "59* 100=v",
            "0 of 59 accepted scans were denied: polled as these were, the true rate is below 4.96 % (95 %)",
        ),
    ] {
        assert_eq!(view_of(telling, told).headline, headline, "{told}");
    }
}

#[test]
fn a_pass_says_what_one_client_cannot_see_and_a_failure_does_not() {
    let passed = view_of(AT_TWO, "60* @0=v @100=v").unseen.join("\n");
    for limit in ["one client address", "never without a request for longer than 59.888 s", "none was updated, cancelled or deleted"] {
        assert!(passed.contains(limit), "{limit}: {passed}");
    }
    assert!(view_of(AT_TWO, "60* @0=v @100=v x/200=ok").unseen.join("\n").contains("none was updated or deleted"));
    assert!(!view_of(AT_TWO, "60* @0=n @100=v").unseen.join("\n").contains("client address"));
}

#[test]
fn what_a_refusal_was_taken_for_is_said_with_what_was_answered() {
    let view = view_of(AT_TWO, "control 403 403 403\n20* @0=403 @100=v\n20* @0=v @100=v");
    let notice = view.notices.first().expect("a notice");
    assert!(notice.contains("20 polls of handed-out ids were answered refused, exactly as 3 polls for never-issued ids were"), "{notice}");
    let lost = view_of(AT_TWO, "20* @0=5xx @100=v\n40* @0=v @100=v");
    assert_eq!(lost.scenarios[0].denied, "0/100 at 2 offsets; 20 without an answer that counts");
    let row = lost.evidence.iter().find(|row| row.check == "status poll" && row.timing == "0s").expect("a row");
    assert_eq!(row.result, "visible 40 of 60, 20 without an answer that counts");
}

/// Every format that people read, and the sentences of the result.
const READ: [Format; 7] = [Format::Table, Format::Markdown, Format::Html, Format::Junit, Format::Github, Format::PullRequest, Format::Json];

/// Logs in which things occur once, and others in which most of what people are told occurs.
fn told() -> Vec<(&'static str, View)> {
    let once = [
        ("one scan", AT_TWO, "@0=n @100=v"),
        ("one flap", AT_TWO, "20* @0=v @100=v\n@0=v @100=n 300=v"),
        ("one lost job", AT_TWO, "20* @0=v @100=v\n@0=n @100=n 4000=n"),
        ("one lost poll", AT_TWO, "20* @0=v @100=v\n@0=5xx @100=v"),
        ("one refused initiate", AT_TWO, "20* @0=v @100=v\nrefused"),
        ("a late offset", "[polls]\noffsets = [\"2s500ms\"]", "20* @2500=n 3000=v"),
        ("an odd offset", "[polls]\noffsets = [\"1s250ms\"]", "20* @1250=n 3000=v"),
        ("a lost late offset", "[polls]\noffsets = [\"2s500ms\"]", "5* @2500=5xx\n20* @2500=v"),
    ];
    let all = LOGS.iter().map(|(name, telling, told, _)| (*name, *telling, *told));
    all.chain(once).map(|(name, telling, told)| (name, view_of(telling, told))).collect()
}

/// What no report may say, as expressions with what is wrong with it.
const NEVER: [(&str, &str); 7] = [
    (r"[a-z)]\.\.\s", "a sentence ends once"),
    (
        r"\b1 (scans|polls|jobs|requests|initiates|exchanges|lines|denials|connections|limits|reasons|steps|answers|shards)\b",
        "one, in the plural",
    ),
    (r"\b1 (scan|poll|job|request) were\b", "one thing were"),
    (r"\b\d+s\d+ms\b", "an offset as humantime writes it"),
    (r"\bup to \d[\d.,]* m?s, \d+ denied to the last poll", "an upper bound beside windows that have none"),
    (r"\bnobody (saw|told)\b|\btold nothing\b|\bdenied for good\b", "no colleague says that"),
    (r"\boptions? [123]\b|\bthree options\b", "an option of the reference service, of another target"),
];

#[test]
fn no_format_says_what_a_colleague_would_not() {
    for (name, view) in told() {
        for format in READ {
            let text = read(&view, format);
            for (never, why) in NEVER {
                let found = Regex::new(never).expect("a right expression").find(&text);
                assert!(found.is_none(), "{name}, {format:?}: {why}: {:?}", found.map(|found| found.as_str()));
            }
        }
    }
}

#[test]
fn an_offset_is_written_alike_in_every_format() {
    for (name, offset) in [("a late offset", "2.5s"), ("an odd offset", "1.25s")] {
        let (_, view) = told().into_iter().find(|(known, _)| *known == name).expect("a log");
        for format in READ {
            let text = read(&view, format);
            assert!(
                text.contains(&format!("20 of 20 polls at {offset} on fresh connections answered not_found"))
                    || matches!(format, Format::Table | Format::Github),
                "{name}, {format:?}: {text}"
            );
            assert!(!text.contains(&format!("{} s on fresh", offset.trim_end_matches('s'))), "{name}, {format:?}: {text}");
        }
        assert!(read(&view, Format::Table).contains(&format!("20/20 at {offset}")), "{name}");
    }
}

#[test]
fn the_jobs_of_first_contact_are_counted_once_and_alike() {
    let mut journal = journal(scenario(AT_TWO), "60* @0=v:run @100=v:run");
    let initiate = serde_json::json!({ "step": "initiate", "asked": "POST /jobs", "http": 202, "answer": "accepted", "took": 1_000_000 });
    journal.run.contact = Some(serde_json::from_value(serde_json::json!({ "exchanges": [initiate] })).expect("a contact"));
    let seen = Seen::of(&journal);
    let view = View::of(&journal, &seen.analysis, &seen.judgement);
    assert_eq!(result(&view)["jobs"]["started"], 61);
    assert_eq!(result(&view)["jobs"]["at_first_contact"], 1);
    for format in [Format::Table, Format::Markdown, Format::Html] {
        let text = read(&view, format);
        assert!(text.contains("Started 61 jobs: 60 to be measured, 1 at first contact; 60 had not ended"), "{format:?}: {text}");
    }
}

#[test]
fn a_pass_without_a_job_that_ended_says_so_first() {
    let notice = |view: &View| view.notices.iter().any(|notice| notice.starts_with("COMPLETION NOT ASSESSED"));
    let open = view_of(AT_TWO, "60* @0=v:run @100=v:run");
    assert!(notice(&open), "{:?}", open.notices);
    for format in [Format::Table, Format::Markdown, Format::Html, Format::Junit, Format::PullRequest] {
        assert!(read(&open, format).contains("COMPLETION NOT ASSESSED"), "{format:?}");
    }
    assert!(!notice(&view_of(AT_TWO, "60* @0=v:run @100=v:done")), "its jobs were seen to end");
    assert!(!notice(&view_of(AT_TWO, "60* @0=n @100=n 300=v:run")), "a failure has other news");
}

#[test]
fn a_window_without_an_end_has_no_upper_bound_and_no_edge() {
    let lost = view_of(AT_TWO, "30* @0=v @100=v\n5* @0=n @100=n 4000=n");
    assert_eq!(lost.scenarios[0].window.short, "5 of 35 denied to the last poll");
    let unseen = lost.unseen.join("\n");
    assert!(unseen.contains("5 scans were still denied when last polled, so the window of such scans has no upper bound"), "{unseen}");
    assert!(!unseen.contains("matter of chance"), "{unseen}");
    let some = view_of(AT_TWO, "30* @0=v @100=v\n5* @0=n @100=n 300=v\n2* @0=n @100=n 4000=n");
    assert_eq!(some.scenarios[0].window.short, "7 of 37, as late as 4.000 s, 2 denied to the last poll");
}

#[test]
fn where_most_scans_flap_no_median_is_shown_and_one_count_of_them_is() {
    let view = view_of(AT_TWO, "30* @0=v @100=n 300=v\n5* @0=n @100=v");
    for format in [Format::Table, Format::Html, Format::Markdown] {
        let text = read(&view, format);
        assert!(text.contains("30 scans were denied after being visible"), "{format:?}: {text}");
    }
    assert!(!read(&view, Format::Table).contains("· p90"), "{}", read(&view, Format::Table));
    assert!(view.headline.contains("; 30 had already been visible"), "{}", view.headline);
}

#[test]
fn an_open_verdict_is_not_contradicted_below_it() {
    for (name, expected, view, _) in views() {
        let table = read(&view, Format::Table);
        if expected == "inconclusive" {
            assert!(!table.contains(" broken SG-") && !table.contains(" by hand "), "{name}: {table}");
            assert!(view.window.safe.ms.is_none(), "{name}: {}", view.window.safe.told);
        }
    }
}

#[test]
fn a_build_is_red_in_junit_only_where_the_verdict_is() {
    const TOLERANT: &str = "[polls]\noffsets = [\"100ms\"]\n[expect]\nnot_found = { at_most = 0.05, confidence = 0.95 }";
    let failures = Regex::new("failures=\"([1-9][0-9]*)\"").expect("a right expression");
    let all = views().into_iter().map(|(name, expected, view, _)| (name, expected, view));
    for (name, expected, view) in all.chain([("tolerated", "pass", view_of(TOLERANT, "99* @100=v\n@100=n 200=v"))]) {
        let junit = render(&view, Format::Junit, Style { width: 100, colour: Colour::Off });
        assert_eq!(result(&view)["verdict"], expected, "{name}");
        assert_eq!(failures.is_match(&junit), expected == "fail", "{name}: {junit}");
    }
    let tolerated = read(&view_of(TOLERANT, "99* @100=v\n@100=n 200=v"), Format::Table);
    assert!(tolerated.contains("seen within what the scenarios tolerate") && !tolerated.contains("broken SG-"), "{tolerated}");
}

#[test]
fn limits_that_a_terminal_cuts_are_said_to_be_in_the_report() {
    let view = view_of(AT_TWO, "60* @0=v @100=v");
    let table = read(&view, Format::Table);
    let cut = Regex::new(r"and \d+ more limits? of this verdict, all in report\.md").expect("a right expression");
    assert!(cut.is_match(&table), "{table}");
    let markdown = read(&view, Format::Markdown);
    for limit in &view.unseen {
        assert!(markdown.contains(&collapsed(limit)), "{limit}: {markdown}");
    }
    assert!(table.contains("Denials in fewer scans than this could have been missed") && table.contains("Not assessed:"), "{table}");
}
