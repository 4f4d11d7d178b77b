//! What docs/ says of series and selectors is what their tables say. `UPDATE_GENERATED=1 cargo test -p
//! infiniservice-hub-core` rewrites it.

use crate::exposition::table::{About, EXPORTER, GUEST, GuestMetric, HUB, NODE, WINDOWS};
use crate::selector::KEYS;
use std::fmt::Write as _;
use std::path::Path;

#[test]
fn the_page_lists_every_series_as_the_table_has_it() {
    assert_current(
        "docs/fleet-metrics.md",
        &[
            ("machines", table(guest(GUEST))),
            ("hub", table(HUB.iter().copied().flatten().map(|it| &it.about))),
            ("exporter", table(EXPORTER.iter().map(|it| &it.about))),
            ("node", table(guest(NODE))),
            ("windows", table(guest(WINDOWS))),
        ],
    );
}

#[test]
fn the_page_lists_every_key_of_a_selector() {
    let mut keys = String::from("| key | what it is | compared by |\n|---|---|---|\n");
    for key in KEYS {
        let _ = writeln!(keys, "| `{}` | {} | {} |", key.name, key.doc, key.operators());
    }
    assert_current("docs/hub.md", &[("selectors", keys)]);
}

/// Each part of the page between its marks.
fn assert_current(page: &str, parts: &[(&str, String)]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(page);
    let found = std::fs::read_to_string(&path).expect("readable");
    let wanted = parts.iter().fold(found.clone(), |page, (name, part)| replaced(&page, name, part));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &wanted).expect("written");
        return;
    }
    assert!(found == wanted, "{page} is stale: run with UPDATE_GENERATED=1");
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

/// Its name, how it is to be read, its unit and its attributes.
fn otel(about: &About) -> String {
    let Some(otel) = &about.otel else { return "the Resource".to_owned() };
    let told = otel.attributes.iter().map(|(_, attribute)| format!("`{attribute}`"));
    let fixed = otel.fixed.iter().map(|(attribute, value)| format!("`{attribute}`={value}"));
    let attributes: Vec<_> = told.chain(fixed).collect();
    let of = format!("`{}`, {} in `{}`", otel.name, otel.instrument.name(), otel.unit);
    if attributes.is_empty() { of } else { format!("{of}: {}", attributes.join(", ")) }
}

fn table(metrics: impl Iterator<Item = &'static About>) -> String {
    let metrics: Vec<_> = metrics.collect();
    let with_otel = metrics.iter().any(|about| about.otel.is_some());
    let (head, line) = if with_otel { (" OpenTelemetry |", "---|") } else { ("", "") };
    let mut out =
        format!("| series | type | labels | what it is | from |{head}\n|---|---|---|---|---|{line}\n");
    for about in metrics {
        let kind = about.kind.name();
        let labels: Vec<_> = about.labels.iter().map(|label| format!("`{label}`")).collect();
        let source = if about.source.contains('.') || about.source.contains('_') {
            format!("`{}`", about.source)
        } else {
            about.source.to_owned()
        };
        let (name, labels, help) = (about.name, labels.join(", "), about.help);
        let otel = if with_otel { format!(" {} |", otel(about)) } else { String::new() };
        let _ = writeln!(out, "| `{name}` | {kind} | {labels} | {help} | {source} |{otel}");
    }
    out
}
