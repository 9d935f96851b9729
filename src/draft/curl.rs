//! The requests of curl commands.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::DraftError;
use super::error::cut;
use super::marks::{self, Part};
use super::shell::{self, Words};
use crate::model::call::Call;

/// Reads a file that a command names (`-d @body.json`). The error is a fragment.
pub type ReadFile<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// What curl commands ask for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commands {
    /// The requests, in order.
    pub calls: Vec<Call>,
    /// What a target file has no place for and is therefore left out, as sentences.
    pub left_out: Vec<String>,
    /// Files of certificates that the commands name: authorities, certificate, key.
    pub certificates: [Option<String>; 3],
}

/// The requests of all curl commands in a text.
pub fn commands(text: &str, read_file: ReadFile<'_>) -> Result<Commands, DraftError> {
    let mut found = Commands::default();
    for shell::Command { line, words } in shell::commands(text)? {
        let Some(curl) = words.iter().position(|word| is_curl(word)) else { continue };
        // `--next` begins another request of the same command.
        for part in words[curl + 1..].split(|word| word == "--next" || word == "-:") {
            let number = found.calls.len() + 1;
            let which = |error: DraftError| DraftError { what: format!("curl command {number}: {}", error.what), ..error }.at(Some(line));
            let command = Command::read(part, read_file).map_err(which)?;
            found.take(command, line).map_err(which)?;
        }
    }
    if found.calls.is_empty() {
        return Err(DraftError::new(
            "there is no curl command in the text",
            "give two: the POST that starts a job, and the GET that asks for its status",
        ));
    }
    Ok(found)
}

fn is_curl(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.eq_ignore_ascii_case("curl") || name.eq_ignore_ascii_case("curl.exe")
}

impl Commands {
    fn take(&mut self, mut command: Command, line: usize) -> Result<(), DraftError> {
        for note in std::mem::take(&mut command.left_out) {
            if !self.left_out.contains(&note) {
                self.left_out.push(note);
            }
        }
        for (known, new) in self.certificates.iter_mut().zip(std::mem::take(&mut command.certificates)) {
            *known = known.take().or(new);
        }
        self.calls.push(Call { line: Some(line), ..command.call()? });
        Ok(())
    }
}

