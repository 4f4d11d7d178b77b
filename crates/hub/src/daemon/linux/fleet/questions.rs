//! Questions that are answered at once: whether the hub is there, and which of its machines an order means.

use super::super::clock;
use super::super::peer::Actor;
use super::place::Place;
use super::take::may_read;
use super::trouble::Trouble;
use infiniservice_fleet::{Ask, MAX_NAMES_BYTES, Reply, Resolved, Signed, message, subject};
use infiniservice_hub_core::Which;
use infiniservice_hub_core::job::MAX_TARGETS;
use infiniservice_hub_core::policy;
use std::time::Duration;

/// The pause after an error.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers for as long as the hub runs.
pub(super) async fn run(place: &Place) {
    let mut trouble = Trouble::new(&place.hub, "answering requests");
    loop {
        match place.engine.listen(&subject::ask(&place.name)).await {
            Ok(mut notes) => {
                trouble.fine();
                while let Some(note) = notes.next().await {
                    let Some(reply) = note.reply else { continue };
                    let answer = message::text(&answer(place, &note.payload)).into_bytes();
                    if let Err(error) = place.engine.tell(&reply, answer).await {
                        trouble.failed(&error);
                    }
                }
            }
            Err(error) => trouble.failed(&error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn answer(place: &Place, question: &[u8]) -> Reply {
    let hub = || place.name.clone();
    match serde_json::from_slice(question) {
        Ok(Ask::Ping) => Reply::Pong { hub: hub() },
        Ok(Ask::Resolve { order }) => match resolve(place, &order) {
            Ok(vms) => Reply::Resolved(Resolved { hub: hub(), vms }),
            Err((code, why)) => Reply::Refused { hub: hub(), why, code: code.to_owned() },
        },
        Err(error) => {
            Reply::Refused { hub: hub(), why: error.to_string(), code: "INVALID_MESSAGE".to_owned() }
        }
    }
}

/// The machines here that an order means; a code and a sentence where its operator may not do it to them.
fn resolve(place: &Place, order: &Signed) -> Result<Vec<String>, (&'static str, String)> {
    let now = clock::now();
    let opened = place.hub.policy.keys().open_order(order, now);
    let opened = opened.map_err(|refusal| (refusal.code(), refusal.to_string()))?;
    let which = Which::parse(&opened.order.vms).map_err(|error| ("BAD_ORDER", error))?;
    let actor = Actor::operator(&opened.operator, format!("order {}", opened.order.id));
    place.hub.look(|fleet| {
        let is_there = |vm: &String| fleet.get(vm).is_some_and(|entry| entry.vanished.is_none());
        let vms: Vec<_> = which.select(fleet, now).into_iter().filter(is_there).collect();
        if vms.len() > MAX_TARGETS || vms.iter().map(String::len).sum::<usize>() > MAX_NAMES_BYTES {
            return Err((
                "TOO_MANY",
                format!("the order means {} machines here, too many for one hub", vms.len()),
            ));
        }
        let ask = policy::Ask { changes: &opened.checked.changes, vms: &vms };
        let permit = match () {
            () if vms.is_empty() => Ok(()),
            () if opened.is_change() => place.hub.policy.permit(fleet, now, &actor, ask).map(drop),
            () => may_read(place, &opened, &actor),
        };
        permit.map(|()| vms).map_err(|why| ("PERMISSION_DENIED", why))
    })
}
