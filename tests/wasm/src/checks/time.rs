use std::time::Duration;

use memo::memo;

pub(super) fn a_result_is_not_served_after_its_ttl() {
    #[memo(ttl = "50ms")]
    fn young(x: u64) -> u64 {
        x
    }
    // Once more, if the machine took as long between two calls.
    while young::stats().hits == 0 {
        young(1);
        young(1);
    }
    std::thread::sleep(Duration::from_millis(60));
    assert!(!young::contains(1));
    let misses = young::stats().misses;
    young(1);
    assert_eq!(young::stats().misses, misses + 1);
    assert!(young::stats().expirations > 0);
}

pub(super) fn a_clock_that_is_moved_makes_a_result_old() {
    #[memo(ttl = "1h")]
    fn old(x: u64) -> u64 {
        x
    }
    memo::isolated(|| {
        old(1);
        memo::advance(Duration::from_secs(3600));
        assert!(!old::contains(1) && old::stats().expirations == 1);
    });
}
