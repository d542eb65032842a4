//! A server of the example's own.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub struct Server {
    program: &'static str,
    port: u16,
    process: Child,
}

impl Server {
    /// Nothing, if there is none on this machine.
    pub fn start() -> Option<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?.port();
        let run = |program| Some((program, run(program, port)?));
        let (program, process) = run("redis-server").or_else(|| run("valkey-server"))?;
        let server = Self { program, port, process };
        server.wait();
        Some(server)
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    pub fn restart(&mut self) {
        self.process = run(self.program, self.port).expect("it started before");
        self.wait();
    }

    /// Waits until it answers.
    fn wait(&self) {
        let start = Instant::now();
        while !answers(self.port) {
            assert!(start.elapsed() < Duration::from_secs(10), "the server does not start");
            std::thread::yield_now();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn run(program: &str, port: u16) -> Option<Child> {
    Command::new(program)
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .stdout(Stdio::null())
        .spawn()
        .ok()
}

fn answers(port: u16) -> bool {
    let Ok(mut connection) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    let mut reply = [0; 5];
    connection.write_all(b"PING\r\n").is_ok()
        && connection.read_exact(&mut reply).is_ok()
        && reply == *b"+PONG"
}
