//! Messages over the bound of an outgoing line: cut, and said to be cut; and how long a value is on the wire, measured no further
//! than somebody has room for it. Whatever a message holds, no part of it is looked at further than a line is long: the main loop
//! does this.

mod plugins;

use super::ascii::{AsciiFormatter, wire_len};
use super::{Bounded, message_room, to_ascii};
use crate::batch::BatchResult;
use crate::guest::{ErrorMessage, GuestMessage, Output, Response};
use crate::metrics::SystemMetrics;
use crate::stream::Stream;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::io;
use std::mem::take;

/// Room for the notes that say what was cut, and for the message's type.
const NOTE_BYTES: usize = 512;

/// Longest sentence of a message that was cut, in bytes on the wire.
const MAX_SENTENCE: usize = 4096;

/// Cuts a message so that its line takes at most `max_line_bytes`; whether anything was cut.
///
/// Of a response output goes first, then lists in `data`, then `data`; of metrics the longest lists. Every cut is told
/// in the message. Below about 16 kB not every message can be made to fit: identity and names are never cut.
pub fn fit(message: &mut GuestMessage, max_line_bytes: usize) -> bool {
    let is_over = !is_within(message, message_room(max_line_bytes));
    if is_over {
        cut(message, max_line_bytes);
    }
    is_over
}

/// Cuts a message that is known to be too long.
pub(super) fn cut(message: &mut GuestMessage, max_line_bytes: usize) {
    let max = message_room(max_line_bytes);
    match message {
        GuestMessage::Response(response) => {
            cut_response(response, max.saturating_sub(NOTE_BYTES));
            if !is_within(message, max) {
                cut_rest(message);
            }
        }
        GuestMessage::SystemMetrics(metrics) => cut_metrics(metrics, max.saturating_sub(NOTE_BYTES)),
        GuestMessage::Stream(sample) => cut_stream(sample, max.saturating_sub(NOTE_BYTES)),
        GuestMessage::Error(error) => cut_error(error, max),
        GuestMessage::Output(output) => cut_output_piece(output, max),
        GuestMessage::BatchResult(result) => cut_outcomes(result, max.saturating_sub(NOTE_BYTES)),
        GuestMessage::KeepAlive(_)
        | GuestMessage::CircuitBreakerState(_)
        | GuestMessage::Hello(_)
        | GuestMessage::Channel(_) => {}
    }
}

fn cut_response(response: &mut Response, max: usize) {
    let (stdout, stderr) = (take(&mut response.stdout), take(&mut response.stderr));
    let data = std::mem::replace(&mut response.data, json!({}));
    let room = left_beside(response, max);
    response.data = data;
    let room = cut_data(response, room);
    (response.stdout, response.stderr) = (stdout, stderr);
    cut_output(response, room);
}

/// What is left of `max` bytes beside a value.
fn left_beside<T: Serialize + ?Sized>(value: &T, max: usize) -> usize {
    len_within(value, max).map_or(0, |len| max - len)
}

/// Shares what room is left between stdout and stderr: a short one stays whole.
fn cut_output(response: &mut Response, room: usize) {
    let (out, err) = (text_len(&response.stdout, room), text_len(&response.stderr, room));
    let keep_err = err.min((room / 2).max(room.saturating_sub(out)));
    let keep_out = room - keep_err;
    if let Some(bytes) = cut_text(&mut response.stdout, keep_out) {
        response.stdout_truncated = Some(true);
        response.stdout_bytes.get_or_insert(bytes);
    }
    if let Some(bytes) = cut_text(&mut response.stderr, keep_err) {
        response.stderr_truncated = Some(true);
        response.stderr_bytes.get_or_insert(bytes);
    }
}

/// Cuts `data` when it is a list, or the longest lists in it; what it leaves of the room.
fn cut_data(response: &mut Response, room: usize) -> usize {
    if let Some(len) = len_within(&response.data, room) {
        return room - len;
    }
    match &mut response.data {
        Value::Array(list) => {
            let total = list.len() as u64;
            list.keep_within(room);
            response.data_truncated.get_or_insert(total);
        }
        Value::Object(data) => cut_members(data, room),
        _ => {}
    }
    0
}

