//! Freezing and thawing as the protocol has it: the state, the hook, and the longest freeze.

use super::change;
use super::freeze_orders::Orders;
use super::frozen::{self, Frozen, Marker, Wanted, since_boot};
use crate::{FreezeSettings, Happened};
use infiniservice_exec::{Cancellation, Program, Request, Runner};
use infiniservice_platform::gate::Gate;
use infiniservice_qga::limits::EXPIRED_FREEZE_TOLD;
use infiniservice_qga::{Error, FreezeState, Reply};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};

/// How long the hook may take, each time.
const HOOK_TIMEOUT: Duration = Duration::from_secs(60);
/// Output of the hook that is kept, for the error.
const HOOK_OUTPUT_BYTES: usize = 4096;

/// What freezes. One command at a time holds the state.
pub struct Freezer {
    state: Mutex<State>,
    orders: Orders,
    tell: mpsc::Sender<Happened>,
    runner: Arc<dyn Runner>,
    marker: Marker,
    /// Whether the host was told of what an agent before this one left frozen.
    told: bool,
    /// Counts freezes and thaws, so that a timer of one does not end another.
    epoch: AtomicU64,
}

impl fmt::Debug for Freezer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Freezer").field("orders", &self.orders).finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Thawed,
    Frozen(Vec<Frozen>),
    /// The longest freeze has passed.
    Expired,
}

impl Freezer {
    /// With the hook's runner, and who is told of the state.
    pub fn new(settings: FreezeSettings, runner: Arc<dyn Runner>, tell: mpsc::Sender<Happened>) -> Self {
        let marker = settings.marker.clone().map_or_else(Marker::default, Marker::at);
        // Before the first request is answered, a host must not hear that nothing is frozen.
        let told = marker.found().is_some() && tell.try_send(Happened::Freeze(FreezeState::Frozen)).is_ok();
        let orders = Orders::new(settings);
        Self { state: Mutex::default(), orders, tell, runner, marker, told, epoch: AtomicU64::new(0) }
    }

    /// Other settings, from the next freeze on: what is frozen is thawed as it was frozen.
    pub fn set_settings(&self, settings: FreezeSettings) {
        self.orders.set(settings);
    }

    /// `guest-fsfreeze-freeze` and `-list`: how many are frozen now.
    pub async fn freeze(self: &Arc<Self>, wanted: Wanted) -> Result<Reply, Error> {
        let mut state = self.state.lock().await;
        if matches!(*state, State::Frozen(_)) {
            return Err(Error::generic("file systems are frozen already"));
        }
        self.orders.begin();
        self.tell(FreezeState::Freezing).await;
        let frozen = self.try_to_freeze(wanted).await;
        let count = frozen.as_ref().map_or(0, Vec::len);
        match frozen {
            Ok(frozen) if count > 0 => {
                *state = State::Frozen(frozen);
                self.tell(FreezeState::Frozen).await;
                self.expire_after(self.orders.now().longest);
                Ok(Reply::Int(i64::try_from(count).unwrap_or(i64::MAX)))
            }
            other => {
                *state = State::Thawed;
                // Whatever the hook stopped goes on, also where nothing was frozen in the end.
                let hooked = self.hook("thaw").await;
                self.tell(FreezeState::Thawed).await;
                other.and(hooked).map(|()| Reply::Int(0))
            }
        }
    }

    async fn try_to_freeze(&self, wanted: Wanted) -> Result<Vec<Frozen>, Error> {
        self.hook("freeze").await?;
        let longest = self.orders.now().longest;
        let until = (!longest.is_zero()).then(|| since_boot() + longest);
        let marker = self.marker.clone();
        change("freeze", move || frozen::freeze(&wanted, until, &marker)).await
    }

    /// `guest-fsfreeze-thaw`: how many were thawed.
    pub async fn thaw(&self) -> Result<Reply, Error> {
        let mut state = self.state.lock().await;
        self.epoch.fetch_add(1, Ordering::Relaxed);
        match std::mem::take(&mut *state) {
            State::Thawed => Ok(Reply::Int(0)),
            State::Frozen(frozen) => {
                self.tell(FreezeState::Thawing).await;
                let count = self.let_go(frozen).await;
                let hooked = self.hook("thaw").await;
                self.tell(FreezeState::Thawed).await;
                hooked.and(count).map(Reply::Int)
            }
            State::Expired => {
                self.tell(FreezeState::Thawed).await;
                Err(Error::freeze_expired(self.orders.now().longest))
            }
        }
    }

