//! A server of raw sockets that does as it is told, request by request and connection by connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does about a request.
#[derive(Clone)]
pub enum Act {
    /// Sends this, and waits for the next request.
    Say(Vec<u8>),
    /// Sends this, and closes the connection.
    Last(Vec<u8>),
    /// Sends this, and resets the connection.
    Reset(Vec<u8>),
    /// Sends this, and nothing more for ever.
    Silence(Vec<u8>),
    /// Sends the first, and then the second every now and then for ever.
    Drip(Vec<u8>, Vec<u8>),
    /// Sends the first, and then the second as fast as it is taken, for ever.
    Flood(Vec<u8>, Vec<u8>),
}

/// A request, as the server sees it.
pub struct Asked {
    /// Its first line.
    pub line: String,
    /// How many requests of its kind (initiates, controls, or polls) came before it.
    pub nth: usize,
}

impl Asked {
    pub fn is_initiate(&self) -> bool {
        self.line.starts_with("POST ")
    }

    /// Whether it asks for an id that was never issued.
    pub fn is_control(&self) -> bool {
        self.line.contains("/never-")
    }

    /// What stands behind `/jobs/`, as it was sent.
    pub fn id(&self) -> &str {
        self.line.split(' ').nth(1).and_then(|path| path.strip_prefix("/jobs/")).unwrap_or_default()
    }
}

/// What a server does: with connections, before a request is read (by number, from 0), and with requests.
#[derive(Clone)]
pub struct Script {
    pub greet: Arc<dyn Fn(usize) -> Option<Act> + Send + Sync>,
    pub answer: Arc<dyn Fn(&Asked) -> Act + Send + Sync>,
}

impl Script {
    pub fn new(answer: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Script {
        Script { greet: Arc::new(|_| None), answer: Arc::new(answer) }
    }

    /// Accepts every job as `j-1`, denies ids that were never issued, and answers polls as told.
    pub fn about_polls(poll: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Script {
        Script::new(move |asked| match asked {
            asked if asked.is_initiate() => accepted(),
            asked if asked.is_control() => denied(),
            asked => poll(asked),
        })
    }

    /// The same, with something that is done to all connections but the first two, on which the control and the initiate travel.
    pub fn about_connections(greet: Act) -> Script {
        let greet = move |connection: usize| (connection >= 2).then(|| greet.clone());
        Script { greet: Arc::new(greet), ..Script::about_polls(|_| busy()) }
    }

    /// Denies ids that were never issued, and answers initiates as told; whatever was accepted is busy.
    pub fn about_initiates(initiate: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Script {
        Script::new(move |asked| match asked {
            asked if asked.is_initiate() => initiate(asked),
            asked if asked.is_control() => denied(),
            _ => busy(),
        })
    }
}

pub fn accepted() -> Act {
    Act::Say(reply("202 Accepted", "", br#"{"id":"j-1"}"#))
}

pub fn denied() -> Act {
    Act::Say(reply("404 Not Found", "", b""))
}

pub fn busy() -> Act {
    Act::Say(reply("200 OK", "", br#"{"state":"busy"}"#))
}

/// A whole reply; `headers` are lines that end with CR LF.
pub fn reply(code: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut reply = format!("HTTP/1.1 {code}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    reply.extend_from_slice(body);
    reply
}

/// A server under way; it ends with its handle, and so do its connections.
pub struct Server {
    pub base_url: String,
    serving: JoinHandle<()>,
}

impl Server {
    pub async fn start(script: Script) -> Server {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let base_url = format!("http://{}", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { serve(&listener, &script, usize::MAX).await });
        Server { base_url, serving }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Serves so many connections, and then closes them all.
pub async fn serve(listener: &TcpListener, script: &Script, connections: usize) {
    let counts = Arc::new([const { AtomicUsize::new(0) }; 3]);
    let mut open = tokio::task::JoinSet::new();
    for number in 0..connections {
        let Ok((stream, _)) = listener.accept().await else { return };
        open.spawn(converse(stream, script.clone(), Arc::clone(&counts), number));
        while open.try_join_next().is_some() {}
    }
    // The last one is served to its end, so that the count is one of whole conversations.
    while open.join_next().await.is_some() {}
}

async fn converse(mut stream: TcpStream, script: Script, counts: Arc<[AtomicUsize; 3]>, number: usize) {
    if let Some(act) = (script.greet)(number)
        && !perform(&mut stream, act).await
    {
        return;
    }
    while let Some(line) = request(&mut stream).await {
        let mut asked = Asked { line, nth: 0 };
        let kind = if asked.is_initiate() { 0 } else { 1 + usize::from(asked.is_control()) };
        asked.nth = counts[kind].fetch_add(1, Ordering::Relaxed);
        if !perform(&mut stream, (script.answer)(&asked)).await {
            return;
        }
    }
}

/// Reads a request to its end; its first line.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if bytes.len() >= end + 4 + length.unwrap_or(0) {
                return String::from_utf8_lossy(&bytes[..end]).lines().next().map(str::to_owned);
            }
        }
        match stream.read(&mut chunk).await {
            Ok(length) if length > 0 => bytes.extend_from_slice(&chunk[..length]),
            _ => return None,
        }
    }
}

/// Does it; whether the conversation goes on. The client may go at any time, which is its right.
async fn perform(stream: &mut TcpStream, act: Act) -> bool {
    match act {
        Act::Say(bytes) => stream.write_all(&bytes).await.is_ok(),
        Act::Last(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
            false
        }
        Act::Reset(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.set_zero_linger();
            false
        }
        Act::Silence(bytes) => {
            let _ = stream.write_all(&bytes).await;
            std::future::pending().await
        }
        Act::Drip(first, drop) => {
            let mut going = stream.write_all(&first).await.is_ok();
            while going {
                tokio::time::sleep(Duration::from_millis(20)).await;
                going = stream.write_all(&drop).await.is_ok();
            }
            false
        }
        Act::Flood(first, more) => {
            let mut going = stream.write_all(&first).await.is_ok();
            while going {
                going = stream.write_all(&more).await.is_ok();
            }
            false
        }
    }
}
