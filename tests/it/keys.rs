//! Which calls are one, through the attribute. The encoding has its own tests, in memo-core.

use std::collections::{HashMap, HashSet};
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use memo::memo;
use serde::{Serialize, Serializer};

#[test]
fn joined_arguments_do_not_collide() {
    #[memo]
    fn join(a: &str, b: &str) -> String {
        format!("{a}|{b}")
    }
    assert_eq!(join("a|b", "c"), "a|b|c");
    assert_eq!(join("a", "b|c"), "a|b|c");
    assert_eq!(join::stats().misses, 2);
}

#[test]
fn a_parameter_with_an_underscore_is_left_out_whatever_it_is() {
    struct Unhashable<'a>(&'a AtomicUsize);

    #[memo]
    fn read(_from: &mut Unhashable, page: u32) -> u32 {
        _from.0.fetch_add(1, Relaxed);
        page * 10
    }
    let (one, two) = (AtomicUsize::new(0), AtomicUsize::new(0));
    assert_eq!(read(&mut Unhashable(&one), 3), 30);
    assert_eq!(read(&mut Unhashable(&two), 3), 30);
    assert_eq!((one.into_inner(), two.into_inner()), (1, 0));
}

#[test]
fn a_set_inside_a_struct_has_no_order() {
    #[derive(Serialize)]
    struct Query {
        tags: HashSet<&'static str>,
        limits: HashMap<&'static str, u32>,
    }
    #[memo]
    fn count(query: &Query) -> usize {
        query.tags.len() + query.limits.len()
    }
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let query = |names: &[&'static str]| Query {
        tags: names.iter().copied().collect(),
        limits: names.iter().map(|&name| (name, 1)).collect(),
    };
    assert_eq!(count(&query(&names)), 16);
    let reversed: Vec<_> = names.iter().rev().copied().collect();
    assert_eq!(count(&query(&reversed)), 16);
    assert_eq!(count::stats().hits, 1);
}

#[test]
fn a_hash_map_that_serialize_with_collects_through_an_adapter_hits() {
    fn as_texts<S: Serializer>(map: &HashMap<u32, u32>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(map.iter().map(|(key, value)| (key.to_string(), value)))
    }
    fn pairs<S: Serializer>(map: &HashMap<u32, u32>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(map)
    }
    #[derive(Serialize)]
    struct Limits {
        #[serde(serialize_with = "as_texts")]
        low: HashMap<u32, u32>,
        #[serde(serialize_with = "pairs")]
        high: HashMap<u32, u32>,
    }
    #[memo]
    fn sum(limits: &Limits) -> u32 {
        limits.low.values().chain(limits.high.values()).sum()
    }
    let map = |numbers: &mut dyn Iterator<Item = u32>| numbers.map(|n| (n, n)).collect();
    for _ in 0..20 {
        // Each map has hash keys of its own, and so an order of its own.
        let limits = Limits { low: map(&mut (0..50)), high: map(&mut (0..50).rev()) };
        assert_eq!(sum(&limits), 2450);
    }
    let stats = sum::stats();
    assert_eq!((stats.misses, stats.hits, stats.entries), (1, 19, 1));
}

#[test]
fn a_link_local_address_is_its_scope_too() {
    #[memo]
    fn interface(peer: SocketAddr) -> SocketAddr {
        peer
    }
    let peers = ["[fe80::1%1]:80", "[fe80::1%2]:80", "[fe80::1]:80", "1.2.3.4:80"];
    for peer in peers.iter().chain(&peers) {
        let peer = peer.parse().unwrap();
        assert_eq!(interface(peer), peer);
    }
    let stats = interface::stats();
    assert_eq!((stats.misses, stats.hits, stats.uncacheable), (4, 4, 0));
}

#[test]
fn an_argument_that_may_be_one_of_two_runs_uncached() {
    /// serde hands the address on as if it were this type's own.
    #[derive(Serialize)]
    #[serde(transparent)]
    struct Peer(SocketAddrV6);

    #[memo]
    fn scope(peer: &Peer) -> u32 {
        peer.0.scope_id()
    }
    for n in [1, 2, 1] {
        assert_eq!(scope(&Peer(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 0, n))), n);
    }
    let stats = scope::stats();
    assert_eq!((stats.hits, stats.uncacheable), (0, 3));
}

#[test]
fn one_element_of_a_million_makes_another_call() {
    #[memo]
    fn sum(numbers: &[u64]) -> u64 {
        numbers.iter().sum()
    }
    let mut numbers = vec![1; 1_000_000];
    assert_eq!(sum(&numbers), 1_000_000);
    for changed in [1, 499_999, 999_998] {
        numbers[changed] += 1;
        assert_eq!(sum(&numbers), numbers.iter().sum::<u64>());
    }
    assert_eq!(sum(&numbers), 1_000_003);
    let stats = sum::stats();
    assert_eq!((stats.misses, stats.hits), (4, 1));
    assert!(stats.bytes < 1000, "a long key is kept as its digest: {stats:?}");
}

#[test]
fn instances_of_a_generic_function_are_apart() {
    #[memo]
    fn size<T: Serialize>(_value: &T) -> usize {
        size_of::<T>()
    }
    #[memo]
    fn times<const N: u64>(x: u64) -> u64 {
        x * N
    }
    #[memo]
    fn width<T>() -> usize {
        size_of::<T>()
    }
    assert_eq!((size(&1_u8), size(&1_u64)), (1, 8));
    assert_eq!((times::<2>(1), times::<3>(1), times::<2>(1)), (2, 3, 2));
    assert_eq!((width::<u16>(), width::<u32>()), (2, 4));
    assert_eq!(times::stats().entries, 2);
}

#[test]
fn a_path_that_serde_refuses_runs_uncached() {
    #[memo]
    fn length(path: &Path) -> usize {
        path.as_os_str().len()
    }
    assert_eq!((length(Path::new("a/b")), length(Path::new("a/b"))), (3, 3));
    assert_eq!(length::stats().hits, 1);
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let odd = Path::new(std::ffi::OsStr::from_bytes(b"a\xFF"));
        assert_eq!((length(odd), length(odd)), (2, 2));
        let stats = length::stats();
        assert_eq!((stats.hits, stats.misses, stats.uncacheable, stats.entries), (1, 3, 2, 1));
        assert!(!length::contains(odd) && !length::remove(odd));
        assert_eq!(length::get(odd), None);
    }
}
