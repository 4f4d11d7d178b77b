//! A file system that never answers, for real: FUSE without a daemon, in a mount namespace of its own.

use infiniservice_collector::{Collector, CollectorSettings};
use infiniservice_platform::clock::{Clock, SystemClock};
use infiniservice_protocol::metrics::Collection;
use std::ffi::CString;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::time::Duration;

/// Set in the process that has a mount namespace of its own.
const INSIDE: &str = "COLLECTOR_TEST_INSIDE_NAMESPACE";

#[test]
fn a_file_system_that_never_answers_is_reported_and_asked_once() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    if !rustix::process::geteuid().is_root() || !std::path::Path::new("/dev/fuse").exists() {
        println!("left out: needs root and /dev/fuse");
        return;
    }
    let name = "hung_mount::a_file_system_that_never_answers_is_reported_and_asked_once";
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]).arg(std::env::current_exe().unwrap());
    match command.args(["--exact", name]).env(INSIDE, "1").output() {
        // One of another name is none, and none fails.
        Ok(output) => assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "{output:?}"),
        Err(error) => println!("left out: unshare: {error}"),
    }
}

fn inside() {
    let dir = tempfile::tempdir().unwrap();
    let device = std::fs::File::options().read(true).write(true).open("/dev/fuse").unwrap();
    let data = format!("fd={},rootmode=40000,user_id=0,group_id=0", device.as_raw_fd());
    let data = CString::new(data).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    rustix::mount::mount("dead:/export", dir.path(), "fuse.sshfs", flags, &*data).unwrap();

    let clock = SystemClock::start();
    let network_mount_timeout = Duration::from_millis(20);
    let mut collector =
        Collector::new(CollectorSettings { network_mount_timeout, ..CollectorSettings::default() });
    let place = dir.path().to_str().unwrap();
    for _ in 0..3 {
        let (data, collection) = collector.collect(clock.now());
        assert!(data.system.memory.total_kb > 0 && !data.processes.is_empty(), "the rest is told");
        assert!(hanging(&collection).iter().any(|e| e.starts_with(place)), "{:?}", collection.failed);
        assert_eq!(workers(), 1, "one stuck worker, not one a collection");
    }
    // The file system goes: the worker is released, and nothing is reported any more.
    rustix::mount::unmount(dir.path(), rustix::mount::UnmountFlags::DETACH).unwrap();
    drop(device);
    let (_, collection) = collector.collect(clock.now());
    assert!(hanging(&collection).is_empty(), "{:?}", collection.failed);
}

fn hanging(collection: &Collection) -> Vec<&str> {
    let failed = collection.failed.iter().filter(|f| f.error.contains("no answer for"));
    failed.map(|f| f.error.as_str()).collect()
}

fn workers() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "file-systems").count()
}
