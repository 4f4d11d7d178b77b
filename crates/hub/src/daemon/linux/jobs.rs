//! The planner of jobs, its ledger, and what waits until the ledger is on the disk.

use super::clock;
use super::ledger::{Ledger, Status};
use infiniservice_hub_core::job::{Counts, Effect, Job, Planner};
use infiniservice_hub_core::ledger::Record;
use std::collections::VecDeque;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use tokio::sync::watch;

/// The ledger's name in `state_dir`.
const FILE: &str = "jobs.ledger";

/// The jobs of this host.
#[derive(Default)]
pub(super) struct Jobs {
    pub(super) planner: Planner,
    ledger: Option<Ledger>,
    /// What is done once so many parts of the ledger are on the disk.
    waiting: VecDeque<(u64, Effect)>,
}

impl Jobs {
    /// With what the ledger in this directory knows. Without a ledger no job is taken, and all else goes on.
    pub(super) fn open(state_dir: &Path) -> Self {
        let now = clock::now();
        let opened = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(state_dir)
            .map_err(|error| format!("cannot create {}: {error}", state_dir.display()))
            .and_then(|()| Ledger::open(&state_dir.join(FILE)));
        match opened {
            Ok((ledger, records)) => {
                let planner = Planner::replay(now, &records);
                log::info!("{} jobs are known", planner.jobs().count());
                Self { planner, ledger: Some(ledger), waiting: VecDeque::new() }
            }
            Err(error) => {
                log::error!("no jobs are taken: {error}");
                let mut jobs = Self::default();
                jobs.planner.close(Some(format!("no jobs are taken: {error}")));
                jobs
            }
        }
    }

    /// Records what was decided: the number of the ledger's part after which all of it is on the disk, and what it is.
    pub(super) fn record(&mut self) -> (u64, Vec<Record>) {
        let (records, effects) = self.planner.take();
        let number = self.ledger.as_mut().map_or(0, |ledger| ledger.append(&records));
        self.waiting.extend(effects.into_iter().map(|effect| (number, effect)));
        (number, records)
    }

    /// What may be done now.
    pub(super) fn due(&mut self) -> Option<Effect> {
        let synced = self.ledger.as_ref()?.status.borrow().synced;
        self.waiting.pop_front_if(|(number, _)| *number <= synced).map(|(_, effect)| effect)
    }

    pub(super) fn compact(&mut self) {
        if let Some(ledger) = &mut self.ledger {
            ledger.compact(|| self.planner.snapshot().collect());
        }
    }

    /// Machines of all jobs, by where they stand.
    pub(super) fn targets(&self) -> Counts {
        self.planner.jobs().map(Job::counts).sum()
    }

    /// How far the ledger has got.
    pub(super) fn status(&self) -> Option<watch::Receiver<Status>> {
        self.ledger.as_ref().map(|ledger| ledger.status.clone())
    }
}
