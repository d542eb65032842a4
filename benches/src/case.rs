//! The cases, in the order of the table, with the marks that memo is to reach.

/// One criterion group, one row of the table.
#[derive(Debug)]
pub struct Case {
    pub id: &'static str,
    pub title: &'static str,
    pub marks: &'static [Mark],
    pub group: Group,
    /// What the chart calls it. A case without a label is drawn only where memo loses.
    pub label: Option<&'static str>,
    /// Why a mark is not reached and what was tried, for the table to say when it is not.
    pub note: &'static str,
}

/// What a call mostly does, which is how the chart is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// It finds its result in memory.
    Hits,
    /// It finds it there, and copies or hashes megabytes.
    Large,
    /// It finds nothing.
    Misses,
    /// It asks a disk or a server.
    Stores,
}

/// How long memo may take at the most, as a multiple.
#[derive(Debug)]
pub struct Mark {
    pub at_most: f64,
    pub against: Against,
}

/// Whose time is multiplied.
#[derive(Clone, Copy, Debug)]
pub enum Against {
    /// The best peer.
    Peers,
    /// The best peer that also computes once for callers that come together.
    Sharing,
    /// This one.
    System(&'static str),
}

const fn of_peers(at_most: f64) -> Mark {
    Mark { at_most, against: Against::Peers }
}

const fn of(system: &'static str, at_most: f64) -> Mark {
    Mark { at_most, against: Against::System(system) }
}

const NONE: &[Mark] = &[];
const HIT: &[Mark] = &[of_peers(0.9)];
const HIT_2T: &[Mark] = &[of_peers(0.5)];
const RECORD: &[Mark] = &[of_peers(1.05)];
const CLONE: &[Mark] = &[of_peers(0.95)];
const CLONES: &[Mark] = &[of("clone", 1.02)];
const RECORD_2T: &[Mark] = &[of_peers(0.75)];
const OPTION: &[Mark] = &[of_peers(0.7)];
// 0.8 of BLAKE3's rate is 1.25 of its time.
const SLICE: &[Mark] = &[of_peers(0.7), of("blake3", 1.25)];
const COLUMN: &[Mark] = &[of("clone", 1.2)];
const RECORDS: &[Mark] = &[of("clone", 1.1)];
const SINGLETON: &[Mark] = &[of("once_lock", 1.3)];
const MISS: &[Mark] = &[Mark { at_most: 2.5, against: Against::Sharing }];
const DISK_HIT: &[Mark] = &[of("plain file + blake3", 1.5)];
const DISK_WRITE: &[Mark] = &[of("cached", 0.333)];
const REDIS_HIT: &[Mark] = &[of("cached", 0.9)];
const REDIS_MEMORY: &[Mark] = &[of("memo without a store", 1.1)];

const fn row(group: Group, id: &'static str, title: &'static str, marks: &'static [Mark]) -> Case {
    Case { id, title, marks, group, label: None, note: "" }
}

const fn hit(id: &'static str, title: &'static str, marks: &'static [Mark]) -> Case {
    row(Group::Hits, id, title, marks)
}

const fn large(id: &'static str, title: &'static str, marks: &'static [Mark]) -> Case {
    row(Group::Large, id, title, marks)
}

const fn miss(id: &'static str, title: &'static str, marks: &'static [Mark]) -> Case {
    row(Group::Misses, id, title, marks)
}

const fn stored(id: &'static str, title: &'static str, marks: &'static [Mark]) -> Case {
    row(Group::Stores, id, title, marks)
}

impl Case {
    const fn why(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }

