//! `infiniservice status`: what the running agent knows of itself, asked over a socket of root's.

pub mod duration;
mod report;
mod text;

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::{Server, ask};
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub use other::{Server, ask};

pub use report::{Heartbeats, Host, Refused, Status};

use tokio::sync::oneshot;

/// Somebody who waits for the status, as JSON.
pub type Asker = oneshot::Sender<String>;

/// The host is connected, and the link works.
const CONNECTED: u8 = 0;
/// The agent runs, but no host is connected, or the link is critical.
const NOT_CONNECTED: u8 = 1;
/// Nothing answers: no agent runs, or its main loop stands still.
const NO_ANSWER: u8 = 3;

/// What `infiniservice status` prints, on which stream, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// Without a line end.
    pub text: String,
    /// Whether `text` is the status, or the reason why there is none.
    pub answered: bool,
    /// For scripts.
    pub exit_code: u8,
}

/// Asks, and shows the answer; `json` as it came.
pub fn shown(json: bool) -> Shown {
    show(ask(), json)
}

fn show(answer: Result<String, String>, json: bool) -> Shown {
    let read = answer.and_then(|document| {
        let status: Status = serde_json::from_str(&document)
            .map_err(|e| format!("the agent's answer cannot be parsed: {e}"))?;
        Ok((document, status))
    });
    match read {
        Err(text) => Shown { text, answered: false, exit_code: NO_ANSWER },
        Ok((document, status)) => {
            let text = if json { document.trim_end().to_owned() } else { text::render(&status) };
            let exit_code = if status.works() { CONNECTED } else { NOT_CONNECTED };
            Shown { text, answered: true, exit_code }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_whether_the_host_is_there() {
        let status = |state: &str, quality: &str| {
            let status = Status { state: state.into(), quality: quality.into(), ..Status::default() };
            show(Ok(serde_json::to_string(&status).unwrap()), false).exit_code
        };
        assert_eq!(status("connected", "Excellent"), 0);
        assert_eq!(status("connected", "Critical"), 1);
        assert_eq!(status("waiting_for_host", "Excellent"), 1);
        assert_eq!(show(Err("nobody".into()), true).exit_code, 3);
        assert_eq!(show(Ok("nonsense".into()), true).exit_code, 3);
    }
}
