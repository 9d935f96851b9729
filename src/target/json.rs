//! JSON values whose texts have holes: request bodies, and what a rule compares with.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::captured::About;
use super::template::{Template, Variable};

/// A JSON value with a [`Template`] wherever it has a text.
#[derive(Debug, Clone)]
pub(crate) enum JsonTemplate {
    Text(Template),
    List(Vec<JsonTemplate>),
    Object(Vec<(String, JsonTemplate)>),
    /// A number or a truth value.
    Plain(Value),
}

impl JsonTemplate {
    /// The value as text, with every hole filled.
    pub(super) fn fill(&self, value: &dyn Fn(Variable) -> String) -> Vec<u8> {
        // Names are texts, and numbers were read from text: JSON has all of them.
        serde_json::to_vec(&Filled { template: self, value }).expect("a value of JSON")
    }

    /// Whether a reply's value equals this one when it is asked about one scan.
    pub(super) fn equals(&self, value: &Value, about: About<'_>) -> bool {
        match (self, value) {
            (JsonTemplate::Text(template), Value::String(text)) => template.fill(|variable| about.value(variable)) == *text,
            (JsonTemplate::List(wanted), Value::Array(list)) => {
                wanted.len() == list.len() && wanted.iter().zip(list).all(|(wanted, value)| wanted.equals(value, about))
            }
            (JsonTemplate::Object(wanted), Value::Object(object)) => {
                wanted.len() == object.len()
                    && wanted.iter().all(|(key, wanted)| object.get(key).is_some_and(|value| wanted.equals(value, about)))
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
    pub(super) fn names_the_scan(&self) -> bool {
        self.templates().iter().any(|template| template.variables().next().is_some())
    }

    /// The value, if it is a scalar and the same in every request and in every environment.
    pub(crate) fn constant_scalar(&self) -> Option<Value> {
        match self {
            JsonTemplate::Text(template) => template.constant().map(Value::from),
            JsonTemplate::Plain(value) => Some(value.clone()),
            JsonTemplate::List(_) | JsonTemplate::Object(_) => None,
        }
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

/// A value whose holes are filled as it is written.
struct Filled<'a> {
    template: &'a JsonTemplate,
    value: &'a dyn Fn(Variable) -> String,
}

impl Serialize for Filled<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let part = |template| Filled { template, ..*self };
        match self.template {
            JsonTemplate::Text(template) => serializer.serialize_str(&template.fill(self.value)),
            JsonTemplate::List(list) => serializer.collect_seq(list.iter().map(part)),
            JsonTemplate::Object(object) => serializer.collect_map(object.iter().map(|(key, value)| (key, part(value)))),
            JsonTemplate::Plain(value) => value.serialize(serializer),
        }
    }
}
