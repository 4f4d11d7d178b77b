//! Asking file systems, which may hang: those that are known for it at once, a thread each, under one deadline; the others
//! in turn, in one thread.
//!
//! A call that hangs cannot be taken back. So a mount has at most one thread; while it is out, the mount is reported and not
//! asked again.

use super::Space;
use crate::error::CollectError;
use infiniservice_platform::blocking::{self, Answer, Blocked, Item, Lane, Series};
use infiniservice_platform::linux::mounts::Mount;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a local file system may take: it answers from memory, unless its device fails.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(2);

type Key = (Vec<u8>, (u32, u32));
type Ask<A> = dyn Fn(&Mount) -> io::Result<A> + Send + Sync;

/// The threads that are out, each for one file system's `A`.
pub struct Probes<A = Space> {
    ask: Arc<Ask<A>>,
    pending: HashMap<Key, Answer<io::Result<A>>>,
    in_turn: Series<Local>,
}

impl<A: Send + 'static> Probes<A> {
    /// `ask` is run in a thread with a mount.
    pub fn new(ask: impl Fn(&Mount) -> io::Result<A> + Send + Sync + 'static) -> Self {
        let in_turn = Series::new(Lane::FileSystems, "local file systems", LOCAL_TIMEOUT);
        Self { ask: Arc::new(ask), pending: HashMap::new(), in_turn }
    }

    /// Asks all at once and waits for at most `deadline`; mounts that hung before are only looked at.
    pub fn ask_all(&mut self, mounts: &[&Mount], deadline: Duration) -> Vec<Result<A, CollectError>> {
        self.reap(mounts);
        let until = Instant::now() + deadline;
        let asked: Vec<_> = mounts.iter().map(|mount| self.start(mount)).collect();
        let answer = |(mount, asked): (&&Mount, Result<bool, CollectError>)| {
            asked.and_then(|is_new| self.wait(mount, if is_new { until } else { Instant::now() }))
        };
        mounts.iter().zip(asked).map(answer).collect()
    }

    /// Asks one after another.
    pub fn ask_in_turn(&mut self, mounts: &[&Mount]) -> Vec<Result<A, CollectError>> {
        let items: Vec<_> = mounts.iter().map(|mount| Local((*mount).clone())).collect();
        let ask = Arc::clone(&self.ask);
        let answers = self.in_turn.each(&items, move || {
            let ask = Arc::clone(&ask);
            move |local: &Local| ask(&local.0)
        });
        let failed = |mount: &Mount, error| CollectError::io(mount.mount_point_text(), error);
        let answer = |(answer, mount): (Result<io::Result<A>, Blocked>, &&Mount)| match answer {
            Ok(told) => told.map_err(|error| failed(mount, error)),
            Err(blocked) => Err(not_told(mount, blocked)),
        };
        answers.into_iter().zip(mounts).map(answer).collect()
    }

    /// Forgets threads that came back after their mount was gone.
    fn reap(&mut self, mounts: &[&Mount]) {
        let wanted = |key: &Key| mounts.iter().any(|m| (&m.place, m.device_id) == (&key.0, key.1));
        self.pending.retain(|key, pending| wanted(key) || pending.is_out());
    }

    /// Whether a thread was sent out now; `false` when one is still out.
    fn start(&mut self, mount: &Mount) -> Result<bool, CollectError> {
        let key = key(mount);
        if self.pending.contains_key(&key) {
            return Ok(false);
        }
        let (ask, own) = (Arc::clone(&self.ask), mount.clone());
        let asked = blocking::ask(Lane::FileSystems, &mount.mount_point_text(), move || ask(&own));
        self.pending.insert(key, asked.map_err(|blocked| not_told(mount, blocked))?);
        Ok(true)
    }

    fn wait(&mut self, mount: &Mount, until: Instant) -> Result<A, CollectError> {
        let key = key(mount);
        let failed = |error| CollectError::io(mount.mount_point_text(), error);
        let Some(pending) = self.pending.get(&key) else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        let answer = match pending.wait(until) {
            Err(blocked @ Blocked::Hangs { .. }) => return Err(not_told(mount, blocked)),
            Err(blocked) => Err(not_told(mount, blocked)),
            Ok(answer) => answer.map_err(failed),
        };
        self.pending.remove(&key);
        answer
    }
}

fn key(mount: &Mount) -> Key {
    (mount.place.clone(), mount.device_id)
}

