//! Arguments to key: one injective encoding, walked into four sinks.
//!
//! A call's arguments are walked by [`encoder::Encoder`], a serde serializer, into a sink: a fast
//! keyed [`hash`] to find with, a [comparison](equals) with a stored encoding to be sure, a
//! [buffer](encode) to store, a BLAKE3 [digest](digest_of) to name what is too long to store.
//! A hit walks twice and keeps nothing.

pub(crate) mod file;
pub(crate) mod depth;
pub(crate) mod encoder;
pub mod given;
pub(crate) mod numbers;
pub mod part;
pub(crate) mod plain;
pub(crate) mod shape;
pub(crate) mod sink;
pub(crate) mod sinks;
pub(crate) mod structure;
pub(crate) mod tag;
pub mod tags;
pub(crate) mod unordered;
pub(crate) mod unsaid;
#[cfg(memo_fuzz)]
pub(crate) mod fuzzed;

use std::any::TypeId;
use std::cell::Cell;

use sink::{unless_refused, Sink, Stop};
use sinks::{Compare, Hash, Keyed, Written};
use tags::{NoTags, Tags};

pub(crate) use sinks::Seed;

/// Encodings up to this many bytes are kept verbatim, longer ones as their digest.
///
/// Up to here a hit that compares is much faster than one that digests; beyond, the memory that a
/// digest saves is worth more than the time.
pub(crate) const VERBATIM: usize = 128 * 1024;

/// Pieces of an encoding from this many bytes on are hashed by samples of them.
///
/// What the hash finds is compared in full, so it need not see everything: of a long text the
/// comparison alone takes less than half of the time of both. Where long keys turn out to differ in
/// other places, a table goes over to [thorough](Hashes) hashes, and stays with them.
pub(crate) const SAMPLED: usize = 768;

/// Where a key may be in a table: by the hash of samples of it, or by the one that sees all of it.
/// They differ for keys of [`SAMPLED`] bytes and more alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hashes {
    pub(crate) quick: u64,
    pub(crate) thorough: u64,
}

impl Hashes {
    pub(crate) const fn same(hash: u64) -> Self {
        Self { quick: hash, thorough: hash }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) const fn of(self, thorough: bool) -> u64 {
        if thorough {
            self.thorough
        } else {
            self.quick
        }
    }
}

/// The bytes of a BLAKE3 digest.
pub(crate) const DIGEST: usize = 32;

/// The bytes that tell monomorphizations apart, with which the encodings of their calls begin.
pub(crate) const SCOPE: usize = 16;

/// The hashed arguments of a call: nested pairs, `(a, (b, ()))`, of parts.
pub trait Args {
    #[doc(hidden)]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop>;

    #[doc(hidden)]
    fn scope(&self) -> Option<Scope> {
        None
    }

    /// Whether to walk them runs no code of the user's.
    #[doc(hidden)]
    fn are_plain() -> bool;

    /// The tags of the call's results, if its function has any. This is the user's code.
    #[doc(hidden)]
    fn tags(&self) -> Result<Option<Tags>, NoTags> {
        Ok(None)
    }
}

/// Arguments of whatever type, to be written: all that takes no part in a hit is compiled for these
/// alone.
pub(crate) trait Arguments {
    fn write(&self, sink: &mut Written<'_>) -> Result<(), Stop>;
    fn scope_of(&self) -> Option<Scope>;
    fn tags_of(&self) -> Result<Option<Tags>, NoTags>;
}

impl<A: Args> Arguments for A {
    #[inline(never)]
    fn write(&self, sink: &mut Written<'_>) -> Result<(), Stop> {
        self.walk(sink)
    }

    fn scope_of(&self) -> Option<Scope> {
        self.scope()
    }

    fn tags_of(&self) -> Result<Option<Tags>, NoTags> {
        self.tags()
    }
}

impl Args for () {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn are_plain() -> bool {
        true
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<S: Sink>(&self, _: &mut S) -> Result<(), Stop> {
        Ok(())
    }
}

/// Which monomorphization is called.
///
/// A static in a generic function is one for all its instances. A closure inherits every generic
/// of the function around it, `impl Trait`, const and `Self` included, whether or not an argument
/// mentions it: its type tells the instances apart, its type's name spells them.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    id: TypeId,
    name: fn() -> &'static str,
    /// The path is part of it as well: see [`named`](Self::named).
    is_named: bool,
}

impl Scope {
    /// The scope of the function in which the closure is written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn of<F>(_: &F) -> Self {
        Self { id: typeid::of::<F>(), name: std::any::type_name::<F>, is_named: false }
    }

    /// The same, for keys that other builds of the program read: in one build a type's id is its
    /// own, but it counts `impl` blocks, and the next build may have another one of that number.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn named<F>(closure: &F) -> Self {
        Self { is_named: true, ..Self::of(closure) }
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    pub(crate) fn bytes(self) -> [u8; SCOPE] {
        let id = bytes_of_id(self.id);
        if !self.is_named {
            return id;
        }
        let path = u128::from(structure::hash_of_text(self.path()));
        (u128::from_ne_bytes(id) ^ path).to_ne_bytes()
    }

    /// Whether it is another one in every program: a closure is among its types, which may change
    /// without a change of its name.
    pub(crate) fn is_local(self) -> bool {
        has_closure_argument(self.path())
    }

    /// The closure's path, as the compiler spells it: `app::Rect::area::{{closure}}`.
    pub(crate) fn path(self) -> &'static str {
        (self.name)()
    }
}

