//! The page in headless Chromium, as its users meet it.
//!
//! ```sh
//! cargo test --manifest-path examples/dashboard/Cargo.toml --test browser -- --ignored
//! ```
//!
//! With `DASHBOARD_SCREENSHOTS=directory`, pictures of it are put there as well.

mod driver;

use std::path::Path;
use std::time::Duration;

use fantoccini::error::CmdError;
use fantoccini::key::Key;

use crate::driver::{in_browser, Browser};

type Done = Result<(), CmdError>;

/// Whether what is shown of the totals is this.
fn totals(hits: u64, misses: u64) -> String {
    format!("text('hits') === '{hits}' && text('misses') === '{misses}'")
}

/// What a column of the report says of a function.
fn cell(function: &str, column: &str) -> String {
    let row = format!("[data-function='dashboard::data::{function}']");
    format!("document.querySelector(\"{row} [data-label='{column}']\")?.firstChild.textContent")
}

const SQUARE: &str = "#square-title ~ form button";

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_numbers_follow_what_is_clicked() {
    in_browser(|browser| async move {
        browser.desk("light").await?;
        browser.open("/?page_size=5&page=3").await?;
        browser.until("text('rows').includes('computed in')").await?;
        browser.until("document.querySelectorAll('#rows tbody tr').length === 5").await?;
        browser.until(&totals(0, 1)).await?;

        // The same page from the cache, in a page that is loaded anew.
        browser.open("/?page_size=5&page=3").await?;
        browser.until("text('rows').includes('from the cache')").await?;
        browser.until(&totals(1, 1)).await?;
        browser.until("text('said').includes('1 hit, 1 miss')").await?;

        // From here on nothing is loaded anew.
        browser.run("window.isSame = true").await?;
        browser.click("#next").await?;
        browser.until("location.search === '?page_size=5&page=4'").await?;
        browser.until("text('rows').includes('computed in')").await?;
        browser.click("#previous").await?;
        browser.until("text('rows').includes('from the cache')").await?;
        browser
            .until("document.querySelector('#rows-title ~ form [name=page]').value === '3'")
            .await?;
        browser.until(&totals(2, 2)).await?;
        browser.back().await?;
        browser.until("text('rows').includes('Page 4 of')").await?;
        browser.back().await?;
        browser.until("text('rows').includes('Page 3 of')").await?;
        browser.until(&totals(4, 2)).await?;

        browser.click(SQUARE).await?;
        browser
            .until("text('square').includes('144') && text('square').includes('computed in')")
            .await?;
        browser.click(SQUARE).await?;
        browser.until("text('square').includes('from the cache')").await?;
        browser.until(&totals(5, 3)).await?;
        browser.until(&format!("{} === '1 of 1,000'", cell("square", "Entries"))).await?;
        browser.until("parseFloat(text('saved')) > 0 && text('bytes') !== '0 B'").await?;

        browser.click("#clear-square").await?;
        browser.until("text('message').includes('square was cleared')").await?;
        browser.until(&format!("{} === '0 of 1,000'", cell("square", "Entries"))).await?;
        browser.until(&format!("{} === '2 of 20'", cell("get_page", "Entries"))).await?;
        browser.click(SQUARE).await?;
        browser.until("text('square').includes('computed in')").await?;
        browser.until(&totals(5, 4)).await?;

        browser.click("#clear-all").await?;
        browser.until("text('message').includes('All memo functions were cleared')").await?;
        for function in ["square", "get_page"] {
            let entries = format!("{} ?? ''", cell(function, "Entries"));
            browser.until(&format!("({entries}).startsWith('0')")).await?;
        }
        browser.until("text('bytes') === '0 B' && text('bytes-note') === 'no entries'").await?;
        browser.until("text('events').includes('cleared')").await?;
        browser.click("#again").await?;
        browser.until("text('rows').includes('computed in')").await?;
        browser.until(&totals(5, 5)).await?;
        browser.until("document.querySelectorAll('#calls .hit').length > 0").await?;
        browser.until("document.querySelectorAll('#calls .miss').length > 0").await?;

        browser.click("#explain-title ~ form button").await?;
        browser.until("text('explanation').includes('answers with what it computed')").await?;
        browser.until("window.isSame === true").await?;
        browser.has_no_errors().await?;

        // What is wrong is said where it was asked for.
        let field = "document.querySelector('#rows-title ~ form [name=page]')";
        browser.run(&format!("{field}.focus()")).await?;
        browser.write("9999").await?;
        browser.press(Key::Enter).await?;
        browser.until("document.querySelector('[role=alert] + #rows') !== null").await?;
        let problem = "document.querySelector('[role=alert]').textContent";
        browser.until(&format!("{problem}.includes('a whole number from 1 to 143')")).await?;
        browser.click("#next").await?;
        browser.until("document.querySelector('[role=alert]') === null").await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_keyboard_is_enough() {
    in_browser(|browser| async move {
        browser.desk("dark").await?;
        browser.open("/").await?;
        browser.until(&totals(0, 1)).await?;
        browser.press(Key::Tab).await?;
        browser.until("document.activeElement.className === 'skip'").await?;
        browser.until("document.activeElement.getBoundingClientRect().top >= 0").await?;

        browser.press(Key::Enter).await?;
        browser.until("document.activeElement.id === 'main'").await?;

        browser.tab_to("document.activeElement.id === 'next'").await?;
        browser.until("getComputedStyle(document.activeElement).outlineStyle === 'solid'").await?;
        browser.press(Key::Enter).await?;
        browser.until("text('rows').includes('Page 2 of')").await?;
        // It is a new element, and the focus is on it.
        browser.until("document.activeElement.id === 'next'").await?;
        browser.press(Key::Enter).await?;
        browser.until("text('rows').includes('Page 3 of')").await?;

        browser.tab_to("document.activeElement.name === 'x'").await?;
        browser.write("7").await?;
        browser.press(Key::Enter).await?;
        browser.until("text('square').includes('49')").await?;
        browser.until(&totals(0, 4)).await?;

        browser.tab_to("document.activeElement.id === 'clear-all'").await?;
        browser.press(Key::Enter).await?;
        browser.until("text('message').includes('All memo functions')").await?;
        browser.until("document.activeElement.id === 'clear-all'").await?;
        browser.until("text('bytes') === '0 B'").await?;
        browser.has_no_errors().await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn it_fits_a_phone_and_is_legible_by_day_and_night() {
    in_browser(|browser| async move {
        for scheme in ["light", "dark"] {
            for width in [320, 360, 390, 768, 1280] {
                browser.sized(width, 800, scheme).await?;
                browser.open("/?page_size=4").await?;
                browser.until("text('state').startsWith('live')").await?;
                browser.click(SQUARE).await?;
                browser.until("text('square').includes('144')").await?;
                browser.click("#explain-title ~ form button").await?;
                browser.until("text('explanation').includes('get_page')").await?;
                browser.until(&format!("document.documentElement.scrollWidth <= {width}")).await?;
                let pale = browser.run(include_str!("contrast.js")).await?;
                assert_eq!(pale, serde_json::json!([]), "{width} {scheme}");
            }
        }
        let ground = "return getComputedStyle(document.body).backgroundColor";
        browser.desk("light").await?;
        let light = browser.run(ground).await?;
        browser.desk("dark").await?;
        assert_ne!(browser.run(ground).await?, light);
        browser.has_no_errors().await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn it_works_without_scripts() {
    in_browser(|browser| async move {
        browser.desk("light").await?;
        browser.without_scripts().await?;
        browser.open("/").await?;
        browser.until("text('rows').includes('computed in')").await?;
        browser.click("#next").await?;
        browser.until("location.search === '?page_size=10&page=2'").await?;
        browser.until("text('rows').includes('Page 2 of')").await?;
        browser.click(SQUARE).await?;
        browser.until("location.pathname === '/square' && text('square').includes('144')").await?;
        let entries = browser.server().metric("memo_entries", "square");
        assert_eq!(entries, Some(1));
        browser.click("#clear-all").await?;
        browser.until("location.pathname === '/cleared/all'").await?;
        browser.until("text('message').includes('All memo functions')").await?;
        browser.until("document.querySelector('pre.report').innerText.includes('hits')").await?;
        let entries = browser.server().metric("memo_entries", "square");
        assert_eq!(entries, Some(0));
        browser.has_no_errors().await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_page_elsewhere_may_link_here_and_no_more() {
    in_browser(|browser| async move {
        browser.desk("light").await?;
        let server = browser.server();
        let [front, square, page] = ["/", "/square?x=77", "/?page=7"].map(|path| server.url(path));
        let html = format!(
            "<iframe src='{square}'></iframe><iframe src='{front}'></iframe><img src='{square}'> \
             <form method='post' \
             action='{}'><button>Clear</button></form><a id='front' href='{front}'>Front</a> \
             <a id='page' href='{page}'>Page</a>",
            server.url("/clear/all"),
        );
        // A page is there when its frames and images are, or are refused.
        browser.open_elsewhere(&html).await?;
        browser.click("#page").await?;
        browser.until("text('failure').includes('own page')").await?;
        browser.open_elsewhere(&html).await?;
        browser.click("button").await?;
        browser.until("text('failure').includes('own page')").await?;
        assert_eq!(browser.server().metric("memo_misses_total", "square"), None);
        assert_eq!(browser.server().metric("memo_misses_total", "get_page"), None);

        browser.open_elsewhere(&html).await?;
        browser.click("#front").await?;
        browser.until("text('rows').includes('Page 1 of')").await?;
        // From there on it is as if nobody had linked.
        browser.click("#next").await?;
        browser.until("text('rows').includes('Page 2 of')").await?;
        browser.refresh().await?;
        browser
            .until("text('rows').includes('Page 2 of') && text('rows').includes('cache')")
            .await?;
        assert_eq!(browser.server().metric("memo_misses_total", "square"), None);
        Ok(())
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn its_pictures_are_taken() {
    let Some(directory) = std::env::var_os("DASHBOARD_SCREENSHOTS") else { return };
    in_browser(|browser| async move {
        browser.desk("light").await?;
        browser.open("/?page_size=5").await?;
        traffic(&browser).await?;
        browser.click("#again").await?;
        browser.until("text('rows').includes('from the cache')").await?;
        browser.click("#explain-title ~ form button").await?;
        browser.until("text('explanation').includes('get_page')").await?;
        browser.click("#clear-square").await?;
        browser.until("text('message').includes('square was cleared')").await?;
        browser.click(SQUARE).await?;
        browser.until("text('square').includes('computed in')").await?;
        // The pointer is on nothing, and nothing has the focus.
        browser.click("h1").await?;
        browser.run("document.activeElement.blur()").await?;
        browser.until("text('events').includes('stored')").await?;
        for (file, width, height, scheme) in [
            ("dashboard-desk.png", 1280, 960, "light"),
            ("dashboard-desk-dark.png", 1280, 960, "dark"),
            ("dashboard-phone.png", 390, 844, "dark"),
            ("dashboard-phone-light.png", 390, 844, "light"),
        ] {
            browser.sized(width, height, scheme).await?;
            browser.run("scrollTo(0, 0)").await?;
            // Drawn for this size.
            let chart = "document.querySelector('#calls')";
            let drawn = format!("{chart}.viewBox.baseVal.width === {chart}.clientWidth");
            browser.until(&drawn).await?;
            browser.picture(&Path::new(&directory).join(file)).await?;
        }
        browser.has_no_errors().await
    })
    .await;
}

/// Most calls are for few of the pages, and a while ago everything was cleared.
async fn traffic(browser: &Browser) -> Done {
    let mut random = 7_u32;
    for second in 0..58 {
        for _ in 0..[1, 3, 2, 5, 4, 2, 7, 3, 1, 2, 6, 4, 3][second % 13] {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (few, many) = ((random >> 16) % 4, 1 + (random >> 20) % 24);
            let page = if few < 3 { 1 + many % 5 } else { many };
            if few == 1 && many % 2 == 0 {
                browser.server().ask(&format!("GET /square?x={}", page % 4 + 11));
            } else {
                browser.server().ask(&format!("GET /?page_size=5&page={page}"));
            }
        }
        if second == 33 {
            browser.server().ask("POST /clear/all");
        }
        tokio::time::sleep(Duration::from_millis(960)).await;
    }
    Ok(())
}
