//! Who sent a reply, as far as its headers say: a worker's name, and a cache in front.

use http::HeaderMap;

/// Which worker answered, as far as a header says: the reference service's own, and names in common use.
pub fn worker(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 5] = ["x-worker", "x-worker-id", "x-instance", "x-served-by", "x-backend"];
    NAMES.iter().find_map(|name| text(headers, name)).map(str::to_owned)
}

/// What a cache in front says of itself.
pub fn cache_note(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 6] = ["age", "x-cache", "x-cache-status", "cf-cache-status", "cache-status", "via"];
    let mut told: Vec<String> = NAMES.iter().filter_map(|name| Some(format!("{name}: {}", text(headers, name)?))).collect();
    // What forbids keeping the answer says nothing; what allows it says how old an answer may rightly be.
    let allowed =
        text(headers, "cache-control").filter(|rules| rules.to_ascii_lowercase().contains("max-age=") || rules.contains("s-maxage="));
    told.extend(allowed.map(|rules| format!("cache-control: {rules}")));
    (!told.is_empty()).then(|| told.join("; "))
}

/// The whole text: whoever keeps it cuts it, and only after secrets were struck out. A reply has a handful of headers, which are
/// compared sooner than each name that might be among them is hashed.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(known, _)| known.as_str() == name)?;
    value.to_str().ok()
}
