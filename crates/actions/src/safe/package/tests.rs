//! The flow of changes, over recorded answers of apt.

use super::test_runner::{Expected, FakeRunner};
use crate::packages::test_fixture::finished;
use crate::packages::{Apt, Change};
use infiniservice_exec::{Cancellation, CommandError, CommandResult, Finished, Status, Stop};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::PackageChangeData;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);
const ABSENT: &str = "dpkg-query: no packages found matching lab-plain\n";

fn there(version: &str) -> Expected {
    let row = format!("installed\tlab-plain\t{version}\tall\t4\ta plain one\n");
    ("dpkg-query", "lab-plain", finished(0, &row, ""))
}

fn absent() -> Expected {
    ("dpkg-query", "lab-plain", finished(1, "", ABSENT))
}

fn known() -> Expected {
    ("apt-cache", "lab-plain", finished(0, " lab-plain | 1.0 | copy:/srv ./ Packages\n", ""))
}

fn unknown() -> Expected {
    ("apt-cache", "lab-plain", finished(0, "", ""))
}

fn refresh(code: i32) -> Expected {
    let stderr = "E: Failed to fetch http://mirror.invalid/x  Could not resolve 'mirror.invalid'\n";
    ("apt-get", "update", finished(code, "", if code == 0 { "" } else { stderr }))
}

fn apt_get(code: i32, stderr: &str) -> Expected {
    ("apt-get", "lab-plain", finished(code, "said so\n", stderr))
}

const HARMLESS: &str = "Inst lab-plain (1.0 Lab:12/stable [all])\n";

/// What a simulation says that removes nothing but these.
fn simulated(lines: &str, removed: usize) -> Expected {
    let text = format!("0 upgraded, 1 newly installed, {removed} to remove and 0 not upgraded.\n{lines}");
    ("apt-get", "-s", finished(0, &text, ""))
}

fn free() -> Expected {
    simulated(HARMLESS, 0)
}

/// All packages.
fn all(rows: &[(&str, &str)]) -> Expected {
    let row = |(name, version): &(&str, &str)| format!("installed\t{name}\t{version}\tall\t4\tx\n");
    ("dpkg-query", "-W", finished(0, &rows.iter().map(row).collect::<String>(), ""))
}

/// A change with what comes before and after it: a simulation that frees it, and two looks at all packages.
fn framed(change: impl IntoIterator<Item = Expected>, after: Expected) -> Vec<Expected> {
    let rest = change.into_iter().chain([after, all(&[("other", "1")])]);
    [free(), all(&[("other", "1")])].into_iter().chain(rest).collect()
}

/// The same behind these.
fn with(first: impl IntoIterator<Item = Expected>, framed: Vec<Expected>) -> Vec<Expected> {
    first.into_iter().chain(framed).collect()
}

async fn play(change: Change, scenes: impl IntoIterator<Item = Expected>) -> CommandResult {
    let root = tempfile::tempdir().unwrap();
    let (script, context) = FakeRunner::context(Box::new(Apt), root.path(), scenes);
    let result =
        super::change(change, "lab-plain", false, &context, &Cancellation::for_at_most(MINUTE)).await;
    script.assert_over();
    result
}

fn versions(result: CommandResult) -> (String, String, bool) {
    let data = match result {
        Ok(outcome) => outcome.data,
        Err(error) => error.partial.data,
    };
    let data: PackageChangeData = serde_json::from_value(data).unwrap();
    let or_none = |version: Option<String>| version.unwrap_or_else(|| "none".to_owned());
    (or_none(data.version_before), or_none(data.version_after), data.changed)
}

#[tokio::test]
async fn an_installation_tells_the_version_that_came() {
    let result =
        play(Change::Install, with([absent(), known()], framed([apt_get(0, "")], there("1.0")))).await;
    assert_eq!(result.as_ref().unwrap().stdout.text, "said so\n");
    assert_eq!(versions(result), ("none".into(), "1.0".into(), true));
}

#[tokio::test]
async fn what_is_there_already_is_a_success_that_starts_nothing_and_changed_nothing() {
    let result = play(Change::Install, [there("1.0")]).await;
    assert_eq!(versions(Ok(result.unwrap())), ("1.0".into(), "1.0".into(), false));
}

