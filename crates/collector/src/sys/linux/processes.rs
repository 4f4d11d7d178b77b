//! The walk over `/proc`: one small file of each process; more only of those that are listed. The owner of a process can make
//! each of them wait for ever, by its memory or by an execve(2) that does not end: so they are read in series that pass
//! over what hangs.

use super::files::open_dir;
use super::process_file::{Kind, ProcessFile, Reader};
use super::sockets;
use crate::error::CollectError;
use crate::process::{self, Details, Record, command_line, executable, storage_bytes, user_id};
use infiniservice_platform::blocking::{Blocked, Lane, Series};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, RawDir, SeekFrom, seek};
use rustix::io::Errno;
use std::collections::{HashMap, HashSet};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Entries of a directory are read in portions of this size.
const DIRECTORY_BYTES: usize = 16 << 10;
/// How long one file of one process may take. The kernel makes it from memory: what takes so long hangs.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Files that are named as not answering, in one message.
const MAX_NAMED: usize = 8;

/// `/proc`, with what is known to hang in it.
#[derive(Debug)]
pub struct ProcessFiles {
    root: PathBuf,
    dir: Option<OwnedFd>,
    entries: Vec<MaybeUninit<u8>>,
    table: Series<ProcessFile>,
    files: Series<ProcessFile>,
    /// Whose a process is, as far as it was read, so that one user's processes that hang cost the others nothing.
    users: HashMap<(u32, u64), u32>,
    named: Vec<String>,
    unnamed: usize,
    /// Not even asked, because too many others hang.
    unasked: usize,
}

/// `None` for what did not answer, else what it told, where it told anything.
type Told<T> = Option<Option<T>>;

