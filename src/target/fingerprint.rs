//! By what two target files are known to mean the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha1::{Digest as _, Sha1};

/// First 16 hex digits of the SHA-1 of a target file's meaning: without name and address, so that staging and production compare,
/// and without comments and layout.
pub fn fingerprint(file: &str) -> String {
    let meaning = match toml::from_str::<toml::Table>(file) {
        Ok(mut table) => {
            table.remove("name");
            table.remove("base_url");
            serde_json::to_string(&sorted(toml::Value::Table(table))).unwrap_or_default()
        }
        Err(_) => file.to_owned(),
    };
    let mut digits = String::new();
    for byte in Sha1::digest(meaning.as_bytes()).iter().take(8) {
        // Writing to a string cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The same value with its tables in the order of their keys.
fn sorted(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Table(table) => {
            let entries: BTreeMap<String, serde_json::Value> = table.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::Value::Object(entries.into_iter().collect())
        }
        toml::Value::Array(values) => values.into_iter().map(sorted).collect(),
        toml::Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contract_is_its_meaning_without_name_and_address() {
        let file = "name = \"a\"\nbase_url = \"http://a\"\n[initiate]\npath = \"/x\"\nid = { pointer = \"/id\" }\n";
        let same = "# a comment\nbase_url = \"http://b\"\n[initiate]\nid = { pointer = \"/id\" }\npath = \"/x\"\n";
        assert_eq!(fingerprint(file), fingerprint(same));
        assert_ne!(fingerprint(file), fingerprint(&file.replace("/id", "/job")));
    }
}
