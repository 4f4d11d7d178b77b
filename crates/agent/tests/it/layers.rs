//! The house has floors: a crate uses only those below it, and modules that stand side by side do not use each other in a
//! circle, at any depth. What a module and its own parts use of each other is their own affair.

use crate::paths;
use crate::support::{read, top};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use toml::de::{DeTable, DeValue};

/// From the ground up; crates of one floor do not know each other.
const FLOORS: [&[&str]; 8] = [
    &["protocol"],
    &["platform", "link", "hub-core", "hub-sim"],
    &["exec", "qga", "infinibay", "fleet"],
    &["collector", "channel", "plugins", "engine"],
    &["actions", "qga-commands"],
    &["agent", "infinictl", "lab"],
    &["hub"],
    &["e2e"],
];

/// Modules that are one subject in several files: their crate, the module that they are in, and they.
const ONE_SUBJECT: &[(&str, &str, &[&str])] = &[
    // An action's row names the type of its answer, and answers repeat parameters.
    ("protocol", "", &["action", "data"]),
    // What is inside an envelope is a line.
    ("protocol", "", &["envelope", "parse"]),
    // A task is one run of the executor's.
    ("actions", "", &["executor", "task"]),
    // Faults change the world that they strike, and its second port is a part of it.
    ("link", "sim", &["bulk", "faults", "world"]),
    // A thread that hangs is out, and what is out is a thread.
    ("platform", "blocking", &["out", "thread"]),
    // The layers hold the table's settings, and the settings are made of the layers.
    ("agent", "config", &["layers", "table"]),
    // What the main loop does for one protocol or one state is in a file of its own.
    (
        "agent",
        "service",
        &[
            "agent",
            "batches",
            "bulk",
            "hello",
            "infinibay",
            "plugins",
            "qga",
            "reload",
            "scripts",
            "sources",
            "standing",
            "streams",
            "traces",
        ],
    ),
    // The system calls the service back on a thread of its own.
    ("agent", "service", &["manager", "signals"]),
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

/// Which of the modules of one parent use which, for each parent by its path.
fn graphs(sources: &BTreeMap<Vec<String>, String>) -> BTreeMap<String, Graph> {
    let mut graphs = BTreeMap::<String, Graph>::new();
    for (module, text) in sources {
        for other in paths::used(module, text) {
            let shared = module.iter().zip(&other).take_while(|(a, b)| a == b).count();
            let is_module = |to: &String| {
                let whole = [&module[..shared], std::slice::from_ref(to)].concat();
                sources.keys().any(|module| module.starts_with(&whole))
            };
            if let (Some(from), Some(to)) = (module.get(shared), other.get(shared).filter(|to| is_module(to)))
            {
                let siblings = graphs.entry(module[..shared].join("::")).or_default();
                siblings.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    graphs
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

/// The arrows of a graph, but those within one subject.
fn without_subjects(name: &str, parent: &str, graph: Graph) -> Graph {
    let subjects = ONE_SUBJECT.iter().filter(|(of, at, _)| *of == name && *at == parent);
    let subjects: Vec<_> = subjects.map(|(_, _, modules)| *modules).collect();
    let is_one = |from: &str, to: &str| subjects.iter().any(|all| all.contains(&from) && all.contains(&to));
    let kept = |(from, mut to): (String, BTreeSet<String>)| {
        to.retain(|to| !is_one(&from, to));
        (from, to)
    };
    graph.into_iter().map(kept).collect()
}

#[test]
fn modules_do_not_use_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for name in FLOORS.concat() {
        let sources = paths::sources(&top().join("crates").join(name).join("src"));
        assert!(sources.len() > 3, "{name}: {:?}", sources.keys());
        for (parent, graph) in graphs(&sources) {
            let graph = without_subjects(name, &parent, graph);
            let round = in_circles(&graph);
            let within = |from: &&str| {
                (
                    from.to_string(),
                    graph[*from]
                        .iter()
                        .filter(|to| round.contains(&to.as_str()))
                        .cloned()
                        .collect::<Vec<_>>(),
                )
            };
            if !round.is_empty() {
                circles.push(format!("{name}::{parent}: {:?}", round.iter().map(within).collect::<Vec<_>>()));
            }
        }
    }
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

/// Sources by the names of their modules.
fn made(files: &[(&str, &str)]) -> BTreeMap<Vec<String>, String> {
    let path = |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    files.iter().map(|(name, text)| (path(name), (*text).to_owned())).collect()
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
}

#[test]
fn an_arrow_is_seen_however_it_is_written() {
    let arrows = |text: &str| {
        let sources = made(&[("", ""), ("a", ""), ("b", ""), ("b::c", text), ("b::d", ""), ("b::c::e", "")]);
        let all = graphs(&sources);
        let arrow = |at: &str, from: &str| all.get(at)?.get(from)?.first().cloned();
        (arrow("", "b"), arrow("b", "c"))
    };
    let (to_a, to_d) = (Some("a".to_owned()), Some("d".to_owned()));
    assert_eq!(arrows("use crate::a::X;"), (to_a.clone(), None));
    assert_eq!(arrows("fn f() { super::super::a::f() }"), (to_a.clone(), None));
    assert_eq!(arrows("use crate::{\n    a::{X, Y},\n    b::d,\n};"), (to_a.clone(), to_d.clone()));
    assert_eq!(arrows("use super::{d::{self, Y}, Z};"), (None, to_d.clone()));
    assert_eq!(arrows("use self::e::X; use super::X; use crate::X;"), (None, None), "parents and parts");
    assert_eq!(arrows("// super::d\n#[cfg(test)]\nmod tests {\n use super::super::d;\n}"), (None, None));
    assert_eq!(arrows("#[cfg(test)]\nmod more_tests {\n use crate::a;\n}\nuse super::d;"), (None, to_d));
}
