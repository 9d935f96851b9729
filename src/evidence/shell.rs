//! Texts for the shell: in double quotes, with a target file's templates turned into the shell's own, and nothing else expanded.

/// What stands in a shell for the holes of a target file's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holes {
    /// In lines to be pasted: values are made where they stand.
    Inline,
    /// In a script that has variables of these names, and says which environment variables it misses.
    Script,
}

/// A text in the shell's double quotes. Control characters are left out.
pub fn quoted(text: &str, holes: Holes) -> String {
    const LONGEST: usize = 2000;
    let text: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_./:-".contains(c)) {
        return text;
    }
    let mut out = String::from("\"");
    let mut rest = text.as_str();
    while let Some(c) = rest.chars().next() {
        if let Some((shell, length)) = template(rest, holes) {
            out.push_str(&shell);
            rest = &rest[length..];
            continue;
        }
        match c {
            '"' | '\\' | '$' | '`' => out.extend(['\\', c]),
            // An interactive shell looks for its history even inside double quotes.
            '!' if holes == Holes::Inline => out.push_str("\"'!'\""),
            c => out.push(c),
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push('"');
    out
}

/// A text in single quotes, in which nothing means anything. Control characters are left out.
pub fn literal(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A template at the beginning of a text: its shell form, and how many bytes of the text it takes.
fn template(text: &str, holes: Holes) -> Option<(String, usize)> {
    let fixed = match holes {
        Holes::Inline => [("{id}", "$id"), ("{id:raw}", "$id"), ("{n}", "$(date +%s)"), ("{uuid}", "$(uuidgen)"), ("{user}", "owner")],
        Holes::Script => [("{id}", "$(encoded \"$id\")"), ("{id:raw}", "$id"), ("{n}", "$n"), ("{uuid}", "$uuid"), ("{user}", "$user")],
    };
    if let Some((name, shell)) = fixed.iter().find(|(name, _)| text.starts_with(name)) {
        return Some(((*shell).to_owned(), name.len()));
    }
    // `${NAME}` and `${NAME:-default}` mean the same in target files and in shells, as long as the default is plain.
    let inner = text.strip_prefix("${")?;
    let end = inner.find('}')?;
    let (name, default) = inner[..end].split_once(":-").map_or((&inner[..end], None), |(name, default)| (name, Some(default)));
    let is_name =
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_plain = default.unwrap_or_default().chars().all(|c| c.is_ascii_alphanumeric() || "._:/-@".contains(c));
    let shell = match (default, holes) {
        (None, Holes::Script) => format!("${{{name}:?set it to what the target file takes from it}}"),
        _ => text[..end + 3].to_owned(),
    };
    (is_name && is_plain).then_some((shell, end + 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_log_is_run_by_the_shell() {
        for (text, expected) in [
            ("$(rm -rf /)", r#""\$(rm -rf /)""#),
            ("`id`\"; ls #", r#""\`id\`\"; ls #""#),
            ("${X:-$(id)}", r#""\${X:-\$(id)}""#),
            ("${SCAN_TOKEN:-alice-token}", r#""${SCAN_TOKEN:-alice-token}""#),
            ("/status/{id}", r#""/status/$id""#),
            ("S{n}", r#""S$(date +%s)""#),
            ("wow!", "\"wow\"'!'\"\""),
        ] {
            assert_eq!(quoted(text, Holes::Inline), expected);
        }
    }

    #[test]
    fn a_script_names_the_secrets_that_it_misses() {
        for (text, expected) in [
            ("Bearer ${SCAN_TOKEN}", r#""Bearer ${SCAN_TOKEN:?set it to what the target file takes from it}""#),
            ("Bearer ${SCAN_TOKEN:-alice}", r#""Bearer ${SCAN_TOKEN:-alice}""#),
            ("/status/{id}", r#""/status/$(encoded "$id")""#),
            ("S{n}-{uuid}!", r#""S$n-$uuid!""#),
        ] {
            assert_eq!(quoted(text, Holes::Script), expected);
        }
        assert_eq!(literal("it's $HOME\n"), r"'it'\''s $HOME'");
    }
}