fn cut_members(data: &mut Map<String, Value>, room: usize) {
    let lists = data.iter_mut().filter_map(|(name, value)| Some((name.clone(), take(value.as_array_mut()?))));
    let mut lists: Vec<(String, Vec<Value>)> = lists.collect();
    let room = left_beside(data, room);
    let shared = lists.iter_mut().map(|(name, list)| (name.clone(), list as &mut dyn List)).collect();
    let cut = share(shared, room);
    for (name, list) in lists {
        data.insert(name, Value::Array(list));
    }
    for (name, total) in cut {
        if let Value::Object(note) = data.entry("truncated").or_insert_with(|| json!({})) {
            note.entry(name).or_insert_with(|| total.into());
        }
    }
}

/// The last resort: without its `data`, and with short sentences, a response always fits.
fn cut_rest(message: &mut GuestMessage) {
    let GuestMessage::Response(response) = message else { return };
    if let Some(error) = &mut response.error {
        cut_text(error, MAX_SENTENCE);
    }
    if !response.data.as_object().is_some_and(Map::is_empty) {
        response.data = json!({ "truncated": true });
    }
}

fn cut_error(error: &mut ErrorMessage, max: usize) {
    error.details = None;
    if len_within(error, max).is_none() {
        cut_text(&mut error.error, MAX_SENTENCE);
    }
}

fn cut_metrics(metrics: &mut SystemMetrics, max: usize) {
    let mut series = plugins::taken(metrics, max);
    let data = &mut metrics.data;
    let (mut processes, mut ports, mut services) =
        (take(&mut data.processes), take(&mut data.ports), take(&mut data.services));
    let mut disks = take(&mut data.system.disk.usage_stats);
    let mut interfaces = take(&mut data.system.network.interfaces);
    let room = left_beside(metrics, max).saturating_sub(plugins::notes_len(&series));
    let lists: [(&str, &mut dyn List); 5] = [
        ("processes", &mut processes),
        ("ports", &mut ports),
        ("services", &mut services),
        ("usage_stats", &mut disks),
        ("interfaces", &mut interfaces),
    ];
    let mut lists: Vec<_> = lists.map(|(name, list)| (name.to_owned(), list)).into();
    lists.extend(series.iter_mut().map(|(name, list)| (plugins::list_name(name), list as &mut dyn List)));
    for (name, total) in share(lists, room) {
        metrics.collection.truncated.entry(name).or_insert(total as u32);
    }
    let data = &mut metrics.data;
    plugins::give_back(&mut data.plugins, series);
    (data.processes, data.ports, data.services) = (processes, ports, services);
    (data.system.disk.usage_stats, data.system.network.interfaces) = (disks, interfaces);
}

/// A piece of output is short, but what it consists of may be long on the wire.
fn cut_output_piece(output: &mut Output, max: usize) {
    let text = take(&mut output.text);
    let room = left_beside(output, max);
    output.text = text;
    cut_text(&mut output.text, room);
}

/// Each command's own response says what is left out here.
fn cut_outcomes(result: &mut BatchResult, max: usize) {
    let mut outcomes = take(&mut result.outcomes);
    let (room, total) = (left_beside(result, max), outcomes.len() as u64);
    outcomes.keep_within(room);
    let cut = (outcomes.len() as u64) < total;
    result.outcomes = outcomes;
    result.outcomes_truncated = result.outcomes_truncated.or(cut.then_some(total));
}

/// Of a sample the long lists are cut like those of metrics; the others are short by their making.
fn cut_stream(sample: &mut Stream, max: usize) {
    let data = &mut sample.data;
    let (mut processes, mut ports, mut services) =
        (data.processes.take(), data.ports.take(), data.services.take());
    let room = left_beside(sample, max);
    let mut lists: Vec<(String, &mut dyn List)> = Vec::new();
    lists.extend(processes.as_mut().map(|list| ("processes".to_owned(), list as &mut dyn List)));
    lists.extend(ports.as_mut().map(|list| ("ports".to_owned(), list as &mut dyn List)));
    lists.extend(services.as_mut().map(|list| ("services".to_owned(), list as &mut dyn List)));
    for (name, total) in share(lists, room) {
        sample.collection.truncated.entry(name).or_insert(total as u32);
    }
    let data = &mut sample.data;
    (data.processes, data.ports, data.services) = (processes, ports, services);
}

