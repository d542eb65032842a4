//! A server of a test's own, gone with it.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::common::{random, random_below, until, AGES};

const KINDS: [&str; 2] = ["redis-server", "valkey-server"];
/// Which server is to be used.
const CHOICE: &str = "MEMO_TEST_SERVER";

/// The servers that there are.
fn found() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = |kind| env::split_paths(&path).map(|at| at.join(kind)).find(|at| at.is_file());
    KINDS.into_iter().filter_map(found).collect()
}

fn program() -> PathBuf {
    match env::var_os(CHOICE) {
        Some(program) => program.into(),
        None => found().into_iter().next().expect("there is no redis-server and no valkey-server"),
    }
}

/// A directory of a test's own, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let path = env::temp_dir().join(format!("memo-redis-{}-{:016x}", process::id(), random()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) struct Server {
    process: Mutex<Option<process::Child>>,
    pub(crate) port: u16,
    pub(crate) scratch: Scratch,
    arguments: Vec<String>,
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(arguments: &[&str]) -> Self {
        let server = Self::later(arguments);
        server.start();
        server
    }

    /// A cluster of one node, which has all slots.
    pub(crate) fn cluster() -> Self {
        let bus = free_port().to_string();
        let server = Self::with(&["--cluster-enabled", "yes", "--cluster-port", &bus]);
        server.ask(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
        server.until_it_is_one();
        server
    }

    /// Waits until a cluster has found that it is whole.
    pub(crate) fn until_it_is_one(&self) {
        until("the cluster is one", AGES, || {
            self.ask(&["CLUSTER", "INFO"]).concat().contains("cluster_state:ok")
        });
    }

    /// One that has yet to be started.
    pub(crate) fn later(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        Self { process: Mutex::new(None), port: free_port(), scratch: Scratch::new(), arguments }
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Starts it, or starts it again, and waits until it answers.
    pub(crate) fn start(&self) {
        let mut command = Command::new(program());
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning", "--dir"]);
        command.arg(self.scratch.path()).args(&self.arguments);
        let log = fs::File::create(self.scratch.path().join("log")).unwrap();
        // An argument that it does not know it reports on the one, and all else on the other.
        let errors = log.try_clone().unwrap();
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        *self.process.lock().unwrap() = Some(command.spawn().unwrap());
        until("the server answers", AGES, || {
            if let Some(Ok(Some(_))) = self.process.lock().unwrap().as_mut().map(|it| it.try_wait())
            {
                let log = fs::read_to_string(self.scratch.path().join("log")).unwrap();
                panic!("the server ended: {log}");
            }
            match self.try_ask(&["PING"]) {
                Ok(_) => true,
                Err(why) => why.starts_with("NOAUTH"),
            }
        });
    }

    pub(crate) fn kill(&self) {
        let process = self.process.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut process) = process {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// It is there, and does nothing.
    pub(crate) fn stop(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.process.lock().unwrap().as_ref().expect("a server that runs").id();
        let sent = Command::new("kill").args([signal, &id.to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// What it answers to a command; of an array, the elements.
    #[track_caller]
    pub(crate) fn ask(&self, command: &[&str]) -> Vec<String> {
        self.try_ask(command).unwrap_or_else(|why| panic!("{command:?}: {why}"))
    }

    pub(crate) fn try_ask(&self, command: &[&str]) -> Result<Vec<String>, String> {
        Admin::new(self.port).map_err(|why| why.to_string())?.ask(command)
    }

    /// How often commands were asked, but for those with which links live and tests look.
    pub(crate) fn commands(&self) -> u64 {
        let stats = self.ask(&["INFO", "commandstats"]).concat();
        let count = |line: &str| -> Option<u64> {
            let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
            let is_ours = ["ping", "info", "exists", "auth", "select"].contains(&name)
                || name.starts_with("client");
            (!is_ours).then(|| rest.split(',').next()?.parse().ok())?
        };
        stats.lines().filter_map(count).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A connection of the test's own.
pub(crate) struct Admin(BufReader<TcpStream>);

impl Admin {
    pub(crate) fn new(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(AGES))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub(crate) fn ask(&mut self, command: &[&str]) -> Result<Vec<String>, String> {
        let mut bytes = format!("*{}\r\n", command.len());
        for word in command {
            bytes += &format!("${}\r\n{word}\r\n", word.len());
        }
        self.0.get_mut().write_all(bytes.as_bytes()).map_err(|why| why.to_string())?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Vec<String>, String> {
        let mut line = String::new();
        self.0.read_line(&mut line).map_err(|why| why.to_string())?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or("it hung up")?;
        match kind {
            "-" => Err(rest.to_owned()),
            "$" => {
                let Ok(len) = rest.parse::<usize>() else { return Ok(Vec::new()) };
                let mut bytes = vec![0; len + 2];
                self.0.read_exact(&mut bytes).map_err(|why| why.to_string())?;
                bytes.truncate(len);
                Ok(vec![String::from_utf8_lossy(&bytes).into_owned()])
            }
            "*" => {
                let elements = (0..rest.parse().unwrap_or(0)).map(|_: u32| self.reply());
                Ok(elements.collect::<Result<Vec<_>, _>>()?.concat())
            }
            _ => Ok(vec![rest.to_owned()]),
        }
    }
}

/// A port below those that systems give to whoever connects, so that a server which was killed
/// finds its own again; each is given out once.
pub(crate) fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = 15_000 + random_below(17_000) as u16;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() && GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn every_other_server_that_there_is_passes_these_tests_too() {
    if env::var_os(CHOICE).is_some() {
        return;
    }
    for other in found().iter().skip(1) {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--include-ignored", "--test-threads=2"]).env(CHOICE, other);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "with {:?}:\n{said}", other.file_name());
        println!("with {:?}:\n{said}", other.file_name().unwrap_or(OsStr::new("")));
    }
}

#[test]
#[ignore = "needs redis-server or valkey-server: cargo test -p memo-tests --features redis --test redis -- --include-ignored"]
fn a_server_that_was_stopped_goes_on_and_one_that_was_killed_comes_back() {
    let server = Server::new();
    assert_eq!(server.ask(&["SET", "a", "1"]), ["OK"]);
    server.stop();
    let mut admin = Admin::new(server.port).unwrap();
    admin.0.get_ref().set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(admin.ask(&["GET", "a"]).is_err());
    server.go_on();
    assert_eq!(server.ask(&["GET", "a"]), ["1"]);
    server.kill();
    assert!(server.try_ask(&["GET", "a"]).is_err());
    server.start();
    assert!(server.ask(&["GET", "a"]).is_empty());
}
