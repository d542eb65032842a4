//! The life of a result, in a web service. `cargo run --manifest-path examples/api/Cargo.toml`, and
//! the README beside this has requests to make.

mod carts;
mod check;
mod failure;
mod history;
mod pool;
mod rates;
mod routes;
#[cfg(test)]
mod tests;
mod tokens;
mod users;

use std::env;
use std::io;

use tokio::net::TcpListener;

/// Serves until Ctrl-C; `--check` makes some requests instead and ends, and a number is the port.
#[tokio::main]
async fn main() -> io::Result<()> {
    let argument = env::args().nth(1);
    let result = match argument.as_deref() {
        Some("--check") => check::run().await,
        port => serve(port.unwrap_or("3000")).await,
    };
    // The process does not release resources at its end: the database is a file that nobody needs.
    pool::pool::clear();
    result
}

async fn serve(port: &str) -> io::Result<()> {
    let port = port.parse().map_err(|_| io::Error::other(format!("`{port}` is no port")))?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stopped = async {
        // Without a way to hear of Ctrl-C it ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, routes::routes()).with_graceful_shutdown(stopped).await
}
