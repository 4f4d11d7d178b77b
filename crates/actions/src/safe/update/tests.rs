//! Checks and installations of updates, over recorded answers of apt.

use crate::packages::test_fixture::finished;
use crate::packages::{Apt, Dnf};
use crate::safe::package::test_runner::{Expected, FakeRunner};
use infiniservice_exec::{Cancellation, CommandResult, Finished, Status, Stop};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::{UpdateCheckData, UpdateInstallData};
use std::time::Duration;

const PENDING: &str = include_str!("../../packages/apt/fixtures/simulate.apt-2.6.2.stdout");
const UNRESOLVABLE: &str = include_str!("../../packages/apt/fixtures/refresh-unresolvable.apt-2.6.2.stderr");

fn refresh(code: i32) -> Expected {
    ("apt-get", "update", finished(code, "", if code == 0 { "" } else { UNRESOLVABLE }))
}

fn pending(text: &str) -> Expected {
    ("apt-get", "-s", finished(0, text, ""))
}

/// What installing all would bring.
fn doable(text: &str) -> Expected {
    ("apt-get", "upgrade", finished(0, text, ""))
}

fn list(fixed: &str, plain: &str) -> Expected {
    let row = |name: &str, version: &str| format!("installed\t{name}\t{version}\tall\t4\tx\n");
    ("dpkg-query", "-W", finished(0, &(row("lab-fixed", fixed) + &row("lab-plain", plain)), ""))
}

fn upgrade(argument: &'static str, code: i32, stderr: &str) -> Expected {
    ("apt-get", argument, finished(code, "", stderr))
}

async fn check(scenes: impl IntoIterator<Item = Expected>) -> CommandResult {
    let root = tempfile::tempdir().unwrap();
    let (script, context) = FakeRunner::context(Box::new(Apt), root.path(), scenes);
    let result = super::check(&context, &Cancellation::for_at_most(Duration::from_secs(60))).await;
    script.assert_over();
    result
}

async fn install(security_only: bool, scenes: impl IntoIterator<Item = Expected>) -> CommandResult {
    let root = tempfile::tempdir().unwrap();
    let (script, context) = FakeRunner::context(Box::new(Apt), root.path(), scenes);
    let result =
        super::install(security_only, false, &context, &Cancellation::for_at_most(Duration::from_secs(60)))
            .await;
    script.assert_over();
    result
}

fn installed(result: CommandResult) -> UpdateInstallData {
    serde_json::from_value(result.map_or_else(|error| error.partial.data, |outcome| outcome.data)).unwrap()
}

#[tokio::test]
async fn a_check_counts_and_puts_security_first() {
    let outcome = check([refresh(0), pending(PENDING), doable(PENDING)]).await.unwrap();
    let data: UpdateCheckData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!((data.pending_count, data.security_count, data.refresh_error), (2, 1, None));
    assert_eq!(data.pending_updates[0].package, "lab-fixed");
    assert!(data.last_check.is_some(), "a fetch that brings nothing new is a check too");
}

#[tokio::test]
async fn a_check_over_old_lists_tells_what_they_know_and_that_they_are_old() {
    let outcome = check([refresh(100), pending(PENDING), doable(PENDING)]).await.unwrap();
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
    let scenes = [
        refresh(0),
        pending(PENDING),
        doable(PENDING),
        doable(PENDING),
        list("1.0", "1.0"),
        upgrade("upgrade", 0, ""),
        list("2.0", "2.0"),
    ];
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
        doable(PENDING),
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
    let scenes = [
        refresh(0),
        pending(PENDING),
        doable(PENDING),
        doable(PENDING),
        list("1.0", "1.0"),
        upgrade("upgrade", 100, said),
        list("2.0", "1.0"),
    ];
    let error = install(false, scenes).await.unwrap_err();
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(100)));
    let data = installed(Err(error));
    assert_eq!((data.installed.len(), data.failed[0].package.as_str()), (1, "lab-plain"));
    assert!(data.failed[0].error.contains("script failed"));
}

fn unreadable() -> Expected {
    ("dpkg-query", "-W", finished(2, "", "dpkg-query: error: cannot open the database\n"))
}

