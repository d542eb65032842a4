//! Threads call through all that happens to a server; no call fails, and none is wrong.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{doubling, random_below, scale, until, LATE, RECOVERY};
use crate::server::Server;

const THREADS: usize = 8;
const CALLS: u64 = 2000;

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn no_call_fails_while_the_server_is_stopped_killed_and_restarted() {
    let server = Server::new();
    let double = doubling!("storm", server.url(), max_entries = 50);
    let calls = CALLS * scale();
    let (done, longest) = (AtomicU64::new(0), AtomicU64::new(0));
    let is_over = AtomicBool::new(false);
    let start = Instant::now();
    let rounds = thread::scope(|scope| {
        let disturber = scope.spawn(|| {
            let mut rounds = 0;
            // At every moment of the calls, at least once through.
            while rounds == 0 || !is_over.load(SeqCst) {
                disturb(&server);
                rounds += 1;
            }
            rounds
        });
        let callers = [(); THREADS].map(|()| {
            scope.spawn(|| {
                for call in 0..calls {
                    let took = double.call(random_below(500));
                    longest.fetch_max(took.as_micros() as u64, SeqCst);
                    if call % 200 == 199 {
                        (double.clear)();
                    }
                    done.fetch_add(1, SeqCst);
                    thread::sleep(Duration::from_micros(random_below(2000)));
                }
            })
        });
        let joined = callers.map(thread::ScopedJoinHandle::join);
        is_over.store(true, SeqCst);
        assert!(joined.iter().all(Result::is_ok));
        disturber.join().unwrap()
    });
    let longest = Duration::from_micros(longest.into_inner());
    let stats = (double.stats)();
    println!(
        "{} calls in {:?} through {rounds} rounds: {} hits, {} errors, {} reports; {longest:?} at \
         the longest",
        done.into_inner(),
        start.elapsed(),
        stats.hits,
        stats.store_errors,
        double.reports().len(),
    );
    // Eight wait for the processors as well.
    assert!(longest < 2 * LATE, "a call took {longest:?}");
    assert!(stats.store_errors > 0 && stats.hits > 0);
    // Of eight calls at once, some succeed that began before an outage, and end the report of it.
    assert!(double.reports().len() <= 2 * rounds * THREADS, "{:#?}", double.reports());
    let recovery = until("all is well", RECOVERY, || double.is_well());
    println!("all is well after {recovery:?}");
}

fn disturb(server: &Server) {
    let pause = || thread::sleep(Duration::from_millis(100 + random_below(300)));
    pause();
    server.stop();
    pause();
    server.go_on();
    pause();
    server.kill();
    pause();
    server.start();
    pause();
}
