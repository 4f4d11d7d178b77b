//! What the exporter hears over the engine: hubs, machines, and their figures as they come.

use super::super::clock;
use super::super::fleet::{Trouble, until_done};
use super::table::Table;
use super::{Exporter, TICK};
use infiniservice_engine::{Engine, Entry, Error, Notes, Settings, Watch};
use infiniservice_fleet::subject;
use infiniservice_protocol::clock::Now;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{interval, sleep};

/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// What is done with an entry of a bucket.
type Take = fn(&mut Table, Now, &Entry);

/// Hears for as long as the exporter runs.
pub(super) async fn run(exporter: Rc<Exporter>, settings: Settings) {
    let mut trouble = Trouble::alone("the engine");
    let engine = until_done(async || Engine::connect(&settings).await, |error| trouble.failed(&error)).await;
    trouble.fine();
    tokio::join!(
        status(&exporter, &engine, &settings.url),
        hear(&exporter, &engine),
        ask(&exporter, &engine)
    );
}

/// Follows the connection.
async fn status(exporter: &Exporter, engine: &Engine, url: &str) {
    let mut status = engine.status();
    let mut was = false;
    loop {
        let now = status.borrow_and_update().clone();
        exporter.table.borrow_mut().engine(clock::now(), now.connected);
        match (std::mem::replace(&mut was, now.connected), now.connected) {
            (false, true) => log::info!("fleet: connected to {url}"),
            (true, false) => {
                log::warn!("fleet: lost the connection to {url}; machines are left out after 90 s");
            }
            _ => {}
        }
        if let Some(error) = now.error {
            log::warn!("fleet: {url}: {error}");
        }
        if status.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// First who is there, so that figures are known to be somebody's; those that come meanwhile wait.
async fn hear(exporter: &Exporter, engine: &Engine) {
    let mut trouble = Trouble::alone("listening to the fleet");
    let listening = async || engine.listen(subject::ALL_METRICS).await;
    let notes = until_done(listening, |error| trouble.failed(&error)).await;
    let hubs = opened(exporter, engine, &mut trouble, (subject::HUBS, Table::hub)).await;
    let vms = opened(exporter, engine, &mut trouble, (subject::VMS, Table::vm)).await;
    trouble.fine();
    tokio::join!(
        figures(exporter, notes),
        changes(exporter, hubs, Table::hub),
        changes(exporter, vms, Table::vm)
    );
}

/// Reads what a bucket has. Before the first hub of a fleet there is none.
async fn opened(
    exporter: &Exporter,
    engine: &Engine,
    trouble: &mut Trouble<'_>,
    (bucket, take): (&str, Take),
) -> Watch {
    let reading = async || {
        let mut watch = engine.watch(bucket, ">").await?;
        let there = watch.all_there().await?;
        Ok::<_, Error>((watch, there))
    };
    let (watch, there) = until_done(reading, |error| trouble.failed(&error)).await;
    for entry in &there {
        take(&mut exporter.table.borrow_mut(), clock::now(), entry);
    }
    watch
}

/// Follows a bucket.
async fn changes(exporter: &Exporter, mut watch: Watch, take: Take) {
    loop {
        match watch.next().await {
            Ok(entry) => take(&mut exporter.table.borrow_mut(), clock::now(), &entry),
            // It goes on where it was once the connection is back.
            Err(_) => sleep(PAUSE).await,
        }
    }
}

async fn figures(exporter: &Exporter, mut notes: Notes) {
    while let Some(note) = notes.next().await {
        exporter.table.borrow_mut().message(clock::now(), &note.subject, &note.payload);
    }
}

/// Asks hubs for whole lines where those before them are not known here.
async fn ask(exporter: &Exporter, engine: &Engine) {
    let mut trouble = Trouble::alone("asking for whole lines");
    let mut ticks = interval(TICK);
    loop {
        ticks.tick().await;
        let hubs = exporter.table.borrow_mut().wishes(clock::now());
        for hub in hubs {
            match engine.tell(&subject::whole(&hub), Vec::new()).await {
                Ok(()) => trouble.fine(),
                Err(error) => trouble.failed(&error),
            }
        }
    }
}
