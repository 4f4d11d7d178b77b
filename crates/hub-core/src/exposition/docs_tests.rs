//! docs/fleet-metrics.md is what the table says. `UPDATE_GENERATED=1 cargo test -p infiniservice-hub-core` rewrites it.

use super::table::{About, GUEST, GuestMetric, HUB, Kind, NODE, WINDOWS};
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_page_lists_every_series_as_the_table_has_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/fleet-metrics.md");
    let found = std::fs::read_to_string(&path).expect("readable");
    let mut wanted = found.clone();
    for (name, table) in [
        ("machines", table(guest(GUEST))),
        ("hub", table(HUB.iter().map(|it| &it.about))),
        ("node", table(guest(NODE))),
        ("windows", table(guest(WINDOWS))),
    ] {
        wanted = replaced(&wanted, name, &table);
    }
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &wanted).expect("written");
        return;
    }
    assert!(found == wanted, "docs/fleet-metrics.md is stale: run with UPDATE_GENERATED=1");
}

fn guest(metrics: &'static [&'static [GuestMetric]]) -> impl Iterator<Item = &'static About> {
    metrics.iter().copied().flatten().map(|it| &it.about)
}

fn replaced(page: &str, name: &str, table: &str) -> String {
    let (begin, end) = (format!("<!-- {name}: begin -->\n\n"), format!("\n<!-- {name}: end -->"));
    let (before, rest) = page.split_once(&begin).expect("the mark where the table begins");
    let (_, after) = rest.split_once(&end).expect("the mark where the table ends");
    format!("{before}{begin}{table}{end}{after}")
}

fn table(metrics: impl Iterator<Item = &'static About>) -> String {
    let mut out = String::from("| series | type | labels | what it is | from |\n|---|---|---|---|---|\n");
    for about in metrics {
        let kind = if about.kind == Kind::Counter { "counter" } else { "gauge" };
        let labels: Vec<_> = about.labels.iter().map(|label| format!("`{label}`")).collect();
        let source = if about.source.contains('.') || about.source.contains('_') {
            format!("`{}`", about.source)
        } else {
            about.source.to_owned()
        };
        let (name, labels, help) = (about.name, labels.join(", "), about.help);
        let _ = writeln!(out, "| `{name}` | {kind} | {labels} | {help} | {source} |");
    }
    out
}
