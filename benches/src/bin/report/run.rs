//! What a run measured, read from criterion's files.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;

use memo_benches::{columns, is_peer, Against, Case, Mark, CASES, SHARING, STARTED};
use serde::Deserialize;

pub struct Run {
    pub rows: Vec<Row>,
    /// The load average of the minute before the run.
    pub load: Option<f64>,
    /// The titles of the cases that this run left out.
    pub missing: Vec<&'static str>,
}

/// A case and its cells.
pub struct Row {
    pub case: &'static Case,
    /// Nanoseconds a call, by system.
    times: HashMap<String, f64>,
}

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: String,
}

#[derive(Deserialize)]
struct Samples {
    iters: Vec<f64>,
    times: Vec<f64>,
}

impl Samples {
    /// The fastest sample: what else the machine does only ever adds to a time.
    fn best(&self) -> f64 {
        self.times
            .iter()
            .zip(&self.iters)
            .map(|(time, iters)| time / iters)
            .fold(f64::MAX, f64::min)
    }
}

impl Run {
    /// Reads what has been measured since the last run's start.
    pub fn read(home: &Path) -> io::Result<Self> {
        let marker = home.join(STARTED);
        let started = fs::metadata(&marker)?.modified()?;
        let load =
            fs::read_to_string(&marker)?.split(' ').next().and_then(|load| load.parse().ok());
        let mut times: HashMap<String, HashMap<String, f64>> = HashMap::new();
        for group in directories(home)? {
            for function in directories(&group)? {
                let new = function.join("new");
                let samples = new.join("sample.json");
                let is_of_this_run = fs::metadata(&samples)
                    .and_then(|it| it.modified())
                    .is_ok_and(|at| at >= started);
                if is_of_this_run {
                    let Benchmark { group_id, function_id } = read(&new.join("benchmark.json"))?;
                    let samples: Samples = read(&samples)?;
                    times.entry(group_id).or_default().insert(function_id, samples.best());
                }
            }
        }
        let mut run = Self { rows: Vec::new(), load, missing: Vec::new() };
        for case in CASES {
            match times.remove(case.id) {
                Some(times) => run.rows.push(Row { case, times }),
                None => run.missing.push(case.title),
            }
        }
        Ok(run)
    }
}

impl Row {
    pub fn time(&self, system: &str) -> Option<f64> {
        self.times.get(system).copied()
    }

    /// The fastest peer and its time.
    pub fn best(&self) -> Option<(&str, f64)> {
        self.fastest(is_peer)
    }

    /// Memo's time as a multiple of another.
    pub fn ratio(&self, against: Against) -> Option<f64> {
        let other = match against {
            Against::Peers => self.best()?.1,
            Against::Sharing => self.fastest(|system| SHARING.contains(&system))?.1,
            Against::System(system) => self.time(system)?,
        };
        Some(self.time("memo")? / other)
    }

    /// Nothing where the mark cannot be told.
    pub fn reaches(&self, mark: &Mark) -> Option<bool> {
        Some(self.ratio(mark.against)? <= mark.at_most)
    }

    /// What was measured and has no column of its own, fastest first.
    pub fn others(&self) -> Vec<(&str, f64)> {
        let mut others: Vec<_> = self
            .times
            .iter()
            .map(|(system, time)| (system.as_str(), *time))
            .filter(|(system, _)| *system != "memo" && !columns().contains(system))
            .collect();
        others.sort_by(|a, b| a.1.total_cmp(&b.1));
        others
    }

    fn fastest(&self, is_meant: impl Fn(&str) -> bool) -> Option<(&str, f64)> {
        self.times
            .iter()
            .map(|(system, time)| (system.as_str(), *time))
            .filter(|(system, _)| is_meant(system))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }
}

fn directories(path: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries.into_iter().map(|entry| entry.path()).filter(|path| path.is_dir()).collect())
}

fn read<T: for<'de> Deserialize<'de>>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}
