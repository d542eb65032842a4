use memo::memo;

#[derive(serde::Serialize, serde::Deserialize)]
struct Country {
    code: Option<&'static str>,
}

#[memo]
fn country(_id: u32) -> Result<Vec<Country>, String> {
    Ok(vec![Country { code: Some("de") }])
}

fn main() {
    let _ = country(1);
}
