//! What happened: as a list, or as server-sent events for as long as somebody reads.

use super::super::hub::Hub;
use super::reply::{document, parameter, problem};
use super::shapes::{EventList, Gap, Happened};
use super::{Body, sse};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, StatusCode};
use infiniservice_hub_core::Event;
use serde::Serialize;
use std::rc::Rc;
use std::str::FromStr;
use tokio::time::{Instant, timeout};

/// Events of one answer.
const MAX_AT_ONCE: usize = 1000;
/// Parts of an answer that wait for their reader.
const MAX_UNREAD: usize = 16;

/// After which event, in which run of the hub; without one in this.
#[derive(Clone, Debug, PartialEq, Eq)]
struct After {
    instance: Option<String>,
    seq: u64,
}

impl FromStr for After {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |_| format!("`after` must be the number of an event, or its id, not {text:.80?}");
        let (instance, seq) = match text.rsplit_once('-') {
            Some((instance, seq)) => (Some(instance.to_owned()), seq),
            None => (None, text),
        };
        Ok(Self { instance, seq: seq.parse().map_err(wrong)? })
    }
}

/// Events after `after=…` of the query, or after the header `Last-Event-ID`; as a list also the newest `last=NUMBER`.
pub(super) fn answer(hub: &Rc<Hub>, request: &Request<Incoming>) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default();
    let header =
        request.headers().get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let after = header.or_else(|| parameter(query, "after")).map(|text| text.parse::<After>()).transpose();
    let newest = newest(parameter(query, "last").as_deref());
    let (after, newest) = match (after, newest) {
        (Ok(after), Ok(newest)) => (after, newest),
        (Err(error), _) | (_, Err(error)) => {
            return problem(StatusCode::BAD_REQUEST, "INVALID_PARAMETER", &error);
        }
    };
    // What another run of the hub counted says nothing here: all that this one knows has happened since.
    let restarted =
        after.as_ref().is_some_and(|after| after.instance.as_ref().is_some_and(|it| *it != hub.instance));
    let after = after.map(|after| if restarted { 0 } else { after.seq });
    if !sse::is_wanted(request) {
        let after = after.unwrap_or_else(|| hub.look(|fleet| fleet.events.before_newest(newest)));
        return list(hub, after, restarted);
    }
    let (sender, response) = sse::begin(MAX_UNREAD);
    // Who names no number wants what happens from now on.
    let after = after.unwrap_or_else(|| hub.look(|fleet| fleet.events.last_seq()));
    tokio::task::spawn_local(send_all(Rc::clone(hub), sender, after, restarted));
    response
}

fn newest(text: Option<&str>) -> Result<u64, String> {
    let most = MAX_AT_ONCE as u64;
    let Some(text) = text else { return Ok(most) };
    let count = text.parse().ok().filter(|count| (1..=most).contains(count));
    count.ok_or_else(|| format!("`last` must be a number from 1 to {MAX_AT_ONCE}, not {text:.80?}"))
}

fn list(hub: &Hub, after: u64, restarted: bool) -> Response<Body> {
    hub.look(|fleet| {
        document(&EventList {
            instance: &hub.instance,
            events: fleet.events.after(after).take(MAX_AT_ONCE).map(Happened::of).collect(),
            forgotten: fleet.events.forgotten_after(after),
            restarted,
            last_seq: fleet.events.last_seq(),
        })
    })
}

async fn send_all(hub: Rc<Hub>, mut sender: sse::Sender, mut after: u64, mut restarted: bool) {
    let mut sent = Instant::now();
    loop {
        // Taken before the look, so that what happens between the two is not missed.
        let happened = hub.happened.notified();
        let (text, last) = hub.look(|fleet| {
            let gap = gap(fleet.events.forgotten_after(after), restarted);
            text(&hub.instance, gap, fleet.events.after(after).take(MAX_AT_ONCE), after)
        });
        (after, restarted) = (last, false);
        let silent = sent.elapsed();
        let text = match text {
            text if !text.is_empty() => Bytes::from(text),
            _ if silent >= sse::COMMENT_EVERY => Bytes::from_static(sse::COMMENT),
            _ => {
                let _happened_or_late = timeout(sse::COMMENT_EVERY.saturating_sub(silent), happened).await;
                continue;
            }
        };
        sent = Instant::now();
        if sender.send_data(text).await.is_err() {
            return;
        }
    }
}

/// What a reader has missed, if it has.
fn gap(forgotten: u64, restarted: bool) -> Option<Gap> {
    let text = match (restarted, forgotten) {
        (true, _) => {
            "the hub has been started anew: what happened before, and meanwhile, is not known".to_owned()
        }
        (false, 0) => return None,
        (false, count) => format!("{count} events are forgotten"),
    };
    Some(Gap { kind: "gap", restarted, forgotten, text })
}

fn text<'a>(
    instance: &str,
    gap: Option<Gap>,
    events: impl Iterator<Item = &'a Event>,
    after: u64,
) -> (String, u64) {
    use std::fmt::Write as _;
    let (mut text, mut last) = (String::new(), after);
    if let Some(gap) = gap {
        let _infallible = write!(text, "event: gap\ndata: {}\n\n", json(&gap));
    }
    for event in events {
        let (kind, data) = (event.kind.name(), json(&Happened::of(event)));
        let _infallible = write!(text, "id: {instance}-{}\nevent: {kind}\ndata: {data}\n\n", event.seq);
        last = event.seq;
    }
    (text, last)
}

fn json(value: &impl Serialize) -> String {
    // Infallible: every key is a text, and nothing here serialises by hand.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_named_by_its_number_or_with_the_run_of_its_hub() {
        let after = |instance: Option<&str>, seq| Ok(After { instance: instance.map(str::to_owned), seq });
        assert_eq!("7".parse(), after(None, 7));
        assert_eq!("00ff-7".parse(), after(Some("00ff"), 7));
        for wrong in ["", "x", "7-", "7-x"] {
            assert!(wrong.parse::<After>().unwrap_err().contains("number of an event"), "{wrong}");
        }
        assert_eq!((newest(None), newest(Some("1"))), (Ok(1000), Ok(1)));
        assert!(newest(Some("1001")).unwrap_err().contains("1 to 1000"));
    }

    #[test]
    fn what_was_missed_is_told_before_what_came_after_it() {
        assert_eq!(gap(0, false), None);
        assert!(gap(3, false).unwrap().text.starts_with("3 events"));
        let (text, last) = text("00ff", gap(0, true), std::iter::empty(), 0);
        assert!(text.starts_with("event: gap\ndata: {\"kind\":\"gap\",\"restarted\":true"), "{text}");
        assert_eq!(last, 0);
    }
}
