use memo::memo;

struct Row;

#[memo]
fn rows(table: u32) -> Vec<Row> {
    let _ = table;
    vec![]
}

fn main() {}
