//! Processes of a test's own: this very program once more, told by lines what to do.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{self, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver};
use std::thread;
use std::time::{Duration, Instant};

/// What a process does with a line it is told: the answer.
pub(crate) type Role = fn(&str) -> String;

/// Tells a process what it is.
const ROLE: &str = "MEMO_TEST_ROLE";
/// Tells an answer from what the test harness says.
const ANSWER: &str = "answer: ";

/// Nothing takes that long; it is there for a failure to be one.
pub(crate) const AGES: Duration = Duration::from_secs(100);
/// Until then other processes' memory may answer with what was made void.
pub(crate) const BOUND: Duration = Duration::from_millis(100);

/// A directory of a test's own, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let name = format!("memo-disk-{}-{:016x}", process::id(), random());
        Self(env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let start = Instant::now();
        // A store's sweeper may still be at it; once the directory is gone, it makes none.
        while self.0.exists() && start.elapsed() < AGES / 10 {
            let _ = fs::remove_file(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
        }
    }
}

/// The directory of the test whose process this is.
pub(crate) fn directory() -> PathBuf {
    env::var_os("MEMO_CACHE_DIR").expect("a child has one").into()
}

/// A process that plays a role; killed, if need be, where it goes out of scope.
pub(crate) struct Child {
    process: process::Child,
    told: ChildStdin,
    answers: Receiver<String>,
}

impl Child {
    pub(crate) fn new(role: &str, scratch: &Scratch) -> Self {
        Self::of(Command::new(env::current_exe().unwrap()), role, scratch)
    }

    /// One that runs under what a line of shell has set.
    #[cfg(unix)]
    pub(crate) fn limited(limits: &str, role: &str, scratch: &Scratch) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{limits}; exec \"$0\" \"$@\"")]);
        shell.arg(env::current_exe().unwrap());
        Self::of(shell, role, scratch)
    }

    fn of(mut command: Command, role: &str, scratch: &Scratch) -> Self {
        command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=2"]);
        command.env(ROLE, role).env("MEMO_CACHE_DIR", scratch.path()).env_remove("MEMO_DISABLE");
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (told, said) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (answer, answers) = channel();
        // Ends with the process. A thread, so that a test which gets no answer ends too.
        thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                if let Some((_, said)) = line.split_once(ANSWER) {
                    let _ = answer.send(said.to_owned());
                }
            }
        });
        Self { process, told, answers }
    }

    /// Tells it a line, and waits for the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    #[track_caller]
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.told, "{line}").expect("the child is gone");
    }

    #[track_caller]
    pub(crate) fn answer(&mut self) -> String {
        self.answers.recv_timeout(AGES).expect("the child is gone, or says nothing")
    }

    /// Kills it in the middle of what it does.
    #[track_caller]
    pub(crate) fn kill(mut self) {
        assert_eq!(self.process.try_wait().unwrap(), None, "it ended by itself");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // SIGKILL, where there are signals.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks a process that has done nothing before.
#[track_caller]
pub(crate) fn ask_another(role: &str, scratch: &Scratch, line: &str) -> String {
    Child::new(role, scratch).ask(line)
}

/// Answers what this process is told, if it is a child.
pub(crate) fn play(roles: &[(&str, Role)]) {
    let Ok(name) = env::var(ROLE) else { return };
    let (_, role) = roles.iter().find(|role| role.0 == name).expect("nobody's role");
    while let Some(line) = listen() {
        let before = COMPUTED.load(SeqCst);
        let answer = role(&line);
        let is_computed = COMPUTED.load(SeqCst) > before;
        say(&format!("{answer}{}", if is_computed { ", computed" } else { "" }));
    }
}

/// The next line that this process is told.
pub(crate) fn listen() -> Option<String> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line).unwrap();
    (read > 0).then(|| line.trim_end().to_owned())
}

/// Says something that is not the last of an answer.
pub(crate) fn say(answer: &str) {
    println!("{ANSWER}{answer}");
}

static COMPUTED: AtomicU64 = AtomicU64::new(0);

/// What a body returns, so that an answer tells whether one ran.
pub(crate) fn computed<T>(value: T) -> T {
    COMPUTED.fetch_add(1, SeqCst);
    value
}

/// What is to be done, and with which number.
// Input: `call 4`
// Output: `("call", 4)`
pub(crate) fn command(line: &str) -> (&str, u64) {
    let numbered = line.rsplit_once(' ').and_then(|(what, n)| Some((what, n.parse().ok()?)));
    numbered.unwrap_or((line, 0))
}

/// How many times as much as usual the tests that count are to do.
pub(crate) fn scale() -> u64 {
    env::var("MEMO_TEST_SCALE").map_or(1, |scale| scale.parse().expect("MEMO_TEST_SCALE"))
}

pub(crate) fn random() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    thread_local!(static STATE: RandomState = RandomState::new());
    STATE.with(|state| state.hash_one(NEXT.fetch_add(1, SeqCst)))
}

pub(crate) fn random_below(bound: u64) -> u64 {
    random() % bound
}
