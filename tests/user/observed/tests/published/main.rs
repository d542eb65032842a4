//! The code for the crate `metrics` that `docs/observing.md` shows.

include!("facade.rs");

#[test]
fn the_page_shows_this_code_and_a_scrape_has_the_series() {
    const PAGE: &str = include_str!("../../../../../docs/observing.md");
    assert!(PAGE.contains(concat!("```rust,ignore\n", include_str!("facade.rs"), "```\n")));

    let exporter = install().unwrap();
    observed::work();
    let text = scrape(&exporter);
    let labels = "{function=\"observed::square\",kind=\"memo\"";
    assert!(text.contains(&format!("\nmemo_misses_total{labels}}} 3\n")), "{text}");
    let bucket = format!("\nmemo_compute_seconds_bucket{labels},le=\"+Inf\"}} 3\n");
    assert!(text.contains(&bucket), "{text}");
}
