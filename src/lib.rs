#![cfg_attr(docsrs, feature(doc_cfg))]
// Of two definitions of a link the first counts: these are for the documentation, those at the end
// of the README for who reads it beside the source.
//! [Every shape of function]: _documentation::shapes
//! [How long results live]: _documentation::time
//! [Caching per user, request or tenant]: _documentation::sessions
//! [Observing a cache in production]: _documentation::observing
//! [All cases]: _documentation::benchmarks
//! [a chart]: _documentation::benchmarks#chart
//! [`memo`]: macro@memo
//! [`singleton`]: macro@singleton
//! [`File`]: File
//! [`set_reporter`]: set_reporter
//! [`bulk`]: bulk
//! [`Store`]: store::Store
//! [`quickstart`]: _documentation::examples::quickstart
//! [`simulation`]: _documentation::examples::simulation
//! [`pi`]: _documentation::examples::pi
//! [`table`]: _documentation::examples#packages
//! [`model`]: _documentation::examples#packages
//! [`store`]: _documentation::examples::store
//! [`cache`]: _documentation::examples::cache
//! [`fleet`]: _documentation::examples#packages
//! [`api`]: _documentation::examples#packages
//! [`dashboard`]: _documentation::examples#packages
//! [`rna_pages`]: _documentation::examples#packages
//! [`download`]: _documentation::examples#packages
#![cfg_attr(
    doc,
    doc = concat!(
        "[on a desk]: data:image/png;base64,",
        include_str!("../docs/dashboard-desk.png.base64"),
        "\n[on a phone]: data:image/png;base64,",
        include_str!("../docs/dashboard-phone.png.base64"),
        "\n",
    )
)]
//!
#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub use memo_core::{
    advance, bulk, clear, clear_all, clear_tag, isolated, isolated_async, openmetrics, report,
    set_enabled, set_max_bytes, set_observer, set_reporter, set_spawner, set_verify, stats,
    BoxFuture, Error, Event, EventKind, Explanation, File, FunctionReport, KeyId, Report, Session,
    Stats, Why,
};
pub use memo_macros::{memo, singleton};

/// All singleton functions at once; beside the attribute of the same name.
pub mod singleton {
    pub use memo_core::{clear_all_singletons as clear_all, singleton_stats as stats};
}

#[cfg(feature = "metrics")]
pub mod metrics {
    //! The statistics for the crate `metrics`, and so for whatever exporter the program installs there.
    //!
    //! [`openmetrics`](crate::openmetrics) makes a text of them that needs no other crate.
    //!
    //! # Examples
    //!
    //! ```
    //! #[memo::memo]
    //! fn square(x: u64) -> u64 { x * x }
    //!
    //! // Once when the program starts, so that times are kept, and then whenever a scrape is answered.
    //! memo::metrics::publish();
    //! square(4);
    //! memo::metrics::publish();
    //! ```

    pub use memo_core::publish_metrics as publish;
}

pub mod store {
    //! Backing stores: where results live beyond this process.
    //!
    //! A [`Store`] keeps bytes by function and key, and is shared: other processes clear a function
    //! or remove a call while this one computes. A lookup therefore returns a [`Ticket`], the
    //! moment of the lookup, and a result is put with it: the store drops a result that was
    //! computed before its function was cleared or its call removed. With the same tickets, memory
    //! learns what other processes invalidated since.

    pub use memo_core::store::*;
    // Once more by their names, so that the documentation says which feature they need.
    #[cfg(feature = "disk")]
    pub use memo_core::store::{DiskBuilder, DiskEntry, DiskStore};
    #[cfg(feature = "redis")]
    pub use memo_core::store::{RedisBuilder, RedisStore};
}

/// Implementation details of the attributes. Do not rely on them.
#[doc(hidden)]
pub mod __private {
    pub use memo_core::__private::*;
}

#[cfg(doc)]
pub mod _documentation;
