//! A login among the commands, and the client's own ids.

use serde_json::json;

use super::{draft, pair};
use crate::draft::infer::{self, Evidence, IdPlace, Poll, Token, TokenPlace};
use crate::draft::{Answers, Draft, Filling, IdFrom, Origin, from_answers};
use crate::model::answer::Answer;
use crate::model::call::Answered;
use crate::target::{Target, Variables};

const NEW: &str = "3cd63d03-1111-4222-8333-0123456789ab";
const ORIGIN: Origin<'static> = Origin { source: "calls.txt", file: "jobs.toml", schema: None };

fn answered(http: u16, body: &serde_json::Value) -> Answered {
    Answered { http, headers: Vec::new(), body: body.to_string().into_bytes() }
}

fn token_of(draft: &Draft, answer: &Answered) -> Token {
    infer::token(answer, draft.pair.login.as_ref().expect("a login")).unwrap_or_else(|error| panic!("{error}"))
}

/// The file for a job that was accepted so, and not known at first.
#[track_caller]
fn made(draft: &Draft, posted: Answered, id_at: IdPlace, token: Option<Token>) -> (String, Target) {
    let gone = answered(404, &json!({}));
    let polls = vec![Poll { age_ms: 1.0, answer: gone.clone() }, Poll { age_ms: 9.0, answer: answered(200, &json!({"status": "done"})) }];
    let variables = Variables { n: 7, uuid: NEW.replace('-', ""), ..Variables::default() };
    let evidence = Evidence { posted, id: NEW.to_owned(), never: vec![gone.clone(), gone], polls, variables, ..Evidence::default() };
    let answers = Answers { evidence, id_at, unknown_id: "{uuid}".to_owned(), token };
    let finished = from_answers(draft, &answers, ORIGIN, &|_| None).unwrap_or_else(|error| panic!("{error}"));
    let readings = finished.readings.expect("readings");
    assert_eq!(readings.polls.iter().map(|(_, reading)| reading.answer).collect::<Vec<_>>(), [Answer::NotFound, Answer::Visible]);
    (finished.text, finished.target)
}

const LOGIN: &str = "curl h/auth/login --json '{\"username\": \"ada\", \"password\": \"lovelace-1\"}'\n";

#[test]
fn what_a_login_gives_stands_where_the_others_carry_it() {
    let token = answered(200, &json!({"access_token": "fresh-token", "refresh_token": "other", "token_type": "bearer", "expires_in": 300}));
    let mut cookie = answered(302, &json!({}));
    cookie.headers = vec![
        ("set-cookie".to_owned(), "theme=dark; Path=/".to_owned()),
        ("set-cookie".to_owned(), "connect.sid=fresh-token; Path=/; HttpOnly".to_owned()),
    ];
    let mut header = answered(204, &json!({}));
    header.headers = vec![("X-Auth-Token".to_owned(), "fresh-token".to_owned())];
    for (carried, answer, header, value, place) in [
        ("-H 'Authorization: Bearer old-token-1'", &token, "authorization", "Bearer fresh-token", "pointer = \"/access_token\""),
        ("-H \"Authorization: Bearer $TOKEN\"", &token, "authorization", "Bearer fresh-token", "expires = { pointer = \"/expires_in\" }"),
        ("-H \"Authorization: Bearer $(get token)\"", &token, "authorization", "Bearer fresh-token", "[login]"),
        ("-b 'theme=dark; connect.sid=old-token-1'", &cookie, "cookie", "connect.sid=fresh-token", "accept = [302]"),
        ("-H 'X-Auth-Token: old-token-1'", &header, "x-auth-token", "fresh-token", "header = \"X-Auth-Token\""),
    ] {
        let draft = draft(&format!("{LOGIN}curl -d x h/jobs {carried}\ncurl h/jobs/{NEW} {carried}"));
        let token = token_of(&draft, answer);
        assert_eq!(token.value, "fresh-token", "{carried}");
        let sent = draft.status(Filling { lookup: &|_| None, token: &token.value, fresh: "" }, NEW);
        assert_eq!(sent.header(header), Some(value), "{carried}");
        let (text, target) = made(&draft, answered(202, &json!({"id": NEW})), IdPlace::Pointer("/id".to_owned()), Some(token));
        assert!(text.contains(place) && text.contains("${JOBS_PASSWORD}"), "{carried}: no {place} in\n{text}");
        assert!(!text.contains("old-token") && !text.contains("lovelace") && !text.contains("fresh-token"), "{text}");
        // The file finds in the answer what was found without it.
        let session = crate::draft::with_reply(answer, |reply| target.read_login(0, reply));
        assert!(session.is_ok(), "{carried}: {session:?}\n{text}");
    }
}

