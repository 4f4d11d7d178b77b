//! Commands of coordinators: each is acknowledged when it is done with, and comes again until then.

use super::place::Place;
use super::take::{Verdict, take};
use super::trouble::Trouble;
use infiniservice_engine::{Delivery, Error};
use infiniservice_fleet::subject;
use std::time::Duration;

/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes commands for as long as the hub runs.
pub(super) async fn run(place: &Place) {
    let mut trouble = Trouble::new(&place.hub, "taking commands");
    loop {
        let error = read(place, &mut trouble).await;
        trouble.failed(&error);
        tokio::time::sleep(PAUSE).await;
    }
}

/// Takes commands until the connection is lost.
async fn read(place: &Place, trouble: &mut Trouble<'_>) -> Error {
    let (consumer, subject) = (subject::consumer(&place.name), subject::command(&place.name));
    let mut commands = match place.engine.commands(subject::COMMANDS, &consumer, &subject).await {
        Ok(commands) => commands,
        Err(error) => return error,
    };
    trouble.fine();
    loop {
        match commands.next().await {
            Ok(delivery) => settle(place, &delivery).await,
            Err(error) => return error,
        }
    }
}

async fn settle(place: &Place, delivery: &Delivery) {
    let settled = match take(place, &delivery.payload).await {
        Verdict::Done => delivery.ack().await,
        Verdict::Again(after) => delivery.again(after).await,
    };
    // It comes again: what it asks for is not done twice.
    if let Err(error) = settled {
        log::info!("fleet: {error}");
    }
}
