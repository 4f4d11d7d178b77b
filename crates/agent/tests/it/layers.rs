//! The house has floors: a crate uses only those below it, and the modules of a crate do not use each other in a circle.

use crate::support::{read, top};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// From the ground up; crates of one floor do not know each other.
const FLOORS: [&[&str]; 7] = [
    &["protocol"],
    &["platform", "link"],
    &["exec", "qga", "infinibay"],
    &["collector", "channel"],
    &["actions", "qga-commands"],
    &["agent", "infinictl", "lab"],
    &["e2e"],
];

/// Modules that are one subject in two files.
const ONE_SUBJECT: [(&str, &[&str]); 3] = [
    // An action's row names the type of its answer, and answers repeat parameters.
    ("protocol", &["action", "data"]),
    // What is inside an envelope is a line.
    ("protocol", &["envelope", "parse"]),
    // A task is one run of the executor's.
    ("actions", &["executor", "task"]),
];

type Graph = BTreeMap<String, BTreeSet<String>>;

fn floor(name: &str) -> Option<usize> {
    FLOORS.iter().position(|crates| crates.contains(&name))
}

/// The crates of the workspace that this one uses, its tests' left out.
fn used(name: &str) -> Vec<String> {
    let text = read(&top().join("crates").join(name).join("Cargo.toml"));
    let mut used = Vec::new();
    collect(DeTable::parse(&text).expect("TOML").get_ref(), &mut used);
    used.iter().filter_map(|name| directory(name)).map(str::to_owned).collect()
}

fn collect(table: &DeTable<'_>, used: &mut Vec<String>) {
    for (key, value) in table {
        let DeValue::Table(inner) = value.get_ref() else { continue };
        match key.get_ref().as_ref() {
            "dependencies" => used.extend(inner.keys().map(|name| name.get_ref().to_string())),
            "dev-dependencies" | "build-dependencies" => {}
            _ => collect(inner, used),
        }
    }
}

fn directory(package: &str) -> Option<&str> {
    match package {
        "infiniservice" => Some("agent"),
        "infinictl" => Some("infinictl"),
        _ => package.strip_prefix("infiniservice-"),
    }
}

/// Of the arrows between crates those that do not point down.
fn upward(arrows: &[(String, String)]) -> Vec<&(String, String)> {
    arrows.iter().filter(|(from, to)| floor(from) <= floor(to) || floor(to).is_none()).collect()
}

#[test]
fn a_crate_uses_only_those_of_the_floors_below_it() {
    let names = FLOORS.concat();
    let arrows: Vec<_> =
        names.iter().flat_map(|from| used(from).into_iter().map(|to| ((*from).to_owned(), to))).collect();
    assert!(arrows.len() > names.len(), "{arrows:?}");
    let there = fs::read_dir(top().join("crates")).expect("crates/");
    let there: BTreeSet<_> = there.map(|entry| entry.expect("readable").file_name()).collect();
    assert_eq!(there, names.iter().map(Into::into).collect(), "each crate has its floor");
    assert!(upward(&arrows).is_empty(), "arrows that point up: {:?}", upward(&arrows));
}

#[test]
fn an_arrow_that_points_up_is_found() {
    let arrows = [("platform", "actions"), ("actions", "platform"), ("link", "platform")]
        .map(|(from, to)| (from.to_owned(), to.to_owned()));
    assert_eq!(upward(&arrows), [&arrows[0], &arrows[2]]);
}

/// What is compiled without tests: comments, and the tests at a file's end, are left out.
fn product(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// The modules that follow `crate::`, one or several in braces.
fn modules_named(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let after = text.split("crate::").skip(1);
    after
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(group) => {
                group.split(';').next().unwrap_or_default().split(',').map(|one| word(one.trim())).collect()
            }
            None => vec![word(rest)],
        })
        .collect()
}

/// A source file that is not of tests or of the fuzzer only.
fn is_product(path: &Path) -> bool {
    let of_tests = |part: &str| part.contains("test") || part == "fuzzing.rs";
    path.extension().is_some_and(|extension| extension == "rs")
        && !path.file_name().is_some_and(|name| of_tests(&name.to_string_lossy()))
        && !path.parent().is_some_and(|parent| parent.ends_with("tests"))
}

fn add(graph: &mut Graph, module: &str, path: &Path) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("readable");
        entries.for_each(|entry| add(graph, module, &entry.expect("readable").path()));
    } else if is_product(path) {
        let others = modules_named(&product(&read(path))).into_iter().filter(|other| other != module);
        graph.entry(module.to_owned()).or_default().extend(others);
    }
}

/// Which top-level module of a crate uses which.
fn modules(name: &str) -> Graph {
    let mut graph = Graph::new();
    for entry in fs::read_dir(top().join("crates").join(name).join("src")).expect("src/") {
        let path = entry.expect("readable").path();
        let module = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if module != "lib" && module != "main" {
            add(&mut graph, &module, &path);
        }
    }
    graph
}

fn reached(graph: &Graph, from: &str) -> BTreeSet<String> {
    let (mut seen, mut left) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(module) = left.pop() {
        let next = graph.get(&module).into_iter().flatten();
        left.extend(next.filter(|module| seen.insert((*module).clone())).cloned());
    }
    seen
}

/// Modules from which a way leads back to them.
fn in_circles(graph: &Graph) -> Vec<&str> {
    graph.keys().filter(|module| reached(graph, module).contains(*module)).map(String::as_str).collect()
}

#[test]
fn modules_do_not_use_each_other_in_a_circle() {
    for name in FLOORS.concat().into_iter().filter(|name| *name != "e2e") {
        let graph = modules(name);
        assert!(graph.len() > 2, "{name}: {graph:?}");
        let allowed = ONE_SUBJECT.iter().filter(|(of, _)| *of == name).flat_map(|(_, both)| both.iter());
        let allowed: Vec<_> = allowed.copied().collect();
        let circles: Vec<_> =
            in_circles(&graph).into_iter().filter(|module| !allowed.contains(module)).collect();
        assert!(circles.is_empty(), "{name}: {circles:?} of {graph:#?}");
    }
}

#[test]
fn a_circle_is_found() {
    let graph = |arrows: &[(&str, &str)]| {
        let mut graph = Graph::new();
        for (from, to) in arrows {
            graph.entry((*from).into()).or_default().insert((*to).into());
        }
        graph
    };
    assert!(in_circles(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    assert_eq!(in_circles(&graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("d", "a")])), ["a", "b", "c"]);
    let text = "use crate::{one, two::Three};\nfn f() { crate::four::five() } // crate::six\n#[cfg(test)]\nmod tests {\n crate::seven";
    assert_eq!(modules_named(&product(text)).into_iter().collect::<Vec<_>>(), ["four", "one", "two"]);
}
