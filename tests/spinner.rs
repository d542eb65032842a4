//! What a computation that lasts shows, on a terminal of the test's own.
#![cfg(unix)]

use std::fs::File;
use std::future::{poll_fn, Future};
use std::io::{self, Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::pin::pin;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{channel, Receiver, RecvTimeoutError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use memo::{memo, singleton};

/// Tells this program, started once more, what to call.
const ROLE: &str = "MEMO_TEST_ROLE";
const AGES: Duration = Duration::from_secs(100);

/// Goes on when the terminal's other side has seen enough.
fn last() -> u32 {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    line.trim().parse().unwrap()
}

#[memo(spinner = "Loading rows…")]
fn rows() -> u32 {
    last()
}

#[memo(spinner)]
fn unnamed() -> u32 {
    last()
}

#[memo(spinner = "Around")]
fn around() -> u32 {
    without()
}

#[memo]
fn without() -> u32 {
    within()
}

#[memo(spinner = "Within")]
fn within() -> u32 {
    last()
}

#[memo(spinner = "In a task")]
async fn task() -> u32 {
    last()
}

#[singleton(spinner = "Connecting")]
fn pool() -> u32 {
    last()
}

#[memo(spinner = "Failing")]
fn failing() -> u32 {
    let answer = last();
    panic!("{answer}");
}

#[memo(spinner = "Given up")]
async fn given_up() -> u32 {
    let answer = last();
    poll_fn(|_| Poll::<()>::Pending).await;
    answer
}

#[memo(spinner = "In the background", ttl = "1ms", refresh = "background")]
fn refreshed(first: bool) -> u32 {
    static IS_KNOWN: std::sync::OnceLock<()> = std::sync::OnceLock::new();
    if IS_KNOWN.set(()).is_err() {
        // Until the process ends.
        thread::park();
    }
    u32::from(first)
}

#[memo(spinner = "Beside")]
fn beside_others(key: u32) -> u32 {
    while !IS_OPEN.load(SeqCst) {
        thread::yield_now();
    }
    key
}

static IS_OPEN: AtomicBool = AtomicBool::new(false);

/// Does something while so many computations go on beside it.
fn beside(computations: u32, something: impl FnOnce() -> u32) -> u32 {
    thread::scope(|scope| {
        for key in 0..computations {
            scope.spawn(move || beside_others(key));
        }
        let answer = something();
        IS_OPEN.store(true, SeqCst);
        answer
    })
}

#[memo(spinner = "Loud")]
fn loud() -> u32 {
    let answer = last();
    panic!("this is the message, of {answer}");
}

#[memo(spinner = "Exiting")]
fn exiting() -> u32 {
    std::process::exit(last() as i32)
}

/// What this program does at the other side of a terminal.
fn play(role: &str) -> u32 {
    match role {
        "rows" => rows(),
        "unnamed" => unnamed(),
        "around" => around(),
        "task" => match pin!(task()).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => answer,
            Poll::Pending => unreachable!("the body awaits nothing"),
        },
        "pool" => *pool(),
        "panic" => {
            std::panic::set_hook(Box::new(|_| ()));
            u32::from(std::panic::catch_unwind(failing).is_err())
        }
        "given up" => {
            let mut future = Box::pin(given_up());
            assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            drop(future);
            5
        }
        "two" => {
            let both = thread::spawn(within);
            rows() + both.join().unwrap()
        }
        "printing" => beside(4, || {
            let answer = last();
            (0..10).for_each(|row| println!("row {row}"));
            answer
        }),
        "panic beside" => beside(1, || {
            assert!(std::panic::catch_unwind(loud).is_err());
            last()
        }),
        "stopped" => {
            rows();
            // What is printed would wait for the terminal.
            // SAFETY: it ends the process.
            unsafe { libc::_exit(0) }
        }
        "exit" => exiting(),
        "background" => {
            while refreshed::stats().hits == 0 {
                refreshed(true);
            }
            rows()
        }
        role => unreachable!("`{role}` is nobody's role"),
    }
}

#[test]
#[ignore = "it is the other side of a terminal, for the tests below"]
fn child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let answer = play(&role);
    println!("answered {answer}");
}

