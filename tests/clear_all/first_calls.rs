//! Functions that nobody knows before they are cleared.

use std::thread;

use crate::alone;
use crate::source::Source;

static SOURCE: Source = Source::new();

/// Functions with a cache each, of which the later ones are called by the earlier ones.
macro_rules! chains {
    ($($name:ident)*) => {
        $(mod $name {
            use memo::memo;
            #[memo]
            pub(super) fn inner(key: u64) -> u64 {
                let _ = key;
                super::SOURCE.read()
            }
            #[memo]
            pub(super) fn outer(key: u64) -> u64 {
                inner(key)
            }
        })*
        const CHAINS: &[(fn(u64) -> u64, fn(u64) -> u64)] =
            &[$(($name::outer, $name::inner)),*];
    };
}

chains!(a b c d e f g h i j k l m n o p q r s t u v w x y z);

#[test]
fn who_is_called_for_the_first_time_while_all_is_cleared_keeps_nothing_old() {
    let _alone = alone();
    for (number, (outer, inner)) in CHAINS.iter().enumerate() {
        thread::scope(|scope| {
            let version = SOURCE.read();
            let first = scope.spawn(|| {
                SOURCE.check(|| outer(0));
                SOURCE.check(|| inner(0));
            });
            for _ in 0..number * 20 {
                std::hint::spin_loop();
            }
            assert!(SOURCE.change(memo::clear_all) > version);
            SOURCE.check(|| outer(0));
            SOURCE.check(|| inner(0));
            first.join().unwrap();
        });
        SOURCE.check(|| outer(0));
    }
}
