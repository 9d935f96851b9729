//! What holds for every input.

use proptest::prelude::*;

use super::super::address::Base;
use super::super::template::{Braces, Template, Variable, encode};
use super::super::{Caller, REFERENCE, Reply, TEMPLATE, WriteKind};
use crate::model::answer::Answer;

use super::{accepted, file, headers, read, target, variables};

proptest! {
    #[test]
    fn an_encoded_id_decodes_to_itself(id in any::<String>()) {
        let encoded = encode(&id);
        prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)));
        let decoded = percent_encoding::percent_decode_str(&encoded).decode_utf8().expect("UTF-8 went in");
        prop_assert_eq!(decoded, id);
    }

    #[test]
    fn a_server_gets_back_the_id_it_gave(id in "\\PC{1,40}") {
        prop_assume!(id != "." && id != "..");
        let request = target(&file("path = '/jobs/{id}'"))
            .status(&variables(), Caller::Owner, &accepted(&id), None)
            .expect("any id can be sent");
        let segment = request.url.strip_prefix("http://localhost:8080/jobs/").expect("one segment below /jobs");
        prop_assert!(!segment.contains(['/', '?', '#']));
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().expect("UTF-8 went in");
        prop_assert_eq!(decoded, id);
    }

    #[test]
    fn a_path_becomes_the_address_that_a_parser_makes_of_it(path in "/[a-c./?#%2eE' |^{}\\\\~:@&=+;,!$()*é-]{0,24}") {
        let base = Base::read("http://localhost:8080/jobs").expect("a base");
        let mut parsed = url::Url::parse(&format!("http://localhost:8080/jobs{path}")).expect("an address");
        parsed.set_fragment(None);
        let segments = path.split(['?', '#']).next().unwrap_or_default();
        let dots = segments.split(['/', '\\']).any(|segment| matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | ".."));
        prop_assert_eq!(base.path(&path).ok(), (!dots).then(|| parsed.to_string()));
    }

    #[test]
    fn a_jsonpath_finds_any_id_and_no_other(id in any::<String>(), other in any::<String>()) {
        let target = target(&file(
            "path = '/'\n[[status.answer]]\nis = 'not_found'\nwhen = { jsonpath = \"$[?@ == '{id:raw}']\", exists = false }",
        ));
        let headers = headers(&[]);
        let body = serde_json::json!([id]).to_string();
        let reply = Reply { http: 200, headers: &headers, body: body.as_bytes() };
        prop_assert_eq!(target.read_status(&reply, &id).answer, Answer::Visible);
        prop_assert_eq!(target.read_status(&reply, &other).answer == Answer::Visible, id == other);
    }

    #[test]
    fn a_text_without_holes_is_sent_as_it_is(text in "[^${}]*") {
        let template = Template::read(&text, Braces::AreHoles, Variable::WITH_ID, &[], &|_, _| None).expect("no holes");
        prop_assert_eq!(template.fill(|_| "x".to_owned()), text);
    }

    #[test]
    fn doubled_braces_are_the_same_text_with_single_ones(text in "[a-z{}]*") {
        let doubled = text.replace('{', "{{").replace('}', "}}");
        let template = Template::read(&doubled, Braces::AreHoles, Variable::WITH_ID, &[], &|_, _| None).expect("no holes");
        prop_assert_eq!(template.fill(|_| "x".to_owned()), text);
    }

    #[test]
    fn no_text_makes_reading_panic(text in any::<String>()) {
        let _ = read(&text).map_err(|error| error.to_string());
    }

    #[test]
    fn no_value_makes_reading_panic(value in "[\\PC\\n]{0,24}", key in 0..9_usize) {
        let value = toml::Value::from(value.as_str()).to_string();
        let line = [
            format!("path = {value}"),
            format!("follow = {{ pointer = {value} }}"),
            format!("path = '/{{id}}'\nmethod = {value}"),
            format!("path = '/{{id}}'\nheaders = {{ a = {value} }}"),
            format!("path = '/{{id}}'\nbody = {value}"),
            format!("path = '/{{id}}'\nstate = {{ jsonpath = {value} }}"),
            format!("path = '/{{id}}'\nstate = {{ header = {value}, pattern = {value} }}"),
            format!("path = '/{{id}}'\n[[status.answer]]\nis = 'visible'\nwhen = {{ body_matches = {value} }}"),
            format!("path = '/{{id}}'\n[[status.answer]]\nis = 'visible'\nwhen = {{ http = {value} }}"),
        ];
        if let Err(error) = read(&file(&line[key])) {
            let shown = error.to_string();
            prop_assert!(error.place.is_some(), "{}", shown);
        }
    }

    #[test]
    fn no_cut_or_changed_file_makes_reading_panic(at in 0.0..1.0_f64, length in 0..20_usize, patch in "\\PC{0,6}") {
        for text in [REFERENCE, TEMPLATE] {
            let mut start = (text.len() as f64 * at) as usize;
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) { end -= 1; }
            let changed = format!("{}{patch}{}", &text[..start], &text[end.max(start)..]);
            let _ = read(&changed).map_err(|error| error.to_string());
        }
    }

    #[test]
    fn no_reply_makes_reading_panic(http in 100..600_u16, body in any::<Vec<u8>>(), id in any::<String>(), at in "[ -~]{0,20}") {
        let headers = headers(&[("location", &at)]);
        let reply = Reply { http, headers: &headers, body: &body };
        for text in [REFERENCE, TEMPLATE] {
            let target = target(text);
            let _ = target.read_initiate(&reply, &variables());
            let _ = target.read_status(&reply, &id);
            let _ = target.read_witness(&reply, &id);
            let _ = target.read_results(&reply, &id);
            let _ = target.read_write_seen(WriteKind::Cancel, &reply, &id);
            let _ = target.status(&variables(), Caller::Owner, &super::handed_out(&id, &at), Some(crate::model::exchange::Route::HandedOut));
        }
    }
}
