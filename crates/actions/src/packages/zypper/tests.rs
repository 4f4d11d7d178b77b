//! What zypper says, on its recorded output.

use super::*;
use crate::packages::test_fixture::{finished, recorded};
use crate::packages::{Cause, HELD, Holder, explain, mark};
use infiniservice_protocol::ErrorCode;
use proptest::prelude::*;

macro_rules! failure {
    ($code:expr, $name:literal) => {
        Zypper.failure(&recorded!($code, $name))
    };
}

macro_rules! text {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name, ".zypper-1.14.42.stdout"))
    };
}

fn arguments(request: &Request) -> Vec<String> {
    request.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

fn names(all: &[Planned]) -> Vec<&str> {
    all.iter().map(|one| one.name.as_str()).collect()
}

#[test]
fn names_may_carry_a_version_and_nothing_that_zypper_reads_otherwise() {
    for name in ["vim", "glibc.i686", "gtk+", "vim-9.0-1.x86_64", "_x", "7zip", "a~rc1^git"] {
        assert_eq!(Zypper.target(name).map(|target| target.name), Ok(name.to_owned()));
    }
    for name in [
        "-vim",
        "--",
        "+vim",
        "!vim",
        "~vim",
        "vim=9",
        "vim<9",
        "vim>=9",
        "vim*",
        "vi?",
        "[v]im",
        "lab:vim",
        "pattern:x",
        "vim-2:9.0-1",
        "/bin/sh",
        "./x",
        "x.rpm",
        "perl(X)",
        "a b",
        "a;b",
        "",
        "a\n",
        "ä",
        "@core",
    ] {
        assert!(Zypper.target(name).is_err(), "{name:?} passed");
    }
}

#[test]
fn a_name_stands_behind_a_double_dash_and_only_packages_are_meant() {
    let target = PackageSpec::named("vim");
    for change in [Change::Install, Change::Update, Change::Remove] {
        let simulation = Zypper.simulate(change, &target).unwrap();
        for request in [Zypper.change(change, &target, false, Duration::ZERO), simulation] {
            let arguments = arguments(&request);
            assert!(arguments.ends_with(&["--".to_owned(), "vim".to_owned()]), "{arguments:?}");
            assert!(arguments.windows(2).any(|two| two == ["--type", "package"]), "{arguments:?}");
            assert!(arguments.iter().any(|one| one == "--non-interactive"), "{arguments:?}");
        }
    }
}

#[test]
fn only_a_simulation_and_a_cascade_may_take_others_away() {
    let has = |request: &Request, what: &str| arguments(request).iter().any(|one| one == what);
    let target = PackageSpec::named("vim");
    let change = |cascade| Zypper.change(Change::Install, &target, cascade, Duration::ZERO);
    let update = |cascade| Zypper.update(Scope::All, cascade, Duration::ZERO);
    for (careful, daring) in [(change(false), change(true)), (update(false), update(true))] {
        assert!(has(&careful, NO_FORCE) && !has(&careful, FORCE) && !has(&careful, "--dry-run"));
        assert!(has(&daring, FORCE) && !has(&daring, NO_FORCE) && daring.outlives_the_agent);
    }
    let simulations =
        [Zypper.simulate(Change::Remove, &target), Zypper.simulate_update(Scope::Security(&[]), false)];
    for simulation in simulations.into_iter().flatten() {
        assert!(has(&simulation, "--dry-run") && has(&simulation, FORCE) && !simulation.outlives_the_agent);
    }
}

#[test]
fn a_name_is_known_when_a_repository_has_it() {
    assert!(Zypper.read_known(&recorded!(0, "known.zypper-1.14.42")));
    assert!(Zypper.read_known(&recorded!(0, "known-version.zypper-1.14.42")));
    assert!(!Zypper.read_known(&recorded!(104, "known-not.zypper-1.14.42")));
    let asked = |name| arguments(&Zypper.known(&PackageSpec::named(name)).unwrap());
    assert!(asked("glibc.i686").ends_with(&["--".into(), "glibc.i686".into(), "glibc".into()]));
    assert!(asked("python3.11").ends_with(&["--".into(), "python3.11".into()]));
}

#[test]
fn what_goes_for_a_change_is_told_before_it() {
    let plan = |finished| Zypper.read_plan(&finished).unwrap();
    let enemy = plan(recorded!(0, "enemy-simulated.zypper-1.14.42"));
    assert_eq!((names(&enemy.removed), enemy.downgraded.len()), (vec!["lab-plain"], 0));
    let downgrade = plan(recorded!(0, "downgrade-simulated.zypper-1.14.42"));
    assert_eq!((names(&downgrade.downgraded), downgrade.removed.len()), (vec!["lab-plain"], 0));
    let replaces = plan(recorded!(0, "replaces-simulated.zypper-1.14.42"));
    assert_eq!(names(&replaces.removed), ["lab-old"], "zypper does not tell it from a removal");
    assert!(plan(recorded!(0, "update-simulated.zypper-1.14.42")).is_harmless());
    assert!(plan(recorded!(0, "nothing-simulated.zypper-1.14.42")).is_harmless());
    let named = downgrade.without(|one| Zypper.is_named(&PackageSpec::named("lab-plain-1.0-1"), one));
    assert!(named.is_harmless());
}

#[test]
fn an_answer_that_is_cut_or_miscounted_or_has_no_summary_means_nothing() {
    let whole = text!("enemy-simulated");
    let read = |text: &str| Zypper.read_plan(&finished(0, text, "")).map(|plan| plan.removed.len());
    assert_eq!(read(whole), Ok(1));
    assert!(read(&whole.replace("</stream>", "")).unwrap_err().contains("not whole"));
    assert!(read(&whole.replace("packages-to-change=\"2\"", "packages-to-change=\"3\"")).is_err());
    assert!(read(&whole.replace("name=\"lab-plain\"", "name=\"a b\"")).is_err(), "a name that is none");
    assert!(read(text!("busy-pending")).unwrap_err().contains("no summary"));
    assert!(read("<a></b>").unwrap_err().contains("no XML"));
    assert!(Zypper.read_pending(text!("known"), "").is_err(), "no list of updates");
}

#[test]
fn updates_are_told_with_their_versions_and_the_security_ones_by_their_patches() {
    let read = Zypper.read_pending(text!("pending"), text!("pending-security")).unwrap();
    let told: Vec<_> = read
        .rows
        .iter()
        .map(|u| (&*u.package, u.version_installed.as_deref(), &*u.version_available, u.is_security_update))
        .collect();
    let want = [("lab-fixed", Some("1.0-1"), "2.0-1", true), ("lab-plain", Some("1.0-1"), "2.0-1", false)];
    assert_eq!((told, read.unreadable), (want.to_vec(), 0));
    assert_eq!((&*read.rows[0].source, read.rows[0].architecture.as_deref()), ("lab", Some("noarch")));
}

#[test]
fn a_name_that_is_none_is_counted_and_told_nobody() {
    for name in ["a b", "-y", "../x", "&#27;[2J", "", "&lt;x&gt; y"] {
        let hostile = text!("pending").replace("name=\"lab-fixed\"", &format!("name=\"{name}\""));
        let read = Zypper.read_pending(&hostile, "").unwrap();
        assert_eq!((read.rows.len(), read.unreadable), (1, 1), "{name:?}");
    }
}

#[test]
fn what_a_lock_keeps_back_is_held() {
    let mut updates = Zypper.read_pending(text!("locked-pending"), "").unwrap().rows;
    mark(&mut updates, &Zypper.read_doable(text!("locked-simulated")).unwrap());
    explain(&mut updates, &Zypper.read_reasons(&[text!("locks").to_owned()]));
    let told: Vec<_> = updates.iter().map(|u| (&*u.package, u.blocked_by.as_deref())).collect();
    assert_eq!(told, [("lab-fixed", Some(HELD)), ("lab-plain", None)]);
    mark(&mut updates, &HashSet::new());
    explain(&mut updates, &Reasons::default());
    assert_eq!(updates[0].blocked_by.as_deref(), Some("kept back"), "nothing is phased here");
}

#[test]
fn a_held_lock_is_busy_and_names_the_holder() {
    for failure in [failure!(7, "busy.zypper-1.14.42"), failure!(7, "busy-pending.zypper-1.14.42")] {
        assert_eq!(failure.code(), ErrorCode::Busy);
        let holder = failure.holder.unwrap();
        assert!(holder.pid > 1 && holder.name.as_deref() == Some("sleep"), "{holder:?}");
    }
    let words = "System management is locked by the application with pid 7 ((sd-pam)).\n";
    assert_eq!(
        Zypper.failure(&finished(7, words, "")).holder,
        Some(Holder { pid: 7, name: Some("(sd-pam)".into()) })
    );
}

#[test]
fn each_failure_is_told_by_its_cause_and_in_the_tools_words() {
    let told = [
        (failure!(104, "unknown-simulated.zypper-1.14.42"), Cause::NotFound, "'lab-nosuch' not found"),
        (
            failure!(4, "broken-simulated.zypper-1.14.42"),
            Cause::Dependencies,
            "nothing provides lab-absent >= 2",
        ),
        (failure!(4, "enemy.zypper-1.14.42"), Cause::WouldRemove, "conflicts with lab-plain"),
        (failure!(4, "locked-security.zypper-1.14.42"), Cause::Held, "remove lock"),
        (
            failure!(107, "install-fails.zypper-1.14.42"),
            Cause::FakeRunner,
            "lab-fails-1.0-1.noarch) scriptlet failed",
        ),
        (
            failure!(8, "install-refuses.zypper-1.14.42"),
            Cause::FakeRunner,
            "lab-refuses-1.0-1.noarch) scriptlet failed",
        ),
        (failure!(8, "full.zypper-1.14.42"), Cause::NoSpace, "/usr/share/lab-big filesystem"),
        (failure!(4, "unreachable-refresh.zypper-1.14.42"), Cause::Unreachable, "Failed to connect"),
        (failure!(6, "no-repository.zypper-1.14.42"), Cause::Other, "no enabled repositories"),
        (failure!(5, "no-root.zypper-1.14.42"), Cause::Permission, "Root privileges"),
        (Zypper.failure(&finished(1, "", "odd\n")), Cause::Other, "odd"),
    ];
    for (failure, cause, part) in told {
        assert_eq!(failure.cause, cause, "{failure:?}");
        assert!(failure.reason().contains(part), "{part:?} is not in {}", failure.reason());
    }
}

#[test]
fn the_codes_that_tell_something_beside_success_are_successes() {
    for code in [0, 100, 101, 102, 103, 106] {
        assert!(Zypper.ended_well(&finished(code, "", "")), "{code}");
    }
    for code in [1, 2, 3, 4, 5, 6, 7, 8, 104, 105, 107] {
        assert!(!Zypper.ended_well(&finished(code, "", "")), "{code}");
    }
    let passed_over = recorded!(106, "unreachable-pending.zypper-1.14.42");
    assert!(Zypper.ended_well(&passed_over));
    assert!(Zypper.read_pending(&passed_over.stdout.text, "").unwrap().rows.is_empty());
}

proptest! {
    #[test]
    fn no_output_makes_a_reader_fail(text in any::<String>(), inner in "(<[a-z/ ]{0,9}>|&[a-z#0-9]{0,5};|[a-z =\"'])*") {
        for text in [&text, &format!("<?xml version='1.0'?><stream>{inner}</stream>")] {
            let finished = finished(4, text, &inner);
            let _ = (Zypper.failure(&finished), Zypper.read_plan(&finished), Zypper.read_known(&finished));
            let _ = Zypper.read_pending(text, text);
            Zypper.read_reasons(std::slice::from_ref(text));
        }
    }
}
