//! What a program spends while nobody asks it for anything.

use anyhow::Result;
use std::time::{Duration, Instant};

use crate::process::{self, Figures};
use crate::table::{Row, Table, count, decimal};

/// What was spent in a window.
pub struct Idle {
    /// Sums over the window, and sizes at its end.
    pub spent: Figures,
    /// How long it was.
    pub window: Duration,
    /// Seconds of the window in which the program woke at all; unknown in a guest.
    pub busy_seconds: Option<usize>,
}

/// Looks at processes of this machine once a second. `serve` is given each second's end and does the hosts' part.
pub fn watch<const N: usize>(
    pids: [u32; N],
    window: Duration,
    mut serve: impl FnMut(Instant) -> Result<()>,
) -> Result<[Idle; N]> {
    let start = Instant::now();
    let first = pids.map(process::of).into_iter().collect::<Result<Vec<_>>>()?;
    let (mut last, mut busy) = (first.clone(), [0; N]);
    while start.elapsed() < window {
        serve(Instant::now() + Duration::from_secs(1))?;
        for ((pid, last), busy) in pids.iter().zip(&mut last).zip(&mut busy) {
            let now = process::of(*pid)?;
            *busy += usize::from(now.wakeups != last.wakeups);
            *last = now;
        }
    }
    let window = start.elapsed();
    let mut results = first.iter().zip(&last).zip(busy).map(|((first, last), busy)| Idle {
        spent: last.since(first),
        window,
        busy_seconds: Some(busy),
    });
    Ok(std::array::from_fn(|_| results.next().unwrap_or_else(|| unreachable!("one result a process"))))
}

impl Idle {
    fn a_minute(&self, count: u64) -> f64 {
        count as f64 * 60.0 / self.window.as_secs_f64()
    }

    fn cpu_an_hour(&self) -> f64 {
        self.spent.cpu_secs * 3600.0 / self.window.as_secs_f64()
    }

    /// Sizes at the window's end.
    pub fn memory_rows(&self, other: &Self, table: &mut Table) {
        let (ours, theirs) = (&self.spent, &other.spent);
        table.row(Row::new("resident set, kB").beside(ours.rss_kb, theirs.rss_kb));
        table.row(
            Row::new("peak resident set (VmHWM), kB").beside(ours.peak_kb, theirs.peak_kb).below(6144.0),
        );
        table.row(Row::new("threads").beside(ours.threads, theirs.threads));
    }

    /// Wake-ups and processor time, beside `other` where it was watched too.
    pub fn rows(&self, state: &str, other: Option<&Self>, table: &mut Table) {
        let row = |what: &str, figure: &dyn Fn(&Self) -> String| {
            let theirs = other.map(figure).unwrap_or_default();
            Row::new(&format!("{what}, {state}")).texts(&figure(self), &theirs)
        };
        table.row(row("wake-ups a minute", &|idle| decimal(idle.a_minute(idle.spent.wakeups))));
        if self.busy_seconds.is_some() {
            let busy =
                |idle: &Self| format!("{} of {}", idle.busy_seconds.unwrap_or(0), idle.window.as_secs());
            table.row(row("seconds in which it woke", &busy));
        }
        let forced = |idle: &Self| decimal(idle.a_minute(idle.spent.preemptions));
        table.row(row("switches forced by other programs a minute", &forced));
        let hours =
            |idle: &Self| format!("{} ({} %)", count(idle.cpu_an_hour()), decimal(idle.cpu_an_hour() / 36.0));
        let reached = self.cpu_an_hour() / 36.0 < 0.05;
        let what = "processor seconds an hour (share of a core)";
        table.row(row(what, &hours).reached("< 0.05 %", reached));
    }
}