/// Whether a closure is among a path's generic arguments; to be written in one is no matter.
fn has_closure_argument(path: &str) -> bool {
    let mut depth = 0_usize;
    path.char_indices().any(|(at, letter)| {
        let is_arrow = letter == '>' && path[..at].ends_with('-');
        depth += usize::from(letter == '<');
        depth -= usize::from(letter == '>' && !is_arrow && depth > 0);
        depth > 0 && path[at..].starts_with("{{closure}}")
    })
}

/// A type's id, to be compared as a whole: its own `Hash` gives away only half of it.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn bytes_of_id(id: TypeId) -> [u8; 16] {
    const { assert!(size_of::<TypeId>() == 16) };
    // SAFETY: a `TypeId` is 128 bits of hash without padding, in whatever fields the standard
    // library keeps them; all bits are initialized, and any bits are a byte array.
    unsafe { std::mem::transmute_copy(&id) }
}

impl<Rest: Args> Args for (Scope, Rest) {
    #[cfg_attr(not(debug_assertions), inline(always))]
    fn walk<S: Sink>(&self, sink: &mut S) -> Result<(), Stop> {
        sink.scope(self.0)?;
        self.1.walk(sink)
    }

    fn scope(&self) -> Option<Scope> {
        Some(self.0)
    }

    #[cfg_attr(not(debug_assertions), inline(always))]
    fn are_plain() -> bool {
        Rest::are_plain()
    }
}

/// What a walk into the hash sink found.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Hashed {
    /// The encoding is short enough to be kept: its hash, and how many bytes it has.
    Verbatim(u64, usize),
    /// It is not: only its digest is.
    Long,
}

/// # Errors
/// `Stop::Refused`: an argument's `Serialize` returned an error, or is nested too deep.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn hash<A: Args>(args: &A, seed: &Seed, thorough: bool) -> Result<Hashed, Stop> {
    let mut sink = Hash::new(seed, thorough);
    match args.walk(&mut sink) {
        Ok(()) if !sink.is_long() => Ok(Hashed::Verbatim(sink.finish(), sink.len())),
        Ok(()) | Err(Stop::Long) => Ok(Hashed::Long),
        // A `Serialize` that wraps the errors of another made `Refused` of it.
        Err(_) if sink.is_long() => Ok(Hashed::Long),
        Err(stop) => Err(stop),
    }
}

/// Whether the arguments encode to exactly these bytes.
#[cfg_attr(not(debug_assertions), inline(always))]
pub(crate) fn equals<A: Args>(args: &A, encoding: &[u8]) -> bool {
    let mut sink = Compare::new(encoding);
    args.walk(&mut sink).is_ok() && sink.is_at_end()
}

/// A key as it is stored.
///
/// All of it is from one walk, as an argument may say something else in another (a list that others
/// add to, say): so that it is never found where it is not, and is never longer than it is known
/// to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Encoded<'e> {
    /// At most [`VERBATIM`] bytes.
    Verbatim { bytes: &'e [u8], hashes: Hashes },
    Long {
        digest: [u8; DIGEST],
        /// Which monomorphization is called, which of the others only an encoding tells.
        scope: Option<[u8; SCOPE]>,
    },
}

impl Encoded<'_> {
    /// What names the call, wherever there is no place for all of it.
    pub(crate) fn digest(&self) -> [u8; DIGEST] {
        match *self {
            Self::Verbatim { bytes, .. } => blake3::hash(bytes).into(),
            Self::Long { digest, .. } => digest,
        }
    }
}

/// Encodes the arguments, for as long as `read` needs to read them.
///
/// # Errors
/// `Stop::Refused`, here and below.
pub(crate) fn encode<R>(
    args: &dyn Arguments,
    seed: &Seed,
    read: impl FnOnce(Encoded<'_>) -> R,
) -> Result<R, Stop> {
    thread_local! {
        // Kept between calls: a miss has allocations enough.
        static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    }
    // Taken, not borrowed: an argument's `Serialize` may call another memoized function.
    let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    scratch.clear();
    let mut sink = Written::Keyed(Keyed::new(seed, scratch));
    let walked = unless_refused(|| args.write(&mut sink));
    let Written::Keyed(sink) = sink else { unreachable!("it stays what it is") };
    if sink.is_long() || walked == Err(Stop::Long) {
        let digest = digest_of(args)?;
        let scope = args.scope_of().map(Scope::bytes);
        return Ok(read(Encoded::Long { digest, scope }));
    }
    let (hashes, bytes) = sink.finish();
    let read = walked.map(|()| read(Encoded::Verbatim { bytes: &bytes, hashes }));
    let _ = SCRATCH.try_with(|scratch| scratch.set(bytes));
    read
}

/// As many bytes as name a long key.
///
/// # Errors
/// As for [`encode`].
pub(crate) fn digest_of(args: &dyn Arguments) -> Result<[u8; DIGEST], Stop> {
    let mut sink = Written::Digest(Box::default());
    unless_refused(|| args.write(&mut sink))?;
    let Written::Digest(sink) = sink else { unreachable!("it stays what it is") };
    Ok(sink.finish())
}

/// The encoding of a value that this writes, behind nothing else.
///
/// # Errors
/// As for [`encode`].
pub(crate) fn encoding_of(
    expected_len: usize,
    write: &mut dyn FnMut(&mut Written<'_>) -> Result<(), Stop>,
) -> Result<Vec<u8>, Stop> {
    let mut sink = Written::Bytes(Vec::with_capacity(expected_len));
    unless_refused(|| write(&mut sink))?;
    Ok(sink.into_bytes())
}

/// Where a digest goes in the table: its bytes are as good as any hash.
pub(crate) fn hash_of_digest(digest: &[u8; DIGEST]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *digest;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

#[cfg(test)]
mod tests;
