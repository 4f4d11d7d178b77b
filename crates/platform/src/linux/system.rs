//! The whole system's counters: `/proc/stat`, `/proc/diskstats` and `/proc/loadavg` (`proc_stat(5)`, `proc_loadavg(5)`,
//! Documentation/admin-guide/iostats.rst). What they come to is for those who ask.

use super::text::{ParseError, decimal, lines, next_unsigned, unsigned, words};

/// A line's counters, of which newer kernels have more: at most `N` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters<const N: usize> {
    values: [u64; N],
    count: usize,
}

impl<const N: usize> Counters<N> {
    /// Up to the line's end, or to the first word that is no number.
    fn read<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Self {
        let (mut values, mut count) = ([0; N], 0);
        for (slot, value) in values.iter_mut().zip(words.map_while(unsigned)) {
            *slot = value;
            count += 1;
        }
        Self { values, count }
    }

    /// The counter at this place; `None` where the kernel has none.
    pub fn get(&self, at: usize) -> Option<u64> {
        self.values.get(at).copied().filter(|_| at < self.count)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first `M`, 0 for those that are not there.
    pub fn first<const M: usize>(&self) -> [u64; M] {
        std::array::from_fn(|at| self.get(at).unwrap_or_default())
    }
}

/// Ticks since boot: user, nice, system, idle, iowait, irq, softirq, steal, guest, guest nice. At least four.
pub type Ticks = Counters<10>;

/// A line of `/proc/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatRow {
    /// All processors together.
    All(Ticks),
    /// One that is online, by the kernel's number.
    Processor(u32, Ticks),
    /// Boot, in seconds since 1970.
    BootTime(u64),
}

/// The lines of `/proc/stat` that are about processors, and the boot time.
pub fn stat(text: &[u8]) -> impl Iterator<Item = Result<StatRow, ParseError>> {
    lines(text).filter_map(|(number, line)| stat_row(number, line))
}

fn stat_row(number: usize, line: &[u8]) -> Option<Result<StatRow, ParseError>> {
    let mut words = words(line);
    match words.next()? {
        b"cpu" => Some(ticks(&mut words, number).map(StatRow::All)),
        b"btime" => Some(next_unsigned(&mut words, number, "btime").map(StatRow::BootTime)),
        key => {
            let cpu = key.strip_prefix(b"cpu").and_then(unsigned)?;
            let cpu = u32::try_from(cpu).map_err(|_| ParseError::new(number, "processor number"));
            Some(cpu.and_then(|cpu| Ok(StatRow::Processor(cpu, ticks(&mut words, number)?))))
        }
    }
}

/// Old kernels, and other writers of the file, have fewer than ten.
fn ticks<'a>(words: &mut impl Iterator<Item = &'a [u8]>, line: usize) -> Result<Ticks, ParseError> {
    let ticks = Ticks::read(words);
    if ticks.count() < 4 { Err(ParseError::new(line, "processor ticks")) } else { Ok(ticks) }
}

/// A line of `/proc/diskstats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskRow<'a> {
    /// Major and minor number.
    pub device: (u64, u64),
    /// As the kernel names it.
    pub name: &'a [u8],
    /// Reads, merged, sectors and ms of them; the same of writes; in flight, ms busy, ms weighted; then of discards, with
    /// Linux 4.18; then flushes and ms of them, with 5.5.
    pub counters: Counters<17>,
}

/// The lines of `/proc/diskstats`, partitions and all.
pub fn diskstats(text: &[u8]) -> impl Iterator<Item = Result<DiskRow<'_>, ParseError>> {
    lines(text).map(|(number, line)| {
        let mut words = words(line);
        let mut device = || next_unsigned(&mut words, number, "device number");
        let device = (device()?, device()?);
        let name = words.next().ok_or(ParseError::new(number, "device name"))?;
        Ok(DiskRow { device, name, counters: Counters::read(&mut words) })
    })
}

/// `/proc/loadavg`: over one, five and fifteen minutes.
///
/// # Errors
/// One of them is missing, or is no finite number from 0.
pub fn load_averages(text: &[u8]) -> Result<[f64; 3], ParseError> {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut words = words(line);
    let mut next = || words.next().and_then(decimal).ok_or(ParseError::new(1, "load average"));
    Ok([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_kernel_has_as_many_columns_as_its_version() {
        let rows: Vec<_> = stat(b"cpu  9 8 7 6\ncpu3 1 2 3 4 5\nintr 1 2\nbtime 77\ncpufreq 1\n")
            .map(Result::unwrap)
            .collect();
        let [StatRow::All(all), StatRow::Processor(3, one), StatRow::BootTime(77)] = rows[..] else {
            panic!("{rows:?}")
        };
        assert_eq!((all.get(3), all.get(4), all.first::<8>()), (Some(6), None, [9, 8, 7, 6, 0, 0, 0, 0]));
        assert_eq!((one.count(), one.get(4), one.get(5)), (5, Some(5), None));
    }

    #[test]
    fn a_torn_line_is_an_error_of_its_own() {
        let rows: Vec<_> = stat(b"cpu 1 2 3\ncpu0 1 2 3 4\nbtime soon\n").collect();
        assert_eq!(rows[0], Err(ParseError::new(1, "processor ticks")));
        assert!(matches!(rows[1], Ok(StatRow::Processor(0, _))));
        assert_eq!(rows[2], Err(ParseError::new(3, "btime")));
        let disks: Vec<_> = diskstats(b"8 0 sda 1 2\n8 16\n8 32 sdc 9 x 9\n").collect();
        assert_eq!(disks[0].map(|disk| (disk.device, disk.counters.count())), Ok(((8, 0), 2)));
        assert_eq!(disks[1], Err(ParseError::new(2, "device name")));
        assert_eq!(disks[2].map(|disk| disk.counters.count()), Ok(1));
    }

    #[test]
    fn loads_are_three_numbers() {
        assert_eq!(load_averages(b"0.52 1.04 10.00 2/123 4567\n"), Ok([0.52, 1.04, 10.0]));
        for bad in [&b"0.1 nan 1"[..], b"0.1 0.2", b"0.1 0.2\n0.3", b""] {
            assert!(load_averages(bad).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = (stat(&bytes).count(), diskstats(&bytes).count(), load_averages(&bytes));
        }
    }
}
