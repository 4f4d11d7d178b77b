//! All jobs: whose turn it is, what is written to which guest, and what becomes of what was written.

mod answers;
mod dispatch;
mod keep;
mod more;

use super::one::Job;
use super::spec::Request;
use super::wrong::Wrong;
use super::{MAX_ACTIVE, MAX_ALL_REQUEST_BYTES, MAX_ALL_RESULT_BYTES, MAX_ALL_TARGETS, MAX_JOBS};
use crate::ledger::Record;
pub use crate::machine::Link;
use crate::policy::Ask;
use infiniservice_protocol::clock::Now;
use keep::Room;
use std::collections::BTreeMap;

/// Whether a machine can be given a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    /// The hub does not have it.
    Absent,
    /// Its agent is not there, or has not said yet who it is.
    Away,
    /// Its agent is there. `free` says whether it has a place for one more command.
    There {
        /// The wire to it.
        link: Link,
        /// Whether a command may be written now.
        free: bool,
    },
}

/// What the planner sees of the machines.
pub trait View {
    /// How a machine is now.
    fn presence(&self, vm: &str) -> Presence;
}

/// What is to be done once the records before it are on the disk.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Write a command, if the machine is still on that connection; else say [`Planner::not_written`].
    Send {
        /// The machine.
        vm: String,
        /// The command's id.
        id: String,
        /// For which connection it is meant.
        connection: u64,
        /// Whether it was never written before.
        first: bool,
    },
    /// Ask for the end of a command.
    Cancel {
        /// The machine.
        vm: String,
        /// The command's id.
        id: String,
        /// For which connection it is meant.
        connection: u64,
    },
}

/// Why a job was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// A field of it is wrong.
    Wrong(Wrong),
    /// Another job has this id.
    Exists,
    /// Who asks may not do it; the sentence says which rule would allow it.
    NotAllowed(String),
    /// There are too many, or nothing can be recorded: the sentence says it.
    Unavailable(String),
}

/// Who starts a job.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// As the ledger names it.
    pub name: &'a str,
    /// Whether it may do these changes on these machines of the host; else the sentence that is told.
    pub may: &'a dyn Fn(Ask<'_>) -> Result<(), String>,
}

/// All jobs of this host.
#[derive(Debug, Default)]
pub struct Planner {
    jobs: BTreeMap<String, Job>,
    records: Vec<Record>,
    effects: Vec<Effect>,
    /// Why no job is taken now.
    closed: Option<String>,
}

impl Planner {
    /// Continues from the records of a ledger. A record that is there twice counts once.
    pub fn replay(now: Now, records: &[Record]) -> Self {
        let mut planner = Self::default();
        for record in records {
            planner.apply(now, record);
        }
        planner
    }

    /// Takes a job over these machines. A repeated request of the same id and content is the same job.
    ///
    /// # Errors
    /// Where it is not taken.
    pub fn submit(
        &mut self,
        now: Now,
        id: &str,
        actor: Actor<'_>,
        request: Request,
        targets: Vec<String>,
        view: &impl View,
    ) -> Result<&Job, NotTaken> {
        if let Some(known) = self.jobs.get(id) {
            return if request.is_of(&known.accepted) { self.known(id) } else { Err(NotTaken::Exists) };
        }
        if let Some(reason) = &self.closed {
            return Err(NotTaken::Unavailable(reason.clone()));
        }
        let absent = |name: &str| view.presence(name) == Presence::Absent;
        let accepted = request.accept(now, id, actor.name, targets, &absent);
        let (accepted, changes) = accepted.map_err(NotTaken::Wrong)?;
        if accepted.change {
            (actor.may)(Ask { changes: &changes, vms: &accepted.targets }).map_err(NotTaken::NotAllowed)?;
        }
        self.check_room(now, accepted.targets.len(), accepted.bytes())?;
        self.put(now, Record::Accepted(Box::new(accepted)));
        self.known(id)
    }

    fn known(&self, id: &str) -> Result<&Job, NotTaken> {
        self.jobs.get(id).ok_or(NotTaken::Exists)
    }

