//! Checks and installations of updates, over recorded answers of apt.

use crate::commands::control::{Control, Stop};
use crate::commands::outcome::CommandResult;
use crate::commands::runner::{Finished, Status};
use crate::commands::safe::package::script::{Scene, Script};
use crate::packages::fixture::finished;
use crate::packages::{Apt, Dnf};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{UpdateCheckData, UpdateInstallData};
use std::time::Duration;

const PENDING: &str = include_str!("../../../packages/apt/fixtures/simulate.apt-2.6.2.stdout");
const UNRESOLVABLE: &str =
    include_str!("../../../packages/apt/fixtures/refresh-unresolvable.apt-2.6.2.stderr");

fn refresh(code: i32) -> Scene {
    ("apt-get", "update", finished(code, "", if code == 0 { "" } else { UNRESOLVABLE }))
}

fn pending(text: &str) -> Scene {
    ("apt-get", "-s", finished(0, text, ""))
}

fn list(fixed: &str, plain: &str) -> Scene {
    let row = |name: &str, version: &str| format!("installed\t{name}\t{version}\tall\t4\tx\n");
    ("dpkg-query", "-W", finished(0, &(row("lab-fixed", fixed) + &row("lab-plain", plain)), ""))
}

fn upgrade(argument: &'static str, code: i32, stderr: &str) -> Scene {
    ("apt-get", argument, finished(code, "", stderr))
}

async fn check(scenes: impl IntoIterator<Item = Scene>) -> CommandResult {
    let root = tempfile::tempdir().unwrap();
    let (script, context) = Script::context(Box::new(Apt), root.path(), scenes);
    let result = super::check(&context, &Control::for_at_most(Duration::from_secs(60))).await;
    script.assert_over();
    result
}

async fn install(security_only: bool, scenes: impl IntoIterator<Item = Scene>) -> CommandResult {
    let root = tempfile::tempdir().unwrap();
    let (script, context) = Script::context(Box::new(Apt), root.path(), scenes);
    let result =
        super::install(security_only, &context, &Control::for_at_most(Duration::from_secs(60))).await;
    script.assert_over();
    result
}

fn installed(result: CommandResult) -> UpdateInstallData {
    serde_json::from_value(result.map_or_else(|error| error.partial.data, |outcome| outcome.data)).unwrap()
}

#[tokio::test]
async fn a_check_counts_and_puts_security_first() {
    let outcome = check([refresh(0), pending(PENDING)]).await.unwrap();
    let data: UpdateCheckData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!((data.pending_count, data.security_count, data.refresh_error), (2, 1, None));
    assert_eq!(data.pending_updates[0].package, "lab-fixed");
    assert!(data.last_check.is_some(), "a fetch that brings nothing new is a check too");
}

#[tokio::test]
async fn a_check_over_old_lists_tells_what_they_know_and_that_they_are_old() {
    let outcome = check([refresh(100), pending(PENDING)]).await.unwrap();
    assert!(outcome.stderr.text.contains("mirror.invalid"));
    let data: UpdateCheckData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!((data.pending_count, data.last_check), (2, None));
    assert!(data.refresh_error.unwrap().contains("cannot be reached"));
}

#[tokio::test]
async fn a_check_that_cannot_be_made_fails() {
    let broken =
        ("apt-get", "-s", finished(100, "", "E: Unmet dependencies. Try 'apt --fix-broken install'\n"));
    let error = check([refresh(0), broken]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::ExecutionFailed);
    assert!(error.error.contains("pending updates could not be read"), "{error}");
}

#[tokio::test]
async fn all_updates_come_and_each_is_told_with_both_versions() {
    let scenes =
        [refresh(0), pending(PENDING), list("1.0", "1.0"), upgrade("upgrade", 0, ""), list("2.0", "2.0")];
    let data = installed(Ok(install(false, scenes).await.unwrap()));
    let told: Vec<_> =
        data.installed.iter().map(|u| (u.package.as_str(), u.version_after.as_str())).collect();
    assert_eq!(told, [("lab-fixed", "2.0"), ("lab-plain", "2.0")]);
    assert_eq!(data.installed[0].version_before.as_deref(), Some("1.0"));
    assert!(data.changed && data.failed.is_empty());
}

#[tokio::test]
async fn security_only_names_these_and_leaves_the_others() {
    let scenes = [
        refresh(0),
        pending(PENDING),
        list("1.0", "1.0"),
        upgrade("lab-fixed=2.0", 0, ""),
        list("2.0", "1.0"),
    ];
    let data = installed(Ok(install(true, scenes).await.unwrap()));
    assert_eq!((data.installed.len(), data.failed.len()), (1, 0));
}

