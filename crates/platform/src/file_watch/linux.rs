//! By inotify(7). A file that is being written is told when its writer closes it: half of it is nobody's configuration.

use super::Target;
use crate::inotify::{LOST, drain, open};
use crate::reactor_unsafe::{Registered, register};
use rustix::fs::inotify::{self, WatchFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::future::pending;
use std::io;
use std::os::unix::ffi::OsStrExt;

/// A watch over files, with those that come, go and are replaced.
#[derive(Debug)]
pub struct FileWatch {
    inotify: Registered,
    watches: HashMap<i32, Vec<Target>>,
}

impl FileWatch {
    /// Begins to watch; needs a tokio runtime. A directory that does not exist is left out, and so is one that cannot be watched;
    /// that is logged.
    ///
    /// # Errors
    /// The kernel gives no watch at all.
    pub fn over(targets: &[Target]) -> io::Result<Self> {
        let inotify = open()?;
        let mut watches: HashMap<i32, Vec<Target>> = HashMap::new();
        for target in targets {
            match inotify::add_watch(&inotify, &target.directory, mask()) {
                Ok(watch) => watches.entry(watch).or_default().push(target.clone()),
                Err(Errno::NOENT | Errno::NOTDIR) => {}
                Err(error) => log::warn!("cannot watch {}: {error}", target.directory.display()),
            }
        }
        Ok(Self { inotify: register(inotify)?, watches })
    }

    /// Resolves when something that matters happened. Cancel safe.
    pub async fn changed(&mut self) {
        loop {
            let told = match self.inotify.readable().await {
                Ok(mut ready) => {
                    let told = drain(ready.get_inner(), |event| matters(event, &self.watches));
                    ready.clear_ready();
                    told
                }
                Err(error) => Err(error),
            };
            match told {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    log::warn!("files are no longer watched: {error}");
                    pending::<()>().await;
                }
            }
        }
    }
}

/// `ATTRIB` for a file whose mode was what was wrong with it.
fn mask() -> WatchFlags {
    let entries = WatchFlags::CLOSE_WRITE | WatchFlags::MOVE | WatchFlags::DELETE | WatchFlags::ATTRIB;
    entries | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF | WatchFlags::ONLYDIR
}

/// Lost events and lost directories matter, whatever the name.
fn matters(event: &inotify::Event<'_>, watches: &HashMap<i32, Vec<Target>>) -> bool {
    match (watches.get(&event.wd()), event.file_name()) {
        (Some(targets), Some(name)) => {
            let name = OsStr::from_bytes(name.to_bytes());
            targets.iter().any(|target| target.name.as_ref().is_none_or(|wanted| wanted == name))
        }
        _ => event.events().intersects(LOST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, File};
    use std::future::Future;
    use std::io::Write as _;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Whether something was told by now; the reactor has to look first.
    async fn told(watch: &mut FileWatch) -> bool {
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        let mut changed = pin!(watch.changed());
        matches!(changed.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(()))
    }

    #[tokio::test]
    async fn a_file_is_told_when_it_is_whole_replaced_or_gone_and_its_neighbours_are_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        let mut watch = FileWatch::over(&[Target::file(&path).unwrap()]).unwrap();
        let mut file = File::create(&path).unwrap();
        file.write_all(b"max_po").unwrap();
        assert!(!told(&mut watch).await, "half of it");
        file.write_all(b"rts = 7\n").unwrap();
        drop(file);
        watch.changed().await;
        fs::write(directory.path().join("config.toml.last-good"), "x").unwrap();
        assert!(!told(&mut watch).await, "another file");
        fs::rename(directory.path().join("config.toml.last-good"), &path).unwrap();
        watch.changed().await;
        fs::remove_file(&path).unwrap();
        watch.changed().await;
    }

    #[tokio::test]
    async fn any_entry_of_a_directory_is_told_and_a_missing_directory_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let missing = Target::entries(&directory.path().join("missing"));
        let mut watch = FileWatch::over(&[missing, Target::entries(directory.path())]).unwrap();
        fs::write(directory.path().join("gpu.toml"), "x").unwrap();
        watch.changed().await;
    }
}
