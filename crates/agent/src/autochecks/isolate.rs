//! Calls that may hang, each in a thread of its own.
//!
//! A system call on a dead mount cannot be taken back; a runtime's own blocking threads would hold up its end. So the
//! threads are detached, and counted: what hangs again and again does not pile up.

use super::finding::Skip;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot::{Receiver, channel};

/// Threads that may be out for one thing: more than one, as commands run beside each other.
const MAX_OF_ONE: usize = 3;
/// Threads that may be out in all.
const MAX_OUT: usize = 64;
/// Reading files and asking for space needs little stack.
const STACK_BYTES: usize = 256 * 1024;

/// How many threads are out, by what they wait for. Of the process, as its threads are.
static OUT: Mutex<BTreeMap<String, usize>> = Mutex::new(BTreeMap::new());

/// Starts `work` in a thread of its own; `what` names it in errors.
pub fn start<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Receiver<T>, Skip> {
    let place = Place::take(what)?;
    let (tell, told) = channel();
    let thread = std::thread::Builder::new().name("autocheck".into()).stack_size(STACK_BYTES);
    let started = thread.spawn(move || {
        // Whoever asked may have given up since.
        let _ = tell.send(work());
        drop(place);
    });
    started.map(|_| told).map_err(|error| Skip(format!("{what}: no thread could be started: {error}")))
}

/// The same, waited for.
pub async fn run<T: Send + 'static>(
    what: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Skip> {
    start(what, work)?.await.map_err(|_| Skip(format!("{what}: the thread that asked it died")))
}

struct Place(String);

impl Place {
    fn take(what: &str) -> Result<Self, Skip> {
        let mut out = lock();
        if out.values().sum::<usize>() >= MAX_OUT {
            return Err(Skip(format!("{what}: too many earlier checks still hang")));
        }
        let count = out.entry(what.to_owned()).or_insert(0);
        if *count >= MAX_OF_ONE {
            return Err(Skip(format!("{what}: earlier checks still wait for its answer")));
        }
        *count += 1;
        Ok(Self(what.to_owned()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut out = lock();
        if let Some(count) = out.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                out.remove(&self.0);
            }
        }
    }
}

/// Only counters stand behind it: a panic elsewhere leaves them whole.
fn lock() -> MutexGuard<'static, BTreeMap<String, usize>> {
    OUT.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[tokio::test]
    async fn what_hangs_again_and_again_does_not_pile_up() {
        let mut held = Vec::new();
        for _ in 0..MAX_OF_ONE {
            let (release, wait) = mpsc::channel::<()>();
            held.push((release, start("dead mount", move || wait.recv().is_err()).unwrap()));
        }
        let refused = start("dead mount", || true).unwrap_err();
        assert!(refused.0.contains("earlier checks still wait"), "{refused}");
        assert!(run("another", || true).await.unwrap());
        for (release, told) in held {
            drop(release);
            assert!(told.await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_panic_in_the_thread_costs_only_this_call() {
        let error = run("bad luck", || -> u8 { panic!("on purpose") }).await.unwrap_err();
        assert!(error.0.contains("died"), "{error}");
    }
}
