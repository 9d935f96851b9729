//! A request's body from its schema: the document's own example, or the least that the schema requires.

use serde_json::{Map, Value};

use super::{DEEPEST, Document};

impl Document {
    /// A body for an operation, with its type.
    pub(super) fn body_of(&self, operation: &Value) -> Option<(String, String)> {
        let body = self.resolved(operation.get("requestBody")?);
        let content = body.get("content")?.as_object()?;
        let (kind, content) = content.iter().find(|(kind, _)| kind.contains("json")).or_else(|| content.iter().next())?;
        let example = content.get("example").cloned();
        let example = example.or_else(|| self.resolved(content.get("examples")?.as_object()?.values().next()?).get("value").cloned());
        let example = example.or_else(|| Some(self.example(content.get("schema")?, 0)))?;
        if kind.contains("json") {
            return Some((kind.clone(), example.to_string()));
        }
        let fields = example.as_object()?.iter().map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), value)
        });
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Some(("application/x-www-form-urlencoded".to_owned(), form))
    }

    /// A value that a schema allows: its own example, or one made of what it requires.
    pub(super) fn example(&self, schema: &Value, depth: usize) -> Value {
        let schema = self.resolved(schema);
        if depth > DEEPEST {
            return Value::Null;
        }
        let given = ["example", "default", "const"].into_iter().find_map(|key| schema.get(key)).cloned();
        let given = given.or_else(|| schema.pointer("/examples/0").cloned()).or_else(|| schema.pointer("/enum/0").cloned());
        if let Some(given) = given.filter(|given| !given.is_null()) {
            return given;
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(members) = self.example(part, depth + 1) {
                    whole.extend(members);
                }
            }
            return Value::Object(whole);
        }
        let choices = ["oneOf", "anyOf"].into_iter().find_map(|key| schema.get(key)?.as_array());
        let is_null = |choice: &&Value| choice.get("type").and_then(Value::as_str) == Some("null");
        if let Some(choice) = choices.and_then(|choices| choices.iter().find(|choice| !is_null(choice))) {
            return self.example(choice, depth + 1);
        }
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("string"),
            _ if schema.get("properties").is_some() => "object",
            _ => "string",
        };
        match kind {
            "object" => {
                let required = schema.get("required").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                let members = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
                let wanted = members.filter(|(name, _)| required.iter().any(|needed| needed.as_str() == Some(name.as_str())));
                Value::Object(wanted.map(|(name, member)| (name.clone(), self.example(member, depth + 1))).collect())
            }
            "array" => {
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
                let item = || schema.get("items").map_or(Value::from("statusgap"), |items| self.example(items, depth + 1));
                Value::Array((0..least.min(10)).map(|_| item()).collect())
            }
            "integer" => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
            "number" => schema.get("minimum").cloned().unwrap_or_else(|| 1.into()),
            "boolean" => false.into(),
            _ => match schema.get("format").and_then(Value::as_str) {
                Some("uuid") => "00000000-0000-4000-8000-000000000000".into(),
                Some("date-time") => "2026-01-01T00:00:00Z".into(),
                Some("date") => "2026-01-01".into(),
                Some("uri" | "url") => "https://example.com/".into(),
                Some("email") => "someone@example.com".into(),
                _ => "statusgap".into(),
            },
        }
    }
}
