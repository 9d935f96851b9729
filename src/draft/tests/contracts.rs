//! What is inferred from the answers about one job, held against the target file's own reader.

use serde_json::{Value, json};

use super::draft;
use crate::draft::infer::{self, Contract, Evidence, IdPlace, Poll};
use crate::draft::{Answers, Filling, Origin, from_answers, with_reply};
use crate::model::answer::{Answer, State};
use crate::model::call::Answered;
use crate::model::source::Source;
use crate::target::Target;

const ID: &str = "6f1de3a1-aaaa-4bbb-8ccc-0123456789ab";
const NEW: &str = "3cd63d03-1111-4222-8333-0123456789ab";

fn answered(http: u16, body: &Value) -> Answered {
    Answered { http, headers: Vec::new(), body: body.to_string().into_bytes() }
}

struct Case {
    posted: Answered,
    never: [Answered; 2],
    polls: Vec<Answered>,
}

const ORIGIN: Origin<'static> = Origin { source: "calls.txt", file: "jobs.toml", schema: None };

fn commands() -> String {
    format!("curl -d '{{\"kind\":\"{{{{x}}}} ${{y}}\"}}' -H 'Content-Type: application/json' http://h/jobs\ncurl http://h/jobs/{ID}")
}

fn evidence(case: &Case, id: &str) -> Evidence {
    let polls = case.polls.iter().map(|answer| Poll { age_ms: 1.0, answer: answer.clone() }).collect();
    Evidence { posted: case.posted.clone(), id: id.to_owned(), never: case.never.to_vec(), polls, ..Evidence::default() }
}

