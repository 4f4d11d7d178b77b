//! `docs/qemu-ga.md` shows the table. `UPDATE_GENERATED=1 cargo test -p infiniservice-qga` rewrites its part of the page.

use crate::envelope::name_of;
use crate::table::{self, Argument, Platform, Row, Switch};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const BEGIN: &str = "<!-- generated: commands -->\n";
const END: &str = "<!-- end of generated -->\n";

fn argument(argument: &Argument) -> String {
    let mark = if argument.optional { "?" } else { "" };
    format!("`{}`{mark} {}", argument.name, name_of(argument.of))
}

fn switch(row: &Row) -> &'static str {
    match row.switch {
        Switch::Always => "always on",
        Switch::On => "on",
        Switch::Exec => "off (programs)",
        Switch::File => "off (files)",
        Switch::Password => "off (passwords)",
        Switch::Ssh => "off (SSH keys)",
    }
}

fn platform(row: &Row) -> &'static str {
    match row.platform {
        Platform::Any => "",
        Platform::Linux => "Linux",
        Platform::Windows => "Windows",
    }
}

fn line(row: &Row) -> String {
    let arguments: Vec<String> = row.arguments.iter().map(argument).collect();
    let frozen = if row.while_frozen { "yes" } else { "" };
    let cells = [
        format!("`{}`", row.name),
        arguments.join(", "),
        row.result.to_owned(),
        switch(row).to_owned(),
        frozen.to_owned(),
        platform(row).to_owned(),
        row.since.to_owned(),
        row.text.to_owned(),
    ];
    cells.join(" | ")
}

fn commands() -> String {
    let mut text =
        "| command | arguments | result | default | while frozen | only on | since QEMU | what it does |\n\
        |---|---|---|---|---|---|---|---|\n"
            .to_owned();
    for row in table::rows() {
        let _ = writeln!(text, "| {} |", line(row));
    }
    text
}

#[test]
fn the_page_shows_the_table_of_commands() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/qemu-ga.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a generated part");
    let (found, after) = rest.split_once(END).expect("that ends");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", commands())).unwrap();
        return;
    }
    assert!(found == commands(), "docs/qemu-ga.md is stale: run with UPDATE_GENERATED=1");
}
