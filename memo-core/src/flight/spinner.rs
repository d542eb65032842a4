//! What a computation that lasts shows on a terminal, with the feature `spinner`: what without it is
//! nothing at all.
//!
//! A computation has a [`Slot`], which it takes when its body begins and gives back when that ends. One thread
//! draws for all of them, one line, as whoever moves the cursor over several erases what others have printed
//! between them. It is there while there are any, and nobody else touches the terminal.

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
    pub(crate) fn begin_spinner(&self, text: &'static str) {
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
    #[cfg(unix)]
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;
    use std::time::Duration;

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
    use once_cell::sync::Lazy;

    use crate::clock::Instant;
    use crate::platform::process;
    #[cfg(unix)]
    use crate::platform::process::{Side, Unlock};
    use crate::platform::sync::{Condvar, Mutex, MutexGuard};

    /// For how long a computation shows nothing.
    pub(super) const DELAY: Duration = Duration::from_millis(200);
    /// Between two pictures.
    const FRAME: Duration = Duration::from_millis(100);
    /// So often the thread looks for something to show, and finds nothing, before it ends.
    const IDLE_LOOKS: u32 = 10;
    /// For how long the end of a computation waits until the terminal shows it no more: one that does not
    /// take what is written, as somebody has stopped it, holds nobody up.
    const MAX_WAIT: Duration = Duration::from_millis(100);
    /// So many characters of a text are shown.
    const MAX_TEXT: usize = 60;

    /// The number of a computation while it may be shown, or zero.
    #[derive(Debug, Default)]
    pub(in crate::flight) struct Slot(AtomicU64);

    impl Slot {
        pub(in crate::flight) const fn new() -> Self {
            Self(AtomicU64::new(0))
        }

        /// Whether standard error is a terminal, which somebody sees. A child of `fork` has its parent's,
        /// on which that draws.
        pub(super) fn is_seen() -> bool {
            static IS_SEEN: Lazy<bool> = Lazy::new(|| !ProgressDrawTarget::stderr().is_hidden());
            *IS_SEEN && process::generation() == 0
        }

        // Relaxed, here and below: the number is all there is to it, and what it names is behind a lock.
        pub(super) fn is_taken(&self) -> bool {
            self.0.load(Ordering::Relaxed) != 0
        }

        pub(super) fn begin(&self, text: &'static str) {
            let number = UNDER_WAY.lock().add(text);
            self.0.store(number, Ordering::Relaxed);
        }

        #[inline]
        pub(super) fn end(&self) {
            if self.is_taken() {
                UnderWay::remove(self.0.swap(0, Ordering::Relaxed));
            }
        }
    }

    static UNDER_WAY: Mutex<UnderWay> = Mutex::new(UnderWay {
        computations: BTreeMap::new(),
        last: 0,
        has_thread: false,
        is_shown: false,
    });
    /// What is shown is to be erased.
    static ENDED: Condvar = Condvar::new();
    static ERASED: Condvar = Condvar::new();

    /// The computations that may be shown. The lock is held for moments: the terminal is the thread's alone.
    struct UnderWay {
        computations: BTreeMap<u64, Computation>,
        /// The latest number.
        last: u64,
        has_thread: bool,
        /// There is something on the terminal, or about to be.
        is_shown: bool,
    }

    struct Computation {
        text: &'static str,
        since: Instant,
    }

    impl UnderWay {
        fn add(&mut self, text: &'static str) -> u64 {
            self.last += 1;
            self.computations.insert(self.last, Computation { text, since: Instant::now() });
            if !self.has_thread {
                let thread = thread::Builder::new().name("memo-spinner".into());
                // Without a thread nothing is shown, and the computation goes on all the same. One that is
                // there looks again before this has lasted.
                self.has_thread = thread.spawn(draw).is_ok();
                #[cfg(unix)]
                erase_at_exit();
            }
            self.last
        }

        /// Where nothing else is shown, waits until the terminal is as it was.
        fn remove(number: u64) {
            let mut under_way = UNDER_WAY.lock();
            under_way.computations.remove(&number);
            if under_way.is_shown && under_way.shown().is_none() {
                ENDED.notify_one();
                let until = Instant::now() + MAX_WAIT;
                while under_way.is_shown {
                    let left = until.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return;
                    }
                    (under_way, _) = ERASED.wait_for(under_way, left);
                }
            }
        }

        /// What is to be shown now, of all that have lasted.
        fn shown(&self) -> Option<Shown> {
            // They are in the order in which they began.
            let oldest = self.computations.values().next()?;
            let elapsed = oldest.since.elapsed();
            if elapsed < DELAY {
                return None;
            }
            Some(Shown { text: oldest.text, elapsed, others: self.computations.len() - 1 })
        }

        /// When to look again.
        fn pause(&self) -> Duration {
            let oldest = self.computations.values().next();
            oldest.map_or(DELAY, |oldest| match DELAY.checked_sub(oldest.since.elapsed()) {
                Some(left) if !left.is_zero() => left,
                _ => FRAME,
            })
        }
    }

    /// What the thread does: it draws what there is, outside the lock, and erases it.
    fn draw() {
        let mut picture = Picture::default();
        let mut looks = 0;
        let mut under_way = UNDER_WAY.lock();
        loop {
            let shown = under_way.shown();
            let was_shown = std::mem::replace(&mut under_way.is_shown, shown.is_some());
            if shown.is_some() || was_shown {
                // Who ends a computation meanwhile waits for what follows.
                under_way.is_shown = true;
                drop(under_way);
                picture.show(shown.as_ref());
                under_way = UNDER_WAY.lock();
                under_way.is_shown = shown.is_some();
                if shown.is_none() {
                    ERASED.notify_all();
                }
            }
            looks = if under_way.computations.is_empty() { looks + 1 } else { 0 };
            if looks > IDLE_LOOKS && !under_way.is_shown {
                under_way.has_thread = false;
                return;
            }
            // What ended while it was drawn is not to stay for a frame.
            if !under_way.is_shown || under_way.shown().is_some() {
                under_way = pause(under_way);
            }
        }
    }

    /// What is on the terminal.
    #[derive(Default)]
    struct Picture {
        bar: Option<ProgressBar>,
        frames: usize,
    }

    impl Picture {
        fn show(&mut self, shown: Option<&Shown>) {
            const TURNING: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
            let Some(shown) = shown else {
                if let Some(bar) = self.bar.take() {
                    bar.finish_and_clear();
                }
                return;
            };
            let bar = self.bar.get_or_insert_with(|| {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
                let style = ProgressStyle::with_template("{msg}");
                bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
            });
            self.frames += 1;
            bar.set_message(format!("{} {shown}", TURNING[self.frames % TURNING.len()]));
        }
    }

    /// Sees to it that a process that ends in the middle of a computation leaves the terminal as it was.
    #[cfg(unix)]
    fn erase_at_exit() {
        static IS_SEEN_TO: AtomicBool = AtomicBool::new(false);
        extern "C" fn erase() {
            // Who holds the lock does so for moments; in the middle of one nothing is done.
            let Some(mut under_way) = UNDER_WAY.try_lock() else { return };
            // Nothing more is drawn.
            under_way.computations.clear();
            if std::mem::take(&mut under_way.is_shown) && process::generation() == 0 {
                const ERASE: &[u8] = b"\r\x1b[2K";
                // SAFETY: it is given so many bytes, to be written; what it says is no matter.
                let _ = unsafe { libc::write(2, ERASE.as_ptr().cast(), ERASE.len()) };
            }
        }
        if !IS_SEEN_TO.swap(true, Ordering::Relaxed) {
            // SAFETY: the handler is a function of this program, which is never unloaded from under it.
            let _ = unsafe { libc::atexit(erase) };
        }
    }

    fn pause(under_way: MutexGuard<'_, UnderWay>) -> MutexGuard<'_, UnderWay> {
        let pause = under_way.pause();
        ENDED.wait_for(under_way, pause).0
    }

    /// `Loading rows… 2.5 s, and 2 more`.
    struct Shown {
        text: &'static str,
        elapsed: Duration,
        others: usize,
    }

    impl fmt::Display for Shown {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let line = self.text.lines().next().unwrap_or_default();
            match line.char_indices().nth(MAX_TEXT) {
                Some((end, _)) => write!(f, "{}…", &line[..end])?,
                None => f.write_str(line)?,
            }
            match self.elapsed.as_secs() {
                seconds @ 0..60 => {
                    write!(f, " {seconds}.{} s", self.elapsed.subsec_millis() / 100)?;
                }
                seconds => write!(f, " {} min {:02} s", seconds / 60, seconds % 60)?,
            }
            match self.others {
                0 => Ok(()),
                others => write!(f, ", and {others} more"),
            }
        }
    }

    /// Lets nobody begin or end for as long as the process forks.
    #[cfg(unix)]
    pub(crate) fn before_fork() -> Unlock {
        let mut under_way = UNDER_WAY.lock();
        Box::new(move |side| {
            if side == Side::Child {
                // Nobody there draws, or would.
                under_way.computations = BTreeMap::new();
                (under_way.has_thread, under_way.is_shown) = (false, false);
            }
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn shown(text: &'static str, millis: u64, others: usize) -> String {
            Shown { text, elapsed: Duration::from_millis(millis), others }.to_string()
        }

        #[test]
        fn a_time_is_told_in_tenths_and_from_a_minute_on_in_seconds() {
            assert_eq!(shown("a", 250, 0), "a 0.2 s");
            assert_eq!(shown("a", 59_999, 1), "a 59.9 s, and 1 more");
            assert_eq!(shown("a", 60_000, 0), "a 1 min 00 s");
            assert_eq!(shown("a", 3_607_000, 2), "a 60 min 07 s, and 2 more");
        }

        #[test]
        fn a_text_is_one_line_and_not_a_long_one() {
            assert_eq!(shown("one\ntwo", 300, 0), "one 0.3 s");
            let long = Box::leak("…".repeat(1000).into_boxed_str());
            assert_eq!(shown(long, 300, 0), format!("{} 0.3 s", "…".repeat(MAX_TEXT + 1)));
        }

        #[test]
        fn what_has_only_begun_is_not_shown() {
            let since = Instant::now() + Duration::from_secs(100);
            let mut under_way = UnderWay {
                computations: BTreeMap::from([(1, Computation { text: "later", since })]),
                last: 1,
                has_thread: true,
                is_shown: false,
            };
            assert!(under_way.shown().is_none());
            assert_eq!(under_way.pause(), DELAY);
            under_way.computations.clear();
            assert!(under_way.shown().is_none());
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

        pub(super) const fn begin(&self, _: &'static str) {}

        #[inline]
        pub(super) const fn end(&self) {}
    }
}
