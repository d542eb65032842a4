#![cfg_attr(docsrs, feature(doc_cfg))]
#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

pub use memo_core::{
    bulk, clear, clear_all, report, set_enabled, set_max_bytes, set_reporter, stats, store, Error,
    File, FunctionReport, Report, Stats,
};
pub use memo_macros::{memo, singleton};

/// All singleton functions at once; beside the attribute of the same name.
pub mod singleton {
    pub use memo_core::{clear_all_singletons as clear_all, singleton_stats as stats};
}

/// Implementation details of the attributes. Do not rely on them.
#[doc(hidden)]
pub mod __private {
    pub use memo_core::__private::*;
}

/// Longer texts.
pub mod _documentation {
    #[doc = include_str!("../docs/benchmarks.md")]
    pub mod benchmarks {}

    #[doc = include_str!("../docs/shapes.md")]
    pub mod shapes {}
}
