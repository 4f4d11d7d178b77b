//! Plugins as real programs: those that telegraf's users met (zombie, hang, fork, flood), and those that nobody may run.

use crate::board::Board;
use crate::format::Format;
use crate::outcome::Outcome;
use crate::plugin::Task;
use crate::spec::Spec;
use infiniservice_exec::runner_beside_other_children;
use infiniservice_platform::gate::Gate;
use rustix::fs::{FileType, Mode};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED in part: not root");
    }
    root
}

/// A script in a directory of its own.
fn script(text: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("plugin");
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    (directory, path)
}

fn spec(format: Format, command: &[&str]) -> Spec {
    Spec {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        interval: Duration::from_mins(1),
        timeout: Duration::from_mins(1),
        format,
        user: None,
        max_output_bytes: 64 << 10,
        max_series: 5,
    }
}

async fn run(spec: Spec) -> Outcome {
    let (stop, stopped) = watch::channel(false);
    let (runner, board) = (Arc::new(runner_beside_other_children()), Arc::new(Board::default()));
    let (spec, gate) = (Arc::new(spec), Gate::of_the_process());
    let task = Task { name: "trial".into(), spec, runner, board, stop: stopped, gate };
    let outcome = task.once().await.expect("not stopped");
    drop(stop);
    outcome
}

async fn run_script(format: Format, text: &str) -> Outcome {
    let (_directory, path) = script(text);
    run(spec(format, &[path.to_str().unwrap()])).await
}

fn error(outcome: &Outcome) -> &str {
    assert!(!outcome.plugin.ok && outcome.plugin.series.is_empty(), "{outcome:?}");
    outcome.plugin.error.as_deref().unwrap()
}

/// Whether a process has this word on its command line.
fn runs(word: &str) -> bool {
    let all = fs::read_dir("/proc").unwrap().flatten();
    all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .any(|line| line.split(|byte| *byte == 0).any(|part| part == word.as_bytes()))
}

#[tokio::test]
async fn a_program_that_goes_well_tells_its_figures_duration_and_exit_code() {
    let outcome = run_script(Format::Nagios, "echo 'WARN - so so | a=1;2;3'; exit 1").await;
    let plugin = &outcome.plugin;
    assert!(plugin.ok && plugin.error.is_none(), "{plugin:?}");
    assert_eq!(
        (plugin.exit_code, plugin.message.as_deref(), outcome.total),
        (Some(1), Some("WARN - so so"), 4)
    );
    assert!(plugin.duration_ms.is_some());
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_at_its_timeout_with_all_that_it_started() {
    let (_directory, path) = script("sleep 98765431 & sleep 98765431");
    let hanging = spec(Format::OpenMetrics, &[path.to_str().unwrap()]);
    let outcome = run(Spec { timeout: Duration::from_secs(1), ..hanging }).await;
    assert_eq!(error(&outcome), "it did not end within timeout_secs (1) and was ended");
    assert!(!runs("98765431"));
}

#[tokio::test]
async fn what_a_program_leaves_behind_holds_nobody_up_and_ends_with_it() {
    // Processes that hold its output open, one that left its session, and zombies that nobody waits for.
    let text = "for i in 1 2 3 4 5 6 7 8; do sleep 98765432 & done; setsid sleep 98765432 & (true & exec sleep 98765432) & echo 'a 1'";
    let outcome = run_script(Format::OpenMetrics, text).await;
    assert!(outcome.plugin.ok, "{outcome:?}");
    assert!(!runs("98765432"));
}

#[tokio::test]
async fn a_program_that_writes_gigabytes_is_ended_and_nothing_of_it_is_told() {
    for text in ["exec yes 'a 1'", "exec head -c 300000 /dev/zero", "yes 'a 1' | head -c 65537"] {
        let outcome = run_script(Format::OpenMetrics, text).await;
        assert_eq!(error(&outcome), "it wrote more than max_output_bytes (65536) and was not read", "{text}");
    }
}

#[tokio::test]
async fn a_program_that_breaks_off_fails_or_dies_tells_no_figure_and_why() {
    for (format, text, told) in [
        (Format::OpenMetrics, "printf 'a 1\\nb 2'", "may not be whole"),
        (
            Format::OpenMetrics,
            "echo a 1; echo no such device >&2; exit 7",
            "it returned exit code 7, where 0 is expected: no such device",
        ),
        (Format::Json, "echo '{\"a\":'", "it is not JSON"),
        (Format::Nagios, "echo gone; exit 4", "it returned exit code 4, where 0 to 3 are allowed: gone"),
        (Format::Nagios, "kill -9 $$", "it was ended by signal 9"),
        (Format::OpenMetrics, "echo 'a 1' | tr 1 '\\377'", "is no number"),
    ] {
        let outcome = run_script(format, text).await;
        assert!(error(&outcome).contains(told), "{text}: {}", error(&outcome));
    }
}

#[tokio::test]
async fn a_program_gets_a_clean_environment_and_its_series_are_bounded() {
    let outcome = run_script(Format::OpenMetrics, "env | sed 's/=.*/ 1/' | sort").await;
    let names: Vec<_> = outcome.plugin.series.iter().map(|series| series.name.as_str()).collect();
    assert!(names.contains(&"LC_ALL") && names.contains(&"PATH") && !names.contains(&"HOME"), "{names:?}");
    let many = run_script(Format::OpenMetrics, "for i in 1 2 3 4 5 6 7 8; do echo \"a$i $i\"; done").await;
    assert_eq!((many.plugin.series.len(), many.total), (5, 8));
}

#[tokio::test]
async fn a_program_runs_as_the_user_that_it_names_and_an_unknown_one_is_told() {
    let (directory, path) = script("echo uid $(id -u); echo home $(test \"$HOME\" = /nonexistent && echo 1)");
    let as_user = |user: &str| {
        let spec = spec(Format::OpenMetrics, &[path.to_str().unwrap()]);
        Spec { user: Some(user.into()), ..spec }
    };
    let unknown = run(as_user("nobody-of-that-name")).await;
    assert!(error(&unknown).contains("there is no user \"nobody-of-that-name\""), "{unknown:?}");
    if is_root() {
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        let outcome = run(as_user("nobody")).await;
        let values: Vec<_> = outcome.plugin.series.iter().map(|series| series.value).collect();
        assert_eq!(values, [Some(65534.0), Some(1.0)], "{outcome:?}");
    }
}

async fn refused(command: &[&str]) -> String {
    error(&run(spec(Format::OpenMetrics, command)).await).to_owned()
}

#[tokio::test]
async fn a_program_that_an_ordinary_user_could_have_written_or_replaced_is_never_run() {
    let (directory, path) = script("echo 'a 1'");
    let name = path.to_str().unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&[name]).await.contains("mode 0777 lets others write to it"));
    fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&[name]).await.contains("its directory"), "planted in a directory of all");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    assert!(run(spec(Format::OpenMetrics, &[name])).await.plugin.ok, "and now it is run");
    if is_root() {
        chown(&path, Some(4001), None).unwrap();
        assert!(refused(&[name]).await.contains("belongs to uid 4001"));
        chown(&path, Some(0), None).unwrap();
        chown(directory.path(), Some(4001), None).unwrap();
        assert!(refused(&[name]).await.contains("its directory"));
    }
    assert!(refused(&["/no/such/program"]).await.contains("does not exist"));
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
}

