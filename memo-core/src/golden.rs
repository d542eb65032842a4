//! Bytes that are stored, held against files: what one version writes, the next is to find.

use std::fmt::Write;
use std::path::Path;

/// Bytes by what they are of.
#[derive(Debug, Default)]
pub(crate) struct Golden {
    lines: Vec<(String, Vec<u8>)>,
    /// What only machines like most write: slices of numbers go as they lie in memory.
    little: Vec<String>,
}

impl Golden {
    pub(crate) fn line(&mut self, of: impl Into<String>, bytes: impl AsRef<[u8]>) {
        self.lines.push((of.into(), bytes.as_ref().to_vec()));
    }

    /// The same of bytes that are others on a big-endian machine.
    pub(crate) fn little_line(&mut self, of: impl Into<String>, bytes: impl AsRef<[u8]>) {
        let of = of.into();
        self.little.push(of.clone());
        self.line(of, bytes);
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (of, bytes) in &self.lines {
            let _ = write!(text, "{of}:");
            let pieces = bytes.chunks(32);
            for piece in pieces {
                text.push_str("\n    ");
                for byte in piece {
                    let _ = write!(text, "{byte:02x}");
                }
            }
            text.push('\n');
        }
        text
    }

    /// Asserts that the bytes are those of the file `golden/<name>.txt` beside a source file; or
    /// writes that, if `MEMO_BLESS` is set.
    #[track_caller]
    pub(crate) fn assert(self, source: &str, name: &str) {
        // It is a path from the workspace, where there is one.
        let from_package = source.find("src").map_or(source, |at| &source[at..]);
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join(from_package);
        let file = beside.parent().unwrap().join("golden").join(name).with_extension("txt");
        let text = self.text();
        if std::env::var_os("MEMO_BLESS").is_some_and(|bless| !bless.is_empty()) {
            if cfg!(target_endian = "big") {
                panic!("the files are those of a little-endian machine");
            }
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &text).unwrap();
            return;
        }
        let expected = std::fs::read_to_string(&file).unwrap_or_default();
        let (expected, text) = (self.lines_here(&expected), self.lines_here(&text));
        for (expected, actual) in expected.iter().zip(&text) {
            assert!(expected == actual, "{}{actual}\nand in the file:\n{expected}", message(&file));
        }
        assert_eq!(expected.len(), text.len(), "{}", message(&file));
    }

    /// The paragraphs of a file that are of this machine.
    fn lines_here(&self, text: &str) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for line in text.lines() {
            match all.last_mut() {
                Some(last) if line.starts_with(' ') => *last += &format!("\n{line}"),
                _ => all.push(line.to_owned()),
            }
        }
        all.retain(|paragraph| {
            let of = paragraph.lines().next().and_then(|line| line.strip_suffix(':'));
            let is_little = self.little.iter().any(|little| Some(little.as_str()) == of);
            cfg!(target_endian = "little") || !is_little
        });
        all
    }
}

fn message(file: &Path) -> String {
    format!(
        "what is stored has changed, and {} says otherwise.\n\
         Whoever updates finds nothing of what is stored: it costs them a cold cache. If that is \
         meant, list it in CHANGELOG.md under \"Stored results\", and accept the bytes with \
         MEMO_BLESS=1 (CONTRIBUTING.md has the command).\nNow it is\n",
        file.display()
    )
}
