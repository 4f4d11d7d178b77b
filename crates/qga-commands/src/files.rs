//! Files that the host opened. They stay open when it disconnects: some hosts connect for each command.

use crate::places;
use crate::work::failed;
use infiniservice_platform::gate::Gate;
use infiniservice_qga::bytes::Bytes;
use infiniservice_qga::limits::{
    DEFAULT_FILE_READ_COUNT, MAX_FILE_READ_BYTES, MAX_OPEN_FILES, OPEN_FILE_KEPT,
};
use infiniservice_qga::reply::{FileRead, FileSeek, FileWrite};
use infiniservice_qga::request::{OpenMode, Whence};
use infiniservice_qga::{Error, Reply, Request};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// All that are open.
#[derive(Debug, Default)]
pub struct Files(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    open: BTreeMap<i64, Open>,
    newest: i64,
}

#[derive(Debug)]
struct Open {
    file: File,
    used: Instant,
}

impl Files {
    /// Whether it is one of the commands of files.
    pub fn serves(request: &Request) -> bool {
        matches!(
            request,
            Request::FileOpen { .. }
                | Request::FileClose { .. }
                | Request::FileRead { .. }
                | Request::FileWrite { .. }
                | Request::FileSeek { .. }
                | Request::FileFlush { .. }
        )
    }

    /// One of the commands that this serves.
    pub fn run(&self, request: Request) -> Result<Reply, Error> {
        match request {
            Request::FileOpen { path, mode } => self.open(&path, &mode),
            Request::FileClose { handle } => self.close(handle),
            Request::FileRead { handle, count } => self.with(handle, |file| read(file, count)),
            Request::FileWrite { handle, bytes, count } => {
                self.with(handle, |file| write(file, &bytes.0, count))
            }
            Request::FileSeek { handle, offset, whence } => {
                self.with(handle, |file| seek(file, offset, whence))
            }
            // Nothing is held back here, and the file may be a device that cannot be synced.
            Request::FileFlush { handle } => self.with(handle, |file| {
                let _nothing_to_sync = file.sync_all();
                Ok(Reply::EMPTY)
            }),
            _ => Err(Error::generic("the agent does not know how to do this")),
        }
    }

    fn open(&self, path: &str, mode: &OpenMode) -> Result<Reply, Error> {
        let failed = |error: &io::Error| {
            failed(format!("failed to open file '{path}' (mode: '{}')", mode.word), error)
        };
        let mut options = OpenOptions::new();
        options.read(mode.read).write(mode.write && !mode.append).append(mode.append);
        options.create(mode.create).truncate(mode.truncate);
        let file = places::opened(&mut options).open(path).map_err(|error| failed(&error))?;
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.open.retain(|_, open| open.used.elapsed() < OPEN_FILE_KEPT);
        if table.open.len() >= MAX_OPEN_FILES {
            return Err(Error::generic(format!("{MAX_OPEN_FILES} files are open already")));
        }
        let handle = table.next();
        table.open.insert(handle, Open { file, used: Instant::now() });
        Ok(Reply::Int(handle))
    }

    fn close(&self, handle: i64) -> Result<Reply, Error> {
        let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.open.remove(&handle).map(|_| Reply::EMPTY).ok_or_else(|| unknown(handle))
    }

    fn with(
        &self,
        handle: i64,
        work: impl FnOnce(&mut File) -> Result<Reply, Error>,
    ) -> Result<Reply, Error> {
        // Not while the table is locked: a file may hang.
        let file = {
            let mut table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let open = table.open.get_mut(&handle).ok_or_else(|| unknown(handle))?;
            open.used = Instant::now();
            open.file.try_clone()
        };
        work(&mut file.map_err(|error| failed("failed to use the file", &error))?)
    }
}

impl Table {
    /// From the clock, so that a handle of an agent before this one is none of this one's.
    fn next(&mut self) -> i64 {
        let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        self.newest = i64::try_from(clock).unwrap_or_default().max(self.newest + 1).max(1000);
        self.newest
    }
}

fn unknown(handle: i64) -> Error {
    Error::generic(format!("handle '{handle}' has not been found"))
}

