//! An entry to be: first its key, then its value, written where they will stay.

use std::alloc::{self};
use std::io;
use std::ptr::NonNull;

use super::times::{watch_at, Watch};
use super::{
    has_thorough_hash, layout, Entry, Ref, Resource, Times, DIGEST_KEY, EXPIRES, FLAGS, HEADER,
    MAX_VALUE, RESOURCE, TAGGED, WATCHED,
};
use crate::key::tags::Tags;
use crate::key::{self, Encoded, Hashes, DIGEST, SCOPE, VERBATIM};
use crate::memory::list::NOWHERE;
use crate::platform::sync::atomic::{AtomicU32, AtomicU8};

/// An entry being written: first the key, then the value behind it, in place.
#[derive(Debug)]
pub(crate) struct Builder {
    start: NonNull<u8>,
    len: usize,
    capacity: usize,
    hashes: Hashes,
    key_len: u32,
    tags: Option<Tags>,
}

// SAFETY: a `Builder` owns its bytes alone.
unsafe impl Send for Builder {}
// SAFETY: shared references only read.
unsafe impl Sync for Builder {}

impl Builder {
    /// An entry with this key, and room for `value` bytes behind it.
    pub(crate) fn of(key: &Encoded<'_>, value: usize) -> Self {
        match key {
            Encoded::Verbatim { bytes, hashes } => Self::new(bytes, false, *hashes, value),
            Encoded::Long { digest, scope } => Self::of_long(digest, scope.as_ref(), value),
        }
    }

    #[cold]
    fn of_long(digest: &[u8; DIGEST], scope: Option<&[u8; SCOPE]>, value: usize) -> Self {
        let hashes = Hashes::same(key::hash_of_digest(digest));
        let scope = scope.map_or(&[][..], |scope| scope);
        Self::new(&[digest, scope].concat(), true, hashes, value)
    }

