//! Credentials that stand in a target file themselves, where `${NAME}` belongs.
//!
//! They are known by the names of what holds them: headers, members of JSON, fields of forms, parameters of queries. In a body that is
//! plain text nothing is known by its name, and a credential with an innocent name is not known either.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use toml::de::{DeTable, DeValue};

use crate::model::secret_names::{STRUCK, is_credential, is_secret};

/// A credential at least this long is redacted wherever it occurs in the file; a shorter one might be an ordinary word.
const NO_WORD: usize = 12;

/// A credential that stands in a target file itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Its place: the keys from the top of the file, with dots between them.
    pub place: String,
    /// What it is.
    pub value: String,
    /// The environment variable that a script takes it from.
    pub variable: String,
    /// The text of the file from its value's first quotation mark to the last.
    span: Range<usize>,
    /// The parameter of a query that it is, if it is only a part of that value.
    parameter: Option<String>,
}

/// The credentials that stand in a target file; none if it cannot be read.
pub fn literals(text: &str) -> Vec<Literal> {
    let Ok(file) = DeTable::parse(text) else { return Vec::new() };
    let mut found = Vec::new();
    for (section, value) in file.get_ref() {
        let DeValue::Table(section_of) = value.get_ref() else { continue };
        let section = section.get_ref().as_ref();
        if section == "users" {
            for (user, value) in section_of {
                if let DeValue::Table(user_of) = value.get_ref() {
                    endpoint(&[section, user.get_ref().as_ref()], user_of, &mut found);
                }
            }
        } else {
            endpoint(&[section], section_of, &mut found);
        }
    }
    found
}

/// A target file in which each credential of its own is replaced.
pub fn replaced(text: &str, by: impl Fn(&Literal) -> String) -> String {
    let mut literals = literals(text);
    // From the end, so that the places before stay where they are.
    literals.sort_by_key(|literal| std::cmp::Reverse(literal.span.start));
    let mut out = text.to_owned();
    for of_one_value in literals.chunk_by(|one, other| one.span == other.span) {
        let span = of_one_value[0].span.clone();
        // Read as TOML and written anew, because what is looked for may stand there with escapes.
        let value = out[span.clone()].parse::<toml::Value>().ok();
        let value = value.as_ref().and_then(toml::Value::as_str).unwrap_or_default();
        let value = of_one_value.iter().fold(value.to_owned(), |value, literal| literal.replaced_in(&value, &by(literal)));
        out.replace_range(span, &toml::Value::String(value).to_string());
    }
    out
}

impl Literal {
    /// The value at its place with something else instead of it.
    fn replaced_in(&self, value: &str, by: &str) -> String {
        let (Some(name), Some((path, query))) = (&self.parameter, value.split_once('?')) else { return by.to_owned() };
        let (was, is) = (format!("{name}={}", self.value), format!("{name}={by}"));
        let parameters: Vec<&str> = query.split('&').map(|parameter| if parameter == was { is.as_str() } else { parameter }).collect();
        format!("{path}?{}", parameters.join("&"))
    }
}

/// A target file without the credentials that stand in it; long ones are not left in comments and bodies either.
pub fn struck(text: &str) -> String {
    let out = replaced(text, |_| STRUCK.to_owned());
    let found = literals(text);
    // With the scheme before it, and without.
    let long = found.iter().flat_map(|literal| [Some(literal.value.as_str()), literal.value.split_once(' ').map(|(_, rest)| rest.trim())]);
    let long = long.flatten().filter(|value| value.len() >= NO_WORD);
    let nowhere = long.fold(out.clone(), |out, value| out.replace(value, STRUCK));
    // Unless it was also a part of the file's own syntax.
    let places = |text: &str| literals(text).into_iter().map(|literal| literal.place).collect::<Vec<_>>();
    if places(&nowhere) == places(&out) { nowhere } else { out }
}

/// What a header says of its sender, in all parts that a server may repeat alone: the whole, what follows the scheme, the user and
/// password of `Basic`, and the values of a list such as cookies or a digest's parameters.
pub fn parts(value: &str) -> Vec<String> {
    let mut parts = vec![value.to_owned()];
    let credential = value.split_once(' ').map_or(value, |(_, credential)| credential.trim());
    parts.push(credential.to_owned());
    if value.len() > 6 && value.as_bytes()[..6].eq_ignore_ascii_case(b"basic ") {
        let digits = credential.trim_end_matches('=').replace('-', "+").replace('_', "/");
        if let Some(account) = STANDARD_NO_PAD.decode(digits).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            parts.extend(account.split_once(':').map(|(_, password)| password.to_owned()));
            parts.push(account);
        }
    }
    for element in value.split([';', ',']) {
        // `session=…`, and `response="…"` behind a scheme.
        if let Some((_, value)) = element.trim().split_once('=') {
            let value = value.trim_matches('"');
            parts.extend(
                (value.len() >= NO_WORD || value.len() >= 8 && value.contains(|c: char| c.is_ascii_digit())).then(|| value.to_owned()),
            );
        }
    }
    parts.sort();
    parts.dedup();
    parts
}

/// Whether a value is one and the same in every request and in every environment.
fn is_literal(value: &str) -> bool {
    !value.is_empty() && !value.replace("{{", "").contains('{')
}

/// What an endpoint or a user says of itself.
fn endpoint(at: &[&str], table: &DeTable<'_>, found: &mut Vec<Literal>) {
    for (key, value) in table {
        let key = key.get_ref().as_ref();
        let at = [at, &[key]].concat();
        match (key, value.get_ref()) {
            ("headers", DeValue::Table(_)) => members(&at, value, is_credential, found),
            ("json" | "form", DeValue::Table(_) | DeValue::Array(_)) => members(&at, value, is_secret, found),
            ("path", DeValue::String(path)) => query(&at, path, value.span(), found),
            _ => {}
        }
    }
}