/// Every answer is read as it must be, by the file that is made of them.
#[track_caller]
fn check(case: &Case, wanted: &[(Answer, Option<State>)]) -> Contract {
    let draft = draft(&commands());
    let (id, id_at) = infer::id(&case.posted, &draft.pair, None).expect("an id");
    let unknown_id = draft.never_issued(&id, &[7; 32]).swap_remove(0);
    let answers = Answers { evidence: evidence(case, &id), id_at, unknown_id, token: None };
    let made = from_answers(&draft, &answers, ORIGIN, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    for (answer, (meaning, state)) in case.polls.iter().zip(wanted) {
        let reading = with_reply(answer, |reply| made.target.read_status(reply, &id));
        assert_eq!((reading.answer, reading.state), (*meaning, *state), "{}\n{}", String::from_utf8_lossy(&answer.body), made.text);
    }
    for never in &case.never {
        let reading = with_reply(never, |reply| made.target.read_status(reply, "nobody"));
        assert_eq!(reading.answer, Answer::NotFound, "{}", made.text);
    }
    made.contract
}

const NOT_FOUND: (Answer, Option<State>) = (Answer::NotFound, None);
const RUNS: (Answer, Option<State>) = (Answer::Visible, Some(State::Running));
const DONE: (Answer, Option<State>) = (Answer::Visible, Some(State::Succeeded));

#[test]
fn a_404_needs_no_rule() {
    let gone = answered(404, &json!({"detail": "no such job"}));
    let contract = check(
        &Case {
            posted: answered(202, &json!({"job_id": NEW, "status_url": format!("/jobs/{NEW}")})),
            never: [gone.clone(), gone.clone()],
            polls: vec![
                gone,
                answered(200, &json!({"job_id": NEW, "status": "processing", "progress": 0.5})),
                answered(200, &json!({"job_id": NEW, "status": "completed", "progress": 1.0})),
            ],
        },
        &[NOT_FOUND, RUNS, DONE],
    );
    assert_eq!(contract.state.as_deref(), Some("/status"));
    assert_eq!(contract.echo.as_deref(), Some("/job_id"));
    assert_eq!(contract.progress.as_deref(), Some("/progress"));
    assert_eq!(contract.follow, Some(IdPlace::Pointer("/status_url".to_owned())));
}

#[test]
fn an_answer_with_200_is_told_by_what_differs() {
    let posted = || answered(200, &json!({"id": NEW}));
    let visible = |state: &str| answered(200, &json!({"id": NEW, "job": {"state": state}}));
    // a status word
    let word = |id: &str| answered(200, &json!({"id": id, "job": {"state": "not_found"}, "at": id}));
    check(
        &Case { posted: posted(), never: [word("a"), word("b")], polls: vec![word(NEW), visible("queued"), visible("done")] },
        &[NOT_FOUND, RUNS, DONE],
    );
    // null
    let null = answered(200, &json!({"job": null}));
    check(
        &Case { posted: posted(), never: [null.clone(), null.clone()], polls: vec![null, visible("queued"), visible("done")] },
        &[NOT_FOUND, RUNS, DONE],
    );
    // an error object that names the id
    let error = |id: &str| answered(200, &json!({"error": {"code": "NO_SUCH_JOB", "message": format!("no {id}")}}));
    check(
        &Case { posted: posted(), never: [error("a"), error("b")], polls: vec![error(NEW), visible("queued"), visible("done")] },
        &[NOT_FOUND, RUNS, DONE],
    );
    // an empty object
    let empty = answered(200, &json!({}));
    check(
        &Case { posted: posted(), never: [empty.clone(), empty.clone()], polls: vec![empty, visible("queued"), visible("done")] },
        &[NOT_FOUND, RUNS, DONE],
    );
    // absence from a list
    let list = |items: Value| answered(200, &json!({"jobs": items}));
    let item = |state: &str| json!([{"id": "other", "state": "done"}, {"id": NEW, "state": state}]);
    let without = list(json!([{"id": "other", "state": "done"}]));
    let contract = check(
        &Case {
            posted: posted(),
            never: [without.clone(), without.clone()],
            polls: vec![without, list(item("queued")), list(item("done"))],
        },
        &[NOT_FOUND, RUNS, DONE],
    );
    assert_eq!(contract.state.as_deref(), Some("$.jobs[?@.id == '{id:raw}'].state"));
}

#[test]
fn a_truth_is_a_state_too() {
    let gone = answered(404, &json!({}));
    check(
        &Case {
            posted: answered(200, &json!({"name": NEW, "id": NEW})),
            never: [gone.clone(), gone],
            polls: vec![answered(200, &json!({"id": NEW, "done": false})), answered(200, &json!({"id": NEW, "done": true}))],
        },
        &[RUNS, DONE],
    );
}

#[test]
fn lists_of_numbers_and_nested_answers_are_read() {
    let posted = || answered(201, &json!({"data": {"job_id": 17}}));
    let draft = draft("curl -d x http://h/jobs\ncurl http://h/jobs?id=16");
    let (id, id_at) = infer::id(&posted(), &draft.pair, None).expect("an id");
    assert_eq!((id.as_str(), id_at.clone()), ("17", IdPlace::Pointer("/data/job_id".to_owned())));
    let list = |items: Value| answered(200, &json!({"total": 1, "the jobs": items}));
    let item = |state: &str| list(json!([{"job_id": 16, "state": "ended"}, {"job_id": 17, "state": state, "progress": {"value": 3}}]));
    let without = list(json!([{"job_id": 16, "state": "ended"}]));
    let case =
        Case { posted: posted(), never: [without.clone(), without.clone()], polls: vec![without, item("waiting"), item("succeeded")] };
    let answers = Answers { evidence: evidence(&case, &id), id_at, unknown_id: "90071992{n}".to_owned(), token: None };
    let made = from_answers(&draft, &answers, ORIGIN, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    assert!(made.text.contains("$['the jobs'][?@.job_id == {id:raw}]"), "{}", made.text);
    let readings = made.readings.expect("readings");
    assert_eq!(readings.polls.iter().map(|(_, reading)| (reading.answer, reading.state)).collect::<Vec<_>>(), [NOT_FOUND, RUNS, DONE]);
}

#[test]
fn a_job_that_leads_on_to_its_result_or_is_gone_afterwards_was_visible_before() {
    let gone = answered(404, &json!({"error": "no job"}));
    let works = || answered(200, &json!({"id": NEW, "percent": 9}));
    let result = Answered { http: 303, headers: vec![("location".to_owned(), format!("/results/{NEW}"))], body: Vec::new() };
    let posted = || answered(202, &json!({"id": NEW}));
    let never = || [gone.clone(), gone.clone()];
    check(
        &Case { posted: posted(), never: never(), polls: vec![gone.clone(), works(), result] },
        &[NOT_FOUND, (Answer::Visible, None), DONE],
    );
    check(&Case { posted: posted(), never: never(), polls: vec![works(), gone.clone()] }, &[(Answer::Visible, None), NOT_FOUND]);
}

#[test]
fn the_id_is_no_name_of_the_exchange_and_may_stand_within_an_address() {
    let draft = draft(&commands());
    let other = "9c1b5a00-2222-4333-8444-0123456789ab";
    let of = |body: &Value| infer::id(&answered(202, body), &draft.pair, None);
    for body in [
        json!({"requestId": other, "data": [{"attributes": {"id": NEW}}]}),
        json!({"meta": {"request_id": other, "traceId": other}, "job": NEW}),
        json!({"user_id": other, "id": NEW}),
    ] {
        assert_eq!(of(&body).map(|(id, _)| id).as_deref(), Ok(NEW), "{body}");
    }
    // Where nothing else is there, it is the job's name.
    assert_eq!(of(&json!({"request_id": NEW})).map(|(id, _)| id).as_deref(), Ok(NEW));
    // The id in the second command was typed by hand, and looks like none of the service's.
    let typed = super::draft("curl -d x http://h/jobs\ncurl http://h/jobs/17");
    assert_eq!(infer::id(&answered(202, &json!({"export": {"exportId": NEW}})), &typed.pair, None).map(|(id, _)| id).as_deref(), Ok(NEW));
    let within = of(&json!({"links": {"self": format!("https://h/jobs/{NEW}?v=1"), "up": "https://h/jobs"}}));
    let place = IdPlace::Within("/links/self".to_owned(), "jobs/([^/?#]+)".to_owned());
    assert_eq!(within, Ok((NEW.to_owned(), place)));
    let operation = super::draft(&format!("curl -d x http://h/v1/jobs:run\ncurl http://h/v1/operations/{ID}"));
    let name = infer::id(&answered(200, &json!({"name": format!("v1/operations/{NEW}"), "done": false})), &operation.pair, None);
    assert_eq!(name.map(|(id, _)| id).as_deref(), Ok(NEW));
    let named = infer::id(&answered(202, &json!({"name": format!("v1/jobs/{NEW}")})), &draft.pair, Some("/name"));
    assert_eq!(named.map(|(id, _)| id).as_deref(), Ok(NEW));
    let gone = answered(404, &json!({}));
    let posted = answered(202, &json!({"links": {"self": format!("http://h/jobs/{NEW}")}}));
    check(
        &Case { posted, never: [gone.clone(), gone.clone()], polls: vec![gone, answered(200, &json!({"state": "done"}))] },
        &[NOT_FOUND, DONE],
    );
}

#[test]
fn a_state_that_is_known_by_its_changes_ends_the_polls() {
    let gone = answered(204, &Value::Null);
    let says = |word: &str| answered(200, &json!({"id": NEW, "state": {"name": word, "since": 1}}));
    let polls = |words: &[&str]| words.iter().map(|word| says(word)).collect::<Vec<_>>();
    let ended = |words: &[&str]| {
        let case = Case { posted: answered(201, &json!({"id": NEW})), never: [gone.clone(), gone.clone()], polls: polls(words) };
        infer::has_ended(&evidence(&case, NEW))
    };
    assert!(!ended(&["STATE_QUEUED", "STATE_ACTIVE"]) && ended(&["STATE_QUEUED", "STATE_ACTIVE", "STATE_SUCCEEDED"]));
}

#[test]
fn an_answer_in_another_language_is_named_as_that() {
    let draft = draft(&commands());
    let xml = Answered {
        http: 202,
        headers: vec![("content-type".to_owned(), "application/xml".to_owned())],
        body: format!("<job><id>{NEW}</id></job>").into_bytes(),
    };
    let error = infer::id(&xml, &draft.pair, None).expect_err("no JSON");
    assert!(
        error.what.contains("application/xml, and no JSON") && error.hint.contains("Accept: application/json"),
        "{error}: {}",
        error.hint
    );
}

#[test]
fn a_job_that_stays_unknown_leaves_the_other_places_of_its_id() {
    let draft = draft(&commands());
    let gone = answered(404, &json!({}));
    let other = "9c1b5a00-2222-4333-8444-0123456789ab";
    let case = Case {
        posted: answered(202, &json!({"id": other, "job": {"handle": NEW}})),
        never: [gone.clone(), gone.clone()],
        polls: vec![gone],
    };
    let (id, id_at) = infer::id(&case.posted, &draft.pair, None).expect("an id");
    let answers = Answers { evidence: evidence(&case, &id), id_at, unknown_id: "{uuid}".to_owned(), token: None };
    let error = from_answers(&draft, &answers, ORIGIN, &|_| None).expect_err("it was never visible");
    assert!(error.what.contains("did not become visible") && error.hint.contains("--id /job/handle"), "{error}: {}", error.hint);
}

#[test]
fn what_cannot_be_told_apart_is_refused_with_the_reason() {
    let draft = draft(&commands());
    let of = |never: Answered, poll: Answered| {
        let polls = vec![Poll { age_ms: 1.0, answer: poll }];
        let evidence = Evidence {
            posted: answered(200, &json!({"id": NEW})),
            id: NEW.to_owned(),
            never: vec![never.clone(), never],
            polls,
            ..Evidence::default()
        };
        Contract::of(&evidence, &draft.pair).expect_err("nothing differs")
    };
    let pending = answered(200, &json!({"status": "pending"}));
    let error = of(pending.clone(), pending);
    assert!(error.what.contains("answered like the job itself") && error.hint.contains("class N"), "{error}");
    let gone = answered(404, &json!({}));
    assert!(of(gone.clone(), gone).hint.contains("--wait"));
    let broken = answered(500, &json!({}));
    assert!(of(broken, answered(200, &json!({"status": "done"}))).what.contains("error of the service itself"));
    // The owner may not see the job: that is not an answer about it.
    assert!(of(answered(404, &json!({})), answered(403, &json!({}))).hint.contains("may its user see the job"));
}

#[test]
fn ambiguous_ids_are_asked_about() {
    let draft = draft(&format!("curl -d x http://h/jobs\ncurl http://h/jobs/{ID}"));
    let pair = &draft.pair;
    let two = answered(202, &json!({"task_id": NEW, "job_id": ID}));
    let error = infer::id(&two, pair, None).expect_err("two ids");
    let choice = error.choice.expect("a choice");
    assert_eq!((choice.option, choice.values[0].0.as_str(), choice.values[1].0.as_str()), ("--id", "/task_id", "/job_id"));
    assert_eq!(infer::id(&two, pair, Some("/job_id")).expect("named").0, ID);
    assert!(infer::id(&two, pair, Some("/nope")).is_err() && infer::id(&two, pair, Some("job_id")).is_err());
    // What the Location says settles it.
    let located = |body: &Value| Answered { headers: vec![("location".to_owned(), format!("http://h/jobs/{NEW}"))], ..answered(201, body) };
    assert_eq!(infer::id(&located(&json!({})), pair, None).expect("located").0, NEW);
    assert_eq!(infer::id(&located(&json!({"trace_id": ID, "name": "x"})), pair, None).map(|(id, _)| id), Ok(ID.to_owned()));
    assert_eq!(infer::id(&located(&json!({"request_id": ID, "job_id": NEW})), pair, None).expect("located").0, NEW);
    assert_eq!(infer::id(&located(&json!({})), pair, Some("Location")).expect("named").0, NEW);
    assert!(infer::id(&answered(200, &json!({"ok": true})), pair, None).is_err_and(|error| error.what.contains("no id")));
}

#[test]
fn secrets_become_variables_and_the_browsers_own_headers_go() {
    let commands = format!(
        "curl http://h/jobs -H 'authorization: Bearer s3cr3t-token' -H 'x-api-key: k3y-value' -H 'sec-fetch-mode: cors' -H 'user-agent: x' \
         -H 'Idempotency-Key: once' --json '{{\"password\": \"hunter2!\", \"n\": 1, \"note\": \"s3cr3t-token\"}}'\n\
         curl 'http://u:pa%24s@h/jobs/{ID}?access_token=qu3ry-token' -H 'authorization: Bearer s3cr3t-token'"
    );
    let draft = draft(&commands);
    assert_eq!(draft.dropped, 2);
    let gone = answered(404, &json!({}));
    let evidence = Evidence {
        posted: answered(200, &json!({"id": NEW})),
        id: NEW.to_owned(),
        never: vec![gone.clone(), gone],
        polls: vec![Poll { age_ms: 1.0, answer: answered(200, &json!({"status": "done"})) }],
        ..Evidence::default()
    };
    let answers = Answers { evidence, id_at: IdPlace::Pointer("/id".to_owned()), unknown_id: "{uuid}".to_owned(), token: None };
    let text = from_answers(&draft, &answers, ORIGIN, &|_| None).unwrap_or_else(|error| panic!("{error}")).text;
    for secret in ["s3cr3t", "k3y-value", "hunter2", "qu3ry", "pa%24s", "once"] {
        assert!(!text.contains(secret), "{text}");
    }
    for wanted in [
        "Bearer ${JOBS_TOKEN}",
        "${JOBS_API_KEY}",
        "${JOBS_PASSWORD}",
        "?access_token=${JOBS_ACCESS_TOKEN}",
        "Idempotency-Key = \"{uuid}\"",
    ] {
        assert!(text.contains(wanted), "{wanted}\n{text}");
    }
    assert!(
        !format!("{draft:?}").contains("hunter2!") || draft.secrets.iter().all(|secret| !format!("{secret:?}").contains(&secret.value))
    );
    // What is sent is what was copied, but for what must be new.
    let sent = draft.initiate(Filling { lookup: &|_| None, token: "", fresh: "fresh" }, "");
    assert_eq!((sent.header("authorization"), sent.header("idempotency-key")), (Some("Bearer s3cr3t-token"), Some("fresh")));
    assert!(sent.body.is_some_and(|body| body.contains("hunter2!")));
    assert_eq!(
        draft.status(Filling { lookup: &|_| None, token: "", fresh: "" }, "a/b").url,
        "http://h/jobs/a%2Fb?access_token=qu3ry-token"
    );
}

#[test]
fn a_body_is_written_so_that_it_is_sent_as_it_was() {
    for body in [
        "{\"a\": null, \"b\": \"{x}\"}",
        "a=1&b=%7B",
        "<x a='1'>\n\t\"q\"</x>",
        "{\"q\": \"query { job(id: 7) { id } }\"}",
        "[1.5, 2e3, -7]",
    ] {
        let quoted = shlex::try_quote(body).expect("a word");
        let draft = draft(&format!("curl http://h/jobs -H 'Content-Type: application/json' --data-raw {quoted}\ncurl http://h/jobs/{ID}"));
        let made = crate::draft::from_assumptions(&draft, Some("/id"), &[1; 32], ORIGIN, &|_| None)
            .unwrap_or_else(|error| panic!("{body}: {error}"));
        let variables = crate::target::Variables { n: 1, uuid: "u".to_owned(), ..crate::target::Variables::default() };
        let sent = made.target.initiate(&variables).expect("a request");
        let is_json = serde_json::from_str::<Value>(body).ok();
        match is_json {
            Some(json) => assert_eq!(serde_json::from_slice::<Value>(&sent.body).ok(), Some(json), "{}", made.text),
            None => assert_eq!(String::from_utf8_lossy(&sent.body), body, "{}", made.text),
        }
        assert!(Target::read(Source { file: "x", text: &made.text }, &|_| None).is_ok());
    }
    let odd = draft(&format!("curl http://h/jobs -H 'Content-Type: text/plain' --data-raw 'an {{id}} here'\ncurl http://h/jobs/{ID}"));
    assert!(
        crate::draft::from_assumptions(&odd, Some("/id"), &[1; 32], ORIGIN, &|_| None)
            .is_err_and(|error| error.what.contains("would be filled in"))
    );
}

#[test]
fn what_an_envelope_says_is_no_state() {
    let never = answered(200, &json!({"currstate": null, "status": "ok"}));
    let visible = |state: &str| answered(200, &json!({"currstate": state, "status": "ok"}));
    let contract = check(
        &Case {
            posted: answered(200, &json!({"jobid": NEW, "status": "ok"})),
            never: [never.clone(), never.clone()],
            polls: vec![never, visible("pending"), visible("running"), visible("finished")],
        },
        &[NOT_FOUND, RUNS, RUNS, DONE],
    );
    assert_eq!(contract.state.as_deref(), Some("/currstate"));
    // Where an unknown id has another envelope, the answer to the POST and the other state show it.
    let gone = answered(404, &json!({"status": "fail", "message": "no such job"}));
    let visible = |state: &str| answered(200, &json!({"status": "success", "data": {"job": {"state": state}}}));
    let case = Case {
        posted: answered(202, &json!({"status": "success", "data": {"id": NEW}})),
        never: [gone.clone(), gone.clone()],
        polls: vec![gone, visible("queued"), visible("done")],
    };
    assert_eq!(check(&case, &[NOT_FOUND, RUNS, DONE]).state.as_deref(), Some("/data/job/state"));
    let early = Evidence { polls: evidence(&case, NEW).polls[..2].to_vec(), ..evidence(&case, NEW) };
    assert!(!infer::has_ended(&early), "the envelope of a running job says success");
}

#[test]
fn an_unknown_id_that_is_answered_as_waiting_is_refused() {
    let draft = draft(&commands());
    let state = |word: &str| answered(200, &json!({"task-id": "x", "state": word}));
    let of = |word: &str| {
        let polls = vec![Poll { age_ms: 1.0, answer: state("STARTED") }, Poll { age_ms: 2.0, answer: state("SUCCESS") }];
        let posted = answered(200, &json!({"id": NEW}));
        Contract::of(
            &Evidence { posted, id: NEW.to_owned(), never: vec![state(word), state(word)], polls, ..Evidence::default() },
            &draft.pair,
        )
    };
    assert!(of("PENDING").is_err_and(|error| error.what.contains("like a job that waits") && error.hint.contains("class N")));
    assert!(of("UNKNOWN").is_ok());
}

#[test]
fn a_request_that_names_no_job_is_read_by_its_list_alone() {
    let draft = draft("curl -d x http://h/jobs\ncurl http://h/jobs");
    let list = |items: &Value| answered(200, &json!({"total": items.as_array().map_or(0, Vec::len), "jobs": items}));
    let (before, after) = (list(&json!([])), list(&json!([{"id": NEW, "state": "done"}])));
    let of = |polls: &[&Answered]| {
        let polls = polls.iter().map(|answer| Poll { age_ms: 1.0, answer: (*answer).clone() }).collect();
        let posted = answered(200, &json!({"id": NEW}));
        // The control is asked when the job is there already.
        Evidence { posted, id: NEW.to_owned(), never: vec![after.clone(), after.clone()], polls, is_list: true, ..Evidence::default() }
    };
    assert!(Contract::of(&of(&[&before]), &draft.pair).is_err_and(|error| error.what.contains("names no job")));
    let answers = Answers {
        evidence: of(&[&before, &after]),
        id_at: IdPlace::Pointer("/id".to_owned()),
        unknown_id: "{uuid:dashed}".to_owned(),
        token: None,
    };
    let made = from_answers(&draft, &answers, ORIGIN, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    let readings = made.readings.expect("readings");
    assert_eq!(readings.polls.iter().map(|(_, reading)| (reading.answer, reading.state)).collect::<Vec<_>>(), [NOT_FOUND, DONE]);
}

#[test]
fn a_job_goes_from_list_to_list() {
    let empty = json!([]);
    let lists = |pending: &Value, running: &Value, finished: &Value| {
        answered(200, &json!({"pending": pending, "running": running, "finished": finished, "status": "ok"}))
    };
    let (item, other) = (json!([{"id": NEW, "project": "shop"}]), json!([{"id": "0ther1d", "project": "shop"}]));
    let never = lists(&empty, &empty, &other);
    let contract = check(
        &Case {
            posted: answered(200, &json!({"jobid": NEW, "status": "ok"})),
            never: [never.clone(), never.clone()],
            polls: vec![never, lists(&item, &empty, &other), lists(&empty, &item, &other), lists(&empty, &empty, &item)],
        },
        &[NOT_FOUND, RUNS, RUNS, DONE],
    );
    assert_eq!(contract.by_list.len(), 3, "{:?}", contract.by_list);
    // One look is enough to know that there are others.
    let first = Case {
        posted: answered(200, &json!({"jobid": NEW})),
        never: [lists(&empty, &empty, &other), lists(&empty, &empty, &other)],
        polls: vec![lists(&item, &empty, &other)],
    };
    assert_eq!(check(&first, &[RUNS]).by_list.len(), 3);
    assert!(!infer::has_ended(&evidence(&first, NEW)));
}

#[test]
fn the_first_event_of_a_stream_is_the_answer() {
    let stream = |text: &str| Answered {
        http: 200,
        headers: vec![("content-type".to_owned(), "text/event-stream; charset=utf-8".to_owned())],
        body: text.as_bytes().to_vec(),
    };
    let gone = answered(404, &json!({}));
    let contract = check(
        &Case {
            posted: answered(202, &json!({"id": NEW})),
            never: [gone.clone(), gone.clone()],
            polls: vec![
                gone,
                stream(&format!(": beat\n\nevent: ping\ndata: {{}}\n\nid: 1\ndata: {{\"id\": \"{NEW}\", \"status\": \"running\"}}\n\n")),
                stream("data: {\"status\": \"done\"}\n\ndata: {\"status\": \"running\"}\n\n"),
            ],
        },
        &[NOT_FOUND, RUNS, DONE],
    );
    assert_eq!(contract.state.as_deref(), Some("/status"));
}
