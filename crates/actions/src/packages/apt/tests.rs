//! What apt says, on its recorded output.

#[path = "real.rs"]
mod real;

use super::*;
use crate::packages::test_fixture::{finished, recorded};
use crate::packages::{Cause, Holder};
use infiniservice_protocol::ErrorCode;
use proptest::prelude::*;

macro_rules! failure {
    ($code:expr, $name:literal) => {
        Apt.failure(&recorded!($code, $name))
    };
}

fn arguments(request: &Request) -> Vec<String> {
    request.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

#[test]
fn the_list_has_each_package_with_its_figures() {
    let list = Apt.read_list(include_str!("fixtures/list.apt-2.6.2.stdout")).rows;
    let bash = list.iter().find(|package| package.name == "bash").unwrap();
    assert_eq!((bash.version.as_str(), bash.size_kb), ("5.2.15-2+b13", Some(7164)));
    assert_eq!(
        (bash.architecture.as_deref(), bash.description.as_str()),
        (Some("amd64"), "GNU Bourne Again SHell")
    );
    assert_eq!(list.len(), include_str!("fixtures/list.apt-2.6.2.stdout").lines().count());
}

#[test]
fn a_hostile_description_costs_nothing_but_itself() {
    let text = "installed\tevil\t1\tall\t1\t\u{1b}]0;x\u{7}a\tb\ninstalled\tgood\t2\tall\t\tfine\n";
    let list = Apt.read_list(text).rows;
    assert_eq!(
        (list[0].description.as_str(), list[1].name.as_str(), list[1].size_kb),
        ("]0;xab", "good", None)
    );
}

#[test]
fn what_is_removed_but_for_its_configuration_is_not_installed() {
    let text = "config-files\tx\t1\tall\t4\td\nnot-installed\ty\t\tall\t\td\n";
    assert_eq!(Apt.read_list(text), Reading::default());
    assert_eq!(Apt.read_list("no such row\n").unreadable, 1);
    assert!(Apt.read_query(&PackageSpec::named("x"), text).is_empty());
}

#[test]
fn a_query_tells_installed_from_half_installed_and_absent() {
    let of = |name: &str, text: &str| Apt.read_query(&PackageSpec::named(name), text);
    let plain = of("lab-plain", include_str!("fixtures/query.apt-2.6.2.stdout"));
    assert_eq!((plain[0].version.as_str(), plain[0].ready), ("1.0", true));
    let hangs = of("lab-hangs", include_str!("fixtures/query-half-configured.apt-2.6.2.stdout"));
    assert_eq!((hangs[0].version.as_str(), hangs[0].ready), ("1.0", false));
    assert!(of("lab-nosuch", include_str!("fixtures/query-absent.apt-2.6.2.stdout")).is_empty());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn of_several_architectures_the_machines_own_comes_first() {
    let text = "installed\tlibc6\t1\ti386\t1\tx\ninstalled\tlibc6\t2\tamd64\t1\tx\n";
    assert_eq!(Apt.read_query(&PackageSpec::named("libc6"), text)[0].version, "2");
}

#[test]
fn a_name_is_known_when_a_repository_has_it() {
    assert!(Apt.read_known(&recorded!(0, "madison.apt-2.6.2")));
    assert!(!Apt.read_known(&finished(0, "", "")));
}

#[test]
fn every_change_ends_its_options_before_the_name() {
    for change in [Change::Install, Change::Update, Change::Remove] {
        let request = Apt.change(change, &PackageSpec::named("vim"), false, Duration::from_secs(9));
        let arguments = arguments(&request);
        assert_eq!(arguments[arguments.len() - 2..], ["--", "vim"]);
        assert!(arguments.contains(&"DPkg::Lock::Timeout=9".to_owned()), "{arguments:?}");
        assert_eq!(arguments.contains(&"--no-remove".to_owned()), change != Change::Remove);
        assert!(request.environment.contains(&("DEBIAN_FRONTEND".into(), "noninteractive".into())));
    }
}

#[test]
fn an_unknown_name_or_version_is_not_found() {
    assert_eq!(failure!(100, "install-unknown.apt-2.6.2").code(), ErrorCode::NotFound);
    let version = failure!(100, "install-version-unknown.apt-2.6.2");
    assert_eq!(
        (version.code(), version.words.as_str()),
        (ErrorCode::NotFound, "Version '9' for 'lab-plain' was not found")
    );
}

#[test]
fn a_held_lock_is_busy_and_names_the_holder() {
    for failure in [
        failure!(100, "locked-lock-frontend.apt-2.6.2"),
        failure!(100, "locked-lists.apt-2.6.2"),
        failure!(100, "locked-archives.apt-2.6.2"),
    ] {
        assert_eq!(failure.code(), ErrorCode::Busy);
        let Some(Holder { name: Some(name), .. }) = &failure.holder else { panic!("{failure:?}") };
        assert_eq!(name, "python3");
        assert!(failure.reason().contains("python3 (pid "), "{}", failure.reason());
    }
}

#[test]
fn each_failure_is_told_by_its_cause_and_in_the_tools_words() {
    let told = [
        (
            failure!(100, "install-broken.apt-2.6.2"),
            Cause::Dependencies,
            "lab-broken : Depends: lab-absent (>= 2)",
        ),
        (
            failure!(100, "install-fails.apt-2.6.2"),
            Cause::FakeRunner,
            "installed lab-fails package post-installation script",
        ),
        (failure!(100, "install-asks.apt-2.6.2"), Cause::FakeRunner, "installed lab-fails package"),
        (failure!(100, "install-enemy.apt-2.6.2"), Cause::WouldRemove, "(lab-plain)"),
        (
            failure!(100, "install-missing-file.apt-2.6.2"),
            Cause::Stale,
            "copy:/srv/lab/main/./lab-needed_1.0.deb",
        ),
        (
            failure!(100, "refresh-unresolvable.apt-2.6.2"),
            Cause::Unreachable,
            "Could not resolve 'mirror.invalid'",
        ),
        (failure!(100, "full-archives.apt-2.6.2"), Cause::NoSpace, "free space in /var/cache/apt/archives"),
        (failure!(100, "full-target.apt-2.6.2"), Cause::NoSpace, "No space left on device"),
        (failure!(100, "interrupted.apt-2.6.2"), Cause::Interrupted, ""),
    ];
    for (failure, cause, part) in told {
        assert_eq!(failure.cause, cause, "{failure:?}");
        assert!(failure.reason().contains(part), "{:?} is not in {}", part, failure.reason());
    }
}

#[test]
fn what_the_system_needs_is_not_removed_and_the_reason_is_told() {
    let essential = failure!(100, "remove-essential.apt-2.6.2");
    assert_eq!(essential.cause, Cause::Protected);
    let needed = failure!(100, "remove-needed.apt-2.6.2");
    let reason = needed.reason_against(Change::Remove);
    assert!(reason.starts_with("packages that must stay need it (dash : Depends: dpkg"), "{reason}");
}

#[test]
fn what_no_rule_knows_is_told_by_the_last_words() {
    let failure = Apt.failure(&finished(100, "noise\n", "E: first\nE: the sky fell\n\n"));
    assert_eq!((failure.cause, failure.reason().as_str()), (Cause::Other, "the sky fell"));
}

#[test]
fn security_updates_are_told_by_their_origin() {
    let updates = Apt.read_pending(include_str!("fixtures/simulate.apt-2.6.2.stdout"), "").unwrap().rows;
    let told: Vec<_> = updates.iter().map(|u| (u.package.as_str(), u.is_security_update)).collect();
    assert_eq!(told, [("lab-fixed", true), ("lab-plain", false)]);
    assert_eq!(updates[0].version_installed.as_deref(), Some("1.0"));
    assert_eq!(updates[0].source, "Debian-Security:12/stable-security");
}

#[test]
fn a_real_machines_simulation_is_read_whole() {
    let text = include_str!("fixtures/simulate-bookworm.apt-2.6.1.stdout");
    let read = Apt.read_pending(text, "").unwrap();
    assert_eq!(read.unreadable, 0);
    let updates = read.rows;
    assert_eq!(updates.len(), 127);
    let of = |name: &str| updates.iter().find(|update| update.package == name).unwrap();
    assert_eq!(of("libgcrypt20").source, "Debian:12.15/oldstable, Debian-Security:12/oldstable-security");
    assert!(of("libgcrypt20").is_security_update && !of("bash").is_security_update);
    assert_eq!(of("openssl").architecture.as_deref(), Some("amd64"));
}

#[test]
fn whatever_a_repository_calls_itself_its_update_is_read() {
    for origins in
        ["2.0 Extras (testing):stable", "Extras (testing) [a]) [b]:sta(ble", "", "[", "])", "(", ") [x]"]
    {
        for tail in ["", " []", " [libc6:i386 on libc6:amd64 ]"] {
            let text = format!("Inst app:i386 [1.0] (2.0 {origins} [i386]){tail}\n");
            let read = Apt.read_pending(&text, "").unwrap();
            assert_eq!((read.rows.len(), read.unreadable), (1, 0), "{text}");
            let update = &read.rows[0];
            assert_eq!((update.package.as_str(), update.version_available.as_str()), ("app:i386", "2.0"));
            assert_eq!(update.architecture.as_deref(), Some("i386"), "{text}");
        }
    }
    for text in [
        "Inst ",
        "Inst app",
        "Inst app [1.0]",
        "Inst app (2.0",
        "Inst app [1.0 (2.0 x [all])",
        "Inst app (2.0 x)",
    ] {
        assert_eq!(Apt.read_pending(text, "").unwrap().unreadable, 1, "{text}");
    }
}

#[test]
fn a_plan_whose_counts_do_not_agree_is_not_understood() {
    let plan = |text: &str| Apt.read_plan(&finished(0, text, ""));
    let counted = |n: u32| {
        format!(
            "0 upgraded, 0 newly installed, {n} to remove and 0 not upgraded.\nRemv a [1]\nPurg b:i386 [1]\n"
        )
    };
    assert_eq!(plan(&counted(2)).unwrap().removed.len(), 2);
    assert!(plan(&counted(3)).is_err() && plan("").is_err());
}

#[test]
fn a_security_only_update_names_exactly_the_versions() {
    let updates = Apt.read_pending(include_str!("fixtures/simulate.apt-2.6.2.stdout"), "").unwrap().rows;
    let arguments = arguments(&Apt.update(Scope::Security(&updates[..1]), false, Duration::ZERO));
    assert_eq!(arguments[arguments.len() - 2..], ["--", "lab-fixed=2.0"]);
}

#[test]
fn a_hostile_repository_cannot_smuggle_an_option_into_an_update() {
    let hostile =
        "Inst --purge [1] (2 X:1/stable-security [all])\nInst vim- [1] (2 X:1/stable-security [all])\n";
    let updates = Apt.read_pending(hostile, "").unwrap().rows;
    assert_eq!(updates.len(), 2);
    let arguments = arguments(&Apt.update(Scope::Security(&updates), false, Duration::ZERO));
    assert_eq!(arguments.last().map(String::as_str), Some("--"));
}

#[test]
fn what_changes_packages_goes_on_when_the_agent_ends_and_nothing_else_does() {
    let target = PackageSpec::named("vim");
    for change in [Change::Install, Change::Update, Change::Remove] {
        assert!(Apt.change(change, &target, false, Duration::ZERO).outlives_the_agent);
    }
    assert!(Apt.update(Scope::All, false, Duration::ZERO).outlives_the_agent);
    assert!(Apt.update(Scope::Security(&[]), false, Duration::ZERO).outlives_the_agent);
    let others = [Apt.list(), Apt.query(&target), Apt.refresh().unwrap(), Apt.pending().all];
    assert!(others.iter().all(|request| !request.outlives_the_agent));
}

/// Runs apt-get itself over a made-up system, where there is one: what it makes of words that the grammar refuses.
#[test]
fn apt_itself_takes_refused_words_for_something_else() {
    let Some(system) = real::System::make() else { return };
    assert_eq!(system.steps("app=2.0-"), ["Remv app [1.0]"]);
    for word in ["app=2.0-", "app-", "app:any", "app:native", "app=1.0+", "app*"] {
        assert!(Apt.target(word).is_err(), "{word:?} passed");
    }
    let brackets = system.simulation(&["dist-upgrade"]);
    let read = Apt.read_pending(&brackets, "").unwrap();
    assert_eq!((read.rows.len(), read.unreadable), (1, 0), "{brackets}");
    assert_eq!(read.rows[0].package, "app");
    let plan = Apt.read_plan(&finished(0, &system.simulation(&["remove", "victim"]), "")).unwrap();
    let removed: Vec<_> = plan.removed.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(removed, ["user", "victim"]);
}

proptest! {
    #[test]
    fn no_output_makes_a_reader_fail(text in any::<String>(), line in "Inst [^\\n]{0,60}") {
        Apt.read_list(&text);
        Apt.read_query(&PackageSpec::named("x"), &text);
        Apt.failure(&finished(100, &text, &line));
        let read = Apt.read_pending(&format!("{line}\n{text}"), "").unwrap();
        prop_assert!(!read.rows.is_empty() || read.unreadable > 0);
    }
}