    /// Thaws without being asked by the host, as the agent ends.
    pub async fn end(&self) {
        self.end_as(State::Thawed).await;
    }

    /// Thaws without being asked by the host, and leaves this state, which is the one that the host's next command finds; whether
    /// anything was frozen.
    async fn end_as(&self, left: State) -> bool {
        let mut state = self.state.lock().await;
        if !matches!(*state, State::Frozen(_)) {
            return false;
        }
        let State::Frozen(frozen) = std::mem::replace(&mut *state, left) else { return false };
        self.let_go(frozen).await.ok();
        if let Err(error) = self.hook("thaw").await {
            log::error!("{error}");
        }
        true
    }

    /// An agent before this one froze and did not live to thaw: this one is where that was.
    pub async fn find_again(self: &Arc<Self>) {
        let Some(marked) = self.marker.found() else {
            if self.told {
                self.tell(FreezeState::Thawed).await;
            }
            return;
        };
        let mut state = self.state.lock().await;
        let until = marked.until;
        match change("freeze", move || frozen::found_again(&marked)).await {
            Ok(found) => *state = State::Frozen(found),
            // A thaw opens the gate, and thaws what it can.
            Err(error) => {
                log::error!("what is frozen is not known: {error}");
                *state = State::Frozen(Vec::new());
            }
        }
        log::warn!("file systems are still frozen since before the agent was started");
        if !self.told {
            self.tell(FreezeState::Frozen).await;
        }
        if let Some(until) = until {
            self.expire_after(until.saturating_sub(since_boot()).max(Duration::from_millis(1)));
        }
    }

    /// Descriptors are kept until here, so that nothing has to be opened on a frozen system.
    async fn let_go(&self, frozen: Vec<Frozen>) -> Result<i64, Error> {
        let thawed = change("thaw", move || Ok(frozen::thaw(&frozen))).await;
        self.marker.remove();
        Gate::of_the_process().open();
        thawed
    }

    /// Zero: never.
    fn expire_after(self: &Arc<Self>, longest: Duration) {
        if longest.is_zero() {
            return;
        }
        let (freezer, epoch) = (Arc::clone(self), self.epoch.fetch_add(1, Ordering::Relaxed) + 1);
        tokio::spawn(async move {
            tokio::time::sleep(longest).await;
            if freezer.is_epoch(epoch) && freezer.end_as(State::Expired).await {
                log::error!(
                    "the freeze lasted {} s and was ended: backups made from now on are not consistent",
                    longest.as_secs()
                );
                freezer.latch(epoch).await;
            }
        });
    }

    fn is_epoch(&self, epoch: u64) -> bool {
        self.epoch.load(Ordering::Relaxed) == epoch
    }

    /// The host is told `frozen` until its thaw, or for long enough.
    async fn latch(&self, epoch: u64) {
        if !self.is_epoch(epoch) {
            return;
        }
        self.tell(FreezeState::Expired).await;
        tokio::time::sleep(EXPIRED_FREEZE_TOLD).await;
        let mut state = self.state.lock().await;
        if self.is_epoch(epoch) && matches!(*state, State::Expired) {
            *state = State::Thawed;
            self.tell(FreezeState::Thawed).await;
        }
    }

    async fn hook(&self, word: &'static str) -> Result<(), Error> {
        let Some(path) = self.orders.now().hook else { return Ok(()) };
        let request = Request {
            program: Program::At(path.clone()),
            max_output_bytes: HOOK_OUTPUT_BYTES,
            ..Request::new("", [word])
        };
        let refused = |why: String| {
            Error::generic(format!(
                "child process has failed to execute fsfreeze hook: {} {word}: {why}",
                path.display()
            ))
        };
        match self.runner.run(request, &Cancellation::for_at_most(HOOK_TIMEOUT)).await {
            Ok(finished) if finished.succeeded() => Ok(()),
            Ok(finished) => Err(refused(format!("{:?}", finished.status))),
            Err(error) => Err(refused(error.to_string())),
        }
    }

    async fn tell(&self, state: FreezeState) {
        // Nobody hears it once the agent ends.
        let _ = self.tell.send(Happened::Freeze(state)).await;
    }
}
