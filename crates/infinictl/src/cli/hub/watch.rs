//! `infinictl watch` without a machine: all of them, live, or once.

use super::list;
use crate::cli::error::CliError;
use crate::cli::global::Global;
use crate::cli::output::Output;
use crate::hub::HubError;
use crate::watch::Theme;
use crate::watch::fleet::{self, FleetError, Order, Settings};
use std::io::{IsTerminal as _, stdout};
use std::time::Duration;

/// Which machines, and in which order.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
    /// Of all machines: the first order; what hurts most, unless said
    #[arg(long, value_name = "ORDER", value_enum)]
    sort: Option<Order>,
    /// Of all machines: only those whose name, state, address or system have all of these words
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// Of all machines: print them once, and end
    #[arg(long)]
    once: bool,
}

impl Args {
    /// Whether something is said that means all machines.
    pub(in crate::cli) fn is_of_the_table(&self) -> bool {
        self.once || self.sort.is_some() || self.filter.is_some()
    }
}

/// Runs it.
pub(in crate::cli) async fn run(global: &Global, args: &Args, interval: Duration) -> Result<(), CliError> {
    let (out, api) = (Output::new(global.json, global.no_color), global.api()?);
    let (order, filter) = (args.sort.unwrap_or_default(), args.filter.clone().unwrap_or_default());
    if args.once {
        return list::worst(&api, order, &filter, out).await;
    }
    if out.json || !stdout().is_terminal() {
        let text =
            "watch draws on a terminal; use --once for the table as it is now, and with --json for programs";
        return Err(CliError::Usage(text.into()));
    }
    let theme = Theme { colour: out.colour };
    let connect = |name| async { Global { vm: Some(name), ..global.clone() }.connect_again().await };
    let shown = fleet::run(&api, connect, Settings { order, filter, interval, theme }).await;
    shown.map_err(|error| match error {
        FleetError::Hub(HubError::NoConnection { place, reason }) => {
            let reason =
                format!("{reason}; one machine is watched with --socket, --domain, --vsock or --local");
            HubError::NoConnection { place, reason }.into()
        }
        FleetError::Hub(error) => error.into(),
        FleetError::Terminal(error) => CliError::Failed(format!("the terminal cannot be used: {error}")),
    })
}
