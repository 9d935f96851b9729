//! `statusgap serve` as a user meets it: one line when it is ready, a clean end, and clear refusals.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A served reference service, ended with the test.
struct Served {
    process: Child,
    ready: String,
}

impl Served {
    fn start(args: &[&str]) -> Served {
        let mut process = statusgap(args).stdout(Stdio::piped()).spawn().expect("the binary starts");
        let mut ready = String::new();
        let out = process.stdout.take().expect("standard output is a pipe");
        BufReader::new(out).read_line(&mut ready).expect("a line");
        Served { process, ready }
    }

    fn address(&self) -> &str {
        let url = self.ready.split_whitespace().nth(1);
        url.and_then(|url| url.strip_prefix("http://")).expect("an address")
    }

    fn signal(&mut self, signal: &str) -> Option<i32> {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill runs");
        assert!(sent.success());
        self.process.wait().expect("it ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has usually ended by now.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn statusgap(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_statusgap"));
    command.arg("serve").args(args);
    command
}

#[test]
fn it_says_ready_answers_and_ends_with_zero_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut served = Served::start(&["--port", "0", "--service", "sound", "--workers", "3"]);
        let line = format!("READY http://{} preset=sound workers=3 store=memory\n", served.address());
        assert_eq!(served.ready, line);
        let mut stream = TcpStream::connect(served.address()).expect("it listens");
        stream.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-worker: 1"), "{answer}");
        assert_eq!(served.signal(signal), Some(0));
    }
}

#[test]
fn wrong_usage_is_refused_with_two_and_a_reason() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (args, reason) in [
        (vec!["--port", &port], "cannot listen on 127.0.0.1"),
        (vec!["--port", "0", "--service", "sond"], "did you mean `sound`?"),
        (vec!["--port", "0", "--set", "worker=2"], "did you mean `workers`?"),
        (vec!["--port", "0", "--set", "workers=0"], "at least 1 worker"),
        (vec!["--port", "0", "--store", "embedded"], "--data-dir DIR"),
        (vec!["--port", "0", "--store", "redis://127.0.0.1:1"], "cannot open the store: Redis"),
    ] {
        let output = statusgap(&args).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(said.contains(reason), "{args:?}: {said}");
        assert!(output.stdout.is_empty(), "nothing is ready");
    }
}

#[test]
fn every_knob_and_preset_is_explained() {
    for (flag, words) in
        [("--list-knobs", ["registration-delay", "lognormal(300ms,0.8)"]), ("--list-presets", ["zoo-c-prime", "history-4"])]
    {
        let output = statusgap(&[flag]).output().expect("the binary runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && words.iter().all(|word| said.contains(word)), "{said}");
    }
}