/// This program once more, at a terminal.
struct Terminal {
    child: Child,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    fn start(role: &str) -> Self {
        let (ours, theirs) = pair();
        let side = || Stdio::from(theirs.try_clone().unwrap());
        let child = command(role).stdin(side()).stdout(side()).stderr(side()).spawn().unwrap();
        drop(theirs);
        let (keyboard, mut screen) = (File::from(ours.try_clone().unwrap()), File::from(ours));
        let (send, output) = channel();
        // Ends when the child does, which is the other side's end.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = screen.read(&mut bytes) {
                let _ = send.send(bytes[..read].to_vec());
            }
        });
        Self { child, keyboard, output, seen: String::new() }
    }

    /// Watches until the terminal has shown a text, and returns what it has shown.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> &str {
        let deadline = Instant::now() + AGES;
        while !self.seen.contains(text) {
            match self.output.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(bytes) => self.seen.push_str(&String::from_utf8_lossy(&bytes)),
                Err(RecvTimeoutError::Timeout) => panic!("no `{text}` in {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("the end after {:?}", self.seen),
            }
        }
        &self.seen
    }

    fn answer(&mut self, number: u32) {
        writeln!(self.keyboard, "{number}").unwrap();
    }

    /// Watches to the end, and returns all that was shown.
    fn rest(&mut self) -> &str {
        while let Ok(bytes) = self.output.recv_timeout(AGES) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        &self.seen
    }

    /// Watches to the end, and returns what was shown before and after the answer.
    #[track_caller]
    fn end(&mut self, answer: u32) -> (String, String) {
        let answer = format!("answered {answer}");
        self.wait_for(&answer);
        self.child.wait().unwrap();
        self.rest();
        let (before, after) = self.seen.split_once(&answer).unwrap();
        (before.to_owned(), after.to_owned())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(role: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(ROLE, role).env("TERM", "xterm").env_remove("NO_COLOR").env_remove("MEMO_DISABLE");
    command
}

/// Both sides of a terminal of 80 columns, that does not echo what is typed.
fn pair() -> (OwnedFd, OwnedFd) {
    let size = libc::winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let (mut ours, mut theirs) = (0, 0);
    let name = std::ptr::null_mut();
    // SAFETY: the two are written if it says that it could, and are nobody else's.
    unsafe {
        assert_eq!(libc::openpty(&mut ours, &mut theirs, name, std::ptr::null(), &size), 0);
        let mut settings = std::mem::zeroed();
        assert_eq!(libc::tcgetattr(theirs, &mut settings), 0);
        settings.c_lflag &= !libc::ECHO;
        assert_eq!(libc::tcsetattr(theirs, libc::TCSANOW, &settings), 0);
        // Not the child's too, or the terminal would not end with it.
        libc::fcntl(ours, libc::F_SETFD, libc::FD_CLOEXEC);
        libc::fcntl(theirs, libc::F_SETFD, libc::FD_CLOEXEC);
        (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs))
    }
}

/// Erases a line.
const ERASED: &str = "\u{1b}[2K";

/// What is left of the text of lines that were erased after it.
fn left(shown: &str) -> &str {
    shown.rsplit_once(ERASED).map_or(shown, |(_, left)| left)
}

#[test]
fn a_computation_that_lasts_shows_its_text_and_for_how_long_until_it_ends() {
    let mut terminal = Terminal::start("rows");
    terminal.wait_for("Loading rows… 0.");
    terminal.wait_for("Loading rows… 1.");
    terminal.answer(7);
    let (before, after) = terminal.end(7);
    assert!(!left(&before).contains("Loading"), "{before:?}");
    assert!(!after.contains("Loading"), "{after:?}");
}

#[test]
fn without_a_text_it_is_the_functions_name() {
    let mut terminal = Terminal::start("unnamed");
    terminal.wait_for("spinner::unnamed 0.");
    terminal.answer(7);
    terminal.end(7);
}

