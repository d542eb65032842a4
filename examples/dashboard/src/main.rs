//! What the caches of a web app do, in the browser. `cargo run --manifest-path
//! examples/dashboard/Cargo.toml`, and the README beside this tells what is there to copy.

mod arguments;
mod check;
mod data;
mod events;
mod failure;
mod guard;
mod html;
mod live;
mod pool;
mod routes;
mod shell;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::net::TcpListener;

use crate::arguments::{Arguments, USAGE};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    events::watch();
    let result = match arguments {
        Arguments::Check => check::run().await,
        Arguments::Serve(address) => serve(address).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until Ctrl-C.
async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        eprintln!("warning: whoever reaches {address} can see the caches, and clear them");
    }
    println!("listening on http://{address}");
    let stopped = async {
        // Without a way to hear of Ctrl-C it ends the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    axum::serve(listener, routes::routes()).with_graceful_shutdown(stopped).await
}
