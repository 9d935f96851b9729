//! A TCP connection that tells when what it brought had arrived, rather than when somebody got to read it.
//!
//! Between the two lies the time that an idle processor takes to wake, or a busy one to come round: some 0.05 ms as a rule and
//! milliseconds at worst, which would all be told as the target's. Linux stamps each packet as it comes in (`SO_TIMESTAMPNS`)
//! and hands the stamp of the last one over with the bytes. Elsewhere, where the kernel gives none, and where somebody has set
//! the wall clock in between, by which the kernel stamps, there is no stamp.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

#[cfg(target_os = "linux")]
pub(super) use linux::Stamping;

/// Other systems stamp nothing.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(super) struct Stamping;

#[cfg(not(target_os = "linux"))]
impl Stamping {
    pub(super) fn begin() -> Stamping {
        Stamping
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    arrived: Option<Instant>,
    /// When something was last sent: nothing that is read later can have come in before it was asked for.
    #[cfg(target_os = "linux")]
    asked: linux::Clocks,
}

impl Tcp {
    /// A connection whose peer has sent nothing that is of interest so far.
    pub(super) fn new(stream: TcpStream) -> Tcp {
        #[cfg(target_os = "linux")]
        linux::ask_for_stamps(&stream);
        Tcp {
            stream,
            arrived: None,
            #[cfg(target_os = "linux")]
            asked: linux::Clocks::now(),
        }
    }

    /// When the last of what was last read had come in, if that is known.
    pub(super) fn arrived(&self) -> Option<Instant> {
        self.arrived
    }

    /// The port on this side.
    pub(super) fn port(&self) -> Option<u16> {
        self.stream.local_addr().ok().map(|address| address.port())
    }

    fn about_to_ask(&mut self) -> &mut TcpStream {
        #[cfg(target_os = "linux")]
        {
            self.asked = linux::Clocks::now();
        }
        &mut self.stream
    }
}

impl AsyncRead for Tcp {
    #[cfg(target_os = "linux")]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Tcp { stream, arrived, asked } = self.get_mut();
        linux::poll_read(stream, *asked, cx, buf).map_ok(|stamp| *arrived = stamp)
    }

    #[cfg(not(target_os = "linux"))]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Tcp {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().about_to_ask()).poll_write(cx, buf)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        Pin::new(self.get_mut().about_to_ask()).poll_write_vectored(cx, bufs)
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
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::task::{Context, Poll, ready};
    use std::time::{Duration, Instant, SystemTime};

    use nix::cmsg_space;
    use nix::sys::socket::{AddressFamily, ControlMessageOwned, MsgFlags, SockFlag, SockType, recvmsg, setsockopt, socket, sockopt};
    use nix::sys::time::TimeSpec;
    use tokio::io::{Interest, ReadBuf};
    use tokio::net::TcpStream;

    /// The clock by which everything is recorded, and the one by which the kernel stamps.
    #[derive(Debug, Clone, Copy)]
    pub(super) struct Clocks {
        ours: Instant,
        wall: SystemTime,
    }

    impl Clocks {
        pub(super) fn now() -> Clocks {
            // In this order, since a pause between the two then makes what came in seem later, and not earlier.
            let wall = SystemTime::now();
            Clocks { ours: Instant::now(), wall }
        }
    }

    /// The two clocks are read by so little one after the other. Where they differ by more, one was set: slewing moves both.
    const JITTER: Duration = Duration::from_micros(20);

    /// Has the kernel stamp what comes in for as long as it lives.
    ///
    /// The kernel stamps only while some socket wants it, and to begin and to end that it patches its own code on all processors. With
    /// connections that come and go, the first answer on each would be too early for it.
    #[derive(Debug)]
    pub(in crate::probe::network) struct Stamping {
        _wants: Option<OwnedFd>,
    }

