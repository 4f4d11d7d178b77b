//! The compiled texts, read as Windows reads them, and held against the ids that the agent uses. The layout is that of
//! `MESSAGE_RESOURCE_DATA` (`winnt.h`) in a `.res` file.

use crate::event_log::{self, EVENT_STRINGS};
use std::collections::BTreeMap;

const COMPILED: &[u8] = include_bytes!("../../messages/events.res");
/// An empty entry that marks the file as 32-bit, then this entry's own header.
const HEADERS: usize = 0x40;

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes")) as usize
}

fn half(bytes: &[u8], at: usize) -> usize {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes")).into()
}

/// Texts by id.
fn texts() -> BTreeMap<u32, String> {
    let table = &COMPILED[HEADERS..];
    let mut texts = BTreeMap::new();
    for block in (0..number(table, 0)).map(|index| 4 + 12 * index) {
        let mut at = number(table, block + 8);
        for id in number(table, block)..=number(table, block + 4) {
            let (length, is_unicode) = (half(table, at), half(table, at + 2) == 1);
            assert!(is_unicode, "message {id}");
            let units: Vec<u16> =
                table[at + 4..at + length].chunks(2).map(|unit| half(unit, 0) as u16).collect();
            let text = String::from_utf16(&units).expect("UTF-16");
            texts.insert(id as u32, text.trim_end_matches(['\0', '\r', '\n']).to_owned());
            at += length;
        }
    }
    texts
}

#[test]
fn every_id_has_a_text_with_a_place_for_each_of_its_strings_and_no_other_has_one() {
    let of_lines =
        [event_log::LINE_ERROR, event_log::LINE_WARNING, event_log::LINE_INFORMATION, event_log::LEFT_OUT];
    let of_records = [
        event_log::COMMAND_SUCCEEDED,
        event_log::COMMAND_FAILED,
        event_log::COMMAND_REFUSED,
        event_log::LINE_REFUSED,
        event_log::MORE_LINES_REFUSED,
    ];
    let texts = texts();
    let known: Vec<u32> = of_lines.into_iter().chain(of_records).collect();
    assert_eq!(texts.keys().copied().collect::<Vec<_>>(), known);
    for (id, text) in &texts {
        let places = if of_lines.contains(id) { 1 } else { EVENT_STRINGS };
        let named = |place: &usize| text.contains(&format!("%{place}"));
        assert!((1..=places).all(|place| named(&place)) && !named(&(places + 1)), "{id}: {text}");
    }
}

#[test]
fn the_compiled_texts_are_those_of_the_source() {
    let source = include_str!("../../messages/events.mc");
    for (id, text) in texts() {
        let has = source.split("MessageId=").any(|part| {
            let (head, rest) = part.split_once("Language=English\n").unwrap_or_default();
            head.starts_with(&format!("{id}\n")) && rest.starts_with(&format!("{text}\n."))
        });
        assert!(has, "events.res is older than events.mc: {id}: {text}");
    }
}
