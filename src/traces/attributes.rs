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

/// What is kept of attributes. Later ones replace earlier ones of the same name.
pub(super) fn kept<'v>(attributes: impl Iterator<Item = (&'v str, String)>) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    let mut summary = None;
    for (name, value) in attributes {
        if KEPT.binary_search(&name).is_ok() {
            kept.insert(name.to_owned(), cut(&value));
        } else if STATEMENTS.contains(&name) {
            summary = summarised(&value);
        }
    }
    if let Some(summary) = summary {
        kept.entry(SUMMARY.to_owned()).or_insert(summary);
    }
    kept
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
        let kept = kept(given.iter().map(|(name, value)| (*name, (*value).to_owned())));
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), [("code.lineno".to_owned(), "867".to_owned())]);
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
