//! The link's simulator for as long as one likes: lives of fifty simulated hours, each from a seed of its own.
//!
//! `cargo xtask soak [--hours N] [--seed S]` builds and runs it. The first broken invariant ends it, with the command that repeats it.

use clap::Parser;
use infiniservice_link::sim::{Life, Violation, live};
use std::num::NonZero;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Simulated hours of one life; a life of one seed begins the same however long it is.
const LIFE_HOURS: u64 = 50;
const REPORT_EVERY: Duration = Duration::from_secs(5);

#[derive(Parser)]
struct Options {
    /// Simulated hours in total.
    #[arg(long, default_value_t = 1_000_000)]
    hours: u64,
    /// Seed of the first life; the next ones count up from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Concurrent lives; by default as many as there are processors.
    #[arg(long)]
    threads: Option<NonZero<usize>>,
}

/// What all threads share.
struct Soak {
    seed: u64,
    hours: u64,
    begun: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next_life: u64,
    hours_done: u64,
    sum: Life,
    reported: Duration,
    violation: Option<Box<Violation>>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let threads = options.threads.or(std::thread::available_parallelism().ok()).map_or(1, NonZero::get);
    let state = Mutex::new(State::default());
    let soak = Soak { seed: options.seed, hours: options.hours, begun: Instant::now(), state };
    std::thread::scope(|scope| {
        (0..threads).for_each(|_| {
            scope.spawn(|| while soak.one_life() {});
        });
    });
    soak.report(&soak.lock());
    let violation = soak.lock().violation.take();
    violation.map_or(Ok(()), |violation| Err(anyhow::anyhow!("{violation}")))
}

impl Soak {
    /// Lives the next life; whether there may be another.
    fn one_life(&self) -> bool {
        let Some((seed, hours)) = self.next() else { return false };
        let found = live(seed, hours, None);
        let mut state = self.lock();
        match found {
            Ok(life) => self.count(&mut state, hours, life),
            Err(violation) => state.violation = Some(violation),
        }
        state.violation.is_none()
    }

    fn next(&self) -> Option<(u64, u64)> {
        let mut state = self.lock();
        let left = self.hours.checked_sub(state.next_life * LIFE_HOURS).filter(|left| *left > 0)?;
        let seed = self.seed.wrapping_add(state.next_life);
        state.next_life += 1;
        state.violation.is_none().then_some((seed, left.min(LIFE_HOURS)))
    }

    fn count(&self, state: &mut State, hours: u64, life: Life) {
        state.hours_done += hours;
        state.sum += life;
        if self.begun.elapsed() >= state.reported + REPORT_EVERY {
            state.reported = self.begun.elapsed();
            self.report(state);
        }
    }

    fn report(&self, state: &State) {
        let seconds = self.begun.elapsed().as_secs_f64();
        let State { hours_done: done, sum, .. } = state;
        println!(
            "{done} of {} simulated hours in {seconds:.0} s ({:.0} h/s): {} faults, {} lines, {} commands answered",
            self.hours,
            *done as f64 / seconds,
            sum.faults,
            sum.lines,
            sum.commands
        );
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // A thread that panicked has told why already; the counters are whole in any case.
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
