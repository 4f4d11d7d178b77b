//! `infinictl hello`: who the agent is and what it can do.

use super::error::CliError;
use super::output::Output;
use super::session::{Session, wrong_answer};
use super::table::{Columns, facts, state, text};
use crate::text::units;
use infiniservice_protocol::HostMessage;
use infiniservice_protocol::guest::{GuestMessage, Hello};

/// Runs it.
pub(super) async fn run(session: &Session) -> Result<(), CliError> {
    let message = HostMessage::Hello { id: None };
    session
        .exchange(&message, |answer, out| match answer {
            GuestMessage::Hello(hello) => Ok(show(hello, out)),
            _ => Err(wrong_answer("Hello")),
        })
        .await
}

fn show(hello: &Hello, out: Output) -> String {
    let limits = &hello.limits;
    let about = facts(&[
        ("Agent", hello.agent_version.clone()),
        ("Protocol", hello.protocol_version.to_string()),
        ("Platform", hello.platform.clone()),
        ("System", hello.os.clone()),
        ("Machine", hello.vm_id.clone().unwrap_or_else(|| "-".into())),
        ("Longest line", units::bytes(limits.max_line_bytes as u64)),
        ("Captured output", units::bytes(limits.max_output_bytes as u64)),
        (
            "Commands",
            format!("{} concurrent, {} waiting", limits.max_concurrent_commands, limits.max_queued_commands),
        ),
    ]);
    format!("{about}\n\n{}", capabilities(hello, out))
}

fn capabilities(hello: &Hello, out: Output) -> String {
    let mut table = Columns::new(out, &["capability", "enabled", "reason"]);
    for capability in &hello.capabilities {
        table.tall_row([
            text(&capability.name),
            state(if capability.enabled { "yes" } else { "no" }),
            text(capability.reason.as_deref().unwrap_or_default()),
        ]);
    }
    table.finish()
}
