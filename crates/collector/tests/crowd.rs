//! A collector among more processes that cannot be read than there are places for what hangs.
//!
//! A program of its own: the places are the process', and the threads that hang here keep them until its end.

#[path = "it/tree.rs"]
#[allow(dead_code, reason = "made for the other program's tests")]
mod tree;

use infiniservice_collector::ProcessQuery;
use infiniservice_platform::clock::Now;
use infiniservice_protocol::metrics::Data;
use std::time::{Duration, SystemTime};
use tree::{Tree, collect, errors_of};

/// More than there are places for files of processes that hang.
const CROWD: std::ops::Range<u32> = 1_000..1_100;

#[test]
fn a_crowd_of_processes_that_cannot_be_read_hides_none_that_could_be_and_is_told() {
    let tree = Tree::new();
    for pid in (10..20).chain(2_000..2_010) {
        tree.process(pid, b"ok", 'S', 1, 100);
    }
    let mut collector = tree.collector();
    assert_eq!(collect(&mut collector, 0).0.processes.len(), 20);
    CROWD.for_each(|pid| tree.waits_for_ever(&format!("proc/{pid}/stat")));
    for round in 1..4 {
        let (data, collection) = collect(&mut collector, 10 * round);
        assert_eq!(data.processes.len(), 20, "round {round}");
        let errors = errors_of(&collection, "processes");
        assert!(errors.iter().any(|e| e.contains("files of processes were not read")), "{errors:?}");
        assert!(errors.iter().any(|e| e.contains("more files of processes did not answer")), "{errors:?}");
    }
    let now = Now { mono: Duration::from_secs(60), wall: SystemTime::UNIX_EPOCH };
    let listed = collector.query_processes(now, &ProcessQuery::default()).unwrap();
    assert_eq!(listed.count, 20);
    assert!(listed.incomplete.iter().any(|why| why.contains("were not read")), "{:?}", listed.incomplete);
}

#[test]
fn however_many_users_make_theirs_hang_what_answered_of_others_is_read_on() {
    let tree = Tree::new();
    for pid in 10..20 {
        tree.process(pid, b"ok", 'S', 1, 100);
        tree.file(&format!("proc/{pid}/status"), "Uid:\t0\t0\t0\t0\n");
        tree.file(&format!("proc/{pid}/io"), "read_bytes: 4096\nwrite_bytes: 8192\n");
    }
    let mut collector = tree.collector();
    let told = |data: &Data| data.processes.iter().filter(|one| one.disk_read_bytes == Some(4096)).count();
    assert_eq!(told(&collect(&mut collector, 0).0), 10);
    // Eight of each user's may hang; of nine users that is more than there are places.
    for pid in 1_000..1_080_u32 {
        let user = 2_000 + pid % 10;
        tree.process(pid, b"his", 'S', 9, 100);
        tree.file(&format!("proc/{pid}/status"), format!("Uid:\t{user}\t{user}\t0\t0\n"));
        tree.waits_for_ever(&format!("proc/{pid}/cmdline"));
    }
    for round in 1..3 {
        let (data, collection) = collect(&mut collector, 10 * round);
        assert_eq!(data.processes.len(), 90, "round {round}");
        assert_eq!(told(&data), 10, "round {round}: {:?}", errors_of(&collection, "processes"));
    }
}
