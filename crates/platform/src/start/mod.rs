//! Starts a child: in a session of its own, behind its fence, as another user and in a directory, where that is wanted.

mod child_unsafe;

pub use child_unsafe::spawn;

use rustix::fs::{Gid, Uid, fchown};
use rustix::process::chdir;
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::ffi::{CString, NulError};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Of a child that does not become the program, the parent learns one number, an errno; above this stands where it failed.
const STAGE: i32 = 1 << 16;

/// Where it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum PreExecStep {
    /// It could not become the user.
    Identity = 1,
    /// It could not go to its directory.
    Directory = 2,
}

impl PreExecStep {
    fn failed(self, errno: rustix::io::Errno) -> io::Error {
        io::Error::from_raw_os_error(errno.raw_os_error() + self as i32 * STAGE)
    }

    /// Of an error of [`spawn`] the stage, where it was one of these, and the error of the call that failed.
    pub fn of(error: &io::Error) -> Option<(Self, io::Error)> {
        let raw = error.raw_os_error()?;
        let stage =
            [Self::Identity, Self::Directory].into_iter().find(|stage| *stage as i32 == raw / STAGE)?;
        Some((stage, io::Error::from_raw_os_error(raw % STAGE)))
    }
}

/// As whom a child runs and where. Everything that is needed is made before the fork: afterwards nothing may be allocated.
#[derive(Debug, Default)]
pub struct ChildSetup {
    user: Option<(Uid, Gid, Vec<Gid>)>,
    directory: Option<CString>,
}

impl ChildSetup {
    /// As this user and group, with these supplementary groups and no others.
    #[must_use]
    pub fn with_user(mut self, uid: u32, gid: u32, groups: &[u32]) -> Self {
        let groups = groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
        self.user = Some((Uid::from_raw(uid), Gid::from_raw(gid), groups));
        self
    }

    /// In this directory, entered with the user's own rights. Refused is one with a NUL in its name.
    pub fn with_directory(mut self, path: &Path) -> Result<Self, NulError> {
        self.directory = Some(CString::new(path.as_os_str().as_bytes())?);
        Ok(self)
    }

    /// Whether it may last as long as whoever serves the directory likes.
    fn may_last(&self) -> bool {
        self.directory.is_some()
    }

    /// In the child, whose output goes to `streams`. The directory comes last, so that it is entered with the user's own rights.
    fn enter(&self, streams: [BorrowedFd<'_>; 2]) -> io::Result<()> {
        if let Some((uid, gid, groups)) = &self.user {
            become_user(*uid, *gid, groups, streams).map_err(|e| PreExecStep::Identity.failed(e))?;
        }
        if let Some(directory) = &self.directory {
            chdir(directory.as_c_str()).map_err(|e| PreExecStep::Directory.failed(e))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_stage_that_failed_is_told_with_its_error_and_a_failed_exec_is_none() {
        for stage in [PreExecStep::Identity, PreExecStep::Directory] {
            let (told, error) = PreExecStep::of(&stage.failed(Errno::ACCESS)).unwrap();
            assert_eq!((told, error.kind()), (stage, io::ErrorKind::PermissionDenied));
        }
        assert!(PreExecStep::of(&Errno::NOENT.into()).is_none());
        assert!(PreExecStep::of(&io::Error::other("no number")).is_none());
    }

    #[tokio::test]
    async fn a_child_that_cannot_enter_its_directory_says_so_and_is_none() {
        let setup = ChildSetup::default().with_directory(Path::new("/no/such/directory")).unwrap();
        let error = spawn(tokio::process::Command::new("/bin/true"), None, setup).unwrap_err();
        let (stage, error) = PreExecStep::of(&error).unwrap();
        assert_eq!((stage, error.kind()), (PreExecStep::Directory, io::ErrorKind::NotFound));
    }
}
