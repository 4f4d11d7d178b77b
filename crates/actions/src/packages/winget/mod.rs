//! winget, the package manager of Windows: what to run, and what it answers. Its table is for people and in their language, so it is
//! read by the places of its columns; what it came to, its exit code tells.

mod codes;
#[cfg(target_os = "windows")]
pub mod locate;
mod table;
#[cfg(test)]
mod tests;

use super::target::word;
use super::{
    Cause, Change, Failure, Installed, PackageManager, PendingQuery, Reading, RebootSign, Scope, Target,
};
use infiniservice_exec::{Finished, Program, Request};
use infiniservice_protocol::data::{PackageInfo, PendingUpdate};
use std::path::PathBuf;
use std::time::Duration;

/// Ends well: nothing newer, or nothing installed of that name.
const NOTHING_NEWER: u32 = 0x8A15_002B;
const NONE_FOUND: u32 = 0x8A15_0014;
/// Done, but only after a reboot.
const REBOOT_TO_FINISH: u32 = 0x8A15_0109;
/// A list of some thousand packages.
const MAX_LIST_BYTES: usize = 8 << 20;

/// The program, which only administrators may have put there.
#[derive(Clone, Debug)]
pub struct Winget {
    /// `winget.exe`.
    pub program: PathBuf,
}

impl Winget {
    /// No question is ever asked, and no agreement waits for a person.
    fn request(&self, arguments: &[&str]) -> Request {
        let quiet = ["--disable-interactivity", "--accept-source-agreements"];
        let all = arguments.iter().chain(quiet.iter()).copied();
        Request { program: Program::At(self.program.clone()), ..Request::new("winget", all) }
    }

    fn of(&self, verb: &str, target: &Target, more: &[&str]) -> Request {
        let mut arguments = vec![verb, "--id", &target.name, "--exact"];
        if let Some(version) = &target.version {
            arguments.extend(["--version", version]);
        }
        arguments.extend(more);
        self.request(&arguments)
    }
}

/// winget's own codes are HRESULTs.
fn code(finished: &Finished) -> Option<u32> {
    finished.exit_code().map(i32::cast_unsigned)
}

impl PackageManager for Winget {
    fn name(&self) -> &'static str {
        "winget"
    }

    /// An id such as `7zip.7zip`, with `@` and a version where one is wanted.
    fn target(&self, package: &str) -> Result<Target, String> {
        let (name, version) = package.split_once('@').map_or((package, None), |(n, v)| (n, Some(v)));
        let rest = |c: char| c.is_ascii_alphanumeric() || ".+_-".contains(c);
        let valid = word(name, |c| c.is_ascii_alphanumeric(), rest)
            && version.is_none_or(|version| word(version, |c| c.is_ascii_alphanumeric(), rest));
        let must = "be the id of a winget package, such as \"7zip.7zip\" or \"7zip.7zip@24.09\"";
        let target = || Target { version: version.map(str::to_owned), ..Target::named(name) };
        valid.then(target).ok_or_else(|| must.to_owned())
    }

    fn list(&self) -> Request {
        self.request(&["list"]).max_output(MAX_LIST_BYTES)
    }

    fn read_list(&self, text: &str) -> Reading<PackageInfo> {
        let Reading { rows, unreadable } = table::read(text);
        Reading { rows: rows.into_iter().map(table::Row::package).collect(), unreadable }
    }

    fn query(&self, target: &Target) -> Request {
        self.of("list", &Target::named(&target.name), &[])
    }

    fn read_query(&self, target: &Target, text: &str) -> Vec<Installed> {
        let rows = table::read(text).rows.into_iter().filter(|row| row.is(&target.name));
        rows.map(|row| Installed { version: row.version, architecture: None, ready: true, state: None })
            .collect()
    }

    fn known(&self, target: &Target) -> Option<Request> {
        Some(self.of("show", target, &["--source", "winget"]))
    }

    fn read_known(&self, finished: &Finished) -> bool {
        finished.succeeded() && !finished.stdout.text.trim().is_empty()
    }

    /// winget cannot; its packages do not depend on each other.
    fn simulate(&self, _: Change, _: &Target) -> Option<Request> {
        None
    }

    fn change(&self, change: Change, target: &Target, _: bool, _: Duration) -> Request {
        // What is cut short half-way is half installed.
        let request = match change {
            Change::Install => {
                self.of("install", target, &["--source", "winget", "--silent", "--accept-package-agreements"])
            }
            Change::Update => self.of("upgrade", target, &["--silent", "--accept-package-agreements"]),
            Change::Remove => self.of("uninstall", target, &["--silent"]),
        };
        request.outliving_the_agent()
    }

    /// Success without a word is what a stand-in says, and what winget says to an account that it does not work for.
    fn ended_well(&self, finished: &Finished) -> bool {
        let silent = finished.stdout.text.trim().is_empty() && finished.stderr.text.trim().is_empty();
        match code(finished) {
            Some(0) => !silent,
            Some(NOTHING_NEWER | NONE_FOUND | REBOOT_TO_FINISH) => true,
            _ => false,
        }
    }

    fn failure(&self, finished: &Finished) -> Failure {
        match code(finished) {
            Some(0) => Failure::new(
                Cause::Absent,
                "winget prints nothing: it does not work for the account that the agent runs as",
            ),
            Some(number) => codes::failure(number, table::last_words(&finished.stdout.text)),
            None => Failure::new(Cause::Other, ""),
        }
    }

    fn refresh(&self) -> Option<Request> {
        Some(Request {
            program: Program::At(self.program.clone()),
            ..Request::new("winget", ["source", "update", "--disable-interactivity"])
        })
    }

    fn lists(&self) -> &'static [&'static str] {
        &[]
    }

    fn pending(&self) -> PendingQuery {
        PendingQuery { all: self.request(&["upgrade", "--include-unknown"]), security: None, doable: None }
    }

    fn read_pending(&self, all: &str, _: &str) -> Result<Reading<PendingUpdate>, String> {
        let Reading { rows, unreadable } = table::read(all);
        if rows.is_empty() && unreadable > 0 {
            return Err(format!("{unreadable} rows of winget's table could not be parsed"));
        }
        Ok(Reading { rows: rows.into_iter().filter_map(table::Row::update).collect(), unreadable })
    }

    fn knows_security(&self) -> bool {
        false
    }

    fn simulate_update(&self, _: Scope<'_>, _: bool) -> Option<Request> {
        None
    }

    fn update(&self, _: Scope<'_>, _: bool, _: Duration) -> Request {
        self.request(&["upgrade", "--all", "--silent", "--accept-package-agreements"])
    }

    fn reboot(&self) -> RebootSign {
        RebootSign::Untold
    }
}
