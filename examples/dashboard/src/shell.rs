//! The page, with what was asked for filled in. It works without scripts; with them, `page.js` asks for
//! the same pages and takes out of them the one part that it needs.

use std::fmt::Write;
use std::time::Duration;

use axum::response::Html;
use memo::Explanation;

use crate::data::{Answer, Row};
use crate::html::{escape, fill, sentence};

/// Everything that a request may have asked for.
#[derive(Debug, Default)]
pub struct Shell {
    pub message: Option<&'static str>,
    pub rows: Option<Rows>,
    pub square: Option<(i32, Answer<i64>)>,
    pub explanation: Option<(Place, Explanation)>,
}

/// Which page of rows.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub page_size: u32,
    pub page: u32,
    pub pages: u32,
}

#[derive(Debug)]
pub struct Rows {
    pub place: Place,
    pub of: u32,
    pub answer: Answer<Vec<Row>>,
}

impl Shell {
    pub fn render(&self) -> Html<String> {
        let shown = self.rows.as_ref().map(|rows| rows.place);
        let explained = self.explanation.as_ref().map(|(place, _)| *place).or(shown);
        let [page_size, page] = numbers(shown);
        let [explained_page_size, explained_page] = numbers(explained);
        let message = self.message.map(sentence).unwrap_or_default();
        let square = self.square.as_ref();
        let x = square.map_or(12, |(x, _)| *x).to_string();
        let square = square.map_or_else(
            || String::from("<p class=\"hint\">Its body takes a quarter of a second.</p>"),
            |(x, answer)| {
                let root = if *x < 0 { format!("({x})") } else { x.to_string() };
                let value = answer.value;
                let badge = badge(answer);
                format!("<p class=\"result\"><strong>{root}² = {value}</strong> {badge}</p>")
            },
        );
        let explanation = self.explanation.as_ref().map_or_else(
            || String::from("<p class=\"hint\">Looks, and neither computes nor counts.</p>"),
            |(_, explanation)| {
                let (text, why) = (explanation.to_string(), explanation.why());
                let why = escape(&format!("{why:?}"));
                format!("<p>{}.</p><p><code class=\"why\">{why}</code></p>", sentence(&text))
            },
        );
        let rows = self.rows.as_ref().map_or_else(no_rows, Rows::render);
        let report = escape(&memo::report().to_string());
        Html(fill(
            include_str!("../page/page.html"),
            &[
                ("message", &message),
                ("page_size", &page_size),
                ("page", &page),
                ("explained_page_size", &explained_page_size),
                ("explained_page", &explained_page),
                ("rows", &rows),
                ("x", &x),
                ("square", &square),
                ("explanation", &explanation),
                ("report", &report),
            ],
        ))
    }
}

fn numbers(place: Option<Place>) -> [String; 2] {
    place.map_or([10, 1], |place| [place.page_size, place.page]).map(|number| number.to_string())
}

fn no_rows() -> String {
    "<p class=\"hint\"><a class=\"part\" data-part=\"rows\" href=\"/\">Open the first page</a></p>"
        .to_owned()
}

impl Rows {
    fn render(&self) -> String {
        let Self { place, of, answer } = self;
        let Place { page_size, page, pages } = *place;
        let mut html = String::new();
        // A `String` takes whatever is written.
        let _ = write!(
            html,
            "<div class=\"bar\"><p class=\"result\">Page <strong>{page}</strong> of {pages} {}</p>
             <nav aria-label=\"Pages of rows\">{}{}{}</nav></div>
             <table class=\"rows\" role=\"table\"><caption class=\"hidden\">5S ribosomal RNAs, page \
             {page} of {pages}, {of} in all, the shortest first</caption>
             <thead role=\"rowgroup\"><tr role=\"row\">
             <th scope=\"col\" role=\"columnheader\">Accession</th>
             <th scope=\"col\" role=\"columnheader\" class=\"number\">Positions</th>
             <th scope=\"col\" role=\"columnheader\" class=\"number\">Length</th>
             <th scope=\"col\" role=\"columnheader\">Sequence</th></tr></thead>
             <tbody role=\"rowgroup\">",
            badge(answer),
            link("previous", "‹ Previous", page_size, (page > 1).then(|| page - 1)),
            link("again", "Same again", page_size, Some(page)),
            link("next", "Next ›", page_size, (page < pages).then(|| page + 1)),
        );
        for Row { accession, start, end, sequence } in &answer.value {
            let length = sequence.len();
            let (accession, sequence) = (escape(accession), escape(&in_tens(sequence)));
            let _ = write!(
                html,
                "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\">{accession}</th>
                 <td role=\"cell\" class=\"number\">{start}–{end}</td>
                 <td role=\"cell\" class=\"number\">{length} nt</td>
                 <td role=\"cell\" class=\"sequence\">{sequence}</td></tr>"
            );
        }
        html.push_str("</tbody></table>");
        html
    }
}

/// A link to a page; where there is none, its text says so by looks and to screen readers.
fn link(id: &str, text: &str, page_size: u32, page: Option<u32>) -> String {
    match page {
        Some(page) => format!(
            "<a class=\"button part\" id=\"{id}\" data-part=\"rows\" \
             href=\"/?page_size={page_size}&amp;page={page}\">{text}</a>"
        ),
        None => format!(
            "<a class=\"button\" id=\"{id}\" role=\"link\" aria-disabled=\"true\">{text}</a>"
        ),
    }
}

/// Whether an answer was computed, said in words and not by a colour alone.
fn badge<T>(answer: &Answer<T>) -> String {
    let took = time(answer.took);
    if answer.is_computed {
        format!("<span class=\"badge computed\">computed in {took}</span>")
    } else {
        format!("<span class=\"badge cached\">from the cache, in {took}</span>")
    }
}

// Input: 1_500 µs
// Output: `1.5 ms`
fn time(time: Duration) -> String {
    let micros = time.as_micros();
    let millis = time.as_secs_f64() * 1e3;
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{millis:.1} ms"),
        _ => format!("{millis:.0} ms"),
    }
}

/// As sequences are printed: a line may break after each ten letters.
// Input: ACCCGGCCAUAGU
// Output: `ACCCGGCCAU AGU`
fn in_tens(sequence: &str) -> String {
    let mut tens = String::with_capacity(sequence.len() + sequence.len() / 10);
    for (at, letter) in sequence.chars().enumerate() {
        if at > 0 && at % 10 == 0 {
            tens.push(' ');
        }
        tens.push(letter);
    }
    tens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_and_times_are_easy_to_read() {
        assert_eq!(in_tens("ACCCGGCCAUAGU"), "ACCCGGCCAU AGU");
        assert_eq!(in_tens("ACCCGGCCAU"), "ACCCGGCCAU");
        let times = [7, 1_500, 40_400].map(|micros| time(Duration::from_micros(micros)));
        assert_eq!(times, ["7 µs", "1.5 ms", "40 ms"]);
    }
}
