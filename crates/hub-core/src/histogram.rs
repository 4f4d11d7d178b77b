//! How many things took how long: a distribution with fixed bounds.

/// Upper bounds of the buckets, in seconds; above the last there is one more. A guest's command may take an hour.
pub const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0, 3600.0];

/// Durations in seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
}

// The sum is of durations, which are numbers.
impl Eq for Histogram {}

impl Histogram {
    /// One more took so many seconds.
    pub fn observe(&mut self, seconds: f64) {
        let place = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[place] += 1;
        self.sum += seconds;
    }

    /// Adds those of another.
    pub fn add(&mut self, other: &Self) {
        for (sum, count) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += count;
        }
        self.sum += other.sum;
    }

    /// How many fell into each bucket.
    pub const fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All of them together, in seconds.
    pub const fn sum(&self) -> f64 {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_falls_into_the_first_bucket_that_holds_it() {
        let mut histogram = Histogram::default();
        for seconds in [0.0, 0.005, 0.006, 5000.0] {
            histogram.observe(seconds);
        }
        let mut both = histogram.clone();
        both.add(&histogram);
        assert_eq!((both.buckets()[0], both.buckets()[1], both.buckets()[BOUNDS.len()]), (4, 2, 2));
        assert_eq!((both.count(), both.sum()), (8, 2.0 * histogram.sum()));
    }
}
