//! Two processes share results through Redis, watched live:
//! `cargo run --manifest-path examples/fleet/Cargo.toml`.
//!
//! It starts a `redis-server` or `valkey-server` of its own on a free port of this machine, and two
//! processes of itself, Ann and Bob, who look at pages; what they say is printed as it happens.

mod server;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::{Duration, Instant};

use memo::memo;
use server::Server;

static RENDERED: AtomicBool = AtomicBool::new(false);

/// Takes its time. In a fleet one process does it for all.
#[memo(store = "redis", ttl = "10m", flight = "fleet")]
fn page(name: &str) -> String {
    RENDERED.store(true, Ordering::Relaxed);
    std::thread::sleep(Duration::from_millis(300));
    format!("<h1>{name}</h1>")
}

/// One of the two: does what it is told, line by line.
fn work() {
    for line in std::io::stdin().lines().map_while(Result::ok) {
        if line == "clear" {
            page::clear();
            println!("cleared all pages");
            continue;
        }
        RENDERED.store(false, Ordering::Relaxed);
        let start = Instant::now();
        let content = page(&line);
        let time = start.elapsed();
        let rendered = RENDERED.load(Ordering::Relaxed);
        let how = if rendered { "rendered it" } else { "did not have to render it" };
        println!("{content} in {time:.0?}: {how}");
    }
}

struct Worker {
    name: &'static str,
    process: Child,
    orders: ChildStdin,
    replies: Receiver<String>,
}

impl Worker {
    fn start(name: &'static str, url: &str) -> std::io::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("work")
            .env("MEMO_REDIS_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(orders), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            unreachable!("both are piped")
        };
        let (say, replies) = channel();
        std::thread::spawn(move || listen(BufReader::new(output), &say));
        Ok(Self { name, process, orders, replies })
    }

    fn order(&mut self, order: &str) {
        writeln!(self.orders, "{order}").expect("the worker listens");
    }

    fn print_reply(&self) {
        let reply = self.replies.recv().expect("the worker answers");
        println!("    {}: {reply}", self.name);
    }
}

fn listen(output: impl BufRead, say: &Sender<String>) {
    output.lines().map_while(Result::ok).for_each(|line| drop(say.send(line)));
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("work") {
        work();
        return ExitCode::SUCCESS;
    }
    let Some(mut server) = Server::start() else {
        eprintln!("there is neither a redis-server nor a valkey-server on this machine");
        return ExitCode::FAILURE;
    };
    let start = |name| Worker::start(name, &server.url()).expect("it can start itself");
    let (mut ann, mut bob) = (start("Ann"), start("Bob"));
    let mut both = |what: &str, order: &str| {
        println!("{what}");
        ann.order(order);
        bob.order(order);
        ann.print_reply();
        bob.print_reply();
    };

    both("Both want the same page at once: one renders it, the other waits.", "home");
    both("Both look at it again.", "home");

    println!("Ann clears; Bob's memory hears of it.");
    ann.order("clear");
    ann.print_reply();
    bob.order("home");
    bob.print_reply();
    ann.order("home");
    ann.print_reply();

    println!("The server dies. Nobody's call does.");
    server.kill();
    for worker in [&mut ann, &mut bob] {
        worker.order("about");
        worker.print_reply();
        worker.order("home");
        worker.print_reply();
    }

    println!("It is back, empty.");
    server.restart();
    // Four times a second somebody looks whether it is.
    let back = Instant::now();
    while page_is_rendered_twice(&mut ann, &mut bob) {
        assert!(back.elapsed() < Duration::from_secs(5), "nobody noticed");
    }
    println!("    they share again {:.1?} later", back.elapsed());
    ExitCode::SUCCESS
}

/// Whether a new page is rendered by both: they do not share.
fn page_is_rendered_twice(ann: &mut Worker, bob: &mut Worker) -> bool {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let page = format!("news {}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let renders = |worker: &mut Worker| {
        worker.order(&page);
        worker.replies.recv().expect("the worker answers").contains("rendered")
    };
    renders(ann) && renders(bob)
}
