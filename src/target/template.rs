//! Texts with holes: `${NAME}` is filled when the file is read, `{id}`, `{uuid}`, `{n}` and `{user}` when a request is built.
//!
//! Both kinds are cut out of the text in one pass, so that a value from the environment is never searched for holes itself.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::model::source::nearest;

use super::captured::About;
use super::request::Variables;

/// Reads an environment variable, whose default stands for it where it has no value.
pub(super) type Lookup<'a> = &'a dyn Fn(&str, Option<&str>) -> Option<String>;

/// A text with holes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Environment(Environment),
    Hole(Variable),
}

/// One `${NAME}` or `${NAME:-default}`. Kept apart from the text because its value may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Environment {
    Set(String),
    /// It has no value, and what stands for it is in the file.
    Default(String),
}

impl Environment {
    fn text(&self) -> &str {
        match self {
            Environment::Set(text) | Environment::Default(text) => text,
        }
    }

    fn value(&self) -> Option<&str> {
        match self {
            Environment::Set(value) => Some(value),
            Environment::Default(_) => None,
        }
    }
}

/// What may stand in a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variable {
    /// The scan's id, percent-encoded for a path segment.
    Id,
    /// The scan's id as it is.
    IdRaw,
    /// The scan's own random text.
    Uuid,
    /// The same with dashes, as UUIDs are usually written.
    UuidDashed,
    /// The scan's number.
    N,
    /// The name of the user who asks.
    User,
    /// What was captured, by its place among the names; percent-encoded in a path, and as it is elsewhere.
    Capture(u8),
    /// What was captured, as it is everywhere.
    CaptureRaw(u8),
}

impl Variable {
    const ALL: [Variable; 6] = [Variable::Id, Variable::IdRaw, Variable::Uuid, Variable::UuidDashed, Variable::N, Variable::User];
    /// Where an id is known.
    pub(super) const WITH_ID: &'static [Variable] = &Self::ALL;
    /// Where no id is known yet.
    pub(super) const WITHOUT_ID: &'static [Variable] = &[Variable::Uuid, Variable::UuidDashed, Variable::N, Variable::User];
    /// In a rule, which is about a scan and not about a request.
    pub(super) const IN_RULES: &'static [Variable] = &[Variable::Id, Variable::IdRaw, Variable::Uuid, Variable::UuidDashed, Variable::N];
    /// In an id: each scan has another.
    pub(super) const IN_IDS: &'static [Variable] = &[Variable::Uuid, Variable::UuidDashed, Variable::N];

    fn name(self) -> &'static str {
        match self {
            Variable::Id => "id",
            Variable::IdRaw => "id:raw",
            Variable::Uuid => "uuid",
            Variable::UuidDashed => "uuid:dashed",
            Variable::N => "n",
            Variable::User => "user",
            Variable::Capture(_) | Variable::CaptureRaw(_) => "a captured value",
        }
    }

    /// The variable of a name, which may be that of a captured value.
    fn named(name: &str, captures: &[String]) -> Option<Variable> {
        let captured = |name: &str| captures.iter().position(|known| known == name).and_then(|place| u8::try_from(place).ok());
        let own = Self::ALL.into_iter().find(|known| known.name() == name);
        own.or_else(|| captured(name).map(Variable::Capture)).or_else(|| captured(name.strip_suffix(":raw")?).map(Variable::CaptureRaw))
    }

    /// Whether a name is taken by something that every template knows.
    pub(super) fn is_reserved(name: &str) -> bool {
        Self::ALL.into_iter().any(|known| known.name() == name)
    }

    fn is_captured(self) -> bool {
        matches!(self, Variable::Capture(_) | Variable::CaptureRaw(_))
    }

    /// The place of the captured value that it stands for.
    pub(super) fn capture(self) -> Option<u8> {
        match self {
            Variable::Capture(place) | Variable::CaptureRaw(place) => Some(place),
            _ => None,
        }
    }

    /// Whether it is another text for each scan.
    pub(super) fn is_fresh(self) -> bool {
        matches!(self, Variable::Uuid | Variable::UuidDashed)
    }

    /// Whether it stands for the scan's id.
    pub(super) fn is_id(self) -> bool {
        matches!(self, Variable::Id | Variable::IdRaw)
    }
}

