//! The loop: the guest's lines, keys, signals and the clock into the model, and the model onto the screen.

use super::model::{Flow, Link, Model};
use super::terminal::{self, Input, Screen};
use super::theme::Theme;
use super::view::{draw, list_rows};
use crate::client::{Client, ClientError, Subscription};
use crate::sys::Signals;
use infiniservice_protocol::stream::Fields;
use std::future::Future;
use std::io;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
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
    mut connect: impl FnMut() -> F,
    retry: bool,
    options: Options,
) -> Result<(), WatchError> {
    let mut view = View::open(&first, options)?;
    let mut client = first;
    loop {
        let Some(error) = view.watch(&client).await? else {
            // First the terminal: an agent may take its time to end.
            drop(view);
            client.close().await;
            return Ok(());
        };
        if !retry {
            return Err(error.into());
        }
        let Some(again) = view.reconnect(error, &mut connect).await? else { return Ok(()) };
        client = again;
    }
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
struct View {
    screen: Screen,
    model: Model,
    theme: Theme,
    keys: mpsc::Receiver<Input>,
    signals: Signals,
    paused: watch::Sender<bool>,
    dirty: bool,
    next_frame: Instant,
}

impl View {
    fn open(client: &Client, options: Options) -> io::Result<Self> {
        let model = Model::new(client.endpoint().to_owned(), options.interval, std::time::Instant::now());
        Ok(Self {
            screen: Screen::open()?,
            model,
            theme: options.theme,
            keys: terminal::spawn(),
            signals: Signals::open()?,
            paused: watch::Sender::new(false),
            dirty: true,
            next_frame: Instant::now(),
        })
    }

    /// Shows one connection: `None` when the person leaves, else why it ended.
    async fn watch(&mut self, client: &Client) -> io::Result<Option<ClientError>> {
        self.model.link = Link::Up;
        let mut events = client.subscribe();
        let polling = poll(client, self.model.interval, self.paused.subscribe());
        let mut polling = std::pin::pin!(polling);
        let mut ages = ages();
        loop {
            let frame = self.next_frame;
            tokio::select! {
                biased;
                input = self.keys.recv() => if self.input(input) == Flow::Quit { return Ok(None) },
                () = self.signals.any() => return Ok(None),
                () = sleep_until(frame), if self.dirty => self.draw(client)?,
                event = events.next() => match event {
                    Some(event) => self.take(&event, &mut events),
                    None => return Ok(Some(client.closed().await)),
                },
                never = &mut polling => match never {},
                _ = ages.tick() => self.dirty = true,
            }
        }
    }

    /// Tries to connect until it works: `None` when the person leaves.
    async fn reconnect<F: Future<Output = Result<Client, ClientError>>>(
        &mut self,
        mut error: ClientError,
        connect: &mut impl FnMut() -> F,
    ) -> io::Result<Option<Client>> {
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
                    input = self.keys.recv() => if self.input(input) == Flow::Quit { return Ok(None) },
                    () = self.signals.any() => return Ok(None),
                    result = &mut again => match result {
                        Ok(client) => return Ok(Some(client)),
                        Err(error) => break error,
                    },
                }
                self.paint()?;
            };
        }
    }

    /// A key; the terminal's end counts as leaving.
    fn input(&mut self, input: Option<Input>) -> Flow {
        self.dirty = true;
        match input {
            Some(Input::Key(key)) => {
                let flow = self.model.key(key);
                self.paused.send_replace(self.model.paused);
                flow
            }
            Some(Input::Resize) => Flow::Continue,
            None => Flow::Quit,
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
        self.model.rows = list_rows(self.screen.terminal.size()?.height, &self.model);
        let (model, theme) = (&self.model, self.theme);
        self.screen.terminal.draw(|frame| draw(frame, model, theme, std::time::Instant::now()))?;
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

fn ages() -> tokio::time::Interval {
    let mut ages = interval(AGES);
    ages.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ages
}
