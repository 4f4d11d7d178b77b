//! What survives a crash of agent or machine: the scripts that wait, which of them had begun, and how they ended.
//!
//! One file a script, whose name says how far it is: `NUMBER.waiting`, `NUMBER.started`, `NUMBER.ended`. A name appears only when
//! what is in the file survives (write, sync, rename, sync of the names), so that after a crash at any step a script has either
//! not been taken, or has its place: it never runs twice, and none that was taken is lost.

use super::disk::Disk;
use infiniservice_protocol::data::{ScriptInfo, ScriptState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;

/// Scripts that are kept, those that have ended included.
pub(crate) const SCRIPTS_MAX: usize = 256;
/// The same in bytes.
const BYTES_MAX: u64 = 64 << 20;
/// Longest description of a script, in bytes of JSON.
const HEAD_MAX: u64 = 16 << 10;
/// Longest file.
const FILE_MAX: u64 = 20 << 20;
/// What is said of one that had begun when the agent or the machine ended.
pub(crate) const INTERRUPTED: &str = "interrupted by a restart; not run again";
/// Its exit code.
pub(crate) const INTERRUPTED_CODE: i32 = 1;

/// How a script ended, with what it wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// Its output, at most as much as is kept.
    pub(crate) stdout: String,
    /// Its error output.
    pub(crate) stderr: String,
}

/// A script that the store knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its place in the order.
    pub(crate) number: u64,
    /// All that is told of it.
    pub(crate) info: ScriptInfo,
}

/// The scripts on a disk.
#[derive(Debug)]
pub(crate) struct Store<D> {
    disk: D,
    next: u64,
    sizes: BTreeMap<u64, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Waiting,
    Started,
    Ended,
}

impl Stage {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Waiting, "waiting"), (Self::Started, "started"), (Self::Ended, "ended")];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(stage, _)| *stage == self).map_or("", |(_, word)| word)
    }
}

fn name(number: u64, word: &str) -> String {
    format!("{number:016}.{word}")
}

/// Number and stage; `None` of a file that never got its name, or of one that is not ours.
fn parse(name: &str) -> Option<(u64, Stage)> {
    let (number, word) = name.split_once('.')?;
    let (stage, _) = Stage::ALL.into_iter().find(|(_, known)| *known == word)?;
    (number.len() == 16).then(|| number.parse().ok()).flatten().map(|number| (number, stage))
}

