//! With `flight = "fleet"` one process computes for all, and nobody waits for one that is no more.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{mpsc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;
use memo::store::RedisStore;

use crate::children::{command, computed, listen, say, url, Child};
use crate::common::{scale, until, AGES, LATE};
use crate::server::{Scratch, Server};

const PROCESSES: usize = 8;
const ROUNDS: u64 = 200;
const LEASE: Duration = Duration::from_secs(1);

fn store() -> RedisStore {
    RedisStore::builder(url()).deadline(Duration::from_secs(2)).lease(LEASE).connect()
}

#[memo(store = store(), flight = "fleet")]
fn slow(number: u64) -> u64 {
    thread::sleep(Duration::from_millis(20));
    computed(2 * number)
}

#[memo(store = store())]
fn alone(number: u64) -> u64 {
    thread::sleep(Duration::from_millis(20));
    computed(2 * number)
}

#[memo(store = store(), flight = "fleet")]
fn refused(number: u64) -> Result<u64, u64> {
    thread::sleep(Duration::from_millis(20));
    computed(Err(number))
}

static IS_HELD: AtomicBool = AtomicBool::new(false);

#[memo(store = store(), flight = "fleet")]
fn held(number: u64) -> u64 {
    if IS_HELD.load(SeqCst) {
        say("computing");
        listen();
    }
    computed(2 * number)
}

pub(crate) fn role(line: &str) -> String {
    let (what, number) = command(line);
    let start = Instant::now();
    let said = match what {
        "slow" => slow(number).to_string(),
        "alone" => alone(number).to_string(),
        "refused" => format!("{:?}", refused(number)),
        "held" => held(number).to_string(),
        "hold" => {
            IS_HELD.store(true, SeqCst);
            held(number).to_string()
        }
        "open" => format!("{:?} {:?}", slow::get(number), held::get(number)),
        "unshared" => [slow::stats(), held::stats()]
            .iter()
            .map(|stats| stats.unshared)
            .sum::<u64>()
            .to_string(),
        _ => unreachable!("{line}"),
    };
    format!("{said} {}", start.elapsed().as_millis())
}

/// A process's answer.
#[derive(Debug)]
struct Said {
    result: String,
    took: Duration,
    is_computed: bool,
}

fn said(child: &mut Child) -> Said {
    let answer = child.answer();
    let (rest, is_computed) =
        answer.strip_suffix(", computed").map_or((&*answer, false), |rest| (rest, true));
    let (result, millis) = rest.rsplit_once(' ').unwrap();
    let took = Duration::from_millis(millis.parse().unwrap());
    Said { result: result.to_owned(), took, is_computed }
}

/// They have all asked the server before.
fn processes(server: &Server, scratch: &Scratch) -> Vec<Child> {
    let new = || Child::new("fleet", &server.url(), scratch);
    let mut children: Vec<_> = (0..PROCESSES).map(|_| new()).collect();
    children.iter_mut().for_each(|child| child.tell("open 1"));
    children.iter_mut().for_each(|child| drop(child.answer()));
    children
}

fn ask_all(children: &mut [Child], line: &str) -> Vec<Said> {
    children.iter_mut().for_each(|child| child.tell(line));
    children.iter_mut().map(said).collect()
}

