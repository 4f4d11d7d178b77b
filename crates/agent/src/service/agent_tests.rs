//! The loop's timers under every setting that changes them: a deadline that was served is later than the time of its service.

use super::agent::{Agent, Turn};
use super::pace::REST;
use super::wiring;
use crate::config::{FlagValue, Loaded, Sources};
use infiniservice_channel::transport::{NoTransport, Port, ReadOutcome, Ready, Transport, WriteOutcome};
use infiniservice_link::OpenFailure;
use infiniservice_platform::clock::{Clock, Now};
use infiniservice_protocol::ErrorCode;
use std::cell::Cell;
use std::future::{Future, pending};
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

/// How long the loop lives in each setting.
const LIFE: Duration = Duration::from_secs(6 * 3600);

#[derive(Clone, Default)]
struct Hand(Rc<Cell<Duration>>);

impl Clock for Hand {
    fn now(&self) -> Now {
        Now { mono: self.0.get(), wall: UNIX_EPOCH + self.0.get() }
    }
}

/// What finds a port, or does not.
struct Scripted(Script);

/// A port that takes bytes or not, and never has any.
struct Mute {
    host: Option<bool>,
    takes: bool,
}

impl Transport for Scripted {
    type Port = Mute;

    fn open(&mut self) -> Result<Mute, OpenFailure> {
        self.0()
    }

    fn changed(&mut self) -> impl Future<Output = ()> {
        pending()
    }
}

impl Port for Mute {
    fn path(&self) -> &Path {
        Path::new("/dev/mute")
    }

    fn host(&self) -> Option<bool> {
        self.host
    }

    async fn ready(&mut self) -> io::Result<Ready> {
        pending().await
    }

    fn try_read(&mut self, _buffer: &mut [u8]) -> ReadOutcome {
        ReadOutcome::WouldBlock
    }

    fn try_write(&mut self, bytes: &[u8]) -> WriteOutcome {
        if self.takes { WriteOutcome::Wrote(bytes.len()) } else { WriteOutcome::WouldBlock }
    }
}

fn loaded(settings: &[(&str, &str)]) -> Loaded {
    let flag = |(name, text): &(&str, &str)| FlagValue {
        flag: "--set".into(),
        name: (*name).into(),
        text: (*text).into(),
    };
    let flags = settings.iter().map(flag).collect();
    let sources = Sources {
        default_file: "/proc/no-such-file".into(),
        config_flag: None,
        environment: Vec::new(),
        flags,
    };
    sources.load().expect("valid settings")
}

/// Lets the loop's timers run, and returns how often it woke.
fn live<T: Transport>(agent: &mut Agent<T, Hand>, clock: &Hand, what: &str) -> u32 {
    let mut wakes = 0;
    agent.take(Turn::Timer);
    while clock.0.get() < LIFE {
        let Some(deadline) = agent.next_deadline() else { return wakes };
        let now = clock.0.get();
        assert!(deadline > now, "{what}: {deadline:?} is still due at {now:?}");
        clock.0.set(deadline);
        agent.take(Turn::Timer);
        wakes += 1;
    }
    wakes
}

fn agent<T: Transport>(settings: &[(&str, &str)], transport: T) -> (Agent<T, Hand>, Hand) {
    let clock = Hand::default();
    (wiring::agent(loaded(settings), transport, None, None, clock.clone()).expect("an agent"), clock)
}

const FAST: &[(&str, &str)] = &[
    ("collection_interval_secs", "1"),
    ("keep_alive_interval_secs", "1"),
    ("keep_alive_timeout_secs", "1"),
    ("health_check_interval_secs", "1"),
    ("connection_timeout_secs", "1"),
    ("validate_connection", "true"),
    ("circuit_breaker_failure_threshold", "1"),
    ("circuit_breaker_open_secs", "1"),
];

#[tokio::test]
async fn a_deadline_that_was_served_is_later_than_now_whatever_the_settings_are() {
    for settings in [&[][..], FAST, &[("aggressive_retry", "true")]] {
        for (what, script) in PORTS {
            let (mut agent, clock) = agent(settings, Scripted(*script));
            assert!(live(&mut agent, &clock, what) > 0, "{what}");
        }
        let (mut agent, clock) = agent(&[settings, &[("no_virtio", "true")]].concat(), NoTransport);
        agent.schedule.host_connected(Duration::ZERO);
        assert!(live(&mut agent, &clock, "no port wanted") > 0);
    }
}

type Script = fn() -> Result<Mute, OpenFailure>;

const PORTS: &[(&str, Script)] = &[
    ("no device", || Err(OpenFailure::Absent)),
    ("a host that never answers", || Ok(Mute { host: None, takes: true })),
    ("a host that reads nothing", || Ok(Mute { host: Some(true), takes: false })),
];

#[tokio::test]
async fn without_a_port_the_loop_wakes_for_collections_and_health_checks_only() {
    let (mut agent, clock) = agent(&[("no_virtio", "true")], NoTransport);
    agent.schedule.host_connected(Duration::ZERO);
    let wakes = live(&mut agent, &clock, "no port wanted");
    // A collection each 30 s, a health check each 60 s, and the tries of the start.
    assert!((700..1100).contains(&wakes), "{wakes}");
}

#[tokio::test]
async fn a_port_that_is_required_and_missing_does_not_hold_up_the_end() {
    let (mut agent, clock) = agent(&[("require_virtio", "true")], Scripted(|| Err(OpenFailure::Absent)));
    agent.stopping = true;
    live(&mut agent, &clock, "stopping without the required port");
}

#[tokio::test]
async fn a_deadline_that_nobody_serves_is_put_off() {
    let (mut agent, clock) = agent(&[], NoTransport);
    clock.0.set(Duration::from_secs(10));
    for _ in 0..10 {
        agent.pace.served(Duration::from_secs(10));
        let _ = agent.pace.wake(Some(Duration::ZERO));
    }
    assert_eq!(agent.pace.wake(Some(Duration::ZERO)).at, Some(Duration::from_secs(10) + REST));
}

#[tokio::test]
async fn a_restart_is_refused_under_the_native_name_and_under_the_hosts() {
    let refused = |settings: &[(&str, &str)]| {
        let settings = [&[("wire_profile", "infinibay")], settings].concat();
        let (agent, _clock) = agent(&settings, Scripted(|| Err(OpenFailure::Absent)));
        agent.may_restart("RebootSystem", false).err().map(|error| error.code)
    };
    for blocked in ["Reboot", "RebootSystem"] {
        let found = refused(&[("blocked_actions", blocked)]);
        assert_eq!(found, Some(ErrorCode::ActionBlocked), "{blocked}");
    }
    assert_eq!(refused(&[("allowed_actions", "ServiceList")]), Some(ErrorCode::ActionBlocked));
    // Either name allows it; a machine without an init system cannot do it all the same.
    for allowed in ["Reboot", "RebootSystem"] {
        let found = refused(&[("allowed_actions", allowed)]);
        assert!(matches!(found, None | Some(ErrorCode::Unsupported)), "{allowed}: {found:?}");
    }
}

#[tokio::test]
async fn tags_are_told_to_native_hosts_and_not_to_infinibays() {
    let tags = |profile: &str| {
        let settings = [("wire_profile", profile), ("tags", "env=prod")];
        let (agent, _clock) = agent(&settings, Scripted(|| Err(OpenFailure::Absent)));
        agent.hello().tags.get("env").map(str::to_owned)
    };
    assert_eq!((tags("native"), tags("infinibay")), (Some("prod".to_owned()), None));
}
