//! How large the rooms of the house are, and that what ARCHITECTURE.md leads through it is there.
//! `cargo nextest run -p infiniservice --test it rooms:: --no-capture` prints the numbers.

use crate::paths;
use crate::support::{read, top};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What runs on the guest or the host; not the labs.
const PRODUCT: [&str; 13] = [
    "protocol",
    "platform",
    "link",
    "exec",
    "qga",
    "infinibay",
    "collector",
    "channel",
    "plugins",
    "actions",
    "qga-commands",
    "agent",
    "infinictl",
];
/// A file with fewer lines needs a reason: the other platform's half, or the root of a module.
const SMALL: usize = 50;
/// A file is a subject with its tests. A larger share of small ones, or a median below this, and subjects are cut into slices
/// again.
const SMALL_AT_MOST_PERCENT: usize = 15;
const MEDIAN_AT_LEAST: usize = 110;
/// What begins the tests of a file.
const TESTS: &str = "\n#[cfg(test)]\nmod tests {";

/// The product files of a crate; those of nothing but tests are none.
fn texts(name: &str) -> Vec<String> {
    let sources = paths::sources(&top().join("crates").join(name).join("src"));
    let is_product = |module: &Vec<String>| !(name == "link" && module.first().is_some_and(|m| m == "sim"));
    sources.into_iter().filter(|(module, _)| is_product(module)).map(|(_, whole)| whole).collect()
}

/// How many there are, all their lines, the median, and how many are small.
fn measure(lines: impl Iterator<Item = usize>) -> (usize, usize, usize, usize) {
    let mut lines: Vec<_> = lines.collect();
    lines.sort_unstable();
    let small = lines.iter().filter(|count| **count < SMALL).count();
    (lines.len(), lines.iter().sum(), lines[lines.len() / 2], small)
}

/// Items that another crate, or another crate's test, may use.
fn public_items(text: &str) -> usize {
    text.lines().filter(|line| line.trim_start().starts_with("pub ")).count()
}

#[test]
fn subjects_are_in_files_of_their_size() {
    let texts: Vec<_> = PRODUCT.iter().flat_map(|name| texts(name)).collect();
    let own = |text: &String| text.split(TESTS).next().unwrap_or_default().lines().count();
    let public: usize = texts.iter().map(|text| public_items(text)).sum();
    let whole = measure(texts.iter().map(|text| text.lines().count()));
    for (what, (files, lines, median, small)) in
        [("with", whole), ("without", measure(texts.iter().map(own)))]
    {
        let share = small as f64 * 100.0 / files as f64;
        println!(
            "{files} product files {what} their tests: {lines} lines, median {median}, {share:.1} % below {SMALL}"
        );
    }
    println!("{public} lines of `pub`");
    let (files, _, median, small) = whole;
    assert!(files > 500 && public > 500, "the files are found");
    assert!(median >= MEDIAN_AT_LEAST, "the median file has {median} lines");
    assert!(
        small * 100 <= files * SMALL_AT_MOST_PERCENT,
        "{small} of {files} files have fewer than {SMALL} lines"
    );
}

/// The walks of ARCHITECTURE.md, each with the number in its heading and the files that its steps name.
fn walks(text: &str) -> Vec<(String, usize, BTreeSet<String>)> {
    let sections = text.split("\n### ").skip(1);
    let walk = |section: &str| {
        let (heading, steps) = section.split_once('\n')?;
        let count = heading.split_once('(')?.1.split_once(" files)")?.0.parse().ok()?;
        let steps = steps.split("\n## ").next()?;
        let files = steps.split('`').skip(1).step_by(2).filter(|word| {
            word.contains('/') && Path::new(word).extension().is_some_and(|extension| extension == "rs")
        });
        Some((heading.to_owned(), count, files.map(str::to_owned).collect()))
    };
    sections.filter_map(walk).collect()
}

/// `link/lib.rs` of the crate `link`.
fn source(name: &str) -> PathBuf {
    let (name, place) = name.split_once('/').unwrap_or((name, ""));
    top().join("crates").join(name).join("src").join(Path::new(place))
}

#[test]
fn the_walks_lead_through_files_that_are_there_and_as_many_as_they_say() {
    let walks = walks(&read(&top().join("ARCHITECTURE.md")));
    assert_eq!(walks.len(), 3, "{walks:?}");
    for (heading, count, files) in walks {
        let missing: Vec<_> = files.iter().filter(|file| !source(file).is_file()).collect();
        assert!(missing.is_empty(), "{heading}: {missing:?}");
        assert_eq!(files.len(), count, "{heading}: {files:#?}");
    }
}
