//! Trees of `/proc`, recorded or made up.

use infiniservice_collector::{Collector, CollectorSettings, Roots};
use infiniservice_platform::clock::Now;
use infiniservice_protocol::metrics::{Collection, Data};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/proc-debian12-6.18");

/// A machine's files.
pub struct Tree {
    /// Where they lie.
    pub dir: tempfile::TempDir,
}

impl Tree {
    /// The machine's files as recorded, without processes.
    pub fn new() -> Self {
        // Thousands of small files: in memory where there is such a place.
        let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
        let tree = Self { dir: dir.unwrap() };
        for file in [
            "stat",
            "meminfo",
            "uptime",
            "loadavg",
            "diskstats",
            "pressure/cpu",
            "pressure/memory",
            "pressure/io",
            "vmstat",
        ] {
            tree.file(&format!("proc/{file}"), fs::read(Path::new(RECORDED).join(file)).unwrap());
        }
        tree.file("proc/self/mountinfo", b"");
        tree.file("proc/sys/kernel/hostname", b"recorded\n");
        tree.file("etc/passwd", b"root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/:/bin/false\n");
        tree
    }

    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A pipe without a writer in the place of a file: whoever opens it waits, as for a process whose owner holds its memory.
    pub fn waits_for_ever(&self, path: &str) {
        self.file(path, b"");
        let path = self.dir.path().join(path);
        fs::remove_file(&path).unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }

    pub fn process(&self, pid: u32, name: &[u8], state: char, ticks: u64, rss: u64) {
        let mut stat = format!("{pid} (").into_bytes();
        stat.extend(name);
        let tail = format!(") {state} 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 0 0 20 0 1 0 5000 1 {rss} 1 1\n");
        stat.extend(tail.bytes());
        self.file(&format!("proc/{pid}/stat"), stat);
    }

    pub fn collector(&self) -> Collector {
        Collector::new(self.settings())
    }

    pub fn settings(&self) -> CollectorSettings {
        let root = |name: &str| self.dir.path().join(name);
        let roots = Roots { proc: root("proc"), sys: root("sys"), etc: root("etc") };
        CollectorSettings { roots, ..CollectorSettings::default() }
    }
}

pub fn collect(collector: &mut Collector, at_secs: u64) -> (Data, Collection) {
    collector.collect(Now { mono: Duration::from_secs(at_secs), wall: SystemTime::UNIX_EPOCH })
}

pub fn errors_of<'a>(collection: &'a Collection, collector: &str) -> Vec<&'a str> {
    collection.failed.iter().filter(|f| f.collector == collector).map(|f| f.error.as_str()).collect()
}
