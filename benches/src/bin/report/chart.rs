//! The run as one chart: for each case, how much longer than memo each system takes.

use std::fmt::Write;

use memo_benches::{columns, is_peer};

use crate::run::{Row, Run};
use crate::table::human;

const LEFT: f64 = 290.0;
const WIDTH: f64 = 560.0;
const RIGHT: f64 = 90.0;
const TOP: f64 = 70.0;
const ROW: f64 = 20.0;

/// The axis is logarithmic, to so many halvings and doublings of memo's time; what is beyond stands
/// at its end.
const REACH: i32 = 5;

/// A colour for each column of the table, told apart by the colour-blind too (Okabe and Ito's);
/// one for all others.
const COLOURS: [&str; 8] =
    ["#000000", "#e69f00", "#d55e00", "#56b4e9", "#cc79a7", "#009e73", "#0072b2", "#999999"];

pub fn svg(run: &Run) -> String {
    let (width, height) = (LEFT + WIDTH + RIGHT, TOP + ROW * run.rows.len() as f64 + 20.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>Time of a call, as a multiple of memo's</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    legend(&mut svg);
    axis(&mut svg, height - 20.0);
    for (index, row) in run.rows.iter().enumerate() {
        draw(&mut svg, row, TOP + ROW * (index as f64 + 0.5));
    }
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String) {
    let mut x = LEFT - 200.0;
    for system in columns().iter().copied().chain(["others"]) {
        let colour = colour(system);
        writeln!(svg, "<circle cx=\"{x}\" cy=\"20\" r=\"4\" fill=\"{colour}\"/>").unwrap();
        writeln!(svg, "<text x=\"{}\" y=\"24\">{system}</text>", x + 8.0).unwrap();
        x += 40.0 + 7.0 * system.len() as f64;
    }
}

fn axis(svg: &mut String, bottom: f64) {
    for power in -REACH..=REACH {
        let x = place(2_f64.powi(power));
        let (stroke, label) = match power {
            0 => ("#d00", "memo".into()),
            ..0 => ("#ddd", format!("1/{}", 1 << -power)),
            _ => ("#ddd", format!("{}×", 1 << power)),
        };
        writeln!(
            svg,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"{stroke}\"/>\n\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{label}</text>",
            TOP - 8.0
        )
        .unwrap();
    }
}

fn draw(svg: &mut String, row: &Row, y: f64) {
    let Some(memo) = row.time("memo") else { return };
    let title = escaped(&row.case.title.replace('`', ""));
    writeln!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{title}</text>\n\
         <text x=\"{}\" y=\"{}\" fill=\"#d00\">{}</text>",
        LEFT - 10.0,
        y + 4.0,
        LEFT + WIDTH + 10.0,
        y + 4.0,
        human(memo),
    )
    .unwrap();
    let columns = columns().iter().filter_map(|system| Some((*system, row.time(system)?)));
    let others = row.others().into_iter().filter(|(system, _)| is_peer(system));
    for (system, time) in columns.chain(others) {
        writeln!(
            svg,
            "<circle cx=\"{:.1}\" cy=\"{y}\" r=\"4\" fill=\"{}\"><title>{system} {}</title></circle>",
            place(time / memo),
            colour(system),
            human(time),
        )
        .unwrap();
    }
}

fn place(ratio: f64) -> f64 {
    let reach = f64::from(REACH);
    LEFT + WIDTH * (ratio.log2().clamp(-reach, reach) + reach) / (2.0 * reach)
}

fn colour(system: &str) -> &'static str {
    let index = columns().iter().position(|column| *column == system);
    COLOURS[index.unwrap_or(COLOURS.len() - 1)]
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
