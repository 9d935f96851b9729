//! Who sent a reply, as far as its headers say: a worker's name, and a cache in front.

use http::{HeaderMap, HeaderName};

/// Which worker answered, as far as a header says: the reference service's own, and names in common use.
pub fn worker(headers: &HeaderMap) -> Option<String> {
    static NAMES: [HeaderName; 5] = [
        HeaderName::from_static("x-worker"),
        HeaderName::from_static("x-worker-id"),
        HeaderName::from_static("x-instance"),
        HeaderName::from_static("x-served-by"),
        HeaderName::from_static("x-backend"),
    ];
    NAMES.iter().find_map(|name| text(headers, name))
}

/// What a cache in front says of itself.
pub fn cache_note(headers: &HeaderMap) -> Option<String> {
    static NAMES: [HeaderName; 6] = [
        HeaderName::from_static("age"),
        HeaderName::from_static("x-cache"),
        HeaderName::from_static("x-cache-status"),
        HeaderName::from_static("cf-cache-status"),
        HeaderName::from_static("cache-status"),
        HeaderName::from_static("via"),
    ];
    let told: Vec<String> = NAMES.iter().filter_map(|name| text(headers, name).map(|value| format!("{name}: {value}"))).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The whole text: whoever keeps it cuts it, and only after secrets were struck out.
fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}
