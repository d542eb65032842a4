//! The thread that hears what others made void, and tries a server that does not answer.
//!
//! It also renews the leases that this process holds. It ends with its store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use redis::{cmd, Value};

use super::connection::{words, Connection};
use super::lease::Left;
use super::server::Server;
use crate::platform::process;
use crate::platform::unwind::catch;
use crate::store::{Failure, OnInvalidation};

pub(super) struct Shared {
    pub(super) server: Server,
    pub(super) channel: String,
    /// Who is told of a function's invalidations.
    listeners: Mutex<HashMap<[u8; 16], Vec<OnInvalidation>>>,
    /// Whether every message comes in.
    is_subscribed: AtomicBool,
    pub(super) lease: Duration,
    /// The leases held, and when each was taken or renewed.
    pub(super) held: Mutex<HashMap<(String, u64), Instant>>,
    /// Those that are not held any more, and not given back yet.
    pub(super) left: Mutex<HashMap<String, Vec<Left>>>,
    /// The [generation](process::generation) of the process that has the thread.
    generation: AtomicU32,
    /// The thread was started there.
    has_thread: AtomicBool,
}

/// What one says to hear whether one hears.
const HELLO: &[u8] = b"hello";
/// How often the thread looks around.
const BEAT: Duration = Duration::from_millis(100);
/// How often a server is asked whether it is there, by who hears nothing from it.
const PING: Duration = Duration::from_millis(250);
/// How long memory answers without asking while nobody hears of invalidations.
const UNSUBSCRIBED: Duration = Duration::from_millis(500);
/// How long it does while all is heard: who makes something void may not come to say so, and a
/// server that forgets says nothing.
const SUBSCRIBED: Duration = Duration::from_millis(800);

impl Shared {
    pub(super) fn start(server: Server, channel: String, lease: Duration) -> Arc<Self> {
        let shared = Arc::new(Self {
            server,
            channel,
            listeners: Mutex::new(HashMap::new()),
            is_subscribed: AtomicBool::new(false),
            lease,
            held: Mutex::new(HashMap::new()),
            left: Mutex::new(HashMap::new()),
            generation: AtomicU32::new(process::generation()),
            has_thread: AtomicBool::new(false),
        });
        shared.start_thread();
        shared
    }

    /// Starts the thread, unless it was. Without it memory asks by itself, and a server that was down
    /// once stays so: until it can be started.
    fn start_thread(self: &Arc<Self>) {
        // Relaxed: whoever sets it is the one that starts it.
        if self.has_thread.swap(true, Ordering::Relaxed) {
            return;
        }
        let weak = Arc::downgrade(self);
        let thread = std::thread::Builder::new().name("memo-redis".into());
        if thread.spawn(move || run(&weak)).is_err() {
            self.has_thread.store(false, Ordering::Relaxed);
        }
    }

    /// In a child of `fork` the thread is not there, and the leases are the parent's.
    fn begin_in_child(self: &Arc<Self>) {
        let generation = process::generation();
        // Relaxed: a child begins with one thread.
        if self.generation.swap(generation, Ordering::Relaxed) != generation {
            self.is_subscribed.store(false, Ordering::SeqCst);
            self.held.lock().clear();
            self.left.lock().clear();
            self.has_thread.store(false, Ordering::Relaxed);
        }
        self.start_thread();
    }

    pub(super) fn listen(&self, function: [u8; 16], notify: OnInvalidation) {
        self.listeners.lock().entry(function).or_default().push(notify);
    }

    pub(super) fn max_staleness(self: &Arc<Self>) -> Duration {
        self.begin_in_child();
        if self.is_subscribed.load(Ordering::SeqCst) {
            SUBSCRIBED
        } else {
            UNSUBSCRIBED
        }
    }

    /// Tells those who listen to a function, or to any.
    fn notify(&self, function: Option<[u8; 16]>) {
        let told: Vec<OnInvalidation> = {
            let listeners = self.listeners.lock();
            match function {
                Some(function) => listeners.get(&function).cloned().unwrap_or_default(),
                None => listeners.values().flatten().cloned().collect(),
            }
        };
        // It is somebody else's code, where a store is wrapped: the others are told, and the thread goes on.
        for notify in told {
            let _ = catch(|| notify());
        }
    }

    fn set_subscribed(&self, is_subscribed: bool) {
        // SeqCst: who is told next asks for the staleness anew, and finds what it is now.
        if self.is_subscribed.swap(is_subscribed, Ordering::SeqCst) != is_subscribed {
            self.notify(None);
        }
    }

    /// Asks a server that did not answer whether it does again.
    fn try_server(&self) {
        if self.server.is_down() && self.server.answers() {
            self.server.set_down(false);
        }
    }
}

fn run(shared: &Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        let _ = hear(&strong, shared);
        strong.set_subscribed(false);
        strong.renew();
        strong.try_server();
        strong.give_all_back();
        drop(strong);
        std::thread::sleep(PING);
    }
}

/// Hears messages until the server cannot be heard, or the store ends.
fn hear(strong: &Shared, weak: &Weak<Shared>) -> Result<(), Failure> {
    let mut link = strong.server.connect_to_any()?;
    let mut subscribe = cmd("SUBSCRIBE");
    subscribe.arg(&strong.channel);
    send(&mut link, &subscribe)?;
    // Whether it was allowed to is not in the reply: what is said now must be heard.
    strong.server.publish(&strong.channel, HELLO)?;
    let until = Instant::now() + PING;
    loop {
        match next(&mut link, until)? {
            Some(Message::Said(said)) if said == HELLO => break,
            Some(_) => {}
            None => return Err("it is not heard".into()),
        }
    }
    // From now on everything is heard; what was not heard before is asked for.
    strong.set_subscribed(true);
    let mut heard = Instant::now();
    let mut is_pinged = false;
    while weak.strong_count() > 1 {
        if let Some(message) = next(&mut link, Instant::now() + BEAT)? {
            (heard, is_pinged) = (Instant::now(), false);
            match message {
                Message::Said(said) if said != HELLO => strong.notify(said.try_into().ok()),
                _ => {}
            }
        }
        strong.renew();
        strong.try_server();
        strong.give_all_back();
        if is_pinged && heard.elapsed() >= 2 * PING {
            return Err("the server does not answer".into());
        }
        if !is_pinged && heard.elapsed() >= PING {
            send(&mut link, &cmd("PING"))?;
            is_pinged = true;
        }
    }
    Ok(())
}

/// What comes over a channel.
enum Message {
    Said(Vec<u8>),
    /// The server's own, and what it replies to a ping.
    Other,
}

fn send(link: &mut Connection, command: &redis::Cmd) -> Result<(), Failure> {
    link.send(&[command], Instant::now() + PING).map_err(|why| why.to_string().into())
}

fn next(link: &mut Connection, until: Instant) -> Result<Option<Message>, Failure> {
    let Some(message) = link.next_message(until).map_err(|why| why.to_string())? else {
        return Ok(None);
    };
    let parts = match message {
        Value::Array(parts) => parts,
        Value::ServerError(error) => return Err(words(&error).into()),
        _ => return Ok(Some(Message::Other)),
    };
    match <[Value; 3]>::try_from(parts) {
        Ok([Value::BulkString(kind), _, Value::BulkString(said)]) if kind == b"message" => {
            Ok(Some(Message::Said(said)))
        }
        _ => Ok(Some(Message::Other)),
    }
}
