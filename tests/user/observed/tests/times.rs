//! Which computation times are kept for the next publication: a process of its own, as any publication
//! takes them.

use metrics_exporter_prometheus::PrometheusBuilder;

fn number(text: &str, name: &str) -> Option<u64> {
    let sample = format!("{name}{{function=\"observed::double\",kind=\"memo\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&sample))?.parse().ok()
}

#[memo::memo(name = "observed::double")]
fn double(x: u64) -> u64 {
    2 * x
}

fn call(numbers: std::ops::Range<u64>) {
    assert!(numbers.into_iter().all(|x| double(x) == 2 * x));
}

#[test]
fn times_are_kept_from_the_first_publication_on_and_so_many_and_no_more() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let publish = || metrics::with_local_recorder(&recorder, memo::metrics::publish);
    let shown = || {
        let text = recorder.handle().render();
        let names =
            ["memo_misses_total", "memo_compute_seconds_count", "memo_compute_dropped_total"];
        names.map(|name| number(&text, name).unwrap())
    };

    call(0..10);
    publish();
    assert_eq!(shown(), [10, 0, 0]);
    call(10..1034);
    publish();
    assert_eq!(shown(), [1034, 1024, 0]);
    call(1034..2064);
    publish();
    assert_eq!(shown(), [2064, 2048, 6]);
    publish();
    assert_eq!(shown(), [2064, 2048, 6]);
}
