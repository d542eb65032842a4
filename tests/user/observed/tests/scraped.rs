//! What a program publishes, read over HTTP from an exporter that is not memo's.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};

use metrics_exporter_prometheus::PrometheusBuilder;

/// Starts an exporter on a free port.
fn start() -> SocketAddr {
    for _ in 0..20 {
        // The exporter does not say which port it was given. Another program may be faster.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let exporter = PrometheusBuilder::new()
            .with_http_listener(address)
            .with_recommended_naming(true)
            .set_buckets(&[1e-3, 1.0])
            .unwrap();
        if exporter.install().is_ok() {
            return address;
        }
    }
    panic!("no port is free");
}

fn scrape(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer
}

/// The number of a series of `square`.
fn square(answer: &str, name: &str, bucket: &str) -> Option<f64> {
    let labels = "{function=\"observed::square\",kind=\"memo\"";
    let sample = format!("{name}{labels}{bucket}}} ");
    let mut numbers = answer.lines().filter_map(|line| line.strip_prefix(&sample));
    let number = numbers.next().map(|number| number.parse().unwrap());
    assert!(numbers.next().is_none(), "{sample} is there twice");
    number
}

#[test]
fn a_scrape_has_the_numbers_of_the_last_publication() {
    let exporter = start();
    memo::metrics::publish();
    observed::work();
    memo::metrics::publish();

    let answer = scrape(exporter);
    assert_eq!(square(&answer, "memo_misses_total", ""), Some(3.0), "{answer}");
    assert_eq!(square(&answer, "memo_max_entries", ""), Some(2.0));
    assert_eq!(square(&answer, "memo_max_bytes", ""), Some(1_048_576.0));
    assert_eq!(square(&answer, "memo_ttl_seconds", ""), Some(5400.0));
    assert_eq!(square(&answer, "memo_compute_seconds_count", ""), Some(3.0));
    assert_eq!(square(&answer, "memo_compute_seconds_bucket", ",le=\"+Inf\""), Some(3.0));
    assert_eq!(square(&answer, "memo_compute_dropped_total", ""), Some(0.0));
    for metadata in [
        "# TYPE memo_hits_total counter",
        "# HELP memo_hits_total Calls answered without running the body.",
        "# TYPE memo_bytes gauge",
        "# TYPE memo_ttl_seconds gauge",
        "# TYPE memo_compute_seconds histogram",
    ] {
        assert!(answer.contains(metadata), "{metadata} is not in {answer}");
    }

    // Both ways show the same series under the same names.
    let both = |line: &&str| line.starts_with("memo_") && !line.starts_with("memo_compute_");
    let name = |line: &str| line.split(['{', ' ']).next().unwrap().to_owned();
    let text = memo::openmetrics();
    let shown: std::collections::BTreeSet<_> = text.lines().filter(both).map(name).collect();
    let scraped: std::collections::BTreeSet<_> = answer.lines().filter(both).map(name).collect();
    assert_eq!(shown, scraped);

    // Nothing is counted twice.
    memo::metrics::publish();
    let answer = scrape(exporter);
    assert_eq!(square(&answer, "memo_misses_total", ""), Some(3.0));
    assert_eq!(square(&answer, "memo_compute_seconds_count", ""), Some(3.0));
    observed::square(4);
    memo::metrics::publish();
    let answer = scrape(exporter);
    assert_eq!(square(&answer, "memo_misses_total", ""), Some(4.0));
    assert_eq!(square(&answer, "memo_compute_seconds_count", ""), Some(4.0));
}
