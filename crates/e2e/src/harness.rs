//! Runs scenarios one after the other in one machine, as `cargo test` shows tests.

use crate::Guest;
use anyhow::Result;
use libtest_mimic::{Arguments, Conclusion, Failed, Trial};
use std::sync::{Arc, Mutex, PoisonError};

/// A scenario's name and what it does.
pub type Scenario = (&'static str, fn(&Guest) -> Result<()>);

/// Whether the machine was asked for; tells why not where it was not.
pub fn machine_wanted() -> bool {
    let wanted = std::env::var_os("INFINISERVICE_VM").is_some_and(|value| value == "1");
    if !wanted {
        println!(
            "left out: these scenarios boot a virtual machine; set INFINISERVICE_VM=1, or run cargo xtask test"
        );
    }
    wanted
}

/// Runs the scenarios that the command line picks, in order. The machine is booted for the first of them.
pub fn run(scenarios: &[Scenario]) -> Conclusion {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let wanted = arguments.list || machine_wanted();
    let guest: Arc<Mutex<Option<Guest>>> = Arc::default();
    let trials = scenarios.iter().map(|&(name, scenario)| {
        let guest = guest.clone();
        Trial::test(name, move || in_machine(&guest, scenario)).with_ignored_flag(!wanted)
    });
    libtest_mimic::run(&arguments, trials.collect())
}

fn in_machine(guest: &Mutex<Option<Guest>>, scenario: fn(&Guest) -> Result<()>) -> Result<(), Failed> {
    let mut guest = guest.lock().unwrap_or_else(PoisonError::into_inner);
    if guest.is_none() {
        *guest = Some(Guest::boot().map_err(|error| told(&error))?);
    }
    let Some(guest) = guest.as_ref() else { return Err("no machine".into()) };
    scenario(guest).map_err(|error| {
        // At once, for those who watch with --nocapture: the harness shows failures at the very end.
        println!("failed: {error:#}");
        let log = guest.log().unwrap_or_else(|error| format!("{error:#}"));
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        format!("{error:#}\n--- the agent's log:\n{}", tail.join("\n")).into()
    })
}

fn told(error: &anyhow::Error) -> Failed {
    format!("{error:#}").into()
}
