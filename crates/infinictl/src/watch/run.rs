//! The loop: the guest's lines, keys, signals and the clock into the model, and the model onto the screen.

use super::model::{Flow, Link, Model};
use super::terminal::{self, Console, Input};
use super::theme::Theme;
use super::view::{draw, list_rows};
use crate::client::{Client, ClientError, Subscription};
use infiniservice_protocol::stream::Fields;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

/// At most twenty frames a second, whatever a guest floods.
const FRAME: Duration = Duration::from_millis(50);
/// Ages are counted in seconds.
const AGES: Duration = Duration::from_secs(1);
/// From a lost connection to the next try.
const RECONNECT: Duration = Duration::from_secs(1);
/// Lines taken at once, so that keys are never kept waiting.
const MAX_BATCH: usize = 256;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// How often metrics are asked for.
    pub interval: Duration,
    /// Colours.
    pub theme: Theme,
}

/// Shows the guest until a key or a signal ends it. `connect` is called again when the connection is lost; its error
/// then is shown, and tried again, but where `retry` is off it ends the view.
///
/// # Errors
/// Those of the terminal; the connection's where `retry` is off.
pub(crate) async fn run<F: Future<Output = Result<Client, ClientError>>>(
    first: Client,
    connect: impl FnMut() -> F,
    retry: bool,
    options: Options,
) -> Result<(), WatchError> {
    let mut console = Console::open()?;
    let model = Model::new(first.endpoint().to_owned(), options.interval, std::time::Instant::now());
    let shown = show(&mut console, model, first, connect, retry, options.theme).await;
    // First the terminal: an agent may take its time to end.
    drop(console);
    if let (_, Some(client)) = shown? {
        client.close().await;
    }
    Ok(())
}

/// How a view was left, and the client that it had then.
pub(super) type Left = (Leave, Option<Client>);

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// To where it was opened from.
    Back,
    /// Altogether: by Ctrl-C, by a signal, or as the terminal has ended.
    Altogether,
}

/// The same on a console that is there, from a model that knows nothing yet.
pub(super) async fn show<F: Future<Output = Result<Client, ClientError>>>(
    console: &mut Console,
    model: Model,
    first: Client,
    mut connect: impl FnMut() -> F,
    retry: bool,
    theme: Theme,
) -> Result<Left, WatchError> {
    let mut view = View::new(console, model, theme);
    let mut client = first;
    loop {
        let error = match view.watch(&client).await? {
            Ended::Left(leave) => return Ok((leave, Some(client))),
            Ended::Closed(error) => error,
        };
        if !retry {
            return Err(error.into());
        }
        match view.reconnect(error, &mut connect).await? {
            Ok(again) => client = again,
            Err(leave) => return Ok((leave, None)),
        }
    }
}

/// How the showing of one connection ended.
enum Ended {
    Left(Leave),
    Closed(ClientError),
}

/// Why the view ended by itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    /// The terminal does not do what is needed.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
    /// The connection.
    #[error(transparent)]
    Client(#[from] ClientError),
}

/// The screen and what comes from the person before it.
struct View<'a> {
    console: &'a mut Console,
    model: Model,
    theme: Theme,
    paused: watch::Sender<bool>,
    dirty: bool,
    next_frame: Instant,
}

impl<'a> View<'a> {
    fn new(console: &'a mut Console, model: Model, theme: Theme) -> Self {
        let paused = watch::Sender::new(false);
        Self { console, model, theme, paused, dirty: true, next_frame: Instant::now() }
    }

    /// Shows one connection.
    async fn watch(&mut self, client: &Client) -> io::Result<Ended> {
        self.model.link = Link::Up;
        let mut events = client.subscribe();
        let polling = poll(client, self.model.interval, self.paused.subscribe());
        let mut polling = std::pin::pin!(polling);
        let mut ages = ages();
        loop {
            let frame = self.next_frame;
            tokio::select! {
                biased;
                input = self.console.keys.recv() => if let Some(leave) = self.input(input) { return Ok(Ended::Left(leave)) },
                () = self.console.signals.any() => return Ok(Ended::Left(Leave::Altogether)),
                () = sleep_until(frame), if self.dirty => self.draw(client)?,
                event = events.next() => match event {
                    Some(event) => self.take(&event, &mut events),
                    None => return Ok(Ended::Closed(client.closed().await)),
                },
                never = &mut polling => match never {},
                _ = ages.tick() => self.dirty = true,
            }
        }
    }

