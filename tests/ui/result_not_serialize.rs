use memo::memo;

struct Row;

#[memo]
fn rows(table: u32) -> Vec<Row> {
    let _ = table;
    vec![]
}

trait Table {
    async fn rows(&self) -> Result<Vec<Row>, String>;
}

impl Table for u32 {
    #[memo(in_trait)]
    async fn rows(&self) -> Result<Vec<Row>, String> {
        Ok(vec![])
    }
}

#[memo]
fn digest(text: &str) -> [u8; 64] {
    let _ = text;
    [0; 64]
}

fn main() {}
