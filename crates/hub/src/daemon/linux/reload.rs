//! Settings that are read again while the hub runs, and what is told of it.

use super::clock;
use super::hub::Hub;
use crate::config::table::Reloaded;
use infiniservice_hub_core::own::Reload;
use sd_notify::NotifyState;

/// Reads the settings again. Where the file is wrong, those in force stay.
///
/// # Errors
/// What is wrong, and where.
pub(super) fn reload(hub: &Hub) -> Result<Reloaded, String> {
    let systemd = hub.store.systemd();
    systemd.tell(&[NotifyState::Reloading, monotonic()]);
    let done = hub.settings.read().and_then(|(config, reloaded)| {
        let tags = config.assigned_tags()?;
        hub.policy.put(config.policy()?, config.keys()?);
        hub.assign(tags);
        hub.settings.put(config);
        hub.read_secrets_again();
        Ok(reloaded)
    });
    note(hub, &done);
    systemd.tell(&[NotifyState::Ready]);
    done
}

/// systemd takes what comes after this moment for the answer to its signal.
fn monotonic() -> NotifyState<'static> {
    NotifyState::monotonic_usec_now().unwrap_or(NotifyState::MonotonicUsec(0))
}

fn note(hub: &Hub, done: &Result<Reloaded, String>) {
    let own = &mut hub.state.borrow_mut().fleet.own;
    match done {
        Ok(reloaded) => {
            own.last_reload = Reload { error: None, taken_ms: clock::now().wall_ms() };
            log::info!("the settings were read again: {reloaded}");
        }
        Err(error) => {
            own.last_reload.error = Some(error.clone());
            log::error!("the settings were not taken, those before stay in force: {error}");
        }
    }
}
