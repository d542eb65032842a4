//! The thread that hears what others made void, and tries a server that does not answer.
//!
//! It also renews the leases that this process holds. It ends with its store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use redis::{cmd, RedisError, Value};

use super::server::Server;
use crate::background::pool::STORES;
use crate::platform::process;
use crate::store::{Failure, OnInvalidation};

pub(super) struct Shared {
    pub(super) server: Server,
    pub(super) channel: String,
    /// Who is told of a function's news.
    listeners: Mutex<HashMap<[u8; 16], Vec<OnInvalidation>>>,
    /// Whether every message comes in.
    hears: AtomicBool,
    lease: Duration,
    /// The leases held, and when each was taken or renewed.
    held: Mutex<HashMap<(String, u64), Instant>>,
    /// The [generation](process::generation) of the process that has the thread.
    generation: AtomicU32,
    /// Told when there is something new to do before the time.
    wake: (Mutex<bool>, Condvar),
}

/// What one says to hear whether one hears.
const HELLO: &[u8] = b"hello";
/// How often the thread looks around.
const BEAT: Duration = Duration::from_millis(100);
/// How often a server is asked whether it is there, by who hears nothing from it.
const PING: Duration = Duration::from_millis(250);
/// How long memory answers without asking while nobody hears of changes.
const DEAF: Duration = Duration::from_millis(500);
/// How long it does while all is heard: who makes something void may not come to say so, and a
/// server that forgets says nothing.
const HEARING: Duration = Duration::from_millis(800);

impl Shared {
    pub(super) fn start(server: Server, channel: String, lease: Duration) -> Arc<Self> {
        let shared = Arc::new(Self {
            server,
            channel,
            listeners: Mutex::new(HashMap::new()),
            hears: AtomicBool::new(false),
            lease,
            held: Mutex::new(HashMap::new()),
            generation: AtomicU32::new(process::generation()),
            wake: (Mutex::new(false), Condvar::new()),
        });
        shared.start_thread();
        shared
    }

    fn start_thread(self: &Arc<Self>) {
        let weak = Arc::downgrade(self);
        // Without the thread memory asks by itself, and a server that was down once stays so.
        let _ = std::thread::Builder::new().name("memo-redis".into()).spawn(move || run(&weak));
    }

    /// In a child of `fork` the thread is not there, and the leases are the parent's.
    fn begin_in_child(self: &Arc<Self>) {
        let generation = process::generation();
        // Relaxed: a child begins with one thread.
        if self.generation.swap(generation, Ordering::Relaxed) != generation {
            self.hears.store(false, Ordering::SeqCst);
            self.held.lock().clear();
            self.start_thread();
        }
    }

    pub(super) fn listen(&self, function: [u8; 16], news: OnInvalidation) {
        self.listeners.lock().entry(function).or_default().push(news);
    }

    pub(super) fn max_staleness(self: &Arc<Self>) -> Duration {
        self.begin_in_child();
        if self.hears.load(Ordering::SeqCst) {
            HEARING
        } else {
            DEAF
        }
    }

    /// Tells those who listen to a function, or to any.
    fn tell(&self, function: Option<[u8; 16]>) {
        let told: Vec<OnInvalidation> = {
            let listeners = self.listeners.lock();
            match function {
                Some(function) => listeners.get(&function).cloned().unwrap_or_default(),
                None => listeners.values().flatten().cloned().collect(),
            }
        };
        told.iter().for_each(|news| news());
    }

    fn set_hears(&self, hears: bool) {
        // SeqCst: who is told next asks for the patience anew, and finds what it is now.
        if self.hears.swap(hears, Ordering::SeqCst) != hears {
            self.tell(None);
        }
    }

    /// The right to compute a call, if nobody has it.
    pub(super) fn lease(
        self: &Arc<Self>,
        place: String,
        token: u64,
    ) -> Result<Option<Held>, Failure> {
        let mut set = cmd("SET");
        set.arg(&place).arg(token).arg("NX").arg("PX").arg(self.lease.as_millis() as u64);
        let (taken,): (Option<Value>,) = self.server.ask(&[set])?;
        if !matches!(taken, Some(Value::Okay)) {
            return Ok(None);
        }
        self.held.lock().insert((place.clone(), token), Instant::now());
        Ok(Some(Held { shared: Arc::clone(self), place, token }))
    }

