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
use std::time::Duration;

use tokio::net::TcpListener;

use crate::arguments::{Arguments, USAGE};

/// How long requests that are under way when it is to end may take.
const PATIENCE: Duration = Duration::from_secs(3);

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
        Arguments::Help => {
            println!("{USAGE}");
            Ok(())
        }
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

/// Serves until Ctrl-C, and then answers what is under way. That may be half a request whose other half
/// never comes: a second Ctrl-C ends it at once, and a while after the first it ends anyway.
async fn serve(address: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| cannot_listen(address, &error))?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        eprintln!("warning: whoever reaches {address} can see the caches, and clear them");
    }
    println!("listening on http://{address}");
    let serving = axum::serve(listener, routes::routes()).with_graceful_shutdown(interrupted());
    let given_up = async {
        interrupted().await;
        // The time running out is no error: it ends for that as well.
        let _ = tokio::time::timeout(PATIENCE, interrupted()).await;
    };
    tokio::select! {
        result = serving => result,
        () = given_up => Ok(()),
    }
}

async fn interrupted() {
    // Without a way to hear of Ctrl-C it ends the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> io::Error {
    let cure = match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => {
            "\nAnother port may do: name one, or let `0` take a free one (`cargo run … -- 0`)."
        }
        _ => "",
    };
    io::Error::new(error.kind(), format!("cannot listen on {address}: {error}{cure}"))
}