    /// Tries to connect until it works, or the person leaves.
    async fn reconnect<F: Future<Output = Result<Client, ClientError>>>(
        &mut self,
        mut error: ClientError,
        connect: &mut impl FnMut() -> F,
    ) -> io::Result<Result<Client, Leave>> {
        loop {
            self.model.link = Link::Down(reason(error));
            self.paint()?;
            let again = async {
                sleep(RECONNECT).await;
                connect().await
            };
            let mut again = std::pin::pin!(again);
            error = loop {
                tokio::select! {
                    biased;
                    input = self.console.keys.recv() => if let Some(leave) = self.input(input) { return Ok(Err(leave)) },
                    () = self.console.signals.any() => return Ok(Err(Leave::Altogether)),
                    result = &mut again => match result {
                        Ok(client) => return Ok(Ok(client)),
                        Err(error) => break error,
                    },
                }
                self.paint()?;
            };
        }
    }

    /// A key; the terminal's end counts as leaving.
    fn input(&mut self, input: Option<Input>) -> Option<Leave> {
        self.dirty = true;
        let Some(input) = input else { return Some(Leave::Altogether) };
        let Input::Key(event) = input else { return None };
        let flow = self.model.key(terminal::key(event)?);
        self.paused.send_replace(self.model.paused);
        match flow {
            Flow::Continue => None,
            Flow::Quit => Some(Leave::Back),
            Flow::Interrupt => Some(Leave::Altogether),
        }
    }

    /// A line, and those that wait behind it.
    fn take(&mut self, event: &crate::client::Event, events: &mut Subscription) {
        self.model.event(event);
        for event in std::iter::from_fn(|| events.try_next()).take(MAX_BATCH) {
            self.model.event(&event);
        }
        self.dirty = true;
    }

    fn draw(&mut self, client: &Client) -> io::Result<()> {
        self.model.stats = client.stats();
        self.paint()
    }

    fn paint(&mut self) -> io::Result<()> {
        self.model.rows = list_rows(self.console.screen.terminal.size()?.height, &self.model);
        let (model, theme) = (&self.model, self.theme);
        self.console.screen.terminal.draw(|frame| draw(frame, model, theme, std::time::Instant::now()))?;
        self.dirty = false;
        self.next_frame = Instant::now() + FRAME;
        Ok(())
    }
}

/// Only why: the screen tells already where the connection leads.
fn reason(error: ClientError) -> String {
    match error {
        ClientError::NoConnection { reason, .. } | ClientError::Closed { reason, .. } => reason,
        other => other.to_string(),
    }
}

/// Has metrics sent and pings, again and again; where the guest offers no streams, or ends this one, asks for metrics each time. The
/// answers are seen by whoever subscribed.
async fn poll(
    client: &Client,
    every: Duration,
    mut paused: watch::Receiver<bool>,
) -> std::convert::Infallible {
    let wait = (every * 2).max(Duration::from_secs(5));
    if let Ok(number) = client.start_stream(every, shown_fields(), wait).await {
        tokio::select! {
            _ended = client.keep_stream(number, wait) => {}
            never = ping(client, every.max(AGES), wait) => match never {},
        }
    }
    loop {
        let next = Instant::now() + every;
        let _seen_by_the_subscriber = tokio::join!(client.ping(wait), client.metrics(wait));
        sleep_until(next).await;
        let _closed = paused.wait_for(|paused| !paused).await;
    }
}

/// What the view shows.
fn shown_fields() -> Fields {
    let mut fields = Fields::default();
    let _both_exist = fields.add("system") && fields.add("processes");
    fields
}

async fn ping(client: &Client, every: Duration, wait: Duration) -> std::convert::Infallible {
    loop {
        let next = Instant::now() + every;
        let _seen_by_the_subscriber = client.ping(wait).await;
        sleep_until(next).await;
    }
}

/// Counts the seconds, as ages are shown in them.
pub(super) fn ages() -> tokio::time::Interval {
    let mut ages = interval(AGES);
    ages.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ages
}
