//! The lease: one hub has it, writes it anew while it lives, and believes in it for shorter than the engine does.

use super::PAUSE;
use infiniservice_engine::{Engine, Error};
use infiniservice_fleet::subject;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

/// How long the engine keeps the lease after it was written, less what two clocks may differ in that time.
const HELD: Duration = Duration::from_secs(14);
/// How often it is written.
const RENEW_EVERY: Duration = Duration::from_secs(5);
/// How often it is tried for where another hub has it.
const TRY_EVERY: Duration = Duration::from_secs(2);

/// The lease of this hub.
pub(super) struct Lease {
    engine: Engine,
    /// Until when it is believed in, and its revision.
    held: watch::Receiver<(Instant, u64)>,
    renewing: AbortHandle,
}

impl Lease {
    /// Waits until this hub has it.
    pub(super) async fn get(engine: &Engine, name: &str, failed: impl Fn(&str)) -> Self {
        loop {
            let asked = Instant::now();
            match engine.create(subject::LEASE, subject::LEASE_KEY, name.into()).await {
                Ok(revision) => return Self::of(engine, name, asked + HELD, revision),
                Err(Error::Conflict(_)) => {}
                Err(error) => failed(&error.to_string()),
            }
            sleep(TRY_EVERY.mul_f64(0.5 + fastrand::f64())).await;
        }
    }

    fn of(engine: &Engine, name: &str, until: Instant, revision: u64) -> Self {
        let (sender, held) = watch::channel((until, revision));
        let renewing = tokio::spawn(renew(engine.clone(), name.to_owned(), sender)).abort_handle();
        Self { engine: engine.clone(), held, renewing }
    }

    /// Until when it is this hub's for certain.
    pub(super) fn until(&self) -> Instant {
        self.held.borrow().0
    }

    /// Waits until it is not this hub's for certain.
    pub(super) async fn lost(&self) {
        while Instant::now() < self.until() {
            sleep_until(self.until()).await;
        }
    }

    /// Gives it back, so that another hub need not wait.
    pub(super) async fn give_back(self) {
        self.renewing.abort();
        if Instant::now() < self.until() {
            // If that fails it ends by itself.
            let _gone_or_not = self.engine.delete(subject::LEASE, subject::LEASE_KEY).await;
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewing.abort();
    }
}

/// Writes it anew for as long as it is this hub's.
async fn renew(engine: Engine, name: String, held: watch::Sender<(Instant, u64)>) {
    let mut pause = RENEW_EVERY;
    loop {
        sleep(pause).await;
        let (asked, (_, revision)) = (Instant::now(), *held.borrow());
        let renewed = engine.update(subject::LEASE, subject::LEASE_KEY, name.clone().into(), revision).await;
        match renewed {
            Ok(revision) => {
                held.send_replace((asked + HELD, revision));
                pause = RENEW_EVERY;
            }
            Err(Error::Conflict(_)) => {
                held.send_modify(|held| held.0 = Instant::now());
                return;
            }
            // Its time runs out unless the engine is back soon.
            Err(_) => pause = PAUSE,
        }
    }
}
