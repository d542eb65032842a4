//! Random call graphs, under calls and clears of many threads, against a model that computes everything.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;

const FUNCTIONS: usize = 100;
const THREADS: usize = 8;
const GRAPHS: u64 = 10;
const KEYS: u8 = 4;

/// What a result was computed from: of each function that it comes from the version of its source, and
/// zero for the others.
type Versions = Vec<u32>;

/// Which functions each calls: such as come after it.
struct Graph {
    calls: Vec<Vec<usize>>,
    /// What each function reads besides.
    sources: Vec<AtomicU32>,
}

static GRAPH: Mutex<Option<&'static Graph>> = Mutex::new(None);

fn graph() -> &'static Graph {
    GRAPH.lock().unwrap().expect("a graph is there while anything is called")
}

/// What each function does. It has the key as well, which all pass on.
fn body(function: usize, key: u8) -> Versions {
    let graph = graph();
    let mut versions = vec![0; FUNCTIONS];
    versions[function] = graph.sources[function].load(SeqCst);
    for called in &graph.calls[function] {
        let theirs = FUNCTION[*called].call(key);
        for (own, theirs) in versions.iter_mut().zip(theirs) {
            // Of two ways to a source the older version counts.
            *own = if *own == 0 || theirs == 0 { theirs.max(*own) } else { theirs.min(*own) };
        }
    }
    versions
}

struct Companions {
    call: fn(u8) -> Versions,
    clear: fn(),
    remove: fn(u8) -> bool,
    refresh: fn(u8) -> Versions,
    contains: fn(u8) -> bool,
    tag: &'static str,
}

impl Companions {
    fn call(&self, key: u8) -> Versions {
        (self.call)(key)
    }
}

macro_rules! functions {
    ($($name:ident = $number:literal),* $(,)?) => {
        $(
            #[memo(depends, tags(stringify!($name)))]
            fn $name(key: u8) -> Versions {
                body($number, key)
            }
        )*
        static FUNCTION: [Companions; FUNCTIONS] = [$(Companions {
            call: $name,
            clear: $name::clear,
            remove: $name::remove,
            refresh: $name::refresh,
            contains: $name::contains,
            tag: stringify!($name),
        }),*];
    };
}

