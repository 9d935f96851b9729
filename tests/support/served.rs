//! The reference service as a process, a Redis for it, and connections that ask one thing after the other.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A served reference service, ended with the test.
pub struct Served {
    pub process: Child,
    pub address: SocketAddr,
}

impl Served {
    /// Starts `statusgap serve` on a free port.
    pub fn start(arguments: &[&str]) -> Served {
        Served::start_on("0", arguments)
    }

    /// Starts another process on the port of this one.
    pub fn start_beside(&self, arguments: &[&str]) -> Served {
        Served::start_on(&self.address.port().to_string(), arguments)
    }

    fn start_on(port: &str, arguments: &[&str]) -> Served {
        let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
        let mut process =
            command.args(["serve", "--port", port]).args(arguments).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut ready = String::new();
        BufReader::new(process.stdout.take().expect("a pipe")).read_line(&mut ready).expect("a line");
        let address = ready.split_whitespace().nth(1).and_then(|url| url.strip_prefix("http://"));
        let address = address.and_then(|address| address.parse().ok()).unwrap_or_else(|| panic!("not ready: {ready}"));
        Served { process, address }
    }

    /// Ends it without a word, as `kill -9` does.
    pub fn kill(&mut self) {
        // A process that is gone already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Asks it to end.
    pub fn terminate(&mut self) -> Option<i32> {
        let sent = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
        self.process.wait().expect("it ends").code()
    }

    /// The most memory that it ever had, in MiB, where the system tells.
    pub fn peak_mib(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.split_whitespace().next()?.parse::<u64>().ok()? / 1024)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Redis of our own that keeps nothing, ended with the test.
pub struct Redis {
    process: Child,
    port: u16,
}

impl Redis {
    /// `None` where it is not installed: the test that asks is skipped.
    pub async fn start(folder: &Path) -> Option<Redis> {
        if !super::skip::have("redis-server") {
            return None;
        }
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"])
            .arg(folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server starts");
        let redis = Redis { process, port };
        for _ in 0..1000 {
            if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return Some(redis);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("redis-server did not open port {port}");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One kept connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer: its code and its body.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl Answer {
    /// The status word of the body.
    pub fn word(&self) -> &str {
        self.body["status"].as_str().unwrap_or_default()
    }
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Connection { stream, buffer: Vec::new() }
    }

    /// Asks as a user, and reads the answer.
    pub async fn ask(&mut self, method: &str, path: &str, user: &str, body: &str) -> Answer {
        let length = body.len();
        let request = format!(
            "{method} /api/v1/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {user}-token\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await.expect("the service reads");
        self.buffer.clear();
        loop {
            let mut piece = [0; 8192];
            let read = self.stream.read(&mut piece).await.expect("the service answers");
            assert!(read > 0, "the connection ended early, after {}", String::from_utf8_lossy(&self.buffer));
            self.buffer.extend_from_slice(&piece[..read]);
            if let Some(answer) = self.whole() {
                return answer;
            }
        }
    }

    /// The answer, once all of it is there.
    fn whole(&self) -> Option<Answer> {
        let end = self.buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: "))?.parse().ok()?;
        let body = self.buffer.get(end + 4..end + 4 + length)?;
        let code = head.split_whitespace().nth(1)?.parse().ok()?;
        Some(Answer { code, body: serde_json::from_slice(body).unwrap_or(Value::Null) })
    }

    pub async fn status(&mut self, user: &str, id: &str) -> Answer {
        self.ask("GET", &format!("opportunities/status/{id}"), user, "").await
    }

    /// Asks for a scan of its own; the answer.
    pub async fn discover(&mut self, user: &str, symbol: &str) -> Answer {
        self.ask("POST", "opportunities/discover", user, &format!(r#"{{"symbols":["{symbol}"]}}"#)).await
    }
}
