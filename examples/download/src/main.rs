//! A download that is remembered for a while, from a small server of its own or the URL given as
//! argument: `cargo run --manifest-path examples/download/Cargo.toml -- URL`

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use memo::memo;

/// Requests that the server of this program has seen.
static SERVED: AtomicUsize = AtomicUsize::new(0);
/// For so long an answer is as good as a new one.
const FRESH: Duration = Duration::from_secs(2);

#[memo(ttl = FRESH, max_bytes = "16 MiB")]
fn download(url: &str) -> Result<String, ureq::Error> {
    println!("    GET {url}");
    let request = ureq::get(url).config().timeout_global(Some(Duration::from_secs(10))).build();
    request.call()?.body_mut().read_to_string()
}

fn ask(url: &str) {
    let start = Instant::now();
    match download(url) {
        Ok(body) => println!("{} bytes in {:?}", body.len(), start.elapsed()),
        Err(error) => println!("{error} in {:?}", start.elapsed()),
    }
    match SERVED.load(Ordering::Relaxed) {
        0 => {} // Another server was asked.
        requests => println!("    requests that the server has seen: {requests}"),
    }
}

fn start_server() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming() {
            if let Err(error) = stream.and_then(serve) {
                eprintln!("server: {error}");
            }
        }
    });
    Ok(address)
}

/// Refuses the first request, to show that a failure is not remembered.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    for line in BufReader::new(&stream).lines() {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match SERVED.fetch_add(1, Ordering::Relaxed) {
        0 => ("503 Service Unavailable", String::new()),
        earlier => ("200 OK", format!("answer number {}\n", earlier + 1)),
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn main() -> Result<(), Box<dyn Error>> {
    let url = match std::env::args().nth(1) {
        Some(url) => url,
        None => format!("http://{}/", start_server()?),
    };

    println!("four calls in a row");
    for _ in 0..4 {
        ask(&url);
    }
    println!("two calls {FRESH:?} later");
    thread::sleep(FRESH);
    for _ in 0..2 {
        ask(&url);
    }

    let stats = download::stats();
    println!("{} from the cache, {} asked of the server", stats.hits, stats.misses);
    Ok(())
}
