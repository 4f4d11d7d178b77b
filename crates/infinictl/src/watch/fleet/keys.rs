//! What keys mean to the table of machines: while a filter is typed, nearly all of them are a part of it.

use super::super::terminal::is_interrupt;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Leave.
    Quit,
    /// Leave, whatever is being done.
    Interrupt,
    /// Open the machine that is marked; while typing, end that.
    Enter,
    /// Empty the filter, or leave.
    Escape,
    /// Begin to type a filter.
    Filter,
    /// A character of the filter.
    Type(char),
    /// Take the last one back.
    Erase,
    /// Another order.
    Order,
    /// Turn the order.
    Reverse,
    /// Only machines that hurt, or all.
    Hurting,
    /// Hold the order, or go on.
    Hold,
    /// Mark the machine so many rows below.
    Move(isize),
    /// So many screens below.
    Page(isize),
    /// The first one.
    Top,
    /// The last one.
    Bottom,
}

/// What this key asks for.
pub(super) fn key(event: KeyEvent, typing: bool) -> Option<Key> {
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return is_interrupt(event).then_some(Key::Interrupt);
    }
    Some(match event.code {
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Down => Key::Move(1),
        KeyCode::Up => Key::Move(-1),
        KeyCode::PageDown => Key::Page(1),
        KeyCode::PageUp => Key::Page(-1),
        KeyCode::Home => Key::Top,
        KeyCode::End => Key::Bottom,
        KeyCode::Backspace if typing => Key::Erase,
        KeyCode::Char(character) if typing => Key::Type(character),
        KeyCode::Char(character) => return letter(character),
        _ => return None,
    })
}

fn letter(character: char) -> Option<Key> {
    Some(match character {
        'q' => Key::Quit,
        '/' => Key::Filter,
        's' => Key::Order,
        'r' => Key::Reverse,
        'h' => Key::Hurting,
        'p' | ' ' => Key::Hold,
        'j' => Key::Move(1),
        'k' => Key::Move(-1),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_a_command_or_a_part_of_the_filter_and_ctrl_c_always_leaves() {
        let plain = |code, typing| key(KeyEvent::new(code, KeyModifiers::NONE), typing);
        assert_eq!(plain(KeyCode::Char('q'), false), Some(Key::Quit));
        assert_eq!(plain(KeyCode::Char('q'), true), Some(Key::Type('q')));
        assert_eq!(plain(KeyCode::Char('x'), false), None);
        assert_eq!(plain(KeyCode::Backspace, false), None);
        for typing in [false, true] {
            let event = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
            assert_eq!(key(event, typing), Some(Key::Interrupt));
            assert_eq!(plain(KeyCode::Down, typing), Some(Key::Move(1)));
        }
    }
}