#[tokio::test]
async fn an_unknown_name_is_not_found_only_after_the_lists_are_fresh() {
    let error = play(Change::Install, [absent(), unknown(), refresh(0), unknown()]).await.unwrap_err();
    assert_eq!((error.code, error.error.as_str()), (ErrorCode::NotFound, "apt knows no package lab-plain"));
    let found = play(
        Change::Install,
        with([absent(), unknown(), refresh(0), known()], framed([apt_get(0, "")], there("1"))),
    )
    .await;
    assert_eq!(versions(found), ("none".into(), "1".into(), true));
}

#[tokio::test]
async fn not_found_over_lists_that_cannot_be_refreshed_says_so_in_the_tools_words() {
    let error = play(Change::Install, [absent(), unknown(), refresh(100)]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.error.contains("could not be refreshed: a repository cannot be reached"), "{error}");
    assert!(error.partial.stderr.text.contains("mirror.invalid"));
}

#[tokio::test]
async fn a_failed_script_is_told_with_what_it_left_behind() {
    let said = "dpkg: error processing package lab-plain (--configure):\n installed lab-plain package \
        post-installation script subprocess returned error exit status 3\n";
    let left = finished(0, "half-configured\tlab-plain\t1.0\tall\t4\tx\n", "");
    let scenes = with([absent(), known()], framed([apt_get(100, said)], ("dpkg-query", "lab-plain", left)));
    let error = play(Change::Install, scenes).await.unwrap_err();
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(100)));
    assert!(error.error.starts_with("apt could not install lab-plain: a package's script failed"), "{error}");
    assert_eq!(error.partial.stderr.text, said);
    assert_eq!(versions(Err(error)), ("none".into(), "1.0".into(), true));
}

#[tokio::test]
async fn one_that_is_there_but_not_set_up_is_installed_again() {
    let half = finished(0, "half-configured\tlab-plain\t1.0\tall\t4\tx\n", "");
    let half = ("dpkg-query", "lab-plain", half);
    let scenes = with([half, known()], framed([apt_get(0, "")], there("1.0")));
    assert_eq!(versions(play(Change::Install, scenes).await), ("1.0".into(), "1.0".into(), true));
}

#[tokio::test]
async fn an_interrupted_database_is_repaired_once() {
    let interrupted =
        || apt_get(100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'\n");
    let repair = || ("dpkg", "--set-selections", finished(0, "", ""));
    let scenes = with([absent(), known()], framed([interrupted(), repair(), apt_get(0, "")], there("1.0")));
    assert!(play(Change::Install, scenes).await.is_ok());
    let scenes = with([absent(), known()], framed([interrupted(), repair(), interrupted()], absent()));
    assert!(play(Change::Install, scenes).await.unwrap_err().error.contains("interrupted"));
}

#[tokio::test(start_paused = true)]
async fn a_held_lock_is_waited_for_and_then_told_with_its_holder() {
    let locked = || {
        apt_get(100, "E: Could not get lock /var/cache/apt/archives/lock. It is held by process 7 (apt)\n")
    };
    let scenes = with([absent(), known()], framed([locked(), locked(), apt_get(0, "")], there("1.0")));
    assert!(play(Change::Install, scenes).await.is_ok());
    let attempts = std::iter::repeat_with(locked).take(15);
    let scenes = with([absent(), known()], framed(attempts, absent()));
    let error = play(Change::Install, scenes).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Busy);
    assert!(error.error.ends_with("lock: apt (pid 7)"), "{error}");
}

#[tokio::test]
async fn a_list_that_names_a_vanished_file_is_fetched_anew() {
    let stale = apt_get(100, "E: Failed to fetch http://x/y.deb  404  Not Found [IP: 1.2.3.4 80]\n");
    let scenes = with([absent(), known()], framed([stale, refresh(0), apt_get(0, "")], there("1.1")));
    assert_eq!(versions(play(Change::Install, scenes).await), ("none".into(), "1.1".into(), true));
}

#[tokio::test]
async fn one_that_hangs_is_a_timeout_with_its_partial_output_and_what_it_left() {
    let stopped = Finished { status: Status::Stopped(Stop::TimedOut(MINUTE)), ..finished(0, "so far", "") };
    let scenes = with([absent(), known()], framed([("apt-get", "lab-plain", stopped)], there("1.0")));
    let error = play(Change::Install, scenes).await.unwrap_err();
    assert_eq!((error.code, error.partial.stdout.text.as_str()), (ErrorCode::Timeout, "so far"));
    assert_eq!(versions(Err(error)), ("none".into(), "1.0".into(), true));
}