    /// Renews what has run for a third of its time.
    fn renew(&self) {
        let due: Vec<(String, u64)> = {
            let mut held = self.held.lock();
            let now = Instant::now();
            let due =
                held.iter_mut().filter(|(_, since)| now.duration_since(**since) > self.lease / 3);
            due.map(|(lease, since)| {
                *since = now;
                lease.clone()
            })
            .collect()
        };
        for (place, token) in due {
            const RENEW: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0";
            let mut renew = cmd("EVAL");
            renew.arg(RENEW).arg(1).arg(place).arg(token).arg(self.lease.as_millis() as u64);
            // One that is lost means that the call may be computed twice.
            let _: Result<Value, _> = self.server.ask(&[renew]);
        }
    }

    /// Waits for a beat, or for the store's end.
    fn pause(&self) {
        let (is_over, bell) = &self.wake;
        let mut is_over = is_over.lock();
        if !*is_over {
            bell.wait_for(&mut is_over, PING);
        }
    }
}

/// A lease; given back when it is dropped.
pub(super) struct Held {
    shared: Arc<Shared>,
    place: String,
    token: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        let (shared, place, token) = (Arc::clone(&self.shared), self.place.clone(), self.token);
        shared.held.lock().remove(&(place.clone(), token));
        // Aside: it may be dropped with a task, which must not wait for the server.
        let job = Box::new(move || {
            const RETURN: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then \
                return redis.call('DEL', KEYS[1]) end return 0";
            let mut give_back = cmd("EVAL");
            give_back.arg(RETURN).arg(1).arg(place).arg(token);
            let _: Result<Value, _> = shared.server.ask(&[give_back]);
        });
        // What nobody gives back runs out.
        let _ = STORES.run(job);
    }
}

fn run(shared: &Weak<Shared>) {
    loop {
        let Some(strong) = shared.upgrade() else { return };
        let _ = hear(&strong, shared);
        strong.set_hears(false);
        strong.renew();
        if strong.server.is_down() && strong.server.answers() {
            strong.server.forget_idle();
            strong.server.set_down(false);
        }
        strong.pause();
    }
}

/// Hears messages until the server cannot be heard, or the store ends.
fn hear(strong: &Shared, weak: &Weak<Shared>) -> Result<(), Failure> {
    let mut connection = strong.server.connect()?;
    let mut messages = connection.as_pubsub();
    messages.set_read_timeout(Some(PING))?;
    messages.subscribe(&strong.channel)?;
    // Whether it was allowed to is not in the reply: what is said now must be heard.
    strong.server.publish(&strong.channel, HELLO)?;
    while messages.get_message()?.get_payload_bytes() != HELLO {}
    // From now on everything is heard; what was not heard before is asked for.
    strong.set_hears(true);
    messages.set_read_timeout(Some(BEAT))?;
    let mut heard = Instant::now();
    while weak.strong_count() > 1 {
        match messages.get_message() {
            Ok(message) => {
                heard = Instant::now();
                match message.get_payload_bytes() {
                    HELLO => {}
                    payload => strong.tell(payload.try_into().ok()),
                }
            }
            Err(error) if is_silence(&error) => {}
            Err(error) => return Err(error.into()),
        }
        strong.renew();
        if heard.elapsed() >= PING {
            messages.set_read_timeout(Some(PING))?;
            let _: Value = messages.ping()?;
            messages.set_read_timeout(Some(BEAT))?;
            heard = Instant::now();
        }
        if strong.server.is_down() && strong.server.answers() {
            strong.server.forget_idle();
            strong.server.set_down(false);
        }
    }
    Ok(())
}

fn is_silence(error: &RedisError) -> bool {
    error.is_timeout()
}