fn not_told(mount: &Mount, blocked: Blocked) -> CollectError {
    let mount_point = mount.mount_point_text();
    match blocked {
        Blocked::Hangs { waited, .. } => {
            CollectError::Hanging { mount_point, waited_ms: waited.as_millis() as u64 }
        }
        Blocked::StillHangs { .. } | Blocked::Full { .. } => {
            CollectError::io(mount_point, io::Error::other("too many file systems hang"))
        }
        Blocked::NoThread { source, .. } => CollectError::io(mount_point, source),
        Blocked::Died { .. } => {
            CollectError::io(mount_point, io::Error::other("the thread that asked it died"))
        }
    }
}

/// A mount as an item of a series.
#[derive(Clone, Debug)]
struct Local(Mount);

impl Item for Local {}

impl PartialEq for Local {
    fn eq(&self, other: &Self) -> bool {
        (&self.0.place, self.0.device_id) == (&other.0.place, other.0.device_id)
    }
}

impl Eq for Local {}

impl Hash for Local {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.0.place, self.0.device_id).hash(state);
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.mount_point_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;

    fn mount(at: &str, minor: u32) -> Mount {
        Mount {
            device_id: (0, minor),
            root: b"/".to_vec(),
            place: at.into(),
            kind: "nfs4".into(),
            source: b"server:/".to_vec(),
            ..Mount::default()
        }
    }

    #[test]
    fn a_mount_that_hangs_is_reported_and_costs_the_others_nothing() {
        let (release, held) = channel::<()>();
        let (entered, stuck) = channel::<()>();
        let held = Mutex::new(held);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let mut probes = Probes::new(move |mount| {
            if mount.place == b"/dead" {
                count.fetch_add(1, Ordering::SeqCst);
                entered.send(()).unwrap();
                let _ = held.lock().unwrap().recv();
            }
            Ok(Space { blocks: 7, block_bytes: 1, ..Space::default() })
        });
        let (dead, alive) = (mount("/dead", 1), mount("/alive", 2));
        for _ in 0..3 {
            let answer = probes.ask_all(&[&dead], Duration::ZERO).pop().unwrap();
            assert!(
                matches!(answer, Err(CollectError::Hanging { mount_point, .. }) if mount_point == "/dead")
            );
            let answer = probes.ask_all(&[&alive], Duration::from_secs(60)).pop().unwrap();
            assert_eq!(answer.unwrap().blocks, 7);
        }
        stuck.recv().unwrap();
        probes.ask_all(&[&dead], Duration::from_millis(50));
        assert_eq!(asked.load(Ordering::SeqCst), 1, "one stuck thread, not one a collection");

        drop(release);
        // The stuck thread's late answer counts, once it is there.
        let answer = loop {
            let mut answers = probes.ask_all(&[&dead], Duration::from_millis(200));
            if let Some(Ok(space)) = answers.pop() {
                break space;
            }
        };
        assert_eq!(answer.blocks, 7);
    }

    #[test]
    fn a_local_file_system_that_hangs_costs_its_own_figures() {
        let (release, held) = channel::<()>();
        let held = Mutex::new(held);
        let mut probes = Probes::new(move |mount| {
            if mount.place == b"/failing" {
                let _ = held.lock().unwrap().recv();
            }
            Ok(Space { blocks: 7, ..Space::default() })
        });
        probes.in_turn = Series::new(Lane::FileSystems, "local file systems", Duration::from_secs(2));
        let mounts = [mount("/", 1), mount("/failing", 2), mount("/var", 3)];
        for _ in 0..2 {
            let answers = probes.ask_in_turn(&mounts.iter().collect::<Vec<_>>());
            assert!(
                matches!(&answers[1], Err(CollectError::Hanging { mount_point, .. }) if mount_point == "/failing")
            );
            assert_eq!(answers.iter().flatten().filter(|space| space.blocks == 7).count(), 2);
        }
        drop(release);
    }

    #[test]
    fn an_error_is_the_mounts_own() {
        let mut probes: Probes = Probes::new(|_| Err(io::ErrorKind::PermissionDenied.into()));
        for answers in [
            probes.ask_all(&[&mount("/m", 1)], Duration::from_secs(60)),
            probes.ask_in_turn(&[&mount("/m", 1)]),
        ] {
            assert!(answers[0].as_ref().unwrap_err().to_string().starts_with("/m: permission denied"));
        }
    }
}
