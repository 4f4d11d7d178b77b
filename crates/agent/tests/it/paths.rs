//! Which modules a source file names: enough of Rust's grammar for paths, without a parser of Rust.

use crate::support::read;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The files below a crate's `src` by the paths of their modules, those of tests and of the fuzzer left out.
pub fn sources(src: &Path) -> BTreeMap<Vec<String>, String> {
    let mut files = Vec::new();
    find(src, &mut files);
    let texts: Vec<_> = files.into_iter().map(|path| (path.clone(), read(&path))).collect();
    let renamed: BTreeMap<_, _> = texts.iter().flat_map(|(path, text)| renamed(path, text)).collect();
    let module = |path: &Path| module_of(src, renamed.get(path).map_or(path, |path| path));
    texts.iter().map(|(path, text)| (module(path), text.clone())).collect()
}

fn find(path: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(path).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            find(&path, files);
        } else if is_product(&path) {
            files.push(path);
        }
    }
}

fn is_product(path: &Path) -> bool {
    let of_tests = |part: &str| part.contains("test") || part == "fuzzing.rs";
    path.extension().is_some_and(|extension| extension == "rs")
        && !path.file_name().is_some_and(|name| of_tests(&name.to_string_lossy()))
        && !path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "fuzzing")
}

/// Files that `#[path = "x.rs"] mod y;` gives another place: theirs, and the one they stand for.
fn renamed(path: &Path, text: &str) -> Vec<(PathBuf, PathBuf)> {
    let directory = path.parent().unwrap_or(path);
    let one = |rest: &str| {
        let (file, rest) = rest.split_once('"')?;
        let name = rest.split_once("mod ")?.1.split_once(';')?.0;
        Some((directory.join(file), directory.join(name).with_extension("rs")))
    };
    text.split("#[path = \"").skip(1).filter_map(one).collect()
}

fn module_of(src: &Path, path: &Path) -> Vec<String> {
    let relative = path.strip_prefix(src).expect("below src").with_extension("");
    let mut parts: Vec<_> =
        relative.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// What is compiled without tests, and without comments.
fn product(text: &str) -> String {
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line == "#[cfg(test)]" {
            let opens = lines.next().is_some_and(|line| line.ends_with('{'));
            if opens {
                lines.by_ref().find(|line| line.starts_with('}'));
            }
        } else {
            kept.push_str(line.split("//").next().unwrap_or_default());
            kept.push('\n');
        }
    }
    kept
}

/// All paths of a file that begin with `crate`, `super` or `self`, from the crate's root.
pub fn used(module: &[String], text: &str) -> Vec<Vec<String>> {
    let text = product(text);
    let starts = ["crate::", "super::", "self::"].iter().flat_map(|word| text.match_indices(word));
    let is_start = |at: usize| !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    let mut all = Vec::new();
    for (at, _) in starts.filter(|(at, _)| is_start(*at)) {
        tree(&text[at..], &mut Vec::new(), &mut all);
    }
    all.iter().map(|path| absolute(module, path)).collect()
}

fn absolute(module: &[String], path: &[String]) -> Vec<String> {
    let mut whole = module.to_vec();
    for part in path {
        match part.as_str() {
            "crate" => whole.clear(),
            "super" => drop(whole.pop()),
            "self" => {}
            _ => whole.push(part.clone()),
        }
    }
    whole
}

/// Reads a path, or a tree of them in braces; gives what is behind it.
fn tree<'a>(text: &'a str, path: &mut Vec<String>, all: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') && !rest.is_empty() {
            rest = tree(rest, &mut path.clone(), all);
            rest = rest.trim_start_matches(|c: char| !matches!(c, ',' | '}'));
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        return rest.trim_start().strip_prefix('}').unwrap_or_default();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    path.push(word.to_owned());
    if let Some(rest) = rest.strip_prefix("::") {
        return tree(rest, path, all);
    }
    all.push(path.clone());
    rest
}
