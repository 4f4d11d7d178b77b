//! What systemd tells only unit by unit: main process, type, program, requirements. Kept while nothing points to a change.
//!
//! When a main process began tells it from a later one of the same number. The kernel may take for ever to say it of one whose
//! owner wants that: so it is asked away from the main thread, and passed over while it hangs.

use super::calls::{Calls, ExecRow, UnitRow};
use super::error::SystemdError;
use super::unit::{failure, main_pid};
use crate::blocking::{self, Item, Lane, Series};
use crate::linux::procfs::Stat;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is kept of one unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) pid: Option<u32>,
    pub(super) service_type: Option<String>,
    pub(super) exe_path: Option<String>,
    pub(super) requires: Vec<String>,
    /// State of the unit file where the list of unit files does not have it (instances).
    pub(super) start_type: Option<String>,
    /// How its last run failed.
    pub(super) failure: Option<String>,
    /// How often systemd restarted it by itself.
    pub(super) restarts: u32,
    /// When that number was last seen to have grown.
    pub(super) restarted_at: Option<Instant>,
}

impl Details {
    /// Whether it was restarted lately, and not at the end of a person's session.
    pub(super) fn restarted_lately(&self) -> bool {
        self.restarted_at.is_some_and(|at| at.elapsed() < LATELY)
    }

    /// What an earlier reading knew. A `getty@.service` (`Type=idle`) is restarted at each end of a session.
    fn following(mut self, before: Option<&Self>) -> Self {
        let Some(before) = before else { return self };
        let grew = self.restarts > before.restarts && self.service_type.as_deref() != Some("idle");
        let stays = self.restarts >= before.restarts;
        self.restarted_at = if grew { Some(Instant::now()) } else { before.restarted_at.filter(|_| stays) };
        self
    }
}

/// The states that the details were read in, and when the main process began (in ticks, `/proc/PID/stat`).
#[derive(Debug, PartialEq, Eq)]
struct Key {
    active: String,
    sub: String,
    files: u64,
    began: Option<u64>,
}

/// How long a service that systemd restarted by itself counts as one that keeps failing: two of the metrics' usual intervals.
const LATELY: Duration = Duration::from_secs(120);

/// Units whose details one listing reads again only because some unit file changed: they are most likely what they were, and
/// each costs systemd several calls.
const REREAD_FOR_FILES: usize = 8;

/// The details of all units of the last listing.
#[derive(Debug, Default)]
pub(super) struct DetailsCache {
    units: HashMap<String, (Key, Details)>,
    reread: usize,
    starts: Starts,
}

/// Whether what is kept still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Freshness {
    Fresh,
    /// The unit is as it was, but unit files changed.
    FilesChanged,
    Stale,
}

impl DetailsCache {
    /// A new listing begins.
    pub(super) async fn begin(&mut self, rows: &[UnitRow]) {
        self.reread = 0;
        self.retain(rows);
        let pids = self.units.values().filter_map(|(_, details)| details.pid).collect();
        self.starts.look(pids).await;
    }

    /// A unit's details. They are read again when its state changed, when its main process is gone (a restart between two
    /// listings shows the same state), and by and by when unit files changed. `listed`: its file's state is known.
    pub(super) async fn of(
        &mut self,
        row: &UnitRow,
        files: u64,
        listed: bool,
        calls: &Calls<'_>,
    ) -> Result<Details, SystemdError> {
        let kept = self.units.get(&row.0).map(|(key, details)| {
            (key.freshness(row, files, details.pid.and_then(|pid| self.starts.of(pid))), details)
        });
        match kept {
            Some((Freshness::Fresh, details)) => return Ok(details.clone()),
            // Of an instance the file's state is among the details, and it must follow.
            Some((Freshness::FilesChanged, details)) if listed && is_up(row) => {
                self.reread += 1;
                if self.reread > REREAD_FOR_FILES {
                    return Ok(details.clone());
                }
            }
            _ => {}
        }
        let details = read(row, listed, calls).await?.following(self.units.get(&row.0).map(|(_, kept)| kept));
        let began = match details.pid {
            Some(pid) => self.starts.look_at(pid).await,
            None => None,
        };
        let key = Key::new(row, files, began);
        self.units.insert(row.0.clone(), (key, details.clone()));
        Ok(details)
    }

    /// Forgets units that are gone.
    fn retain(&mut self, rows: &[UnitRow]) {
        if self.units.len() > rows.len() {
            let names: std::collections::HashSet<_> = rows.iter().map(|row| row.0.as_str()).collect();
            self.units.retain(|name, _| names.contains(name.as_str()));
        }
    }
}

