//! Names of users that passwd(5) does not know: those of directory services, of systemd's dynamic users, of homed.
//!
//! A static program has no NSS, and a directory service that hangs must hang nobody. So whoever wants a name takes what is
//! known at this moment, and what is not known is asked for in the background: of systemd's user database, else of getent(1).

#[cfg(target_os = "linux")]
mod ask;
#[cfg(not(target_os = "linux"))]
#[path = "not_asked.rs"]
mod ask;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod getent;
mod known;
mod record;
#[cfg(target_os = "linux")]
mod userdb;

pub use ask::spawn;

use known::Known;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Notify;

/// What is known of names; cheap to clone, and the same for all clones.
#[derive(Clone, Debug, Default)]
pub struct UserNames {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    wanted: Notify,
}

impl UserNames {
    /// The name of a user id as far as it is known now; what is not known, or long ago, is asked for.
    pub fn name(&self, id: u32) -> Option<String> {
        let (name, wants) = self.known().name(id, Instant::now());
        if wants {
            self.shared.wanted.notify_one();
        }
        name
    }

    /// The ids that are to be asked for, once there are any. Cancel safe.
    async fn wanted(&self) -> Vec<u32> {
        loop {
            let wanted = self.known().take_wanted(Instant::now());
            if !wanted.is_empty() {
                return wanted;
            }
            self.shared.wanted.notified().await;
        }
    }

    /// The answer for an id; `None` where nobody knows it.
    fn learn(&self, id: u32, name: Option<String>) {
        self.known().learn(id, name, Instant::now());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.shared.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Equal are those that know the same, always.
impl PartialEq for UserNames {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for UserNames {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_wanted_is_told_once_and_what_was_learnt_is_known_to_all_clones() {
        let names = UserNames::default();
        let clone = names.clone();
        assert_eq!((names.name(61_184), clone.name(70_000)), (None, None));
        assert_eq!(names.wanted().await, [61_184, 70_000]);
        names.learn(61_184, Some("dynamic".into()));
        names.learn(70_000, None);
        assert_eq!((clone.name(61_184).as_deref(), clone.name(70_000)), (Some("dynamic"), None));
        assert!(names.known().take_wanted(Instant::now()).is_empty());
    }
}
