//! Why a call is a hit or a miss, as far as memory knows.

use super::Cache;
use crate::flight::Key;
use crate::function::why::Why;
use crate::memory::entry::Builder;

impl Cache {
    /// Why a call is a hit or a miss, as far as memory knows.
    #[allow(dead_code)]
    pub(crate) fn why(&self, key: &Key) -> Why {
        self.why_of(&key.entry)
    }

    /// The same, of a call's entry to be.
    pub(crate) fn why_of(&self, _: &Builder) -> Why {
        Why::Never
    }
}
