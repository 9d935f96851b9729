//! Who sent a reply, as far as its headers say: a worker's name, and a cache in front.

use http::HeaderMap;

/// Which worker answered, as far as a header says: the reference service's own, and names in common use.
pub fn worker(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 5] = ["x-worker", "x-worker-id", "x-instance", "x-served-by", "x-backend"];
    texts(headers, &NAMES).into_iter().flatten().next().map(str::to_owned)
}

/// What a cache in front says of itself.
pub fn cache_note(headers: &HeaderMap) -> Option<String> {
    const NAMES: [&str; 6] = ["age", "x-cache", "x-cache-status", "cf-cache-status", "cache-status", "via"];
    let told: Vec<String> =
        NAMES.iter().zip(texts(headers, &NAMES)).filter_map(|(name, text)| Some(format!("{name}: {}", text?))).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

/// The first text of each of these headers, whole: whoever keeps it cuts it, and only after secrets were struck out. A reply has a
/// handful of headers, which are compared sooner than each name that might be among them is hashed.
fn texts<'a, const N: usize>(headers: &'a HeaderMap, names: &[&str; N]) -> [Option<&'a str>; N] {
    let mut texts = [None; N];
    for name in headers.keys() {
        if let Some(place) = names.iter().position(|known| *known == name.as_str()) {
            texts[place] = headers.get(name).and_then(|value| value.to_str().ok());
        }
    }
    texts
}
