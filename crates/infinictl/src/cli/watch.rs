//! `infinictl watch`: the live view, or a stream of metrics for programs.

use super::error::CliError;
use super::global::{Global, seconds};
use super::session::Session;
use crate::client::ClientError;
use crate::watch::{self, Options, Theme};
use std::io::{IsTerminal, stdout};
use std::time::Duration;

/// How often.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Seconds between two updates of the view
    #[arg(long, short, default_value = "2", value_name = "SECS", value_parser = seconds)]
    interval: Duration,
}

/// Shows the guest until `q`, or prints its metrics, a document each time.
pub(super) async fn run(session: Session, global: &Global, args: &Args) -> Result<(), CliError> {
    if session.out.json {
        return stream(&session, args.interval).await;
    }
    if !stdout().is_terminal() {
        session.close().await;
        return Err(CliError::Usage("watch draws on a terminal; use --json for a stream of metrics".into()));
    }
    let options = Options { interval: args.interval, theme: Theme { colour: session.out.colour } };
    let again = || async {
        global.connect().await.map_err(|error| match error {
            CliError::Client(error) => error,
            other => ClientError::NoConnection { endpoint: String::new(), reason: other.sentence() },
        })
    };
    watch::run(session.client, again, !global.local, options).await.map_err(CliError::from)
}

async fn stream(session: &Session, interval: Duration) -> Result<(), CliError> {
    loop {
        let next = tokio::time::Instant::now() + interval;
        let event = session.client.metrics_event(session.wait()).await?;
        session.out.document(&event.raw)?;
        tokio::time::sleep_until(next).await;
    }
}
