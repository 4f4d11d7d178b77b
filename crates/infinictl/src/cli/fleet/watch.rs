//! `infinictl fleet watch`: the machines of all hosts, live on a terminal, or each change as a document.

use super::list;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::fleet::{Change, Live};
use crate::hub::Table;
use crate::text::sanitize;
use crate::watch::Theme;
use crate::watch::fleet::{self, Order, Tables};
use infiniservice_engine::Engine;
use infiniservice_hub_core::Which;
use serde_json::json;
use std::io::{IsTerminal as _, stdout};

/// Which machines, and in which order.
#[derive(clap::Args, Debug)]
pub(super) struct Args {
    /// The first order; what hurts most, unless said
    #[arg(long, value_name = "ORDER", value_enum)]
    sort: Option<Order>,
    /// Only those whose name, hub, state, address or system have all of these words
    #[arg(long, value_name = "WORDS")]
    filter: Option<String>,
    /// With --json: only machines that are meant by this (see infinictl fleet list)
    #[arg(value_name = "SELECTOR", default_value = "all", value_parser = list::which)]
    selector: Which,
}

/// Runs it.
pub(super) async fn run(engine: &Engine, args: Args, out: Output) -> Result<(), CliError> {
    let mut live = Live::open(engine).await?;
    if out.json {
        return tokio::select! {
            ended = print(&mut live, &args.selector, out) => ended,
            _ = tokio::signal::ctrl_c() => Ok(()),
        };
    }
    if !stdout().is_terminal() {
        let text = "watch draws on a terminal; use infinictl fleet list for the table as it is now, and --json for programs";
        return Err(CliError::Usage(text.into()));
    }
    let (order, filter) = (args.sort.unwrap_or_default(), args.filter.unwrap_or_default());
    let notice = |name: &str| format!("on its hub: infinictl --vm {name} watch; infinictl fleet show {name} says which");
    let theme = Theme { colour: out.colour };
    let shown = fleet::look(&mut Source { live, failed: false }, notice, order, &filter, theme).await;
    shown.map_err(|error| CliError::Failed(format!("the terminal cannot be used: {error}")))
}

/// Each machine that changes, from all of them on.
async fn print(live: &mut Live, which: &Which, out: Output) -> Result<(), CliError> {
    let mut is_away = false;
    loop {
        let change = match live.change().await {
            Ok(change) => change,
            Err(error) => {
                if !std::mem::replace(&mut is_away, true) {
                    eprintln!("infinictl: {}; trying again", sanitize::brief(&error.to_string()));
                }
                live.pause().await;
                continue;
            }
        };
        is_away = false;
        let now = live.now();
        let seen: Vec<_> = match &change {
            Change::Vm(name) => live.board().find(name, now).into_iter().collect(),
            Change::Hubs => live.board().seen(now).collect(),
        };
        if let (Change::Vm(name), true) = (&change, seen.is_empty()) {
            out.document(&json!({ "vm": name, "state": "gone" }).to_string())?;
        }
        for seen in seen.iter().filter(|seen| list::is_meant(which, seen)) {
            out.document(&seen.document().to_string())?;
        }
    }
}

struct Source {
    live: Live,
    failed: bool,
}

impl Tables for Source {
    async fn next(&mut self) -> Result<Table, String> {
        if self.failed {
            self.live.pause().await;
        }
        let table = self.live.table().await.map_err(|error| error.to_string());
        self.failed = table.is_err();
        table
    }
}
