//! Texts for the shell, of which nothing is run: in double quotes with a few variables of ours, or in single quotes.
//!
//! By hand, because crates that quote (`shlex`) know whole words only, and most texts here stand between variables that stay live; so
//! one rule serves both.

/// What needs no quotes beside letters and digits.
const PLAIN: &str = "-_./:=,@%+";

/// A word for the shell: in single quotes, in which nothing means anything, where it needs any.
pub fn literal(text: &str) -> String {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || PLAIN.contains(c)) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A text as a part of the shell's double quotes.
pub fn inside(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' | '$' | '`' => out.extend(['\\', c]),
            // An interactive shell looks for its history even inside double quotes.
            '!' => out.push_str("\"'!'\""),
            c => out.push(c),
        }
    }
    out
}

/// Whether a text can stand in a line: what controls a terminal, or ends the line, cannot.
pub fn is_plain(text: &str) -> bool {
    !text.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_log_is_run_by_the_shell() {
        let texts =
            ["$(touch pwned)", "`id`\"; ls #", "${X:-$(id)}", "it's $HOME", "wow!", "-n", "a b", "*", "\\", "%s\\n", "~", "ünï", "'\"'\"'"];
        for text in texts {
            for quoted in [literal(text), format!("\"{}\"", inside(text))] {
                let told = std::process::Command::new("sh").args(["-c", &format!("printf %s {quoted}")]).output().expect("sh starts");
                assert_eq!(String::from_utf8_lossy(&told.stdout), text, "{quoted}");
            }
        }
        assert!(!is_plain("a\x1b[31m") && !is_plain("a\nb") && !is_plain("\u{9b}") && is_plain("ünï"));
    }
}
