//! Prints what a scrape of this program would be answered with.

fn main() {
    observed::work();
    print!("{}", memo::openmetrics());
}
