//! What is stored, for who looks.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::generation;
use super::sweep::allocated;
use super::{files, place, DiskStore};
use crate::store::header::{self, HEADER};
use crate::store::time::Now;

/// A stored result, as [`DiskStore::entries`] finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiskEntry {
    /// The function's name; after changes to it there are several of that name.
    pub function: String,
    /// The file.
    pub path: PathBuf,
    /// The bytes that it takes of the disk.
    pub bytes: u64,
    /// How long ago the result was computed; nothing, if the file is damaged.
    pub age: Option<Duration>,
    /// How long it has not been used, give or take ten minutes.
    pub idle: Duration,
}

impl DiskStore {
    /// Every stored result, each file read and checked; those that cannot be read are damaged.
    /// Results that have expired or were cleared are not among them.
    #[must_use]
    pub fn entries(&self) -> Vec<DiskEntry> {
        let now = Now::read();
        let functions = place::functions(self.directory());
        let mut entries = Vec::new();
        for directory in files::names(&functions).unwrap_or_default() {
            let directory = functions.join(directory);
            let epoch = generation::current_epoch(&directory).unwrap_or_default();
            let generations = generation::all(&directory).unwrap_or_default();
            let current = generations.into_iter().rfind(|name| Some(name.epoch) == epoch);
            let Some(current) = current else { continue };
            let function = place::name_in(&directory);
            let results = current.in_directory(&directory);
            for name in files::names(&results).unwrap_or_default() {
                if generation::is_file_of_a_call(&name) {
                    entries.extend(entry(&function, results.join(name), &now));
                }
            }
        }
        entries
    }
}

fn entry(function: &str, path: PathBuf, now: &Now) -> Option<DiskEntry> {
    let metadata = fs::symlink_metadata(&path).ok()?;
    let file = if metadata.is_file() { fs::read(&path).unwrap_or_default() } else { Vec::new() };
    let header =
        file.split_first_chunk::<HEADER>().and_then(|(head, value)| header::of_whole(head, value));
    let age = match header {
        Some(header) => Some(header.age(now)?),
        None => None,
    };
    let idle = metadata.modified().ok().and_then(|modified| modified.elapsed().ok());
    Some(DiskEntry {
        function: function.to_owned(),
        path,
        bytes: allocated(&metadata),
        age,
        idle: idle.unwrap_or_default(),
    })
}
