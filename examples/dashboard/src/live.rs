//! What the page asks for each second.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Json;
use memo::Report;
use serde::Serialize;

use crate::events::{self, Latest};

#[derive(Debug, Serialize)]
pub struct Live {
    /// Another number is another process, whose counters began at zero.
    process: u64,
    totals: Totals,
    report: Report,
    latest: Latest,
}

/// Of all memo functions; a resource has no bytes that are known.
#[derive(Debug, Default, Serialize)]
struct Totals {
    hits: u64,
    misses: u64,
    entries: usize,
    bytes: usize,
    /// Seconds: the hits of each function, times the mean time of its body. It falls where bodies become
    /// quicker.
    saved: f64,
}

pub async fn live() -> Json<Live> {
    let report = memo::report();
    let mut totals = Totals::default();
    for function in report.functions.iter().filter(|function| !function.is_singleton) {
        let stats = &function.stats;
        totals.hits += stats.hits;
        totals.misses += stats.misses;
        totals.entries += stats.entries;
        totals.bytes += stats.bytes;
        totals.saved += stats.time_saved().as_secs_f64();
    }
    Json(Live { process: process(), totals, report, latest: events::last() })
}

/// When this process was asked first.
fn process() -> u64 {
    static BEGIN: OnceLock<u64> = OnceLock::new();
    *BEGIN.get_or_init(|| {
        let begin = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(begin.as_millis()).unwrap_or_default()
    })
}
