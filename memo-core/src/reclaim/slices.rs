//! What can be freed and is much, freed in slices: by whoever comes by.
//!
//! A clear unlinks any number of entries at once, and its caller is not to wait until they are all
//! freed. What it has not freed is left here, where the next misses of whatever function free some each.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};

use super::garbage::PIECES;
use super::Retired;
#[cfg(unix)]
use crate::platform::process::Unlock;
use crate::platform::sync::{thread_local, Mutex};

/// What is left to be freed. What is held is passed over until it is not.
static LEFT: Mutex<VecDeque<Retired>> = Mutex::new(VecDeque::new());
static IS_LEFT: AtomicBool = AtomicBool::new(false);

/// How much is freed in one go, counted in pieces of memory of up to a page: each is less than a
/// microsecond.
#[derive(Debug)]
pub(crate) struct Quota(usize);

/// A tenth of a millisecond, give or take what the allocator and the processor's caches do.
const SLICE: usize = 1024;
const PAGE: usize = 4096;

impl Quota {
    pub(crate) const fn slice() -> Self {
        Self(SLICE)
    }

    pub(crate) const fn all() -> Self {
        Self(usize::MAX)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.0 == 0
    }

    /// Takes what it takes to free a piece of so many bytes.
    pub(crate) fn spend(&mut self, bytes: usize) {
        self.0 = self.0.saturating_sub(1 + bytes / PAGE);
    }
}

/// Frees what a collection handed out, as far as the quota goes, and leaves the rest to others. No lock
/// is held: it may be the user's code.
pub(crate) fn free(retired: Vec<Retired>, mut quota: Quota) {
    let mut left = VecDeque::new();
    for (number, piece) in retired.into_iter().enumerate() {
        // As many as make a collection are freed, however large they are: who expired them may be a hit,
        // which leaves nothing to others, as there need not be any.
        if quota.is_spent() && number >= PIECES {
            left.push_back(piece);
        } else {
            left.extend(piece.free(&mut quota));
        }
    }
    leave(left);
}

/// Frees some of what others left, if there is any. No lock is held.
pub(crate) fn free_some() {
    // Relaxed: whoever comes next will see it.
    if IS_LEFT.load(Ordering::Relaxed) {
        free_slice();
    }
}

/// Who clears one function frees so many slices of what it left: that is all of it where there were
/// some ten thousand entries, and below two milliseconds where there were more.
const SLICES_OF_A_CLEAR: usize = 16;

/// Frees what a clear left, or as much as its caller has time for. No lock is held.
pub(crate) fn free_more() {
    for _ in 0..SLICES_OF_A_CLEAR {
        free_some();
    }
}

thread_local! {
    // What ends may be the user's value, whose end is a call that comes by here.
    static IS_FREEING: Cell<bool> = const { Cell::new(false) };
}

#[cold]
fn free_slice() {
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            let _ = IS_FREEING.try_with(|is_freeing| is_freeing.set(false));
        }
    }
    if IS_FREEING.try_with(|is_freeing| is_freeing.replace(true)) != Ok(false) {
        return;
    }
    let _end = End;
    let (mut quota, mut left) = (Quota::slice(), VecDeque::new());
    while !quota.is_spent() {
        let Some(piece) = take() else { break };
        left.extend(piece.free(&mut quota));
    }
    leave(left);
    // glibc puts off what there is to do for small pieces until somebody asks for a large one, who would
    // wait until all of them are sorted: with each slice it is done for this one.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(PAGE)));
}

fn take() -> Option<Retired> {
    let mut left = LEFT.lock();
    let piece = left.pop_front();
    IS_LEFT.store(!left.is_empty(), Ordering::Relaxed);
    piece
}

/// Leaves these to whoever comes by.
pub(super) fn leave(pieces: VecDeque<Retired>) {
    if pieces.is_empty() {
        return;
    }
    let mut left = LEFT.lock();
    // What is begun is the first: it goes on there, and what is held comes last.
    for piece in pieces {
        match piece.may_be_held() {
            false => left.push_front(piece),
            true => left.push_back(piece),
        }
    }
    IS_LEFT.store(true, Ordering::Relaxed);
}

#[cfg(unix)]
pub(super) fn before_fork() -> Unlock {
    let left = LEFT.lock();
    Box::new(move |_| drop(left))
}
