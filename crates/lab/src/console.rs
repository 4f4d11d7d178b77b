//! The serial console: its log, shown where something failed, and a terminal on it.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Seek, SeekFrom, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};

/// Ctrl-], as telnet has it, leaves the console.
const ESCAPE: u8 = 0x1d;
/// How much of the log is looked at, in bytes.
const TAIL_BYTES: u64 = 64 * 1024;

/// The last `lines` lines of the log at `path`, control characters removed; empty where there is no log.
pub fn tail(path: &Path, lines: usize) -> String {
    last_lines(&end_of(path).unwrap_or_default(), lines)
}

fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
    let mut bytes = Vec::new();
    file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn last_lines(bytes: &[u8], lines: usize) -> String {
    let text = printable(&String::from_utf8_lossy(bytes));
    let all: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// Text without escape sequences (`ESC [ parameters letter`, and `ESC` with one character) and control characters.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\x1b' if characters.next() == Some('[') => {
                characters.by_ref().find(|c| ('@'..='~').contains(c));
            }
            '\x1b' => {}
            '\n' | '\t' => shown.push(character),
            other if other.is_control() => {}
            other => shown.push(other),
        }
    }
    shown
}

/// Connects this process's terminal with the console at `socket`, until Ctrl-] is typed, input ends, or the
/// machine goes.
pub fn attach(socket: &Path) -> Result<()> {
    let console =
        UnixStream::connect(socket).with_context(|| format!("cannot connect to {}", socket.display()))?;
    let _raw = RawTerminal::enter()?;
    let output = console.try_clone()?;
    let printer = thread::spawn(move || copy(output, io::stdout()));
    let typed = type_into(io::stdin(), &console);
    if typed.is_ok() {
        let _gone_already = console.shutdown(Shutdown::Both);
    }
    drop(printer.join());
    typed
}

fn type_into(mut input: impl Read, mut console: &UnixStream) -> Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let count = input.read(&mut buffer)?;
        let typed = buffer.get(..count).unwrap_or_default();
        let before_escape = typed.split(|&byte| byte == ESCAPE).next().unwrap_or_default();
        console.write_all(before_escape).context("the machine is gone")?;
        if count == 0 || before_escape.len() < count {
            return Ok(());
        }
    }
}

fn copy(mut from: impl Read, mut to: impl Write) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let shown = to.write_all(buffer.get(..count).unwrap_or_default()).and_then(|()| to.flush());
        if shown.is_err() {
            return;
        }
    }
}

/// The terminal on standard input, passing every key on, until dropped.
struct RawTerminal {
    before: Option<Termios>,
}

impl RawTerminal {
    fn enter() -> Result<Self> {
        let input = io::stdin();
        if !input.is_terminal() {
            return Ok(Self { before: None });
        }
        let before = tcgetattr(&input)?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(&input, OptionalActions::Now, &raw)?;
        Ok(Self { before: Some(before) })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _closed = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_readable_text() {
        let log = b"first\r\n\x1b[0;32m OK \x1b[0m Started\r\n\r\n\x1bclogin:\x07 ";
        assert_eq!(last_lines(log, 2), " OK  Started\nlogin:");
        assert_eq!(last_lines(log, 99), "first\n OK  Started\nlogin:");
        assert_eq!(last_lines(b"", 5), "");
    }

    #[test]
    fn a_missing_log_has_an_empty_tail() {
        assert_eq!(tail(Path::new("/no/such/log"), 5), "");
    }

    #[test]
    fn typing_ends_at_the_escape_key_and_sends_what_came_before() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        type_into(&b"ls\n\x1dnot sent"[..], &ours).unwrap();
        drop(ours);
        let mut sent = String::new();
        theirs.read_to_string(&mut sent).unwrap();
        assert_eq!(sent, "ls\n");
    }
}
