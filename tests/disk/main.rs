//! What the disk store promises where it takes several processes, or the attribute. Each test has
//! functions and a directory of its own.
//!
//! `MEMO_TEST_SCALE=10` has the tests that count do ten times as much, as the project's gate does.

mod children;
mod clearing;
mod epochs;
mod expiry;
mod explain;
mod identity;
#[cfg(unix)]
mod kills;
#[cfg(unix)]
mod limits;
mod options;
mod places;
#[cfg(unix)]
mod size;
mod stale;
mod tags;
#[cfg(unix)]
mod stamps;
mod tasks;
mod unusable;

use children::Role;

const ROLES: &[(&str, Role)] = &[
    ("clearing", clearing::role),
    ("expiry", expiry::role),
    ("explain", explain::role),
    ("identity", identity::role),
    #[cfg(unix)]
    ("kills", kills::role),
    #[cfg(unix)]
    ("limits", limits::role),
    ("options", options::role),
    ("places", places::role),
    #[cfg(unix)]
    ("size", size::role),
    ("stale", stale::role),
    ("stale_tags", stale::role_of_tags),
    ("tags", tags::role),
    #[cfg(unix)]
    ("stamps", stamps::role),
    ("tasks", tasks::role),
    ("unusable", unusable::role),
];

#[test]
#[ignore = "the process that the other tests start and talk to; by itself it does nothing"]
fn child() {
    children::play(ROLES);
}
