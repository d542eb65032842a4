//! A wire between a store and its server that tests break.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;

/// What becomes of bytes of a reply.
pub(crate) enum Fate {
    Sent(Vec<u8>),
    /// What is sent before the connection is cut.
    Cut(Vec<u8>),
}

/// Part of a reply: to what, after how many bytes of it, and the bytes.
pub(crate) struct Part<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) offset: usize,
    pub(crate) bytes: &'a [u8],
}

type Tamper = Arc<dyn Fn(Part<'_>) -> Fate + Send + Sync>;

pub(crate) struct Proxy {
    pub(crate) port: u16,
    wire: Arc<Wire>,
}

struct Wire {
    server: u16,
    tamper: Mutex<Tamper>,
    /// Whoever connects is hung up on.
    is_cut: AtomicBool,
    is_over: AtomicBool,
    /// Both ends of each connection.
    ends: Mutex<Vec<TcpStream>>,
    /// What clients sent: from a reply to the next one is one.
    requests: Mutex<Vec<Vec<u8>>>,
}

/// A request under way.
#[derive(Default)]
struct Asked {
    request: Vec<u8>,
    replied: usize,
    number: Option<usize>,
}

impl Proxy {
    pub(crate) fn new(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(Wire {
            server,
            tamper: Mutex::new(Arc::new(untouched)),
            is_cut: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            ends: Mutex::new(Vec::new()),
            requests: Mutex::new(Vec::new()),
        });
        let shared = Arc::clone(&wire);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if shared.is_over.load(SeqCst) {
                    return;
                }
                if !shared.is_cut.load(SeqCst) {
                    shared.connect(client);
                }
            }
        });
        Self { port, wire }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Has replies pass through this.
    pub(crate) fn tamper(&self, how: impl Fn(Part<'_>) -> Fate + Send + Sync + 'static) {
        *self.wire.tamper.lock().unwrap() = Arc::new(how);
    }

    pub(crate) fn leave_alone(&self) {
        self.tamper(untouched);
    }

    /// Accepts whoever comes, and answers nobody.
    pub(crate) fn mute(&self) {
        self.tamper(|_| Fate::Sent(Vec::new()));
    }

    /// Cuts every connection; new ones can be made.
    pub(crate) fn cut(&self) {
        self.wire.cut();
    }

    /// Cuts every connection, and hangs up on new ones until it is mended.
    pub(crate) fn hang_up(&self) {
        self.wire.is_cut.store(true, SeqCst);
        self.cut();
    }

    pub(crate) fn mend(&self) {
        self.wire.is_cut.store(false, SeqCst);
    }

    /// What clients sent since this was asked last, but for the pings of links.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = std::mem::take(&mut *self.wire.requests.lock().unwrap());
        let texts = requests.iter().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        texts.filter(|text| !text.contains("PING")).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.is_over.store(true, SeqCst);
        self.cut();
        // Wakes the one who listens.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn untouched(part: Part<'_>) -> Fate {
    Fate::Sent(part.bytes.to_vec())
}

impl Wire {
    fn cut(&self) {
        for end in self.ends.lock().unwrap().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Carries both ways, until either end hangs up.
    fn connect(self: &Arc<Self>, client: TcpStream) {
        let Ok(server) = TcpStream::connect(("127.0.0.1", self.server)) else { return };
        let clone = |end: &TcpStream| end.try_clone().unwrap();
        for end in [&client, &server] {
            end.set_nodelay(true).unwrap();
            self.ends.lock().unwrap().push(clone(end));
        }
        let asked = Arc::new(Mutex::new(Asked::default()));
        let (wire, ends) = (Arc::clone(self), (clone(&client), clone(&server)));
        let shared = Arc::clone(&asked);
        thread::spawn(move || {
            let _ = wire.carry_requests(&ends.0, &ends.1, &shared);
            hang_up([&ends.0, &ends.1]);
        });
        let wire = Arc::clone(self);
        thread::spawn(move || {
            let _ = wire.carry_replies(&server, &client, &asked);
            hang_up([&server, &client]);
        });
    }

    fn carry_requests(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        asked: &Mutex<Asked>,
    ) -> std::io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let bytes = match from.read(&mut bytes)? {
                0 => return Ok(()),
                read => &bytes[..read],
            };
            {
                let mut asked = asked.lock().unwrap();
                if asked.replied > 0 {
                    *asked = Asked::default();
                }
                asked.request.extend(bytes);
                let mut requests = self.requests.lock().unwrap();
                match asked.number.and_then(|number| requests.get_mut(number)) {
                    Some(request) => request.extend(bytes),
                    None => {
                        asked.number = Some(requests.len());
                        requests.push(bytes.to_vec());
                    }
                }
            }
            to.write_all(bytes)?;
        }
    }

    fn carry_replies(
        &self,
        mut from: &TcpStream,
        mut to: &TcpStream,
        asked: &Mutex<Asked>,
    ) -> std::io::Result<()> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let bytes = match from.read(&mut bytes)? {
                0 => return Ok(()),
                read => &bytes[..read],
            };
            let tamper = Arc::clone(&self.tamper.lock().unwrap());
            let (request, offset) = {
                let mut asked = asked.lock().unwrap();
                let offset = asked.replied;
                asked.replied += bytes.len();
                (asked.request.clone(), offset)
            };
            match tamper(Part { request: &request, offset, bytes }) {
                Fate::Sent(bytes) => to.write_all(&bytes)?,
                Fate::Cut(bytes) => return to.write_all(&bytes),
            }
        }
    }
}

fn hang_up(ends: [&TcpStream; 2]) {
    for end in ends {
        let _ = end.shutdown(Shutdown::Both);
    }
}
