//! What a document says of the answers: where the id is, where the state is, and its words.

use serde_json::{Map, Value};

use super::super::infer::IdPlace;
use super::super::pair::Known;
use super::super::states::{STATE_NAMES, States};
use super::{DEEPEST, Document};

impl Document {
    /// Whether an answer of success has a member that looks like an id, or hands out a `Location`.
    pub(super) fn answers_with_id(&self, operation: &Value) -> bool {
        self.successes(operation).any(|answer| {
            let is_located =
                answer.get("headers").is_some_and(|headers| headers.get("Location").or_else(|| headers.get("location")).is_some());
            // Of an answer whose type is not declared, some frameworks say `{}`.
            let is_open = |schema: &Value| schema.as_object().is_some_and(Map::is_empty);
            is_located || Self::schemas(answer).any(|schema| is_open(schema) || self.find(schema, "", 0, &|name, _| is_id(name)).is_some())
        })
    }

    /// Where the answer to a POST has the id; `None` where that is not plain. `parameter` is what the GET calls it.
    pub(super) fn id_in(&self, operation: &Value, parameter: &str) -> Option<IdPlace> {
        let schemas: Vec<&Value> = self.successes(operation).flat_map(Self::schemas).collect();
        let same = |name: &str| plain(name) == plain(parameter);
        let find = |wanted: &dyn Fn(&str) -> bool| schemas.iter().find_map(|schema| self.find(schema, "", 0, &|name, _| wanted(name)));
        find(&same).or_else(|| find(&|name| name == "id")).map(IdPlace::Pointer)
    }

    /// Where the answer to a GET has the state, and which words that may be.
    pub(super) fn states_of(&self, operation: &Value) -> Known {
        let schemas: Vec<&Value> = self.successes(operation).flat_map(Self::schemas).collect();
        for wanted in STATE_NAMES {
            let place = schemas.iter().find_map(|schema| self.find(schema, "", 0, &|name, _| name.eq_ignore_ascii_case(wanted)));
            let Some(pointer) = place else { continue };
            let mut states = States::default();
            for schema in &schemas {
                for word in self.words_at(schema, &pointer) {
                    states.add(&word);
                }
            }
            return Known { id_at: None, state: Some(pointer), states };
        }
        Known::default()
    }

    fn successes<'a>(&'a self, operation: &'a Value) -> impl Iterator<Item = &'a Value> {
        let answers = operation.get("responses").and_then(Value::as_object).into_iter().flatten();
        answers.filter(|(code, _)| code.starts_with('2')).map(|(_, answer)| self.resolved(answer))
    }

    fn schemas(answer: &Value) -> impl Iterator<Item = &Value> {
        answer.get("content").and_then(Value::as_object).into_iter().flatten().filter_map(|(_, kind)| kind.get("schema"))
    }

    /// The parts of a schema that all or some values have.
    fn parts(schema: &Value) -> impl Iterator<Item = &Value> {
        ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array()).flatten()
    }

    /// The place of the first member that is wanted, those near the root first.
    fn find(&self, schema: &Value, pointer: &str, depth: usize, wanted: &dyn Fn(&str, &Value) -> bool) -> Option<String> {
        let schema = self.resolved(schema);
        if depth > DEEPEST {
            return None;
        }
        let members = || schema.get("properties").and_then(Value::as_object).into_iter().flatten();
        let at = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        let here = members().find(|(name, member)| wanted(name, member)).map(|(name, _)| at(name));
        here.or_else(|| Self::parts(schema).find_map(|part| self.find(part, pointer, depth + 1, wanted)))
            .or_else(|| members().find_map(|(name, member)| self.find(member, &at(name), depth + 4, wanted)))
    }

    /// The words that a schema lists at a place.
    fn words_at(&self, schema: &Value, pointer: &str) -> Vec<String> {
        let mut here = vec![self.resolved(schema)];
        for step in pointer.split('/').skip(1) {
            let name = step.replace("~1", "/").replace("~0", "~");
            here = here
                .into_iter()
                .flat_map(|schema| self.all_parts(schema, 0))
                .filter_map(|schema| schema.get("properties")?.get(&name))
                .collect();
        }
        let leaves = here.into_iter().flat_map(|schema| self.all_parts(schema, 0));
        let listed =
            leaves.flat_map(|schema| schema.get("enum").and_then(Value::as_array).into_iter().flatten().chain(schema.get("const")));
        listed.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn all_parts<'a>(&'a self, schema: &'a Value, depth: usize) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        let mut all = vec![schema];
        if depth <= DEEPEST {
            all.extend(Self::parts(schema).flat_map(|part| self.all_parts(part, depth + 1)));
        }
        all
    }
}

fn is_id(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "id" || name == "uuid" || name.ends_with("_id") || (name.ends_with("id") && name.len() > 4)
}

/// `renderId` and `render_id` are one name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
