//! The chart's style sheet.
//!
//! The file is shown as an image, where the reader's system says whether it is dark, and within pages of
//! rustdoc, which have a theme of their own and style sheets whose names must not meet these.

use std::fmt::Write;

const SHAPE: &str = "\
.memo-chart{max-width:100%;height:auto}
.memo-chart text{font:16px system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif}
.memo-chart .memo-title{font-size:23px;font-weight:700}
.memo-chart .memo-head{font-size:17px;font-weight:700}
.memo-chart .memo-small{font-size:14px}
.memo-chart .memo-strong{font-weight:700}
";

/// What has a colour, and of what kind.
const PARTS: [(&str, &str); 9] = [
    ("text", "fill"),
    (".memo-panel", "fill"),
    (".memo-quiet", "fill"),
    (".memo-win", "fill"),
    (".memo-loss", "fill"),
    (".memo-level", "fill"),
    (".memo-edge", "stroke"),
    (".memo-grid", "stroke"),
    (".memo-base", "stroke"),
];

/// Blue and orange are told apart by the colour-blind too. In both themes a text of either has a contrast
/// of 4.5 at least.
const LIGHT: [&str; 9] = [
    "#1f2328", "#ffffff", "#59636e", "#0067a3", "#b84a00", "#59636e", "#d1d9e0", "#e6eaef",
    "#818b98",
];
const DARK: [&str; 9] = [
    "#e6edf3", "#0d1117", "#9ba5b0", "#56b4e9", "#ff9d4d", "#9ba5b0", "#3d444d", "#262c34",
    "#818b98",
];

pub fn sheet() -> String {
    let mut sheet = SHAPE.to_owned();
    colours(&mut sheet, "", &LIGHT);
    sheet.push_str("@media (prefers-color-scheme:dark){\n");
    colours(&mut sheet, "", &DARK);
    sheet.push_str("}\n");
    // Rustdoc's attribute, which says more than the system does.
    colours(&mut sheet, "[data-theme=light] ", &LIGHT);
    colours(&mut sheet, "[data-theme=dark] ", &DARK);
    colours(&mut sheet, "[data-theme=ayu] ", &DARK);
    sheet
}

fn colours(sheet: &mut String, within: &str, colours: &[&str; PARTS.len()]) {
    for ((part, kind), colour) in PARTS.iter().zip(colours) {
        writeln!(sheet, "{within}.memo-chart {part}{{{kind}:{colour}}}").unwrap();
    }
}