/// What a brace means that begins no known hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Braces {
    /// A mistake; a literal brace is written twice.
    AreHoles,
    /// Text, because the surroundings have braces of their own (raw bodies, `JSONPath`).
    AreText,
}

/// What is wrong with a template, and the way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TemplateFault {
    pub(super) message: String,
    pub(super) hint: String,
}

/// A template of an id that the client makes, filled. `None` if it is no such template.
pub fn filled_id(template: &str, variables: &Variables) -> Option<String> {
    let template = Template::read(template, Braces::AreHoles, Variable::IN_IDS, &[], &|_, _| None).ok()?;
    Some(template.fill(|variable| About::scan("", variables).value(variable)))
}

/// 32 hexadecimal digits as a UUID has them; anything else gets a mark at its end.
pub(super) fn dashed(uuid: &str) -> String {
    let parts: Option<Vec<&str>> = [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().map(|range| uuid.get(range)).collect();
    match parts {
        Some(parts) if uuid.len() == 32 => parts.join("-"),
        _ => format!("{uuid}-dashed"),
    }
}

impl Template {
    /// Cuts a text into its parts. `allowed` are the variables that have a value where the text is used, `captures` the names of what
    /// was captured before.
    pub(super) fn read(
        text: &str,
        braces: Braces,
        allowed: &[Variable],
        captures: &[String],
        lookup: Lookup<'_>,
    ) -> Result<Template, TemplateFault> {
        let mut parts = Parts::default();
        let mut rest = text;
        while let Some(at) = rest.find(['$', '{', '}']) {
            parts.text(&rest[..at]);
            rest = &rest[at..];
            if let Some((variable, after)) = environment(rest, lookup)? {
                parts.0.push(Part::Environment(variable));
                rest = after;
            } else {
                rest = brace(rest, braces, Known { allowed, captures }, &mut parts)?;
            }
        }
        parts.text(rest);
        Ok(Template { parts: parts.0 })
    }

    /// The text with every hole filled by `fill`.
    pub(super) fn fill(&self, fill: impl Fn(Variable) -> String) -> String {
        /// As long as most ids.
        const USUAL_VALUE: usize = 36;
        let lengths = self.parts.iter().map(|part| match part {
            Part::Text(text) => text.len(),
            Part::Environment(variable) => variable.text().len(),
            Part::Hole(_) => USUAL_VALUE,
        });
        let mut whole = String::with_capacity(lengths.sum());
        for part in &self.parts {
            match part {
                Part::Text(text) => whole.push_str(text),
                Part::Environment(variable) => whole.push_str(variable.text()),
                Part::Hole(variable) => whole.push_str(&fill(*variable)),
            }
        }
        whole
    }

    /// The text, if it is the same in every request and in every environment.
    pub(super) fn constant(&self) -> Option<&str> {
        match &self.parts[..] {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The variables in it, in order.
    pub(super) fn variables(&self) -> impl Iterator<Item = Variable> {
        self.parts.iter().filter_map(|part| match part {
            Part::Hole(variable) => Some(*variable),
            _ => None,
        })
    }

    /// The values in it that came from the environment.
    pub(super) fn environment_values(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Environment(variable) => variable.value(),
            _ => None,
        })
    }

    /// The values from the environment, with their places in the filled text. For templates without other holes.
    pub(super) fn environment_places(&self) -> Vec<Range<usize>> {
        let mut at = 0;
        let mut places = Vec::new();
        for part in &self.parts {
            let start = at;
            match part {
                Part::Text(text) => at += text.len(),
                Part::Environment(variable) => {
                    at += variable.text().len();
                    places.extend(variable.value().is_some().then_some(start..at));
                }
                Part::Hole(_) => {}
            }
        }
        places
    }
}

/// The text with every `${NAME}` replaced, for values that have no other holes.
pub(super) fn expand(text: &str, lookup: Lookup<'_>) -> Result<String, TemplateFault> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        whole.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some((variable, after)) = environment(rest, lookup)? {
            whole.push_str(variable.text());
            rest = after;
        } else {
            whole.push('$');
            rest = &rest[1..];
        }
    }
    whole.push_str(rest);
    Ok(whole)
}

/// Percent-encodes all but RFC 3986's unreserved characters, so that an id stays one path segment.
pub(super) fn encode(id: &str) -> String {
    const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(id, RESERVED).to_string()
}

