//! Access logs as servers write them: a line of text by a format in nginx's notation.

use regex::Regex;

use super::Stamped;
use super::lines::shortened;
use super::record::{Record, add_header, code};
use super::stamps;

/// How a server writes a line: nginx's `log_format`, whose `combined` is also Apache's.
#[derive(Debug, Clone)]
pub struct LogFormat {
    line: Regex,
    fields: Vec<Field>,
}

/// What of a line is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Time,
    Request,
    Method,
    Path,
    Status,
    Seconds,
    Client,
    User,
    Location,
    Worker,
    Connection,
    Other,
}

/// Why a text is not a format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the log format {problem}\n  hint: nginx's names, such as '{COMBINED}'")]
pub struct LogFormatError {
    problem: String,
}

/// nginx's default and Apache's `combined`.
pub const COMBINED: &str =
    r#"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent""#;

impl Field {
    fn named(name: &str) -> Field {
        match name {
            "time_local" | "time_iso8601" | "msec" => Field::Time,
            "request" => Field::Request,
            "request_method" => Field::Method,
            "request_uri" | "uri" => Field::Path,
            "status" => Field::Status,
            "request_time" => Field::Seconds,
            "remote_addr" | "http_x_forwarded_for" | "http_x_real_ip" => Field::Client,
            "remote_user" => Field::User,
            "sent_http_location" => Field::Location,
            "upstream_addr" => Field::Worker,
            "connection" => Field::Connection,
            _ => Field::Other,
        }
    }
}

impl LogFormat {
    /// The format that servers use unless they are told otherwise. More may stand at a line's end.
    pub fn combined() -> LogFormat {
        // The constant is a right format, as a test says.
        LogFormat::read(COMBINED).unwrap_or_else(|error| unreachable!("{error}"))
    }

    /// Reads a format: `$name` and `${name}` are fields, all else stands for itself.
    pub fn read(format: &str) -> Result<LogFormat, LogFormatError> {
        let wrong = |problem: &str| LogFormatError { problem: problem.to_owned() };
        let mut expression = String::from("^");
        let mut fields = Vec::new();
        let mut rest = format;
        while let Some(at) = rest.find('$') {
            expression.push_str(&regex::escape(&rest[..at]));
            rest = &rest[at + 1..];
            let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (name, after) = braced
                .unwrap_or_else(|| rest.split_at(rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())));
            if name.is_empty() {
                return Err(wrong("has a `$` without a name"));
            }
            if after.starts_with('$') {
                return Err(wrong("has two fields with nothing between them, so that nobody can tell where one ends"));
            }
            fields.push(Field::named(name));
            expression.push_str("(.*?)");
            rest = after;
        }
        expression.push_str(&regex::escape(rest));
        expression.push_str(r"(?:\s.*)?$");
        let has = |field: Field| fields.contains(&field);
        if !has(Field::Time) {
            return Err(wrong("has no time: `$time_local`, `$time_iso8601` or `$msec`"));
        }
        if !has(Field::Status) {
            return Err(wrong("has no `$status`"));
        }
        if !(has(Field::Request) || has(Field::Method) && has(Field::Path)) {
            return Err(wrong("does not say what was asked: `$request`, or `$request_method` and `$request_uri`"));
        }
        let line = Regex::new(&expression).map_err(|_| wrong("is too long"))?;
        Ok(LogFormat { line, fields })
    }

    /// Whether lines say how long a request took.
    fn is_timed(&self) -> bool {
        self.fields.contains(&Field::Seconds)
    }

    /// Reads one line; the error is a fragment.
    pub(super) fn record(&self, line: &str, stamped: Stamped) -> Result<Record, String> {
        let found = self.line.captures(line).ok_or_else(|| format!("not by the format: {:?}", shortened(line)))?;
        let mut record = Record::new("", "", None);
        let mut stamp = None;
        let mut took = None;
        for (index, field) in self.fields.iter().enumerate() {
            let text = found.get(index + 1).map_or("", |group| group.as_str());
            let given = || Some(text.to_owned()).filter(|text| !text.is_empty() && text != "-");
            match field {
                Field::Time => {
                    stamp = Some(stamps::read(text).ok_or_else(|| format!("{:?} is not a time", shortened(text)))?);
                }
                Field::Request => {
                    let mut words = text.split(' ');
                    words.next().unwrap_or_default().clone_into(&mut record.method);
                    words.next().unwrap_or_default().clone_into(&mut record.url);
                }
                Field::Method => text.clone_into(&mut record.method),
                Field::Path => text.clone_into(&mut record.url),
                Field::Status => {
                    let status = text.parse().map_err(|_| format!("{:?} is not a status", shortened(text)))?;
                    // 499: the client went away before it had an answer.
                    record.http = code(status).filter(|code| *code != 499);
                }
                // Several upstreams are told one after the other.
                Field::Seconds => took = stamps::distance(text.split([',', ' ']).next().unwrap_or_default(), 1_000_000_000),
                Field::Client => record.client = given(),
                Field::User => record.user = given(),
                Field::Location => {
                    if let Some(location) = given() {
                        add_header(&mut record.headers, "location", &location);
                    }
                }
                Field::Worker => record.worker = given(),
                Field::Connection => record.connection = given(),
                Field::Other => {}
            }
        }
        let stamp = stamp.ok_or("no time")?;
        record.span(stamp, took.filter(|_| self.is_timed()), stamped);
        Ok(record)
    }
}

