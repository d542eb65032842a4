//! The page as one chart: how many times faster or slower than the fastest peer memo is.

mod style;
mod verdict;

use std::fmt::Write;

use memo_benches::Group;

use self::verdict::{multiple, Verdict, LEVEL};
use crate::page::Row;
use crate::table::human;

const WIDTH: f64 = 860.0;
const MARGIN: f64 = 20.0;
/// The right edge of memo's times.
const TIMES: f64 = 296.0;
/// Where memo is as fast as the peer.
const BASE: f64 = 456.0;
/// A doubling, on the logarithmic axis.
const DOUBLING: f64 = 36.0;
/// To so many times slower and faster the axis reaches; a bar beyond ends there, and its label tells.
const SLOWEST: f64 = 16.0;
const FASTEST: f64 = 32.0;

const TOP: f64 = 108.0;
const HEAD: f64 = 31.0;
const PITCH: f64 = 21.0;
const FOOT: f64 = 52.0;
const BAR: f64 = 12.0;
/// The point of a bar of memo's losses.
const TIP: f64 = 4.0;
/// Labels of more characters are squeezed into what there is left of the times.
const FITTING: usize = 23;

const GROUPS: [(Group, &str, &str); 3] = [
    (Group::Hits, "Hits", "the result is in memory"),
    (Group::Large, "Large values", "copying or hashing them is what takes the time"),
    (
        Group::Misses,
        "Misses",
        "what the cache itself adds: most of the functions here do next to nothing",
    ),
];

const TITLE: &str = "memo beside the fastest other cache";

pub fn svg(rows: &[Row]) -> String {
    let groups = GROUPS.map(|(group, ..)| rows.iter().filter(move |row| is_drawn(row, group)));
    let drawn: Vec<&Row> = groups.into_iter().flatten().collect();
    let bottom = TOP + HEAD * GROUPS.len() as f64 + PITCH * drawn.len() as f64 + 4.0;
    let height = bottom + FOOT;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"memo-chart\" width=\"{WIDTH}\" \
         height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
         aria-labelledby=\"memo-chart-title memo-chart-desc\">\n\
         <title id=\"memo-chart-title\">{TITLE}</title>\n\
         <desc id=\"memo-chart-desc\">{}</desc>\n\
         <style>\n{}</style>\n\
         <rect class=\"memo-panel memo-edge\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
        description(&drawn),
        style::sheet(),
        WIDTH - 1.0,
        height - 1.0,
    );
    head(&mut svg);
    axis(&mut svg);
    let mut y = TOP;
    for (group, name, what) in GROUPS {
        y += HEAD;
        text(&mut svg, (MARGIN, y - 9.0), "memo-head", name);
        let x = MARGIN + 14.0 + 10.5 * name.len() as f64;
        text(&mut svg, (x, y - 9.0), "memo-quiet memo-small", what);
        let rows: Vec<_> = drawn.iter().filter(|row| row.case.group == group).collect();
        grid(&mut svg, y, y + PITCH * rows.len() as f64);
        for row in rows {
            bar(&mut svg, row, y + PITCH / 2.0);
            y += PITCH;
        }
    }
    foot(&mut svg, rows, drawn.len(), bottom);
    svg.push_str("</svg>\n");
    svg
}

/// Whatever memo loses is drawn, whether it was picked or not.
fn is_drawn(row: &Row, group: Group) -> bool {
    row.case.group == group && (row.case.label.is_some() || row.ratio() > LEVEL)
}

fn head(svg: &mut String) {
    text(svg, (MARGIN, 38.0), "memo-title", TITLE);
    let about =
        "Time of one call, fastest sample. A bar says how many times faster or slower memo is; \
                 log scale.";
    text(svg, (MARGIN, 62.0), "memo-quiet", about);
}

fn axis(svg: &mut String) {
    anchored(svg, (TIMES, 106.0), "memo-quiet memo-small", "end", "memo takes");
    anchored(svg, (BASE - 8.0, 88.0), "memo-loss memo-strong", "end", "◀ slower");
    text(svg, (BASE + 8.0, 88.0), "memo-win memo-strong", "faster ▶");
    for (power, label) in [(3, "8×"), (0, "1×"), (-3, "8×")] {
        let x = place(2_f64.powi(power));
        anchored(svg, (x, 106.0), "memo-quiet memo-small", "middle", label);
    }
}

/// The lines behind the bars of a group, which leave its heading free.
fn grid(svg: &mut String, top: f64, bottom: f64) {
    for power in -5..=4 {
        let x = place(2_f64.powi(power));
        let class = if power == 0 { "memo-base" } else { "memo-grid" };
        writeln!(svg, "<path class=\"{class}\" d=\"M{x} {top}V{bottom}\"/>").unwrap();
    }
}

