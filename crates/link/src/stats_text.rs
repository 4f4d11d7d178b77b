//! The link's counters as the shutdown summary tells them.

use super::stats::LinkStats;
use std::fmt;

impl fmt::Display for LinkStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes in, {} bytes out; ", self.bytes_in, self.bytes_out)?;
        write!(
            f,
            "{} messages in, {} lines out, {} lines refused, {} of our own echoed, {} unsigned; ",
            self.messages_in, self.lines_out, self.rejected_lines, self.echoed_lines, self.unsigned_lines
        )?;
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