#[tokio::test]
async fn an_update_tells_both_versions_and_none_is_no_change() {
    let scenes = with([there("1.0"), refresh(0)], framed([apt_get(0, "")], there("2.0")));
    assert_eq!(versions(play(Change::Update, scenes).await), ("1.0".into(), "2.0".into(), true));
    let scenes = with([there("2.0"), refresh(0)], framed([apt_get(0, "")], there("2.0")));
    assert_eq!(
        versions(Ok(play(Change::Update, scenes).await.unwrap())),
        ("2.0".into(), "2.0".into(), false)
    );
}

#[tokio::test]
async fn an_update_over_old_lists_is_no_success_unless_it_found_something() {
    let error = play(Change::Update, with([there("1"), refresh(100)], framed([apt_get(0, "")], there("1"))))
        .await
        .unwrap_err();
    assert!(error.error.contains("repository metadata could not be refreshed"), "{error}");
    assert!(
        play(Change::Update, with([there("1"), refresh(100)], framed([apt_get(0, "")], there("2"))))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn what_is_not_installed_cannot_be_updated() {
    let error = play(Change::Update, [absent()]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
    assert!(error.error.contains("PackageInstall"));
}

#[tokio::test]
async fn a_removal_ends_with_nothing_there() {
    let scenes = with([there("1.0")], framed([apt_get(0, "")], absent()));
    assert_eq!(versions(play(Change::Remove, scenes).await), ("1.0".into(), "none".into(), true));
}

#[tokio::test]
async fn removing_what_is_not_installed_is_a_success_but_an_unknown_name_is_not_found() {
    assert_eq!(
        versions(Ok(play(Change::Remove, [absent(), known()]).await.unwrap())),
        ("none".into(), "none".into(), false)
    );
    let error = play(Change::Remove, [absent(), unknown(), refresh(0), unknown()]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::NotFound);
}

#[tokio::test]
async fn a_tool_that_is_content_with_nothing_done_is_not_believed() {
    let error =
        play(Change::Remove, with([there("1.0")], framed([apt_get(0, "")], there("1.0")))).await.unwrap_err();
    assert!(error.error.contains("the package is still installed"), "{error}");
}

fn unreadable() -> Expected {
    let stopped = Status::Stopped(Stop::TimedOut(Duration::from_secs(4)));
    ("dpkg-query", "lab-plain", Finished { status: stopped, ..finished(0, "", "") })
}

/// A change after which nothing can be read.
fn cut_off(change: Expected) -> Vec<Expected> {
    vec![absent(), known(), free(), all(&[]), change, unreadable()]
}

#[tokio::test]
async fn a_removal_that_takes_others_along_is_refused_with_their_names_and_changes_nothing() {
    let takes = || simulated("Remv user [1.0]\nRemv lab-plain [1.0]\n", 2);
    let error = play(Change::Remove, [there("1.0"), takes()]).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Conflict);
    assert!(error.error.contains("it would remove user"), "{error}");
    assert_eq!(error.partial.data["would_remove"], serde_json::json!(["user"]));
    assert_eq!(versions(Err(error)), ("1.0".into(), "1.0".into(), false));
    let alone = simulated("Remv lab-plain [1.0]\n", 1);
    let scenes = [there("1.0"), alone, all(&[]), apt_get(0, ""), absent(), all(&[])];
    assert!(play(Change::Remove, scenes).await.is_ok());
}

#[tokio::test]
async fn an_installation_or_update_that_removes_or_downgrades_others_is_refused() {
    let conflict = |text: &str| ("apt-get", "-s", finished(0, text, ""));
    let down = "The following packages will be DOWNGRADED:\n  older\n\
        0 upgraded, 1 newly installed, 1 downgraded, 0 to remove and 0 not upgraded.\n";
    let error = play(Change::Install, [absent(), known(), conflict(down)]).await.unwrap_err();
    assert_eq!(
        (error.code, error.partial.data["would_downgrade"][0].as_str()),
        (ErrorCode::Conflict, Some("older"))
    );
    let gone = "1 upgraded, 0 newly installed, 1 to remove and 0 not upgraded.\nRemv victim [1]\n";
    let error = play(Change::Update, [there("1"), refresh(0), conflict(gone)]).await.unwrap_err();
    assert!(error.code == ErrorCode::Conflict && error.error.contains("victim"), "{error}");
}

#[tokio::test]
async fn with_cascade_it_goes_on_and_the_answer_lists_what_was_seen_to_be_gone() {
    let root = tempfile::tempdir().unwrap();
    let takes = simulated("Remv user [1.0]\nRemv lab-plain [1.0]\n", 2);
    let before = all(&[("lab-plain", "1.0"), ("user", "1.0"), ("stays", "1")]);
    let scenes = [there("1.0"), takes, before, apt_get(0, ""), absent(), all(&[("stays", "1")])];
    let (script, context) = FakeRunner::context(Box::new(Apt), root.path(), scenes);
    let cancellation = Cancellation::for_at_most(MINUTE);
    let outcome = super::change(Change::Remove, "lab-plain", true, &context, &cancellation).await.unwrap();
    script.assert_over();
    let data: PackageChangeData = serde_json::from_value(outcome.data).unwrap();
    let removed: Vec<_> = data.removed.iter().map(|step| step.package.as_str()).collect();
    assert_eq!((removed, data.installed.len()), (vec!["lab-plain", "user"], 0));
}

#[tokio::test]
async fn a_simulation_that_cannot_be_read_changes_nothing() {
    for text in ["", "0 upgraded, 0 newly installed, 2 to remove and 0 not upgraded.\nRemv lab-plain [1.0]\n"]
    {
        let scenes = [there("1.0"), ("apt-get", "-s", finished(0, text, ""))];
        let error = play(Change::Remove, scenes).await.unwrap_err();
        assert!(
            error.code == ErrorCode::ExecutionFailed && error.error.contains("could not be parsed"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_failed_change_keeps_its_own_failure_when_what_it_left_cannot_be_read() {
    let said = "E: You don't have enough free space in /var/cache/apt/archives/.\n";
    let error = play(Change::Install, cut_off(apt_get(100, said))).await.unwrap_err();
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(100)));
    assert!(error.error.starts_with("apt could not install lab-plain: a disk is full"), "{error}");
    assert_eq!((error.partial.stderr.text.as_str(), error.partial.data), (said, serde_json::Value::Null));
}

#[tokio::test]
async fn a_change_that_ended_well_says_so_when_what_is_there_now_cannot_be_read() {
    let error = play(Change::Install, cut_off(apt_get(0, ""))).await.unwrap_err();
    assert_eq!((error.code, error.partial.exit_code), (ErrorCode::ExecutionFailed, Some(0)));
    let said = "apt reported success, but the installed packages could not be read afterwards: did not end within 4 s";
    assert_eq!((error.error.as_str(), error.partial.stdout.text.as_str()), (said, "said so\n"));
}

#[tokio::test]
async fn a_name_that_is_none_starts_nothing() {
    let root = tempfile::tempdir().unwrap();
    for (change, name) in [(Change::Install, "vim-"), (Change::Install, "x;id"), (Change::Remove, "vim=1.0")]
    {
        let (_, context) = FakeRunner::context(Box::new(Apt), root.path(), []);
        let error: CommandError =
            super::change(change, name, false, &context, &Cancellation::for_at_most(MINUTE))
                .await
                .unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidParameter);
        assert!(error.error.contains("`package`"), "{error}");
    }
}

#[tokio::test]
async fn a_reboot_that_the_system_asks_for_is_told() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("run")).unwrap();
    std::fs::write(root.path().join("run/reboot-required"), "").unwrap();
    let (_, context) = FakeRunner::context(Box::new(Apt), root.path(), [there("1.0")]);
    let outcome =
        super::change(Change::Install, "lab-plain", false, &context, &Cancellation::for_at_most(MINUTE))
            .await;
    assert_eq!(outcome.unwrap().data["reboot_required"], true);
}

/// A loop of links: nobody can say whether the sign is behind it.
#[cfg(unix)]
#[tokio::test]
async fn a_sign_of_a_reboot_that_cannot_be_looked_at_is_no_sign_of_none() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("run")).unwrap();
    std::os::unix::fs::symlink("reboot-required", root.path().join("run/reboot-required")).unwrap();
    let (_, context) = FakeRunner::context(Box::new(Apt), root.path(), [there("1.0")]);
    let outcome =
        super::change(Change::Install, "lab-plain", false, &context, &Cancellation::for_at_most(MINUTE))
            .await;
    let data = outcome.unwrap().data;
    assert_eq!(data["reboot_required"], false);
    let why = data["reboot_unknown"].as_str().unwrap();
    assert!(why.starts_with("/run/reboot-required: "), "{why}");
}
