//! Plugins come, change and go, none runs beside itself, and what one does costs no other anything.

use super::*;
use crate::format::Format;
use infiniservice_exec::{BoxFuture, Cancellation, Captured, Finished, Program, Request, RunError, Status};
use infiniservice_platform::gate::Gate;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;
use tokio::sync::{Semaphore, mpsc};

/// Of which each program is one; nothing of them runs.
const PROGRAMS: [&str; 3] = ["/bin/sh", "/bin/cat", "/bin/ls"];

/// Tells of each start, and answers by the program's name: `cat` fails, `ls` hangs until its permits come, and where it is ended
/// before it takes until those for that come.
struct Double {
    started: mpsc::UnboundedSender<String>,
    running: Mutex<BTreeMap<String, usize>>,
    permits: Semaphore,
    endings: Semaphore,
    /// Runs of one program at one time.
    most: AtomicUsize,
}

impl Runner for Double {
    fn run<'a>(
        &'a self,
        request: Request,
        cancellation: &'a Cancellation,
    ) -> BoxFuture<'a, Result<Finished, RunError>> {
        Box::pin(async move {
            let Program::At(path) = request.program else { panic!("by its path") };
            let name = path.display().to_string();
            self.most.fetch_max(self.count(&name, 1), Ordering::SeqCst);
            self.started.send(name.clone()).unwrap();
            let mut finished = Finished {
                status: Status::Exited(i32::from(name.ends_with("cat"))),
                stdout: Captured::from("a 1\n".to_owned()),
                stderr: Captured::default(),
            };
            if name.ends_with("ls") {
                tokio::select! {
                    stop = cancellation.stopped() => {
                        self.endings.acquire().await.unwrap().forget();
                        finished.status = Status::Stopped(stop);
                    }
                    permit = self.permits.acquire() => permit.unwrap().forget(),
                }
            }
            self.count(&name, -1);
            Ok(finished)
        })
    }
}

impl Double {
    fn count(&self, name: &str, by: isize) -> usize {
        let mut running = self.running.lock().unwrap();
        let count = running.entry(name.to_owned()).or_default();
        *count = count.checked_add_signed(by).unwrap();
        *count
    }
}

fn double() -> (Arc<Double>, mpsc::UnboundedReceiver<String>) {
    let (started, starts) = mpsc::unbounded_channel();
    let (permits, endings) = (Semaphore::new(0), Semaphore::new(0));
    let (running, most) = (Mutex::default(), AtomicUsize::new(0));
    (Arc::new(Double { started, running, permits, endings, most }), starts)
}

fn spec(program: &str) -> Spec {
    Spec {
        command: vec![program.to_owned()],
        interval: Duration::from_millis(20),
        timeout: Duration::from_mins(1),
        format: Format::OpenMetrics,
        user: None,
        max_output_bytes: 1024,
        max_series: 10,
    }
}

fn keeper(runner: Arc<Double>) -> Keeper {
    let (running, ending) = (BTreeMap::new(), BTreeMap::new());
    Keeper { board: Arc::default(), runner, running, ending }
}

fn found(plugins: &[(&str, Result<Spec, String>)]) -> Found {
    let plugins = plugins.iter().map(|(name, spec)| ((*name).to_owned(), spec.clone())).collect();
    Found { plugins, problem: None }
}

async fn starts_of(starts: &mut mpsc::UnboundedReceiver<String>, program: &str, count: usize) {
    let mut left = count;
    while left > 0 {
        let name = starts.recv().await.unwrap();
        left -= usize::from(name == program);
    }
}

#[tokio::test]
async fn one_that_hangs_and_one_that_fails_cost_another_nothing_and_are_named() {
    let (runner, mut starts) = double();
    let mut keeper = keeper(Arc::clone(&runner));
    let [sh, cat, ls] = PROGRAMS.map(|program| Ok(spec(program)));
    keeper.adopt(found(&[("good", sh), ("bad", cat), ("hangs", ls), ("wrong", Err("line 1: no".into()))]));
    starts_of(&mut starts, PROGRAMS[2], 1).await;
    starts_of(&mut starts, PROGRAMS[1], 5).await;
    starts_of(&mut starts, PROGRAMS[0], 5).await;
    let told = keeper.board.told();
    let names: Vec<_> = told.plugins.iter().map(|(name, plugin)| (name.as_str(), plugin.ok)).collect();
    assert_eq!(names, [("bad", false), ("good", true), ("wrong", false)], "what has not ended is not told");
    let failed: Vec<_> = told.failed.iter().map(|failed| failed.collector.as_str()).collect();
    assert_eq!(failed, ["plugins.bad", "plugins.wrong"]);
    let bad = &told.plugins["bad"];
    assert!(bad.failures >= Some(4) && bad.exit_code == Some(1) && bad.series.is_empty(), "{bad:?}");
    assert_eq!(runner.running.lock().unwrap()[PROGRAMS[2]], 1, "it still hangs");
}

