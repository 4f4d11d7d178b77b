//! The ledger of jobs as a file: read at the start, then only appended to, by a thread of its own. Nothing else waits for the
//! disk.

mod disk;
mod writer;

use disk::{Disk, LockedFile};
use infiniservice_hub_core::ledger::{self, Record};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::sync::watch;
pub(super) use writer::Status;
use writer::{Part, Writer};

/// How often a disk that takes nothing is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// A file below that is not compacted.
const COMPACT_FROM_BYTES: u64 = 8 << 20;

/// The writing end.
pub(super) struct Ledger {
    parts: Sender<Part>,
    /// How far it has got; changes when that does.
    pub(super) status: watch::Receiver<Status>,
    sent: u64,
    /// The size from which it is compacted.
    compact_from: u64,
}

impl Ledger {
    /// Opens or creates the file, and says what is in it.
    ///
    /// # Errors
    /// Where it cannot be used: a sentence with its path.
    pub(super) fn open(path: &Path) -> Result<(Self, Vec<Record>), String> {
        let (mut disk, bytes) = LockedFile::open(path)?;
        let replayed = ledger::read(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        if replayed.torn_bytes > 0 {
            log::warn!("{}: the last {} bytes are torn and cut off", path.display(), replayed.torn_bytes);
        }
        let failed = |error| format!("cannot write {}: {error}", path.display());
        disk.truncate(replayed.good_bytes as u64).map_err(failed)?;
        let ledger = Self::start(disk, replayed.good_bytes as u64, path.to_owned());
        let ledger = ledger.map_err(|error| format!("cannot start the ledger's thread: {error}"))?;
        Ok((ledger, replayed.records))
    }

    fn start(disk: impl Disk, length: u64, path: PathBuf) -> std::io::Result<Self> {
        let (parts, receiver) = channel();
        let (told, status) = watch::channel(Status { bytes: length, ..Status::default() });
        let writer = Writer::new(disk, length);
        std::thread::Builder::new()
            .name("ledger".into())
            .spawn(move || run(writer, &receiver, &told, &path))?;
        let mut ledger = Self { parts, status, sent: 0, compact_from: COMPACT_FROM_BYTES };
        if length == 0 {
            ledger.send(Part::Append(ledger::head_line()));
        }
        Ok(ledger)
    }

    /// Records something; the number that [`Status::synced`] reaches when it is on the disk.
    pub(super) fn append(&mut self, records: &[Record]) -> u64 {
        if !records.is_empty() {
            self.send(Part::Append(records.iter().map(ledger::line).collect()));
        }
        self.sent
    }

    /// Writes the file anew, with these records only, if it has grown much.
    pub(super) fn compact(&mut self, records: impl FnOnce() -> Vec<Record>) {
        if self.status.borrow().bytes < self.compact_from {
            return;
        }
        let text = ledger::head_line() + &records().iter().map(ledger::line).collect::<String>();
        self.compact_from = COMPACT_FROM_BYTES.max(2 * text.len() as u64);
        self.send(Part::Compact(text));
    }

    fn send(&mut self, part: Part) {
        self.sent += 1;
        // The thread ends with this end only.
        let _always_there = self.parts.send(part);
    }
}

fn run(mut writer: Writer<impl Disk>, parts: &Receiver<Part>, told: &watch::Sender<Status>, path: &Path) {
    loop {
        let part = if writer.waits() { parts.recv_timeout(RETRY) } else { parts.recv().map_err(Into::into) };
        match part {
            Ok(part) => writer.take(part),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        // What came meanwhile shares the sync.
        for part in parts.try_iter() {
            writer.take(part);
        }
        let mut status = writer.flush();
        status.error = status.error.map(|error| format!("cannot write {}: {error}", path.display()));
        tell(told, status);
    }
}

/// Errors are logged when they begin and when they end.
fn tell(told: &watch::Sender<Status>, status: Status) {
    match (&told.borrow().error, &status.error) {
        (None, Some(error)) => log::error!("{error}; no new job is taken, and no machine begins"),
        (Some(_), None) => log::info!("the ledger can be written again"),
        _ => {}
    }
    told.send_replace(status);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forgotten(n: usize) -> Record {
        Record::Forgotten { job: format!("j-{n}") }
    }

    async fn synced(ledger: &mut Ledger, number: u64) {
        ledger.status.wait_for(|status| status.synced >= number).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_synced_is_there_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.ledger");
        let (mut ledger, records) = Ledger::open(&path).unwrap();
        assert!(records.is_empty());
        let number = ledger.append(&[forgotten(1), forgotten(2)]);
        assert_eq!(ledger.append(&[]), number);
        synced(&mut ledger, number).await;
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(ledger::read(&bytes).unwrap().records, [forgotten(1), forgotten(2)]);
        assert!(Ledger::open(&path).err().unwrap().contains("another infinihub"));
    }

    #[tokio::test]
    async fn a_torn_tail_is_cut_off_and_other_files_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.ledger");
        let good = ledger::head_line() + &ledger::line(&forgotten(1));
        std::fs::write(&path, format!("{good}0000 torn")).unwrap();
        let (mut ledger, records) = Ledger::open(&path).unwrap();
        assert_eq!(records, [forgotten(1)]);
        let number = ledger.append(&[forgotten(2)]);
        synced(&mut ledger, number).await;
        assert_eq!(std::fs::read_to_string(&path).unwrap(), good + &ledger::line(&forgotten(2)));
        let other = dir.path().join("other.ledger");
        std::fs::write(&other, "something else\n").unwrap();
        assert!(Ledger::open(&other).err().unwrap().contains("no ledger of infinihub"));
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "something else\n");
    }

    #[tokio::test]
    async fn a_file_that_has_grown_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jobs.ledger");
        let (mut ledger, _) = Ledger::open(&path).unwrap();
        let number = ledger.append(&vec![forgotten(1); 1000]);
        synced(&mut ledger, number).await;
        ledger.compact(|| panic!("it is small"));
        ledger.compact_from = 1000;
        ledger.compact(|| vec![forgotten(7)]);
        let number = ledger.append(&[forgotten(8)]);
        synced(&mut ledger, number).await;
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(ledger::read(&bytes).unwrap().records, [forgotten(7), forgotten(8)]);
    }
}
