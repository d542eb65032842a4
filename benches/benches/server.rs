//! The Redis or Valkey server of the run, if there is one on this machine.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

struct Server {
    process: Child,
    url: String,
}

static SERVER: LazyLock<Mutex<Option<Server>>> = LazyLock::new(|| Mutex::new(start()));

/// Where it is; nothing, if there is none.
pub fn url() -> Option<String> {
    SERVER.lock().unwrap().as_ref().map(|server| server.url.clone())
}

/// Ends it, if it was started.
pub fn stop() {
    let server = LazyLock::get(&SERVER).and_then(|server| server.lock().unwrap().take());
    if let Some(mut server) = server {
        let _ = server.process.kill();
        let _ = server.process.wait();
    }
}

fn start() -> Option<Server> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?.port();
    let run = |program| {
        Command::new(program)
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string())
            .stdout(Stdio::null())
            .spawn()
            .ok()
    };
    let process = run("redis-server").or_else(|| run("valkey-server"))?;
    let started = Instant::now();
    while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
        assert!(started.elapsed() < Duration::from_secs(10), "the server does not start");
        std::thread::yield_now();
    }
    Some(Server { process, url: format!("redis://127.0.0.1:{port}") })
}