#[tokio::test]
async fn what_did_not_come_is_told_with_the_reason() {
    let said =
        " installed lab-plain package post-installation script subprocess returned error exit status 3\n";
    let scenes =
        [refresh(0), pending(PENDING), list("1.0", "1.0"), upgrade("upgrade", 100, said), list("2.0", "1.0")];
    let error = install(false, scenes).await.unwrap_err();
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(100)));
    let data = installed(Err(error));
    assert_eq!((data.installed.len(), data.failed[0].package.as_str()), (1, "lab-plain"));
    assert!(data.failed[0].error.contains("script failed"));
}

fn unreadable() -> Scene {
    ("dpkg-query", "-W", finished(2, "", "dpkg-query: error: cannot open the database\n"))
}

#[tokio::test]
async fn updates_keep_how_they_ended_when_what_is_there_now_cannot_be_read() {
    let start = || [refresh(0), pending(PENDING), list("1.0", "1.0")];
    let said = "E: You don't have enough free space in /var/cache/apt/archives/.\n";
    let scenes = start().into_iter().chain([upgrade("upgrade", 100, said), unreadable()]);
    let error = install(false, scenes).await.unwrap_err();
    assert!(error.error.starts_with("apt could not install all updates: a disk is full"), "{error}");
    assert_eq!((error.partial.exit_code, error.partial.data), (Some(100), serde_json::Value::Null));

    let scenes = start().into_iter().chain([upgrade("upgrade", 0, ""), unreadable()]);
    let error = install(false, scenes).await.unwrap_err();
    assert!(
        error.error.starts_with("apt ended well, but what is installed now could not be read: "),
        "{error}"
    );
    assert!(error.error.contains("cannot open the database"), "{error}");
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(0)));
}

#[tokio::test]
async fn what_was_stopped_or_goes_on_is_not_told_as_failed_but_what_came_is() {
    let stopped = Status::Stopped(Stop::TimedOut(Duration::from_secs(60)));
    for (status, code) in [(stopped, ErrorCode::Timeout), (Status::GoesOn, ErrorCode::Cancelled)] {
        let ended = ("apt-get", "upgrade", Finished { status, ..finished(0, "", "") });
        let scenes = [refresh(0), pending(PENDING), list("1.0", "1.0"), ended, list("2.0", "1.0")];
        let error = install(false, scenes).await.unwrap_err();
        assert_eq!(error.code, code);
        let data = installed(Err(error));
        assert_eq!((data.installed.len(), data.failed, data.changed), (1, vec![], true));
    }
}

#[tokio::test]
async fn pending_updates_in_no_readable_form_are_an_error_and_not_none() {
    let root = tempfile::tempdir().unwrap();
    let scenes = [
        ("dnf", "makecache", finished(0, "", "")),
        ("dnf", "-C", finished(0, "lab-fixed\\t2.0-1\\tnoarch\\tlab\n", "")),
        ("dnf", "--security", finished(0, "", "")),
    ];
    let (script, context) = Script::context(Box::new(Dnf), root.path(), scenes);
    let error = super::check(&context, &Control::for_at_most(Duration::from_secs(60))).await.unwrap_err();
    script.assert_over();
    assert_eq!(error.code, ErrorCode::ExecutionFailed);
    assert!(error.error.starts_with("pending updates could not be read: dnf did not answer"), "{error}");
}

#[tokio::test]
async fn nothing_pending_changes_nothing_unless_the_lists_are_old() {
    let data = installed(Ok(install(false, [refresh(0), pending("")]).await.unwrap()));
    assert!(!data.changed && data.installed.is_empty());
    let error = install(false, [refresh(100), pending("")]).await.unwrap_err();
    assert!(error.error.contains("could not be refreshed"), "{error}");
}

#[tokio::test]
async fn where_only_the_new_version_is_told_the_installed_one_is_looked_up() {
    let root = tempfile::tempdir().unwrap();
    let row = |version: &str| format!("lab-fixed\t{version}\tnoarch\tlab\n");
    let scenes = [
        ("dnf", "makecache", finished(0, "", "")),
        ("dnf", "--upgrades", finished(0, &row("2.0-1"), "")),
        ("dnf", "--security", finished(0, "", "")),
        ("rpm", "-qa", finished(0, "lab-fixed\t1.0-1\tnoarch\t4\tx\n", "")),
        ("rpm", "glibc", finished(1, "package kernel is not installed\nglibc\t1700000001\n", "")),
    ];
    std::fs::create_dir(root.path().join("proc")).unwrap();
    std::fs::write(root.path().join("proc/stat"), "btime 1700000000\n").unwrap();
    let (script, context) = Script::context(Box::new(Dnf), root.path(), scenes);
    let outcome = super::check(&context, &Control::for_at_most(Duration::from_secs(60))).await.unwrap();
    script.assert_over();
    let data: UpdateCheckData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!(data.pending_updates[0].version_installed.as_deref(), Some("1.0-1"));
    assert!(data.reboot_required);
}
