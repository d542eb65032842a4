//! Statistics of a CSV file, computed again when it changes.
//! `cargo run -p table -- FILE.csv`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs, process};

use memo::{memo, File};
use serde::{Deserialize, Serialize};

const PENGUINS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/penguins.csv");

#[derive(Serialize, Deserialize)]
struct Summary {
    column: String,
    count: usize,
    mean: f64,
    deviation: f64,
    /// Minimum, lower quartile, median, upper quartile, maximum.
    quartiles: [f64; 5],
}

/// The key is the file as it is now: an edit changes its time or its length. To ask for these takes
/// microseconds; a hash of the content would read the whole file at every call.
#[memo]
fn summarize(file: &File) -> Result<Vec<Summary>, csv::Error> {
    println!("    reading {} bytes", file.len());
    let mut reader = csv::Reader::from_path(file)?;
    let headers = reader.headers()?.clone();
    // `None` marks a column in which something is not a number.
    let mut columns = vec![Some(Vec::new()); headers.len()];
    for record in reader.records() {
        for (column, field) in columns.iter_mut().zip(&record?) {
            if !matches!(field, "" | "NA") {
                match (field.parse(), &mut *column) {
                    (Ok(number), Some(numbers)) => numbers.push(number),
                    _ => *column = None,
                }
            }
        }
    }
    Ok(headers
        .iter()
        .zip(columns)
        .filter_map(|(name, column)| Summary::of(name, column?))
        .collect())
}

impl Summary {
    fn of(column: &str, mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        let last = numbers.len().checked_sub(1)?;
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let squares: f64 = numbers.iter().map(|number| (number - mean).powi(2)).sum();
        let quartiles = [0.0, 0.25, 0.5, 0.75, 1.0].map(|fraction| {
            let position = fraction * last as f64;
            let (below, above) =
                (numbers[position.floor() as usize], numbers[position.ceil() as usize]);
            below + (above - below) * position.fract()
        });
        Some(Self {
            column: column.to_owned(),
            count: numbers.len(),
            mean,
            deviation: (squares / (count - 1.0)).sqrt(),
            quartiles,
        })
    }
}

fn ask(label: &str, path: &Path) -> Result<Vec<Summary>, Box<dyn Error>> {
    let start = Instant::now();
    let summaries = summarize(&File::new(path)?)?;
    println!("{label}: {:?}", start.elapsed());
    Ok(summaries)
}

fn print(summaries: &[Summary]) {
    println!(
        "\n{:<20}{:>7}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "column", "count", "mean", "std", "min", "25%", "50%", "75%", "max"
    );
    for Summary { column, count, mean, deviation, quartiles } in summaries {
        print!("{column:<20}{count:>7}{mean:>10.2}{deviation:>10.2}");
        for quartile in quartiles {
            print!("{quartile:>10.2}");
        }
        println!();
    }
    println!();
}

fn drop_last_row(path: &Path) -> Result<(), csv::Error> {
    let mut reader = csv::Reader::from_path(path)?;
    let headers = reader.headers()?.clone();
    let rows = reader.records().collect::<Result<Vec<_>, _>>()?;
    let mut writer = csv::Writer::from_path(path)?;
    writer.write_record(&headers)?;
    for row in rows.iter().take(rows.len().saturating_sub(1)) {
        writer.write_record(row)?;
    }
    Ok(writer.flush()?)
}

fn demonstrate(path: &Path) -> Result<(), Box<dyn Error>> {
    let summaries = ask("computed", path)?;
    ask("from the cache", path)?;
    print(&summaries);

    drop_last_row(path)?;
    let summaries = ask("without the last row: another file, computed", path)?;
    ask("from the cache", path)?;
    print(&summaries);
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let source = env::args_os().nth(1).map_or_else(|| PENGUINS.into(), PathBuf::from);
    // A copy, because the example edits it.
    let copy = env::temp_dir().join(format!("memo-table-{}.csv", process::id()));
    fs::copy(&source, &copy).map_err(|error| format!("{}: {error}", source.display()))?;
    let outcome = demonstrate(&copy);
    fs::remove_file(&copy)?;
    outcome
}
