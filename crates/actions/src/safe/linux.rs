//! Safe commands as Linux carries them out: the clean-up of its places, with journald cleaning its own; the
//! package managers that there are, asked for applications, with files read on a thread that may block;
//! and the refusal of what only Windows has, which the executor does not let through.

use super::disk_cleanup::{self, with};
use super::listing::ListQuery;
use crate::cleanup::journal::{self, Archives};
use crate::cleanup::{Job, StopOnDrop, Target};
use crate::context::CommandContext;
use crate::inventory::{Selection, bundles, dpkg, linux, rpm};
use crate::packages::Parsed;
use crate::safe::listing::{MESSAGES_MAX_BYTES, Tally};
use infiniservice_exec::{
    Cancellation, CommandError, CommandOutcome, CommandResult, Finished, Line, Request, RunError, Status,
};
use infiniservice_platform::blocking::Lane;
use infiniservice_protocol::data::{Application, DiskCleanupData};
use infiniservice_protocol::trace::StepName;
use infiniservice_protocol::{Action, ErrorCode};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Cleans; what was done until the command had to end is in its error.
pub(super) async fn clean_disk(
    query: disk_cleanup::Query,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let job = disk_cleanup::job(&query, PathBuf::from("/"))?;
    let mut data = disk_cleanup::clean_until_stopped(&job, cancellation).await?;
    if job.targets.contains(&Target::Logs) {
        vacuum(&job, &mut data, context, cancellation).await.map_err(|error| with(error, &data))?;
    }
    CommandOutcome::of(&data)
}

/// A dry run counts what journalctl would remove; else what it did remove is counted.
async fn vacuum(
    job: &Job,
    data: &mut DiskCleanupData,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> Result<(), CommandError> {
    let age = journal::age(job);
    let due = Archives::look(&job.root).older_than(age, job.now);
    if due.is_empty() || job.dry_run {
        due.count_into(data);
        return Ok(());
    }
    let request = Request::new("journalctl", [format!("--vacuum-time={}s", age.as_secs())]);
    let finished = context.runner.run(request.max_output(context.max_output_bytes), cancellation).await?;
    due.without(&Archives::look(&job.root)).count_into(data);
    if finished.succeeded() {
        return Ok(());
    }
    Err(finished.into_error(ErrorCode::ExecutionFailed, "journalctl could not remove archived journals"))
}

#[allow(clippy::unused_async)]
pub(super) async fn windows_only(action: Action, _: &Cancellation) -> CommandResult {
    Err(CommandError::new(ErrorCode::Unsupported, format!("{} exists on Windows only", action.name())))
}

/// Desktop entries whose package is asked for in one go: their names have to fit the arguments.
const MAX_ASKED: usize = 1000;

/// Files are read for this long at most, which is beyond the budget that the reading itself keeps: then it hangs.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Such a walk costs a core and a disk: one at a time.
static WALK: Semaphore = Semaphore::const_new(1);

/// All sources; one that is not there has nothing, one that fails says so in `stderr` and `incomplete`.
pub(super) async fn list_applications(
    query: ListQuery,
    context: &CommandContext,
    cancellation: &Cancellation,
) -> CommandResult {
    let mut asking = Asking { context, cancellation, complaints: Vec::new() };
    let mut selection = Selection::new(query.filter.as_deref(), query.limit, context.max_list_bytes);
    let rpms = asking.list("rpm", &["-qa", rpm::FORMAT], &mut rpm::lines(), &mut selection).await?;
    asking.list("dpkg-query", &["-W", "-f", dpkg::FORMAT], &mut dpkg::line, &mut selection).await?;
    asking.list("flatpak", &bundles::FLATPAK_LIST, &mut bundles::flatpak_line, &mut selection).await?;
    asking.list("snap", &bundles::SNAP_LIST, &mut bundles::snap_line, &mut selection).await?;
    let (mut selection, entries) = on_disk(selection, cancellation).await?;
    let owned = asking.owned(&entries, rpms > 0).await?;
    for found in linux::without_owned(entries, &owned) {
        selection.add(found);
    }
    let mut outcome = CommandOutcome::of(&dated(selection, cancellation).await?.finish())?;
    outcome.stderr = asking.complaints.concat().into();
    Ok(outcome)
}

/// What users and the system have on the disk; the system's desktop entries apart.
async fn on_disk(
    mut selection: Selection,
    cancellation: &Cancellation,
) -> Result<(Selection, Vec<Application>), CommandError> {
    let lock = cancellation.step(StepName::Lock);
    let turn = cancellation.run_until_cancelled(WALK.acquire()).await?;
    drop(lock);
    // Also when this future is dropped, the thread ends at its next file.
    let stop = StopOnDrop::default();
    let own = stop.flag();
    let reading = blocking(move || {
        let read = linux::files(Path::new("/"), &mut selection, &own);
        read.map(|entries| (selection, entries))
    });
    let read = cancellation.run_until_cancelled(reading).await??;
    drop((turn, stop));
    read.map_err(|error| failed(&error.to_string()))
}

/// Gives dpkg's packages that are answered the days on which they were unpacked, and snaps their places.
async fn dated(mut selection: Selection, cancellation: &Cancellation) -> Result<Selection, CommandError> {
    let dating = blocking(move || {
        linux::date_packages(Path::new("/"), selection.kept());
        linux::place_snaps(Path::new("/"), selection.kept());
        selection
    });
    cancellation.run_until_cancelled(dating).await?
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    let done = infiniservice_platform::blocking::run(Lane::Walks, "applications' files", TIMEOUT, work).await;
    done.map_err(|blocked| failed(&blocked.to_string()))
}

fn failed(why: &str) -> CommandError {
    CommandError::new(ErrorCode::ExecutionFailed, format!("files could not be read: {why}"))
}

/// The tools' side of an inventory.
pub(crate) struct Asking<'a> {
    pub(crate) context: &'a CommandContext,
    pub(crate) cancellation: &'a Cancellation,
    pub(crate) complaints: Vec<String>,
}