#[test]
fn the_same_login_with_other_credentials_is_the_foreign_users() {
    let other = LOGIN.replace("ada", "mallory").replace("lovelace-1", "evil-plan-7");
    let carried = "-H 'Authorization: Bearer old-token-1'";
    let draft = draft(&format!("{LOGIN}{other}curl -d x h/jobs {carried}\ncurl h/jobs/{NEW} {carried}"));
    let token = token_of(&draft, &answered(200, &json!({"token": "fresh-token"})));
    let (text, target) = made(&draft, answered(202, &json!({"id": NEW})), IdPlace::Pointer("/id".to_owned()), Some(token));
    assert!(target.can().foreign_user && target.logins() == 2, "{text}");
    assert!(text.contains("${JOBS_PASSWORD_2}") && !text.contains("evil-plan"), "{text}");
    let third = LOGIN.replace("h/auth", "h/other");
    let error = pair(&format!("{LOGIN}{third}curl -d x h/jobs {carried}\ncurl h/jobs/{NEW} {carried}")).expect_err("two services");
    assert!(error.what.contains("two commands look like logins"), "{error}");
}

#[test]
fn a_cookie_beside_a_variable_is_still_a_secret() {
    let carried = "-b \"sid=$SID; theme=dark-secret-1\"";
    let draft = draft(&format!("curl -d x h/jobs {carried}\ncurl h/jobs/{NEW} {carried}"));
    assert_eq!((draft.variables.as_slice(), draft.secrets.len()), (["SID".to_owned()].as_slice(), 1), "{:?}", draft.secrets);
    let (text, _) = made(&draft, answered(202, &json!({"id": NEW})), IdPlace::Pointer("/id".to_owned()), None);
    assert!(text.contains("sid=${SID}; theme=${JOBS_COOKIE}") && !text.contains("dark-secret"), "{text}");
}

#[test]
fn a_job_whose_address_looks_like_a_login_is_still_a_job() {
    // No credentials of its own: an endpoint that makes sessions.
    assert!(draft(&format!("curl -d '{{\"a\": 1}}' h/sessions\ncurl h/sessions/{NEW}")).pair.login.is_none());
    // Credentials, but only two commands.
    assert!(draft(&format!("curl -d 'password=x' h/token\ncurl h/token/{NEW}")).pair.login.is_none());
    let without = format!("{LOGIN}curl -d x h/jobs\ncurl h/jobs/{NEW}");
    assert!(pair(&without).is_err_and(|error| error.what.contains("carry no credentials") && error.hint.contains("--calls")));
    let silent = draft(&format!("{LOGIN}curl -d x h/jobs -H 'Authorization: Bearer old'\ncurl h/jobs/{NEW}"));
    let nothing = infer::token(&answered(200, &json!({"ok": true})), silent.pair.login.as_ref().expect("a login"));
    assert!(nothing.is_err_and(|error| error.what.contains("nothing that looks like a token")));
}