/// Members with names of credentials, however deep.
fn members(at: &[&str], value: &toml::Spanned<DeValue<'_>>, names: fn(&str) -> bool, found: &mut Vec<Literal>) {
    match value.get_ref() {
        DeValue::Table(table) => {
            for (key, value) in table {
                members(&[at, &[key.get_ref().as_ref()]].concat(), value, names, found);
            }
        }
        DeValue::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                members(&[at, &[index.to_string().as_str()]].concat(), value, names, found);
            }
        }
        DeValue::String(text) if at.last().is_some_and(|key| names(key)) && is_literal(text) => {
            found.push(literal(at, text, value.span(), None));
        }
        _ => {}
    }
}

/// Parameters of a path.
fn query(at: &[&str], path: &str, span: Range<usize>, found: &mut Vec<Literal>) {
    let parameters = path.split_once('?').map_or("", |(_, query)| query).split('&').filter_map(|parameter| parameter.split_once('='));
    for (name, value) in parameters.filter(|(name, value)| is_secret(name) && is_literal(value)) {
        found.push(literal(&[at, &[name]].concat(), value, span.clone(), Some(name.to_owned())));
    }
}

fn literal(at: &[&str], value: &str, span: Range<usize>, parameter: Option<String>) -> Literal {
    // Who asks or what is asked for, and the name: where in a request it stands is of no interest to a shell.
    let told = at.iter().filter(|part| !["users", "headers", "json", "form", "path"].contains(*part));
    let variable = told.map(|part| part.to_ascii_uppercase()).collect::<Vec<_>>().join("_");
    let mut variable: String = variable.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if variable.starts_with(|c: char| c.is_ascii_digit()) {
        variable.insert(0, '_');
    }
    Literal { place: at.join("."), value: value.to_owned(), variable, span, parameter }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
# The owner's is s3cret-of-the-owner.
[users.owner]
headers = { Authorization = 'Bearer s3cret-of-the-owner', Accept = 'a/b', Cookie = 'id={uuid}' }
[initiate]
path = '/jobs?api_key=abc&sort_key=abc&password=d"e'
headers = { X-Key = '${KEY:-k}', "X-Api-Key" = "a\"b" }
json = { author = "me", login = { password = "jobs", session = "x" }, tokens = [{ refresh_token = "{uuid}", accessToken = "t" }] }
[status]
path = "/jobs/{id}?token=${TOKEN}"
form = { client_secret = "c" }
"#;

    #[test]
    fn a_credential_is_known_by_its_name_and_a_variable_is_none() {
        let found: Vec<_> = literals(FILE).into_iter().map(|one| (one.place, one.value, one.variable)).collect();
        let expected = [
            ("initiate.headers.X-Api-Key", "a\"b", "INITIATE_X_API_KEY"),
            ("initiate.json.login.password", "jobs", "INITIATE_LOGIN_PASSWORD"),
            ("initiate.json.tokens.0.accessToken", "t", "INITIATE_TOKENS_0_ACCESSTOKEN"),
            ("initiate.path.api_key", "abc", "INITIATE_API_KEY"),
            ("initiate.path.password", "d\"e", "INITIATE_PASSWORD"),
            ("status.form.client_secret", "c", "STATUS_CLIENT_SECRET"),
            ("users.owner.headers.Authorization", "Bearer s3cret-of-the-owner", "OWNER_AUTHORIZATION"),
        ];
        let mut told: Vec<_> = found.iter().map(|(place, value, variable)| (place.as_str(), value.as_str(), variable.as_str())).collect();
        told.sort_unstable();
        assert_eq!(told, expected);
        assert_eq!(literals("not [ a file"), []);
    }

    #[test]
    fn a_struck_file_says_the_same_without_its_credentials() {
        let clean = struck(FILE);
        let again: toml::Table = clean.parse().unwrap_or_else(|error| panic!("{error}\n{clean}"));
        assert_eq!(again["users"]["owner"]["headers"]["Authorization"].as_str(), Some(STRUCK));
        assert_eq!(again["initiate"]["path"].as_str(), Some("/jobs?api_key=[secret]&sort_key=abc&password=[secret]"));
        assert_eq!(again["initiate"]["headers"]["X-Api-Key"].as_str(), Some(STRUCK));
        assert_eq!(again["initiate"]["json"]["login"]["password"].as_str(), Some(STRUCK));
        assert_eq!(again["initiate"]["json"]["author"].as_str(), Some("me"));
        assert_eq!(again["status"]["path"].as_str(), Some("/jobs/{id}?token=${TOKEN}"), "a word of the contract is not a secret elsewhere");
        assert_eq!(literals(&clean).len(), literals(FILE).len(), "it still says where they stood");
        assert!(clean.contains("# The owner's is [secret]."), "{clean}");
        assert_eq!(struck(&clean), clean);
        let untouched = "[users.owner]\nheaders = { Authorization = '${TOKEN}' } # as it should be\n";
        assert_eq!(struck(untouched), untouched);
    }

    #[test]
    fn a_long_one_is_struck_out_wherever_it_stands() {
        let text = "# was s3cret-of-the-owner\n[users.owner]\nheaders = { X-Key = 's3cret-of-the-owner' }\n";
        assert_eq!(struck(text), "# was [secret]\n[users.owner]\nheaders = { X-Key = \"[secret]\" }\n");
        let syntax = "[users.owner] # one\nheaders = { X-Key = '[users.owner] # one' }\n";
        assert_eq!(struck(syntax), "[users.owner] # one\nheaders = { X-Key = \"[secret]\" }\n", "but not out of the file's own syntax");
    }
}
