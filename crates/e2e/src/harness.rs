//! Runs scenarios one after the other in one machine, as `cargo test` shows tests.

use crate::Guest;
use crate::times::Times;
use anyhow::Result;
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use std::sync::{Arc, Mutex, PoisonError};

/// A scenario's name and what it does.
pub type Scenario<S = Guest> = (&'static str, fn(&S) -> Result<()>);

/// What scenarios run in: made for the first of them, kept for all.
pub trait Environment: Send + Sized + 'static {
    /// The variable that asks for it by `1`.
    const VARIABLE: &'static str;
    /// What these scenarios need: said where they are left out.
    const NEEDS: &'static str;
    /// The command that runs them with all that they need.
    const COMMAND: &'static str = "cargo xtask test";

    /// Makes it ready.
    fn set_up() -> Result<Self>;

    /// What the agent logged, for a scenario that failed.
    fn agent_log(&self) -> Result<String>;
}

/// Whether the stage was asked for; tells why not where it was not.
pub fn wanted<S: Environment>() -> bool {
    let wanted = std::env::var_os(S::VARIABLE).is_some_and(|value| value == "1");
    if !wanted {
        println!("left out: these scenarios {}; set {}=1, or run {}", S::NEEDS, S::VARIABLE, S::COMMAND);
    }
    wanted
}

/// Runs the scenarios that the command line picks, in order. The stage is set up for the first of them.
pub fn run<S: Environment>(scenarios: &[Scenario<S>]) -> Conclusion {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let wanted = arguments.list || wanted::<S>();
    let stage: Arc<Mutex<Setting<S>>> = Arc::default();
    let times: Arc<Times> = Arc::default();
    let trials = scenarios.iter().map(|&(name, scenario)| {
        let (stage, times) = (stage.clone(), times.clone());
        let work = move || times.of(name, || in_environment(&stage, &times, scenario));
        Trial::test(name, work).with_ignored_flag(!wanted)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    print!("{times}");
    conclusion
}

/// What the time table calls the stage's own making, which the first scenario waits for.
const SET_UP: &str = "setting up (within the first)";

/// What became of setting the stage up. One that failed would fail again, and take its minutes for each scenario.
#[derive(Default)]
enum Setting<S> {
    #[default]
    NotYet,
    Ready(S),
    Failed,
}

impl<S: Environment> Setting<S> {
    fn ready(&mut self, times: &Times) -> Result<&S, Failed> {
        if matches!(self, Self::NotYet) {
            let set_up = times.of(SET_UP, S::set_up);
            *self = set_up.map_or_else(|error| Self::failed(&error), Self::Ready);
        }
        match self {
            Self::Ready(stage) => Ok(stage),
            Self::Failed | Self::NotYet => Err("the stage is not ready; the first failure says why".into()),
        }
    }

    fn failed(error: &anyhow::Error) -> Self {
        println!("the stage is not ready, so every scenario fails: {error:#}");
        Self::Failed
    }
}

fn in_environment<S: Environment>(
    stage: &Mutex<Setting<S>>,
    times: &Times,
    scenario: fn(&S) -> Result<()>,
) -> Result<(), Failed> {
    let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = stage.ready(times)?;
    scenario(stage).map_err(|error| {
        // At once, for those who watch with --nocapture: the harness shows failures at the very end.
        println!("failed: {error:#}");
        let log = stage.agent_log().unwrap_or_else(|error| format!("{error:#}"));
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!("{error:#}\n--- the agent's log:\n{}", tail.join("\n")).into()
    })
}
