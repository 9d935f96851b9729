//! What a target makes of the replies to an initiate.

use super::super::{Initiated, Reply};
use super::{file, headers, target, variables};
use crate::model::answer::Answer;

use Answer::{Malformed, Refused, ServerError, Throttled};

fn initiated(id: &str, http: u16, pairs: &[(&str, &str)], body: &str) -> Result<String, Answer> {
    let text = format!("name = 'x'\nbase_url = 'http://h'\n[initiate]\npath = '/'\n{id}\n[status]\npath = '/{{id}}'");
    let headers = headers(pairs);
    let reply = Reply { http, headers: &headers, body: body.as_bytes() };
    match target(&text).read_initiate(&reply, &variables()) {
        Initiated::Accepted(accepted) => Ok(accepted.id),
        Initiated::Failed { answer, reason } => {
            assert!(!reason.is_empty());
            Err(answer)
        }
    }
}

#[test]
fn an_id_is_found_wherever_the_file_says() {
    let pointer = "id = { pointer = '/id' }";
    let location = "id = { header = 'Location', pattern = '/jobs/([^/]+)$' }";
    let long = "x".repeat(64 * 1024 + 1);
    let at_limit = "x".repeat(64 * 1024);
    let custom = "accept = [202]\nid = { pointer = '/id' }";
    let ok = |id: &str| Ok(id.to_owned());
    for (id, http, pairs, body, expected) in [
        (pointer, 200, &[][..], r#"{"id":"a b"}"#.to_owned(), ok("a b")),
        (pointer, 201, &[][..], r#"{"id":18446744073709551615}"#.to_owned(), ok("18446744073709551615")),
        (pointer, 200, &[][..], r#"{"id":null}"#.to_owned(), Err(Malformed)),
        (pointer, 200, &[][..], r#"{"id":""}"#.to_owned(), Err(Malformed)),
        (pointer, 200, &[][..], r#"{"id":["a"]}"#.to_owned(), Err(Malformed)),
        (pointer, 200, &[][..], "oops".to_owned(), Err(Malformed)),
        (pointer, 200, &[][..], format!(r#"{{"id":"{long}"}}"#), Err(Malformed)),
        (pointer, 200, &[][..], format!(r#"{{"id":"{at_limit}"}}"#), ok(&at_limit)),
        (pointer, 401, &[][..], String::new(), Err(Refused)),
        (pointer, 404, &[][..], r#"{"id":"a"}"#.to_owned(), Err(Malformed)),
        (pointer, 429, &[][..], String::new(), Err(Throttled)),
        (pointer, 502, &[][..], String::new(), Err(ServerError)),
        (custom, 202, &[][..], r#"{"id":"a"}"#.to_owned(), ok("a")),
        (custom, 200, &[][..], r#"{"id":"a"}"#.to_owned(), Err(Malformed)),
        ("id = { jsonpath = '$.jobs[0].id' }", 200, &[][..], r#"{"jobs":[{"id":"a"}]}"#.to_owned(), ok("a")),
        ("id = { header = 'X-Job' }", 204, &[("x-job", "a")][..], String::new(), ok("a")),
        (location, 202, &[("location", "http://h/jobs/a%2Fb")][..], String::new(), ok("a%2Fb")),
        (location, 202, &[("location", "/elsewhere")][..], String::new(), Err(Malformed)),
        (location, 202, &[][..], String::new(), Err(Malformed)),
    ] {
        assert_eq!(initiated(id, http, pairs, &body), expected, "{id} {http}");
    }
}

#[test]
fn a_missing_address_fails_the_initiate_only_where_nothing_else_can_be_asked() {
    let headers = headers(&[]);
    let reply = Reply { http: 200, headers: &headers, body: br#"{"id":"a"}"# };
    let with_path = target(&file("path = '/{id}'\nfollow = { pointer = '/at' }"));
    assert!(matches!(with_path.read_initiate(&reply, &variables()), Initiated::Accepted(accepted) if accepted.handed_out.is_none()));
    let without = target(&file("follow = { pointer = '/at' }"));
    assert!(matches!(without.read_initiate(&reply, &variables()), Initiated::Failed { answer: Malformed, .. }));
}