/// What becomes of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Effect {
    /// It takes a value and changes the request.
    Changes,
    /// It takes a value and says nothing of the request.
    Value,
    /// It takes no value and says nothing of the request.
    Nothing,
    /// The same, and a target file cannot say it: what is left out, as a sentence.
    LeftOut(&'static str),
    /// It takes a value and is left out.
    ValueLeftOut(&'static str),
    /// It takes a value, and without it the request would be another one.
    Refused(&'static str),
    /// It changes the request and takes no value.
    Flag,
}

/// Long options.
const LONG: &[(&str, Effect)] = {
    use Effect::{Changes, Flag, LeftOut, Nothing, Refused, Value, ValueLeftOut};
    const PROXY: &str = "curl's --proxy is left out: statusgap takes the proxy from HTTP_PROXY and HTTPS_PROXY";
    &[
        ("cookie", Changes),
        ("data", Changes),
        ("data-ascii", Changes),
        ("data-binary", Changes),
        ("data-raw", Changes),
        ("data-urlencode", Changes),
        ("form", Changes),
        ("form-string", Changes),
        ("header", Changes),
        ("json", Changes),
        ("oauth2-bearer", Changes),
        ("referer", Changes),
        ("request", Changes),
        ("upload-file", Changes),
        ("url", Changes),
        ("url-query", Changes),
        ("user", Changes),
        ("user-agent", Changes),
        ("cacert", Changes),
        ("cert", Changes),
        ("key", Changes),
        ("get", Flag),
        ("head", Flag),
        (
            "insecure",
            LeftOut("curl's --insecure is left out: certificates are checked; name your authority with [tls] ca in the target file"),
        ),
        ("location", LeftOut("curl's --location is left out: no redirect is followed, so give the address that redirects lead to")),
        ("location-trusted", LeftOut("curl's --location-trusted is left out: no redirect is followed")),
        ("digest", LeftOut("curl's --digest is left out: only Basic and headers of your own are sent")),
        ("ntlm", LeftOut("curl's --ntlm is left out: only Basic and headers of your own are sent")),
        ("negotiate", LeftOut("curl's --negotiate is left out: only Basic and headers of your own are sent")),
        ("netrc", LeftOut("curl's --netrc is left out: give the password with --user")),
        ("http2-prior-knowledge", LeftOut("curl's --http2-prior-knowledge is left out: write `http = \"2\"` into the target file")),
        ("proxy", ValueLeftOut(PROXY)),
        ("preproxy", ValueLeftOut(PROXY)),
        ("socks4", ValueLeftOut(PROXY)),
        ("socks4a", ValueLeftOut(PROXY)),
        ("socks5", ValueLeftOut(PROXY)),
        ("socks5-hostname", ValueLeftOut(PROXY)),
        ("proxy-user", ValueLeftOut(PROXY)),
        ("proxy-header", ValueLeftOut(PROXY)),
        ("resolve", Refused("write the address itself into the command, with the name as the header `Host`")),
        ("connect-to", Refused("write the address itself into the command, with the name as the header `Host`")),
        (
            "unix-socket",
            Refused("write the target file by hand, with `base_url = \"unix:/path/to/socket\"`: `statusgap schema target` lists its keys"),
        ),
        ("abstract-unix-socket", Refused("write the target file by hand: `statusgap schema target` lists its keys")),
        ("config", Refused("write the options of that file into the command")),
        ("aws-sigv4", Refused("signed requests are another one each time, and cannot be described")),
        ("cookie-jar", Value),
        ("capath", Value),
        ("cert-type", Value),
        ("ciphers", Value),
        ("connect-timeout", Value),
        ("continue-at", Value),
        ("crlfile", Value),
        ("curves", Value),
        ("dns-servers", Value),
        ("dump-header", Value),
        ("expect100-timeout", Value),
        ("happy-eyeballs-timeout-ms", Value),
        ("interface", Value),
        ("keepalive-time", Value),
        ("key-type", Value),
        ("limit-rate", Value),
        ("local-port", Value),
        ("max-filesize", Value),
        ("max-redirs", Value),
        ("max-time", Value),
        ("noproxy", Value),
        ("output", Value),
        ("output-dir", Value),
        ("parallel-max", Value),
        ("pass", Value),
        ("pinnedpubkey", Value),
        ("proto", Value),
        ("proto-default", Value),
        ("proto-redir", Value),
        ("range", Value),
        ("rate", Value),
        ("retry", Value),
        ("retry-delay", Value),
        ("retry-max-time", Value),
        ("speed-limit", Value),
        ("speed-time", Value),
        ("stderr", Value),
        ("time-cond", Value),
        ("tls-max", Value),
        ("tls13-ciphers", Value),
        ("trace", Value),
        ("trace-ascii", Value),
        ("trace-config", Value),
        ("write-out", Value),
        ("anyauth", Nothing),
        ("basic", Nothing),
        ("ca-native", Nothing),
        ("compressed", Nothing),
        ("create-dirs", Nothing),
        ("disable", Nothing),
        ("doh-insecure", Nothing),
        ("fail", Nothing),
        ("fail-early", Nothing),
        ("fail-with-body", Nothing),
        ("globoff", Nothing),
        ("http0.9", Nothing),
        ("http1.0", Nothing),
        ("http1.1", Nothing),
        ("http2", Nothing),
        ("http3", Nothing),
        ("http3-only", Nothing),
        ("include", Nothing),
        ("ipv4", Nothing),
        ("ipv6", Nothing),
        ("junk-session-cookies", Nothing),
        ("list-only", Nothing),
        ("no-buffer", Nothing),
        ("no-keepalive", Nothing),
        ("no-progress-meter", Nothing),
        ("no-sessionid", Nothing),
        ("parallel", Nothing),
        ("path-as-is", Nothing),
        ("post301", Nothing),
        ("post302", Nothing),
        ("post303", Nothing),
        ("progress-bar", Nothing),
        ("raw", Nothing),
        ("remote-header-name", Nothing),
        ("remote-name", Nothing),
        ("remote-name-all", Nothing),
        ("retry-all-errors", Nothing),
        ("retry-connrefused", Nothing),
        ("show-error", Nothing),
        ("show-headers", Nothing),
        ("silent", Nothing),
        ("ssl", Nothing),
        ("ssl-no-revoke", Nothing),
        ("ssl-reqd", Nothing),
        ("styled-output", Nothing),
        ("tcp-fastopen", Nothing),
        ("tcp-nodelay", Nothing),
        ("tlsv1", Nothing),
        ("tlsv1.0", Nothing),
        ("tlsv1.1", Nothing),
        ("tlsv1.2", Nothing),
        ("tlsv1.3", Nothing),
        ("tr-encoding", Nothing),
        ("trace-ids", Nothing),
        ("trace-time", Nothing),
        ("verbose", Nothing),
    ]
};

/// Short options, with their long names.
const SHORT: &[(char, &str)] = &[
    ('X', "request"),
    ('H', "header"),
    ('d', "data"),
    ('F', "form"),
    ('u', "user"),
    ('b', "cookie"),
    ('A', "user-agent"),
    ('e', "referer"),
    ('T', "upload-file"),
    ('G', "get"),
    ('I', "head"),
    ('k', "insecure"),
    ('L', "location"),
    ('n', "netrc"),
    ('E', "cert"),
    ('o', "output"),
    ('m', "max-time"),
    ('x', "proxy"),
    ('U', "proxy-user"),
    ('c', "cookie-jar"),
    ('D', "dump-header"),
    ('K', "config"),
    ('w', "write-out"),
    ('r', "range"),
    ('y', "speed-time"),
    ('Y', "speed-limit"),
    ('z', "time-cond"),
    ('C', "continue-at"),
    ('s', "silent"),
    ('S', "show-error"),
    ('v', "verbose"),
    ('i', "include"),
    ('f', "fail"),
    ('g', "globoff"),
    ('N', "no-buffer"),
    ('O', "remote-name"),
    ('J', "remote-header-name"),
    ('R', "silent"),
    ('Z', "parallel"),
    ('j', "junk-session-cookies"),
    ('l', "list-only"),
    ('q', "disable"),
    ('#', "progress-bar"),
    ('0', "http1.0"),
    ('1', "tlsv1"),
    ('4', "ipv4"),
    ('6', "ipv6"),
    ('2', "silent"),
    ('3', "silent"),
    ('a', "silent"),
    ('p', "silent"),
    ('M', "silent"),
    ('V', "silent"),
];

/// A command, as its options say.
#[derive(Default)]
struct Command {
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    /// The password that goes along as `Basic`.
    user: Option<String>,
    data: Vec<String>,
    query: Vec<String>,
    parts: Vec<FormPart>,
    upload: Option<String>,
    is_json: bool,
    in_query: bool,
    head: bool,
    left_out: Vec<String>,
    certificates: [Option<String>; 3],
}

struct FormPart {
    name: String,
    file: Option<String>,
    kind: Option<String>,
    content: String,
}

impl Command {
    fn read(words: &[String], read_file: ReadFile<'_>) -> Result<Command, DraftError> {
        let mut command = Command::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
                command.option(long, &mut rest, None, read_file)?;
            } else if let Some(letters) = word.strip_prefix('-').filter(|letters| !letters.is_empty()) {
                command.letters(letters, &mut rest, read_file)?;
            } else if command.url.is_none() && word != "--" {
                command.url = Some(word.clone());
            }
        }
        Ok(command)
    }

    /// `-sSXPOST`: flags, and at their end an option with its value.
    fn letters(&mut self, letters: &str, rest: &mut std::slice::Iter<'_, String>, read_file: ReadFile<'_>) -> Result<(), DraftError> {
        for (at, letter) in letters.char_indices() {
            let Some((_, long)) = SHORT.iter().find(|(short, _)| *short == letter) else {
                return Err(unknown(&format!("-{letter}")));
            };
            let attached = &letters[at + letter.len_utf8()..];
            if self.option(long, rest, Some(attached).filter(|attached| !attached.is_empty()), read_file)? {
                break;
            }
        }
        Ok(())
    }

    /// Takes one option; true if it took a value.
    fn option(
        &mut self,
        long: &str,
        rest: &mut std::slice::Iter<'_, String>,
        attached: Option<&str>,
        read_file: ReadFile<'_>,
    ) -> Result<bool, DraftError> {
        let known = LONG.iter().find(|(name, _)| *name == long);
        let of_negated = || long.strip_prefix("no-").and_then(|long| LONG.iter().find(|(name, _)| *name == long));
        let effect = match known {
            Some((_, effect)) => *effect,
            None if of_negated().is_some() => Effect::Nothing,
            None => return Err(unknown(&format!("--{long}"))),
        };
        let mut value = || {
            attached
                .map(str::to_owned)
                .or_else(|| rest.next().cloned())
                .ok_or_else(|| DraftError::new(format!("curl's --{long} has no value"), "copy the whole command"))
        };
        match effect {
            Effect::Changes => {
                let value = value()?;
                self.take(long, &value, read_file)?;
            }
            Effect::Value => {
                value()?;
            }
            Effect::ValueLeftOut(note) => {
                value()?;
                self.left_out.push(note.to_owned());
            }
            Effect::Refused(way_out) => {
                value()?;
                return Err(DraftError::new(format!("curl's --{long} cannot be carried over into a target file"), way_out));
            }
            Effect::LeftOut(note) => {
                self.left_out.push(note.to_owned());
                return Ok(false);
            }
            Effect::Flag => {
                match long {
                    "get" => self.in_query = true,
                    _ => self.head = true,
                }
                return Ok(false);
            }
            Effect::Nothing => return Ok(false),
        }
        Ok(true)
    }

    fn take(&mut self, option: &str, value: &str, read_file: ReadFile<'_>) -> Result<(), DraftError> {
        match option {
            "request" => self.method = Some(value.to_ascii_uppercase()),
            "url" => self.url = Some(value.to_owned()),
            "url-query" => self.query.push(match value.strip_prefix('+') {
                Some(as_it_is) => as_it_is.to_owned(),
                None => url_encoded(option, value, read_file)?,
            }),
            "header" => self.header(value, read_file)?,
            "user-agent" => self.headers.push(("User-Agent".to_owned(), value.to_owned())),
            "referer" => self.headers.push(("Referer".to_owned(), value.to_owned())),
            "cookie" if value.contains('=') => self.headers.push(("Cookie".to_owned(), value.to_owned())),
            "cookie" => {
                return Err(DraftError::new(
                    format!("curl's --cookie reads a cookie jar (`{}`)", cut(value)),
                    "write the cookies themselves: --cookie 'name=value; other=value'",
                ));
            }
            "user" if !value.contains(':') && marks::variables(value).next().is_none() => {
                return Err(DraftError::new(
                    format!("curl's --user `{}` has no password, which curl would ask for", cut(value)),
                    "write --user name:password, or --user \"name:$PASSWORD\" with a variable that is set when statusgap runs",
                ));
            }
            "user" => self.user = Some(value.to_owned()),
            "oauth2-bearer" => self.headers.push(("Authorization".to_owned(), format!("Bearer {value}"))),
            "data" | "data-ascii" => self.data.push(match value.strip_prefix('@') {
                // As curl does: line ends go.
                Some(file) => text_of(option, file, read_file)?.replace(['\r', '\n'], ""),
                None => value.to_owned(),
            }),
            "data-binary" => self.data.push(match value.strip_prefix('@') {
                Some(file) => text_of(option, file, read_file)?,
                None => value.to_owned(),
            }),
            "data-raw" => self.data.push(value.to_owned()),
            "data-urlencode" => self.data.push(url_encoded(option, value, read_file)?),
            "json" => {
                self.is_json = true;
                self.data.push(match value.strip_prefix('@') {
                    Some(file) => text_of(option, file, read_file)?,
                    None => value.to_owned(),
                });
            }
            "form" => self.parts.push(form_part(value, read_file)?),
            "form-string" => {
                let (name, content) = value.split_once('=').unwrap_or((value, ""));
                self.parts.push(FormPart { name: name.to_owned(), file: None, kind: None, content: content.to_owned() });
            }
            "upload-file" => self.upload = Some(text_of(option, value, read_file)?),
            "cacert" => self.certificates[0] = Some(value.to_owned()),
            "cert" => self.certificates[1] = Some(value.to_owned()),
            "key" => self.certificates[2] = Some(value.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// `Name: value`; `Name;` sends an empty header, `Name:` removes one, `@file` reads some.
    fn header(&mut self, value: &str, read_file: ReadFile<'_>) -> Result<(), DraftError> {
        if let Some(file) = value.strip_prefix('@') {
            for line in text_of("header", file, read_file)?.lines().filter(|line| !line.trim().is_empty()) {
                self.header(line, read_file)?;
            }
            return Ok(());
        }
        let Some((name, content)) = value.split_once(':') else {
            match value.strip_suffix(';') {
                Some(name) => self.headers.push((name.trim().to_owned(), String::new())),
                // It may be a credential.
                None => self.left_out.push(format!(
                    "curl's --header `{}…` has no colon, and curl does not send such a header: it is left out",
                    cut(value.split_whitespace().next().unwrap_or_default())
                )),
            }
            return Ok(());
        };
        let (name, content) = (name.trim(), content.trim());
        // Names that begin with a colon are HTTP/2's own, as some browsers copy them.
        if !name.is_empty() && !content.is_empty() {
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() {
                return Err(DraftError::new(format!("`{}` is not the name of a header", cut(name)), "copy the whole command"));
            }
            self.headers.push((name.to_owned(), content.to_owned()));
        }
        Ok(())
    }

    fn call(mut self) -> Result<Call, DraftError> {
        let url = self.url.take().ok_or_else(|| DraftError::new("a curl command has no address", "copy the whole command"))?;
        let begins_with_variable = matches!(marks::parts(&url).first(), Some(Part::Variable(_)));
        let mut url = if url.contains("://") || begins_with_variable { url } else { format!("http://{url}") };
        let joint = if self.is_json { "" } else { "&" };
        let mut body = (!self.data.is_empty()).then(|| self.data.join(joint));
        if self.in_query {
            self.query.extend(body.take());
        }
        if !self.query.is_empty() {
            let (before, fragment) = url.split_once('#').map_or((url.as_str(), ""), |(before, fragment)| (before, fragment));
            let mark = if before.contains('?') { '&' } else { '?' };
            let end = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
            url = format!("{before}{mark}{}{end}", self.query.join("&"));
        }
        let usual = match (&body, self.head, &self.upload, self.parts.is_empty()) {
            (_, true, ..) => "HEAD",
            (_, _, Some(_), _) => "PUT",
            (Some(_), ..) | (_, _, _, false) => "POST",
            _ => "GET",
        };
        if let Some(upload) = self.upload.take() {
            body = Some(upload);
        } else if !self.parts.is_empty() {
            let (kind, text) = multipart(&self.parts);
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
            self.headers.push(("Content-Type".to_owned(), kind));
            body = Some(text);
        } else if self.is_json {
            self.add_missing("Content-Type", "application/json");
            self.add_missing("Accept", "application/json");
        } else if body.is_some() {
            self.add_missing("Content-Type", "application/x-www-form-urlencoded");
        }
        if let Some(user) = self.user.take() {
            let value = basic(&user);
            self.add_missing("Authorization", &value);
        }
        let method = self.method.unwrap_or_else(|| usual.to_owned());
        if http::Method::from_bytes(method.as_bytes()).is_err() {
            return Err(DraftError::new(format!("`{}` is not an HTTP method", cut(&method)), "copy the whole command"));
        }
        Ok(Call { method, url, headers: self.headers, body, ..Call::default() })
    }

    fn add_missing(&mut self, name: &str, value: &str) {
        if !self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
    }
}

/// `Basic` with a user and a password. Where either is a variable, its encoded form is not known here, and a variable stands for it.
pub(super) fn basic(user: &str) -> String {
    match marks::variables(user).next() {
        Some(_) => format!("Basic {}", marks::variable("BASIC_CREDENTIALS")),
        None => format!("Basic {}", STANDARD.encode(user)),
    }
}

/// `name=content`, `name=@file`, either with `;type=…` and `;filename=…` behind it.
fn form_part(value: &str, read_file: ReadFile<'_>) -> Result<FormPart, DraftError> {
    let (name, content) = value.split_once('=').ok_or_else(|| {
        DraftError::new(format!("curl's --form has no `=`: `{}`", cut(value)), "write --form name=content or --form name=@file")
    })?;
    let mut pieces = content.split(';');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    let (mut kind, mut file_name) = (None, None);
    for piece in pieces {
        match piece.trim().split_once('=') {
            Some(("type", value)) => kind = Some(value.to_owned()),
            Some(("filename", value)) => file_name = Some(value.trim_matches('"').to_owned()),
            // No parameter: the text has a semicolon of its own.
            _ => {
                plain.push(';');
                plain.push_str(piece);
            }
        }
    }
    let (file, content) = match plain.strip_prefix('@') {
        Some(path) => {
            let base = path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned();
            (Some(file_name.unwrap_or(base)), text_of("form", path, read_file)?)
        }
        None => match plain.strip_prefix('<') {
            Some(path) => (file_name, text_of("form", path, read_file)?),
            None => (file_name, plain.trim_matches('"').to_owned()),
        },
    };
    Ok(FormPart { name: name.to_owned(), file, kind, content })
}

/// The type and the text of a form with parts (RFC 7578).
fn multipart(parts: &[FormPart]) -> (String, String) {
    let mut boundary = "statusgap-form".to_owned();
    // It must not stand in any part.
    while parts.iter().any(|part| part.content.contains(&boundary)) {
        boundary.push('-');
    }
    let mut text = String::new();
    for FormPart { name, file, kind, content } in parts {
        let escaped = |text: &str| text.replace('"', "%22");
        let file = file.as_ref().map_or_else(String::new, |file| format!("; filename=\"{}\"", escaped(file)));
        let kind = kind.as_ref().map_or_else(String::new, |kind| format!("Content-Type: {kind}\r\n"));
        let head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"{file}\r\n{kind}\r\n", escaped(name));
        text.push_str(&head);
        text.push_str(content);
        text.push_str("\r\n");
    }
    (format!("multipart/form-data; boundary={boundary}"), format!("{text}--{boundary}--\r\n"))
}

/// `content`, `=content`, `name=content`, `@file` or `name@file`; only the content is encoded.
fn url_encoded(option: &str, value: &str, read_file: ReadFile<'_>) -> Result<String, DraftError> {
    /// What curl leaves as it is.
    const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    let encode = |text: &str| {
        marks::written(
            text,
            |text| utf8_percent_encode(text, FORM).to_string(),
            |place| match place {
                Part::Variable(name) => marks::variable(name),
                _ => String::new(),
            },
        )
    };
    match value.find(['=', '@']) {
        Some(at) => {
            let (name, content) = (&value[..at], &value[at + 1..]);
            let content = if value[at..].starts_with('@') { encode(&text_of(option, content, read_file)?) } else { encode(content) };
            Ok(if name.is_empty() { content } else { format!("{name}={content}") })
        }
        None => Ok(encode(value)),
    }
}

/// What a file holds that a command names.
fn text_of(option: &str, file: &str, read_file: ReadFile<'_>) -> Result<String, DraftError> {
    let file = marks::readable(file);
    if file == "-" || file == "." {
        return Err(DraftError::new(
            format!("curl's --{option} reads standard input, which is not there any more"),
            "write the content into the command, such as with --data-raw",
        ));
    }
    let bytes = read_file(&file).map_err(|why| {
        DraftError::new(
            format!("curl's --{option} reads the file `{}`, which cannot be read: {why}", cut(&file)),
            "run statusgap in the folder where the command works, or write the content into the command with --data-raw",
        )
    })?;
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    text.map(|text| marks::unmarked(&text)).ok_or_else(|| {
        DraftError::new(
            format!("the file `{}` that curl's --{option} reads is not text", cut(&file)),
            "a target file holds texts only: use a job whose input is text",
        )
    })
}

fn unknown(option: &str) -> DraftError {
    DraftError::new(format!("curl's option {} is not known here", cut(option)), "leave it out if it does not change the request")
}

/// Whether a text has a curl command in it, as far as can be seen without reading it whole.
pub(super) fn has_command(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_whitespace().skip_while(|word| matches!(*word, "$" | ">" | "#" | "time" | "sudo") || word.contains('='));
        let first: Option<Words> = words.next().map(|word| vec![word.rsplit("$(").next().unwrap_or(word).to_owned()]);
        first.is_some_and(|first| is_curl(&first[0])) || line.contains("$(curl ")
    })
}
