//! Turns the last benchmark run into a table and a chart.
//!
//! `cargo run --release --bin report -- TABLE.md CHART.svg`

mod chart;
mod run;
mod table;

use std::process::ExitCode;
use std::{env, fs};

use memo_benches::criterion_home;

use crate::run::Run;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [table, chart] = arguments.as_slice() else {
        eprintln!("usage: report TABLE.md CHART.svg");
        return ExitCode::FAILURE;
    };
    let home = criterion_home();
    let written = Run::read(&home).and_then(|run| {
        fs::write(table, table::markdown(&run))?;
        fs::write(chart, chart::svg(&run))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no report of the run in {}: {error}", home.display());
            ExitCode::FAILURE
        }
    }
}
