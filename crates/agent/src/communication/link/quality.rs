//! Quality of the connection over a sliding window of operations.

/// The bands, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Under 5 % errors and 100 ms.
    Excellent,
    /// Under 10 % and 200 ms.
    Good,
    /// Under 20 % and 500 ms.
    Fair,
    /// Under 40 % and 1000 ms.
    Poor,
    /// Beyond.
    Critical,
}

impl Quality {
    /// Whether the collection interval is stretched.
    pub const fn is_degraded(self) -> bool {
        matches!(self, Self::Poor | Self::Critical)
    }
}