impl Asking<'_> {
    /// Adds what a program lists to the selection, line by line, and says how many there were.
    pub(crate) async fn list(
        &mut self,
        program: &'static str,
        arguments: &[&str],
        read: &mut (dyn FnMut(&str) -> Parsed<Application> + Send),
        selection: &mut Selection,
    ) -> Result<u32, CommandError> {
        let (mut tally, mut count) = (Tally::default(), 0);
        let mut keep = |found| {
            count += 1;
            selection.add(found);
        };
        let request = Request::new(program, arguments.iter().copied()).max_output(MESSAGES_MAX_BYTES);
        let mut take = |line: Line<'_>| tally.take(line, read, &mut keep);
        let run = self.context.runner.run_lines(request, self.cancellation, &mut take).await;
        if let Some(finished) = self.finished(run, program)? {
            if !tally.ended(&finished, finished.succeeded()) {
                let why = self.complain(program, &reason(&finished));
                selection.incomplete(&why);
            }
            for why in lacks(&tally) {
                selection.incomplete(&format!("{program}: {why}"));
            }
        }
        Ok(count)
    }

    /// Which of the system's desktop entries belong to packages.
    async fn owned(
        &mut self,
        entries: &[Application],
        has_rpms: bool,
    ) -> Result<HashSet<String>, CommandError> {
        // dpkg-query takes these for patterns.
        let plain = |path: &&String| !path.contains(['*', '?', '[', '\\', '\n', '\u{fffd}']);
        let paths = entries.iter().filter_map(|entry| entry.install_location.as_ref()).filter(plain);
        let paths: Vec<String> = paths.take(MAX_ASKED).cloned().collect();
        if paths.is_empty() {
            return Ok(HashSet::new());
        }
        let ask = |first: &str| std::iter::once(first.to_owned()).chain(paths.iter().cloned());
        // Both end with 1 where one of the paths belongs to nobody.
        let debs = self.output(Request::new("dpkg-query", ask("-S")), "dpkg-query").await?;
        let mut owned = debs.map(|text| dpkg::owned(&text)).unwrap_or_default();
        if has_rpms {
            // Without a package of its own it would disown nothing.
            let text = self.output(Request::new("rpm", ask("-qf")), "rpm").await?;
            owned.extend(text.map(|text| rpm::owned(&paths, &text)).unwrap_or_default());
        }
        Ok(owned)
    }

    /// What a program wrote; nothing where it is not there.
    async fn output(&mut self, request: Request, program: &str) -> Result<Option<String>, CommandError> {
        let run = self.context.runner.run(request, self.cancellation).await;
        Ok(self.finished(run, program)?.map(|finished| finished.stdout.text))
    }

    /// A program that ended by itself, or was given up because its list was too long.
    fn finished(
        &mut self,
        run: Result<Finished, RunError>,
        program: &str,
    ) -> Result<Option<Finished>, CommandError> {
        match run {
            Ok(Finished { status: Status::Stopped(stop), .. }) => Err(stop.into()),
            Ok(finished) => Ok(Some(finished)),
            Err(RunError::NotInstalled(_)) => Ok(None),
            Err(error) => {
                self.complain(program, &error.to_string());
                Ok(None)
            }
        }
    }

    fn complain(&mut self, program: &str, why: &str) -> String {
        let why: String = why.chars().take(1000).collect();
        let complaint = format!("{program}: {why}");
        self.complaints.push(format!("{complaint}\n"));
        complaint
    }
}

fn reason(finished: &Finished) -> String {
    match finished.stderr.text.trim() {
        "" => format!("it ended without a message ({:?})", finished.status),
        words => words.to_owned(),
    }
}

/// What of a list is not in the answer.
fn lacks(tally: &Tally) -> Vec<String> {
    let unreadable =
        (tally.unreadable > 0).then(|| format!("{} lines could not be parsed", tally.unreadable));
    tally.cut().into_iter().chain(unreadable).collect()
}