fn bar(svg: &mut String, row: &Row, y: f64) {
    let ratio = row.ratio();
    let verdict = Verdict::of(ratio);
    let (end, class, half) = (place(ratio), verdict.class(), BAR / 2.0);
    let label = label(row);
    writeln!(
        svg,
        "<g><title>{}: memo {}, {} {}</title>",
        escaped(&label),
        human(row.memo),
        row.peer,
        human(row.peers_time)
    )
    .unwrap();
    let text_y = y + 5.5;
    if label == TWO {
        text(svg, (MARGIN + 16.0, text_y), "memo-quiet", &label);
    } else if label.chars().count() <= FITTING {
        text(svg, (MARGIN, text_y), "", &label);
    } else {
        let squeezed = "lengthAdjust=\"spacingAndGlyphs\" textLength";
        let (label, width) = (escaped(&label), TIMES - MARGIN - 80.0);
        writeln!(svg, "<text x=\"{MARGIN}\" y=\"{text_y}\" {squeezed}=\"{width}\">{label}</text>")
            .unwrap();
    }
    anchored(svg, (TIMES, text_y), "memo-quiet", "end", &human(row.memo));
    // A loss has a shape of its own too: it points away from the line.
    let shape = match verdict {
        Verdict::Win => format!("M{BASE} {}H{end:.1}v{BAR}H{BASE}z", y - half),
        Verdict::Loss => {
            let neck = (end + TIP).min(BASE);
            format!("M{BASE} {}H{neck:.1}L{end:.1} {y}L{neck:.1} {}H{BASE}z", y - half, y + half)
        }
        Verdict::Level => {
            format!("M{} {y}l{half} -{half}l{half} {half}l-{half} {half}z", BASE - half)
        }
    };
    writeln!(svg, "<path class=\"{class}\" d=\"{shape}\"/>").unwrap();
    let (strong, rest) = verdict.words(row);
    writeln!(
        svg,
        "<text class=\"{class}\" x=\"{:.1}\" y=\"{text_y}\"><tspan class=\"memo-strong\">{strong}\
         </tspan> {rest}</text></g>",
        end.max(BASE) + if matches!(verdict, Verdict::Win) { 7.0 } else { 12.0 },
    )
    .unwrap();
}

fn foot(svg: &mut String, rows: &[Row], drawn: usize, bottom: f64) {
    let stores = rows.iter().filter(|row| row.case.group == Group::Stores).map(Row::ratio);
    let (best, worst) = stores.fold((f64::MAX, 0.0), |(best, worst): (f64, f64), ratio| {
        (best.min(ratio), worst.max(ratio))
    });
    let percent = (LEVEL * 100.0 - 100.0).round();
    let all = rows.iter().filter(|row| row.case.group != Group::Stores).count();
    let mut lines = vec![format!(
        "{drawn} of {all} cases: each that memo loses by more than {percent} %, and a choice of the others. \
         2 threads: wall time per call."
    )];
    if worst > 0.0 {
        lines.push(format!(
            "Not drawn: stores. On disk and in Redis memo is from {} to {}.",
            multiple(worst),
            multiple(best)
        ));
    }
    for (line, y) in lines.iter().zip([bottom + 21.0, bottom + 40.0]) {
        text(svg, (MARGIN, y), "memo-quiet memo-small", line);
    }
}

/// The label of a row that belongs to the one above it.
const TWO: &str = "2 threads";

fn label(row: &Row) -> String {
    row.case.label.map_or_else(|| row.case.title.replace('`', ""), str::to_owned)
}

/// The chart for who does not see it.
fn description(drawn: &[&Row]) -> String {
    let mut parts = Vec::new();
    for (group, name, what) in GROUPS {
        let rows = drawn.iter().filter(|row| row.case.group == group).map(|row| {
            let (strong, rest) = Verdict::of(row.ratio()).words(row);
            format!("{}: {}, {strong} {rest}", row.case.title.replace('`', ""), human(row.memo))
        });
        parts.push(format!("{name} ({what}): {}.", rows.collect::<Vec<_>>().join("; ")));
    }
    escaped(&parts.join(" "))
}

fn place(ratio: f64) -> f64 {
    BASE - DOUBLING * ratio.clamp(1.0 / FASTEST, SLOWEST).log2()
}

fn text(svg: &mut String, at: (f64, f64), class: &str, text: &str) {
    anchored(svg, at, class, "start", text);
}

fn anchored(svg: &mut String, (x, y): (f64, f64), class: &str, anchor: &str, text: &str) {
    let text = escaped(text);
    writeln!(
        svg,
        "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{text}</text>"
    )
    .unwrap();
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page;

    const PAGE: &str = include_str!("../../../../docs/benchmarks.md");
    const CHART: &str = include_str!("../../../../docs/benchmarks.svg");

    #[test]
    fn the_chart_says_what_the_page_says() {
        let chart = svg(&page::rows(PAGE).unwrap());
        assert!(
            chart == CHART,
            "draw it again: report --chart docs/benchmarks.md docs/benchmarks.svg"
        );
    }

    #[test]
    fn a_loss_is_drawn_though_nobody_picked_it() {
        let heads = "| case | memo | best peer | moka |\n| --- | --- | --- | --- |\n";
        let chart = |memo: &str| {
            let line = format!("| `u64` with `ttl` and `jitter` | {memo} | moka | 100 ns |");
            svg(&page::rows(&format!("{heads}{line}\n")).unwrap())
        };
        assert!(chart("200 ns").contains("u64 with ttl and jitter: 200 ns, 2.0× slower than moka"));
        assert!(!chart("50.0 ns").contains("jitter"));
    }

    /// In Markdown a blank line would end the HTML that rustdoc has the chart in.
    #[test]
    fn no_line_is_blank() {
        assert!(CHART.lines().all(|line| !line.trim().is_empty()));
    }
}
