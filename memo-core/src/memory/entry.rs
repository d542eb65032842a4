//! A stored result: one allocation that holds the key, the value, and who still needs them.

mod builder;
mod owned;
mod tags;
mod times;
mod queued;

use std::alloc::{self, Layout};
use std::any::{Any, TypeId};
use std::mem::size_of;
use std::ptr::NonNull;

use crate::clock::Tick;
use crate::function::session;
use crate::key::{self, Hashes, DIGEST, SAMPLED, SCOPE, VERBATIM};
use crate::memory::list::Place;
use crate::platform::sync::atomic::{AtomicU32, AtomicU8, Ordering};
use crate::platform::unwind::catch;

pub(crate) use builder::Builder;
pub(crate) use owned::owned_len;
pub(crate) use queued::{born, born_at};
pub(crate) use times::Times;

/// Alignment of entries: the table keeps four bits of hash in the low bits of their addresses.
pub(crate) const ALIGN: usize = 16;

/// What an entry may own instead of a value's bytes.
pub(crate) type Resource = dyn Any + Send + Sync;

/// The codec of an entry whose value is the pointer of a `Box<Resource>`, and the resource's type.
const RESOURCE: u8 = u8::MAX;
/// The bytes of such a value.
pub(crate) const RESOURCE_LEN: usize = size_of::<*mut Resource>() + 16;

/// What precedes the key's bytes, which the value's bytes follow, and then, where the key's length
/// says so, what there is about time and the thorough hash, and what it is tagged with.
///
/// Of a key of 17 bytes and a value of 8 the allocator's step of 64 bytes holds all, with four to spare.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry {
    refs: AtomicU32,
    /// Where it is queued for eviction, which is its cache's affair, under its lock; before that, and
    /// where there are no queues, [when it was stored](born).
    pub(crate) queued: AtomicU32,
    /// Two flags in the top bits.
    key_len: u32,
    /// The quick one, in halves, as a whole one would be aligned.
    hash: [u32; 2],
    value_len_low: u32,
    /// The codec, above it the top bits of the value's length: a short value is known by one
    /// comparison.
    kind: u16,
    /// [`REFRESHED`] and [`TAGGED`]: what no hit looks at that finds what it wants.
    state: AtomicU8,
    /// Left by hits, for the eviction's notice.
    marks: AtomicU8,
}

const HEADER: usize = size_of::<Entry>();
const EXPIRY: usize = size_of::<Tick>() + size_of::<Place>();
/// Set in `key_len` when the key is a digest instead of an encoding, and what tells monomorphizations
/// apart.
const DIGEST_KEY: u32 = 1 << 31;
/// Set in `key_len` when a [`Tick`] follows the value, and a seat.
const EXPIRES: u32 = 1 << 30;
/// Set in `key_len` when a [`Watch`](times::Watch) does instead.
const WATCHED: u32 = 1 << 29;
/// With one of them it is to be asked whether it is served.
const TIMES: u32 = EXPIRES | WATCHED;
const FLAGS: u32 = DIGEST_KEY | TIMES;
/// The maximum length of a value in bytes, as its bits in the header allow.
pub(crate) const MAX_VALUE: u64 = (1 << 40) - 1;
/// No key's length reaches the flags.
const _: () = assert!(VERBATIM < WATCHED as usize && DIGEST + SCOPE <= VERBATIM);
/// Set in `state` once somebody saw to it that a fresher one comes.
const REFRESHED: u8 = 1;
/// Set in `state` from the start when tags are behind all else.
const TAGGED: u8 = 2;
/// More marks than that say no more.
const MARKS: u8 = 3;