fn count(said: &[Said]) -> usize {
    said.iter().filter(|said| said.is_computed).count()
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn one_process_computes_a_call_for_all() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut children = processes(&server, &scratch);
    let rounds = ROUNDS * scale();
    let (mut computations, mut took) = (0, Vec::new());
    let start = Instant::now();
    for round in 0..rounds {
        let said = ask_all(&mut children, &format!("slow {round}"));
        assert!(said.iter().all(|said| said.result == (2 * round).to_string()), "{said:?}");
        computations += count(&said);
        took.extend(said.iter().filter(|said| !said.is_computed).map(|said| said.took));
    }
    let seconds = start.elapsed().as_secs_f64();
    took.sort();
    let mean = computations as f64 / rounds as f64;
    println!(
        "{rounds} rounds of {PROCESSES} processes in {seconds:.1} s: {mean} computations a call; \
         the others waited for {:?}, {:?} at the longest",
        took[took.len() / 2],
        took[took.len() - 1],
    );
    assert!((1.0..=1.05).contains(&mean));

    let mut alone = 0;
    for round in 0..10 {
        alone += count(&ask_all(&mut children, &format!("alone {round}")));
    }
    println!("without a fleet: {} computations a call", alone as f64 / 10.0);
    assert!(alone > 10, "nothing came at once: this tests nothing");
    until("the rights are given back", AGES, || server.ask(&["KEYS", "*:lease"]).is_empty());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn what_is_not_stored_is_computed_by_one_after_the_other() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut children = processes(&server, &scratch);
    let said = ask_all(&mut children, "refused 1");
    assert_eq!(count(&said), PROCESSES);
    let longest = said.iter().map(|said| said.took).max().unwrap();
    println!("{longest:?} at the longest");
    // The bound of a wait, and what one's own takes.
    assert!(longest < Duration::from_secs(1) + LATE);
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn an_owner_that_is_killed_delays_others_by_its_lease() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut children = processes(&server, &scratch);
    for round in 0..3 {
        let mut owner = Child::new("fleet", &server.url(), &scratch);
        owner.tell(&format!("hold {round}"));
        assert_eq!(owner.answer(), "computing");
        let line = format!("held {round}");
        children.iter_mut().for_each(|child| child.tell(&line));
        owner.kill();
        let said: Vec<_> = children.iter_mut().map(said).collect();
        let longest = said.iter().map(|said| said.took).max().unwrap();
        println!("{longest:?} at the longest, {} computations", count(&said));
        assert!(said.iter().all(|said| said.result == (2 * round).to_string()), "{said:?}");
        assert!(longest < LEASE + LATE, "{said:?}");
        assert!(count(&said) >= 1);
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn an_owner_that_lives_keeps_its_right_for_as_long_as_it_computes() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut owner = Child::new("fleet", &server.url(), &scratch);
    owner.tell("hold 1");
    assert_eq!(owner.answer(), "computing");
    let start = Instant::now();
    while start.elapsed() < 3 * LEASE {
        let lease = server.ask(&["KEYS", "*:lease"]);
        assert_eq!(lease.len(), 1, "after {:?}", start.elapsed());
        thread::sleep(Duration::from_millis(20));
    }
    owner.tell("go on");
    assert!(said(&mut owner).is_computed);
    until("the right is given back", AGES, || server.ask(&["KEYS", "*:lease"]).is_empty());
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn without_a_server_each_computes_and_nobody_waits() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut children = processes(&server, &scratch);
    server.kill();
    for round in 0..20 {
        let said = ask_all(&mut children, &format!("slow {round}"));
        let longest = said.iter().map(|said| said.took).max().unwrap();
        assert_eq!(count(&said), PROCESSES, "{said:?}");
        assert!(longest < LATE, "{longest:?}");
    }
    let unshared: Vec<_> = ask_all(&mut children, "unshared");
    assert!(unshared.iter().all(|said| said.result == "0"), "{unshared:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_that_is_stopped_while_others_wait_delays_them_by_one_deadline() {
    let (server, scratch) = (Server::new(), Scratch::new());
    let mut children = processes(&server, &scratch);
    let mut owner = Child::new("fleet", &server.url(), &scratch);
    owner.tell("hold 1");
    assert_eq!(owner.answer(), "computing");
    children.iter_mut().for_each(|child| child.tell("held 1"));
    server.stop();
    let said: Vec<_> = children.iter_mut().map(said).collect();
    let longest = said.iter().map(|said| said.took).max().unwrap();
    println!("{longest:?} at the longest");
    assert_eq!(count(&said), PROCESSES);
    assert!(longest < Duration::from_secs(2) + LATE, "{longest:?}");
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn who_computes_beside_another_call_of_its_process_does_not_wait_for_the_right_of_that() {
    static URL: OnceLock<String> = OnceLock::new();
    static RUNS: AtomicU64 = AtomicU64::new(0);

    // Longer than anybody waits here.
    #[memo(store = store_of_test(), flight = "fleet", wait = "10m")]
    fn nested(number: u64, _depth: u64) -> u64 {
        RUNS.fetch_add(1, SeqCst);
        match _depth {
            0 => number,
            depth => nested(number, depth - 1) + 1,
        }
    }
    fn store_of_test() -> RedisStore {
        RedisStore::builder(URL.get().unwrap()).lease(10 * AGES).connect()
    }

    let server = Server::new();
    URL.set(server.url()).unwrap();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(nested(1, 2)));
    assert_eq!(told.recv_timeout(AGES), Ok(3));
    assert_eq!(RUNS.load(SeqCst), 3);
    until("the right is given back", AGES, || server.ask(&["KEYS", "*:lease"]).is_empty());
}
