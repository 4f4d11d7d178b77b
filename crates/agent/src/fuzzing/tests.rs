//! The corpora replayed on a stable compiler, and a bounded number of changes to them.

use super::mutation::mutated;
use super::{TARGETS, Target, run};
use fastrand::Rng;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Of each target's inputs; more in `cargo xtask fuzz`.
const MUTATIONS: u64 = 1500;
/// All corpora together: they are cloned with the sources.
const MAX_CORPORA_BYTES: usize = 600 << 10;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

/// The files of a directory, in the order of their names.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|e| panic!("{}: {e}", directory.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    files(&fuzz().join("corpus").join(name)).iter().map(|path| fs::read(path).unwrap()).collect()
}

/// A panic of the target, with the input that repeats it.
fn tried(name: &str, target: Target, bytes: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| target(bytes)));
    assert!(outcome.is_ok(), "{name} panics at b\"{}\"", bytes.escape_ascii());
}

#[test]
fn everything_that_was_ever_fed_to_a_reader_still_does_no_harm() {
    for (name, target) in TARGETS {
        for bytes in corpus(name) {
            tried(name, *target, &bytes);
        }
    }
}

#[test]
fn small_changes_to_what_is_known_do_no_harm_either() {
    for (name, target) in TARGETS {
        let known = corpus(name);
        for seed in 0..MUTATIONS {
            let mut rng = Rng::with_seed(seed);
            let mut pick = || known[rng.usize(0..known.len())].clone();
            let (bytes, other) = (pick(), pick());
            tried(name, *target, &mutated(&bytes, &other, &mut rng));
        }
    }
}

#[test]
fn each_target_has_its_file_its_entry_and_a_corpus_and_no_other_is_there() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let of = |part: &str| files(&fuzz().join(part)).iter().map(stem).collect::<BTreeSet<_>>();
    assert_eq!((of("fuzz_targets"), of("corpus")), (targets.clone(), targets.clone()));
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &targets {
        assert!(
            manifest.contains(&format!("\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
        let source = fs::read_to_string(fuzz().join("fuzz_targets").join(name).with_extension("rs")).unwrap();
        assert!(source.contains(&format!("fuzzing::run(\"{name}\", bytes)")), "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), targets.len());
}

#[test]
fn the_corpora_stay_small_and_none_is_empty() {
    let sizes: Vec<usize> = TARGETS.iter().map(|(name, _)| corpus(name).concat().len()).collect();
    assert!(sizes.iter().all(|size| *size > 0), "{sizes:?}");
    assert!(sizes.iter().sum::<usize>() <= MAX_CORPORA_BYTES, "{sizes:?}");
}

#[test]
fn a_target_is_found_by_its_name_only() {
    run("codec", b"\x01\x02a\nb");
    assert!(catch_unwind(|| run("nothing", b"")).is_err());
}
