//! Operations against a simulated service control manager.

use super::control::Operation;
use super::simulated::{Machine, Simulated, service};
use super::state::{StartType, State};
use super::{ScmError, Service};
use infiniservice_protocol::ErrorCode;
use infiniservice_protocol::ServiceOperation::{self, Disable, Enable, Restart, Start, Status, Stop};

fn run(machine: &Machine, name: &str, operation: ServiceOperation) -> Result<(Service, String), ScmError> {
    let operation_on = Operation { manager: machine, name, own: "InfiniService", pause: &|_| true };
    operation_on.run(operation)
}

fn asked(machine: &Machine) -> Vec<String> {
    machine.asked.borrow().clone()
}

#[test]
fn a_start_is_waited_for_and_a_running_service_is_left_alone() {
    let machine = Machine::of([("wuauserv", service(State::Stopped))]);
    let (after, _) = run(&machine, "wuauserv", Start).unwrap();
    assert_eq!(after.info().status, "running");
    run(&machine, "wuauserv", Start).unwrap();
    assert_eq!(asked(&machine), ["start wuauserv"]);
}

#[test]
fn one_that_just_stops_is_started_once_it_has_stopped() {
    let machine = Machine::of([("a", service(State::Running))]);
    super::control::Manager::stop(&machine, "a").unwrap();
    run(&machine, "a", Start).unwrap();
    assert_eq!(
        (machine.state("a"), asked(&machine)),
        (State::Running, vec!["stop a".into(), "start a".into()])
    );
}

#[test]
fn a_database_that_another_start_locks_is_waited_for() {
    let machine = Machine::of([("a", Simulated { locked: 3, ..service(State::Stopped) })]);
    run(&machine, "a", Start).unwrap();
    assert_eq!((machine.state("a"), asked(&machine).len()), (State::Running, 4));
    let machine = Machine::of([("a", Simulated { locked: u32::MAX, ..service(State::Stopped) })]);
    assert_eq!(run(&machine, "a", Start).unwrap_err().code(), ErrorCode::Busy);
}

#[test]
fn dependents_are_stopped_first_and_started_again_after_a_restart() {
    let dependent = Simulated { needs: vec!["base"], ..service(State::Running) };
    let idle = Simulated { needs: vec!["base"], ..service(State::Stopped) };
    let services = [("base", service(State::Running)), ("user", dependent), ("idle", idle)];
    let machine = Machine::of(services.clone());
    let (_, note) = run(&machine, "base", Restart).unwrap();
    assert_eq!(asked(&machine), ["stop user", "stop base", "start base", "start user"]);
    assert!(note.contains("user") && !note.contains("idle"), "{note}");
    let machine = Machine::of(services);
    run(&machine, "base", Stop).unwrap();
    assert_eq!((machine.state("base"), machine.state("user")), (State::Stopped, State::Stopped));
}

#[test]
fn a_paused_service_is_resumed() {
    let machine = Machine::of([("a", service(State::Paused))]);
    run(&machine, "a", Start).unwrap();
    assert_eq!((machine.state("a"), asked(&machine)), (State::Running, vec!["resume a".into()]));
}

#[test]
fn a_start_that_fails_tells_the_services_exit_code() {
    let machine = Machine::of([("a", Simulated { fails_with: 1067, ..service(State::Stopped) })]);
    let error = run(&machine, "a", Start).unwrap_err().to_string();
    assert!(error.contains("did not start") && error.contains("PROCESS_ABORTED, 1067"), "{error}");
}

#[test]
fn a_start_after_which_nothing_runs_is_none_though_nothing_failed() {
    for (ends_after, words) in [(0, "did not start: its process ended at once"), (1, "did not stay running")]
    {
        for operation in [Start, Restart] {
            let brief = Simulated { ends_after: Some(ends_after), ..service(State::Stopped) };
            let machine = Machine::of([("a", brief)]);
            let error = run(&machine, "a", operation).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("without an error"), "{operation:?}: {error}");
        }
    }
}

#[test]
fn a_dependent_that_does_not_stay_after_a_restart_is_named() {
    let brief = Simulated { needs: vec!["base"], ends_after: Some(2), ..service(State::Running) };
    let machine = Machine::of([("base", service(State::Running)), ("user", brief)]);
    let error = run(&machine, "base", Restart).unwrap_err().to_string();
    assert!(error.contains("user did not stay running"), "{error}");
}

#[test]
fn one_that_hangs_is_given_up_with_its_state() {
    let machine = Machine::of([("a", Simulated { looks: None, ..service(State::Stopped) })]);
    let error = run(&machine, "a", Start).unwrap_err().to_string();
    assert!(error.contains("a hangs: it is starting"), "{error}");
}

#[test]
fn a_command_that_must_end_says_that_the_manager_goes_on() {
    let machine = Machine::of([("a", service(State::Stopped))]);
    let operation = Operation { manager: &machine, name: "a", own: "InfiniService", pause: &|_| false };
    let error = operation.run(Start).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.to_string().contains("while a starts"), "{error}");
}

#[test]
fn what_cannot_be_done_is_refused_before_anything_is_asked() {
    let disabled = Simulated { start_type: StartType::Disabled, ..service(State::Stopped) };
    let own = service(State::Running);
    let stubborn = Simulated { accepts_stop: false, ..service(State::Running) };
    let base = service(State::Running);
    let user = Simulated { needs: vec!["base"], ..own.clone() };
    let machine =
        Machine::of([("d", disabled), ("stubborn", stubborn), ("base", base), ("InfiniService", user)]);
    for (name, operation, words) in [
        ("d", Start, "disabled"),
        ("d", Restart, "disabled"),
        ("infiniservice", Stop, "this agent"),
        ("InfiniService", Restart, "this agent"),
        ("InfiniService", Disable, "this agent"),
        ("base", Stop, "this agent"),
        ("stubborn", Stop, "does not accept the stop control"),
    ] {
        let error = run(&machine, name, operation).unwrap_err().to_string();
        assert!(error.contains(words), "{operation:?} {name}: {error}");
    }
    assert_eq!(asked(&machine), [""; 0]);
}

#[test]
fn enable_makes_a_manual_or_disabled_service_automatic_and_disable_ends_no_process() {
    let machine = Machine::of([("a", service(State::Running))]);
    assert_eq!(run(&machine, "a", Enable).unwrap().0.info().startup_type, "auto");
    run(&machine, "a", Enable).unwrap();
    assert_eq!(run(&machine, "a", Disable).unwrap().0.info().startup_type, "disabled");
    assert_eq!(
        (machine.state("a"), asked(&machine)),
        (State::Running, vec!["auto a".into(), "disabled a".into()])
    );
}

#[test]
fn an_unknown_service_is_not_found() {
    let error = run(&Machine::default(), "nothing", Status).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert!(error.to_string().contains("SERVICE_DOES_NOT_EXIST"), "{error}");
}
