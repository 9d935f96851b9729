//! Which attributes of a span are kept: those that say where in the code it is, which database, queue or cache it talked to, and which
//! process made it. All others are dropped before anything is stored: an attribute may hold whatever a developer put there.

use std::collections::BTreeMap;

use crate::traces::received::cut;

/// The names that are kept, of all versions of the conventions that are in use.
const KEPT: &[&str] = &[
    "cache.hit",
    "celery.task_name",
    "code.column.number",
    "code.file.path",
    "code.filepath",
    "code.function",
    "code.function.name",
    "code.line.number",
    "code.lineno",
    "code.namespace",
    "container.id",
    "db.collection.name",
    "db.name",
    "db.namespace",
    "db.operation",
    "db.operation.name",
    "db.query.summary",
    "db.redis.database_index",
    "db.sql.table",
    "db.system",
    "db.system.name",
    "host.id",
    "host.name",
    "http.method",
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "http.status_code",
    "k8s.pod.name",
    "messaging.destination",
    "messaging.destination.name",
    "messaging.operation",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.system",
    "net.peer.name",
    "net.peer.port",
    "network.peer.address",
    "network.peer.port",
    "process.pid",
    "rpc.method",
    "rpc.service",
    "server.address",
    "server.port",
    "service.instance.id",
    "service.name",
];

/// A statement is kept as its summary alone.
const SUMMARY: &str = "db.query.summary";
const STATEMENTS: &[&str] = &["db.query.text", "db.statement"];

/// What is kept of attributes as they come in. Later ones replace earlier ones of the same name.
#[derive(Debug, Clone, Default)]
pub(super) struct Attributes {
    kept: BTreeMap<&'static str, String>,
    /// Of the last statement.
    summary: Option<String>,
}

impl Attributes {
    /// Takes one in; `value` is asked for only if it may be kept.
    pub(super) fn add(&mut self, name: &str, value: impl FnOnce() -> Option<String>) {
        if let Ok(at) = KEPT.binary_search(&name) {
            if let Some(value) = value() {
                self.kept.insert(KEPT[at], without_values(&cut(&value)));
            }
        } else if STATEMENTS.contains(&name) {
            self.summary = value().as_deref().and_then(summarised);
        }
    }

    /// These, and those of the process that are not among them.
    pub(super) fn over(mut self, process: &Attributes) -> Attributes {
        for (name, value) in &process.kept {
            self.kept.entry(name).or_insert_with(|| value.clone());
        }
        self.summary = self.summary.or_else(|| process.summary.clone());
        self
    }

    /// By name. What a statement does is said by its summary, where it has none of its own.
    pub(super) fn into_map(self) -> BTreeMap<String, String> {
        let mut map: BTreeMap<String, String> = self.kept.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        if let Some(summary) = self.summary {
            map.entry(SUMMARY.to_owned()).or_insert(summary);
        }
        map
    }
}

/// A name without what varies from call to call and may be a secret: the query of an address, and literals of a statement.
pub(super) fn without_values(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(at) = rest.find(['?', '\'']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        let (literal, shown) = if from.starts_with('\'') { literal(from) } else { query(from) };
        text.push_str(shown);
        rest = &from[literal..];
    }
    text + rest
}

/// The length of a literal in quotes, and what is shown of it; a single quote is an apostrophe.
fn literal(from: &str) -> (usize, &'static str) {
    from[1..].find('\'').map_or((1, "'"), |end| (end + 2, "'*'"))
}

/// The length of an address's query, and what is shown of it; a question mark alone is a placeholder.
fn query(from: &str) -> (usize, &'static str) {
    let end = from.find(|c: char| c.is_whitespace() || c == '#' || c == '"').unwrap_or(from.len());
    if from[..end].contains('=') { (end, "?*") } else { (1, "?") }
}

/// The words of SQL after which a table's name stands.
const BEFORE_TABLES: [&str; 4] = ["INTO", "FROM", "UPDATE", "TABLE"];

/// What a statement does and to what, without any value: `SET scan:*`, `INSERT scans`.
fn summarised(statement: &str) -> Option<String> {
    let mut words = statement.split_whitespace();
    let verb = words.next()?;
    if verb.len() > 16 || !verb.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_') {
        return None;
    }
    let verb = verb.to_ascii_uppercase();
    let is_name = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_' || c == '.');
    if matches!(verb.as_str(), "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "REPLACE" | "MERGE" | "CREATE" | "ALTER" | "DROP") {
        let all: Vec<&str> = statement.split_whitespace().take(200).collect();
        let table = all.windows(2).find(|pair| BEFORE_TABLES.contains(&pair[0].to_ascii_uppercase().as_str())).map(|pair| pair[1]);
        let table = table.map(|table| table.trim_matches(|c| "`\"'[](),;".contains(c))).filter(|table| is_name(table) && table.len() <= 64);
        return Some(table.map_or_else(|| verb.clone(), |table| format!("{verb} {table}")));
    }
    // The beginning of a key, where keys are namespaced by custom; what follows may be an id or a secret.
    let namespace =
        words.next().and_then(|key| key.split_once(':')).map(|(namespace, _)| namespace).filter(|name| is_name(name) && name.len() <= 32);
    Some(namespace.map_or_else(|| verb.clone(), |namespace| format!("{verb} {namespace}:*")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_in_order_so_that_it_can_be_searched() {
        assert!(KEPT.is_sorted());
    }

    #[test]
    fn only_what_is_named_is_kept() {
        let given = [("http.request.header.authorization", "Bearer x"), ("code.lineno", "867"), ("user.email", "a@b"), ("enduser.id", "7")];
        let mut kept = Attributes::default();
        for (name, value) in given {
            kept.add(name, || Some(value.to_owned()));
        }
        assert_eq!(kept.into_map().into_iter().collect::<Vec<_>>(), [("code.lineno".to_owned(), "867".to_owned())]);
    }

    #[test]
    fn of_a_name_nothing_is_kept_that_varies_from_call_to_call() {
        for (name, shown) in [
            ("GET /scans?sig=abc&x=1 HTTP/1.1", "GET /scans?* HTTP/1.1"),
            ("SELECT * FROM users WHERE pin = '1234' AND x = ?", "SELECT * FROM users WHERE pin = '*' AND x = ?"),
            ("SET ? ?", "SET ? ?"),
            ("the user's scan", "the user's scan"),
        ] {
            assert_eq!(without_values(name), shown);
        }
    }

    #[test]
    fn of_a_statement_only_what_it_does_is_kept() {
        for (statement, summary) in [
            ("SET scan:4f7a token", Some("SET scan:*")),
            ("SET ? ?", Some("SET")),
            ("hset 4f7a status done", Some("HSET")),
            ("INSERT INTO scans (id, token) VALUES ('4', 's3cret')", Some("INSERT scans")),
            ("select * from \"public.scans\" where token = 's3cret'", Some("SELECT public.scans")),
            ("UPDATE scans SET x = 'y'", Some("UPDATE scans")),
            ("{\"find\": \"scans\"}", None),
            ("", None),
        ] {
            assert_eq!(summarised(statement).as_deref(), summary, "{statement}");
        }
    }
}
