//! A connection to one server, on which a question and all its replies have one deadline.
//!
//! The sockets of std bound one read or write. A reply that comes in drips has many, so the bound
//! is set anew before each, to what is left until the deadline: however a reply comes, the caller
//! goes on in time.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{sync_channel, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::address::Address;

/// Bytes that come and go until a deadline.
pub(super) struct Socket {
    stream: Stream,
    deadline: Instant,
    /// What the system was told last.
    read_timeout: Duration,
    write_timeout: Duration,
}

enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// A timeout that is told to the system may be that much longer than what is left: telling it
/// costs as much as reading what is there.
const SLACK: Duration = Duration::from_millis(1);

impl Socket {
    pub(super) fn connect(address: &Address, deadline: Instant) -> io::Result<Self> {
        let stream = match address {
            Address::Tcp { host, port, .. } => Stream::Tcp(connect_tcp(host, *port, deadline)?),
            #[cfg(unix)]
            Address::Unix(path) => {
                use socket2::{Domain, SockAddr, Type};
                let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
                // It bounds `connect` as well, which waits while the server's queue is full.
                socket.set_write_timeout(Some(left(deadline)?))?;
                socket.connect(&SockAddr::unix(path)?)?;
                Stream::Unix(socket.into())
            }
            #[cfg(not(unix))]
            Address::Unix(_) => return Err(ErrorKind::Unsupported.into()),
        };
        let (read_timeout, write_timeout) = (Duration::ZERO, Duration::ZERO);
        Ok(Self { stream, deadline, read_timeout, write_timeout })
    }

    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    fn before_read(&mut self) -> io::Result<()> {
        let left = left(self.deadline)?;
        if left < self.read_timeout || left - self.read_timeout > SLACK {
            match &self.stream {
                Stream::Tcp(tcp) => tcp.set_read_timeout(Some(left))?,
                #[cfg(unix)]
                Stream::Unix(unix) => unix.set_read_timeout(Some(left))?,
            }
            self.read_timeout = left;
        }
        Ok(())
    }

    fn before_write(&mut self) -> io::Result<()> {
        let left = left(self.deadline)?;
        if left < self.write_timeout || left - self.write_timeout > SLACK {
            match &self.stream {
                Stream::Tcp(tcp) => tcp.set_write_timeout(Some(left))?,
                #[cfg(unix)]
                Stream::Unix(unix) => unix.set_write_timeout(Some(left))?,
            }
            self.write_timeout = left;
        }
        Ok(())
    }
}

/// The time that is left, rounded up to what the system can tell from none.
fn left(deadline: Instant) -> io::Result<Duration> {
    match deadline.checked_duration_since(Instant::now()) {
        Some(left) if !left.is_zero() => Ok(left.max(Duration::from_micros(1))),
        _ => Err(ErrorKind::TimedOut.into()),
    }
}

/// Systems call a timeout by two names.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::WouldBlock {
        ErrorKind::TimedOut.into()
    } else {
        error
    }
}

impl Read for Socket {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.before_read()?;
        let read = match &mut self.stream {
            Stream::Tcp(tcp) => tcp.read(bytes),
            #[cfg(unix)]
            Stream::Unix(unix) => unix.read(bytes),
        };
        read.map_err(timed_out)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.before_write()?;
        let written = match &mut self.stream {
            Stream::Tcp(tcp) => tcp.write(bytes),
            #[cfg(unix)]
            Stream::Unix(unix) => unix.write(bytes),
        };
        written.map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn connect_tcp(host: &str, port: u16, deadline: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::from(ErrorKind::AddrNotAvailable);
    for address in resolve(host, port, deadline)? {
        match TcpStream::connect_timeout(&address, left(deadline)?) {
            Ok(tcp) => {
                tcp.set_nodelay(true)?;
                return Ok(tcp);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The addresses of a host. No system bounds how long it looks for them, so a thread waits for
/// that, and this one until the deadline only.
fn resolve(host: &str, port: u16, deadline: Instant) -> io::Result<Vec<SocketAddr>> {
    /// With so many names that nobody answers for, another one is not asked for.
    const UNANSWERED: usize = 16;
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    if let Ok(ip) = host.parse() {
        return Ok(vec![SocketAddr::new(ip, port)]);
    }
    // Relaxed: it only counts.
    if THREADS.fetch_add(1, Ordering::Relaxed) >= UNANSWERED {
        THREADS.fetch_sub(1, Ordering::Relaxed);
        return Err(ErrorKind::TimedOut.into());
    }
    let (send, found) = sync_channel(1);
    let host = host.to_owned();
    let started = std::thread::Builder::new().name("memo-resolve".into()).spawn(move || {
        let addresses = (host.as_str(), port).to_socket_addrs().map(Iterator::collect);
        THREADS.fetch_sub(1, Ordering::Relaxed);
        // Whoever asked may have gone on.
        let _ = send.send(addresses);
    });
    if let Err(error) = started {
        THREADS.fetch_sub(1, Ordering::Relaxed);
        return Err(error);
    }
    found.recv_timeout(left(deadline)?).unwrap_or_else(|why| match why {
        RecvTimeoutError::Timeout => Err(ErrorKind::TimedOut.into()),
        RecvTimeoutError::Disconnected => Err(ErrorKind::Other.into()),
    })
}
