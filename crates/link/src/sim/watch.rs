//! What must be true at each step besides the bytes: bounds, beat, rest, and words.

use super::checker::Found;
use std::collections::VecDeque;
use std::time::Duration;

/// Timer events that one minute may hold, a storm of device events included.
const TIMERS_PER_MINUTE: u32 = 80;
/// Timer events at one instant.
const TIMERS_AT_ONCE: u32 = 4;
/// Attempts to open in one minute: a burst, one a second, and what timers start.
const OPENS_PER_MINUTE: u32 = 70;
/// Heartbeat interval, with a second for what is under way.
const BEAT: Duration = Duration::from_secs(31);
/// Notes that are kept.
const DIARY: usize = 40;
const MINUTE: Duration = Duration::from_secs(60);

/// The link's state at one step, as the world saw it.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Now.
    pub now: Duration,
    /// An attempt to open must come until then.
    pub attempt_due: Option<Duration>,
    /// Nothing hinders the guest: connected, host reading, nothing waiting.
    pub calm: bool,
    /// A port is open and the guest knows that no host is there.
    pub host_away: bool,
    /// The link's deadline.
    pub deadline: Option<Duration>,
    /// The last heartbeat.
    pub last_heartbeat: Option<Duration>,
    /// Bytes of answers that wait.
    pub waiting: usize,
    /// Bytes that the link holds in all.
    pub held: usize,
}

/// The watch.
#[derive(Debug)]
pub struct Watch {
    outbox_max: usize,
    held_max: usize,
    minute: Duration,
    timers: u32,
    opens: u32,
    instant: Duration,
    at_once: u32,
    calm_since: Option<Duration>,
    last_words: String,
    diary: VecDeque<(Duration, String)>,
    /// Times that the link closed the port.
    pub closes: u64,
}

impl Watch {
    /// With the bounds that the link was given.
    pub fn new(outbox_max: usize, held_max: usize) -> Self {
        Self {
            outbox_max,
            held_max,
            minute: Duration::ZERO,
            timers: 0,
            opens: 0,
            instant: Duration::ZERO,
            at_once: 0,
            calm_since: None,
            last_words: String::new(),
            diary: VecDeque::new(),
            closes: 0,
        }
    }

    /// The link's timer is served.
    pub fn timer(&mut self, now: Duration) -> Found {
        self.turn(now);
        self.at_once = if now == self.instant { self.at_once + 1 } else { 1 };
        self.instant = now;
        self.timers += 1;
        if self.at_once > TIMERS_AT_ONCE {
            return Err("it spins: the timer is due again and again at one instant".into());
        }
        if self.timers > TIMERS_PER_MINUTE {
            return Err(format!("it is busy: more than {TIMERS_PER_MINUTE} timers in a minute"));
        }
        Ok(())
    }

    /// The link's timer was served, and what it asked for was done: nothing may be due any more.
    pub fn served(&mut self, now: Duration, deadline: Option<Duration>) -> Found {
        match deadline.filter(|due| *due <= now) {
            Some(due) => Err(format!("a deadline of {} ms stays due though it was served", due.as_millis())),
            None => Ok(()),
        }
    }

    /// The link wants to open.
    pub fn open(&mut self, now: Duration) -> Found {
        self.turn(now);
        self.opens += 1;
        if self.opens > OPENS_PER_MINUTE {
            return Err(format!("more than {OPENS_PER_MINUTE} attempts to open in a minute"));
        }
        Ok(())
    }

    /// The link logs a line.
    pub fn log(&mut self, now: Duration, level: log::Level, text: &str) -> Found {
        self.note(now, format!("{level} {text}"));
        if level > log::Level::Info {
            return Ok(());
        }
        if text == self.last_words {
            return Err(format!("said twice running: {text}"));
        }
        text.clone_into(&mut self.last_words);
        Ok(())
    }

    /// The host came or went: the same words may be true again.
    pub fn host_changed(&mut self) {
        self.last_words.clear();
    }

    /// Something worth knowing when a seed fails.
    pub fn note(&mut self, now: Duration, text: String) {
        if self.diary.len() == DIARY {
            self.diary.pop_front();
        }
        self.diary.push_back((now, text));
    }

    /// The last notes, a line each.
    pub fn diary(&self) -> Vec<String> {
        self.diary.iter().map(|(at, text)| format!("{:.3} {text}", at.as_secs_f64())).collect()
    }

    /// At each step.
    pub fn check(&mut self, moment: &Moment) -> Found {
        if moment.waiting > self.outbox_max {
            return Err(format!("{} bytes of answers wait, {} may", moment.waiting, self.outbox_max));
        }
        if moment.held > self.held_max {
            return Err(format!("{} bytes are held, {} may be", moment.held, self.held_max));
        }
        if moment.host_away && moment.deadline.is_some() {
            return Err("it would wake up although no host is connected".into());
        }
        if moment.attempt_due.is_some_and(|due| moment.now > due) {
            return Err("a device that came was not tried at once".into());
        }
        self.check_beat(moment)
    }

    fn check_beat(&mut self, moment: &Moment) -> Found {
        if !moment.calm {
            self.calm_since = None;
            return Ok(());
        }
        let calm_since = *self.calm_since.get_or_insert(moment.now);
        let since = moment.last_heartbeat.unwrap_or_default().max(calm_since);
        if moment.now > since + BEAT {
            return Err(format!("no heartbeat for {} s", moment.now.saturating_sub(since).as_secs()));
        }
        Ok(())
    }

    fn turn(&mut self, now: Duration) {
        if now >= self.minute + MINUTE {
            self.minute = now;
            self.timers = 0;
            self.opens = 0;
        }
    }
}
