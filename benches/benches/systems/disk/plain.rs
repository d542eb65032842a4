//! What the files take without a cache: one is read whole and hashed, which finds whatever damaged
//! it; one is written beside its place and renamed, so that nobody reads half of it.

use std::fs;
use std::hint::black_box;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::Disk;
use crate::{files, work};

static PLACE: LazyLock<PathBuf> = LazyLock::new(|| {
    let place = files::directory("plain");
    fs::create_dir_all(&place).unwrap();
    place
});

fn file(len: usize, i: u64) -> PathBuf {
    PLACE.join(format!("{len}-{i}"))
}

fn write(file: &Path, bytes: &[u8]) {
    let unfinished = file.with_extension("tmp");
    fs::write(&unfinished, bytes).unwrap();
    fs::rename(&unfinished, file).unwrap();
}

pub struct Plain;

impl Disk for Plain {
    fn open() -> Self {
        Self
    }

    fn empty() {
        files::remove(&PLACE);
        fs::create_dir(&*PLACE).unwrap();
    }

    fn call(len: usize, i: u64) -> Vec<u8> {
        let file = file(len, i);
        match fs::read(&file) {
            Ok(bytes) => {
                black_box(blake3::hash(&bytes));
                bytes
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let bytes = work::bytes(len, i);
                write(&file, &bytes);
                bytes
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn write(&self, len: usize, i: u64) {
        write(&file(len, i), &work::bytes(len, i));
    }
}