#[tokio::test]
async fn what_interprets_a_program_and_what_an_interpreter_is_given_count_as_well() {
    let (_directory, path) = script("echo 'a 1'");
    let name = path.to_str().unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o666)).unwrap();
    let why = refused(&["/bin/sh", name]).await;
    assert!(why.contains("the program's argument") && why.contains("lets others write to it"), "{why}");
    fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    assert!(refused(&["/usr/bin/env", name]).await.contains("the program's argument"), "it can be run");
    let (_other, interpreted) = script("");
    fs::write(&interpreted, format!("#!{name}\n")).unwrap();
    let why = refused(&[interpreted.to_str().unwrap()]).await;
    assert!(why.contains("the interpreter of the program, "), "{why}");
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    assert!(run(spec(Format::OpenMetrics, &["/bin/sh", name])).await.plugin.ok);
}

#[tokio::test]
async fn behind_an_interpreter_only_regular_files_of_root_are_accepted() {
    let (directory, _path) = script("");
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (fifo, data, missing) = (at("fifo"), at("data"), at("missing"));
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o666), 0).unwrap();
    let soon = |command: &[&str]| Spec { timeout: Duration::from_secs(2), ..spec(Format::Json, command) };
    for (command, told) in [
        (vec!["/bin/sh", &fifo], "is not a regular file"),
        (vec!["/bin/sh", directory.path().to_str().unwrap()], "is not a regular file"),
        (vec!["/bin/sh", &missing], "does not exist"),
        (vec!["/usr/bin/env", "sh", &missing], "does not exist"),
    ] {
        let outcome = run(soon(&command)).await;
        let why = error(&outcome);
        assert!(why.starts_with("the program's argument") && why.contains(told), "{command:?}: {why}");
    }
    fs::write(&data, "").unwrap();
    fs::set_permissions(&data, Permissions::from_mode(0o666)).unwrap();
    assert!(refused(&["/usr/bin/env", "python3", &data]).await.contains("lets others write to it"));
    fs::set_permissions(&data, Permissions::from_mode(0o644)).unwrap();
    if is_root() {
        chown(&data, Some(4001), None).unwrap();
        assert!(refused(&["/usr/bin/env", "python3", &data]).await.contains("belongs to uid 4001"));
    }
}

#[tokio::test]
async fn a_run_that_was_stopped_tells_nothing_whatever_it_came_to() {
    let (_stop, stopped) = watch::channel(true);
    let (runner, board) = (Arc::new(runner_beside_other_children()), Arc::new(Board::default()));
    let spec = Arc::new(spec(Format::Json, &["/no/such/program"]));
    let task =
        Task { name: "trial".into(), spec, runner, board, stop: stopped, gate: Gate::of_the_process() };
    assert_eq!(task.once().await, None);
}

#[tokio::test]
async fn a_program_is_not_started_where_only_a_file_of_data_is_named() {
    let data: &Path = Path::new("/etc/passwd");
    assert!(refused(&[data.to_str().unwrap()]).await.contains("is not executable"));
}
