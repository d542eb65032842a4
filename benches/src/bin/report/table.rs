//! The run as one Markdown table.

use std::fmt::Write;
use std::fs;
use std::thread::available_parallelism;

use memo_benches::{columns, Against, Mark};

use crate::run::{Row, Run};

/// The lock file of this package: the versions that were built.
const LOCK: &str = include_str!("../../../Cargo.lock");

const PACKAGES: &[&str] = &[
    "memo",
    "cached",
    "memoize",
    "comemo",
    "moka",
    "quick_cache",
    "once_cell",
    "cacache",
    "blake3",
];

pub fn markdown(run: &Run) -> String {
    let mut page = String::from(
        "<!-- Written by `cargo run --release --bin report` in `benches`; do not edit. -->\n\n",
    );
    let versions: Vec<_> =
        PACKAGES.iter().map(|name| format!("{name} {}", version(name))).collect();
    let load = run.load.map(|load| format!(", load before the run {load}")).unwrap_or_default();
    writeln!(page, "{}; {}{load}.\n", versions.join(", "), machine()).unwrap();
    page.push_str(
        "Time of a call, from the fastest sample; on two threads, wall time over all calls. ",
    );
    page.push_str("`–`: the system has no such thing.\n\n");

    let mut head = vec!["case", "memo", "best peer", "memo / best", "mark"];
    head.extend(columns());
    head.push("others");
    line(&mut page, head.iter().map(ToString::to_string));
    let rules = head.iter().enumerate().map(|(i, _)| if i == 0 { "---" } else { "---:" });
    line(&mut page, rules.map(String::from));
    for row in &run.rows {
        line(&mut page, cells(row));
    }

    // One reason for all the cases that it is the reason of.
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in &run.rows {
        let is_missed = row.case.marks.iter().any(|mark| row.reaches(mark) == Some(false));
        if is_missed && !row.case.note.is_empty() {
            match reasons.iter_mut().find(|(note, _)| *note == row.case.note) {
                Some((_, titles)) => titles.push(row.case.title),
                None => reasons.push((row.case.note, vec![row.case.title])),
            }
        }
    }
    if !reasons.is_empty() {
        page.push_str("\nMarks that are not reached, and why:\n\n");
    }
    for (note, titles) in reasons {
        writeln!(page, "- {}: {note}", titles.join("; ")).unwrap();
    }
    if !run.missing.is_empty() {
        writeln!(page, "\nNot in this run: {}.", run.missing.join("; ")).unwrap();
    }
    page
}

fn cells(row: &Row) -> impl Iterator<Item = String> + '_ {
    let best = row.best().map_or("–".into(), |(system, _)| system.to_owned());
    let ratio = row.ratio(Against::Peers).map_or("–".into(), |ratio| format!("**{ratio:.2}**"));
    let marks: Vec<_> = row.case.marks.iter().map(|mark| judged(row, mark)).collect();
    let others: Vec<_> =
        row.others().iter().map(|(system, time)| format!("{system} {}", human(*time))).collect();
    let front = [row.case.title.to_owned(), cell(row, "memo"), best, ratio, marks.join("; ")];
    let peers = columns().iter().map(|system| cell(row, system));
    front.into_iter().chain(peers).chain([others.join(", ")])
}

fn cell(row: &Row, system: &str) -> String {
    row.time(system).map_or("–".into(), human)
}

// Output: `≤ 1.2 of clone ✓` or, with what was reached, `≤ 0.9 ✗ 0.97`
fn judged(row: &Row, mark: &Mark) -> String {
    let whose = match mark.against {
        Against::Peers => String::new(),
        Against::Sharing => " of those that compute once".into(),
        Against::System(system) => format!(" of {system}"),
    };
    let verdict = match (row.reaches(mark), row.ratio(mark.against)) {
        (Some(true), Some(ratio)) => format!("✓ {ratio:.2}"),
        (Some(false), Some(ratio)) => format!("✗ {ratio:.2}"),
        _ => "?".into(),
    };
    format!("≤ {}{whose} {verdict}", mark.at_most)
}

fn line(page: &mut String, cells: impl Iterator<Item = String>) {
    let cells: Vec<_> = cells.collect();
    writeln!(page, "| {} |", cells.join(" | ")).unwrap();
}

/// A time with three digits that count.
pub fn human(nanos: f64) -> String {
    let (value, unit) = match nanos {
        ..1e3 => (nanos, "ns"),
        ..1e6 => (nanos / 1e3, "µs"),
        _ => (nanos / 1e6, "ms"),
    };
    let digits = match value {
        ..10.0 => 2,
        ..100.0 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

fn version(package: &str) -> &'static str {
    let head = format!("name = \"{package}\"\nversion = \"");
    let rest = LOCK.split_once(&head).map_or("", |(_, rest)| rest);
    rest.split('"').next().unwrap_or_default()
}

// Output: `2 cores of AMD EPYC, linux x86_64`
fn machine() -> String {
    let cores = available_parallelism().map_or(1, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").ok().and_then(|info| {
        let line = info.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(": ")?.1.to_owned())
    });
    let cpu = cpu.map(|cpu| format!(" of {cpu}")).unwrap_or_default();
    format!("{cores} cores{cpu}, {} {}", std::env::consts::OS, std::env::consts::ARCH)
}
