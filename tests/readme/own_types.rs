use memo::memo;
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Query<'a> {
    table: &'a str,
    limit: usize,
}

#[derive(Serialize, Deserialize)]
struct Row {
    id: u64,
    name: String,
}

#[memo]
fn rows(query: &Query<'_>) -> Vec<Row> {
    let row = |id| Row { id, name: format!("{} {id}", query.table) };
    (0..query.limit as u64).map(row).collect()
}
