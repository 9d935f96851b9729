//! The server that everybody is measured against: as little work as HTTP/1.1 allows, and a clock of its own.
//!
//! `POST /jobs` hands out the next number, after a wait that the caller sets; `GET /jobs/N` says that it is busy. The stamps of
//! the end of each POST's answer and of the first GET for the same number are kept, so that how punctual a client was is told by the
//! other side: when the GET had come in, by the kernel's stamp, and when this server got to read it, with its own lateness in it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::io::AsyncWriteExt;
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
    read: Vec<AtomicU64>,
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
            read: stamps(),
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
        for stamp in [&self.shared.answered, &self.shared.arrived, &self.shared.read].into_iter().flatten() {
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

    /// For each scan that was polled: how long after the end of its POST's answer the poll had come in.
    pub fn ages(&self) -> Vec<Duration> {
        self.shared.ages(&self.shared.arrived)
    }

    /// The same until the poll was read.
    pub fn ages_when_read(&self) -> Vec<Duration> {
        self.shared.ages(&self.shared.read)
    }
}

impl Shared {
    fn now(&self) -> u64 {
        self.epoch.elapsed().as_nanos() as u64
    }

    fn ages(&self, polled: &[AtomicU64]) -> Vec<Duration> {
        let pairs = self.answered.iter().zip(polled);
        pairs
            .map(|(answered, polled)| (answered.load(Ordering::Relaxed), polled.load(Ordering::Relaxed)))
            .filter(|(answered, polled)| *answered > 0 && *polled > 0)
            .map(|(answered, polled)| Duration::from_nanos(polled.saturating_sub(answered)))
            .collect()
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    ask_for_stamps(&stream);
    let mut buffer = Vec::with_capacity(1024);
    let mut came = None;
    loop {
        // One request at a time, and its body comes with its head or right after it.
        let end = loop {
            if let Some(end) = whole(&buffer) {
                break end;
            }
            came = match receive(&mut stream, &mut buffer).await {
                Ok((0, _)) | Err(_) => return,
                Ok((_, came)) => came,
            };
        };
        let now = shared.now();
        let waited = came.and_then(|came| SystemTime::now().duration_since(came).ok()).unwrap_or_default();
        if shared.requests.fetch_add(1, Ordering::Relaxed) == 0 {
            shared.first_request.store(now, Ordering::Relaxed);
        }
        let asked = number(&buffer);
        buffer.drain(..end);
        if let Some(asked) = asked {
            for (stamps, at) in [(&shared.arrived, now.saturating_sub(waited.as_nanos() as u64)), (&shared.read, now)] {
                if let Some(stamp) = stamps.get(asked) {
                    let _ = stamp.compare_exchange(0, at, Ordering::Relaxed, Ordering::Relaxed);
                }
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

/// Has the kernel stamp what comes in.
fn ask_for_stamps(stream: &TcpStream) {
    #[cfg(target_os = "linux")]
    // Without stamps it counts when it was read.
    let _ = nix::sys::socket::setsockopt(stream, nix::sys::socket::sockopt::ReceiveTimestampns, &true);
    #[cfg(not(target_os = "linux"))]
    let _ = stream;
}

/// Reads what there is, and tells by the wall clock when the last of it had come in.
#[cfg(target_os = "linux")]
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<(usize, Option<SystemTime>)> {
    use std::os::fd::AsRawFd;

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    use nix::sys::time::TimeSpec;
    use tokio::io::Interest;

    loop {
        stream.readable().await?;
        let mut room = [0; 1024];
        let mut received = None;
        let tried = stream.try_io(Interest::READABLE, || {
            let mut place = nix::cmsg_space!(TimeSpec);
            let mut rooms = [io::IoSliceMut::new(&mut room)];
            let message = recvmsg::<()>(stream.as_raw_fd(), &mut rooms, Some(&mut place), MsgFlags::empty())?;
            let stamp = message.cmsgs().ok().into_iter().flatten().find_map(|told| match told {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(SystemTime::UNIX_EPOCH + Duration::from(stamp)),
                _ => None,
            });
            let length = message.bytes;
            received = Some((length, stamp));
            // Less than there was room for is all that there was, and asking again would only be told so.
            if (1..1024).contains(&length) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match (received, tried) {
            (Some((length, stamp)), _) => {
                buffer.extend_from_slice(&room[..length]);
                return Ok((length, stamp));
            }
            (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            (None, _) => {}
        }
    }
}

/// Reads what there is; other systems stamp nothing.
#[cfg(not(target_os = "linux"))]
async fn receive(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<(usize, Option<SystemTime>)> {
    Ok((tokio::io::AsyncReadExt::read_buf(stream, buffer).await?, None))
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
