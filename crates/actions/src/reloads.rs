//! Who reads the agent's configuration again when a host asks for it: the main loop, which owns it.

use infiniservice_exec::{CommandError, CommandOutcome, CommandResult};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::data::ConfigReloadData;
use tokio::sync::{mpsc, oneshot};

/// Commands that may wait for the main loop to hear of them.
const WAITING_MAX: usize = 16;

/// A command that waits: it is told what was applied, or why nothing was.
pub type ReloadAsker = oneshot::Sender<Result<ConfigReloadData, String>>;

/// The way to who reads it; by default there is nobody.
#[derive(Clone, Debug, Default)]
pub struct Reloads(Option<mpsc::Sender<ReloadAsker>>);

/// The channel for those who ask.
pub fn reload_channel() -> (Reloads, mpsc::Receiver<ReloadAsker>) {
    let (tell, askers) = mpsc::channel(WAITING_MAX);
    (Reloads(Some(tell)), askers)
}

impl Reloads {
    /// Asks, and waits for what came of it.
    pub(crate) async fn ask(&self) -> CommandResult {
        let Some(tell) = &self.0 else {
            let error = "nothing here reads the configuration again";
            return Err(CommandError::new(ErrorCode::Unsupported, error));
        };
        let (answer, told) = oneshot::channel();
        // Not taken, the answer is dropped, which tells the same.
        let _ = tell.send(answer).await;
        match told.await {
            Ok(Ok(data)) => CommandOutcome::of(&data),
            Ok(Err(why)) => Err(CommandError::new(ErrorCode::ExecutionFailed, why)),
            Err(_) => Err(CommandError::new(ErrorCode::Cancelled, "the agent is stopping")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_command_is_told_what_the_main_loop_says_or_that_it_is_gone() {
        let (reloads, mut askers) = reload_channel();
        let ask = |reloads: Reloads| tokio::spawn(async move { reloads.ask().await });
        let applied = ask(reloads.clone());
        let data = ConfigReloadData { applied: vec!["max_ports".into()], ..ConfigReloadData::default() };
        askers.recv().await.unwrap().send(Ok(data)).unwrap();
        assert_eq!(applied.await.unwrap().unwrap().data["applied"][0], "max_ports");
        let failed = ask(reloads.clone());
        askers.recv().await.unwrap().send(Err("config.toml:1: unknown setting".into())).unwrap();
        let error = failed.await.unwrap().unwrap_err();
        assert_eq!(error.code, ErrorCode::ExecutionFailed);
        assert!(error.error.contains("config.toml:1"), "{error}");
        let stopping = ask(reloads.clone());
        drop(askers.recv().await);
        assert_eq!(stopping.await.unwrap().unwrap_err().code, ErrorCode::Cancelled);
        assert_eq!(Reloads::default().ask().await.unwrap_err().code, ErrorCode::Unsupported);
    }
}
