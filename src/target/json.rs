//! JSON values whose texts have holes: request bodies, and what a rule compares with.

use serde_json::Value;

use super::template::{Template, Variable};

/// A JSON value with a [`Template`] wherever it has a text.
#[derive(Debug, Clone)]
pub(super) enum JsonTemplate {
    Text(Template),
    List(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
    /// A number or a truth value.
    Plain(Value),
}

impl JsonTemplate {
    /// The value with every hole filled.
    pub(super) fn fill(&self, fill: &mut impl FnMut(Variable) -> String) -> Value {
        match self {
            JsonTemplate::Text(template) => Value::String(template.fill(fill)),
            JsonTemplate::List(list) => list.iter().map(|item| item.fill(fill)).collect(),
            JsonTemplate::Object(object) => object.iter().map(|(key, value)| (key.clone(), value.fill(fill))).collect(),
            JsonTemplate::Plain(value) => value.clone(),
        }
    }

    /// Whether a reply's value equals this one when it is asked about the scan `id`.
    pub(super) fn equals(&self, value: &Value, id: &str) -> bool {
        match (self, value) {
            (JsonTemplate::Text(template), Value::String(text)) => template.fill(|variable| variable.id(id)) == *text,
            (JsonTemplate::List(wanted), Value::Array(list)) => {
                wanted.len() == list.len() && wanted.iter().zip(list).all(|(wanted, value)| wanted.equals(value, id))
            }
            (JsonTemplate::Object(wanted), Value::Object(object)) => {
                wanted.len() == object.len()
                    && wanted.iter().all(|(key, wanted)| object.get(key).is_some_and(|value| wanted.equals(value, id)))
            }
            // JSON has one kind of number, so 1 equals 1.0; two integers are compared exactly, however large
            (JsonTemplate::Plain(Value::Number(wanted)), Value::Number(number)) => {
                wanted == number || ((wanted.is_f64() || number.is_f64()) && wanted.as_f64() == number.as_f64())
            }
            (JsonTemplate::Plain(wanted), value) => wanted == value,
            _ => false,
        }
    }

    /// Whether it depends on which scan was asked for.
    pub(super) fn names_the_id(&self) -> bool {
        self.templates().iter().any(|template| template.variables().any(Variable::is_id))
    }

    /// All its texts.
    pub(super) fn templates(&self) -> Vec<&Template> {
        match self {
            JsonTemplate::Text(template) => vec![template],
            JsonTemplate::List(list) => list.iter().flat_map(Self::templates).collect(),
            JsonTemplate::Object(object) => object.iter().flat_map(|(_, value)| value.templates()).collect(),
            JsonTemplate::Plain(_) => Vec::new(),
        }
    }
}