impl Record {
    /// Sets when it was sent and answered, from one stamp and how long it took.
    pub(super) fn span(&mut self, stamp: stamps::Written, took: Option<stamps::Written>, stamped: Stamped) {
        let length = took.map_or(0, |took| took.at);
        self.timed = took.is_some();
        self.step = stamp.step.saturating_add(took.map_or(0, |took| took.step));
        let rounded = took.map_or(0, |took| took.step);
        (self.from, self.done) = match stamped {
            Stamped::Start => (stamp.at, stamp.at.saturating_add(length)),
            // A length that was cut short began so much earlier.
            Stamped::End => (stamp.at.saturating_sub(length).saturating_sub(rounded), stamp.at),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_says_when_what_and_how_it_was_answered() {
        for (format, wrong) in [
            ("$request $status", "no time"),
            ("$msec $request", "no `$status`"),
            ("$msec $status", "what was asked"),
            ("$msec$status $request", "nothing between"),
            ("$msec $status $request $", "without a name"),
        ] {
            let error = LogFormat::read(format).expect_err(format).to_string();
            assert!(error.contains(wrong) && error.contains("$remote_addr"), "{format}: {error}");
        }
        assert_eq!(LogFormat::combined().fields.len(), 8);
    }

    #[test]
    fn a_line_of_nginx_is_read() {
        let line =
            r#"10.0.0.7 - alice [23/Nov/2025:20:08:55 +0000] "GET /jobs/a%20b?x=1 HTTP/1.1" 404 17 "-" "curl/8.5.0 \x22odd\x22" extra"#;
        let record = LogFormat::combined().record(line, Stamped::End).expect("a right line");
        assert_eq!((record.method.as_str(), record.url.as_str(), record.http), ("GET", "/jobs/a%20b?x=1", Some(404)));
        assert_eq!((record.client.as_deref(), record.user.as_deref()), (Some("10.0.0.7"), Some("alice")));
        assert_eq!((record.from, record.done, record.step), (1_763_928_535_000_000_000, 1_763_928_535_000_000_000, 1_000_000_000));
        assert!(!record.timed);
    }

    #[test]
    fn how_long_it_took_places_the_start_before_the_end() {
        let format = LogFormat::read("$msec $request_time $status \"$request\" $upstream_addr $sent_http_location").expect("a format");
        let line = "1763928535.500 0.120 202 \"POST /jobs HTTP/1.1\" 10.1.0.3:8080 /jobs/7";
        let record = format.record(line, Stamped::End).expect("a right line");
        let age = |ms: i64| 1_763_928_535_500_000_000 - ms * 1_000_000;
        assert_eq!((record.from, record.done, record.step), (age(121), age(0), 2_000_000), "two steps of a millisecond");
        assert_eq!(record.worker.as_deref(), Some("10.1.0.3:8080"));
        assert_eq!(record.headers["location"], "/jobs/7");
    }
}