#[tokio::test]
async fn a_plugin_whose_description_is_the_same_goes_on_and_a_new_one_waits_for_the_end_of_the_old() {
    let (runner, mut starts) = double();
    let mut keeper = keeper(Arc::clone(&runner));
    let hanging = Spec { interval: Duration::from_millis(40), ..spec(PROGRAMS[2]) };
    keeper.adopt(found(&[("a", Ok(hanging.clone()))]));
    starts_of(&mut starts, PROGRAMS[2], 1).await;
    keeper.adopt(found(&[("a", Ok(hanging.clone()))]));
    let task = keeper.running["a"].task.id();
    assert_eq!(keeper.running.len(), 1);
    // Gone, and there again with another description.
    keeper.adopt(found(&[]));
    assert!(keeper.board.told().plugins.is_empty() && keeper.running.is_empty());
    let other = Spec { max_series: 3, ..hanging };
    keeper.adopt(found(&[("a", Ok(other)), ("clock", Ok(spec(PROGRAMS[0])))]));
    assert_ne!(keeper.running["a"].task.id(), task);
    // By another one's pace the new one would have begun.
    starts_of(&mut starts, PROGRAMS[0], 6).await;
    assert_eq!(runner.most.load(Ordering::SeqCst), 1, "it runs beside itself");
    runner.endings.add_permits(1);
    starts_of(&mut starts, PROGRAMS[2], 1).await;
    runner.permits.add_permits(1);
    starts_of(&mut starts, PROGRAMS[2], 1).await;
    assert!(keeper.board.told().plugins["a"].ok);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_was_due_while_file_systems_were_frozen_is_tried_again_soon_and_has_not_failed() {
    let (runner, mut starts) = double();
    let gate: &'static Gate = Box::leak(Box::default());
    gate.close(Duration::ZERO).unwrap();
    let (board, (_stop, stopped)) = (Arc::new(Board::default()), watch::channel(false));
    board.set(vec!["a".into()], None);
    let spec = Arc::new(Spec { interval: Duration::from_hours(24), ..spec(PROGRAMS[0]) });
    let task = Task { name: "a".into(), spec, runner, board: Arc::clone(&board), stop: stopped, gate };
    let task = tokio::spawn(task.run(None));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(
        starts.try_recv().is_err() && board.told().plugins.is_empty(),
        "nothing starts, and nothing failed"
    );
    gate.open();
    tokio::time::sleep(Duration::from_secs(5)).await;
    tokio::time::resume();
    let started = tokio::time::timeout(Duration::from_secs(20), starts.recv()).await;
    assert_eq!(started.expect("tried again"), Some(PROGRAMS[0].to_owned()));
    task.abort();
}

#[test]
fn a_plugin_that_runs_makes_no_freeze_fail() {
    assert!(crate::plugin::request(&spec(PROGRAMS[0]), crate::sys::User::default()).runs_while_frozen);
}

/// Of each plugin three calls may hang at one time: its look, its reading, and those of the one before it.
#[test]
fn plugins_that_all_hang_leave_places_for_the_directory_and_the_files() {
    assert!(Lane::Plugins.places() > 3 * crate::MAX_PLUGINS, "{}", Lane::Plugins.places());
}

fn described(files: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(directory.path().join(name), text).unwrap();
    }
    let path = directory.path().to_owned();
    (directory, path)
}

const GOOD: &str = "command = [\"/bin/sh\"]\nformat = \"json\"\n";

#[tokio::test]
async fn the_directory_s_descriptions_are_read_and_what_is_none_is_told() {
    let (_directory, path) = described(&[
        ("disk.toml", GOOD),
        ("wrong.toml", "command = [\"/bin/sh\"]\nformat = 7\n"),
        ("b.ad.toml", GOOD),
        ("README", "not one of them"),
    ]);
    let found = directory::read(path.clone()).await.unwrap();
    let names: Vec<_> = found.plugins.iter().map(|(name, spec)| (name.as_str(), spec.is_ok())).collect();
    assert_eq!(names, [("disk", true), ("wrong", false)]);
    let why = found.plugins["wrong"].clone().unwrap_err();
    assert!(why.contains("wrong.toml, line 2: format must be one of"), "{why}");
    assert!(found.problem.unwrap().contains("\"b.ad.toml\" in"));
    assert_eq!(directory::read(path.join("none")).await.unwrap(), Found::default());
    // What runs must not end because it is not known what is described.
    let unknown = directory::read(path.join("b.ad.toml")).await.unwrap_err();
    assert!(unknown.contains("cannot be read"), "{unknown}");
}

#[tokio::test]
async fn a_description_that_others_could_have_written_describes_nothing() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (_directory, path) = described(&[("disk.toml", GOOD)]);
    let of = |path: &Path| {
        let path = path.to_owned();
        async { directory::read(path).await.unwrap().plugins["disk"].clone() }
    };
    assert!(of(&path).await.is_ok());
    fs::set_permissions(path.join("disk.toml"), Permissions::from_mode(0o666)).unwrap();
    assert!(of(&path).await.unwrap_err().contains("lets others write to it"));
    fs::set_permissions(path.join("disk.toml"), Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o777)).unwrap();
    assert!(of(&path).await.unwrap_err().contains("its directory"));
}

#[tokio::test]
async fn of_too_many_descriptions_the_first_are_run_and_the_rest_is_told() {
    let directory = tempfile::tempdir().unwrap();
    for n in 0..70 {
        fs::write(directory.path().join(format!("p{n:02}.toml")), GOOD).unwrap();
    }
    let found = directory::read(directory.path().to_owned()).await.unwrap();
    assert_eq!((found.plugins.len(), found.plugins.keys().last().unwrap().as_str()), (64, "p63"));
    assert!(found.problem.unwrap().ends_with("describes 70 plugins; the first 64 are run"));
}

#[tokio::test]
async fn without_a_directory_and_files_there_is_nothing_to_tell() {
    let (runner, _starts) = double();
    let plugins = Plugins::start(Wanted::default(), runner);
    assert_eq!(plugins.told(SystemTime::now()).await, Told::default());
    assert!(plugins.names().is_empty() && !plugins.reads_files());
}
