//! A vector that never moves what is in it: it grows a chunk at a time, and is freed so.
//!
//! One that moves keeps its caller waiting for as long as it takes to copy all there is, and one that
//! ends at once for as long as the system takes to get its memory back.

use std::mem::{size_of, ManuallyDrop};
use std::ops::{Index, IndexMut};
use std::ptr::NonNull;

use crate::reclaim::{Garbage, Kind, Quota};

const CHUNK: usize = 1024;

#[derive(Debug)]
pub(crate) struct Chunks<T> {
    /// All are full but the last, and all have room for [`CHUNK`] but the first, which grows to that.
    chunks: Vec<Vec<T>>,
    len: usize,
}

impl<T: Copy> Chunks<T> {
    pub(crate) const fn new() -> Self {
        Self { chunks: Vec::new(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        self.chunks.get(index / CHUNK)?.get(index % CHUNK)
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.chunks.get_mut(index / CHUNK)?.get_mut(index % CHUNK)
    }

    pub(crate) fn push(&mut self, item: T) {
        let chunk = self.len / CHUNK;
        if chunk == self.chunks.len() {
            self.chunks.push(if chunk == 0 { Vec::new() } else { Vec::with_capacity(CHUNK) });
        }
        self.chunks[chunk].push(item);
        self.len += 1;
    }

    pub(crate) fn pop(&mut self) -> Option<T> {
        // One chunk is kept behind the last that is in use, so that one who comes and goes at its edge
        // does not allocate.
        let last = self.len.checked_sub(1)?;
        self.chunks.truncate(last / CHUNK + 2);
        self.len = last;
        self.chunks[last / CHUNK].pop()
    }

    /// Gives its memory up, to be freed in slices.
    pub(crate) fn retire(self, garbage: &mut Garbage) {
        for chunk in self.chunks {
            if chunk.capacity() == CHUNK {
                let chunk = NonNull::from(ManuallyDrop::new(chunk).as_mut_slice());
                // SAFETY: nobody else has it, and it is a chunk of this type.
                unsafe { garbage.retire(chunk.cast(), CHUNK * size_of::<T>(), Self::KIND) };
            }
        }
    }

    const KIND: &'static Kind = &Kind { free: free::<T>, rescue: None };
}

/// # Safety
/// `chunk` is what a vector of so many `T`s had, and nobody else has it.
unsafe fn free<T: Copy>(chunk: NonNull<u8>, quota: &mut Quota) -> bool {
    quota.spend(CHUNK * size_of::<T>());
    // SAFETY: as the caller says; what is in it does not end.
    drop(unsafe { Vec::<T>::from_raw_parts(chunk.cast().as_ptr(), 0, CHUNK) });
    true
}

impl<T> Index<usize> for Chunks<T> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.chunks[index / CHUNK][index % CHUNK]
    }
}

impl<T> IndexMut<usize> for Chunks<T> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.chunks[index / CHUNK][index % CHUNK]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_pushed_is_popped_in_the_reverse_order_over_the_edges_of_chunks() {
        let mut chunks = Chunks::new();
        for round in 0..3 {
            (0..2 * CHUNK + 1).for_each(|number| chunks.push(number + round));
            assert_eq!(chunks.len(), 2 * CHUNK + 1);
            assert_eq!((chunks[CHUNK], chunks.get(2 * CHUNK + 1)), (CHUNK + round, None));
            for number in (0..2 * CHUNK + 1).rev() {
                assert_eq!(chunks.pop(), Some(number + round));
            }
            assert_eq!(chunks.pop(), None);
        }
    }

    #[test]
    fn its_memory_is_freed_with_the_garbage() {
        let (mut chunks, mut garbage) = (Chunks::new(), Garbage::new());
        (0..3 * CHUNK).for_each(|number| chunks.push(number));
        chunks.retire(&mut garbage);
        crate::reclaim::tend();
        while !garbage.is_empty() {
            crate::reclaim::free(garbage.collect(), Quota::slice());
            std::thread::yield_now();
        }
    }
}
