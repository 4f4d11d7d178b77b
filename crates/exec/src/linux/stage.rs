//! What a child does between fork and exec to become another user and go to its directory, and which of the two failed.

use crate::{Identity, Request, RunError};
use infiniservice_platform::one_line;
use rustix::fs::{Gid, Uid, fchown};
use rustix::process::chdir;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::ffi::CString;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Of a child that does not become the program, the parent learns one number, an errno; above this stands where it failed.
const STAGE: i32 = 1 << 16;

/// Where it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Stage {
    Identity = 1,
    Directory = 2,
}

impl Stage {
    fn failed(self, errno: rustix::io::Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.raw_os_error() + self as i32 * STAGE)
    }

    /// What the parent makes of it.
    pub(super) fn error(error: &io::Error, program: &Path, request: &Request) -> RunError {
        let raw = error.raw_os_error().unwrap_or_default();
        let told = io::Error::from_raw_os_error(raw % STAGE);
        let (kind, text) = (told.kind(), one_line::reason(&told));
        match (raw / STAGE, &request.identity, &request.directory) {
            (1, Some(Identity { uid, .. }), _) => RunError::Identity { uid: *uid, error: text },
            (2, _, Some(path)) => RunError::Directory { path: path.display().to_string(), error: text, kind },
            _ => RunError::NotStarted {
                program: program.display().to_string(),
                error: one_line::reason(error),
            },
        }
    }
}

/// Everything that is needed, made before the fork: afterwards nothing may be allocated.
pub(super) struct Entering {
    user: Option<(Uid, Gid, Vec<Gid>)>,
    directory: Option<CString>,
}

impl Entering {
    pub(super) fn of(request: &Request) -> Result<Self, RunError> {
        let user = request.identity.as_ref().map(|identity| {
            let groups = identity.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
            (Uid::from_raw(identity.uid), Gid::from_raw(identity.gid), groups)
        });
        let path = request.directory.as_deref().map(|path| CString::new(path.as_os_str().as_bytes()));
        let directory = path.transpose().map_err(|e| RunError::Directory {
            path: "with a NUL".into(),
            error: e.to_string(),
            kind: io::ErrorKind::InvalidInput,
        })?;
        Ok(Self { user, directory })
    }

    /// In the child, whose output goes to `streams`. The directory comes last, so that it is entered with the user's own rights.
    pub(super) fn enter(&self, streams: [BorrowedFd<'_>; 2]) -> io::Result<()> {
        if let Some((uid, gid, groups)) = &self.user {
            become_user(*uid, *gid, groups, streams).map_err(|e| Stage::Identity.failed(e))?;
        }
        if let Some(directory) = &self.directory {
            chdir(directory.as_c_str()).map_err(|e| Stage::Directory.failed(e))?;
        }
        Ok(())
    }
}

/// Groups first, the user last: afterwards nothing of it may be changed any more. The child has one thread, so the calls for one
/// thread are calls for the process. With the last root id go all capabilities (capabilities(7)).
fn become_user(uid: Uid, gid: Gid, groups: &[Gid], streams: [BorrowedFd<'_>; 2]) -> rustix::io::Result<()> {
    // Without it the user could not open /dev/stdout.
    for stream in streams {
        fchown(stream, Some(uid), Some(gid))?;
    }
    set_thread_groups(groups)?;
    set_thread_res_gid(gid, gid, gid)?;
    set_thread_res_uid(uid, uid, uid)
}
