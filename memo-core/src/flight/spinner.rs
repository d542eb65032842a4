//! What a computation that lasts shows on a terminal, with the feature `spinner`: what without it is
//! nothing at all.
//!
//! A computation has a [`Slot`], which it takes when its body begins and gives back when that ends.
//! One thread draws for all of them: it is there while there are any, and touches nothing of the
//! terminal before one has lasted for [`DELAY`](with::DELAY).

#[cfg(all(feature = "spinner", unix))]
pub(crate) use with::before_fork;
#[cfg(feature = "spinner")]
pub(super) use with::Slot;
#[cfg(not(feature = "spinner"))]
pub(super) use without::Slot;

use super::Flight;

impl Flight {
    /// Shows the computation from now on, if it lasts; of those that are within each other only the
    /// outermost.
    pub(crate) fn begin_spinner(&self, text: &str) {
        let is_within = || self.outwards().skip(1).any(|around| around.spinner.is_taken());
        if Slot::is_seen() && !is_within() {
            self.spinner.begin(text);
        }
    }

    /// Shows it no more.
    #[inline]
    pub(crate) fn end_spinner(&self) {
        self.spinner.end();
    }
}

#[cfg(feature = "spinner")]
mod with {
    use std::collections::BTreeMap;
    use std::fmt;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
    use once_cell::sync::Lazy;

    use crate::clock::Instant;
    #[cfg(unix)]
    use crate::platform::process::{Side, Unlock};
    use crate::platform::sync::{Condvar, Mutex, MutexGuard};

    /// For how long a computation shows nothing.
    pub(super) const DELAY: Duration = Duration::from_millis(200);
    /// Between two pictures.
    const FRAME: Duration = Duration::from_millis(100);
    /// For how long the thread waits for another computation before it ends.
    const KEEP_ALIVE: Duration = Duration::from_secs(1);

    /// The number of a computation's line while it has one, or zero.
    #[derive(Debug, Default)]
    pub(in crate::flight) struct Slot(AtomicU64);

    impl Slot {
        pub(in crate::flight) const fn new() -> Self {
            Self(AtomicU64::new(0))
        }

        /// Whether standard error is a terminal, which somebody sees.
        pub(super) fn is_seen() -> bool {
            !LINES.is_hidden()
        }

        // Relaxed, here and below: the number is all there is to it, and what it names is behind a lock.
        pub(super) fn is_taken(&self) -> bool {
            self.0.load(Ordering::Relaxed) != 0
        }

        pub(super) fn begin(&self, text: &str) {
            let number = SCREEN.lock().add(text);
            self.0.store(number, Ordering::Relaxed);
        }

        #[inline]
        pub(super) fn end(&self) {
            if self.is_taken() {
                let number = self.0.swap(0, Ordering::Relaxed);
                SCREEN.lock().remove(number);
            }
        }
    }