#[test]
fn an_id_that_both_commands_have_is_the_clients_own() {
    let uuid = "6f1de3a1-aaaa-4bbb-8ccc-0123456789ab";
    for (commands, template) in [
        (format!("curl -X PUT h/packages/{uuid} -d x\ncurl h/packages/{uuid}"), "{uuid:dashed}"),
        (format!("curl -X PUT h/packages/pkg_{uuid} -d x\ncurl h/packages/pkg_{uuid}/status"), "pkg_{uuid:dashed}"),
        (format!("curl h/jobs --json '{{\"job_id\": \"{uuid}\"}}'\ncurl h/jobs/{uuid}"), "{uuid:dashed}"),
        ("curl -X PUT h/packages/$NAME -d x\ncurl h/packages/$NAME".to_owned(), "{uuid}"),
        ("curl -X PUT h/batches/load-0012 -d x\ncurl h/batches/load-0012".to_owned(), "load-{n}"),
    ] {
        let draft = draft(&commands);
        assert_eq!(draft.pair.id_from, IdFrom::Client, "{commands}");
        assert_eq!(draft.id_of_the_client().as_deref(), Some(template), "{commands}");
        let sent = draft.initiate(Filling { lookup: &|_| None, token: "", fresh: "" }, "new");
        assert!(sent.url.ends_with("/new") || sent.body.is_some_and(|body| body.contains("\"new\"")), "{commands}: {}", sent.url);
    }
    let draft = draft(&format!("curl -X PUT h/packages/{uuid} -d x\ncurl h/packages/{uuid}"));
    let (text, target) = made(&draft, answered(202, &json!({})), IdPlace::Client("{uuid:dashed}".to_owned()), None);
    assert!(text.contains("method = \"PUT\"") && text.contains("id = \"{uuid:dashed}\"") && !text.contains("unknown_id"), "{text}");
    let variables = Variables { uuid: NEW.replace('-', ""), ..Variables::default() };
    assert!(target.initiate(&variables).is_ok_and(|request| request.url.ends_with(&format!("/packages/{NEW}"))));
    // A tenant stands further up, and is not the job's.
    let tenant = super::draft(&format!("curl -d x h/{uuid}/jobs\ncurl h/{uuid}/jobs/17"));
    assert_eq!((tenant.pair.id_from, tenant.pair.id.as_deref()), (IdFrom::Answer, Some("17")));
    let both = super::draft(&format!("curl h/jobs --json '{{\"project\": \"{uuid}\"}}'\ncurl h/projects/{uuid}/jobs/17"));
    assert_eq!((both.pair.id_from, both.pair.id.as_deref()), (IdFrom::Answer, Some("17")));
}

#[test]
fn a_redirect_to_what_was_made_is_an_acceptance() {
    let draft = draft(&format!("curl -d x h/exports\ncurl h/exports/{NEW}"));
    let redirect = |http, to: &str| Answered { http, headers: vec![("location".to_owned(), to.to_owned())], body: Vec::new() };
    for http in [302, 303] {
        let posted = redirect(http, &format!("/exports/{NEW}?created=1"));
        let (id, id_at) = infer::id(&posted, &draft.pair, None).expect("an id");
        assert_eq!(id, NEW);
        let (text, _) = made(&draft, posted, id_at, None);
        assert!(text.contains(&format!("accept = [{http}]")), "{text}");
    }
    for answer in
        [redirect(302, "/login?next=/exports/1"), redirect(303, "/auth/sso"), redirect(307, "/exports/1"), redirect(301, "/exports/")]
    {
        assert!(!answer.is_redirect_to_what_it_made(), "{answer:?}");
    }
    let in_query = super::draft(&format!("curl -d x h/start\ncurl h/status?job={NEW}"));
    let posted = redirect(303, &format!("http://h/status?lang=en&job={NEW}"));
    assert_eq!(infer::id(&posted, &in_query.pair, None).map(|(id, _)| id), Ok(NEW.to_owned()));
}

#[test]
fn a_recorded_login_is_found_by_what_it_gave() {
    let entry = |method: &str, url: &str, header: &str, body: &str, answer: &serde_json::Value| {
        json!({
            "request": {"method": method, "url": url, "headers": [{"name": "Authorization", "value": header}], "postData": {"text": body}},
            "response": {"status": 200, "headers": [], "content": {"text": answer.to_string()}},
        })
    };
    let login =
        |token: &str| entry("POST", "http://h/login", "", "{\"password\": \"lovelace-1\"}", &json!({"token": token, "expires_in": 60}));
    let of = |login: serde_json::Value| {
        let entries = json!([
            login,
            entry("POST", "http://h/jobs", "Bearer the-token-1", "{}", &json!({"id": NEW})),
            entry("GET", &format!("http://h/jobs/{NEW}"), "Bearer the-token-1", "", &json!({"status": "done"})),
        ]);
        let calls = crate::draft::har::calls(&json!({"log": {"entries": entries}}).to_string()).expect("an archive");
        let pair = crate::draft::pair::of_recording(&calls, crate::draft::pair::PairOptions::default()).expect("a pair");
        Draft::of(pair, None).expect("a draft")
    };
    let draft = of(login("the-token-1"));
    let login_call = draft.pair.login.clone().expect("a login").call;
    assert_eq!(token_of(&draft, &login_call.answer.expect("an answer")).place, TokenPlace::Pointer("/token".to_owned()));
    assert!(of(login("another")).pair.login.is_none());
}