impl Entry {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn has_digest_key(&self) -> bool {
        self.key_len & DIGEST_KEY != 0
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn key_len(&self) -> usize {
        (self.key_len & !FLAGS) as usize
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn value_len(&self) -> usize {
        (u64::from(self.kind >> 8) << 32 | u64::from(self.value_len_low)) as usize
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn codec(&self) -> u8 {
        self.kind as u8
    }

    /// Stored bytes, key included.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn bytes(&self) -> usize {
        self.key_len() + self.value_len()
    }

    /// A hit was here.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn mark(&self) {
        // Relaxed, and not one step: a mark that two hits leave at once counts for one, and a hot
        // entry is soon only read.
        let marks = self.marks.load(Ordering::Relaxed);
        if marks < MARKS {
            self.marks.store(marks + 1, Ordering::Relaxed);
        }
    }

    /// Whether the caller is the first who wants it refreshed.
    pub(crate) fn is_to_be_refreshed(&self) -> bool {
        // Relaxed: only who comes first matters. The load spares later ones the write.
        self.state.load(Ordering::Relaxed) & REFRESHED == 0
            && self.state.fetch_or(REFRESHED, Ordering::Relaxed) & REFRESHED == 0
    }

    /// What was to replace it has not come: the next who wants it refreshed is the first again.
    pub(crate) fn refresh_again(&self) {
        // Relaxed: as above.
        self.state.fetch_and(!REFRESHED, Ordering::Relaxed);
    }

    fn expires(&self) -> bool {
        self.key_len & EXPIRES != 0
    }

    fn is_watched(&self) -> bool {
        self.key_len & WATCHED != 0
    }

    fn quick_hash(&self) -> u64 {
        u64::from(self.hash[1]) << 32 | u64::from(self.hash[0])
    }

    /// Whether the thorough hash is another than the quick one, and stored.
    fn has_thorough_hash(&self) -> bool {
        has_thorough_hash(self.key_len & !TIMES)
    }

    /// Where all but its tags ends.
    fn end_of_hash(&self) -> usize {
        let hash = if self.has_thorough_hash() { size_of::<u64>() } else { 0 };
        self.end_of_times() + hash
    }
}

fn has_thorough_hash(key_len: u32) -> bool {
    key_len & DIGEST_KEY == 0 && key_len as usize >= SAMPLED
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, ALIGN).expect("an entry is smaller than the address space")
}

/// The entry that a pointer made by [`Builder::finish`] points at, with its bytes.
///
/// A plain reference to `Entry` covers the header alone; this keeps the pointer to all of it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub(crate) entry: &'a Entry,
    start: NonNull<u8>,
}

