//! What the user's code is asked for once: a `ttl`, a bound of waits.
//!
//! Not inside a lock or a once-cell: what is asked may call the very function, or wait for a thread
//! that does. Those calls do without the answer, as there is none yet.

use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::platform::sync::thread::{self, ThreadId};
use crate::platform::sync::{Condvar, Mutex};

use crate::clock::Instant;
use crate::memory::bounded::Bounds;
#[cfg(unix)]
use crate::platform::process::{Side, Unlock};
use crate::platform::unwind::catch;

/// An answer, once it is there.
#[derive(Debug)]
pub(crate) struct Asked<T> {
    is_known: AtomicBool,
    /// Written by who has the [turn](Turn), before it is known.
    answer: [AtomicU64; 2],
    of: PhantomData<T>,
}

/// What an answer may be.
pub(crate) trait Answer: Copy {
    fn to_numbers(self) -> [u64; 2];
    fn from_numbers(numbers: [u64; 2]) -> Self;
}

impl Answer for u64 {
    fn to_numbers(self) -> [u64; 2] {
        [self, 0]
    }

    #[inline]
    fn from_numbers([number, _]: [u64; 2]) -> Self {
        number
    }
}

impl Answer for Option<u64> {
    fn to_numbers(self) -> [u64; 2] {
        [self.unwrap_or(0), u64::from(self.is_some())]
    }

    #[inline]
    fn from_numbers([number, is_some]: [u64; 2]) -> Self {
        (is_some == 1).then_some(number)
    }
}

impl Answer for Bounds {
    fn to_numbers(self) -> [u64; 2] {
        [self.entries as u64, self.bytes as u64]
    }

    #[inline]
    fn from_numbers([entries, bytes]: [u64; 2]) -> Self {
        Self { entries: entries as usize, bytes: bytes as usize }
    }
}

/// There is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It is being asked for, by this call or by one that this call may be part of.
    IsBeingAsked,
    Panicked,
}

/// Who asks for what, by its address.
static ASKING: Mutex<Vec<(usize, ThreadId)>> = Mutex::new(Vec::new());
static ANSWERED: Condvar = Condvar::new();

/// How long a call waits for an answer that another thread asks for: that one may wait for this call.
/// Nobody can see that, and to ask as well would only make another that waits.
const MAX_WAIT: Duration = Duration::from_millis(500);

impl<T: Answer> Asked<T> {
    pub(crate) const fn new() -> Self {
        let answer = [const { AtomicU64::new(0) }; 2];
        Self { is_known: AtomicBool::new(false), answer, of: PhantomData }
    }

    #[inline]
    pub(crate) fn known(&self) -> Option<T> {
        // Acquire pairs with the Release below: what is known is written.
        let is_known = self.is_known.load(Ordering::Acquire);
        is_known.then(|| {
            T::from_numbers([&self.answer[0], &self.answer[1]].map(|it| it.load(Ordering::Relaxed)))
        })
    }

    /// It is asked for again. Nobody asks for it now.
    pub(crate) fn forget(&self) {
        self.is_known.store(false, Ordering::Relaxed);
    }

    /// The answer; asked for, if there is none. Outside locks.
    ///
    /// # Errors
    /// There is none: it is asked for again the next time.
    pub(crate) fn get(&self, ask: impl FnOnce() -> T) -> Result<T, Unknown> {
        if let Some(answer) = self.known() {
            return Ok(answer);
        }
        let Some(_turn) = self.turn()? else { return self.known().ok_or(Unknown::IsBeingAsked) };
        let answer = catch(ask).ok_or(Unknown::Panicked)?;
        for (place, number) in self.answer.iter().zip(answer.to_numbers()) {
            place.store(number, Ordering::Relaxed);
        }
        self.is_known.store(true, Ordering::Release);
        Ok(answer)
    }

    /// The right to ask; none, if somebody else has just been answered.
    fn turn(&self) -> Result<Option<Turn>, Unknown> {
        let (address, this) = (std::ptr::from_ref(self).addr(), thread::current().id());
        let mut deadline = None;
        let mut asking = ASKING.lock();
        loop {
            if self.is_known.load(Ordering::Acquire) {
                return Ok(None);
            }
            match asking.iter().find(|(asked, _)| *asked == address) {
                None => break,
                Some((_, thread)) if *thread == this => return Err(Unknown::IsBeingAsked),
                Some(_) => {}
            }
            // Whoever is answered wakes all who wait for anything: the deadline stays.
            let now = Instant::now();
            let rest = deadline.get_or_insert(now + MAX_WAIT).saturating_duration_since(now);
            if rest.is_zero() {
                return Err(Unknown::IsBeingAsked);
            }
            asking = ANSWERED.wait_for(asking, rest).0;
        }
        asking.push((address, this));
        Ok(Some(Turn(address)))
    }
}

/// In a child of `fork`, what other threads asked for is asked for again.
#[cfg(unix)]
pub(crate) fn before_fork() -> Unlock {
    let mut asking = ASKING.lock();
    Box::new(move |side| {
        if side == Side::Child {
            let this = thread::current().id();
            asking.retain(|(_, thread)| *thread == this);
        }
    })
}

/// Ends the asking, though it panics.
struct Turn(usize);

impl Drop for Turn {
    fn drop(&mut self) {
        ASKING.lock().retain(|(asked, _)| *asked != self.0);
        ANSWERED.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn what_is_asked_may_ask_for_itself_on_its_thread_and_on_another() {
        static ASKED: Asked<u64> = Asked::new();
        let answer = ASKED.get(|| {
            let other = thread::spawn(|| ASKED.get(|| 2));
            assert_eq!(ASKED.get(|| 1), Err(Unknown::IsBeingAsked));
            assert_eq!(other.join().unwrap(), Err(Unknown::IsBeingAsked));
            3
        });
        assert_eq!((answer, ASKED.get(|| 4)), (Ok(3), Ok(3)));
    }

    #[test]
    fn a_wait_for_an_answer_ends_though_others_are_answered_all_the_time() {
        static ASKED: Asked<u64> = Asked::new();
        static PANICS: Asked<u64> = Asked::new();
        static IS_OVER: AtomicBool = AtomicBool::new(false);
        let others = thread::spawn(|| {
            while !IS_OVER.load(Ordering::Relaxed) {
                assert!(PANICS.get(|| std::panic::resume_unwind(Box::new(()))).is_err());
            }
        });
        // It waits for a thread that waits for it.
        let answer = ASKED.get(|| {
            let waits = thread::spawn(|| ASKED.get(|| 1));
            assert_eq!(waits.join().unwrap(), Err(Unknown::IsBeingAsked));
            2
        });
        IS_OVER.store(true, Ordering::Relaxed);
        others.join().unwrap();
        assert_eq!(answer, Ok(2));
    }

    #[test]
    fn a_panic_is_no_answer_and_the_next_call_asks_again() {
        static ASKED: Asked<u64> = Asked::new();
        assert_eq!(ASKED.get(|| std::panic::resume_unwind(Box::new(()))), Err(Unknown::Panicked));
        assert_eq!(ASKED.get(|| 1), Ok(1));
    }
}
