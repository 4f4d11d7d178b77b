//! The loop: the hub's table, keys, signals and the clock into the model, the model onto the screen, and one machine's own
//! view when it is opened.

use super::super::model::{Link, Model as OneModel};
use super::super::run::{Leave, Left, WatchError, ages, show};
use super::super::terminal::{Console, Input};
use super::super::theme::Theme;
use super::keys;
use super::model::{Model, Next, Order};
use super::view::{draw, list_rows};
use crate::client::{Client, ClientError};
use crate::hub::{Api, Events, HubError, Table};
use serde::Deserialize as _;
use std::future::Future;
use std::io;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// The table, as server-sent events.
const ADDRESS: &str = "/v1/vms";
/// From a lost connection to the next try.
const RECONNECT: Duration = Duration::from_secs(1);

/// What is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The first order.
    pub order: Order,
    /// The first filter.
    pub filter: String,
    /// How often a machine that is opened is asked for its figures.
    pub interval: Duration,
    /// Colours.
    pub theme: Theme,
}

/// Where tables come from.
pub(crate) trait Tables {
    /// What has changed; all machines at first. After an error it is asked again.
    fn next(&mut self) -> impl Future<Output = Result<Table, String>>;
}

/// Shows machines that none of can be opened from here, until a key or a signal ends it; `notice` says what to do instead.
///
/// # Errors
/// Those of the terminal.
pub(crate) async fn look(
    tables: &mut impl Tables,
    notice: impl Fn(&str) -> String,
    order: Order,
    filter: &str,
    theme: Theme,
) -> io::Result<()> {
    let (mut console, mut model) = (Console::open()?, Model::new(order, filter));
    loop {
        let mut view = View { console: &mut console, model: &mut model, theme };
        let Next::Open(name) = view.watch(tables).await? else { return Ok(()) };
        model.notice = Some(notice(&name));
    }
}

/// Shows the machines until a key or a signal ends it; `connect` opens one of them. A hub that is not there at the start ends
/// it; later it is waited for.
///
/// # Errors
/// The hub's at the start, and those of the terminal.
pub(crate) async fn run<F: Future<Output = Result<Client, ClientError>>>(
    api: &Api,
    connect: impl Fn(String) -> F,
    settings: Settings,
) -> Result<(), FleetError> {
    let mut feed = Feed { api, events: Some(api.events(ADDRESS).await?), failed: false };
    let mut console = Console::open()?;
    let mut model = Model::new(settings.order, &settings.filter);
    loop {
        let mut view = View { console: &mut console, model: &mut model, theme: settings.theme };
        let Next::Open(name) = view.watch(&mut feed).await? else { return Ok(()) };
        // Nobody reads it meanwhile; a new one begins with all machines.
        feed.events = None;
        match open(&mut console, &name, &connect, &settings).await {
            Ok((Leave::Altogether, _)) => return Ok(()),
            Ok((Leave::Back, client)) => {
                if let Some(client) = client {
                    client.close().await;
                }
            }
            Err(WatchError::Client(error)) => model.notice = Some(format!("{name}: {error}")),
            Err(WatchError::Terminal(error)) => return Err(error.into()),
        }
    }
}

/// Why the table cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FleetError {
    /// The hub.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// The terminal does not do what is needed.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// Shows one machine.
async fn open<F: Future<Output = Result<Client, ClientError>>>(
    console: &mut Console,
    name: &str,
    connect: &impl Fn(String) -> F,
    settings: &Settings,
) -> Result<Left, WatchError> {
    let first = connect(name.to_owned()).await?;
    let mut model = OneModel::new(first.endpoint().to_owned(), settings.interval, Instant::now());
    model.from_table = true;
    show(console, model, first, || connect(name.to_owned()), true, settings.theme).await
}

struct View<'a> {
    console: &'a mut Console,
    model: &'a mut Model,
    theme: Theme,
}

impl View<'_> {
    /// Until a machine is opened, or the person leaves.
    async fn watch(&mut self, feed: &mut impl Tables) -> io::Result<Next> {
        let mut ages = ages();
        loop {
            let mut next = std::pin::pin!(feed.next());
            let table = loop {
                self.paint()?;
                tokio::select! {
                    biased;
                    input = self.console.keys.recv() => match self.input(input) {
                        Next::Stay => {}
                        next => return Ok(next),
                    },
                    () = self.console.signals.any() => return Ok(Next::Leave),
                    table = &mut next => break table,
                    _ = ages.tick() => {}
                }
            };
            match table {
                Ok(table) => self.model.take(table, Instant::now()),
                Err(error) => self.model.link = Link::Down(error),
            }
        }
    }

    /// A key; the terminal's end counts as leaving.
    fn input(&mut self, input: Option<Input>) -> Next {
        match input {
            Some(Input::Key(event)) => {
                keys::key(event, self.model.typing).map_or(Next::Stay, |key| self.model.key(key))
            }
            Some(Input::Resize) => Next::Stay,
            None => Next::Leave,
        }
    }

    fn paint(&mut self) -> io::Result<()> {
        self.model.has_rows(list_rows(self.console.screen.terminal.size()?.height));
        let (model, theme) = (&*self.model, self.theme);
        self.console.screen.terminal.draw(|frame| draw(frame, model, theme, Instant::now()))?;
        Ok(())
    }
}

/// The hub's table as it comes.
struct Feed<'a> {
    api: &'a Api,
    events: Option<Events>,
    failed: bool,
}

impl Tables for Feed<'_> {
    /// What the hub sends next; where there is no connection, after the next try.
    async fn next(&mut self) -> Result<Table, String> {
        if self.failed {
            sleep(RECONNECT).await;
        }
        let result = self.try_next().await;
        self.failed = result.is_err();
        if self.failed {
            self.events = None;
        }
        result.map_err(|error| error.to_string())
    }
}

impl Feed<'_> {
    async fn try_next(&mut self) -> Result<Table, HubError> {
        let events = match &mut self.events {
            Some(events) => events,
            none => none.insert(self.api.events(ADDRESS).await?),
        };
        let (_, document) = events.next().await?;
        let unreadable = |error: serde_json::Error| HubError::Unreadable {
            what: ADDRESS.to_owned(),
            reason: error.to_string(),
        };
        Table::deserialize(&document).map_err(unreadable)
    }
}
