//! The newest `ts` of a signed line, kept beyond the agent's end: its successor must not take that line again.
//!
//! Without it a successor takes no line that was signed before its own start, which is as safe, but shuts a host out for as
//! long as its clock is behind the guest's.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(not(target_os = "linux"))]
mod other;

#[cfg(target_os = "linux")]
use linux as imp;
#[cfg(not(target_os = "linux"))]
use other as imp;

use infiniservice_link::Link;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::time::Duration;

/// Digits of the largest `ts`: each writing replaces the last one whole.
const DIGITS: usize = 20;

/// Where the newest `ts` is kept; nowhere where there is no such place.
#[derive(Debug, Default)]
pub(super) struct Signed {
    file: Option<File>,
}

impl Signed {
    /// Opens what a predecessor left, and has the link heed it.
    pub(super) fn open(link: Link) -> (Self, Link) {
        match imp::open() {
            Some((file, uptime)) => Self::over(file, uptime, link),
            None => (Self::default(), link),
        }
    }

    fn over(mut file: File, uptime: Duration, link: Link) -> (Self, Link) {
        let link = match read(&mut file) {
            Ok(Some(ts)) => link.with_newest_signed(ts),
            // Made just now: nobody took a signed line since the machine started.
            Ok(None) => link.with_no_predecessor_for(uptime),
            Err(error) => {
                log::warn!(
                    "cannot read the newest time of a signed line, so lines signed before now are \
                     refused: {error}"
                );
                link
            }
        };
        (Self { file: Some(file) }, link)
    }

    /// Keeps it. The file is in memory (`tmpfs`), so this does not wait.
    pub(super) fn keep(&mut self, ts: u64) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = write(file, ts) {
            log::warn!("cannot store the newest time of a signed line: {error}");
            self.file = None;
        }
    }
}

fn read(file: &mut File) -> io::Result<Option<u64>> {
    let mut text = String::new();
    file.take(DIGITS as u64).read_to_string(&mut text)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(io::Error::other)
}

fn write(file: &mut File, ts: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{ts:0DIGITS$}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use infiniservice_link::{Action, Event, LinkSettings, PortEvent};
    use infiniservice_protocol::clock::Now;
    use infiniservice_protocol::envelope::Signer;
    use std::time::UNIX_EPOCH;

    const MS: u64 = 1_700_000_000_000;

    /// One life of an agent over this file, whose clock stands at `MS`: whether it carries out a line of this `ts`.
    fn takes(file: &tempfile::NamedTempFile, ts: u64) -> bool {
        let link = Link::new(LinkSettings::default(), 1).with_secret("sixteen letters!");
        let (mut signed, mut link) = Signed::over(file.reopen().unwrap(), Duration::from_secs(5), link);
        let now = Now { mono: Duration::ZERO, wall: UNIX_EPOCH + Duration::from_millis(MS) };
        let mut actions = Vec::new();
        link.handle(now, Event::Port(PortEvent::Opened { path: "p", host: Some(true) }), &mut actions);
        let hello = Signer::new("sixteen letters!").sign(ts, "n", r#"{"type":"Hello"}"#);
        link.handle(now, Event::Port(PortEvent::Read(hello.as_bytes())), &mut actions);
        let mut delivered = false;
        for action in actions {
            match action {
                Action::NewestSigned(ts) if !delivered => signed.keep(ts),
                Action::NewestSigned(_) => panic!("carried out before it was kept"),
                Action::Deliver(_) => delivered = true,
                _ => {}
            }
        }
        delivered
    }

    #[test]
    fn a_signed_line_runs_once_whatever_restarts_and_a_newer_one_runs_at_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(!takes(&file, MS - 5001), "signed before the machine's start");
        assert!(takes(&file, MS - 700));
        assert!(!takes(&file, MS - 700) && !takes(&file, MS - 701));
        assert!(takes(&file, MS - 699));
        assert!(!takes(&file, MS - 699));
    }

    #[test]
    fn where_nothing_can_be_kept_the_start_is_the_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no number").unwrap();
        assert!(!takes(&file, MS - 1));
        assert!(takes(&file, MS));
    }
}