    const fn drawn(mut self, label: &'static str) -> Self {
        self.label = Some(label);
        self
    }
}

const SCALAR: &str = "on one thread the best peers take a lock that nobody else wants, which is two \
    atomic instructions; what is left of a hit, hash, probe, comparison and copy, is about the same. \
    Tried: a reader of our own instead of bincode's (11 to 6 ns), no question for the barrier and for \
    the whole hash (to 5 ns, in 7 ns of a call that is not inlined), and nothing on the way of a hit that \
    is called (those 7 to 4 ns).";
const TEXT: &str = "what is left is the comparison of all bytes, which the peer makes as well. Tried: a hash \
    that sees samples of a long text, and all of it only where texts turn out to be alike there (740 to \
    250 ns at 16 KiB).";
const DECODE: &str =
    "a hit decodes, where a peer clones: each text is checked to be UTF-8 once more, and \
    each part goes through serde. Tried: a reader of our own for what bincode writes, which took a \
    fifth off. Leaving out the check would trust a `Deserialize` \
    of the user's with the safety of memory.";
const CLONED: &str =
    "a hit is a lookup and a clone, and the clone alone is nine tenths of what the fastest peer takes \
    on one thread. Tried: the value in the entry instead of in a box (6.3 to 4.6 ns where a clone is a \
    copy, nothing here); the hit counted before the clone, which is then made where the caller wants it \
    (82 to 88 ns: what was just stored in words is copied in pairs of them).";
const DIGEST: &str =
    "an argument of 8 MB is known by its BLAKE3 digest, which takes as long as BLAKE3 \
    takes. quick_cache keeps a copy of it instead, and compares with that.";
const IDENTITY: &str = "a miss names its call by a BLAKE3 digest (60 to 80 ns), is a flight that others \
    can wait for and that `clear` can fence, checks what it stores, and starts from an empty table; the \
    body here computes nothing. Tried: buffers kept between calls, a coarse clock, one allocation an \
    entry.";
const ARC: &str =
    "a hit finds the entry by its key and asks its type; the peer is one static without a \
    key that cannot be cleared. Tried: the type's id beside the pointer, instead of a call of the \
    trait object's (5.8 to 5.0 ns).";
const FOUND: &str = "a hit also asks whose the file is and how old, puts the result into memory, where the \
    next call finds it, and decodes it: of 10 MB that is two copies more than the plain read makes.";

const BEFORE: &str =
    "a hit also asks whether others have invalidated anything, and its entry expires as the one \
    on the server does: it reads the coarse clock.";
const ASYNC: &str =
    "an async call asks on a thread of memo's own, so that it needs no runtime: two changes of \
    threads, of 10 µs each or less.";

pub const CASES: &[Case] = &[
    hit("u64", "`u64`", HIT).why(SCALAR).drawn("u64"),
    hit("u64-2t", "`u64`, 2 threads", HIT_2T).why(SCALAR).drawn("2 threads"),
    hit("integers", "`(u64, u32)`", HIT).why(SCALAR),
    hit("integers-2t", "`(u64, u32)`, 2 threads", HIT_2T).why(SCALAR),
    hit("str-20", "`&str` of 20 B", HIT).why(TEXT).drawn("&str of 20 B"),
    hit("str-20-2t", "`&str` of 20 B, 2 threads", HIT_2T).why(TEXT).drawn("2 threads"),
    hit("str-256", "`&str` of 256 B", HIT).why(TEXT),
    hit("str-256-2t", "`&str` of 256 B, 2 threads", HIT_2T).why(TEXT),
    hit("str-1024", "`&str` of 1 KiB", HIT).why(TEXT),
    hit("str-1024-2t", "`&str` of 1 KiB, 2 threads", HIT_2T).why(TEXT),
    hit("str-4096", "`&str` of 4 KiB", HIT).why(TEXT),
    hit("str-4096-2t", "`&str` of 4 KiB, 2 threads", HIT_2T).why(TEXT),
    hit("str-16384", "`&str` of 16 KiB", HIT).why(TEXT),
    hit("str-16384-2t", "`&str` of 16 KiB, 2 threads", HIT_2T).why(TEXT),
    hit("str-65536", "`&str` of 64 KiB", HIT).why(TEXT),
    hit("str-65536-2t", "`&str` of 64 KiB, 2 threads", HIT_2T).why(TEXT),
    hit("string", "`&str` of 20 B → `String`", HIT).why(DECODE),
    hit("string-2t", "`&str` of 20 B → `String`, 2 threads", HIT_2T).why(DECODE),
    hit("query", "query struct", NONE).drawn("query struct"),
    hit("query-2t", "query struct, 2 threads", NONE).drawn("2 threads"),
    hit("record", "`u64` → record", RECORD).why(DECODE).drawn("u64 → record"),
    hit("record-2t", "`u64` → record, 2 threads", RECORD_2T).why(DECODE).drawn("2 threads"),
    hit("record-clone", "`u64` → record, `clone`", CLONE).why(CLONED).drawn("u64 → record, clone"),
    hit("record-clone-2t", "`u64` → record, `clone`, 2 threads", NONE),
    hit("u64-many", "`u64`, many keys", HIT).why(SCALAR),
    hit("u64-many-2t", "`u64`, many keys, 2 threads", HIT_2T).why(SCALAR),
    hit("str-many", "`&str` of 20 B, many keys", HIT).why(TEXT).drawn("&str, many keys"),
    hit("str-many-2t", "`&str` of 20 B, many keys, 2 threads", HIT_2T).why(TEXT),
    large("slice", "`&[u64]` of 1 M", SLICE).why(DIGEST).drawn("&[u64] of 8 MB"),
    large("slice-2t", "`&[u64]` of 1 M, 2 threads", NONE).drawn("2 threads"),
    large("records", "→ 10,000 records", RECORDS).why(DECODE).drawn("→ 10,000 records"),
    large("records-clone", "→ 10,000 records, `clone`", CLONES),
    large("column", "→ `Vec<f64>` of 1 M", COLUMN).drawn("→ Vec<f64> of 8 MB"),
    large("column-2t", "→ `Vec<f64>` of 1 M, 2 threads", NONE).drawn("2 threads"),
    large("columns", "→ struct of columns", NONE),
    large("columns-bulk", "→ struct of columns, `memo::bulk`", COLUMN)
        .why(DECODE)
        .drawn("→ columns, memo::bulk"),
    hit("ttl", "`u64` with `ttl`", OPTION).why(SCALAR).drawn("u64 with ttl"),
    hit("own-life", "`u64` with a `ttl` of its own", OPTION).why(SCALAR),
    hit("jitter", "`u64` with `ttl` and `jitter`", OPTION).why(SCALAR),
    hit("idle", "`u64` with `idle`", OPTION).why(SCALAR),
    hit("stale", "`u64` → `Result` with `stale_if_error`", OPTION).why(SCALAR),
    hit("share-err", "`u64` → `Result` with `share_err`", OPTION).why(SCALAR),
    hit("enabled", "`u64` with `enabled`", OPTION).why(SCALAR),
    hit("refresh", "`u64` with `refresh`", OPTION).why(SCALAR),
    hit("bounded", "`u64` with `max_entries`", OPTION).why(SCALAR),
    hit("bounded-many", "`u64` with `max_entries`, many keys", OPTION).why(SCALAR),
    hit("async", "`u64`, async", OPTION).drawn("u64, async"),
    miss("miss-u64", "cold miss, `u64`", MISS).why(IDENTITY).drawn("cold miss, u64"),
    miss("miss-u64-2t", "cold miss, `u64`, 2 threads", NONE).drawn("2 threads"),
    miss("miss-string", "cold miss, `&str` of 20 B → `String`", MISS)
        .why(IDENTITY)
        .drawn("cold miss, &str"),
    miss("churn", "miss and eviction, `u64`", NONE).drawn("miss and eviction"),
    miss("stampede", "64 threads, one cold key of some ms", NONE).drawn("64 threads, one key"),
    miss("fib", "recursion `fib(90)`, cold", NONE).drawn("recursion fib(90)"),
    hit("singleton", "singleton", SINGLETON).why(ARC),
    hit("singleton-str", "singleton of a `&str`", NONE),
    stored("disk-hit-64", "disk hit, 64 B", DISK_HIT).why(FOUND),
    stored("disk-hit-4k", "disk hit, 4 KiB", DISK_HIT).why(FOUND),
    stored("disk-hit-100k", "disk hit, 100 KB", DISK_HIT).why(FOUND),
    stored("disk-hit-10m", "disk hit, 10 MB", DISK_HIT).why(FOUND),
    stored("disk-write-64", "disk write, 64 B", DISK_WRITE),
    stored("disk-write-4k", "disk write, 4 KiB", DISK_WRITE),
    stored("disk-write-100k", "disk write, 100 KB", DISK_WRITE),
    stored("disk-write-10m", "disk write, 10 MB", DISK_WRITE),
    stored("redis-memory", "`u64` in memory, before Redis", REDIS_MEMORY).why(BEFORE),
    stored("redis-hit", "Redis hit, 1 KiB", REDIS_HIT),
    stored("redis-hit-async", "Redis hit, 1 KiB, async", REDIS_HIT).why(ASYNC),
    stored("redis-miss", "Redis miss, 1 KiB", NONE),
];

/// The case of this name.
///
/// # Panics
/// There is none: the list above lacks a row.
#[must_use]
pub fn case(id: &str) -> &'static Case {
    CASES.iter().find(|case| case.id == id).unwrap_or_else(|| panic!("there is no case `{id}`"))
}