    impl Stamping {
        pub(in crate::probe::network) fn begin() -> Stamping {
            let wants = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None).ok();
            if let Some(socket) = &wants {
                let _ = setsockopt(socket, sockopt::ReceiveTimestampns, &true);
            }
            Stamping { _wants: wants }
        }
    }

    thread_local! {
        /// Where the kernel puts the stamp.
        static STAMP: RefCell<Vec<u8>> = RefCell::new(cmsg_space!(TimeSpec));
    }

    pub(super) fn ask_for_stamps(stream: &TcpStream) {
        // Without stamps it is told when the bytes were read.
        let _ = setsockopt(stream, sockopt::ReceiveTimestampns, &true);
    }

    /// Reads what there is, and tells when the last of it had come in.
    pub(super) fn poll_read(
        stream: &TcpStream,
        asked: Clocks,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<Option<Instant>>> {
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
                    return Poll::Ready(Ok(stamp.and_then(|stamp| on_our_clock(stamp, asked, Clocks::now()))));
                }
                (None, Err(error)) if error.kind() != io::ErrorKind::WouldBlock => return Poll::Ready(Err(error)),
                (None, _) => {}
            }
        }
    }

    fn receive(stream: &TcpStream, room: &mut [u8]) -> io::Result<(usize, Option<SystemTime>)> {
        STAMP.with_borrow_mut(|place| {
            let mut rooms = [IoSliceMut::new(room)];
            let message = recvmsg::<()>(stream.as_raw_fd(), &mut rooms, Some(place), MsgFlags::empty())?;
            let stamp = message.cmsgs().ok().into_iter().flatten().find_map(|told| match told {
                ControlMessageOwned::ScmTimestampns(stamp) => Some(stamp),
                _ => None,
            });
            Ok((message.bytes, stamp.and_then(|stamp| SystemTime::UNIX_EPOCH.checked_add(Duration::from(stamp)))))
        })
    }

    /// When a stamp was made, by our clock; `None` if it is not from between the asking and now, or if the wall clock was set
    /// meanwhile, so that nobody knows.
    fn on_our_clock(stamp: SystemTime, asked: Clocks, now: Clocks) -> Option<Instant> {
        let by_the_wall = now.wall.duration_since(asked.wall).ok()?;
        if by_the_wall.abs_diff(now.ours.duration_since(asked.ours)) > JITTER {
            return None;
        }
        let age = now.wall.duration_since(stamp).ok()?;
        now.ours.checked_sub(age).filter(|arrived| *arrived >= asked.ours)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        /// An answer that was asked for at 0 ms, came in at `arrived` and was read at 10 ms, while somebody set the wall clock forward
        /// by `before` ms before it came in, and by `after` ms after that.
        fn told(arrived: i64, before: i64, after: i64) -> Option<i64> {
            let begin = Clocks::now();
            let at = |ms: i64| SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000) + Duration::from_millis(ms as u64);
            let asked = Clocks { wall: at(1_000), ours: begin.ours };
            let now = Clocks { wall: at(1_010 + before + after), ours: begin.ours + Duration::from_millis(10) };
            let instant = on_our_clock(at(1_000 + arrived + before), asked, now)?;
            Some(instant.duration_since(begin.ours).as_millis() as i64)
        }

        #[test]
        fn a_stamp_is_told_by_our_clock() {
            for arrived in [0, 4, 10] {
                assert_eq!(told(arrived, 0, 0), Some(arrived));
            }
        }

        #[test]
        fn a_stamp_from_before_the_asking_or_after_now_is_none() {
            assert_eq!(told(-1, 0, 0), None);
            assert_eq!(told(11, 0, 0), None);
        }

        #[test]
        fn nobody_knows_when_an_answer_came_in_once_the_wall_clock_was_set() {
            for set in [-300, -5, -1, 1, 5, 300] {
                assert_eq!(told(4, set, 0), None, "before it came in, by {set} ms");
                assert_eq!(told(4, 0, set), None, "after it came in, by {set} ms");
            }
        }
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
        let _stamping = Stamping::begin();
        let mut tcp = Tcp::new(stream);
        for _ in 0..MOST_TRIES {
            // Nobody knows when what was not asked for came in.
            tcp.write_all(b"request").await.expect("room for seven bytes");
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
