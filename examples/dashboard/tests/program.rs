//! The program, as a terminal has it: on Unix, where another program can send what Ctrl-C sends.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn dashboard() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dashboard"))
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_is_no_error() {
    for flag in ["--help", "-h"] {
        let Output { status, stdout, stderr } = dashboard().arg(flag).output().unwrap();
        assert_eq!((status.code(), text(&stderr)), (Some(0), ""));
        assert!(text(&stdout).starts_with("usage: dashboard "));
    }
    let Output { status, stdout, stderr } = dashboard().arg("--halp").output().unwrap();
    assert_eq!((status.code(), text(&stdout)), (Some(2), ""));
    assert!(text(&stderr).contains("usage: dashboard "));
}

#[test]
fn a_busy_port_is_named_and_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _listener = TcpListener::bind(taken).unwrap();
    let output = dashboard().arg(taken.port().to_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains(&format!("cannot listen on {taken}: ")), "{error}");
    assert!(error.contains("`cargo run … -- 0`"), "{error}");
}

/// Ends with its owner, also where a test fails.
struct Running {
    process: Child,
    address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Running {
    fn start() -> Self {
        let mut process = dashboard().arg("0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim_end().strip_prefix("listening on http://").unwrap().to_owned();
        // It hears of Ctrl-C when it answers, and not before.
        let mut stream = TcpStream::connect(&address).unwrap();
        stream
            .write_all(b"GET /icon.svg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .unwrap();
        let answer = std::io::read_to_string(stream).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        Self { process, address }
    }

    /// Sends half a request, and waits until it is likely to be there.
    fn ask_by_half(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: local").unwrap();
        std::thread::sleep(Duration::from_millis(300));
        stream
    }

    /// As Ctrl-C does.
    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.process.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
    }

    fn has_ended(&mut self) -> bool {
        self.process.try_wait().unwrap().is_some()
    }

    /// Waits for its end, and returns how long that took.
    fn end(&mut self) -> Duration {
        let begin = Instant::now();
        while !self.has_ended() {
            assert!(begin.elapsed() < Duration::from_secs(30), "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(self.process.wait().unwrap().success());
        begin.elapsed()
    }
}

#[test]
fn ctrl_c_ends_it_also_with_half_a_request() {
    let mut running = Running::start();
    running.interrupt();
    assert!(running.end() < Duration::from_secs(2), "nothing was under way");

    let mut running = Running::start();
    let _half = running.ask_by_half();
    running.interrupt();
    assert!(!running.has_ended(), "the other half may yet come");
    assert!(running.end() > Duration::from_secs(1));

    let mut running = Running::start();
    let _half = running.ask_by_half();
    running.interrupt();
    assert!(!running.has_ended());
    running.interrupt();
    assert!(running.end() < Duration::from_secs(2), "it was told twice");
}
