//! The app and a browser, each started for one test and ended with it.

use std::future::Future;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use std::{env, fs, process};

use axum::http::Method;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{json, Value};
use url::Url;

/// How long a condition may take to come true: more than a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a test, and ends the browser however that ends.
pub async fn in_browser<F>(test: impl FnOnce(Browser) -> F)
where
    F: Future<Output = Result<(), CmdError>> + Send + 'static,
{
    let server = Server::start();
    let profile = Profile::new();
    let mut driver = Command::new("chromedriver");
    // What it leaves behind goes with the profile.
    driver.arg("--port=0").env("TMPDIR", &profile.0);
    let (driver, port) = started(&mut driver, "successfully on port ");
    let flags = [
        "--headless".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--hide-scrollbars".to_owned(),
        format!("--user-data-dir={}", profile.0.display()),
    ];
    let capabilities = json!({
        "goog:chromeOptions": { "args": flags },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    let Value::Object(capabilities) = capabilities else { unreachable!() };
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities)
        .connect(&format!("http://localhost:{port}"))
        .await
        .expect("chromedriver starts chromium");
    let browser = Browser { client: client.clone(), server };
    let result = tokio::spawn(test(browser)).await;
    // It would outlive the driver.
    let _ = client.close().await;
    drop(driver);
    result.expect("the test passes").expect("the driver does what it is told");
}

pub struct Browser {
    client: Client,
    server: Server,
}

impl Browser {
    pub fn server(&self) -> &Server {
        &self.server
    }

    pub async fn open(&self, path: &str) -> Result<(), CmdError> {
        self.client.goto(&self.server.url(path)).await
    }

    /// Opens a page that is not the app's. Under its own name, it is of another site to the browser.
    pub async fn open_elsewhere(&self, html: &str) -> Result<(), CmdError> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n";
        let answer = format!("{head}Content-Length: {}\r\n\r\n{html}", html.len());
        // It is asked for an icon as well, and has nothing but the page: it ends with the tests.
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                // A browser may open a connection and ask nothing.
                let answer = answer.clone();
                std::thread::spawn(move || {
                    if stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                        let _ = stream.write_all(answer.as_bytes());
                    }
                });
            }
        });
        self.client.goto(&url).await
    }

    pub async fn refresh(&self) -> Result<(), CmdError> {
        self.client.refresh().await
    }

    pub async fn back(&self) -> Result<(), CmdError> {
        self.client.back().await
    }

    pub async fn run(&self, script: &str) -> Result<Value, CmdError> {
        self.client.execute(script, Vec::new()).await
    }

    /// Waits until an expression is true, in which `text` is the text of the element with an id.
    pub async fn until(&self, condition: &str) -> Result<(), CmdError> {
        let text =
            "const text = (id) => document.getElementById(id).textContent.replace(/\\s+/g, ' ')";
        let script = format!("{text}; return Boolean({condition})");
        let begin = Instant::now();
        // A page that is just being loaded has nothing yet.
        while self.run(&script).await.ok() != Some(Value::Bool(true)) {
            if begin.elapsed() > PATIENCE {
                let body = self.run("return document.body.innerText").await?;
                panic!("{condition} is not so: {}", body.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        Ok(())
    }

    pub async fn click(&self, selector: &str) -> Result<(), CmdError> {
        self.client.find(Locator::Css(selector)).await?.click().await
    }

    pub async fn press(&self, key: Key) -> Result<(), CmdError> {
        self.client.active_element().await?.send_keys(&char::from(key).to_string()).await
    }

    /// Replaces what is in the field that has the focus.
    pub async fn write(&self, text: &str) -> Result<(), CmdError> {
        self.run("document.activeElement.select()").await?;
        self.client.active_element().await?.send_keys(text).await
    }

    /// Goes on with the key Tab until it is there.
    pub async fn tab_to(&self, condition: &str) -> Result<(), CmdError> {
        for _ in 0..60 {
            if self.run(&format!("return {condition}")).await? == Value::Bool(true) {
                return Ok(());
            }
            self.press(Key::Tab).await?;
        }
        panic!("the key Tab does not lead to where {condition}");
    }

    pub async fn desk(&self, scheme: &str) -> Result<(), CmdError> {
        self.sized(1280, 900, scheme).await
    }

    pub async fn sized(&self, width: u32, height: u32, scheme: &str) -> Result<(), CmdError> {
        let size = json!({
            "width": width,
            "height": height,
            "deviceScaleFactor": 1,
            "mobile": width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await?;
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            // What is looked at has come to rest.
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await
    }

    pub async fn without_scripts(&self) -> Result<(), CmdError> {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await
    }

    pub async fn picture(&self, file: &Path) -> Result<(), CmdError> {
        let png = self.client.screenshot().await?;
        fs::write(file, png).expect("pictures can be written where they are to go");
        Ok(())
    }

    /// What the console has, warnings included.
    pub async fn has_no_errors(&self) -> Result<(), CmdError> {
        let log = Post { path: "se/log", body: json!({ "type": "browser" }) };
        let log = self.client.issue_cmd(log).await?;
        assert_eq!(log, json!([]));
        Ok(())
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Result<(), CmdError> {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.issue_cmd(Post { path: "goog/cdp/execute", body }).await?;
        Ok(())
    }
}

/// A command that chromedriver has and the standard has not.
#[derive(Debug)]
struct Post {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Post {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

pub struct Server {
    _process: Process,
    port: u16,
}

impl Server {
    fn start() -> Self {
        let mut app = Command::new(env!("CARGO_BIN_EXE_dashboard"));
        let (process, port) = started(app.arg("0"), "127.0.0.1:");
        Self { _process: process, port }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = "Host: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        write!(stream, "{request} HTTP/1.1\r\n{head}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub fn metric(&self, name: &str, function: &str) -> Option<u64> {
        let answer = self.ask("GET /metrics");
        let start = format!("{name}{{function=\"dashboard::data::{function}\",kind=\"memo\"}} ");
        answer.lines().find_map(|line| line.strip_prefix(&start))?.trim().parse().ok()
    }
}

/// Ends with its owner.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a program, and returns it with the port that it says to have after some words.
fn started(program: &mut Command, words: &str) -> (Process, u16) {
    let child = program.stdout(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{program:?} does not start: {error}"));
    let mut process = Process(child);
    let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let (_, port) = line.rsplit_once(words)?;
        port.trim_end_matches('.').parse().ok()
    });
    // What it prints later must go somewhere.
    std::thread::spawn(move || lines.for_each(drop));
    (process, port.unwrap_or_else(|| panic!("{program:?} says no port")))
}

/// An empty directory, which is deleted in the end.
struct Profile(PathBuf);

impl Profile {
    fn new() -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let number = MADE.fetch_add(1, Relaxed);
        let name = format!("memo-dashboard-{}-{number}", process::id());
        let directory = env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        Self(directory)
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
