//! Who sent a reply, as far as its headers say: a worker's name, and a cache in front.

use http::HeaderMap;

/// Which worker answered, as far as a header says: the reference service's own, and names in common use.
pub fn worker(headers: &HeaderMap) -> Option<String> {
    ["x-worker", "x-worker-id", "x-instance", "x-served-by", "x-backend"].iter().find_map(|name| short(headers, name))
}

/// What a cache in front says of itself.
pub fn cache_note(headers: &HeaderMap) -> Option<String> {
    let told: Vec<String> = ["age", "x-cache", "x-cache-status", "cf-cache-status", "cache-status", "via"]
        .iter()
        .filter_map(|name| short(headers, name).map(|value| format!("{name}: {value}")))
        .collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn short(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?.to_str().ok()?;
    Some(value.chars().take(64).collect())
}
