//! One invocation: a connection, and how its results are shown.

use super::error::CliError;
use super::global::Global;
use super::output::Output;
use super::progress::while_waiting;
use crate::client::{Client, ClientError, Event};
use infiniservice_protocol::guest::GuestMessage;
use infiniservice_protocol::{Action, HostMessage, Response};
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// How long a reading request may take when `--timeout` does not say.
pub(super) const READING: Duration = Duration::from_secs(10);
/// How long a change may take when `--timeout` does not say: a systemd job's default of 90 s, and a little more.
pub(super) const CHANGING: Duration = Duration::from_secs(120);
/// After the guest's own time for a command its answer, with what there was of output, still has to come.
const GRACE: Duration = Duration::from_secs(1);

/// How long the guest may take for an action: it waits for a place as long as it may run, and then runs so long.
pub(super) fn patience(action: &Action) -> Duration {
    Duration::from_secs(2 * action.name().default_timeout_secs())
}

/// A connection with its flags.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) out: Output,
    pub(super) timeout: Option<Duration>,
}

impl Session {
    /// Connects as the flags say.
    pub(super) async fn open(global: &Global) -> Result<Self, CliError> {
        let client = while_waiting("connecting", global.connect()).await?;
        Ok(Self { client, out: Output::new(global.json, global.no_color), timeout: global.timeout })
    }

    /// Ends the connection, and a local agent in order.
    pub(super) async fn close(self) {
        while_waiting("ending the agent", self.client.close()).await;
    }

    /// How long to wait for an answer that is there at once.
    pub(super) fn wait(&self) -> Duration {
        self.timeout.unwrap_or(READING)
    }

    /// Sends a message and shows its answer: as it came, or as `render` makes it for people.
    pub(super) async fn exchange(
        &self,
        message: &HostMessage,
        render: impl FnOnce(&GuestMessage, Output) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let event = while_waiting("waiting for the guest", self.client.call(message, self.wait())).await?;
        self.show(&event, render)
    }

    /// Runs a safe command and shows its response. `default_wait` holds where `--timeout` does not say.
    pub(super) async fn command<D: DeserializeOwned>(
        &self,
        action: &Action,
        default_wait: Duration,
        what: &str,
        render: impl FnOnce(&D, Output) -> String,
    ) -> Result<(), CliError> {
        let event = self.request(action, default_wait, what).await?;
        self.show(&event, |message, out| match message {
            GuestMessage::Response(response) => Ok(render(&data(response)?, out)),
            _ => Err(wrong_answer(what)),
        })
    }

    /// The same for an action that has its time: waits as long as the guest may take.
    pub(super) async fn long_command<D: DeserializeOwned>(
        &self,
        action: &Action,
        what: &str,
        render: impl FnOnce(&D, Output) -> String,
    ) -> Result<(), CliError> {
        self.command(action, patience(action), what, render).await
    }

    /// Runs a safe command; its response may be a failure, and is not shown.
    pub(super) async fn request(
        &self,
        action: &Action,
        default_wait: Duration,
        what: &str,
    ) -> Result<Arc<Event>, CliError> {
        self.message(&self.client.command(action, self.timeout), default_wait, what).await
    }

    /// Sends a command that may take a while, and waits for its answer.
    pub(super) async fn message(
        &self,
        message: &HostMessage,
        default_wait: Duration,
        what: &str,
    ) -> Result<Arc<Event>, CliError> {
        let wait = self.timeout.unwrap_or(default_wait) + GRACE;
        Ok(while_waiting(what, self.client.call(message, wait)).await?)
    }

    /// Shows an answer. A failure is shown as JSON where that is asked for, and is an error in any case.
    pub(super) fn show(
        &self,
        event: &Arc<Event>,
        render: impl FnOnce(&GuestMessage, Output) -> Result<String, CliError>,
    ) -> Result<(), CliError> {
        let message = event.message().ok_or_else(|| wrong_answer("the request"))?;
        if self.out.json {
            self.out.document(&event.raw)?;
        }
        match message {
            GuestMessage::Response(response) if !response.success => {
                Err(CliError::Refused(Box::new(response.clone())))
            }
            _ if self.out.json => Ok(()),
            message => self.out.text(&render(message, self.out)?),
        }
    }
}

/// A response's data, typed.
pub(super) fn data<D: DeserializeOwned>(response: &Response) -> Result<D, CliError> {
    D::deserialize(&response.data).map_err(|error| {
        let action = &response.command_type;
        CliError::Failed(format!(
            "the guest's answer to {action} cannot be read ({error}); --json shows it as it came"
        ))
    })
}

/// The answer is of another kind than the request.
pub(super) fn wrong_answer(what: &str) -> CliError {
    CliError::Client(ClientError::WrongAnswer { what: what.to_owned() })
}
