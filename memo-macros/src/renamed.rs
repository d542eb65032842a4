//! What the crate being compiled calls memo, if not `memo`.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

/// The name that `Cargo.toml` gives it (`cache = { package = "memo", … }`), if it is another.
///
/// Cargo says it to the compiler, in whose process an attribute runs. The manifest would not do: a
/// name may be inherited from the workspace, and belongs to some of the targets only. Where nobody
/// says it, as in an editor's server, it is `memo`, and there is still `crate = path`.
pub(crate) fn name() -> Option<&'static str> {
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| {
        let arguments = std::env::args_os().filter_map(|argument| argument.into_string().ok());
        find(arguments.flat_map(expand))
    })
    .as_deref()
}

/// The arguments that stand in a file instead, as those of examples in documentation do.
// Input: `@/tmp/arguments`
// Output: the lines of that file
fn expand(argument: String) -> Vec<String> {
    let file = argument.strip_prefix('@').and_then(|path| fs::read_to_string(path).ok());
    match file {
        Some(lines) => lines.lines().map(str::to_owned).collect(),
        None => vec![argument],
    }
}

/// Nothing, if a crate is called `memo`, or if several could be meant.
// Input: `rustc … --extern cache=/target/debug/deps/libmemo-0123456789abcdef.rmeta …`
// Output: `cache`
fn find(arguments: impl Iterator<Item = String>) -> Option<String> {
    let mut found: Option<String> = None;
    let mut is_crate_next = false;
    for argument in arguments {
        let is_crate = is_crate_next;
        is_crate_next = argument == "--extern";
        let named = if is_crate { Some(&*argument) } else { argument.strip_prefix("--extern=") };
        let Some(named) = named else { continue };
        let (name, path) = named.split_once('=').unwrap_or((named, ""));
        // Options precede the name: `priv,noprelude:cache`.
        let name = name.rsplit(':').next().unwrap_or(name);
        if name == "memo" {
            return None;
        }
        if is_memo(path) {
            match &found {
                Some(other) if other != name => return None,
                _ => found = Some(name.to_owned()),
            }
        }
    }
    found
}

/// Whether that is the library of a crate which calls itself `memo`.
fn is_memo(path: &str) -> bool {
    let file = Path::new(path).file_stem().and_then(|stem| stem.to_str());
    let library = file.and_then(|stem| stem.strip_prefix("lib"));
    library.and_then(|library| library.split('-').next()) == Some("memo")
}

#[cfg(test)]
mod tests {
    use super::find;

    fn find_in(arguments: &str) -> Option<String> {
        find(arguments.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn a_renamed_dependency_is_found_however_the_compiler_is_told() {
        for told in [
            "rustc --extern cache=/deps/libmemo-0123.rmeta --crate-name user",
            "rustc --extern=cache=/deps/libmemo-0123.rlib",
            "rustc --extern serde=/deps/libserde-1.rmeta --extern priv:cache=libmemo.rlib",
            "rustc --extern cache=/deps/libmemo-0123.rmeta --extern cache=/deps/libmemo-0123.so",
        ] {
            assert_eq!(find_in(told).as_deref(), Some("cache"), "{told}");
        }
    }

    #[test]
    fn nothing_is_found_where_it_is_called_memo_or_could_be_several() {
        for told in [
            "rustc --extern memo=/deps/libmemo-0123.rmeta",
            "rustc --extern cache=/deps/libmemo-0123.rmeta --extern memo=/deps/libmemo-4567.rmeta",
            "rustc --extern cache=/deps/libmemo-0123.rmeta --extern old=/deps/libmemo-4567.rmeta",
            "rustc --extern memo_core=/deps/libmemo_core-0123.rmeta --extern memo",
            "rustc --extern macros=/deps/libmemo_macros-0123.so --extern serde",
            "rustc --extern",
            "rust-analyzer",
        ] {
            assert_eq!(find_in(told), None, "{told}");
        }
    }
}
