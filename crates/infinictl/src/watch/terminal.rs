//! The terminal while a view is shown: its screen, given back however the view ends, its keys, and the process's signals.
//! What a key means is the view's: one machine's is here, the table's in `fleet`.

use super::model::Key;
use crate::sys::Signals;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io;
use tokio::sync::mpsc;

/// Keys that may wait; a person types slower.
const MAX_QUEUED_KEYS: usize = 64;

/// What the terminal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A key was pressed.
    Key(KeyEvent),
    /// Another size.
    Resize,
}

/// The person before the terminal: what is shown to them, and what they do.
pub(super) struct Console {
    pub(super) screen: Screen,
    /// It ends when the terminal does.
    pub(super) keys: mpsc::Receiver<Input>,
    pub(super) signals: Signals,
}

impl Console {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { screen: Screen::open()?, keys: spawn(), signals: Signals::open()? })
    }
}

/// Reads the terminal on a thread of its own, as its reading cannot be waited for otherwise.
fn spawn() -> mpsc::Receiver<Input> {
    let (sender, receiver) = mpsc::channel(MAX_QUEUED_KEYS);
    std::thread::spawn(move || {
        while let Ok(event) = event::read() {
            if translate(&event).is_some_and(|input| sender.blocking_send(input).is_err()) {
                return;
            }
        }
    });
    receiver
}

fn translate(event: &Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => Some(Input::Key(*key)),
        Event::Resize(..) => Some(Input::Resize),
        _ => None,
    }
}

/// Whether a key ends everything, whatever is shown.
pub(super) fn is_interrupt(event: KeyEvent) -> bool {
    event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char('c')
}

/// What a key means to the view of one machine.
pub(super) fn key(event: KeyEvent) -> Option<Key> {
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return is_interrupt(event).then_some(Key::Interrupt);
    }
    Some(match event.code {
        KeyCode::Char('q') | KeyCode::Esc => Key::Quit,
        KeyCode::Char('s') => Key::Sort,
        KeyCode::Char('p' | ' ') => Key::Pause,
        KeyCode::Down | KeyCode::Char('j') => Key::Scroll(1),
        KeyCode::Up | KeyCode::Char('k') => Key::Scroll(-1),
        KeyCode::PageDown => Key::Page(1),
        KeyCode::PageUp => Key::Page(-1),
        KeyCode::Home => Key::Top,
        KeyCode::End => Key::Bottom,
        _ => return None,
    })
}

/// The alternate screen in raw mode. Given back when dropped, and by a hook when the program panics.
pub(super) struct Screen {
    pub(super) terminal: DefaultTerminal,
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> io::Result<Self> {
        ratatui::try_init().map(|terminal| Self { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
        let Some(Input::Key(event)) = translate(&Event::Key(KeyEvent::new(code, modifiers))) else {
            return None;
        };
        key(event)
    }

    #[test]
    fn keys_mean_what_the_footer_says() {
        let plain = |code| pressed(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('q')), Some(Key::Quit));
        assert_eq!(plain(KeyCode::Char('s')), Some(Key::Sort));
        assert_eq!(plain(KeyCode::Char('p')), Some(Key::Pause));
        assert_eq!(plain(KeyCode::Down), Some(Key::Scroll(1)));
        assert_eq!(plain(KeyCode::Char('x')), None);
        assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Key::Interrupt));
        assert_eq!(pressed(KeyCode::Char('s'), KeyModifiers::CONTROL), None);
    }
}
