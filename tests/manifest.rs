//! The manifest of this package lists its tests one by one, as they are not where cargo looks.

use std::fs;

#[test]
fn every_test_is_in_the_manifest() {
    const MANIFEST: &str = include_str!("Cargo.toml");
    for entry in fs::read_dir(env!("CARGO_MANIFEST_DIR")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let path = if entry.path().join("main.rs").exists() { name + "/main.rs" } else { name };
        assert!(
            !path.ends_with(".rs") || MANIFEST.contains(&format!("path = \"{path}\"")),
            "{path}"
        );
    }
}