    static LINES: Lazy<MultiProgress> =
        Lazy::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr()));

    static SCREEN: Mutex<Screen> =
        Mutex::new(Screen { lines: BTreeMap::new(), last: 0, has_thread: false });
    /// There is a line for a thread that waits without any.
    static BEGUN: Condvar = Condvar::new();

    struct Screen {
        lines: BTreeMap<u64, Line>,
        /// The latest number.
        last: u64,
        has_thread: bool,
    }

    struct Line {
        text: String,
        since: Instant,
        /// Once it is drawn.
        bar: Option<ProgressBar>,
    }

    impl Screen {
        fn add(&mut self, text: &str) -> u64 {
            self.last += 1;
            let line = Line { text: text.to_owned(), since: Instant::now(), bar: None };
            self.lines.insert(self.last, line);
            if self.has_thread {
                BEGUN.notify_one();
            } else {
                let thread = thread::Builder::new().name("memo-spinner".into());
                // Without a thread nothing is shown, and the computation goes on all the same.
                self.has_thread = thread.spawn(draw).is_ok();
            }
            self.last
        }

        /// Takes a line off the screen, before its computation returns.
        fn remove(&mut self, number: u64) {
            let Some(bar) = self.lines.remove(&number).and_then(|line| line.bar) else { return };
            if thread::panicking() {
                // `indicatif` draws nothing on a thread that unwinds. Where there is no other, the line
                // stays on the screen.
                thread::scope(|scope| {
                    let _ = thread::Builder::new().spawn_scoped(scope, || erase(&bar));
                });
            } else {
                erase(&bar);
            }
        }

        /// Draws what has lasted, and says when to draw again.
        fn frame(&mut self) -> Option<Duration> {
            self.lines.values_mut().map(Line::frame).min()
        }
    }

    impl Line {
        fn frame(&mut self) -> Duration {
            let elapsed = self.since.elapsed();
            if elapsed < DELAY {
                return DELAY - elapsed;
            }
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::no_length().with_style(style()).with_elapsed(elapsed);
                LINES.add(bar.with_message(self.text.clone()))
            });
            bar.tick();
            FRAME
        }
    }

    fn erase(bar: &ProgressBar) {
        bar.finish_and_clear();
        LINES.remove(bar);
    }

    fn style() -> ProgressStyle {
        let style = ProgressStyle::with_template("{spinner} {msg} {since}");
        style.unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key(
            "since",
            |state: &ProgressState, line: &mut dyn fmt::Write| {
                let _ = write!(line, "{}", Elapsed(state.elapsed()));
            },
        )
    }

    /// What the thread does.
    fn draw() {
        let mut screen = SCREEN.lock();
        loop {
            let is_over;
            (screen, is_over) = match screen.frame() {
                Some(pause) => wait(screen, pause),
                None => wait(screen, KEEP_ALIVE),
            };
            if is_over && screen.lines.is_empty() {
                screen.has_thread = false;
                return;
            }
        }
    }

    fn wait<'a>(screen: MutexGuard<'a, Screen>, pause: Duration) -> (MutexGuard<'a, Screen>, bool) {
        BEGUN.wait_for(screen, pause)
    }

    /// `2.5 s`, or `3 min 07 s`.
    struct Elapsed(Duration);

    impl fmt::Display for Elapsed {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.0.as_secs() {
                0..60 => write!(f, "{}.{} s", self.0.as_secs(), self.0.subsec_millis() / 100),
                seconds => write!(f, "{} min {:02} s", seconds / 60, seconds % 60),
            }
        }
    }

    /// Holds the screen still for as long as the process forks.
    #[cfg(unix)]
    pub(crate) fn before_fork() -> Unlock {
        let mut screen = SCREEN.lock();
        Box::new(move |side| {
            if side == Side::Child {
                // The lines are the parent's, and so is the thread.
                std::mem::forget(std::mem::take(&mut screen.lines));
                screen.has_thread = false;
            }
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_computation_that_has_only_begun_has_no_line() {
            let since = Instant::now() + Duration::from_secs(100);
            let mut line = Line { text: "Loading".into(), since, bar: None };
            assert_eq!(line.frame(), DELAY);
            assert!(line.bar.is_none());
        }

        #[test]
        fn a_time_is_told_in_tenths_and_from_a_minute_on_in_seconds() {
            let told = |millis| Elapsed(Duration::from_millis(millis)).to_string();
            assert_eq!((told(250), told(59_999)), ("0.2 s".into(), "59.9 s".into()));
            assert_eq!(
                (told(60_000), told(3_607_000)),
                ("1 min 00 s".into(), "60 min 07 s".into())
            );
        }
    }
}

#[cfg(not(feature = "spinner"))]
mod without {
    #[derive(Debug, Default)]
    pub(in crate::flight) struct Slot;

    impl Slot {
        pub(in crate::flight) const fn new() -> Self {
            Self
        }

        pub(super) const fn is_seen() -> bool {
            false
        }

        pub(super) const fn is_taken(&self) -> bool {
            false
        }

        pub(super) const fn begin(&self, _: &str) {}

        #[inline]
        pub(super) const fn end(&self) {}
    }
}
