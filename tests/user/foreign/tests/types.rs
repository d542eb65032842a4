//! Two values that are not equal are two keys; a result comes back equal, or is not stored.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::fmt::Debug;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::num::{NonZero, Saturating, Wrapping};
use std::ops::Bound;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use memo::memo;
use serde::de::DeserializeOwned;
use serde::Serialize;

/// Whether a result is stored: it comes back as itself, then.
#[track_caller]
fn is_stored<T: Debug + DeserializeOwned + PartialEq + Serialize>(make: impl Fn() -> T) -> bool {
    #[memo]
    fn result<T: DeserializeOwned + Serialize>(id: usize, _make: &dyn Fn() -> T) -> T {
        let _ = id;
        _make()
    }
    static IDS: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let id = IDS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let value = make();
    assert_eq!(result(id, &make), value);
    assert_eq!(result(id, &make), value);
    result::get::<T>(id).is_some()
}

/// The values, each of which is another key, and a result that comes back.
#[track_caller]
fn check<T: Clone + Debug + DeserializeOwned + PartialEq + Serialize>(values: &[T]) {
    #[memo]
    fn index_of<T: Serialize>(value: &T, _index: usize) -> usize {
        let _ = value;
        _index
    }
    for _ in 0..2 {
        for (index, value) in values.iter().enumerate() {
            assert_eq!(index_of(value, index), index, "{value:?}");
        }
    }
    for value in values {
        assert!(is_stored(|| value.clone()), "{value:?}");
    }
}

