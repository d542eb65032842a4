//! Some requests to a server that is started for them, as a client makes them.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

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
    println!("a token is asked for once:");
    let first = ask(server, "GET /tokens/web", "", 200).await?;
    assert_eq!(ask(server, "GET /tokens/web", "", 200).await?, first);
    ask(server, "GET /tokens/nobody", "", 404).await?;

    println!("what is cached outlives the bank, and what is not fails:");
    let rate = ask(server, "GET /rates/USD", "", 200).await?;
    ask(server, "POST /bank/down", "", 204).await?;
    assert_eq!(ask(server, "GET /rates/USD", "", 200).await?, rate);
    ask(server, "GET /rates/GBP", "", 503).await?;
    ask(server, "POST /bank/up", "", 204).await?;
    ask(server, "GET /rates/GBP", "", 200).await?;

    println!("an archive is asked once, though clients give up before it answers:");
    ask(server, "GET /history/USD", "", 503).await?;
    ask(server, "GET /history/USD", "", 503).await?;
    // More than enough for one answer, and by itself for none that began anew with each client.
    sleep(Duration::from_secs(1)).await;
    assert!(ask(server, "GET /history/USD", "", 200).await?.contains("\"answer\":1"));

    println!("a user who was missing is found as soon as there is one:");
    ask(server, "GET /users/4", "", 404).await?;
    ask(server, "PUT /users/4", "Barbara", 204).await?;
    assert!(ask(server, "GET /users/4", "", 200).await?.contains("Barbara"));
    assert!(ask(server, "GET /users/4?fresh=true", "", 200).await?.contains("Barbara"));

    println!("each user has a cart, which nobody else sees, and which ends with the login:");
    for user in ["ada", "bob"] {
        ask(server, &format!("POST /logins/{user}"), "", 204).await?;
        ask_as(server, user, &format!("POST /cart/{user}s-book"), 204).await?;
    }
    for user in ["ada", "bob", "ada", "bob"] {
        let cart = ask_as(server, user, "GET /cart", 200).await?;
        assert!(cart.contains(&format!("{user}s-book")), "{user} has {cart}");
    }
    ask(server, "DELETE /logins/ada", "", 204).await?;
    ask_as(server, "ada", "GET /cart", 401).await?;

    println!("and this is what was counted:");
    let report = ask(server, "GET /stats", "", 200).await?;
    for function in ["token", "rate", "history", "user", "pool", "cart"] {
        assert!(report.contains(function), "{function} is not in the report");
    }

    println!("which a monitoring system reads as this:");
    let text = ask(server, "GET /metrics", "", 200).await?;
    let misses = r#"memo_misses_total{function="api::rates::rate",kind="memo"} 3"#;
    assert!(text.lines().any(|line| line == misses), "{misses} is not in the text");
    assert!(text.ends_with("# EOF\n"));
    Ok(())
}

/// Returns the body of an answer that has the status.
async fn ask(server: SocketAddr, request: &str, body: &str, expected: u16) -> io::Result<String> {
    send(server, request, "nobody", body, expected).await
}

/// The same, to a request with a user's cookie.
async fn ask_as(
    server: SocketAddr,
    user: &str,
    request: &str,
    expected: u16,
) -> io::Result<String> {
    send(server, request, user, "", expected).await
}

async fn send(
    server: SocketAddr,
    request: &str,
    user: &str,
    body: &str,
    expected: u16,
) -> io::Result<String> {
    let mut stream = TcpStream::connect(server).await?;
    let head = format!("{request} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n");
    let head = format!("{head}Cookie: token={user}\r\n");
    let length = body.len();
    let whole = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(whole.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    println!("    {request:<28}  {status}  {}", body.replace('\n', "\n        "));
    assert_eq!(status, expected.to_string(), "{request}");
    Ok(body.to_owned())
}
