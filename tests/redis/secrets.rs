//! A password is nowhere to be read.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use memo::store::{FunctionId, RedisStore, Store};

use crate::common::{doubling, until, RECOVERY};
use crate::server::{free_port, Server};

const SECRET: &str = "s3cr3t-w0rd";
const FUNCTION: FunctionId<'static> = FunctionId::new("secret", [7; 16]);

#[track_caller]
fn is_silent(url: &str, said: &str) {
    assert!(!said.contains(SECRET), "the password of {url} is in: {said}");
    assert!(!said.contains("s3cr3t"), "some of the password of {url} is in: {said}");
}

/// Asks everything of a store that cannot do it: what it says.
#[track_caller]
fn complaints(url: &str) -> Vec<String> {
    let builder = RedisStore::builder(url).deadline(Duration::from_millis(200));
    is_silent(url, &format!("{builder:?} {builder:#?}"));
    let store = builder.connect();
    is_silent(url, &format!("{store:?} {store:#?}"));
    let shared: Arc<dyn Store> = Arc::new(store);
    let ticket = memo::store::Ticket::new(1, 0);
    let asked = [
        shared.get(&FUNCTION, &[1; 32]).err(),
        shared.put(&FUNCTION, &[1; 32], ticket, b"value", None).err(),
        shared.remove(&FUNCTION, &[1; 32]).err(),
        shared.clear(&FUNCTION).err(),
        shared.clear_all().err(),
        shared.changes(&FUNCTION, None).err(),
        shared.lease(&FUNCTION, &[1; 32]).err(),
    ];
    let failures: Vec<_> = asked.into_iter().flatten().collect();
    assert_eq!(failures.len(), 7, "of {url}: {failures:?}");
    let said: Vec<String> = failures.iter().map(|why| format!("{why} {why:?}")).collect();
    said.iter().for_each(|said| is_silent(url, said));
    println!("{}", said[0]);
    said
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn no_failure_says_the_password() {
    let locked = Server::with(&["--requirepass", "another"]);
    let cluster = Server::cluster();
    cluster.ask(&["CONFIG", "SET", "requirepass", "another"]);
    let (port, of_cluster, nobody) = (locked.port, cluster.port, free_port());
    let host = "127.0.0.1";
    for url in [
        format!("redis://user:{SECRET}@{host}:{port}"),
        format!("redis://:{SECRET}@{host}:{port}/3"),
        format!("redis://user:{SECRET}@{host}:{nobody}"),
        format!("redis://user:{SECRET}@{host}:port"),
        format!("redis://user:{SECRET}@{host}:{port}/database"),
        format!("redis://user:{SECRET}@{host}:99999999"),
        format!("redis://user:{SECRET}@:{port}"),
        format!("redis://{SECRET}@{host}:{port}"),
        format!("redis://user:{SECRET}@no-such-host.invalid:{port}"),
        format!("radish://user:{SECRET}@{host}:{port}"),
        format!("user:{SECRET}@{host}:{port}"),
        format!("redis+unix:///nowhere?user=user&pass={SECRET}"),
        format!("redis-cluster://user:{SECRET}@{host}:{of_cluster}"),
        format!("redis-cluster://user:{SECRET}@{host}:{nobody},{host}:{of_cluster}"),
        format!("redis-cluster://user:{SECRET}@{host}:port"),
        format!("redis-cluster://user:{SECRET}@"),
    ] {
        complaints(&url);
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_without_passwords_that_repeats_what_it_is_told_is_not_repeated() {
    let server = Server::with(&["--rename-command", "AUTH", ""]);
    complaints(&format!("redis://user:{SECRET}@127.0.0.1:{}", server.port));
    complaints(&format!("redis://:{SECRET}@127.0.0.1:{}", server.port));
}

/// Answers whatever it is told with an error that says it again.
fn echo() -> u16 {
    fn answer(mut client: TcpStream) -> std::io::Result<()> {
        let mut bytes = [0; 4096];
        loop {
            let read = client.read(&mut bytes)?;
            if read == 0 {
                return Ok(());
            }
            let said = String::from_utf8_lossy(&bytes[..read]).replace("\r\n", " ");
            let error = format!("-ERR nonsense: {said}\r\n");
            client.write_all(error.repeat(8).as_bytes())?;
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || answer(client));
        }
    });
    port
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_stranger_who_repeats_what_he_is_told_is_not_repeated() {
    let port = echo();
    complaints(&format!("redis://user:{SECRET}@127.0.0.1:{port}"));
    complaints(&format!("redis-cluster://user:{SECRET}@127.0.0.1:{port}"));
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn no_report_says_the_password() {
    let server = Server::new();
    let rule = format!(">{SECRET}");
    server.ask(&["ACL", "SETUSER", "user", "on", &rule, "~*", "&*", "+@all"]);
    let url = format!("redis://user:{SECRET}@127.0.0.1:{}", server.port);
    let double = doubling!("secret reports", url.clone());
    until("all is well", RECOVERY, || double.is_well());
    for rule in [">another", "-@write", "off"] {
        server.ask(&["ACL", "SETUSER", "user", "resetpass", rule]);
        server.ask(&["CLIENT", "KILL", "USER", "user"]);
        let before = double.reports().len();
        until("it is reported", RECOVERY, || {
            double.call_anew();
            double.reports().len() > before
        });
        let own = format!(">{SECRET}");
        server.ask(&["ACL", "SETUSER", "user", "on", "resetpass", &own, "+@all"]);
        until("all is well", RECOVERY, || double.is_well());
    }
    server.kill();
    until("it is reported", RECOVERY, || {
        double.call_anew();
        double.reports().len() > 3
    });
    double.reports().iter().for_each(|said| is_silent(&url, said));
    println!("{:#?}", double.reports());
}