impl<'a> View<'a> {
    /// # Safety
    /// `entry` comes from a live `Ref` (or the table's) that stays live for `'a`.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) unsafe fn new(entry: NonNull<Entry>) -> Self {
        // SAFETY: live for `'a`, says the caller; a header is never written after it is shared,
        // its counter aside.
        let header = unsafe { entry.as_ref() };
        Self { entry: header, start: entry.cast() }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn pointer(self) -> NonNull<Entry> {
        self.start.cast()
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn key(self) -> &'a [u8] {
        // SAFETY: the allocation holds `key_len` initialized bytes behind the header, and outlives
        // `'a` (see `new`).
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(HEADER), self.entry.key_len()) }
    }

    /// The digest that is its key.
    pub(crate) fn digest(self) -> Option<&'a [u8; DIGEST]> {
        if self.entry.has_digest_key() {
            self.key().first_chunk()
        } else {
            None
        }
    }

    /// Which monomorphization's it is, of a function that has several: its encoding begins with that,
    /// and behind a digest it stands alone.
    pub(crate) fn scope(self) -> Option<&'a [u8; SCOPE]> {
        if self.entry.has_digest_key() {
            self.key().last_chunk()
        } else {
            self.key().first_chunk()
        }
    }

    /// The identity of its call.
    pub(crate) fn digest_of_key(self) -> [u8; DIGEST] {
        self.digest().copied().unwrap_or_else(|| blake3::hash(self.key()).into())
    }

    /// The key, if it is an encoding of so many bytes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn encoding_of(self, len: usize) -> Option<&'a [u8]> {
        self.key_if(self.entry.key_len & !TIMES, len)
    }

    /// As [`encoding_of`](Self::encoding_of), of an entry that does not expire.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn lasting_encoding_of(self, len: usize) -> Option<&'a [u8]> {
        self.key_if(self.entry.key_len, len)
    }

    /// The key by its length and the flags that are left in it: with one of them it is none.
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn key_if(self, flagged_len: u32, len: usize) -> Option<&'a [u8]> {
        if flagged_len as usize != len || len > VERBATIM {
            return None;
        }
        // SAFETY: no flag is as small as the limit, so `len` is the key's length; the allocation
        // holds that many initialized bytes behind the header, and outlives `'a` (see `new`).
        // (Made of the length that is known, it spares a hit on a number five comparisons.)
        Some(unsafe { std::slice::from_raw_parts(self.start.as_ptr().add(HEADER), len) })
    }

    /// The value's bytes, if there are less than 2³² of them and they are of this codec.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn value_of(self, codec: u8) -> Option<&'a [u8]> {
        if self.entry.kind != u16::from(codec) {
            return None;
        }
        // SAFETY: as for the key, with the value behind it; the top bits of its length are zero.
        Some(unsafe {
            std::slice::from_raw_parts(
                self.start.as_ptr().add(HEADER + self.entry.key_len()),
                self.entry.value_len_low as usize,
            )
        })
    }

    /// The value's bytes.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn value(self) -> &'a [u8] {
        // SAFETY: as for the key, with the `value_len` bytes behind it.
        unsafe {
            std::slice::from_raw_parts(
                self.start.as_ptr().add(HEADER + self.entry.key_len()),
                self.entry.value_len(),
            )
        }
    }

    /// The resource of an entry made by [`Builder::finish_resource`], if it is of this type.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn resource<T: Any>(self) -> Option<&'a T> {
        let (pointer, id) = self.resource_pointer()?;
        if id != key::bytes_of_id(TypeId::of::<T>()) {
            return None;
        }
        // SAFETY: the pointer is that of a `Box<T>`, as the id beside it says; the box lives as
        // long as the entry, and is only read while that is shared. (Asking the box for its type
        // would be a call through its table: 0.8 of a hit's 5.8 ns.)
        Some(unsafe { &*pointer.cast::<T>() })
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn resource_pointer(self) -> Option<(*mut Resource, [u8; 16])> {
        if self.entry.codec() != RESOURCE {
            return None;
        }
        let place = self.value().as_ptr();
        // SAFETY: the codec says that these bytes are such a pointer, and behind it a type's id.
        Some(unsafe {
            let id = place.add(size_of::<*mut Resource>()).cast::<[u8; 16]>();
            (place.cast::<*mut Resource>().read_unaligned(), id.read())
        })
    }

    /// Where it may be in a table.
    #[inline]
    pub(crate) fn hashes(self) -> Hashes {
        let quick = self.entry.quick_hash();
        if !self.entry.has_thorough_hash() {
            return Hashes::same(quick);
        }
        // SAFETY: the length says that the hash is stored, at the end.
        let thorough = unsafe { self.word_at(self.entry.end_of_times()) };
        Hashes { quick, thorough }
    }

    /// # Safety
    /// `Builder::finish` wrote a word there.
    #[cfg_attr(not(debug_assertions), inline(always))]
    unsafe fn word_at(self, offset: usize) -> u64 {
        // SAFETY: as the caller says; bytes have no alignment.
        u64::from_ne_bytes(unsafe {
            self.start.add(offset).cast::<[u8; size_of::<u64>()]>().read()
        })
    }

    /// One more owner.
    #[inline]
    pub(crate) fn share(self) -> Ref {
        // Relaxed: the new reference is made from one that is alive, as in `Arc::clone`.
        let before = self.entry.refs.fetch_add(1, Ordering::Relaxed);
        assert!(before < u32::MAX / 2, "too many references to one entry");
        Ref(self.start.cast())
    }
}

