//! Messages over the bound of an outgoing line: cut, and said to be cut.

use super::ascii::wire_len;
use super::{encoded_len, message_room};
use crate::guest::{ErrorMessage, GuestMessage, Response};
use crate::metrics::SystemMetrics;
use serde::Serialize;
use serde_json::{Map, Value, json};

/// Room for the notes that say what was cut.
const NOTE_BYTES: usize = 256;

/// Longest sentence of a message that was cut, in bytes on the wire.
const MAX_SENTENCE: usize = 4096;

/// How often a list may be cut before the rest is given up: each list once, and once more.
const ROUNDS: usize = 16;

/// Cuts a message so that its line takes at most `max_line_bytes`; whether anything was cut.
///
/// Of a response output goes first, then lists in `data`, then `data`; of metrics the longest lists. Every cut is told
/// in the message. Below about 16 kB not every message can be made to fit: identity and names are never cut.
pub fn fit(message: &mut GuestMessage, max_line_bytes: usize) -> bool {
    let max = message_room(max_line_bytes);
    if encoded_len(message) <= max {
        return false;
    }
    for _ in 0..ROUNDS {
        let over = encoded_len(message).saturating_sub(max);
        if over == 0 || !cut(message, over + NOTE_BYTES) {
            break;
        }
    }
    true
}

/// Takes about `over` bytes away; whether anything was left to take.
fn cut(message: &mut GuestMessage, over: usize) -> bool {
    match message {
        GuestMessage::Response(response) => {
            cut_output(response, over) || cut_data(response, over) || cut_rest(response)
        }
        GuestMessage::SystemMetrics(metrics) => cut_metrics(metrics, over),
        GuestMessage::Error(error) => cut_error(error),
        GuestMessage::KeepAlive(_) | GuestMessage::CircuitBreakerState(_) | GuestMessage::Hello(_) => false,
    }
}

/// Shares what room is left between stdout and stderr: a short one stays whole.
fn cut_output(response: &mut Response, over: usize) -> bool {
    let (out, err) = (text_len(&response.stdout), text_len(&response.stderr));
    let room = (out + err).saturating_sub(over);
    let keep_err = err.min((room / 2).max(room.saturating_sub(out)));
    let keep_out = room - keep_err;
    let cut_out = cut_text(&mut response.stdout, keep_out);
    let cut_err = cut_text(&mut response.stderr, keep_err);
    if let Some(bytes) = cut_out {
        response.stdout_truncated = Some(true);
        response.stdout_bytes.get_or_insert(bytes);
    }
    if let Some(bytes) = cut_err {
        response.stderr_truncated = Some(true);
        response.stderr_bytes.get_or_insert(bytes);
    }
    cut_out.is_some() || cut_err.is_some()
}

/// Cuts `data` when it is a list, or the longest list in it.
fn cut_data(response: &mut Response, over: usize) -> bool {
    match &mut response.data {
        Value::Array(list) => {
            let total = list.len() as u64;
            let cut = cut_list(list, over);
            if cut {
                response.data_truncated.get_or_insert(total);
            }
            cut
        }
        Value::Object(data) => cut_longest_member(data, over),
        _ => false,
    }
}

fn cut_longest_member(data: &mut Map<String, Value>, over: usize) -> bool {
    let lists = data.iter_mut().filter_map(|(name, value)| value.as_array_mut().map(|list| (name, list)));
    let Some((name, list)) = lists.max_by_key(|(_, list)| encoded_len(*list)) else { return false };
    let (name, total) = (name.clone(), list.len());
    if !cut_list(list, over) {
        return false;
    }
    let note = data.entry("truncated").or_insert_with(|| json!({}));
    if let Value::Object(note) = note {
        note.entry(name).or_insert_with(|| total.into());
    }
    true
}

/// The last resort: without its `data`, and with short sentences, a response always fits.
fn cut_rest(response: &mut Response) -> bool {
    let bare = json!({ "truncated": true });
    let cut_error = response.error.as_mut().is_some_and(|error| cut_text(error, MAX_SENTENCE).is_some());
    let cut_data = response.data != bare && !response.data.as_object().is_some_and(Map::is_empty);
    if cut_data {
        response.data = bare;
    }
    cut_error || cut_data
}

fn cut_error(error: &mut ErrorMessage) -> bool {
    error.details.take().is_some() || cut_text(&mut error.error, MAX_SENTENCE).is_some()
}

fn cut_metrics(metrics: &mut SystemMetrics, over: usize) -> bool {
    let data = &mut metrics.data;
    let (disks, interfaces) = (&mut data.system.disk.usage_stats, &mut data.system.network.interfaces);
    let sizes = [
        encoded_len(&data.processes),
        encoded_len(&data.ports),
        encoded_len(&data.services),
        encoded_len(disks),
        encoded_len(interfaces),
    ];
    let longest = sizes.iter().enumerate().max_by_key(|(_, size)| **size).map(|(at, _)| at);
    let (name, total, cut) = match longest {
        Some(0) => ("processes", data.processes.len(), cut_list(&mut data.processes, over)),
        Some(1) => ("ports", data.ports.len(), cut_list(&mut data.ports, over)),
        Some(2) => ("services", data.services.len(), cut_list(&mut data.services, over)),
        Some(3) => ("usage_stats", disks.len(), cut_list(disks, over)),
        _ => ("interfaces", interfaces.len(), cut_list(interfaces, over)),
    };
    if cut {
        metrics.collection.truncated.entry(name.into()).or_insert(total as u32);
    }
    cut
}

/// Drops items from the end until about `over` bytes are gone; whether any was dropped.
fn cut_list<T: Serialize>(list: &mut Vec<T>, over: usize) -> bool {
    let before = list.len();
    let mut gone = 0;
    while gone < over {
        let Some(item) = list.pop() else { break };
        gone += encoded_len(&item) + 1;
    }
    list.shrink_to_fit();
    list.len() < before
}

/// Length of a text on the wire, without its quotes.
fn text_len(text: &str) -> usize {
    text.chars().map(wire_len).sum()
}

/// Cuts a text to at most `keep` bytes on the wire, on a character's border; its former length when it was cut.
fn cut_text(text: &mut String, keep: usize) -> Option<u64> {
    let before = text.len() as u64;
    let mut used = 0;
    let end = text.char_indices().find_map(|(at, char)| {
        used += wire_len(char);
        (used > keep).then_some(at)
    })?;
    text.truncate(end);
    text.shrink_to_fit();
    Some(before)
}