    fn check_room(&mut self, now: Now, targets: usize, bytes: usize) -> Result<(), NotTaken> {
        let active = self.jobs.values().filter(|job| job.finished_at().is_none()).count();
        if active >= MAX_ACTIVE {
            let text = format!("{active} jobs run, the most at one time; try again later");
            return Err(NotTaken::Unavailable(text));
        }
        let jobs = MAX_JOBS - 1;
        let left = Room {
            jobs,
            targets: MAX_ALL_TARGETS.saturating_sub(targets),
            bytes: MAX_ALL_REQUEST_BYTES.saturating_sub(bytes),
        };
        self.forget(now, left);
        if self.all_targets() + targets > MAX_ALL_TARGETS {
            let text = format!("the jobs that run have more than {MAX_ALL_TARGETS} machines with this one");
            return Err(NotTaken::Unavailable(text));
        }
        if self.jobs.len() >= MAX_JOBS {
            let text =
                format!("{MAX_JOBS} jobs are kept, which run or may be ordered again; try again later");
            return Err(NotTaken::Unavailable(text));
        }
        if self.all_results() > MAX_ALL_RESULT_BYTES {
            let text = format!("answers of more than {MAX_ALL_RESULT_BYTES} bytes are kept; try again later");
            return Err(NotTaken::Unavailable(text));
        }
        if self.all_bytes() + bytes > MAX_ALL_REQUEST_BYTES {
            let text = format!(
                "the messages of the jobs that run have more than {MAX_ALL_REQUEST_BYTES} bytes with this one"
            );
            return Err(NotTaken::Unavailable(text));
        }
        Ok(())
    }

    /// Whether jobs are taken: `Some` says why not, such as a disk that is full. Those that run go on.
    pub fn close(&mut self, reason: Option<String>) {
        self.closed = reason;
    }

    /// Ends a job: its commands are ended in the guests, and no further one begins. Whether there is such a job.
    pub fn cancel(&mut self, now: Now, id: &str, actor: &str) -> bool {
        let Some(job) = self.jobs.get(id) else { return false };
        if job.finished_at().is_none() && job.cancelled().is_none() {
            let (job, actor, at) = (id.to_owned(), actor.to_owned(), now.wall_ms());
            self.put(now, Record::Cancelled { job, actor, at });
        }
        true
    }

    /// A job that could not be recorded is as if it had never been asked for.
    pub fn withdraw(&mut self, now: Now, id: &str) {
        self.put(now, Record::Forgotten { job: id.to_owned() });
    }

    /// One job.
    pub fn job(&self, id: &str) -> Option<&Job> {
        self.jobs.get(id)
    }

    /// All jobs, by their ids.
    pub fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values()
    }

    /// What is to be recorded, and then to be done. It is taken away with this.
    pub fn take(&mut self) -> (Vec<Record>, Vec<Effect>) {
        (std::mem::take(&mut self.records), std::mem::take(&mut self.effects))
    }

    /// The records that make all jobs what they are: a ledger's new content.
    pub fn snapshot(&self) -> impl Iterator<Item = Record> {
        self.jobs.values().flat_map(Job::snapshot)
    }

    /// The job and the target with this id on a machine's wire.
    fn find(&self, vm: &str, id: &str) -> Option<(String, usize)> {
        let (job, _) = id.split_once('/')?;
        let n = self.jobs.get(job)?.find(vm, id)?;
        Some((job.to_owned(), n))
    }

    fn put(&mut self, now: Now, record: Record) {
        self.apply(now, &record);
        self.records.push(record);
    }

    fn apply(&mut self, now: Now, record: &Record) {
        match record {
            Record::Accepted(accepted) if !self.jobs.contains_key(&accepted.id) => {
                self.jobs.insert(accepted.id.clone(), Job::new(now, (**accepted).clone()));
            }
            Record::Forgotten { job } => {
                self.jobs.remove(job);
            }
            other => {
                if let Some(job) = self.jobs.get_mut(other.job()) {
                    job.apply(now, other);
                }
            }
        }
    }
}
