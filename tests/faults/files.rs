//! Directories of a test's own, what is in them, and results that say what they are of.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::LazyLock;

use memo::store::{FunctionId, Key};

/// Where the tests' directories are: in memory where there is such a place, as tens of thousands are
/// made, and what a real disk does is not what is tested.
pub(crate) fn fast() -> &'static Path {
    // Looked for once: a request that is to fail is not to be this one.
    static FAST: LazyLock<PathBuf> = LazyLock::new(|| {
        let in_memory = PathBuf::from("/dev/shm");
        let is_there = env::var_os("TMPDIR").is_none() && in_memory.is_dir();
        if is_there {
            in_memory
        } else {
            env::temp_dir()
        }
    });
    &FAST
}

/// A directory of a test's own, gone with it.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, SeqCst);
        Self(fast().join(format!("memo-faults-{}-{number}", process::id())))
    }

    pub(crate) fn of(path: PathBuf) -> Self {
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn clear(&self) {
        // A sweeper may be at it, and make none of it anew.
        while self.0.exists() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What is in a directory, by path: directories have no content.
pub(crate) type Image = BTreeMap<PathBuf, Option<Vec<u8>>>;

pub(crate) fn image_of(root: &Path) -> Image {
    fn add(image: &mut Image, root: &Path, directory: &Path) {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            let content = if path.is_dir() {
                add(image, root, &path);
                None
            } else {
                Some(fs::read(&path).unwrap())
            };
            image.insert(path.strip_prefix(root).unwrap().to_owned(), content);
        }
    }
    let mut image = Image::new();
    add(&mut image, root, root);
    image
}

/// Makes a directory that has this in it.
pub(crate) fn write_image(image: &Image, root: &Path) {
    fs::create_dir_all(root).unwrap();
    for (path, content) in image {
        let path = root.join(path);
        match content {
            None => fs::create_dir_all(path).unwrap(),
            Some(bytes) => {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, bytes).unwrap();
            }
        }
    }
}

pub(crate) const FUNCTIONS: [FunctionId<'static>; 2] =
    [FunctionId::new("faults::one", [1; 16]), FunctionId::new("faults::other", [2; 16])];

pub(crate) fn key(number: u64) -> Key {
    let mut key = [5; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    key
}

/// How many words a result has: most are small, one in eight is written in two pieces.
fn words(number: u64) -> usize {
    if number % 8 == 7 {
        10_000
    } else {
        1 + (number * 37 % 200) as usize
    }
}

/// A result, of which each word says whose it is and in which version.
pub(crate) fn value(function: usize, number: u64, version: u64) -> Vec<u8> {
    let word = (function as u64) << 56 | number << 32 | version;
    word.to_le_bytes().repeat(words(number))
}

/// The version of a result, which is checked to be one of this call's.
#[track_caller]
pub(crate) fn version_of(bytes: &[u8], function: usize, number: u64) -> u64 {
    let word = bytes.first_chunk().map_or(u64::MAX, |word| u64::from_le_bytes(*word));
    let version = word & u64::from(u32::MAX);
    assert!(
        bytes == value(function, number, version),
        "a wrong result of {number}: {} bytes, {word:x} …",
        bytes.len()
    );
    version
}
