//! What is counted of the hub's own clients.

/// What became of a TLS handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handshake {
    /// The client is who its certificate says.
    Done,
    /// It has no certificate that counts, or speaks no TLS.
    Failed,
    /// It was not over in time.
    Late,
    /// It was the oldest of too many.
    Displaced,
    /// It was over, but there were too many connections.
    Full,
}

impl Handshake {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Done, Self::Failed, Self::Late, Self::Displaced, Self::Full];

    /// Its name as a label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Displaced => "displaced",
            Self::Full => "full",
        }
    }
}

/// The counters, from the hub's start on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Served {
    /// Connections of the API that were ended because their clients took nothing.
    pub unread: u64,
    handshakes: [u64; Handshake::ALL.len()],
}

impl Served {
    /// Counts a handshake.
    pub const fn shaken(&mut self, outcome: Handshake) {
        self.handshakes[outcome as usize] += 1;
    }

    /// How many handshakes ended so.
    pub const fn handshakes(&self, outcome: Handshake) -> u64 {
        self.handshakes[outcome as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_counted_for_itself() {
        let mut served = Served::default();
        for (n, outcome) in Handshake::ALL.into_iter().enumerate() {
            (0..=n).for_each(|_| served.shaken(outcome));
        }
        assert_eq!(Handshake::ALL.map(|outcome| served.handshakes(outcome)), [1, 2, 3, 4, 5]);
    }
}
