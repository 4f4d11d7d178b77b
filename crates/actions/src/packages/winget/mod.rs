//! winget, the package manager of Windows: what to run, and what it answers. Its table is for people and in their language, so it is
//! read by the places of its columns; what it came to, its exit code tells.

mod table;
#[cfg(test)]
mod tests;

use super::plan::word;
use super::{
    CannotSearch, Cause, Change, Failure, Hit, Installed, PackageManager, PackageSpec, PendingQuery, Reading,
    RebootSign, Scope, Words,
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
pub(crate) struct Winget {
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

    fn of(&self, verb: &str, target: &PackageSpec, more: &[&str]) -> Request {
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
    fn target(&self, package: &str) -> Result<PackageSpec, String> {
        let (name, version) = package.split_once('@').map_or((package, None), |(n, v)| (n, Some(v)));
        let rest = |c: char| c.is_ascii_alphanumeric() || ".+_-".contains(c);
        let valid = word(name, |c| c.is_ascii_alphanumeric(), rest)
            && version.is_none_or(|version| word(version, |c| c.is_ascii_alphanumeric(), rest));
        let must = "be the id of a winget package, such as \"7zip.7zip\" or \"7zip.7zip@24.09\"";
        let target = || PackageSpec { version: version.map(str::to_owned), ..PackageSpec::named(name) };
        valid.then(target).ok_or_else(|| must.to_owned())
    }

    fn list(&self) -> Request {
        self.request(&["list"]).max_output(MAX_LIST_BYTES)
    }

    fn read_list(&self, text: &str) -> Reading<PackageInfo> {
        let Reading { rows, unreadable } = table::read(text);
        Reading { rows: rows.into_iter().map(table::Row::package).collect(), unreadable }
    }

    fn query(&self, target: &PackageSpec) -> Request {
        self.of("list", &PackageSpec::named(&target.name), &[])
    }

    fn read_query(&self, target: &PackageSpec, text: &str) -> Vec<Installed> {
        let rows = table::read(text).rows.into_iter().filter(|row| row.is(&target.name));
        rows.map(|row| Installed { version: row.version, architecture: None, ready: true, state: None })
            .collect()
    }

    fn known(&self, target: &PackageSpec) -> Option<Request> {
        Some(self.of("show", target, &["--source", "winget"]))
    }

    fn read_known(&self, finished: &Finished) -> bool {
        finished.succeeded() && !finished.stdout.text.trim().is_empty()
    }

    /// By the longest word: winget takes several for one text. It looks into names, ids, monikers and tags, and asks its source,
    /// which for the community's is a list on this machine.
    fn search(&self, words: &Words) -> Result<Request, CannotSearch> {
        let word = words.iter().filter(|word| !word.starts_with('-')).max_by_key(|word| word.len());
        let word = word.ok_or(CannotSearch::Must("have a word that does not begin with `-` for winget"))?;
        Ok(self.request(&["search", "--query", word, "--source", "winget"]))
    }

    fn read_hits(&self) -> Option<fn(&str) -> Vec<Hit>> {
        Some(|text| table::read(text).rows.into_iter().filter_map(table::Row::hit).collect())
    }

    fn found_none(&self, finished: &Finished) -> bool {
        code(finished) == Some(NONE_FOUND)
    }

    /// winget cannot; its packages do not depend on each other.
    fn simulate(&self, _: Change, _: &PackageSpec) -> Option<Request> {
        None
    }

    fn change(&self, change: Change, target: &PackageSpec, _: bool, _: Duration) -> Request {
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
            Some(number) => failure_of(number, table::last_words(&finished.stdout.text)),
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

/// Number, cause, and what it means for people.
const CODES: &[(u32, Cause, &str)] = &[
    (0x8A15_0001, Cause::Other, "winget had an internal error"),
    (0x8A15_0002, Cause::Other, "this winget does not know the arguments and may be too old"),
    (0x8A15_0003, Cause::Other, "the command failed"),
    (0x8A15_0006, Cause::FakeRunner, "the installer could not be started, or failed"),
    (0x8A15_0007, Cause::Other, "this winget is too old for the package"),
    (0x8A15_0008, Cause::Unreachable, "the installer could not be downloaded"),
    (0x8A15_000A, Cause::Other, "the index of the source is damaged"),
    (0x8A15_000F, Cause::Unreachable, "the data of the source is missing"),
    (0x8A15_0010, Cause::Dependencies, "no installer supports this system"),
    (0x8A15_0011, Cause::Untrusted, "the installer does not match the package's hash"),
    (0x8A15_0014, Cause::NotFound, "there is no such package"),
    (0x8A15_0015, Cause::Unreachable, "no source is configured"),
    (0x8A15_0016, Cause::Other, "several packages match"),
    (0x8A15_0017, Cause::NotFound, "no version matches"),
    (0x8A15_0019, Cause::Permission, "it requires an administrator"),
    (0x8A15_001B, Cause::Permission, "a policy blocks the Microsoft Store"),
    (0x8A15_002C, Cause::FakeRunner, "some packages could not be updated"),
    (0x8A15_002D, Cause::Untrusted, "the installer did not pass the security check"),
    (0x8A15_002F, Cause::Other, "the package does not define how to remove it"),
    (0x8A15_0030, Cause::FakeRunner, "its uninstaller failed"),
    (0x8A15_003A, Cause::Permission, "a group policy blocks it"),
    (0x8A15_0041, Cause::Other, "the agreements of the package were not accepted"),
    (0x8A15_0044, Cause::Unreachable, "the source cannot be reached"),
    (0x8A15_0045, Cause::Unreachable, "the source could not be opened"),
    (0x8A15_0046, Cause::Other, "the agreements of the source were not accepted"),
    (0x8A15_0049, Cause::FakeRunner, "its MSI installer failed"),
    (0x8A15_004B, Cause::Unreachable, "sources could not be opened"),
    (0x8A15_004F, Cause::Other, "the version is not newer than the installed one"),
    (0x8A15_0056, Cause::Permission, "it cannot be installed by an administrator"),
    (0x8A15_005E, Cause::Unreachable, "the source's certificate is not the expected one"),
    (0x8A15_0061, Cause::Other, "it is already installed"),
    (0x8A15_0068, Cause::Held, "it is pinned"),
    (0x8A15_0101, Cause::Busy, "the application is running"),
    (0x8A15_0102, Cause::Busy, "another installation is in progress"),
    (0x8A15_0103, Cause::Busy, "a file of it is in use"),
    (0x8A15_0104, Cause::Dependencies, "a dependency is missing"),
    (0x8A15_0105, Cause::NoSpace, "the disk is full"),
    (0x8A15_0106, Cause::Other, "there is not enough memory"),
    (0x8A15_0107, Cause::Unreachable, "there is no network"),
    (0x8A15_0108, Cause::FakeRunner, "its installer failed"),
    (0x8A15_010A, Cause::Other, "the machine must be restarted first"),
    (0x8A15_010B, Cause::Other, "its installer restarts the machine"),
    (0x8A15_010C, Cause::FakeRunner, "its installer was cancelled"),
    (0x8A15_010D, Cause::Other, "another version is already installed"),
    (0x8A15_010E, Cause::Other, "a newer version is already installed"),
    (0x8A15_010F, Cause::Permission, "a policy prevents it"),
    (0x8A15_0110, Cause::Dependencies, "its dependencies could not be installed"),
    (0x8A15_0111, Cause::Busy, "another application uses it"),
    (0x8A15_0113, Cause::Dependencies, "this system is not supported"),
    (0x8A15_0114, Cause::Other, "it cannot be updated, only removed and installed again"),
];

/// The failure that an exit code is, with winget's last line where the code is not known.
fn failure_of(number: u32, words: &str) -> Failure {
    match CODES.iter().find(|(known, _, _)| *known == number) {
        Some((_, cause, meaning)) => Failure::new(*cause, &format!("{meaning} (winget 0x{number:08X})")),
        None if words.is_empty() => Failure::new(Cause::Other, &format!("winget ended with 0x{number:08X}")),
        None => Failure::new(Cause::Other, &format!("{words} (winget 0x{number:08X})")),
    }
}

#[cfg(test)]
mod codes_tests {
    use super::*;

    #[test]
    fn each_code_stands_once_and_in_order() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_code_is_told_by_its_cause_and_number_and_an_unknown_one_by_wingets_words() {
        let told = failure_of(0x8A15_0105, "");
        assert_eq!((told.cause, told.words.contains("0x8A150105")), (Cause::NoSpace, true));
        assert!(failure_of(0x1234, "odd").words.starts_with("odd (winget 0x00001234"));
    }
}
