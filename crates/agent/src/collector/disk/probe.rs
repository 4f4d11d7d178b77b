//! Asking file systems that may hang: each in a worker thread, all under one deadline.
//!
//! A call that hangs cannot be taken back. So a mount has at most one worker; while it is out, the mount is
//! reported and not asked again, and all stuck workers together are bounded.

use super::mounts::Mount;
use super::usage::Space;
use crate::collector::error::CollectError;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

/// Workers that may be stuck at one time.
const MAX_STUCK: usize = 32;
/// A few system calls need little stack.
const STACK_BYTES: usize = 256 * 1024;

type Key = (Vec<u8>, (u32, u32));
type Answer<A> = io::Result<A>;
type Ask<A> = dyn Fn(&[u8]) -> Answer<A> + Send + Sync;

struct Pending<A> {
    asked_at: Instant,
    answer: Receiver<Answer<A>>,
}

/// The workers that are out, each for one file system's `A`.
pub struct Probes<A = Space> {
    ask: Arc<Ask<A>>,
    pending: HashMap<Key, Pending<A>>,
}

impl<A: Send + 'static> Probes<A> {
    /// `ask` is run in a worker with a mount point.
    pub fn new(ask: impl Fn(&[u8]) -> Answer<A> + Send + Sync + 'static) -> Self {
        Self { ask: Arc::new(ask), pending: HashMap::new() }
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

    /// Forgets workers that came back after their mount was gone.
    fn reap(&mut self, mounts: &[&Mount]) {
        let wanted = |key: &Key| mounts.iter().any(|m| (&m.place, m.device_id) == (&key.0, key.1));
        self.pending.retain(|key, p| wanted(key) || matches!(p.answer.try_recv(), Err(TryRecvError::Empty)));
    }

    /// Whether a worker was sent out now; `false` when one is still out.
    fn start(&mut self, mount: &Mount) -> Result<bool, CollectError> {
        let key = (mount.place.clone(), mount.device_id);
        if self.pending.contains_key(&key) {
            return Ok(false);
        }
        if self.pending.len() >= MAX_STUCK {
            let full = io::Error::other("too many file systems hang");
            return Err(CollectError::io(mount.mount_point_text(), full));
        }
        let pending = self.spawn(key.0.clone()).map_err(|e| CollectError::io(mount.mount_point_text(), e))?;
        self.pending.insert(key, pending);
        Ok(true)
    }

    fn spawn(&self, mount_point: Vec<u8>) -> io::Result<Pending<A>> {
        let (send, answer) = sync_channel(1);
        let ask = Arc::clone(&self.ask);
        let worker = std::thread::Builder::new().name("statvfs".into()).stack_size(STACK_BYTES);
        worker.spawn(move || drop(send.send(ask(&mount_point))))?;
        Ok(Pending { asked_at: Instant::now(), answer })
    }

    fn wait(&mut self, mount: &Mount, until: Instant) -> Result<A, CollectError> {
        let key = (mount.place.clone(), mount.device_id);
        let failed = |e| CollectError::io(mount.mount_point_text(), e);
        let Some(pending) = self.pending.get(&key) else {
            return Err(failed(io::ErrorKind::NotFound.into()));
        };
        let answer = match pending.answer.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => {
                let waited_ms = pending.asked_at.elapsed().as_millis() as u64;
                return Err(CollectError::Hanging { mount_point: mount.mount_point_text(), waited_ms });
            }
            Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("the worker died")),
            Ok(answer) => answer,
        };
        self.pending.remove(&key);
        answer.map_err(failed)
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
            behind_network: false,
        }
    }

    #[test]
    fn a_mount_that_hangs_is_reported_and_costs_the_others_nothing() {
        let (release, held) = channel::<()>();
        let (entered, stuck) = channel::<()>();
        let held = Mutex::new(held);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let mut probes = Probes::new(move |path| {
            if path == b"/dead" {
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
        assert_eq!(asked.load(Ordering::SeqCst), 1, "one stuck worker, not one a collection");

        drop(release);
        // The stuck worker's late answer counts, once it is there.
        let answer = loop {
            let mut answers = probes.ask_all(&[&dead], Duration::from_millis(200));
            if let Some(Ok(space)) = answers.pop() {
                break space;
            }
        };
        assert_eq!(answer.blocks, 7);
    }

    #[test]
    fn stuck_workers_are_bounded() {
        let (_release, held) = channel::<()>();
        let held = Mutex::new(held);
        let mut probes = Probes::new(move |_| {
            let _ = held.lock().unwrap().recv();
            Ok(Space::default())
        });
        let mounts: Vec<_> = (0..40).map(|i| mount(&format!("/dead/{i}"), i)).collect();
        let answers = probes.ask_all(&mounts.iter().collect::<Vec<_>>(), Duration::ZERO);
        let hanging = answers.iter().filter(|a| matches!(a, Err(CollectError::Hanging { .. }))).count();
        assert_eq!((hanging, answers.len(), probes.pending.len()), (MAX_STUCK, 40, MAX_STUCK));
    }

    #[test]
    fn an_error_is_the_mounts_own() {
        let mut probes: Probes = Probes::new(|_| Err(io::ErrorKind::PermissionDenied.into()));
        let answers = probes.ask_all(&[&mount("/m", 1)], Duration::from_secs(60));
        assert!(answers[0].as_ref().unwrap_err().to_string().starts_with("/m: permission denied"));
    }
}
