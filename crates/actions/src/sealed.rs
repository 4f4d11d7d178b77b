//! How far the machine is on its way to a template, and whose identity the agent's is: while it is sealed, and afterwards, no command is
//! taken.

use infiniservice_exec::CommandError;
use infiniservice_protocol::ErrorCode;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

/// The agent's own identity, which copies of the machine must not inherit.
pub trait OwnIdentity: Send + Sync {
    /// Removes it for good, and looks whether the next start would find any. Blocks.
    ///
    /// # Errors
    /// What of it stays, and where.
    fn forget(&self) -> Result<String, String>;
}

/// How far this machine is on its way to a template. Shared by all commands.
#[derive(Default)]
pub struct Seal {
    state: AtomicU8,
    identity: OnceLock<Arc<dyn OwnIdentity>>,
}

const OPEN: u8 = 0;
const SEALING: u8 = 1;
const SEALED: u8 = 2;

/// Sealing under way. Dropped before [`Sealing::done`], the machine takes commands again.
pub(crate) struct Sealing(Arc<Seal>);

impl Seal {
    /// Tells whose identity the agent's is. Only the first counts.
    pub fn set_identity(&self, identity: Arc<dyn OwnIdentity>) {
        let _the_first_counts = self.identity.set(identity);
    }

    /// The agent's own, where it was told.
    pub(crate) fn identity(&self) -> Option<Arc<dyn OwnIdentity>> {
        self.identity.get().cloned()
    }

    /// From now on no command is taken.
    pub(crate) fn begin(self: &Arc<Self>) -> Result<Sealing, CommandError> {
        let began = self.state.compare_exchange(OPEN, SEALING, Ordering::SeqCst, Ordering::SeqCst);
        began.map(|_| Sealing(Arc::clone(self))).map_err(refusal)
    }

    /// Why no command is taken; `None` where they are.
    pub(crate) fn refusal(&self) -> Option<CommandError> {
        let state = self.state.load(Ordering::SeqCst);
        (state != OPEN).then(|| refusal(state))
    }
}

fn refusal(state: u8) -> CommandError {
    let why = if state == SEALED {
        "this machine has been sealed as a template; it takes no commands until it starts anew"
    } else {
        "this machine is being sealed as a template; it takes no commands meanwhile"
    };
    CommandError::new(ErrorCode::Busy, why)
}

impl Sealing {
    /// It stays sealed.
    pub(crate) fn done(self) {
        self.0.state.store(SEALED, Ordering::SeqCst);
    }
}

impl Drop for Sealing {
    fn drop(&mut self) {
        let _sealed = self.0.state.compare_exchange(SEALING, OPEN, Ordering::SeqCst, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seals_at_a_time_and_a_failure_lets_commands_in_again() {
        let seal = Arc::new(Seal::default());
        let sealing = seal.begin().expect("nobody else does");
        assert_eq!(seal.begin().err().map(|error| error.code), Some(ErrorCode::Busy));
        assert!(seal.refusal().is_some_and(|error| error.error.contains("being sealed")));
        drop(sealing);
        assert!(seal.refusal().is_none());
        seal.begin().expect("again").done();
        assert!(seal.refusal().is_some_and(|error| error.error.contains("has been sealed")));
        assert!(seal.begin().is_err());
    }
}
