//! The same over TLS: with the cryptography that the program installs, that of a feature, or none.
//!
//! Which of these there is belongs to a whole process, so each test has processes of its own. The
//! certificates are made anew by `openssl` for each.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use memo::memo;
use memo::store::RedisStore;
use rustls::crypto::{ring, CryptoProvider, GetRandomFailed, SecureRandom};

use crate::children::{command, computed, url, Child};
use crate::common::{listen, reports_of};
use crate::server::{free_port, Scratch, Server};

fn store() -> RedisStore {
    RedisStore::builder(url()).deadline(Duration::from_secs(5)).connect()
}

#[memo(store = store())]
fn double(number: u64) -> u64 {
    computed(2 * number)
}

pub(crate) fn role(line: &str) -> String {
    listen();
    let (what, number) = command(line);
    match what {
        "call" => double(number).to_string(),
        "install" => {
            let provider = CryptoProvider { secure_random: &Counted, ..ring::default_provider() };
            provider.install_default().expect("nobody installed one");
            "done".into()
        }
        "is the installed one used" => (USES.load(SeqCst) > 0).to_string(),
        "is anything installed" => CryptoProvider::get_default().is_some().to_string(),
        "errors" => double::stats().store_errors.to_string(),
        "reports" => format!("{:?}", reports_of(double::stats().name)),
        _ => unreachable!("{line}"),
    }
}

static USES: AtomicU64 = AtomicU64::new(0);

/// Tells the program's own cryptography from that of the feature: a handshake needs randomness.
#[derive(Debug)]
struct Counted;

impl SecureRandom for Counted {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        USES.fetch_add(1, SeqCst);
        ring::default_provider().secure_random.fill(bytes)
    }
}

/// Someone who vouches for servers, in a directory of a test's own.
struct Authority(Scratch);

impl Authority {
    fn new() -> Self {
        let authority = Self(Scratch::new());
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN=memo-tests -keyout authority.key -out authority.pem",
        );
        authority
    }

    #[track_caller]
    fn openssl(&self, arguments: &str) {
        let mut openssl = Command::new("openssl");
        openssl.args(arguments.split_whitespace()).current_dir(self.0.path());
        let output = openssl.output().expect("there is no openssl to make certificates with");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {said}");
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    /// A server that shows a certificate of that host, and the port where it speaks TLS.
    fn server(&self, host: &str) -> (Server, u16) {
        fs::write(self.path("names"), format!("subjectAltName = DNS:{host}\n")).unwrap();
        self.openssl(
            "req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
             -subj /CN=memo-tests -keyout server.key -out server.csr",
        );
        self.openssl(
            "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial \
             -days 2 -extfile names -out server.pem",
        );
        let port = free_port();
        let [certificate, key] = ["server.pem", "server.key"].map(|file| self.path(file));
        let server = Server::with(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            certificate.to_str().unwrap(),
            "--tls-key-file",
            key.to_str().unwrap(),
            "--tls-auth-clients",
            "no",
        ]);
        (server, port)
    }

    /// A process that trusts it, and nobody else.
    fn client(&self, port: u16) -> Child {
        self.client_that_trusts("authority.pem", port)
    }

    fn client_that_trusts(&self, file: &str, port: u16) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env("MEMO_REDIS_URL", format!("rediss://localhost:{port}"));
        command.env("SSL_CERT_FILE", self.path(file)).env_remove("SSL_CERT_DIR");
        Child::start(command, "tls")
    }
}

#[test]
#[ignore = "needs redis-server with TLS and openssl: cargo test -p memo-tests --features redis-tls --test redis -- --include-ignored tls::"]
fn what_one_process_computed_another_finds_with_the_cryptography_that_it_installed() {
    let authority = Authority::new();
    let (server, port) = authority.server("localhost");
    let [mut one, mut other] = [(); 2].map(|()| authority.client(port));
    for child in [&mut one, &mut other] {
        assert_eq!(child.ask("install"), "done");
    }
    assert_eq!(one.ask("call 4"), "8, computed");
    assert_eq!(other.ask("call 4"), "8");
    for child in [&mut one, &mut other] {
        assert_eq!(child.ask("errors"), "0", "{}", child.ask("reports"));
        assert_eq!(child.ask("is the installed one used"), "true");
    }
    assert!(!server.ask(&["KEYS", "*"]).is_empty(), "it was another server");
}

#[cfg(any(feature = "redis-tls-ring", feature = "redis-tls-aws-lc-rs"))]
#[test]
#[ignore = "needs redis-server with TLS and openssl: cargo test -p memo-tests --features redis-tls-ring --test redis -- --include-ignored tls::"]
fn what_one_process_computed_another_finds_with_the_cryptography_of_the_feature() {
    let authority = Authority::new();
    let (_server, port) = authority.server("localhost");
    let [mut one, mut other] = [(); 2].map(|()| authority.client(port));
    assert_eq!(one.ask("call 4"), "8, computed");
    assert_eq!(other.ask("call 4"), "8");
    for child in [&mut one, &mut other] {
        assert_eq!(child.ask("errors"), "0", "{}", child.ask("reports"));
        assert_eq!(child.ask("is anything installed"), "false", "the choice is the program's");
    }
}

#[cfg(not(any(feature = "redis-tls-ring", feature = "redis-tls-aws-lc-rs")))]
#[test]
#[ignore = "needs redis-server with TLS and openssl: cargo test -p memo-tests --features redis-tls --test redis -- --include-ignored tls::"]
fn without_cryptography_calls_compute_and_are_told_what_to_do_until_it_is_installed() {
    let authority = Authority::new();
    let (_server, port) = authority.server("localhost");
    let mut client = authority.client(port);
    assert_eq!(client.ask("call 4"), "8, computed");
    let reports = client.ask("reports");
    for cure in ["`redis-tls-ring`", "`redis-tls-aws-lc-rs`", "`rustls::crypto::CryptoProvider`"] {
        assert!(reports.contains(cure), "{reports}");
    }
    assert_eq!(client.ask("call 5"), "10, computed");
    assert_eq!(client.ask("install"), "done");
    // Who tries the server does so four times a second.
    let mut number = 100;
    crate::common::until("the store is well", crate::common::AGES, || {
        number += 1;
        let before = client.ask("errors");
        client.ask(&format!("call {number}"));
        client.ask("errors") == before
    });
    let mut other = authority.client(port);
    assert_eq!(other.ask("install"), "done");
    assert_eq!(other.ask(&format!("call {number}")), (2 * number).to_string());
}

#[test]
#[ignore = "needs redis-server with TLS and openssl: cargo test -p memo-tests --features redis-tls --test redis -- --include-ignored tls::"]
fn nothing_is_said_to_a_server_that_nobody_trusted_vouches_for() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let (server, port) = authority.server("localhost");
    let (_another, named_otherwise) = authority.server("cache.example");
    fs::write(authority.path("nobody"), "").unwrap();
    for (mut client, why) in [
        (stranger.client(port), "invalid peer certificate"),
        (authority.client(named_otherwise), "certificate not valid for name"),
        (authority.client_that_trusts("nobody", port), "set `SSL_CERT_FILE`"),
        // There the server speaks plain text, and waits for the end of a line.
        (authority.client(server.port), "did not answer in time"),
    ] {
        assert_eq!(client.ask("install"), "done");
        assert_eq!(client.ask("call 4"), "8, computed");
        let reports = client.ask("reports");
        assert!(reports.contains(why), "no {why} in {reports}");
        assert_eq!(client.ask("call 5"), "10, computed");
    }
    assert!(server.ask(&["KEYS", "*"]).is_empty());
}
