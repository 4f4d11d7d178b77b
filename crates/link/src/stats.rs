//! What the link counts over the agent's life, for the log and for the summary at its end, as that tells it.

use super::quality::Quality;
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Changes of quality that are remembered.
pub const QUALITY_HISTORY: usize = 32;

/// Counters since the agent started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// Bytes that the port gave.
    pub bytes_in: u64,
    /// Bytes that the port took.
    pub bytes_out: u64,
    /// Good messages of the host.
    pub messages_in: u64,
    /// Whole lines that the port took.
    pub lines_out: u64,
    /// Lines of those that the bulk port took.
    pub bulk_lines: u64,
    /// Times that the bulk port was given up because its host did not read.
    pub bulk_falls: u64,
    /// Lines of the host that were refused: oversized, not JSON, unknown.
    pub rejected_lines: u64,
    /// Lines refused because the host's signature was missing or wrong.
    pub unsigned_lines: u64,
    /// Lines of the host that only guests send, such as our own sent back: not answered.
    pub echoed_lines: u64,
    /// Refusals of bad lines that were not sent, because too many came at once.
    pub refusals_dropped: u64,
    /// Commands answered by `QUEUE_FULL` because the outbox had no room for their answer.
    pub commands_refused: u64,
    /// Responses cut because the outbox was full.
    pub responses_cut: u64,
    /// Samples of streams that were not sent, as the host did not read those before.
    pub samples_left_out: u64,
    /// Pieces of programs' output that were not sent, as the host did not read those before.
    pub output_left_out: u64,
    /// Ports opened.
    pub opens: u64,
    /// Attempts to open that failed, the device's absence included.
    pub open_failures: u64,
    /// Ports closed by the link because of a failure, or lost.
    pub reconnections: u64,
    /// Times that a host connected.
    pub host_connects: u64,
    /// Times that the circuit breaker opened.
    pub breaker_opens: u64,
    /// Heartbeats written.
    pub heartbeats_sent: u64,
    /// Heartbeats answered in time.
    pub heartbeats_answered: u64,
    /// Heartbeats not answered in time.
    pub heartbeats_missed: u64,
    /// Answers to a heartbeat already answered or given up.
    pub heartbeats_late: u64,
    /// Answers with a number that was never sent.
    pub heartbeats_unknown: u64,
    /// Round trip of the last answered heartbeat.
    pub last_rtt: Option<Duration>,
    /// The newest changes of quality, oldest first: when (monotonic), and to what.
    pub quality_history: VecDeque<(Duration, Quality)>,
}

impl LinkStats {
    /// Remembers a change of quality, forgetting the oldest beyond [`QUALITY_HISTORY`].
    pub(super) fn quality_changed(&mut self, at: Duration, to: Quality) {
        if self.quality_history.len() == QUALITY_HISTORY {
            self.quality_history.pop_front();
        }
        self.quality_history.push_back((at, to));
    }
}

impl fmt::Display for LinkStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in, {} bytes out; ", self.bytes_in, self.bytes_out)?;
        write!(
            f,
            "{} messages in, {} lines out, {} lines refused, {} of our own echoed, {} unsigned; ",
            self.messages_in, self.lines_out, self.rejected_lines, self.echoed_lines, self.unsigned_lines
        )?;
        if self.bulk_lines > 0 {
            write!(f, "{} lines over the bulk port, unread {} times; ", self.bulk_lines, self.bulk_falls)?;
        }
        write!(f, "host connected {} times, {} reconnections, ", self.host_connects, self.reconnections)?;
        write!(f, "circuit breaker opened {} times; ", self.breaker_opens)?;
        write!(
            f,
            "{} heartbeats, {} answered, {} missed; quality ",
            self.heartbeats_sent, self.heartbeats_answered, self.heartbeats_missed
        )?;
        write!(f, "Excellent")?;
        for (at, quality) in &self.quality_history {
            write!(f, ", {quality} after {} s", at.as_secs())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::quality::Quality;
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_history_of_the_quality_is_told() {
        let stats = LinkStats { reconnections: 3, ..LinkStats::default() };
        assert!(stats.to_string().ends_with("quality Excellent"));
        let quality_history = [(Duration::from_secs(60), Quality::Poor)].into();
        let text = LinkStats { quality_history, ..stats }.to_string();
        assert!(text.contains("3 reconnections") && text.ends_with("Excellent, Poor after 60 s"), "{text}");
    }
}