#[test]
fn addresses_are_told_apart_and_come_back() {
    let socket = |flow, scope| SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, flow, scope);
    check(&[socket(0, 0), socket(0, 1), socket(0, 2), socket(1, 0), socket(1, 1)]);
    check(
        &["fe80::1%1", "fe80::1%2"].map(|ip| format!("[{ip}]:80").parse::<SocketAddr>().unwrap()),
    );
    check(&["1.2.3.4:5", "[::1]:5"].map(|addr| addr.parse::<SocketAddr>().unwrap()));
    check(&["1.2.3.4", "::1.2.3.4"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    check(&["10.0.0.0/8", "10.0.0.0/16", "::/0"].map(|net| net.parse::<ipnet::IpNet>().unwrap()));
    check(&["http://a.b/c?d#e", "http://a.b/c?d"].map(|url| url.parse::<url::Url>().unwrap()));
}

#[test]
fn ranges_are_told_apart_though_one_was_iterated() {
    check(&[1..5, 1..6]);
    check(&[1..=5, 1..=6, 5..=5]);
    check(&[Bound::Included(1), Bound::Excluded(1), Bound::Unbounded]);
    let mut ended = 5..=5;
    ended.next();
    // It is told from one that was not iterated, and not stored, as nothing could make it again.
    assert!(!is_stored(|| ended.clone()));
}

#[test]
fn wrapped_numbers_are_told_apart_and_come_back() {
    use ordered_float::OrderedFloat;
    check(&[Wrapping(1_u8), Wrapping(2)]);
    check(&[Saturating(1_i64), Saturating(2)]);
    check(&[NonZero::new(1_u8).unwrap(), NonZero::new(255).unwrap()]);
    check(&[OrderedFloat(0.5), OrderedFloat(1.5), OrderedFloat(f64::INFINITY)]);
    check(
        &["1.0", "1.1", "-0.00000001"].map(|text| text.parse::<rust_decimal::Decimal>().unwrap()),
    );
    check(&[std::cmp::Reverse(1), std::cmp::Reverse(2)]);
    check(&[uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(1 << 127)]);
}

#[test]
fn moments_and_spans_are_told_apart_and_come_back() {
    use chrono::{DateTime, FixedOffset, NaiveDate, TimeDelta, Utc};
    let epoch = SystemTime::UNIX_EPOCH;
    check(&[Duration::ZERO, Duration::from_nanos(1), Duration::MAX]);
    check(&[epoch, epoch + Duration::from_nanos(1)]);
    let day = |day| NaiveDate::from_ymd_opt(2024, 2, day).unwrap();
    check(&[day(1), day(29)]);
    let leap = day(1).and_hms_nano_opt(23, 59, 59, 1_999_999_999).unwrap();
    check(&[leap, day(2).and_hms_nano_opt(0, 0, 0, 999_999_999).unwrap()]);
    check(&[leap.and_utc(), DateTime::<Utc>::from_timestamp(1, 5).unwrap()]);
    let at = |minutes: i32| {
        let zone = FixedOffset::east_opt(minutes * 60).unwrap();
        leap.and_utc().with_timezone(&zone)
    };
    check(&[at(0), at(90), at(-90)]);
    check(&[TimeDelta::nanoseconds(1), TimeDelta::nanoseconds(-1)]);
    let date = |unix| time::OffsetDateTime::from_unix_timestamp(unix).unwrap();
    let offset = |seconds| time::UtcOffset::from_whole_seconds(seconds).unwrap();
    check(&[date(0), date(1), date(1).to_offset(offset(1)), date(1).to_offset(offset(3661))]);
    check(&[time::Duration::new(1, 5), time::Duration::new(-1, -5)]);
}

#[test]
fn collections_are_told_apart_and_come_back() {
    use indexmap::{IndexMap, IndexSet};
    check(&[IndexMap::from([(1, 2), (3, 4)]), IndexMap::from([(1, 2), (3, 5)])]);
    check(&[IndexSet::from([1, 2]), IndexSet::from([1])]);
    check(&[HashMap::from([(1, 'a')]), HashMap::from([(1, 'b')])]);
    check(&[HashSet::from(["a".to_owned()]), HashSet::new()]);
    check(&[BTreeMap::from([((1, 2), ())]), BTreeMap::new()]);
    check(&[BTreeSet::from([1]), BTreeSet::from([2])]);
    check(&[VecDeque::from([1, 2]), VecDeque::from([2, 1])]);
    check(&[LinkedList::from([1, 2]), LinkedList::from([2, 1])]);
    check(&[smallvec::SmallVec::<[u32; 2]>::from_slice(&[1, 2, 3]), smallvec::smallvec![]]);
    check(&[bytes::Bytes::from_static(b"a"), bytes::Bytes::from_static(b"ab")]);
    check(&[ndarray::arr2(&[[1.0, 2.0], [3.0, 4.0]]), ndarray::arr2(&[[1.0, 2.0, 3.0, 4.0]])]);
    #[memo]
    fn heap() -> BinaryHeap<u32> {
        BinaryHeap::from([5, 3, 8, 1, 9, 2])
    }
    assert_eq!(heap().into_sorted_vec(), heap().into_sorted_vec());
    assert_eq!(heap::stats().hits, 1);
}

#[test]
fn an_array_of_numbers_is_copied_out_of_the_cache() {
    // serde makes room for 1 MiB at the most before numbers come one by one.
    const COUNT: usize = (1 << 17) + 1;
    #[memo]
    fn image(name: &str) -> Option<(String, ndarray::Array2<f64>)> {
        let pixels = (0..COUNT).map(|pixel| pixel as f64).collect();
        Some((name.into(), ndarray::Array2::from_shape_vec((1, COUNT), pixels).unwrap()))
    }
    let computed = image("a");
    let found = image("a");
    assert_eq!(found, computed);
    assert_eq!(image::stats().hits, 1);
    let (numbers, _) = found.unwrap().1.into_raw_vec_and_offset();
    assert_eq!(numbers.capacity(), COUNT, "they came one by one");
}

#[test]
fn texts_and_pointers_are_what_they_hold() {
    check(&[Rc::<str>::from("a"), Rc::from("b")]);
    check(&[Arc::<[u8]>::from([1, 2]), Arc::from([])]);
    check(&[std::path::PathBuf::from("/a"), "/b".into()]);
    check(&[std::ffi::OsString::from("a"), "b".into()]);
    check(&[std::ffi::CString::new("a").unwrap(), std::ffi::CString::default()]);
    check(&[std::borrow::Cow::Borrowed("a"), std::borrow::Cow::Owned("b".to_owned())]);
    check(&[std::cell::Cell::new(1), std::cell::Cell::new(2)]);
    check(&[std::cell::RefCell::new(vec![1]), std::cell::RefCell::new(vec![])]);
    check(&[Ok(1), Err("no".to_owned()), Ok(2)]);
    check(&[Some(Some(())), Some(None), None]);
    check(&[std::marker::PhantomData::<u8>]);
}

#[test]
fn a_moment_before_the_epoch_is_no_key_and_no_result() {
    #[memo]
    fn before(at: SystemTime) -> bool {
        at < SystemTime::UNIX_EPOCH
    }
    let early = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
    assert!(before(early) && before(early));
    assert_eq!((before::stats().hits, before::stats().uncacheable), (0, 2));
    assert!(!is_stored(|| early));
}
