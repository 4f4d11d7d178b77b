//! What is written when: many records with one sync, again after an error, never after a torn record.

use super::disk::Disk;
use std::io;

/// A part of the ledger on its way to the disk.
#[derive(Debug)]
pub(super) enum Part {
    /// More records.
    Append(String),
    /// All of it anew: the state after all parts before.
    Compact(String),
}

/// How far the ledger has got.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Status {
    /// How many parts are on the disk.
    pub synced: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Why it cannot be written now.
    pub error: Option<String>,
}

/// Writes the parts in their order.
pub(super) struct Writer<D> {
    disk: D,
    /// Good bytes of the file, all of them synced.
    length: u64,
    pending: String,
    pending_parts: u64,
    synced: u64,
}

impl<D: Disk> Writer<D> {
    pub(super) fn new(disk: D, length: u64) -> Self {
        Self { disk, length, pending: String::new(), pending_parts: 0, synced: 0 }
    }

    /// Takes a part; it is written with the next [`Self::flush`].
    pub(super) fn take(&mut self, part: Part) {
        match part {
            Part::Append(lines) => {
                self.pending.push_str(&lines);
                self.pending_parts += 1;
            }
            Part::Compact(lines) => self.compact(&lines),
        }
    }

    /// What waits is in the new content, too; it is enough that either gets there.
    fn compact(&mut self, lines: &str) {
        match self.disk.replace(lines.as_bytes()) {
            Ok(()) => {
                self.length = lines.len() as u64;
                self.synced += self.pending_parts + 1;
                self.pending = String::new();
                self.pending_parts = 0;
            }
            Err(error) => {
                log::warn!("the ledger is not compacted: {error}");
                self.pending_parts += 1;
            }
        }
    }

    /// Writes what waits, and says how far it is.
    pub(super) fn flush(&mut self) -> Status {
        let error = self.write().err().map(|error| error.to_string());
        Status { synced: self.synced, bytes: self.length, error }
    }

    /// Whether something still has to be written.
    pub(super) const fn waits(&self) -> bool {
        self.pending_parts > 0
    }

    fn write(&mut self) -> io::Result<()> {
        if self.pending_parts == 0 {
            return Ok(());
        }
        // Half a record of an earlier try must not stand before a whole one.
        self.disk.truncate(self.length)?;
        let written =
            self.disk.write_at(self.pending.as_bytes(), self.length).and_then(|()| self.disk.sync());
        if let Err(error) = written {
            // What is left of it would be told as torn after a crash, and is cut with the next try.
            let _best_effort = self.disk.truncate(self.length);
            return Err(error);
        }
        self.length += self.pending.len() as u64;
        self.pending.clear();
        self.synced += std::mem::take(&mut self.pending_parts);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Default)]
    struct Fake {
        content: Vec<u8>,
        room: usize,
        syncs: usize,
        sync_fails: bool,
    }

    impl Disk for Arc<Mutex<Fake>> {
        fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
            let mut fake = self.lock().unwrap();
            assert_eq!(fake.content.len() as u64, offset);
            let fits = bytes.len().min(fake.room - fake.content.len());
            fake.content.extend(&bytes[..fits]);
            if fits < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        }

        fn sync(&mut self) -> io::Result<()> {
            let mut fake = self.lock().unwrap();
            fake.syncs += 1;
            if fake.sync_fails { Err(io::Error::other("input/output error")) } else { Ok(()) }
        }

        fn truncate(&mut self, length: u64) -> io::Result<()> {
            self.lock().unwrap().content.truncate(length as usize);
            Ok(())
        }

        fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
            let mut fake = self.lock().unwrap();
            if bytes.len() > fake.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            fake.content = bytes.to_vec();
            Ok(())
        }
    }

    fn writer(room: usize) -> (Arc<Mutex<Fake>>, Writer<Arc<Mutex<Fake>>>) {
        let fake = Arc::new(Mutex::new(Fake { room, ..Fake::default() }));
        (Arc::clone(&fake), Writer::new(fake, 0))
    }

    fn append(writer: &mut Writer<Arc<Mutex<Fake>>>, lines: &str) {
        writer.take(Part::Append(lines.to_owned()));
    }

    fn content(fake: &Arc<Mutex<Fake>>) -> String {
        String::from_utf8(fake.lock().unwrap().content.clone()).unwrap()
    }

    #[test]
    fn many_parts_take_one_sync() {
        let (fake, mut writer) = writer(100);
        for n in 0..10 {
            append(&mut writer, &n.to_string());
        }
        assert_eq!(writer.flush(), Status { synced: 10, bytes: 10, error: None });
        assert_eq!((content(&fake).as_str(), fake.lock().unwrap().syncs), ("0123456789", 1));
    }

    #[test]
    fn a_full_disk_is_told_leaves_no_half_record_and_is_tried_again() {
        let (fake, mut writer) = writer(6);
        append(&mut writer, "one\n");
        writer.flush();
        append(&mut writer, "two\n");
        append(&mut writer, "three\n");
        let status = writer.flush();
        assert_eq!((status.synced, status.error.is_some(), writer.waits()), (1, true, true));
        assert_eq!(content(&fake), "one\n");
        fake.lock().unwrap().room = 100;
        assert_eq!(writer.flush(), Status { synced: 3, bytes: 14, error: None });
        assert_eq!(content(&fake), "one\ntwo\nthree\n");
    }

    #[test]
    fn what_was_not_synced_is_not_said_to_be_there() {
        let (fake, mut writer) = writer(100);
        fake.lock().unwrap().sync_fails = true;
        append(&mut writer, "one\n");
        assert_eq!(writer.flush().synced, 0);
        fake.lock().unwrap().sync_fails = false;
        assert_eq!((writer.flush().synced, content(&fake).as_str()), (1, "one\n"));
    }

    #[test]
    fn a_compaction_stands_for_what_waits_and_one_that_fails_loses_nothing() {
        let (fake, mut writer) = writer(20);
        append(&mut writer, "one\n");
        writer.take(Part::Compact("all\n".into()));
        append(&mut writer, "two\n");
        assert_eq!(writer.flush().synced, 3);
        assert_eq!(content(&fake), "all\ntwo\n");
        append(&mut writer, "three\n");
        writer.take(Part::Compact("x".repeat(21)));
        assert_eq!(writer.flush(), Status { synced: 5, bytes: 14, error: None });
        assert_eq!(content(&fake), "all\ntwo\nthree\n");
    }
}