/// One owner of an entry.
#[derive(Debug)]
pub(crate) struct Ref(NonNull<Entry>);

// SAFETY: an entry is immutable bytes, or a `Send + Sync` resource or value, behind an atomic counter.
unsafe impl Send for Ref {}
// SAFETY: as above.
unsafe impl Sync for Ref {}

impl Ref {
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn view(&self) -> View<'_> {
        // SAFETY: `self` is an owner for as long as the view borrows it.
        unsafe { View::new(self.0) }
    }

    pub(crate) fn pointer(&self) -> NonNull<Entry> {
        self.0
    }

    /// Hands the ownership over to a pointer.
    pub(crate) fn into_raw(self) -> NonNull<Entry> {
        let pointer = self.0;
        std::mem::forget(self);
        pointer
    }

    /// # Safety
    /// `pointer` comes from `into_raw`, and its ownership is given up.
    pub(crate) unsafe fn from_raw(pointer: NonNull<Entry>) -> Self {
        Self(pointer)
    }
}

impl Drop for Ref {
    fn drop(&mut self) {
        let view = self.view();
        // Release: what this owner read happens before the entry is freed by the last one, whose
        // Acquire pairs with it.
        if view.entry.refs.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // A load where a fence would do: it costs no more, and ThreadSanitizer sees it.
        view.entry.refs.load(Ordering::Acquire);
        let layout = layout(view.end_of_entry());
        let resource = view.resource_pointer();
        // SAFETY: that was the last owner, so nobody can reach the entry any more.
        unsafe { owned::drop_owned(self.0) };
        // SAFETY: as above; `layout` is what `Builder::finish` left it with.
        unsafe { alloc::dealloc(self.0.as_ptr().cast(), layout) };
        if let Some((resource, _)) = resource {
            // SAFETY: the pointer came from `Box::into_raw` in `finish_resource`, and the entry
            // was its only owner.
            let resource = unsafe { Box::from_raw(resource) };
            // The user's drop; its panic must not keep others from theirs.
            let _nowhere = session::nowhere();
            let _ = catch(|| drop(resource));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::clock::Tick;

    use super::*;

    #[test]
    fn an_entry_is_its_key_and_its_value_and_counts_both() {
        let mut builder = Builder::new(b"key", false, Hashes::same(7), 1);
        builder.push(b"a longer value than foreseen");
        let entry = builder.finish(3, None);
        let view = entry.view();
        assert_eq!(view.key(), b"key");
        assert_eq!(view.value(), b"a longer value than foreseen");
        assert_eq!((view.hashes(), view.entry.codec()), (Hashes::same(7), 3));
        assert_eq!(view.entry.bytes(), 3 + 28);
        assert!(view.resource::<()>().is_none());
    }

    #[test]
    fn a_long_key_has_two_hashes_behind_whatever_precedes_them() {
        for expiry in [None, Some(Tick::from_nanos(9))] {
            let hashes = Hashes { quick: 1, thorough: 2 };
            let mut builder = Builder::new(&[7; SAMPLED], false, hashes, 0);
            builder.push(b"value");
            let entry = builder.finish(3, expiry);
            assert_eq!((entry.view().hashes(), entry.view().expiry()), (hashes, expiry));
            assert_eq!(entry.view().value(), b"value");
        }
    }

    #[test]
    fn the_last_owner_drops_the_resource() {
        let probe = Arc::new(());
        let entry = Builder::new(b"", true, Hashes::same(0), 16)
            .finish_resource(Box::new(probe.clone()), None);
        let other = entry.view().share();
        drop(entry);
        let resource = other.view().resource::<Arc<()>>().unwrap();
        assert!(Arc::ptr_eq(resource, &probe));
        drop(other);
        assert_eq!(Arc::strong_count(&probe), 1);
    }
}
