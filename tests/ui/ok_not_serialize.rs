use memo::memo;

struct Row;

#[memo]
fn row(table: u32) -> Result<Row, String> {
    Err(table.to_string())
}

fn main() {}
