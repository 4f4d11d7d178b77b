//! How busy the processors are, for whoever asks outside of a collection.

use super::native::{self, Buffer};
use crate::cpu::Sample;
use crate::error::CollectError;

/// Keeps the last sample.
#[derive(Debug, Default)]
pub struct CpuMeter {
    buffer: Buffer,
    before: Option<Sample>,
}

impl CpuMeter {
    /// Percent since the last sample; 0 at first.
    pub fn sample(&mut self) -> Result<f64, CollectError> {
        let now = native::cpu(&mut self.buffer)?;
        let used = self.before.as_ref().map_or(0.0, |before| now.usage_since(before).all);
        self.before = Some(now);
        Ok(used)
    }
}
