//! What functions say of themselves, one by one and together.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use memo::store::DiskStore;
use memo::{memo, singleton, File};

use crate::removing::remove;

/// A directory that goes when the test is over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("memo-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

#[test]
fn statistics_have_the_bounds_the_ratio_and_the_time_of_the_bodies() {
    fn entries() -> usize {
        7
    }
    #[memo(max_entries = entries(), max_bytes = "1 KiB", ttl = "1h")]
    fn bounded(x: u32) -> Result<u32, u32> {
        thread::sleep(Duration::from_millis(40));
        if x > 9 {
            return Err(x);
        }
        Ok(x)
    }
    #[singleton]
    fn unbounded(x: u32) -> u32 {
        x
    }
    let before = bounded::stats();
    assert_eq!((before.hit_ratio(), before.mean_compute_time()), (0.0, None));
    assert_eq!((bounded(1), bounded(1), bounded(1), bounded(10)), (Ok(1), Ok(1), Ok(1), Err(10)));
    let stats = bounded::stats();
    assert_eq!(
        (stats.max_entries, stats.max_bytes, stats.ttl),
        (Some(7), Some(1024), Some(Duration::from_secs(3600)))
    );
    assert_eq!((stats.hits, stats.misses, stats.hit_ratio()), (2, 2, 0.5));
    assert!(stats.compute_time >= Duration::from_millis(40), "{stats:?}");
    assert_eq!(stats.time_saved(), stats.mean_compute_time().unwrap() * 2);
    unbounded(1);
    let stats = unbounded::stats();
    assert_eq!((stats.max_entries, stats.max_bytes, stats.ttl), (None, None, None));
}

#[test]
fn a_call_that_the_store_answers_is_a_hit_of_the_store() {
    static DIRECTORY: OnceLock<PathBuf> = OnceLock::new();
    fn open() -> DiskStore {
        DiskStore::open(DIRECTORY.get().unwrap())
    }
    #[memo(store = open(), max_entries = 1)]
    fn stored(x: u32) -> u32 {
        x
    }
    let scratch = Scratch::new("store-hits");
    DIRECTORY.set(scratch.0.clone()).unwrap();
    // Memory has room for one; the store has them all.
    assert_eq!([1, 2, 1, 1].map(stored), [1, 2, 1, 1]);
    let stats = stored::stats();
    assert_eq!((stats.hits, stats.store_hits, stats.misses), (2, 1, 2));
}

#[test]
fn a_report_lists_every_function_as_a_table_and_as_data() {
    #[memo(name = "statistics::reported")]
    fn reported(x: u32) -> Vec<u8> {
        vec![0; x as usize]
    }
    #[singleton(name = "statistics::shared")]
    fn shared(x: u32) -> u32 {
        x
    }
    for _ in 0..4 {
        reported(2000);
        shared(1);
    }
    let report = memo::report();
    let names: Vec<_> = report.functions.iter().map(|function| function.stats.name).collect();
    assert!(names.is_sorted() && names.contains(&"statistics::reported"));
    let text = report.to_string();
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    let cells = |name: &str| {
        row(name)
            .split("  ")
            .filter(|cell| !cell.trim().is_empty())
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        cells("function"),
        ["function", "kind", "entries", "bytes", "hits", "misses", "ratio", "mean", "saved"]
    );
    assert_eq!(cells("statistics::reported")[1..3], ["memo", "1"]);
    assert!(cells("statistics::reported")[3].ends_with("KiB"));
    assert_eq!(cells("statistics::reported")[4..7], ["3", "1", "75.0%"]);
    assert_eq!(cells("statistics::shared")[1..7], ["singleton", "1", "-", "3", "1", "75.0%"]);
    let widths: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "{text}");

    let json = serde_json::to_value(&report).unwrap();
    let functions = json["functions"].as_array().unwrap();
    let found = functions
        .iter()
        .find(|function| function["stats"]["name"] == "statistics::reported")
        .unwrap();
    assert_eq!(
        (&found["kind"], &found["stats"]["hits"], &found["hit_ratio"]),
        (&"memo".into(), &3.into(), &0.75.into())
    );
    assert_eq!(found["stats"]["max_entries"], serde_json::Value::Null);
}

#[test]
fn a_function_is_cleared_by_its_name() {
    #[memo(name = "statistics::cleared")]
    fn data(x: u32) -> u32 {
        x
    }
    #[singleton(name = "statistics::cleared")]
    fn resource(x: u32) -> u32 {
        x
    }
    #[memo]
    fn by_path(x: u32) -> u32 {
        x
    }
    assert!(!memo::clear("statistics::cleared"));
    data(1);
    resource(1);
    by_path(1);
    assert!(memo::clear("statistics::cleared") && !memo::clear("statistics"));
    assert_eq!(
        (data::contains(1), resource::contains(1), by_path::contains(1)),
        (false, false, true)
    );
    assert!(memo::clear(by_path::stats().name) && !by_path::contains(1));
}

#[test]
fn a_function_of_a_file_runs_again_once_the_file_has_changed() {
    #[memo]
    fn lines(file: &File) -> usize {
        fs::read_to_string(file).unwrap().lines().count()
    }
    let scratch = Scratch::new("file");
    let path = scratch.0.join("numbers.csv");
    fs::write(&path, "1\n2\n").unwrap();
    let file = File::new(&path).unwrap();
    assert_eq!((lines(&file), lines(&File::new(&path).unwrap()), file.len()), (2, 2, 4));
    fs::write(&path, "1\n2\n3\n").unwrap();
    assert_eq!((lines(&File::new(&path).unwrap()), lines::stats().misses), (3, 2));
    // The same length, at another time.
    fs::write(&path, "1\n2\n\n\n").unwrap();
    let modified = file.modified() + Duration::from_secs(60);
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let changed = File::new(&path).unwrap();
    assert_eq!((lines(&changed), lines::stats().misses), (4, 3));
    assert_eq!(
        (changed.path(), changed.modified(), changed.is_empty()),
        (path.as_path(), modified, false)
    );
    assert!(File::new(scratch.0.join("nothing")).is_err());
    // Another file of the same length and time.
    let other = scratch.0.join("other.csv");
    fs::write(&other, "1\n2\n\n ").unwrap();
    fs::File::options().write(true).open(&other).unwrap().set_modified(modified).unwrap();
    lines(&File::new(&other).unwrap());
    assert_eq!(lines::stats().misses, 4);
}

#[cfg(unix)]
#[test]
fn a_files_path_need_not_be_unicode() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    #[memo]
    fn length(file: &File) -> u64 {
        file.len()
    }
    let scratch = Scratch::new("unicode");
    for name in [&b"\xff"[..], b"\xfe"] {
        let path = scratch.0.join(OsStr::from_bytes(name));
        fs::write(&path, "a").unwrap();
        assert_eq!(
            (length(&File::new(&path).unwrap()), length(&File::new(&path).unwrap())),
            (1, 1)
        );
    }
    let stats = length::stats();
    assert_eq!((stats.uncacheable, stats.hits, stats.misses), (0, 2, 2));
}
