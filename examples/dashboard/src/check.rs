//! Some requests to a server that is started for them, as a client makes them.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::routes::routes;

pub async fn run() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let server = listener.local_addr()?;
    let serving = tokio::spawn(async { axum::serve(listener, routes()).await });
    let result = requests(server).await;
    serving.abort();
    result
}

async fn requests(server: SocketAddr) -> io::Result<()> {
    println!("a page is computed once:");
    has(&ask(server, "GET /?page=2", "", 200).await?, "computed in");
    has(&ask(server, "GET /?page=2", "", 200).await?, "from the cache");
    has(&ask(server, "GET /explain?page=2", "", 200).await?, "answers with what it computed");

    println!("so is a square, until it is cleared:");
    has(&ask(server, "GET /square?x=12", "", 200).await?, "computed in");
    has(&ask(server, "GET /square?x=12", "", 200).await?, "from the cache");
    ask(server, "POST /clear/square", "", 303).await?;
    has(&ask(server, "GET /square?x=12", "", 200).await?, "computed in");
    has(&ask(server, "GET /?page=2", "", 200).await?, "from the cache");

    println!("everything is cleared at once:");
    ask(server, "POST /clear/all", "", 303).await?;
    has(&ask(server, "GET /explain?page=2", "", 200).await?, "was cleared");
    has(&ask(server, "GET /?page=2", "", 200).await?, "computed in");

    println!("but not by other pages in the same browser, nor under other names:");
    ask(server, "POST /clear/all", "Origin: http://evil.example\r\n", 403).await?;
    ask(server, "POST /clear/all", "Sec-Fetch-Site: cross-site\r\n", 403).await?;
    ask(server, "GET /clear/all", "", 405).await?;
    ask(server, "GET http://evil.example/", "", 421).await?;
    ask(server, "GET /?page=0", "", 400).await?;

    println!("and this is what was counted:");
    let live = ask(server, "GET /live", "", 200).await?;
    for part in ["\"hits\":3", "dashboard::data::square", "\"what\":\"cleared\""] {
        has(&live, part);
    }
    let text = ask(server, "GET /metrics", "", 200).await?;
    has(&text, "memo_hits_total{function=\"dashboard::data::get_page\",kind=\"memo\"} 2\n");
    assert!(text.ends_with("# EOF\n"));
    Ok(())
}

fn has(body: &str, part: &str) {
    assert!(body.contains(part), "{part} is not in {body}");
}

/// Returns the body of an answer that has the status.
async fn ask(server: SocketAddr, request: &str, header: &str, expected: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let head = format!("{request} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n{header}");
    let head = format!("{head}Content-Length: 0\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    println!("    {request:<28}  {status}  {}", header.trim_end());
    assert_eq!(status, expected.to_string(), "{request}");
    Ok(body.to_owned())
}
