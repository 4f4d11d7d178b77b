//! Programs that run as another user, and where they start.

use super::*;
use crate::{CommandError, Identity, Program};
use infiniservice_protocol::ErrorCode;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::time::Duration;

const NOBODY: u32 = 65534;

fn shell(script: &str, directory: Option<&Path>) -> Request {
    let directory = directory.map(Path::to_path_buf);
    Request { program: Program::Named("sh"), directory, ..Request::new("sh", ["-c", "--", script]) }
}

fn as_nobody(request: Request) -> Request {
    let identity = Identity { uid: NOBODY, gid: NOBODY, groups: vec![7, NOBODY] };
    Request { identity: Some(identity), ..request }
}

async fn run(request: Request) -> Result<Finished, CommandError> {
    let runner = SystemRunner::with(Containments::by_process_table());
    Ok(runner.run(request, &Cancellation::for_at_most(Duration::from_secs(60))).await?)
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("SKIPPED: only root can become another user");
    }
    root
}

#[tokio::test]
async fn another_user_has_his_ids_and_groups_and_no_capability_and_no_way_back() {
    if !is_root() {
        return;
    }
    let script = "grep -E '^(Uid|Gid|Groups|CapPrm|CapEff|CapAmb)' /proc/self/status | tr -s '\\t ' ' '; \
        cat /proc/1/environ 2>/dev/null || echo no; ls /proc/self/fd | wc -l; echo out > /dev/stdout";
    let finished = run(as_nobody(shell(script, None))).await.unwrap();
    let none = "0000000000000000";
    let ids = "65534 65534 65534 65534";
    let want = format!(
        "Uid: {ids}\nGid: {ids}\nGroups: 7 65534 \nCapPrm: {none}\nCapEff: {none}\nCapAmb: {none}\nno\n4\nout\n"
    );
    assert_eq!(finished.stdout.text, want, "{finished:?}");
}

#[tokio::test]
async fn a_directory_is_entered_with_the_users_rights() {
    let root = tempfile::tempdir().unwrap();
    let finished = run(shell("pwd", Some(root.path()))).await.unwrap();
    assert_eq!(finished.stdout.text.trim(), root.path().to_str().unwrap());
    if !is_root() {
        return;
    }
    std::fs::set_permissions(root.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let error = run(as_nobody(shell("pwd", Some(root.path())))).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PermissionDenied, "{error}");
    chown(root.path(), Some(NOBODY), None).unwrap();
    assert!(run(as_nobody(shell("pwd", Some(root.path())))).await.unwrap().succeeded());
}

#[tokio::test]
async fn a_directory_that_is_not_there_or_is_none_is_named() {
    for (path, code) in
        [("/nonexistent/here", ErrorCode::NotFound), ("/proc/version", ErrorCode::InvalidParameter)]
    {
        let error = run(shell("pwd", Some(Path::new(path)))).await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.error.contains(path) && !error.error.contains("os error"), "{error}");
    }
}
