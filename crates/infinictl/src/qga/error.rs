//! What can go wrong between a host and an agent that speaks the QEMU guest agent's protocol.

use super::lines::MAX_LINE_BYTES;
use std::time::Duration;

/// The error class of a command that the agent does not carry out, and its name in old agents.
const NOT_CARRIED_OUT: [&str; 2] = ["CommandNotFound", "CommandDisabled"];

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are named for what they hold, and the variants say the rest")]
pub enum QgaError {
    /// There is no channel: no such socket, or nobody listens.
    #[error("cannot reach the guest through {endpoint}: {reason}")]
    NoConnection { endpoint: String, reason: String },
    /// The channel was there, and went.
    #[error("the connection to {endpoint} ended before the answer to {command}: {reason}")]
    Closed { endpoint: String, command: String, reason: String },
    /// No agent answered the sync; `dropped` is how many bytes came that were no answer to it.
    #[error("no agent answers on {endpoint} within {} s: {}", .after.as_secs_f64(), heard(*.dropped))]
    Silent { endpoint: String, after: Duration, dropped: u64 },
    /// The agent is there, and its answer is late.
    #[error(
        "no answer to {command} from {endpoint} within {} s; the agent is alive and may still carry it out: \
         try a longer --wait",
        .after.as_secs_f64()
    )]
    TimedOut { endpoint: String, command: String, after: Duration },
    /// The line is longer than any that libvirt takes.
    #[error("the guest's answer to {command} has more than {} MiB, so it was not read", MAX_LINE_BYTES >> 20)]
    TooLong { command: String },
    /// The line is no answer.
    #[error("the guest's answer to {command} cannot be parsed: {reason}")]
    Unreadable { command: String, reason: String },
    /// The agent's own answer; `line` is all of it.
    #[error("{}", refused(.command, .class, .desc))]
    Refused { command: String, class: String, desc: String, line: String },
}

fn heard(dropped: u64) -> String {
    match dropped {
        0 => {
            "received nothing; check that infiniservice (with qga on) or qemu-ga runs in the guest, and that \
              no other program, such as libvirt, holds this channel"
                .into()
        }
        _ => format!(
            "{dropped} bytes came that are no answer; check that this is the channel org.qemu.guest_agent.0, \
             and not that of the agent's own protocol (org.infinibay.agent)"
        ),
    }
}

fn refused(command: &str, class: &str, desc: &str) -> String {
    if NOT_CARRIED_OUT.contains(&class) {
        return format!(
            "the guest does not carry out {command}: {desc} ({class}); infinictl qga info shows what is on, \
             and while file systems are frozen nearly nothing is"
        );
    }
    format!("{command} failed: {desc} ({})", if class.is_empty() { "no class" } else { class })
}
