//! Longer texts, and the examples.

/// [chart]: #chart
///
#[doc = include_str!("../docs/benchmarks.md")]
/// ## Chart
///
#[doc = concat!("<div>", include_str!("../docs/benchmarks.svg"), "</div>")]
pub mod benchmarks {}

#[doc = include_str!("../docs/shapes.md")]
pub mod shapes {}

/// [`Session`]: crate::Session
///
#[doc = include_str!("../docs/sessions.md")]
pub mod sessions {}

#[doc = include_str!("../docs/time.md")]
pub mod time {}

#[doc = include_str!("../docs/observing.md")]
pub mod observing {}

/// The examples that need no other crate than `memo`.
///
/// # Packages
///
/// `table`, `model`, `fleet`, `api`, `dashboard`, `rna_pages` and `download` need other crates, and are
/// packages of their own in the folder `examples` of the repository.
pub mod examples {
    /// Two functions, and two ways to clear them.
    #[doc = concat!("```ignore\n", include_str!("../examples/quickstart.rs"), "```")]
    pub mod quickstart {}

    /// A simulation over a CSV file, whose second run is instant.
    #[doc = concat!("```ignore\n", include_str!("../examples/simulation.rs"), "```")]
    pub mod simulation {}

    /// n digits of π.
    #[doc = concat!("```ignore\n", include_str!("../examples/pi.rs"), "```")]
    pub mod pi {}

    /// A store of one's own, and its conformance test.
    #[doc = concat!("```ignore\n", include_str!("../examples/store.rs"), "```")]
    pub mod store {}

    /// What the disk store holds.
    #[doc = concat!("```ignore\n", include_str!("../examples/cache.rs"), "```")]
    pub mod cache {}
}