#[test]
fn of_computations_within_each_other_only_the_outermost_is_shown() {
    let mut terminal = Terminal::start("around");
    let shown = terminal.wait_for("Around 0.9 s");
    assert!(!shown.contains("Within"), "{shown:?}");
    terminal.answer(7);
    let (before, _) = terminal.end(7);
    assert!(!left(&before).contains("Around"), "{before:?}");
}

#[test]
fn of_computations_beside_each_other_the_oldest_is_shown_and_the_others_are_counted() {
    let mut terminal = Terminal::start("two");
    terminal.wait_for(" s, and 1 more");
    terminal.answer(1);
    terminal.answer(2);
    let (before, _) = terminal.end(3);
    assert!(!left(&before).contains(" s"), "{before:?}");
}

#[test]
fn what_others_print_is_not_erased() {
    let mut terminal = Terminal::start("printing");
    terminal.wait_for("Beside 0.");
    terminal.wait_for(" s, and 3 more");
    terminal.answer(7);
    let (before, _) = terminal.end(7);
    for row in 0..10 {
        let is_left = |line| left(line).ends_with(&format!("row {row}"));
        assert!(before.split("\r\n").any(is_left), "{row} in {before:?}");
    }
}

#[test]
fn a_panic_beside_what_is_shown_has_its_message_and_nothing_of_it_stays() {
    let mut terminal = Terminal::start("panic beside");
    terminal.wait_for(" s, and 1 more");
    terminal.answer(7);
    terminal.wait_for("this is the message, of 7");
    terminal.answer(1);
    let (before, _) = terminal.end(1);
    let is_left = |line| left(line).contains("this is the message, of 7");
    assert!(before.split("\r\n").any(is_left), "{before:?}");
    assert!(!left(&before).contains("Beside"), "{before:?}");
}

#[test]
fn a_terminal_that_somebody_has_stopped_holds_nobody_up() {
    let mut terminal = Terminal::start("stopped");
    terminal.wait_for("Loading rows… 0.");
    // As with Control-S.
    terminal.keyboard.write_all(b"\x13").unwrap();
    terminal.answer(7);
    assert!(terminal.child.wait().unwrap().success());
}

#[test]
fn a_process_that_ends_in_a_body_leaves_nothing_on_the_screen() {
    let mut terminal = Terminal::start("exit");
    terminal.wait_for("Exiting 0.");
    terminal.answer(3);
    assert_eq!(terminal.child.wait().unwrap().code(), Some(3));
    let shown = terminal.rest();
    assert!(!left(shown).contains("Exiting"), "{shown:?}");
}

#[test]
fn tasks_and_resources_show_themselves_as_well() {
    for (role, text) in [("task", "In a task 0."), ("pool", "Connecting 0.")] {
        let mut terminal = Terminal::start(role);
        terminal.wait_for(text);
        terminal.answer(7);
        let (before, _) = terminal.end(7);
        assert!(!left(&before).contains(text), "{before:?}");
    }
}

#[test]
fn a_body_that_panics_or_is_given_up_leaves_nothing_on_the_screen() {
    for (role, text, answer) in [("panic", "Failing", 1), ("given up", "Given up", 5)] {
        let mut terminal = Terminal::start(role);
        terminal.wait_for(text);
        terminal.answer(7);
        let (before, after) = terminal.end(answer);
        assert!(!left(&before).contains(text), "{before:?}");
        assert!(!after.contains(text), "{after:?}");
    }
}

#[test]
fn a_refresh_in_the_background_shows_nothing() {
    let mut terminal = Terminal::start("background");
    let shown = terminal.wait_for("Loading rows… 0.9 s");
    assert!(!shown.contains("background"), "{shown:?}");
    terminal.answer(7);
    terminal.end(7);
}

#[test]
fn nothing_is_shown_where_standard_error_is_no_terminal() {
    let mut child = command("rows");
    child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    // Long enough for a line, if there were to be one.
    thread::sleep(Duration::from_millis(600));
    writeln!(child.stdin.take().unwrap(), "7").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("answered 7"));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