impl<D: Disk> Store<D> {
    /// What a predecessor left, in its order: what had begun has ended now.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn open(disk: D, now: &str) -> io::Result<(Self, Vec<Entry>)> {
        let mut store = Self { disk, next: 1, sizes: BTreeMap::new() };
        let mut stages: BTreeMap<u64, (Stage, u64)> = BTreeMap::new();
        for (file, bytes) in store.disk.list()? {
            let Some((number, stage)) = parse(&file) else {
                store.disk.remove(&file)?;
                continue;
            };
            let known = stages.insert(number, (stage, bytes));
            // A crash came between the last two steps of its end.
            if let Some(known) = known.filter(|(known, _)| *known > stage) {
                stages.insert(number, known);
            }
        }
        let mut entries = Vec::new();
        for (number, (stage, bytes)) in stages {
            store.next = number.saturating_add(1);
            store.sizes.insert(number, bytes);
            entries.extend(store.found(number, stage, now)?);
        }
        Ok((store, entries))
    }

    fn found(&mut self, number: u64, stage: Stage, now: &str) -> io::Result<Option<Entry>> {
        let Some(mut info) = self.head(number, stage)? else {
            log::error!("a stored script cannot be read and is dropped: {}", name(number, stage.word()));
            self.forget(number)?;
            return Ok(None);
        };
        match stage {
            Stage::Waiting => info.state = ScriptState::Waiting,
            Stage::Started => {
                info.state = ScriptState::Ended;
                info.exit_code = Some(INTERRUPTED_CODE);
                info.error = Some(INTERRUPTED.to_owned());
                info.ended_at = Some(now.to_owned());
                self.end(number, &info, &Written::default())?;
            }
            Stage::Ended => {
                info.state = ScriptState::Ended;
                let _ = self.disk.remove(&name(number, Stage::Started.word()));
            }
        }
        Ok(Some(Entry { number, info }))
    }

    fn head(&self, number: u64, stage: Stage) -> io::Result<Option<ScriptInfo>> {
        let bytes = self.disk.read(&name(number, stage.word()), HEAD_MAX)?;
        let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(serde_json::from_slice(line).ok())
    }

    /// Takes a script; it is sure to survive only after [`Self::settle`].
    ///
    /// # Errors
    /// There is no room for it, or the disk's.
    pub(crate) fn add(&mut self, info: &ScriptInfo, script: &str) -> io::Result<u64> {
        if self.sizes.len() >= SCRIPTS_MAX {
            return Err(io::Error::other(format!("{SCRIPTS_MAX} scripts are kept already")));
        }
        let held: u64 = self.sizes.values().sum();
        if held.saturating_add(script.len() as u64) > BYTES_MAX {
            return Err(io::Error::other(format!("scripts of {held} bytes are kept already")));
        }
        let number = self.next;
        self.next = self.next.saturating_add(1);
        let size = self.put(number, Stage::Waiting, info, script.as_bytes())?;
        self.sizes.insert(number, size);
        Ok(number)
    }

    /// What was added survives from now on.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        self.disk.sync_names()
    }

    /// Whether it begins is decided: after a crash it counts as begun. Its text.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn start(&mut self, number: u64) -> io::Result<String> {
        let (waiting, started) = (name(number, Stage::Waiting.word()), name(number, Stage::Started.word()));
        self.disk.rename(&waiting, &started)?;
        self.disk.sync_names()?;
        let bytes = self.disk.read(&started, FILE_MAX)?;
        let head = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
        let text = bytes.get(head..).unwrap_or_default().to_vec();
        String::from_utf8(text).map_err(io::Error::other)
    }

    /// It has ended; its text, which may hold secrets, is gone.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn end(&mut self, number: u64, info: &ScriptInfo, written: &Written) -> io::Result<()> {
        let json = serde_json::to_vec(written).map_err(io::Error::other)?;
        let size = self.put(number, Stage::Ended, info, &json)?;
        self.sizes.insert(number, size);
        self.disk.sync_names()?;
        for before in [Stage::Waiting, Stage::Started] {
            // Of the two there is one.
            let _ = self.disk.remove(&name(number, before.word()));
        }
        Ok(())
    }

    /// What one that has ended wrote.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn written(&self, number: u64) -> io::Result<Written> {
        let bytes = self.disk.read(&name(number, Stage::Ended.word()), FILE_MAX)?;
        let json = bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap_or_default();
        serde_json::from_slice(json).map_err(io::Error::other)
    }

    /// Forgets one that does not run. Its end goes last, or it would seem to have been interrupted.
    ///
    /// # Errors
    /// The disk's.
    pub(crate) fn forget(&mut self, number: u64) -> io::Result<()> {
        for (_, word) in Stage::ALL {
            match self.disk.remove(&name(number, word)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        self.sizes.remove(&number);
        self.disk.sync_names()
    }

    fn put(&mut self, number: u64, stage: Stage, info: &ScriptInfo, body: &[u8]) -> io::Result<u64> {
        let head = serde_json::to_vec(info).map_err(io::Error::other)?;
        let draft = name(number, "tmp");
        let kept = self
            .disk
            .write(&draft, &[&head, b"\n", body])
            .and_then(|()| self.disk.sync(&draft))
            .and_then(|()| self.disk.rename(&draft, &name(number, stage.word())));
        if let Err(error) = kept {
            let _ = self.disk.remove(&draft);
            return Err(error);
        }
        Ok((head.len() + 1 + body.len()) as u64)
    }
}