impl ProcessFiles {
    /// Below `root`.
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            dir: None,
            entries: Vec::new(),
            table: Series::new(Lane::ProcessTable, "process table", TIMEOUT),
            files: Series::new(Lane::Processes, "files of processes", TIMEOUT),
            users: HashMap::new(),
            named: Vec::new(),
            unnamed: 0,
            unasked: 0,
        }
    }

    /// Appends every process to `records`. One that ends meanwhile, or whose file is not understood, is passed over.
    pub fn scan(&mut self, records: &mut Vec<Record>) -> Result<(), CollectError> {
        let numbers = self.numbers().map_err(|e| {
            self.dir = None;
            CollectError::io(self.root.to_string_lossy(), e)
        })?;
        let items: Vec<_> = numbers.into_iter().map(ProcessFile::stat).collect();
        let root = self.root.clone();
        let told = self.table.each(&items, move || {
            let mut reader = Reader::below(&root);
            move |item: &ProcessFile| reader.read(item).and_then(|text| process::parse_stat(text).ok())
        });
        for answer in told {
            records.extend(self.note(answer).flatten());
        }
        let live: HashSet<_> = records.iter().map(|record| (record.pid, record.started)).collect();
        self.users.retain(|process, _| live.contains(process));
        self.files.keep(|file| live.contains(&file.process()));
        let numbers: HashSet<_> = records.iter().map(|record| record.pid).collect();
        self.table.keep(|file| numbers.contains(&file.pid));
        Ok(())
    }

    fn numbers(&mut self) -> Result<Vec<u32>, Errno> {
        let dir = match &mut self.dir {
            Some(dir) => dir,
            none => none.insert(open_dir(CWD, &self.root)?),
        };
        seek(&*dir, SeekFrom::Start(0))?;
        self.entries.resize(DIRECTORY_BYTES, MaybeUninit::uninit());
        let mut entries = RawDir::new(&*dir, &mut self.entries);
        let mut numbers = Vec::new();
        while let Some(entry) = entries.next() {
            numbers.extend(entry?.file_name().to_str().ok().and_then(|name| name.parse::<u32>().ok()));
        }
        Ok(numbers)
    }

    /// What is told of listed processes and changes seldom, in order. What may not be read, or is gone, is left out.
    pub fn details(&mut self, records: &[&Record], max_bytes: usize) -> Vec<Details> {
        let users = self.read_users(records);
        let programs: Vec<_> = records.iter().filter(|record| !record.is_kernel).copied().collect();
        let pairs =
            programs.iter().flat_map(|r| [self.item(r, Kind::Program), self.item(r, Kind::Arguments)]);
        let mut texts = self.read(&pairs.collect::<Vec<_>>(), move |item, text| match item.kind() {
            Kind::Program => executable(text, max_bytes),
            _ => command_line(text, max_bytes),
        });
        let mut texts = texts.drain(..);
        let details = |(record, user): (&&Record, Told<u32>)| {
            let mut next = || if record.is_kernel { Some(None) } else { texts.next().unwrap_or_default() };
            let (exe_path, cmd_line) = (next(), next());
            Details {
                unanswered: user.is_none() || exe_path.is_none() || cmd_line.is_none(),
                user_id: user.flatten(),
                exe_path: exe_path.flatten(),
                cmd_line: cmd_line.flatten(),
            }
        };
        records.iter().zip(users).map(details).collect()
    }

    /// Bytes read from and written to storage, in order.
    pub fn storage_bytes(&mut self, records: &[&Record]) -> Vec<Option<(u64, u64)>> {
        let items: Vec<_> = records.iter().map(|record| self.item(record, Kind::Io)).collect();
        self.read(&items, |_, text| storage_bytes(text)).into_iter().map(Option::flatten).collect()
    }

    /// The arguments alone, in order.
    pub fn arguments(&mut self, records: &[&Record], max_bytes: usize) -> Vec<Option<String>> {
        let unknown: Vec<_> = records.iter().filter(|record| self.user(record).is_none()).copied().collect();
        self.read_users(&unknown);
        let items: Vec<_> = records.iter().map(|record| self.item(record, Kind::Arguments)).collect();
        let told = self.read(&items, move |_, text| command_line(text, max_bytes));
        told.into_iter().map(Option::flatten).collect()
    }

    /// Which of the sockets that are `wanted`, by their inodes, which process holds. Once all are found no more processes are
    /// looked into.
    pub fn holders(&mut self, records: &[&Record], wanted: HashSet<u32>) -> Vec<(u32, u32)> {
        let items: Vec<_> = records.iter().map(|record| self.item(record, Kind::Descriptors)).collect();
        let (root, missing) = (self.root.clone(), Arc::new(Mutex::new(wanted)));
        let told = self.files.each(&items, move || {
            let (reader, missing) = (Reader::below(&root), Arc::clone(&missing));
            let mut entries = vec![MaybeUninit::uninit(); DIRECTORY_BYTES];
            move |item: &ProcessFile| held(&reader, item.pid, &missing, &mut entries)
        });
        let found = told.into_iter().map(|answer| self.note(answer)).collect::<Vec<_>>();
        let pairs = items.iter().zip(found);
        pairs.flat_map(|(item, held)| held.into_iter().flatten().map(|inode| (inode, item.pid))).collect()
    }

    /// The files that did not answer since this was last asked.
    pub fn take_unanswered(&mut self) -> Vec<String> {
        let (named, more) = (std::mem::take(&mut self.named), std::mem::take(&mut self.unnamed));
        let more = (more > 0).then(|| format!("{more} more files of processes did not answer"));
        let unasked = std::mem::take(&mut self.unasked);
        let unasked = (unasked > 0).then(|| {
            format!("{unasked} files of processes were not read, because too many others do not answer")
        });
        named.into_iter().chain(more).chain(unasked).collect()
    }

    fn read<T: Send + 'static>(
        &mut self,
        items: &[ProcessFile],
        parse: impl Fn(&ProcessFile, &[u8]) -> Option<T> + Copy + Send + Sync + 'static,
    ) -> Vec<Told<T>> {
        let root = self.root.clone();
        let told = self.files.each(items, move || {
            let mut reader = Reader::below(&root);
            move |item: &ProcessFile| reader.read(item).and_then(|text| parse(item, text))
        });
        told.into_iter().map(|answer| self.note(answer)).collect()
    }

    fn read_users(&mut self, records: &[&Record]) -> Vec<Told<u32>> {
        let items: Vec<_> = records.iter().map(|record| self.item(record, Kind::Status)).collect();
        let users = self.read(&items, |_, text| user_id(text));
        for (record, user) in records.iter().zip(&users) {
            if let Some(Some(user)) = user {
                self.users.insert((record.pid, record.started), *user);
            }
        }
        users
    }

    fn item(&self, record: &Record, kind: Kind) -> ProcessFile {
        ProcessFile::of(record, kind, self.user(record))
    }

    fn user(&self, record: &Record) -> Option<u32> {
        self.users.get(&(record.pid, record.started)).copied()
    }

    /// What hangs is named before what was not asked because of it.
    fn note<T>(&mut self, answer: Result<T, Blocked>) -> Option<T> {
        let error = match answer {
            Ok(told) => return Some(told),
            Err(error) => error,
        };
        match error {
            Blocked::Full { .. } => self.unasked += 1,
            error if error.hangs() && self.named.len() < MAX_NAMED => self.named.push(error.to_string()),
            _ => self.unnamed += 1,
        }
        None
    }
}

fn held(
    reader: &Reader,
    pid: u32,
    missing: &Mutex<HashSet<u32>>,
    entries: &mut [MaybeUninit<u8>],
) -> Vec<u32> {
    let mut found = Vec::new();
    let is_done = missing.lock().unwrap_or_else(PoisonError::into_inner).is_empty();
    if let Some(dir) = reader.dir().filter(|_| !is_done) {
        // A process that is gone or may not be looked into holds none that are known.
        let _ = sockets::sockets_of(dir, pid, entries, &mut |inode| found.push(inode));
    }
    let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
    found.retain(|inode| missing.remove(inode));
    found
}
