//! Turns the last benchmark run into a table and a chart, or a page with such tables into a chart.
//!
//! `cargo run --release --bin report -- TABLE.md CHART.svg`
//! `cargo run --release --bin report -- --chart PAGE.md CHART.svg`

mod chart;
mod page;
mod run;
mod table;

use std::process::ExitCode;
use std::{env, fs, io};

use memo_benches::criterion_home;

use crate::run::Run;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let written = match arguments[..] {
        ["--chart", page, chart] => fs::read_to_string(page).and_then(|page| draw(&page, chart)),
        [table, chart] => report(table, chart),
        _ => {
            eprintln!("usage: report TABLE.md CHART.svg\n       report --chart PAGE.md CHART.svg");
            return ExitCode::FAILURE;
        }
    };
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("no report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report(table: &str, chart: &str) -> io::Result<()> {
    let home = criterion_home();
    let run = Run::read(&home).map_err(|error| {
        io::Error::new(error.kind(), format!("the run in {}: {error}", home.display()))
    })?;
    let page = table::markdown(&run);
    fs::write(table, &page)?;
    draw(&page, chart)
}

fn draw(page: &str, chart: &str) -> io::Result<()> {
    fs::write(chart, chart::svg(&page::rows(page)?))
}
