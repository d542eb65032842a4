use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};

/// Done once, when the program starts.
fn install() -> Result<PrometheusHandle, BuildError> {
    // Without buckets it has quantiles, which cannot be added up over processes.
    let exporter = PrometheusBuilder::new().set_buckets(&[0.01, 0.1, 1.0, 10.0])?;
    let exporter = exporter.install_recorder()?;
    // From here on times are kept.
    memo::metrics::publish();
    Ok(exporter)
}

/// What a scrape is answered with.
fn scrape(exporter: &PrometheusHandle) -> String {
    memo::metrics::publish();
    exporter.run_upkeep();
    exporter.render()
}