    /// # Panics
    /// The key is longer than what is kept of a key: its length shares a word with flags.
    pub(crate) fn new(key: &[u8], is_digest: bool, hashes: Hashes, value: usize) -> Self {
        assert!(key.len() <= VERBATIM, "keys are digests above {VERBATIM} bytes");
        let capacity = HEADER + key.len() + value;
        let layout = layout(capacity);
        // SAFETY: the header alone makes the size positive.
        let start = unsafe { alloc::alloc(layout) };
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(layout) };
        let key_len = key.len() as u32;
        let key_len = if is_digest { key_len | DIGEST_KEY } else { key_len };
        let mut builder = Self { start, len: HEADER, capacity, hashes, key_len, tags: None };
        builder.push(key);
        builder
    }

    /// What it is tagged with.
    pub(crate) fn tags(&self) -> Option<&Tags> {
        self.tags.as_ref()
    }

    pub(crate) fn set_tags(&mut self, tags: Option<Tags>) {
        self.tags = tags;
    }

    fn value_start(&self) -> usize {
        HEADER + (self.key_len & !FLAGS) as usize
    }

    pub(crate) fn key(&self) -> &[u8] {
        // SAFETY: `new` wrote the key behind the header.
        unsafe {
            std::slice::from_raw_parts(self.start.as_ptr().add(HEADER), self.value_start() - HEADER)
        }
    }

    pub(crate) fn has_digest_key(&self) -> bool {
        self.key_len & DIGEST_KEY != 0
    }

    /// Where it will be in a table.
    pub(crate) fn hashes(&self) -> Hashes {
        self.hashes
    }

    pub(crate) fn value(&self) -> &[u8] {
        // SAFETY: the bytes from there to `len` are written.
        unsafe {
            std::slice::from_raw_parts(
                self.start.as_ptr().add(self.value_start()),
                self.len - self.value_start(),
            )
        }
    }

    pub(crate) fn value_mut(&mut self) -> &mut [u8] {
        let start = self.value_start();
        // SAFETY: as in `value`; a builder's bytes are nobody else's.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().add(start), self.len - start) }
    }

    /// Forgets what was written behind the key.
    pub(crate) fn reset_value(&mut self) {
        self.len = self.value_start();
    }

    #[inline]
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.capacity - self.len < bytes.len() {
            self.grow(bytes.len());
        }
        // SAFETY: there is room for `bytes` behind `len`, and a builder's allocation is nobody
        // else's, so the two do not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(
                bytes.as_ptr(),
                self.start.as_ptr().add(self.len),
                bytes.len(),
            );
        }
        self.len += bytes.len();
    }

    /// Room for so many bytes, which are counted as written.
    pub(super) fn reserve(&mut self, bytes: usize) -> *mut u8 {
        if self.capacity - self.len < bytes {
            self.grow(bytes);
        }
        // SAFETY: there is room for `bytes` from `len` on.
        let place = unsafe { self.start.as_ptr().add(self.len) };
        self.len += bytes;
        place
    }

    #[cold]
    fn grow(&mut self, by: usize) {
        let wanted = self.len.checked_add(by).expect("an entry is smaller than the address space");
        self.resize(wanted.max(self.capacity * 2));
    }

    fn resize(&mut self, capacity: usize) {
        let old = layout(self.capacity);
        let new = layout(capacity);
        // SAFETY: allocated with `old`; `new` is not empty, as it holds the header.
        let start = unsafe { alloc::realloc(self.start.as_ptr(), old, capacity) };
        let Some(start) = NonNull::new(start) else { alloc::handle_alloc_error(new) };
        self.start = start;
        self.capacity = capacity;
    }

    /// The entry, which says this of time.
    #[inline]
    pub(crate) fn finish(self, codec: u8, times: impl Into<Times>) -> Ref {
        self.finished(codec, times.into())
    }

    #[inline(never)]
    fn finished(mut self, codec: u8, times: Times) -> Ref {
        let value_len = (self.len - self.value_start()) as u64;
        assert!(value_len <= MAX_VALUE, "a value's length has 40 bits");
        let has_thorough_hash = has_thorough_hash(self.key_len);
        let mut watch = None;
        if let Times::Until(expiry) = times {
            self.key_len |= EXPIRES;
            self.push(&expiry.nanos().to_ne_bytes());
            self.push(&NOWHERE.to_ne_bytes());
        } else if let Some(watched) = Watch::of(times) {
            self.key_len |= WATCHED;
            let at = watch_at(self.len);
            self.reserve(at - self.len + size_of::<Watch>());
            watch = Some((at, watched));
        }
        if has_thorough_hash {
            self.push(&self.hashes.thorough.to_ne_bytes());
        }
        let state = if self.push_tags() { TAGGED } else { 0 };
        // Exactly what is used: the layout is recomputed from that when the entry is freed.
        if self.capacity != self.len {
            self.resize(self.len);
        }
        let entry = Entry {
            refs: AtomicU32::new(1),
            queued: AtomicU32::new(NOWHERE),
            key_len: self.key_len,
            hash: [self.hashes.quick as u32, (self.hashes.quick >> 32) as u32],
            value_len_low: value_len as u32,
            kind: (value_len >> 32 << 8) as u16 | u16::from(codec),
            state: AtomicU8::new(state),
            marks: AtomicU8::new(0),
        };
        let pointer = self.start.cast::<Entry>();
        // SAFETY: `ALIGN` is enough for a header, and there is room for it at the start.
        unsafe { pointer.write(entry) };
        if let Some((at, watch)) = watch {
            // SAFETY: there is room for it from there on, which is aligned for it, as the start is.
            unsafe { self.start.add(at).cast::<Watch>().write(watch) };
        }
        drop(self.tags.take());
        std::mem::forget(self);
        Ref(pointer)
    }

    /// An entry that owns a resource instead of bytes.
    pub(crate) fn finish_resource(
        mut self,
        resource: Box<Resource>,
        times: impl Into<Times>,
    ) -> Ref {
        self.reset_value();
        let id = key::bytes_of_id((*resource).type_id());
        let place = Box::into_raw(resource);
        let pointer = std::ptr::from_ref(&place).cast::<[u8; size_of::<*mut Resource>()]>();
        // SAFETY: a fat pointer is two words without padding; copying its bytes keeps its
        // provenance where they are read back as the same pointer type.
        self.push(unsafe { &*pointer });
        self.push(&id);
        self.finished(RESOURCE, times.into())
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout, and owned alone.
        unsafe { alloc::dealloc(self.start.as_ptr(), layout(self.capacity)) };
    }
}

impl io::Write for Builder {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push(bytes);
        Ok(bytes.len())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.push(bytes);
        Ok(())
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
