use memo::singleton;

struct Pool;
struct AppError;
type AppResult<T> = Result<T, AppError>;
type Connected = std::io::Result<Pool>;

#[singleton]
fn pool() -> AppResult<Pool> {
    Ok(Pool)
}

#[singleton]
async fn connected() -> Connected {
    Ok(Pool)
}

fn main() {}
