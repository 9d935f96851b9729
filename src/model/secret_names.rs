//! Which names hold credentials: of headers, and of members of JSON, fields of forms and parameters of queries.

/// What stands in the place of a credential.
pub const STRUCK: &str = "[secret]";

/// Whether a header of this name says who the caller is.
pub fn is_credential(header: &str) -> bool {
    let name = header.to_ascii_lowercase();
    ["auth", "cookie", "token", "secret", "key", "session", "credential", "password", "signature"].iter().any(|mark| name.contains(mark))
}

/// Whether a member, field or parameter of this name holds a credential. Narrower than for headers: what is asked for may well have a
/// `sort_key` or an `author`.
pub(crate) fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let marks = ["password", "passwd", "passphrase", "secret", "credential", "apikey", "accesskey", "privatekey", "authorization"];
    marks.iter().any(|mark| name.contains(mark)) || name.ends_with("token") || name == "pwd"
}