#[tokio::test]
async fn updates_keep_how_they_ended_when_what_is_there_now_cannot_be_read() {
    let start = || [refresh(0), pending(PENDING), doable(PENDING), doable(PENDING), list("1.0", "1.0")];
    let said = "E: You don't have enough free space in /var/cache/apt/archives/.\n";
    let scenes = start().into_iter().chain([upgrade("upgrade", 100, said), unreadable()]);
    let error = install(false, scenes).await.unwrap_err();
    assert!(error.error.starts_with("apt could not install all updates: a disk is full"), "{error}");
    assert_eq!((error.partial.exit_code, error.partial.data), (Some(100), serde_json::Value::Null));

    let scenes = start().into_iter().chain([upgrade("upgrade", 0, ""), unreadable()]);
    let error = install(false, scenes).await.unwrap_err();
    assert!(
        error
            .error
            .starts_with("apt reported success, but the installed packages could not be read afterwards: "),
        "{error}"
    );
    assert!(error.error.contains("cannot open the database"), "{error}");
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(0)));
}

#[tokio::test]
async fn what_was_stopped_or_goes_on_is_not_told_as_failed_but_what_came_is() {
    let stopped = Status::Stopped(Stop::TimedOut(Duration::from_secs(60)));
    for (status, code) in [(stopped, ErrorCode::Timeout), (Status::Detached, ErrorCode::Cancelled)] {
        let ended = ("apt-get", "upgrade", Finished { status, ..finished(0, "", "") });
        let scenes = [
            refresh(0),
            pending(PENDING),
            doable(PENDING),
            doable(PENDING),
            list("1.0", "1.0"),
            ended,
            list("2.0", "1.0"),
        ];
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
    let (script, context) = FakeRunner::context(Box::new(Dnf), root.path(), scenes);
    let error =
        super::check(&context, &Cancellation::for_at_most(Duration::from_secs(60))).await.unwrap_err();
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

const TABLE: &str =
    "Upgrading:\n lab-fixed   noarch   2.0-1   lab   6.1 k\n\nTransaction Summary\nUpgrade  1 Package\n";

/// An update that needs a removal, one that is held, and one that comes.
const ALL: &str = "Remv victim [1.0]\nInst lab-fixed [1.0] (2.0 X (y):stable [all])\nInst enemy [1.0] (2.0 X [all])\n\
    Inst heldone [1.0] (2.0 X [all])\nInst phased:i386 [1.0] (2.0 X [i386])\n\
    4 upgraded, 0 newly installed, 1 to remove and 0 not upgraded.\n";
const DOABLE: &str = "Inst lab-fixed [1.0] (2.0 X (y):stable [all])\n\
    1 upgraded, 0 newly installed, 0 to remove and 3 not upgraded.\n";

fn reasons() -> [Expected; 2] {
    let resolved = "Remv victim [1.0]\nInst lab-fixed [1.0] (2.0 X (y):stable [all])\nInst enemy [1.0] (2.0 X [all])\n\
        2 upgraded, 0 newly installed, 1 to remove and 2 not upgraded.\n";
    [
        ("apt-mark", "showhold", finished(0, "heldone\n", "")),
        ("apt-get", "dist-upgrade", finished(0, resolved, "")),
    ]
}

#[tokio::test]
async fn an_update_that_cannot_come_is_marked_with_what_blocks_it() {
    let scenes = [refresh(0), pending(ALL), doable(DOABLE)].into_iter().chain(reasons());
    let data: UpdateCheckData = serde_json::from_value(check(scenes).await.unwrap().data).unwrap();
    let of = |name: &str| data.pending_updates.iter().find(|u| u.package == name).unwrap().blocked_by.clone();
    assert_eq!((of("lab-fixed"), of("enemy").as_deref()), (None, Some("removal of victim")));
    assert_eq!((of("heldone").as_deref(), of("phased:i386").as_deref()), (Some("held"), Some("phased")));
    assert_eq!((data.pending_count, data.blocked_count), (4, 3));
}

#[tokio::test]
async fn an_update_of_another_architecture_that_came_is_not_told_as_failed() {
    let text = "Inst lib:i386 [1.0] (2.0 X [i386])\n1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";
    let row = |version: &str| format!("installed\tlib\t{version}\ti386\t4\tx\n");
    let list = |version: &str| ("dpkg-query", "-W", finished(0, &row(version), ""));
    let scenes = [
        refresh(0),
        pending(text),
        doable(text),
        doable(text),
        list("1.0"),
        upgrade("upgrade", 0, ""),
        list("2.0"),
    ];
    let data = installed(Ok(install(false, scenes).await.unwrap()));
    assert_eq!((data.installed.len(), data.failed), (1, vec![]));
}

#[tokio::test]
async fn updates_that_announce_themselves_unreadably_are_counted_and_never_none() {
    let text = "Inst app [1.0] (2.0\n1 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n";
    let data: UpdateCheckData =
        serde_json::from_value(check([refresh(0), pending(text)]).await.unwrap().data).unwrap();
    assert_eq!((data.pending_count, data.unreadable), (0, 1));
    let error = install(false, [refresh(0), pending(text)]).await.unwrap_err();
    assert!(error.error.contains("could not be parsed"), "{error}");
}

#[tokio::test]
async fn where_only_the_new_version_is_told_the_installed_one_is_looked_up() {
    let root = tempfile::tempdir().unwrap();
    let row = |version: &str| format!("lab-fixed\t{version}\tnoarch\tlab\n");
    let scenes = [
        ("dnf", "makecache", finished(0, "", "")),
        ("dnf", "--upgrades", finished(0, &row("2.0-1"), "")),
        ("dnf", "--security", finished(0, "", "")),
        ("dnf", "--assumeno", finished(1, TABLE, "Operation aborted.\n")),
        ("rpm", "-qa", finished(0, "lab-fixed\t1.0-1\tnoarch\t4\tx\n", "")),
        ("rpm", "glibc", finished(1, "package kernel is not installed\nglibc\t1700000001\n", "")),
    ];
    std::fs::create_dir(root.path().join("proc")).unwrap();
    std::fs::write(root.path().join("proc/stat"), "btime 1700000000\n").unwrap();
    let (script, context) = FakeRunner::context(Box::new(Dnf), root.path(), scenes);
    let outcome = super::check(&context, &Cancellation::for_at_most(Duration::from_secs(60))).await.unwrap();
    script.assert_over();
    let data: UpdateCheckData = serde_json::from_value(outcome.data).unwrap();
    assert_eq!(data.pending_updates[0].version_installed.as_deref(), Some("1.0-1"));
    assert!(data.reboot_required);
}

/// dnf's table of an update in which one package replaces another, and a kernel takes the place of the oldest.
const REPLACING: &str = include_str!("../../packages/dnf/fixtures/upgrade-replaces.dnf-4.14.0.stdout");

fn rpms(all: &[(&str, &str)]) -> Expected {
    let row = |(name, version): &(&str, &str)| format!("{name}\t{version}\tnoarch\t1\tx\n");
    ("rpm", "-qa", finished(0, &all.iter().map(row).collect::<String>(), ""))
}

#[tokio::test]
async fn an_update_in_which_packages_are_replaced_as_the_repository_means_it_is_done_and_says_what_replaced_what()
 {
    let table = |code| ("dnf", "upgrade", finished(code, REPLACING, "Operation aborted.\n"));
    let before =
        [("lab-plain", "1.0-1"), ("lab-old", "1.0-1"), ("lab-kernel", "1.0-1"), ("lab-kernel", "2.0-1")];
    let after =
        [("lab-plain", "2.0-1"), ("lab-new", "2.0-1"), ("lab-kernel", "2.0-1"), ("lab-kernel", "3.0-1")];
    let scenes = [
        ("dnf", "makecache", finished(0, "", "")),
        ("dnf", "--upgrades", finished(0, "lab-plain\t2.0-1\tnoarch\tlab\n", "")),
        ("dnf", "--security", finished(0, "", "")),
        table(1),
        rpms(&before),
        table(1),
        rpms(&before),
        table(0),
        rpms(&after),
        ("rpm", "kernel", finished(0, "", "")),
    ];
    let root = tempfile::tempdir().unwrap();
    let (script, context) = FakeRunner::context(Box::new(Dnf), root.path(), scenes);
    let result = super::install(false, false, &context, &Cancellation::for_at_most(Duration::from_secs(60)))
        .await
        .unwrap();
    script.assert_over();
    let data = installed(Ok(result));
    let removed: Vec<_> =
        data.removed.iter().map(|one| (one.package.as_str(), one.replaced_by.as_deref())).collect();
    assert_eq!((removed, data.failed.len()), (vec![("lab-old", Some("lab-new"))], 0));
}
