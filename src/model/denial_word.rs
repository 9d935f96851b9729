//! Words for a state that say that there is no such job.

/// Whether a word for a state reads as a denial, such as `not_found`, `NoSuchJob` or `unknown`. A target that means something else by it
/// lists it among its states, or has a rule for it.
pub fn reads_as_denial(word: &str) -> bool {
    let plain: String = word.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let whole = ["unknown", "missing", "nonexistent", "nonexisting", "none", "null", "undefined", "absent", "unregistered", "404"];
    let within = ["notfound", "nosuch", "notexist", "unknownjob", "unknownid", "unknowntask", "notknown", "cannotfind"];
    whole.contains(&plain.as_str()) || within.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_are_known_in_any_spelling_and_stages_of_work_are_none() {
        for word in ["not_found", "NOT FOUND", "JobNotFound", "no-such-job", "UNKNOWN", "does not exist", "NONE", "Missing", "404"] {
            assert!(reads_as_denial(word), "{word}");
        }
        for word in ["queued", "running", "accepted", "pending", "archived", "done", "warming", "unknown_progress", "nonessential", ""] {
            assert!(!reads_as_denial(word), "{word}");
        }
    }
}
