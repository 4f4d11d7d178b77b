//! Samples for streams, apart from the periodic collection: with rates of their own, so that a stream changes no figure of it.

use super::fields::is_needed;
use super::metric::all;
use super::processes::{Moment, Processes};
use super::round::{Round, Row};
use super::settings::CollectorSettings;
use super::sys::Machine;
use infiniservice_platform::clock::{Now, cpu_time};
use infiniservice_platform::os_detection::OsInfo;
use infiniservice_protocol::metrics::{Collection, Data};
use infiniservice_protocol::stream::Fields;
use std::time::{Duration, Instant};

/// After this many periodic collections without a sample in between, what streams left behind is given back.
const IDLE_ROUNDS: u32 = 2;

/// What samples keep from one to the next.
struct Kept {
    metrics: Vec<Row>,
    processes: Processes,
    moment: Moment,
    idle_rounds: u32,
}

/// Nothing, until there is a stream.
#[derive(Default)]
pub(super) struct Apart {
    kept: Option<Kept>,
}

/// One sample.
#[derive(Clone, Debug, Default)]
pub struct Sampled {
    /// The chosen fields, and perhaps what they are reckoned from.
    pub data: Data,
    /// How the collection went.
    pub collection: Collection,
    /// Processor time that the agent took meanwhile.
    pub cost: Duration,
}

impl Apart {
    /// Collects what these fields need.
    pub(super) fn sample(
        &mut self,
        now: Now,
        fields: Fields,
        (machine, settings, os): (&mut Machine, &CollectorSettings, &OsInfo),
    ) -> Sampled {
        let (started, before) = (Instant::now(), cpu_time());
        let kept = self.kept.get_or_insert_with(|| Kept::new(os));
        kept.idle_rounds = 0;
        let Kept { metrics, processes, moment, .. } = kept;
        let mut round = Round::new(now, machine, processes, moment, settings);
        round.run_needed(metrics, |metric| is_needed(metric, fields));
        let Round { data, mut report, .. } = round;
        kept.processes.end_round(2 * settings.max_processes);
        for error in machine.take_unanswered() {
            report.failed("processes", &error);
        }
        let cost = cpu_time().saturating_sub(before);
        Sampled { data, collection: report.finish(started.elapsed()), cost }
    }

    /// A periodic collection was made.
    pub(super) fn round_ended(&mut self) {
        let is_idle = self.kept.as_mut().is_some_and(Kept::is_idle);
        if is_idle {
            self.kept = None;
        }
    }
}

impl Kept {
    fn new(os: &OsInfo) -> Self {
        Self {
            metrics: all(os.clone()),
            processes: Processes::new(),
            moment: Moment::default(),
            idle_rounds: 0,
        }
    }

    fn is_idle(&mut self) -> bool {
        self.idle_rounds += 1;
        self.idle_rounds > IDLE_ROUNDS
    }
}
