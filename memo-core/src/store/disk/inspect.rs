//! What is stored, for who looks.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::directory::{Directory, Kind};
use super::tags::TAGS;
use super::{generation, place, DiskStore};
use crate::store::header::{Checked, Header, HEADER};
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
    /// Results that have expired or were cleared are not among them, nor is what is known of tags.
    #[must_use]
    pub fn entries(&self) -> Vec<DiskEntry> {
        let now = Now::read();
        let mut entries = Vec::new();
        let Ok(functions) = place::functions(self.directory()) else { return entries };
        let tags = place::of(&TAGS);
        let all = place::all(&functions).into_iter().flatten();
        for (name, directory) in all.filter(|(name, _)| *name != tags) {
            let Some((current, generation)) = current_of(&directory) else { continue };
            let path = self.directory().join(place::FORMAT).join(&name).join(current.to_string());
            let function = place::name_in(&directory, &name);
            for name in generation.names().unwrap_or_default() {
                if generation::is_file_of_a_call(&name) {
                    entries.extend(entry(&function, &generation, &path, &name, &now));
                }
            }
        }
        entries
    }
}

/// What is stored since the last clear of a function.
fn current_of(directory: &Directory) -> Option<(generation::Name, Directory)> {
    let epoch = generation::current_epoch(directory).unwrap_or_default();
    let generations = generation::all(directory).unwrap_or_default();
    let current = generations.into_iter().rfind(|name| Some(name.epoch) == epoch)?;
    let generation = current.open(directory).ok()?;
    Some((current, generation))
}

/// Whether there are results in a function's directory.
pub(super) fn has_results(directory: &Directory) -> bool {
    let names = current_of(directory).and_then(|(_, generation)| generation.names().ok());
    names.is_some_and(|names| names.iter().any(|name| generation::is_file_of_a_call(name)))
}

fn entry(
    function: &str,
    generation: &Directory,
    path: &Path,
    name: &str,
    now: &Now,
) -> Option<DiskEntry> {
    let stat = generation.stat(name).ok()?;
    let file = if stat.kind == Kind::File { generation.file(name).ok() } else { None };
    let age = match file.and_then(|file| header_of_whole(file).ok().flatten()) {
        Some(header) => Some(header.age(now)?),
        None => None,
    };
    Some(DiskEntry {
        function: function.to_owned(),
        path: path.join(name),
        bytes: stat.allocated,
        age,
        idle: stat.modified.elapsed().unwrap_or_default(),
    })
}

/// What a file says of itself, if it is whole: read piece by piece, as it may be of any size.
fn header_of_whole(mut file: File) -> io::Result<Option<Header>> {
    let mut head = [0; HEADER];
    file.read_exact(&mut head)?;
    let len = file.metadata()?.len() - HEADER as u64;
    let Some(mut checked) = Checked::new(&head).filter(|checked| checked.len() == len) else {
        return Ok(None);
    };
    let mut piece = vec![0; 64 * 1024];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(checked.finish()),
            read => checked.update(&piece[..read]),
        }
    }
}
