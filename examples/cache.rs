//! What the disk store holds: `cargo run --features disk --example cache -- ls`.
//!
//! It looks at the directory that `MEMO_CACHE_DIR` names, or else at those of all programs that use
//! `store = "disk"`.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Duration;

use memo::store::{DiskEntry, DiskStore, Store};

const USAGE: &str = "cache [ls | du | verify | clear]

  ls      functions: entries, bytes on the disk, age of the oldest and the newest, last hit
  du      bytes on the disk of every function, the largest first
  verify  reads and checks every file; lists those that are damaged, and fails if there are any
  clear   forgets everything; other processes notice within 100 ms";

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let run = match command.as_deref().unwrap_or("ls") {
        "ls" => ls,
        "du" => du,
        "verify" => verify,
        "clear" => clear,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let stores = stores();
    if stores.is_empty() {
        println!("nothing is stored");
    }
    let failed = stores.iter().filter(|store| !run(store)).count();
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The directory that the environment names, or those beside what would be this program's.
fn stores() -> Vec<DiskStore> {
    let Some(own) = DiskStore::in_default_place() else { return Vec::new() };
    if std::env::var_os("MEMO_CACHE_DIR").is_some() {
        return vec![DiskStore::open(own.directory())];
    }
    let programs = own.directory().parent().and_then(|parent| parent.read_dir().ok());
    let programs = programs.into_iter().flatten().flatten();
    programs.map(|program| DiskStore::open(program.path())).collect()
}

/// A function's entries, added up. An edited function is several of the same name.
#[derive(Default)]
struct Total {
    entries: usize,
    bytes: u64,
    oldest: Duration,
    newest: Option<Duration>,
    last_hit: Option<Duration>,
    damaged: usize,
}

impl Total {
    fn add(&mut self, entry: &DiskEntry) {
        self.entries += 1;
        self.bytes += entry.bytes;
        let Some(age) = entry.age else {
            self.damaged += 1;
            return;
        };
        self.oldest = self.oldest.max(age);
        self.newest = Some(self.newest.map_or(age, |newest| newest.min(age)));
        self.last_hit = Some(self.last_hit.map_or(entry.idle, |last| last.min(entry.idle)));
    }
}

fn totals(store: &DiskStore) -> BTreeMap<String, Total> {
    let mut totals = BTreeMap::<String, Total>::new();
    for entry in store.entries() {
        totals.entry(entry.function.clone()).or_default().add(&entry);
    }
    totals
}

fn ls(store: &DiskStore) -> bool {
    println!("{}", store.directory().display());
    println!(
        "{:>8} {:>10} {:>8} {:>8} {:>8}  function",
        "entries", "bytes", "oldest", "newest", "hit"
    );
    for (function, total) in totals(store) {
        let Total { entries, bytes, oldest, newest, last_hit, damaged } = total;
        let damaged = if damaged > 0 { format!(", {damaged} damaged") } else { String::new() };
        println!(
            "{entries:>8} {:>10} {:>8} {:>8} {:>8}  {function}{damaged}",
            size(bytes),
            span(oldest),
            newest.map_or("–".into(), span),
            last_hit.map_or("–".into(), span),
        );
    }
    true
}

fn du(store: &DiskStore) -> bool {
    let mut totals: Vec<_> = totals(store).into_iter().collect();
    totals.sort_by_key(|(_, total)| std::cmp::Reverse(total.bytes));
    for (function, total) in &totals {
        println!("{:>10}  {function}", size(total.bytes));
    }
    let bytes = totals.iter().map(|(_, total)| total.bytes).sum();
    println!("{:>10}  {}", size(bytes), store.directory().display());
    true
}

fn verify(store: &DiskStore) -> bool {
    let entries = store.entries();
    let damaged: Vec<_> = entries.iter().filter(|entry| entry.age.is_none()).collect();
    for entry in &damaged {
        println!("damaged: {} ({})", entry.path.display(), entry.function);
    }
    let directory = store.directory().display();
    println!("{directory}: {} entries, {} damaged", entries.len(), damaged.len());
    damaged.is_empty()
}

fn clear(store: &DiskStore) -> bool {
    let cleared = store.clear_all().map_err(|error| error.to_string());
    match cleared.and_then(|()| store.sweep().map_err(|error| error.to_string())) {
        Ok(_) => {
            println!("{}: cleared", store.directory().display());
            true
        }
        Err(error) => {
            eprintln!("{}: {error}", store.directory().display());
            false
        }
    }
}

fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} B"),
    }
}

fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
