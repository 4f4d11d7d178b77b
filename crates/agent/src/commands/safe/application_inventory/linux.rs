//! Asks the package managers that there are, and reads files on a thread that may block.

use super::Query;
use crate::blocking::Lane;
use crate::cleanup::StopOnDrop;
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use crate::commands::runner::{Request, RunError, Status};
use crate::inventory::{Selection, dpkg, flatpak, linux, rpm, snap};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::Application;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;
use tokio::sync::Semaphore;

/// A hundred thousand packages' worth.
const MAX_LIST_BYTES: usize = 32 << 20;
/// Desktop entries whose package is asked for in one go: their names have to fit the arguments.
const MAX_ASKED: usize = 1000;

/// Files are read for this long at most, which is beyond the budget that the reading itself keeps: then it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Such a walk costs a core and a disk: one at a time.
static WALK: Semaphore = Semaphore::const_new(1);

/// All sources; one that is not there has nothing, one that fails says so in `stderr`.
pub(in crate::commands::safe) async fn run(
    query: Query,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let mut asking = Asking { context, control, complaints: Vec::new() };
    let mut selection = Selection::new(query.filter.as_deref(), query.limit);
    let rpms = asking.list("rpm", ["-qa", rpm::FORMAT], rpm::read).await?;
    let has_rpms = !rpms.is_empty();
    for found in rpms {
        selection.add(found);
    }
    for found in asking.list("dpkg-query", ["-W", "-f", dpkg::FORMAT], dpkg::read).await? {
        selection.add(found);
    }
    for found in asking.list("flatpak", flatpak::ARGUMENTS, flatpak::read).await? {
        selection.add(found);
    }
    for found in asking.list("snap", snap::ARGUMENTS, snap::read).await? {
        selection.add(found);
    }
    let (mut selection, entries) = on_disk(selection, control).await?;
    let owned = asking.owned(&entries, has_rpms).await?;
    for found in linux::without_owned(entries, &owned) {
        selection.add(found);
    }
    let mut outcome = CommandOutcome::of(&dated(selection, control).await?.finish())?;
    outcome.stderr = asking.complaints.concat().into();
    Ok(outcome)
}

/// What users and the system have on the disk; the system's desktop entries apart.
async fn on_disk(
    mut selection: Selection,
    control: &Control,
) -> Result<(Selection, Vec<Application>), CommandError> {
    let turn = control.bound(WALK.acquire()).await?;
    // Also when this future is dropped, the thread ends at its next file.
    let stop = StopOnDrop::default();
    let own = stop.flag();
    let reading = blocking(move || {
        let read = linux::files(Path::new("/"), &mut selection, &own);
        read.map(|entries| (selection, entries))
    });
    let read = control.bound(reading).await??;
    drop((turn, stop));
    read.map_err(|error| failed(&error.to_string()))
}

/// Gives dpkg's packages that are answered the days on which they were unpacked.
async fn dated(mut selection: Selection, control: &Control) -> Result<Selection, CommandError> {
    let dating = blocking(move || {
        linux::date_packages(Path::new("/"), selection.kept());
        selection
    });
    control.bound(dating).await?
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    let done = crate::blocking::run(Lane::Walks, "applications' files", PATIENCE, work).await;
    done.map_err(|blocked| failed(&blocked.to_string()))
}

fn failed(why: &str) -> CommandError {
    CommandError::new(ErrorCode::ExecutionFailed, format!("files could not be read: {why}"))
}

/// The tools' side of an inventory.
struct Asking<'a> {
    context: &'a CommandContext,
    control: &'a Control,
    complaints: Vec<String>,
}

impl Asking<'_> {
    async fn list<const N: usize>(
        &mut self,
        program: &'static str,
        arguments: [&str; N],
        read: fn(&str) -> Vec<Application>,
    ) -> Result<Vec<Application>, CommandError> {
        let text = self.output(Request::new(program, arguments), program, true).await?;
        Ok(text.map(|text| read(&text)).unwrap_or_default())
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
        let debs = self.output(Request::new("dpkg-query", ask("-S")), "dpkg-query", false).await?;
        let mut owned = debs.map(|text| dpkg::owned(&text)).unwrap_or_default();
        if has_rpms {
            // Without a package of its own it would disown nothing.
            let text = self.output(Request::new("rpm", ask("-qf")), "rpm", false).await?;
            owned.extend(text.map(|text| rpm::owned(&paths, &text)).unwrap_or_default());
        }
        Ok(owned)
    }

    /// What a program wrote; nothing where it is not there or, with `strict`, failed.
    async fn output(
        &mut self,
        request: Request,
        program: &str,
        strict: bool,
    ) -> Result<Option<String>, CommandError> {
        let finished = match self.context.runner.run(request.max_output(MAX_LIST_BYTES), self.control).await {
            Ok(finished) => finished,
            Err(RunError::NotInstalled(_)) => return Ok(None),
            Err(error) => {
                self.complain(program, &error.to_string());
                return Ok(None);
            }
        };
        if let Status::Stopped(stop) = finished.status {
            return Err(stop.into());
        }
        if strict && !finished.succeeded() {
            self.complain(program, finished.stderr.text.trim());
            return Ok(None);
        }
        Ok(Some(finished.stdout.text))
    }

    fn complain(&mut self, program: &str, why: &str) {
        let why: String = why.chars().take(1000).collect();
        self.complaints.push(format!("{program}: {why}\n"));
    }
}