/// A list that may be cut at its end.
trait List {
    fn items(&self) -> usize;
    /// Bytes of its items, where that is within `room`.
    fn bytes(&self, room: usize) -> Option<usize>;
    /// Drops what has no room; the bytes of what is kept.
    fn keep_within(&mut self, room: usize) -> usize;
}

impl<T: Serialize> List for Vec<T> {
    fn items(&self) -> usize {
        self.len()
    }

    fn bytes(&self, room: usize) -> Option<usize> {
        let mut budget = ListBudget::new(room);
        (budget.take_all(self) == self.len()).then(|| room - budget.left())
    }

    fn keep_within(&mut self, room: usize) -> usize {
        let mut budget = ListBudget::new(room);
        self.truncate(budget.take_all(self));
        self.shrink_to_fit();
        room - budget.left()
    }
}

/// Cuts the longest of the lists until all have room; those that were cut, with the number of items that they had.
fn share(lists: Vec<(String, &mut dyn List)>, mut room: usize) -> Vec<(String, u64)> {
    let measured = lists.into_iter().map(|(name, list)| (list.bytes(room), name, list));
    let mut shortest_first: Vec<_> = measured.collect();
    shortest_first.sort_by_key(|(bytes, _, list)| (bytes.unwrap_or(usize::MAX), list.items()));
    let mut cut = Vec::new();
    for (bytes, name, list) in shortest_first {
        let whole = bytes.filter(|bytes| *bytes <= room);
        if whole.is_none() {
            cut.push((name, list.items() as u64));
        }
        room -= whole.unwrap_or_else(|| list.keep_within(room));
    }
    cut
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

/// The room that a list has in an answer. Lists whose length others decide, such as the processes of users, are cut to it where they
/// are made, and say so.
#[derive(Clone, Copy, Debug)]
pub struct ListBudget {
    left: usize,
}

impl ListBudget {
    /// `bytes` on the wire.
    pub const fn new(bytes: usize) -> Self {
        Self { left: bytes }
    }

    /// Takes the next item, with its comma; whether there was room for it.
    pub fn take<T: Serialize + ?Sized>(&mut self, item: &T) -> bool {
        let left = self.left.checked_sub(1).and_then(|left| Some(left - len_within(item, left)?));
        self.left = left.unwrap_or_default();
        left.is_some()
    }

    /// How many of the items have room, from the first.
    pub fn take_all<T: Serialize>(&mut self, items: &[T]) -> usize {
        items.iter().take_while(|item| self.take(*item)).count()
    }

    /// What is left of it, in bytes.
    pub const fn left(self) -> usize {
        self.left
    }
}

/// How many bytes a part of a message takes on the wire at most, as its newlines are spelled by where it stands. `None` where that is
/// more than `max`; nothing is looked at beyond it.
pub(super) fn len_within<T: Serialize + ?Sized>(value: &T, max: usize) -> Option<usize> {
    let mut count = Bounded { sink: io::sink(), left: max };
    to_ascii(value, &mut count, AsciiFormatter::of_a_part()).ok()?;
    Some(max - count.left)
}

/// Whether a whole message takes at most `max` bytes.
pub(super) fn is_within<T: Serialize + ?Sized>(message: &T, max: usize) -> bool {
    to_ascii(message, &mut Bounded { sink: io::sink(), left: max }, AsciiFormatter::default()).is_ok()
}

/// Length of a text on the wire, without its quotes; of a longer one than `max` at least one more.
pub(super) fn text_len(text: &str, max: usize) -> usize {
    let mut bytes = 0;
    for char in text.chars() {
        bytes += wire_len(char);
        if bytes > max {
            break;
        }
    }
    bytes
}
