//! Processes of a test's own: this very program once more, told by lines what to do.

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{self, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver};
use std::thread;
use std::time::Duration;

/// What a process does with a line it is told: the answer.
pub(crate) type Role = fn(&str) -> String;

/// Tells a process what it is.
const ROLE: &str = "MEMO_TEST_ROLE";
/// Tells an answer from what the test harness says.
const ANSWER: &str = "answer: ";

/// Nothing takes that long; it is there for a failure to be one.
pub(crate) const AGES: Duration = Duration::from_secs(100);

/// A process that plays a role; killed, if need be, where it goes out of scope.
pub(crate) struct Child {
    process: process::Child,
    told: ChildStdin,
    answers: Receiver<String>,
}

impl Child {
    /// This program once more, started by that command in that role.
    pub(crate) fn start(mut command: Command, role: &str) -> Self {
        command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=2"]);
        command.env(ROLE, role).env_remove("MEMO_DISABLE");
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
