//! A collector whose machine has files that nobody can read to the end.

use crate::tree::{Tree, collect, errors_of};
use infiniservice_collector::{CollectorHandle, CollectorSettings, HandleError, ProcessQuery};
use infiniservice_platform::clock::{Now, SystemClock};
use std::fs;
use std::time::{Duration, SystemTime};

#[test]
fn a_process_that_cannot_be_read_costs_its_own_figures_and_is_named() {
    let tree = Tree::new();
    for pid in 10..20 {
        tree.process(pid, b"ok", 'S', 1, 100);
        tree.file(&format!("proc/{pid}/cmdline"), format!("/bin/ok {pid}"));
        tree.file(&format!("proc/{pid}/status"), "Uid:\t1000\t1000\t0\t0\n");
        tree.file(&format!("proc/{pid}/io"), "read_bytes: 1\nwrite_bytes: 2\n");
    }
    tree.waits_for_ever("proc/12/cmdline");
    tree.waits_for_ever("proc/13/stat");
    tree.waits_for_ever("proc/14/io");
    let mut collector = tree.collector();
    for round in 0..3 {
        let (data, collection) = collect(&mut collector, 10 * round);
        let pids: Vec<_> = data.processes.iter().map(|p| p.pid).collect();
        assert_eq!(pids, [10, 11, 12, 14, 15, 16, 17, 18, 19]);
        let with_arguments = data.processes.iter().filter(|p| p.cmd_line.is_some());
        assert_eq!(with_arguments.count(), 8, "only the one that hangs has none");
        let with_storage = data.processes.iter().filter(|p| p.disk_read_bytes == Some(1));
        assert_eq!(with_storage.count(), 8);
        for file in
            ["/proc/12/cmdline: no answer for", "/proc/13/stat: no answer for", "/proc/14/io: no answer"]
        {
            let errors = errors_of(&collection, "processes");
            assert!(errors.iter().any(|error| error.starts_with(file)), "{file}: {errors:?}");
        }
    }
    let query = ProcessQuery { filter: Some("/bin/ok 1".into()), ..ProcessQuery::default() };
    let now = Now { mono: Duration::from_secs(60), wall: SystemTime::UNIX_EPOCH };
    let listed = collector.query_processes(now, &query).unwrap();
    assert_eq!(listed.count, 8, "those that answer");

    // A writer comes: what was held up is released, and all is told again.
    for path in ["proc/12/cmdline", "proc/13/stat", "proc/14/io"] {
        let path = tree.dir.path().join(path);
        drop(fs::File::options().write(true).open(&path).unwrap());
        fs::remove_file(path).unwrap();
    }
    tree.process(13, b"ok", 'S', 1, 100);
    tree.file("proc/12/cmdline", "/bin/ok 12");
    let told = (7..1000).find(|at| {
        let (data, _) = collect(&mut collector, 10 * at);
        data.processes.len() == 10 && data.processes.iter().all(|p| p.cmd_line.is_some())
    });
    assert!(told.is_some(), "what answers again is told again");
}

#[test]
fn one_users_processes_that_hang_hide_no_others() {
    let tree = Tree::new();
    for pid in 100..150 {
        tree.process(pid, b"his", 'S', 9, 100);
        tree.file(&format!("proc/{pid}/status"), "Uid:\t1000\t1000\t0\t0\n");
        tree.waits_for_ever(&format!("proc/{pid}/cmdline"));
    }
    tree.process(200, b"hers", 'S', 1, 100);
    tree.file("proc/200/status", "Uid:\t1001\t1001\t0\t0\n");
    tree.file("proc/200/cmdline", "/bin/hers");
    let mut collector = tree.collector();
    for round in 0..2 {
        let (data, collection) = collect(&mut collector, 10 * round);
        assert_eq!(data.processes.len(), 51);
        let hers = data.processes.iter().find(|p| p.pid == 200).unwrap();
        assert_eq!(hers.cmd_line.as_deref(), Some("/bin/hers"));
        let errors = errors_of(&collection, "processes");
        let hanging = errors.iter().filter(|error| error.contains("no answer for"));
        assert_eq!(hanging.count(), 8, "{errors:?}");
        assert!(errors.iter().any(|e| e.contains("files of processes were not read")), "{errors:?}");
    }
}

#[tokio::test]
async fn a_collection_that_hangs_is_given_up_and_another_thread_takes_over() {
    let tree = Tree::new();
    tree.process(10, b"ok", 'S', 1, 100);
    let loadavg = fs::read(tree.dir.path().join("proc/loadavg")).unwrap();
    tree.waits_for_ever("proc/loadavg");
    let collection_timeout = Duration::from_millis(100);
    let settings = CollectorSettings { collection_timeout, ..tree.settings() };
    let handle = CollectorHandle::spawn(settings, SystemClock::start()).unwrap();
    let (one, other) = tokio::join!(handle.collect(), handle.collect());
    for given_up in [one, other] {
        assert!(matches!(given_up, Err(HandleError::Hangs(_))), "{given_up:?}");
    }
    let hanging = || {
        infiniservice_platform::blocking::hanging().into_iter().filter(|(what, _)| what == "the collector")
    };
    assert_eq!(hanging().count(), 1, "one thread for both");
    assert!(handle.processes(ProcessQuery::default()).await.is_ok(), "another thread lists processes");
    for _ in 0..2 {
        assert!(matches!(handle.collect().await, Err(HandleError::Hangs(_))));
    }
    // As many hang as may: no more are begun.
    let refused = handle.collect().await.unwrap_err();
    assert!(matches!(&refused, HandleError::Failed(why) if why.contains("still wait")), "{refused:?}");
    assert_eq!(hanging().count(), 3);

    let path = tree.dir.path().join("proc/loadavg");
    let pipe = fs::File::options().write(true).open(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, loadavg).unwrap();
    drop(pipe);
    while hanging().count() > 0 {
        tokio::task::yield_now().await;
    }
    let (data, collection) = handle.collect().await.unwrap();
    assert!(data.system.load_average.is_some() && !data.processes.is_empty(), "{:?}", collection.failed);
}
