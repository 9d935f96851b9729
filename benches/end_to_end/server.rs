//! The server that everybody is measured against: as little work as HTTP/1.1 allows, and a clock of its own.
//!
//! `POST /jobs` hands out the next number, after a wait that the caller sets; `GET /jobs/N` says that it is busy. The stamps of
//! the end of each POST's answer and of the arrival of the first GET for the same number are kept, so that how punctual a
//! client was is told by the other side.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// More scans than any bench asks for.
const MOST: usize = 1 << 17;

pub struct Server {
    pub address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    epoch: Instant,
    /// How long a POST waits for its answer, in microseconds.
    hold: AtomicU64,
    next: AtomicU64,
    /// Nanoseconds since the epoch, 0 for never.
    answered: Vec<AtomicU64>,
    arrived: Vec<AtomicU64>,
    requests: AtomicU64,
    first_request: AtomicU64,
}

impl Server {
    /// Starts on a free port, on a thread that lives as long as the process.
    pub fn start() -> Server {
        let stamps = || (0..MOST).map(|_| AtomicU64::new(0)).collect();
        let shared = Arc::new(Shared {
            epoch: Instant::now(),
            hold: AtomicU64::new(0),
            next: AtomicU64::new(0),
            answered: stamps(),
            arrived: stamps(),
            requests: AtomicU64::new(0),
            first_request: AtomicU64::new(0),
        });
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        listener.set_nonblocking(true).expect("a socket for tokio");
        let address = listener.local_addr().expect("an address");
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    tokio::spawn(serve(stream, Arc::clone(&serving)));
                }
            });
        });
        Server { address, shared }
    }

    /// Forgets everything, and lets the next POSTs wait this long.
    pub fn reset(&self, hold: Duration) {
        self.shared.hold.store(hold.as_micros() as u64, Ordering::Relaxed);
        for cell in [&self.shared.next, &self.shared.requests, &self.shared.first_request] {
            cell.store(0, Ordering::Relaxed);
        }
        for stamp in self.shared.answered.iter().chain(&self.shared.arrived) {
            stamp.store(0, Ordering::Relaxed);
        }
    }

    /// Requests since the last reset.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// When the first request since the last reset arrived.
    pub fn first_request(&self) -> Option<Instant> {
        let at = self.shared.first_request.load(Ordering::Relaxed);
        (at > 0).then(|| self.shared.epoch + Duration::from_nanos(at))
    }

    /// For each scan that was polled: how long after the end of its POST's answer the poll arrived.
    pub fn ages(&self) -> Vec<Duration> {
        let pairs = self.shared.answered.iter().zip(&self.shared.arrived);
        pairs
            .map(|(answered, arrived)| (answered.load(Ordering::Relaxed), arrived.load(Ordering::Relaxed)))
            .filter(|(answered, arrived)| *answered > 0 && *arrived > 0)
            .map(|(answered, arrived)| Duration::from_nanos(arrived.saturating_sub(answered)))
            .collect()
    }
}

impl Shared {
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(1024);
    loop {
        // One request at a time, and its body comes with its head or right after it.
        let end = loop {
            if let Some(end) = whole(&buffer) {
                break end;
            }
            match stream.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        };
        let now = shared.now();
        if shared.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            shared.first_request.store(now, Ordering::Relaxed);
        }
        let asked = number(&buffer);
        buffer.drain(..end);
        if let Some(asked) = asked {
            if let Some(arrived) = shared.arrived.get(asked) {
                let _ = arrived.compare_exchange(0, now, Ordering::Relaxed, Ordering::Relaxed);
            }
            if stream.write_all(BUSY).await.is_err() {
                return;
            }
            continue;
        }
        let hold = shared.hold.load(Ordering::Relaxed);
        if hold > 0 {
            tokio::time::sleep(Duration::from_micros(hold)).await;
        }
        let id = shared.next.fetch_add(1, Ordering::Relaxed);
        let body = format!("{{\"id\":\"{id}\"}}");
        let answer = format!("HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
        if let Some(answered) = shared.answered.get(id as usize) {
            answered.store(shared.now(), Ordering::Relaxed);
        }
    }
}

const BUSY: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{\"state\":\"busy\"}";

/// Where a request ends, once it is whole.
fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    if buffer.starts_with(b"GET") {
        return Some(head);
    }
    let text = std::str::from_utf8(&buffer[..head]).ok()?.to_ascii_lowercase();
    let length = text.split("content-length:").nth(1).and_then(|rest| rest.split("\r\n").next()?.trim().parse().ok()).unwrap_or(0);
    (buffer.len() >= head + length).then_some(head + length)
}

/// The number in `GET /jobs/N`; `None` for a POST.
fn number(request: &[u8]) -> Option<usize> {
    let path = request.strip_prefix(b"GET /jobs/")?;
    let digits = path.iter().take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0_usize, |number, digit| number.wrapping_mul(10).wrapping_add(usize::from(digit - b'0'))))
}
