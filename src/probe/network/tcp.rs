//! A TCP connection that tells when what it brought had arrived, rather than when somebody got to read it.
//!
//! Between the two lies the time that an idle processor takes to wake, or a busy one to come round: some 0.05 ms as a rule and
//! milliseconds at worst, which would all be told as the target's. Linux stamps each packet as it comes in (`SO_TIMESTAMPNS`)
//! and hands the stamp of the last one over with the bytes. Elsewhere, and where the kernel gives none, there is no stamp.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    arrived: Option<Instant>,
}

impl Tcp {
    /// A connection whose peer has sent nothing that is of interest so far.
    pub(super) fn new(stream: TcpStream) -> Tcp {
        #[cfg(target_os = "linux")]
        linux::ask_for_stamps(&stream);
        Tcp { stream, arrived: None }
    }

    /// When the last of what was last read had come in, if that is known.
    pub(super) fn arrived(&self) -> Option<Instant> {
        self.arrived
    }

    /// The port on this side.
    pub(super) fn port(&self) -> Option<u16> {
        self.stream.local_addr().ok().map(|address| address.port())
    }
}

impl AsyncRead for Tcp {
    #[cfg(target_os = "linux")]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Tcp { stream, arrived } = self.get_mut();
        linux::poll_read(stream, cx, buf).map_ok(|stamp| *arrived = stamp)
    }

    #[cfg(not(target_os = "linux"))]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::RefCell;
    use std::io::{self, IoSliceMut};
    use std::os::fd::AsRawFd;
    use std::task::{Context, Poll, ready};
    use std::time::{Duration, Instant, SystemTime};

    use nix::cmsg_space;
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
    use nix::sys::time::TimeSpec;
    use tokio::io::{Interest, ReadBuf};
    use tokio::net::TcpStream;

    /// A stamp that is older when it is read is none: somebody has set the wall clock, by which the kernel stamps.
    const OLDEST: Duration = Duration::from_secs(1);

    thread_local! {
        /// Where the kernel puts the stamp.
        static STAMP: RefCell<Vec<u8>> = RefCell::new(cmsg_space!(TimeSpec));
    }

    pub(super) fn ask_for_stamps(stream: &TcpStream) {
        // Without stamps it is told when the bytes were read.
        let _ = setsockopt(stream, sockopt::ReceiveTimestampns, &true);
    }

    /// Reads what there is, and tells when the last of it had come in.
    pub(super) fn poll_read(stream: &TcpStream, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<Option<Instant>>> {
        let room = buf.initialize_unfilled();
        loop {
            ready!(stream.poll_read_ready(cx))?;
            let mut came = None;
            let tried = stream.try_io(Interest::READABLE, || {
                let (length, stamp) = receive(stream, room)?;
                came = Some((length, stamp));
                // Less than there was room for is all that there was, and asking again would only be told so.
                if (1..room.len()).contains(&length) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
            });
            match (came, tried) {
                (Some((length, stamp)), _) => {
                    buf.advance(length);
                    return Poll::Ready(Ok(stamp));
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                (None, _) => {}
            }
        }
    }

    fn receive(stream: &TcpStream, room: &mut [u8]) -> io::Result<(usize, Option<Instant>)> {
        STAMP.with_borrow_mut(|place| {
            let mut rooms = [IoSliceMut::new(room)];
            let message = recvmsg::<()>(stream.as_raw_fd(), &mut rooms, Some(place), MsgFlags::empty())?;
            let stamp = message.cmsgs().ok().into_iter().flatten().find_map(|told| match told {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
                _ => None,
            });
            Ok((message.bytes, stamp.and_then(on_our_clock)))
        })
    }

    fn on_our_clock(stamp: TimeSpec) -> Option<Instant> {
        let stamp = SystemTime::UNIX_EPOCH.checked_add(Duration::from(stamp))?;
        let age = SystemTime::now().duration_since(stamp).ok().filter(|age| *age <= OLDEST)?;
        Instant::now().checked_sub(age)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// The kernel begins to stamp a little after the first socket on the machine has asked for it.
    const MOST_TRIES: usize = 10_000;

    #[tokio::test]
    async fn bytes_are_told_to_have_come_before_anybody_looked() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("it listens");
        let (mut peer, _) = listener.accept().await.expect("somebody who connects");
        let mut tcp = Tcp::new(stream);
        for _ in 0..MOST_TRIES {
            let before = Instant::now();
            peer.write_all(b"reply").await.expect("room for five bytes");
            tcp.stream.peek(&mut [0; 5]).await.expect("an open connection");
            let seen = Instant::now();
            tcp.read_exact(&mut [0; 5]).await.expect("what was seen");
            if tcp.arrived().is_some_and(|arrived| (before..seen).contains(&arrived)) {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("no stamp of the kernel in {MOST_TRIES} tries");
    }

    #[tokio::test]
    async fn all_comes_through_up_to_the_end_whatever_the_room() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("it listens");
        let (mut peer, _) = listener.accept().await.expect("somebody who connects");
        let sent: Vec<u8> = (0..300_000_u32).map(|n| n as u8).collect();
        let mut tcp = Tcp::new(stream);
        let send = async {
            peer.write_all(&sent).await.expect("a reader");
            drop(peer);
        };
        let receive = async {
            let mut all = Vec::new();
            let mut room = vec![0; 7];
            loop {
                match tcp.read(&mut room).await.expect("an open connection") {
                    0 => return all,
                    length => all.extend_from_slice(&room[..length]),
                }
                let wider = (room.len() * 2).min(8192);
                room.resize(wider, 0);
            }
        };
        let ((), received) = tokio::join!(send, receive);
        assert!(received == sent, "{} of {} bytes came, or others", received.len(), sent.len());
    }
}
