//! The terminal while the view is shown: its screen, given back however the view ends, and its keys as
//! requests to the model.

use super::model::Key;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use std::io;
use tokio::sync::mpsc;

/// Keys that may wait; a person types slower.
const MAX_QUEUED_KEYS: usize = 64;

/// What the terminal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A key that means something.
    Key(Key),
    /// Another size.
    Resize,
}

/// Reads the terminal on a thread of its own, as its reading cannot be waited for otherwise. The channel ends when
/// the terminal does.
pub(super) fn spawn() -> mpsc::Receiver<Input> {
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
        Event::Key(key) if key.kind != KeyEventKind::Release => self::key(*key).map(Input::Key),
        Event::Resize(..) => Some(Input::Resize),
        _ => None,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        return (event.code == KeyCode::Char('c')).then_some(Key::Quit);
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

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> Option<Input> {
        translate(&Event::Key(KeyEvent::new(code, modifiers)))
    }

    #[test]
    fn keys_mean_what_the_footer_says() {
        let plain = |code| pressed(code, KeyModifiers::NONE);
        assert_eq!(plain(KeyCode::Char('q')), Some(Input::Key(Key::Quit)));
        assert_eq!(plain(KeyCode::Char('s')), Some(Input::Key(Key::Sort)));
        assert_eq!(plain(KeyCode::Char('p')), Some(Input::Key(Key::Pause)));
        assert_eq!(plain(KeyCode::Down), Some(Input::Key(Key::Scroll(1))));
        assert_eq!(plain(KeyCode::Char('x')), None);
        assert_eq!(pressed(KeyCode::Char('c'), KeyModifiers::CONTROL), Some(Input::Key(Key::Quit)));
        assert_eq!(pressed(KeyCode::Char('s'), KeyModifiers::CONTROL), None);
    }
}