/// What may stand in a hole.
#[derive(Clone, Copy)]
struct Known<'a> {
    allowed: &'a [Variable],
    captures: &'a [String],
}

impl<'a> Known<'a> {
    fn names(self) -> impl Iterator<Item = &'a str> {
        self.allowed.iter().map(|variable| variable.name()).chain(self.captures.iter().map(String::as_str))
    }
}

#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn text(&mut self, text: &str) {
        if let Some(Part::Text(last)) = self.0.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.0.push(Part::Text(text.to_owned()));
        }
    }
}

/// Reads one `${NAME}` or `${NAME:-default}` at the start of `text`; anything else there is not the environment's.
/// As in a shell, a variable that is set but empty takes the default.
fn environment<'a>(text: &'a str, lookup: Lookup<'_>) -> Result<Option<(Environment, &'a str)>, TemplateFault> {
    let Some(inner) = text.strip_prefix("${") else {
        return Ok(None);
    };
    let name_end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
    let (name, after_name) = inner.split_at(name_end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let (default, after) = if let Some(after) = after_name.strip_prefix('}') {
        (None, after)
    } else if let Some((default, after)) = after_name.strip_prefix(":-").and_then(|rest| rest.split_once('}')) {
        (Some(default), after)
    } else {
        return Err(TemplateFault {
            message: format!("`${{{name}` is not a whole environment variable"),
            hint: format!("write `${{{name}}}` or `${{{name}:-default}}`"),
        });
    };
    match (lookup(name, default), default) {
        (Some(value), None) => Ok(Some((Environment::Set(value), after))),
        (Some(value), Some(_)) if !value.is_empty() => Ok(Some((Environment::Set(value), after))),
        (_, Some(default)) => Ok(Some((Environment::Default(default.to_owned()), after))),
        (None, None) => Err(TemplateFault {
            message: format!("the environment variable `{name}` is not set"),
            hint: format!("set it, or give a default: `${{{name}:-…}}`"),
        }),
    }
}

/// Reads what begins with a brace (or a lone `$`) at the start of `text`, and returns the text after it.
fn brace<'a>(text: &'a str, braces: Braces, known: Known<'_>, parts: &mut Parts) -> Result<&'a str, TemplateFault> {
    let allowed = known.allowed;
    let hole = text.strip_prefix('{').and_then(|inner| inner.split_once('}'));
    let hole = hole.map(|(name, after)| (name, Variable::named(name, known.captures), after));
    match (braces, hole) {
        (Braces::AreHoles, _) if text.starts_with("{{") || text.starts_with("}}") => {
            parts.text(&text[..1]);
            Ok(&text[2..])
        }
        (_, Some((_, Some(variable), after))) if allowed.contains(&variable) || variable.is_captured() => {
            parts.0.push(Part::Hole(variable));
            Ok(after)
        }
        (_, Some((name, Some(variable), _))) => Err(TemplateFault {
            message: format!("`{{{name}}}` has no value here"),
            hint: if variable.is_id() {
                "an id is known only after the initiate was answered".to_owned()
            } else {
                format!("here may stand {}", listed(known))
            },
        }),
        (Braces::AreHoles, _) if !text.starts_with('$') => Err(stray(text, known)),
        _ => {
            parts.text(&text[..1]);
            Ok(&text[1..])
        }
    }
}

fn stray(text: &str, known: Known<'_>) -> TemplateFault {
    let Some((name, _)) = text.strip_prefix('{').and_then(|inner| inner.split_once('}')) else {
        return TemplateFault {
            message: format!("a lone `{}`", &text[..1]),
            hint: "a literal brace is written twice: `{{` or `}}`".to_owned(),
        };
    };
    TemplateFault {
        message: format!("unknown template `{{{name}}}`"),
        hint: match nearest(name, known.names()) {
            Some(right) => format!("did you mean `{{{right}}}`?"),
            None => format!("here may stand {}; a literal brace is written twice: `{{{{`", listed(known)),
        },
    }
}

fn listed(known: Known<'_>) -> String {
    if known.allowed.is_empty() {
        return "nothing but text and `${NAME}`".to_owned();
    }
    let names: Vec<String> = known.names().map(|name| format!("`{{{name}}}`")).collect();
    names.join(", ")
}
