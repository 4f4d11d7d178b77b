//! A command's output as it comes: `infinictl exec --follow`. What was left out on the way is told.

use super::error::CliError;
use super::session::{Session, wrong_answer};
use crate::client::{Event, Subscription};
use crate::text::sanitize;
use infiniservice_protocol::guest::{GuestMessage, Output, OutputStream};
use infiniservice_protocol::{HostMessage, Response};
use std::io::{Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

/// Longest text of a stream that is kept to find what its response adds.
const KEPT_MAX_BYTES: usize = 16 << 20;

/// What of one stream was shown.
#[derive(Debug, Default)]
struct Shown {
    text: String,
    seq: u64,
    /// Something in between was not shown.
    gap: bool,
    /// More was shown than `text` has.
    more: bool,
}

impl Shown {
    /// Takes the next piece.
    fn take(&mut self, piece: &Output) {
        self.gap |= piece.seq != self.seq + 1;
        self.seq = piece.seq;
        self.more |= self.text.len() + piece.text.len() > KEPT_MAX_BYTES;
        if !self.gap && !self.more {
            self.text.push_str(&piece.text);
        }
    }

    /// What is still to be shown of what the response has, which may be less than was shown; `None` where nobody can tell.
    fn rest<'a>(&self, whole: &'a str) -> Option<&'a str> {
        if self.seq == 0 {
            return Some(whole);
        }
        match self.text.starts_with(whole) {
            _ if self.gap => None,
            true => Some(""),
            false => whole.strip_prefix(self.text.as_str()).filter(|_| !self.more),
        }
    }
}

/// Sends a command, shows what it writes while it runs, and the rest with its response.
pub(super) async fn run(
    session: &Session,
    message: &HostMessage,
    id: &str,
    default_wait: Duration,
) -> Result<Arc<Event>, CliError> {
    let mut lines = session.client.subscribe();
    let mut shown = [Shown::default(), Shown::default()];
    let event = {
        let answer = session.message_unseen(message, default_wait, "running the command");
        let mut answer = std::pin::pin!(answer);
        loop {
            tokio::select! {
                biased;
                event = &mut answer => break event?,
                () = show_next(session, &mut lines, id, &mut shown) => {}
            }
        }
    };
    // Who has the answer finds all that came before it in the subscription.
    while let Some(event) = lines.try_next() {
        show(session, &event, id, &mut shown)?;
    }
    match event.message() {
        Some(GuestMessage::Response(response)) if !session.out.json => show_rest(response, &shown)?,
        Some(GuestMessage::Response(_)) => {}
        _ => return Err(wrong_answer("the command")),
    }
    Ok(event)
}

/// Shows the next line; never ends where the connection has, which the answer tells.
async fn show_next(session: &Session, lines: &mut Subscription, id: &str, shown: &mut [Shown; 2]) {
    match lines.next().await {
        // Whoever read our output may have enough; the command's end tells it.
        Some(event) => drop(show(session, &event, id, shown)),
        None => std::future::pending().await,
    }
}

fn show(session: &Session, event: &Event, id: &str, shown: &mut [Shown; 2]) -> Result<(), CliError> {
    let Some(GuestMessage::Output(piece)) = event.message() else { return Ok(()) };
    if piece.id != id {
        return Ok(());
    }
    let [out, err] = shown;
    let of = if piece.stream == OutputStream::Stdout { out } else { err };
    of.take(piece);
    if session.out.json { session.out.document(&event.raw) } else { print(piece.stream, &piece.text) }
}

fn show_rest(response: &Response, [out, err]: &[Shown; 2]) -> Result<(), CliError> {
    let streams =
        [(OutputStream::Stdout, &response.stdout, out), (OutputStream::Stderr, &response.stderr, err)];
    let mut left_out = false;
    for (stream, whole, shown) in streams {
        match shown.rest(whole) {
            Some(rest) => print(stream, rest)?,
            None => left_out = true,
        }
    }
    if left_out {
        writeln!(stderr(), "infinictl: parts of the output may be missing above")?;
    }
    Ok(())
}

fn print(stream: OutputStream, text: &str) -> Result<(), CliError> {
    let clean = sanitize::lines(text);
    match stream {
        OutputStream::Stdout => {
            let mut out = stdout().lock();
            out.write_all(clean.as_bytes())?;
            out.flush()?;
        }
        OutputStream::Stderr => stderr().lock().write_all(clean.as_bytes())?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(seq: u64, text: &str) -> Output {
        Output { id: "u".into(), stream: OutputStream::Stdout, seq, text: text.into(), timestamp: None }
    }

    #[test]
    fn the_rest_of_the_output_is_what_did_not_come_while_it_ran() {
        let mut shown = Shown::default();
        assert_eq!(shown.rest("all of it"), Some("all of it"));
        shown.take(&piece(1, "all "));
        shown.take(&piece(2, "of "));
        assert_eq!(shown.rest("all of it"), Some("it"));
        assert_eq!(shown.rest("something else"), None);
    }

    #[test]
    fn after_a_gap_nobody_knows_what_the_rest_is() {
        let mut shown = Shown::default();
        shown.take(&piece(1, "a"));
        shown.take(&piece(3, "c"));
        assert_eq!(shown.rest("abc"), None);
    }

    #[test]
    fn a_response_that_was_cut_leaves_nothing_to_show_of_what_was_shown_whole() {
        let mut shown = Shown::default();
        shown.take(&piece(1, "all of it"));
        assert_eq!(shown.rest("all of"), Some(""), "the guest keeps less of it than it sends on the way");
    }

    #[test]
    fn no_more_is_kept_in_memory_than_a_response_may_have() {
        let mut shown = Shown::default();
        let half = "x".repeat(KEPT_MAX_BYTES / 2);
        for seq in 1..=4 {
            shown.take(&piece(seq, &half));
        }
        assert!(shown.text.len() <= KEPT_MAX_BYTES, "{} bytes", shown.text.len());
        assert_eq!(shown.rest(&half), Some(""));
        assert_eq!(shown.rest(&"x".repeat(3 * (KEPT_MAX_BYTES / 2))), None, "nobody knows what the rest is");
    }
}
