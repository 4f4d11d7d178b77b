//! Asks the package managers that there are, and reads files on a thread that may block.

use super::Query;
use crate::blocking::{self, Blocked, Lane};
use crate::commands::context::CommandContext;
use crate::commands::control::Control;
use crate::commands::outcome::{CommandError, CommandOutcome, CommandResult};
use crate::commands::runner::{Request, RunError, Status};
use crate::inventory::{self, dpkg, flatpak, linux, rpm, snap};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::Application;
use std::collections::HashSet;
use std::path::Path;

/// A hundred thousand packages' worth.
const MAX_LIST_BYTES: usize = 32 << 20;
/// Desktop entries whose package is asked for in one go: their names have to fit the arguments.
const MAX_ASKED: usize = 1000;

/// All sources; one that is not there has nothing, one that fails says so in `stderr`.
pub(in crate::commands::safe) async fn run(
    query: Query,
    context: &CommandContext,
    control: &Control,
) -> CommandResult {
    let mut asking = Asking { context, control, complaints: Vec::new() };
    let debs = asking.list("dpkg-query", ["-W", "-f", dpkg::FORMAT], dpkg::read).await?;
    let mut all = asking.list("rpm", ["-qa", rpm::FORMAT], rpm::read).await?;
    let has_rpms = !all.is_empty();
    all.extend(asking.list("flatpak", flatpak::ARGUMENTS, flatpak::read).await?);
    all.extend(asking.list("snap", snap::ARGUMENTS, snap::read).await?);
    let (debs, entries, others) = on_disk(debs, control).await?;
    let owned = asking.owned(&entries, has_rpms).await?;
    all.extend(debs);
    all.extend(linux::without_owned(entries, &owned));
    all.extend(others);
    let mut outcome = CommandOutcome::of(&inventory::select(all, query.filter.as_deref(), query.limit))?;
    outcome.stderr = asking.complaints.concat().into();
    Ok(outcome)
}

type Found = (Vec<Application>, Vec<Application>, Vec<Application>);

/// dpkg's packages with their dates, the system's desktop entries, and what users have.
async fn on_disk(mut debs: Vec<Application>, control: &Control) -> Result<Found, CommandError> {
    let thread = blocking::start(Lane::Walks, "files of applications", move || {
        let root = Path::new("/");
        linux::date_packages(root, &mut debs);
        linux::files(root).map(|(entries, others)| (debs, entries, others))
    });
    let failed = |why: String| {
        CommandError::new(ErrorCode::ExecutionFailed, format!("files could not be read: {why}"))
    };
    let hangs = |blocked: Blocked| failed(blocked.to_string());
    let read = control.bound(thread.map_err(hangs)?).await?.map_err(hangs)?;
    read.map_err(|error| failed(error.to_string()))
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