/// At most what an answer takes; the end is told only where it was met.
fn read(file: &mut File, count: Option<u64>) -> Result<Reply, Error> {
    let count = usize::try_from(count.unwrap_or(DEFAULT_FILE_READ_COUNT)).unwrap_or(usize::MAX);
    let wanted = count.min(MAX_FILE_READ_BYTES);
    let mut bytes = Vec::new();
    let read = file.take(wanted as u64).read_to_end(&mut bytes);
    match read {
        Ok(_) => {}
        Err(ref error) if error.kind() == io::ErrorKind::WouldBlock && !bytes.is_empty() => {}
        Err(ref error) => return Err(failed("failed to read file", error)),
    }
    let eof = read.is_ok() && bytes.len() < wanted;
    Ok(Reply::FileRead(FileRead { count: bytes.len() as u64, bytes: Bytes(bytes), eof }))
}

fn write(file: &mut File, bytes: &[u8], count: Option<u64>) -> Result<Reply, Error> {
    let _pass = Gate::of_the_process().pass().map_err(|closed| Error::generic(closed.to_string()))?;
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(bytes.len());
    let bytes = bytes.get(..count).unwrap_or(bytes);
    file.write_all(bytes).map_err(|error| failed("failed to write to file", &error))?;
    Ok(Reply::FileWrite(FileWrite { count: bytes.len() as u64, eof: false }))
}

fn seek(file: &mut File, offset: i64, whence: Whence) -> Result<Reply, Error> {
    let to = match whence {
        Whence::Set => SeekFrom::Start(
            u64::try_from(offset).map_err(|_| Error::generic("failed to seek file: Invalid argument"))?,
        ),
        Whence::Cur => SeekFrom::Current(offset),
        Whence::End => SeekFrom::End(offset),
    };
    let position = file.seek(to).map_err(|error| failed("failed to seek file", &error))?;
    Ok(Reply::FileSeek(FileSeek { position, eof: false }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn ask(files: &Files, command: &str, arguments: &Value) -> Result<Value, String> {
        let request = serde_json::from_value(json!({ command: arguments })).unwrap();
        files.run(request).map(|reply| serde_json::to_value(reply).unwrap()).map_err(|error| error.desc)
    }

    #[test]
    fn what_was_written_is_read_and_the_end_is_told_only_where_it_was_met() {
        let (place, files) = (tempfile::tempdir().unwrap(), Files::default());
        let path = place.path().join("x");
        let handle = ask(&files, "guest-file-open", &json!({"path": path, "mode": "w+"})).unwrap();
        let wrote =
            ask(&files, "guest-file-write", &json!({"handle": handle, "buf-b64": "aGVsbG8=\n", "count": 4}));
        assert_eq!(wrote, Ok(json!({"count": 4, "eof": false})));
        let at = ask(&files, "guest-file-seek", &json!({"handle": handle, "offset": 1, "whence": "set"}));
        assert_eq!(at, Ok(json!({"position": 1, "eof": false})));
        let read =
            |count: u64| ask(&files, "guest-file-read", &json!({"handle": handle, "count": count})).unwrap();
        assert_eq!(read(3), json!({"count": 3, "buf-b64": "ZWxs", "eof": false}));
        assert_eq!(read(3), json!({"count": 0, "buf-b64": "", "eof": true}));
        assert_eq!(ask(&files, "guest-file-flush", &json!({"handle": handle})), Ok(json!({})));
        assert_eq!(ask(&files, "guest-file-close", &json!({"handle": handle})), Ok(json!({})));
        let closed = ask(&files, "guest-file-close", &json!({"handle": handle})).unwrap_err();
        assert_eq!(closed, format!("handle '{handle}' has not been found"));
    }

    #[test]
    fn an_absent_file_is_told_with_its_mode_and_the_words_of_the_system() {
        let error = ask(&Files::default(), "guest-file-open", &json!({"path": "/no/such"})).unwrap_err();
        let why = crate::work::reason(&File::open("/no/such").unwrap_err());
        assert_eq!(error, format!("failed to open file '/no/such' (mode: 'r'): {why}"));
    }

    #[test]
    fn so_many_files_may_be_open_and_no_more() {
        let (place, files) = (tempfile::NamedTempFile::new().unwrap(), Files::default());
        let open = || ask(&files, "guest-file-open", &json!({"path": place.path()}));
        for _ in 0..MAX_OPEN_FILES {
            open().unwrap();
        }
        assert!(open().is_err());
    }
}
