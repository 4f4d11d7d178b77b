//! `infinictl fleet watch`: the machines of all hosts, live on a terminal, or each change as a document.

use super::list;
use crate::cli::error::CliError;
use crate::cli::output::Output;
use crate::fleet::{Live, News};
use crate::hub::Table;
use crate::text::sanitize;
use crate::watch::Theme;
use crate::watch::fleet::{self, Order, Tables};
use infiniservice_engine::Engine;
use infiniservice_hub_core::Which;
use std::io::{IsTerminal as _, stdout};

/// Which machines, and in which order.
#[derive(clap::Args, Debug)]
pub(in crate::cli) struct Args {
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
    let notice = |name: &str| {
        format!("on its hub: infinictl --vm {name} watch; infinictl fleet show {name} says which")
    };
    let theme = Theme { colour: out.colour };
    let shown = fleet::look(&mut Source { live, failed: false }, notice, order, &filter, theme).await;
    shown.map_err(|error| CliError::Failed(format!("the terminal cannot be used: {error}")))
}

/// What changes, and each machine that is meant, as it is then; all of them at first.
async fn print(live: &mut Live, which: &Which, out: Output) -> Result<(), CliError> {
    let mut is_away = false;
    loop {
        match live.news().await {
            Ok(news) => {
                is_away = false;
                tell(live, which, &news, out)?;
            }
            Err(error) => {
                if !std::mem::replace(&mut is_away, true) {
                    eprintln!("infinictl: {}; trying again", sanitize::brief(&error.to_string()));
                }
                live.pause().await;
            }
        }
    }
}

fn tell(live: &Live, which: &Which, news: &News, out: Output) -> Result<(), CliError> {
    for change in &news.changes {
        // Infallible: all keys are texts.
        let mut document = serde_json::to_value(change).unwrap_or_default();
        document["type"] = "change".into();
        out.document(&document.to_string())?;
    }
    let seen = news.vms.iter().filter_map(|name| live.board().find(name));
    for seen in seen.filter(|seen| list::is_meant(which, seen)) {
        let mut document = seen.document();
        document["type"] = "vm".into();
        out.document(&document.to_string())?;
    }
    Ok(())
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