impl Key {
    fn new(row: &UnitRow, files: u64, began: Option<u64>) -> Self {
        Self { active: row.3.clone(), sub: row.4.clone(), files, began }
    }

    fn freshness(&self, row: &UnitRow, files: u64, began: Option<u64>) -> Freshness {
        // Nothing but the number of restarts changes while it fails and is started again.
        let restarts = row.4.starts_with("auto-restart");
        if restarts || (&self.active, &self.sub) != (&row.3, &row.4) || self.began != began {
            Freshness::Stale
        } else if self.files != files {
            Freshness::FilesChanged
        } else {
            Freshness::Fresh
        }
    }
}

async fn read(row: &UnitRow, listed: bool, calls: &Calls<'_>) -> Result<Details, SystemdError> {
    let path = row.6.as_str();
    if row.2 != "loaded" {
        return Ok(Details::default());
    }
    let start_type = if listed { None } else { Some(calls.unit_property(path, "UnitFileState").await?) };
    let start_type = start_type.filter(|state: &String| !state.is_empty());
    if row.3 == "inactive" {
        // Dozens of units were loaded only because others mention them.
        return Ok(Details { start_type, ..Details::default() });
    }
    let last_run = calls.last_run(path, &row.0).await?;
    let (failure, restarts) = (failure(&row.3, &row.4, &last_run), last_run.restarts);
    if !is_up(row) {
        return Ok(Details { start_type, failure, restarts, ..Details::default() });
    }
    Ok(Details {
        // One that is up without a process is called `exited`.
        pid: if row.4 == "exited" { None } else { main_pid(path, calls).await? },
        service_type: Some(calls.service_property(path, "Type").await?),
        exe_path: exe_path(path, calls).await?,
        requires: calls.unit_property(path, "Requires").await?,
        start_type,
        failure,
        restarts,
        restarted_at: None,
    })
}

fn is_up(row: &UnitRow) -> bool {
    !matches!(row.3.as_str(), "inactive" | "failed")
}

async fn exe_path(path: &str, calls: &Calls<'_>) -> Result<Option<String>, SystemdError> {
    let rows: Vec<ExecRow> = calls.service_property(path, "ExecStart").await?;
    Ok(rows.into_iter().next().map(|row| row.0))
}

/// How long the kernel may take for one process; it answers from memory.
const START_TIME_TIMEOUT: Duration = Duration::from_millis(500);

/// A main process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Main(u32);

impl Item for Main {}

impl fmt::Display for Main {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/proc/{}/stat of a service", self.0)
    }
}

/// What was seen at the last look.
#[derive(Debug)]
pub(super) struct Starts {
    series: Arc<Mutex<Series<Main>>>,
    seen: HashMap<u32, u64>,
}

impl Default for Starts {
    fn default() -> Self {
        let series = Series::new(Lane::ProcessTable, "starts of services", START_TIME_TIMEOUT);
        Self { series: Arc::new(Mutex::new(series)), seen: HashMap::new() }
    }
}

impl Starts {
    /// Looks at these, and forgets the others.
    pub(super) async fn look(&mut self, pids: Vec<u32>) {
        self.seen = self.read(pids).await;
    }

    /// Looks at one, and tells when it began.
    pub(super) async fn look_at(&mut self, pid: u32) -> Option<u64> {
        self.seen.extend(self.read(vec![pid]).await);
        self.of(pid)
    }

    /// When a process began, as it was seen last; `None` of one that is gone, or hangs.
    pub(super) fn of(&self, pid: u32) -> Option<u64> {
        self.seen.get(&pid).copied()
    }

    async fn read(&self, pids: Vec<u32>) -> HashMap<u32, u64> {
        let series = Arc::clone(&self.series);
        let work = move || {
            let items: Vec<_> = pids.iter().copied().map(Main).collect();
            let mut series = series.lock().unwrap_or_else(PoisonError::into_inner);
            let told = series.each(&items, || |main: &Main| began(main.0));
            pids.into_iter().zip(told).filter_map(|(pid, told)| Some((pid, told.ok()??))).collect()
        };
        // Nothing is known of them where there is no thread.
        blocking::join(Lane::Managers, "starts of services", work).await.unwrap_or_default()
    }
}

/// In ticks after boot.
fn began(pid: u32) -> Option<u64> {
    let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    Stat::parse(&text).ok().map(|stat| stat.started)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_process_began_at_one_moment_and_an_absent_one_at_none() {
        let (mut starts, me) = (Starts::default(), std::process::id());
        let began = starts.look_at(me).await;
        assert!(began.is_some());
        starts.look(vec![me, 0]).await;
        assert_eq!((starts.of(me), starts.of(0)), (began, None));
        starts.look(vec![]).await;
        assert_eq!(starts.of(me), None);
    }
}
