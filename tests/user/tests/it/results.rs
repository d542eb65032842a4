//! Results by other people's names.

use std::io;
use std::sync::Arc;

use anyhow::{bail, Context};
use memo::{memo, singleton};

use crate::Count;

#[test]
fn an_error_of_anyhow_is_returned_and_not_stored() {
    static RUNS: Count = Count::new();
    #[memo]
    fn parse(text: &str) -> anyhow::Result<u32> {
        RUNS.add();
        if text.is_empty() {
            bail!("nothing to parse");
        }
        text.parse().with_context(|| format!("`{text}` is no number"))
    }
    assert_eq!((parse("7").unwrap(), parse("7").unwrap(), RUNS.get()), (7, 7, 1));
    assert_eq!(parse("x").unwrap_err().to_string(), "`x` is no number");
    assert_eq!(parse("").unwrap_err().to_string(), "nothing to parse");
    assert!(parse("x").is_err() && !parse::contains("x"));
    assert_eq!(RUNS.get(), 4);
    assert!(parse::get("7").is_some_and(|stored| stored.is_ok()));
}

#[test]
fn an_error_of_io_is_returned_and_not_stored() {
    static RUNS: Count = Count::new();
    #[memo]
    fn size(name: &str) -> io::Result<u64> {
        RUNS.add();
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        Ok(path.metadata()?.len())
    }
    assert!(size("Cargo.toml").unwrap() > 0 && size("Cargo.toml").is_ok());
    assert_eq!(size("missing").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(size("missing").is_err() && !size::contains("missing"));
    assert_eq!(RUNS.get(), 3);
}

#[test]
fn a_singleton_takes_them_by_their_names() {
    static RUNS: Count = Count::new();
    #[singleton]
    fn pool(url: &str) -> anyhow::Result<String> {
        RUNS.add();
        url.strip_prefix("db:").map(str::to_owned).context("not a database")
    }
    #[singleton]
    async fn file(name: &str) -> io::Result<Arc<str>> {
        RUNS.add();
        if name.is_empty() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(name.into())
    }
    assert!(pool("file").is_err() && pool("file").is_err());
    assert!(Arc::ptr_eq(&pool("db:rows").unwrap(), &pool("db:rows").unwrap()));
    tokio_test::block_on(async {
        assert!(file("").await.is_err());
        assert!(Arc::ptr_eq(&file("rows").await.unwrap(), &file("rows").await.unwrap()));
    });
    assert_eq!(RUNS.get(), 5);
}
