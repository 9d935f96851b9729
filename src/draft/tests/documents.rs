//! OpenAPI documents.

use crate::draft::DraftError;
use crate::draft::infer::IdPlace;
use crate::draft::openapi::{self, DocumentOptions};
use crate::draft::pair::Pair;

fn read(text: &str, operation: Option<&str>, from: Option<&str>) -> Result<Pair, DraftError> {
    openapi::pair(text, DocumentOptions { operation, from, base_url: None })
}

const DOCUMENT: &str = r##"
openapi: 3.1.0
info: { title: Renders, version: "1" }
servers: [{ url: "https://api.example.com/v1/" }]
security: [{ bearer: [] }]
paths:
  /health: { get: { responses: { 200: { description: ok } } } }
  /renders:
    post:
      operationId: start_render
      requestBody:
        content:
          application/json:
            schema: { $ref: "#/components/schemas/Input" }
      responses:
        202: { content: { application/json: { schema: { $ref: "#/components/schemas/Render" } } } }
  /renders/{render_id}: { get: { responses: { 200: { content: { application/json: { schema: { $ref: "#/components/schemas/State" } } } } } } }
  /renders/{render_id}/result: { get: { responses: {} } }
components:
  securitySchemes: { bearer: { type: http, scheme: bearer } }
  schemas:
    Input:
      type: object
      required: [text, size, tags]
      properties:
        text: { type: string }
        size: { type: integer, minimum: 3 }
        note: { type: string }
        tags: { type: array, items: { type: string, enum: [fast, slow] }, minItems: 1 }
    State:
      allOf:
        - { $ref: "#/components/schemas/Render" }
        - { properties: { status: { type: string, enum: [queued, broken_down, failed, succeeded] } } }
    Render: { properties: { render_id: { type: string } } }
"##;

#[test]
fn an_openapi_document_gives_the_pair_and_a_body_of_what_is_required() {
    let pair = read(DOCUMENT, None, None).expect("a pair");
    assert_eq!(pair.initiate.url, "https://api.example.com/v1/renders");
    assert_eq!(pair.status.url, "https://api.example.com/v1/renders/\u{e003}");
    assert_eq!(pair.known.id_at, Some(IdPlace::Pointer("/render_id".to_owned())));
    assert_eq!(pair.known.state.as_deref(), Some("/status"));
    assert_eq!(pair.known.states.failed, ["broken_down", "failed"].into_iter().skip(1).collect::<Vec<_>>());
    assert_eq!(pair.initiate.body.as_deref(), Some(r#"{"text":"statusgap","size":3,"tags":["fast"]}"#));
    assert_eq!(pair.initiate.header("authorization"), Some("Bearer \u{e000}API_TOKEN\u{e001}"));
    let relative = DOCUMENT.replace("https://api.example.com/v1/", "/api");
    assert_eq!(read(&relative, None, Some("http://h:1/docs/openapi.yaml")).expect("a pair").initiate.url, "http://h:1/api/renders");
    for (text, operation, why) in [
        (relative.as_str(), None, "not a complete address"),
        ("swagger: '2.0'", None, "Swagger 2"),
        ("{", None, "not an OpenAPI document"),
        ("hello", None, "not an OpenAPI document"),
        ("openapi: 3.0.0\nservers: [{url: 'http://h'}]\npaths: {}", None, "no POST"),
        (DOCUMENT, Some("other"), "no operation"),
    ] {
        let error = read(text, operation, None).expect_err(why);
        assert!(error.what.contains(why), "{why}: {error}");
    }
    let second = DOCUMENT.replace("  /health:", "  /mails: { post: { responses: { 200: { content: { a/json: { schema: { properties: { id: {} } } } } } } } }\n  /mails/{id}: { get: {} }\n  /health:");
    let error = read(&second, None, None).expect_err("two operations");
    assert!(error.what.contains("several operations"), "{error}");
    assert_eq!(read(&second, Some("/mails"), None).expect("a pair").status.url, "https://api.example.com/v1/mails/\u{e003}");
}
