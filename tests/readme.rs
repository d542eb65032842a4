//! The README's code that its own tests cannot run, since it needs features, or serde's `derive`.

const README: &str = include_str!("../README.md");

#[test]
fn the_readme_shows_this_code_and_no_other_that_is_not_run() {
    let shown = [
        include_str!("readme/own_types.rs"),
        include_str!("readme/disk.rs"),
        include_str!("readme/redis.rs"),
    ];
    for code in shown {
        assert!(README.contains(&format!("```rust,ignore\n{code}```\n")), "{code}");
    }
    assert_eq!(README.matches("```rust,ignore").count(), shown.len());
}

#[test]
fn the_page_about_observing_shows_a_route_of_the_example() {
    const PAGE: &str = include_str!("../docs/observing.md");
    const ROUTES: &str = include_str!("../examples/api/src/routes.rs");
    let ignored: Vec<_> = PAGE.split("```rust,ignore\n").skip(1).collect();
    let codes: Vec<_> = ignored.iter().filter_map(|rest| rest.split("```").next()).collect();
    // `tests/user/observed` has the other one.
    assert_eq!(codes.iter().filter(|code| ROUTES.contains(*code)).count(), 1);
    assert_eq!(codes.len(), 2);
}

/// What a page that is one file has in the place of a picture.
#[test]
fn the_documentation_has_the_pictures_that_the_readme_links_to() {
    let pictures: [(&[u8], &str); 2] = [
        (
            include_bytes!("../docs/dashboard-desk.png"),
            include_str!("../docs/dashboard-desk.png.base64"),
        ),
        (
            include_bytes!("../docs/dashboard-phone.png"),
            include_str!("../docs/dashboard-phone.png.base64"),
        ),
    ];
    for (picture, text) in pictures {
        assert!(base64(picture) == text, "`base64 -w0 docs/….png > docs/….png.base64`");
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let of_three = |three: &[u8]| {
        let bits =
            three.iter().chain([&0; 2]).take(3).fold(0, |bits, byte| bits << 8 | u32::from(*byte));
        (0..4).map(move |at| (bits >> (18 - 6 * at)) as usize & 63).collect::<Vec<_>>()
    };
    let digits = |three: &[u8]| {
        let written = three.len() + 1;
        let digits = of_three(three).into_iter().map(|digit| char::from(DIGITS[digit]));
        digits
            .take(written)
            .chain("=".repeat(4 - written).chars().collect::<Vec<_>>())
            .collect::<String>()
    };
    bytes.chunks(3).map(digits).collect()
}

mod own_types {
    include!("readme/own_types.rs");

    #[test]
    fn types_of_ones_own_are_arguments_and_results() {
        let query = Query { table: "users", limit: 2 };
        let names = || rows(&query).into_iter().map(|row| (row.id, row.name));
        assert!(names().eq([(0, "users 0".to_owned()), (1, "users 1".to_owned())]));
        assert!(names().eq(names()));
        assert_eq!(rows::stats().misses, 1);
    }
}

mod disk {
    include!("readme/disk.rs");

    #[test]
    fn results_go_to_both_directories() {
        let directory = std::env::temp_dir().join(format!("memo-readme-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::env::set_var("MEMO_CACHE_DIR", directory.join("default"));
        std::env::set_current_dir(&directory).unwrap();
        assert_eq!((primes(10), walk(3, 0)), (vec![2, 3, 5, 7], vec![0.0; 3]));
        assert!(directory.join("default/CACHEDIR.TAG").exists());
        assert!(directory.join("simulations/CACHEDIR.TAG").exists());
        std::fs::remove_dir_all(directory).unwrap();
    }
}

#[cfg(feature = "redis")]
mod redis {
    include!("readme/redis.rs");

    #[test]
    fn a_server_that_is_not_there_fails_no_call() {
        assert_eq!((render("a").as_str(), reversed("ab").as_str()), ("<h1>a</h1>", "ba"));
    }
}