functions! {
    n00 = 0, n01 = 1, n02 = 2, n03 = 3, n04 = 4, n05 = 5, n06 = 6, n07 = 7, n08 = 8, n09 = 9,
    n10 = 10, n11 = 11, n12 = 12, n13 = 13, n14 = 14, n15 = 15, n16 = 16, n17 = 17, n18 = 18, n19 = 19,
    n20 = 20, n21 = 21, n22 = 22, n23 = 23, n24 = 24, n25 = 25, n26 = 26, n27 = 27, n28 = 28, n29 = 29,
    n30 = 30, n31 = 31, n32 = 32, n33 = 33, n34 = 34, n35 = 35, n36 = 36, n37 = 37, n38 = 38, n39 = 39,
    n40 = 40, n41 = 41, n42 = 42, n43 = 43, n44 = 44, n45 = 45, n46 = 46, n47 = 47, n48 = 48, n49 = 49,
    n50 = 50, n51 = 51, n52 = 52, n53 = 53, n54 = 54, n55 = 55, n56 = 56, n57 = 57, n58 = 58, n59 = 59,
    n60 = 60, n61 = 61, n62 = 62, n63 = 63, n64 = 64, n65 = 65, n66 = 66, n67 = 67, n68 = 68, n69 = 69,
    n70 = 70, n71 = 71, n72 = 72, n73 = 73, n74 = 74, n75 = 75, n76 = 76, n77 = 77, n78 = 78, n79 = 79,
    n80 = 80, n81 = 81, n82 = 82, n83 = 83, n84 = 84, n85 = 85, n86 = 86, n87 = 87, n88 = 88, n89 = 89,
    n90 = 90, n91 = 91, n92 = 92, n93 = 93, n94 = 94, n95 = 95, n96 = 96, n97 = 97, n98 = 98, n99 = 99,
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

impl Graph {
    /// Each function calls up to three of the next twenty.
    fn random(random: &mut Random) -> Self {
        let calls = |function: usize| {
            let left = (FUNCTIONS - 1 - function).min(20);
            let count = if left == 0 { 0 } else { random.below(4) };
            (0..count).map(|_| function + 1 + random.below(left)).collect()
        };
        let calls = (0..FUNCTIONS).map(calls).collect();
        Self { calls, sources: (0..FUNCTIONS).map(|_| AtomicU32::new(1)).collect() }
    }

    /// Which functions compute from one, itself included.
    fn is_from(&self, of: usize) -> Vec<bool> {
        let mut from = vec![false; FUNCTIONS];
        from[of] = true;
        for function in (0..FUNCTIONS).rev() {
            from[function] |= self.calls[function].iter().any(|called| from[*called]);
        }
        from
    }

    /// What a function would return if everything was computed now.
    fn model(&self, function: usize) -> Versions {
        let reached = (0..FUNCTIONS).map(|of| self.is_from(of)[function]);
        reached
            .zip(&self.sources)
            .map(|(is_reached, source)| if is_reached { source.load(SeqCst) } else { 0 })
            .collect()
    }
}

impl Graph {
    /// Looks that each function returns what it would if everything was computed now.
    fn is_computed_anew(&self, seed: u64) {
        for (number, function) in FUNCTION.iter().enumerate() {
            assert_eq!(function.call(0), self.model(number), "seed {seed}: {number}");
        }
    }
}

/// Changes the source of a function and says so; from then on nobody may see it as it was.
fn change(graph: &Graph, published: &[AtomicU32], turns: &[Mutex<()>], random: &mut Random) {
    let function = random.below(FUNCTIONS);
    let _turn = turns[function].lock().unwrap();
    let version = graph.sources[function].fetch_add(1, SeqCst) + 1;
    let it = &FUNCTION[function];
    match random.below(4) {
        0 => (it.clear)(),
        1 => memo::clear_tag(it.tag),
        2 => {
            for key in 0..KEYS {
                (it.remove)(key);
            }
        }
        _ => {
            for key in 0..KEYS {
                (it.refresh)(key);
            }
        }
    }
    published[function].store(version, SeqCst);
}

fn run(seed: u64, time: Duration) {
    let mut random = Random(seed);
    let graph: &'static Graph = Box::leak(Box::new(Graph::random(&mut random)));
    *GRAPH.lock().unwrap() = Some(graph);
    FUNCTION.iter().for_each(|it| (it.clear)());
    let published: Vec<_> = (0..FUNCTIONS).map(|_| AtomicU32::new(1)).collect();
    let turns: Vec<_> = (0..FUNCTIONS).map(|_| Mutex::new(())).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for thread in 0..THREADS as u64 {
            let (published, turns, is_over) = (&published, &turns, &is_over);
            scope.spawn(move || {
                let mut random = Random(seed ^ (thread << 32));
                while !is_over.load(SeqCst) {
                    if random.below(20) == 0 {
                        change(graph, published, turns, &mut random);
                        continue;
                    }
                    let (function, key) = (random.below(FUNCTIONS), random.below(KEYS.into()) as u8);
                    let before: Vec<_> = published.iter().map(|it| it.load(SeqCst)).collect();
                    let versions = FUNCTION[function].call(key);
                    for (of, (version, before)) in versions.iter().zip(before).enumerate() {
                        assert!(
                            *version == 0 || *version >= before,
                            "seed {seed}: {function} has version {version} of {of}, where {before} was published"
                        );
                    }
                }
            });
        }
        let end = Instant::now() + time;
        while Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        is_over.store(true, SeqCst);
    });
    // All is quiet: everything is as if it was computed now, and what is not touched is there.
    graph.is_computed_anew(seed);
    for _ in 0..20 {
        let cleared = random.below(FUNCTIONS);
        graph.sources[cleared].fetch_add(1, SeqCst);
        (FUNCTION[cleared].clear)();
        for (function, is_from) in graph.is_from(cleared).into_iter().enumerate() {
            let is_there = (FUNCTION[function].contains)(0);
            assert_eq!(is_there, !is_from, "seed {seed}: {function} after a clear of {cleared}");
        }
        graph.is_computed_anew(seed);
    }
}

/// `MEMO_GRAPH_SECONDS` says for how long each of the graphs is called.
#[test]
fn ten_graphs_of_a_hundred_functions_are_never_stale_and_keep_what_is_not_touched() {
    static SECONDS: OnceLock<f64> = OnceLock::new();
    let seconds = SECONDS.get_or_init(|| {
        let asked = std::env::var("MEMO_GRAPH_SECONDS").ok();
        asked.map_or(0.3, |seconds| seconds.parse().expect("MEMO_GRAPH_SECONDS is a number"))
    });
    for seed in 1..=GRAPHS {
        run(seed, Duration::from_secs_f64(*seconds));
    }
}
