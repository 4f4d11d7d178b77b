//! What dnf and rpm say, on their recorded output.

use super::*;
use crate::packages::test_fixture::{finished, recorded};
use crate::packages::{Cause, Holder};
use infiniservice_protocol::ErrorCode;
use proptest::prelude::*;

macro_rules! failure {
    ($code:expr, $name:literal) => {
        Dnf.failure(&recorded!($code, $name))
    };
}

fn arguments(request: &Request) -> Vec<String> {
    request.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

#[test]
fn the_list_has_each_package_with_its_figures() {
    let list = Dnf.read_list(include_str!("fixtures/rpm-list.rpm-4.18.0.stdout")).rows;
    let names: Vec<_> = list.iter().map(|package| package.name.as_str()).collect();
    assert_eq!(names, ["lab-shell", "lab-plain", "lab-fixed"]);
    assert_eq!((list[1].version.as_str(), list[1].size_kb), ("1.0-1", Some(1)));
    assert_eq!(list[1].description, "The package lab-plain");
}

#[test]
fn epochs_are_told_keys_are_no_packages_and_a_summary_of_two_lines_harms_nobody() {
    let text = "vim\t2:9.0-1\tx86_64\t4000\tfirst\nsecond line\ngpg-pubkey\t1-2\t(none)\t0\tkey\nx\t1-1\tnoarch\t1\t\u{1b}[2J\n";
    let told: Vec<_> = Dnf.read_list(text).rows.into_iter().map(|p| (p.version, p.description)).collect();
    assert_eq!(told, [("2:9.0-1".into(), "first".into()), ("1-1".into(), "[2J".into())]);
}

#[test]
fn a_query_tells_installed_from_absent() {
    let of = |text: &str| Dnf.read_query(&PackageSpec::named("lab-plain"), text);
    assert_eq!(of(include_str!("fixtures/rpm-query.rpm-4.18.0.stdout"))[0].version, "1.0-1");
    assert!(of(include_str!("fixtures/rpm-query-absent.rpm-4.18.0.stdout")).is_empty());
}

#[test]
fn a_name_is_known_when_a_repository_has_it() {
    assert!(Dnf.read_known(&recorded!(0, "known.dnf-4.14.0")));
    assert!(!Dnf.read_known(&recorded!(0, "known-not.dnf-4.14.0")));
}

#[test]
fn names_may_carry_a_version_and_nothing_that_dnf_would_take_for_something_else() {
    for name in ["vim-enhanced", "glibc.i686", "gtk+", "vim-2:9.0-1.fc38.x86_64", "_x", "7zip", "a~rc1^git"] {
        assert_eq!(Dnf.target(name).map(|target| target.name), Ok(name.to_owned()));
    }
    for name in [
        "-y",
        "@development",
        "vim*",
        "perl(Foo)",
        "/tmp/x.rpm",
        "x.rpm",
        "http://x/y",
        "a b",
        "a;b",
        "",
        "a\n",
        "ä",
    ] {
        assert!(Dnf.target(name).is_err(), "{name:?} passed");
    }
}

#[test]
fn a_name_with_a_leading_dash_never_gets_to_dnf_whose_fifth_knows_no_double_dash() {
    for name in ["-", "--", "-C", "--installroot=/x", "-vim", "--vim-1.0-1.noarch"] {
        assert!(Dnf.target(name).is_err(), "{name:?} passed");
    }
    let target = PackageSpec::named("vim");
    let changes = [Change::Install, Change::Update, Change::Remove];
    let changes = changes.map(|change| Dnf.change(change, &target, false, Duration::ZERO));
    for request in changes.iter().chain(&Dnf.known(&target)) {
        let arguments = arguments(request);
        assert!(
            arguments.contains(&"-y".to_owned()) && !arguments.contains(&"--".to_owned()),
            "{arguments:?}"
        );
        assert_eq!(arguments.last().map(String::as_str), Some("vim"));
    }
}

#[test]
fn queries_ask_in_words_that_both_dnf4_and_dnf5_know() {
    let format = "--queryformat=%{name}\t%{evr}\t%{arch}\t%{repoid}\\n".to_owned();
    let pending = Dnf.pending();
    for request in [pending.all, pending.security.unwrap(), Dnf.known(&PackageSpec::named("vim")).unwrap()] {
        let arguments = arguments(&request);
        assert!(arguments.contains(&format), "{arguments:?}");
        assert!(arguments.contains(&"--setopt=color=never".to_owned()), "{arguments:?}");
        assert!(!arguments.iter().any(|argument| argument.starts_with("--color")), "{arguments:?}");
    }
}

#[test]
fn pending_updates_are_read_without_fetching_lists_which_only_a_refresh_does() {
    let cache_only = |request: &Request| arguments(request).contains(&"-C".to_owned());
    let pending = Dnf.pending();
    assert!(cache_only(&pending.all) && cache_only(&pending.security.unwrap()));
    assert!(!cache_only(&Dnf.refresh().unwrap()));
}

#[test]
fn lists_that_were_never_fetched_are_told_as_that() {
    for words in [
        "Cache-only enabled but no cache for 'lab'",
        "Cache-only enabled but no cache for repository \"lab\"",
    ] {
        let failure = Dnf.failure(&finished(1, "", &format!("Error: {words}\n")));
        assert_eq!(failure.cause, Cause::Unfetched);
        assert_eq!(failure.reason(), format!("a repository's metadata was never fetched ({words})"));
    }
}

#[test]
fn an_answer_without_any_row_is_an_error_and_no_answer_is_nothing_pending() {
    assert_eq!(Dnf.read_pending("", "\n"), Ok(Reading::default()));
    let loading = "Updating and loading repositories:\nRepositories loaded.\n";
    assert_eq!(Dnf.read_pending(loading, loading), Ok(Reading::default()));
    let half = Dnf.read_pending("vim\t9.0-1\tx86_64\tupdates\nodd line\n", "").unwrap();
    assert_eq!((half.rows.len(), half.unreadable), (1, 1));
    let unread = "vim\\t9.0-1\\tx86_64\\tupdates\n";
    for (all, security) in [(unread, ""), ("vim\t9.0-1\tx86_64\tupdates\n", unread)] {
        let error = Dnf.read_pending(all, security).unwrap_err();
        assert!(error.contains("format") && error.contains("vim\\t9.0-1"), "{error}");
    }
}

#[test]
fn a_table_tells_what_comes_and_what_goes_also_where_names_are_long() {
    let recorded = recorded!(0, "install.dnf-4.14.0");
    assert_eq!(Dnf.read_plan(&recorded), Ok(Plan::default()));
    let brought = Dnf.read_doable(&recorded.stdout.text).unwrap();
    assert!(brought.contains(&("lab-plain".to_owned(), "1.0-1".to_owned())), "{brought:?}");
    let removal = "Dependencies resolved.\n====\n Package Arch Version Repository Size\n====\nRemoving:\n \
        lab-plain noarch 1.0-1 @System 4\nRemoving dependent packages:\n a-name-that-takes-the-whole-of-its-column\n   \
                  noarch 2:1.0-1 @System 4 k\n\nTransaction Summary\n====\nRemove  2 Packages\n";
    let aborted = finished(1, removal, "Operation aborted.\n");
    assert!(Dnf.simulated_well(&aborted));
    let plan = Dnf
        .read_plan(&aborted)
        .unwrap()
        .without(|one| Dnf.is_named(&PackageSpec::named("lab-plain.noarch"), one));
    assert_eq!(plan.removed.len(), 1);
    assert_eq!(plan.removed[0].name, "a-name-that-takes-the-whole-of-its-column");
    let lacking = removal.replace("2 Packages", "3 Packages");
    assert!(Dnf.read_plan(&finished(1, &lacking, "")).is_err());
    assert!(Dnf.read_plan(&finished(1, "odd", "")).is_err());
    assert_eq!(Dnf.read_plan(&finished(0, "Nothing to do.\n", "")), Ok(Plan::default()));
}

#[test]
fn what_a_repository_replaces_is_no_removal_but_for_who_named_another_package() {
    let recorded = recorded!(1, "upgrade-replaces.dnf-4.14.0");
    assert!(Dnf.simulated_well(&recorded));
    let plan = Dnf.read_plan(&recorded).unwrap();
    let told: Vec<_> = plan.replaced.iter().map(|one| (one.old.name.as_str(), one.by.as_str())).collect();
    assert_eq!(told, [("lab-old", "lab-new"), ("lab-kernel", "lab-kernel")]);
    assert!(plan.is_harmless(), "{plan:?}");
    let strict = plan.strict();
    assert_eq!(strict.removed.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["lab-old"]);
}

/// After dnf5's documentation, made by hand.
#[test]
fn the_former_version_that_dnf5_names_below_an_update_is_no_removal() {
    let table = "Package  Arch   Version Repository Size\nUpgrading:\n bash    x86_64 5.2-2   updates  8.2 MiB\n   \
                 replacing bash x86_64 5.2-1 fedora 8.1 MiB\n\nTransaction Summary:\n Upgrading: 1 package\n \
                 Replacing: 1 package\n";
    let plan = Dnf.read_plan(&finished(1, table, "Operation aborted by the user.\n")).unwrap();
    assert!(plan.is_harmless() && plan.strict().is_harmless());
}

#[test]
fn a_package_is_what_the_host_named_in_each_form_that_dnf_takes() {
    let planned =
        Planned { name: "vim".into(), architecture: Some("x86_64".into()), version: Some("2:9.0-1".into()) };
    for name in ["vim", "vim.x86_64", "vim-9.0", "vim-9.0-1", "vim-2:9.0-1", "vim-9.0-1.x86_64"] {
        assert!(Dnf.is_named(&PackageSpec::named(name), &planned), "{name}");
    }
    assert!(
        !Dnf.is_named(&PackageSpec::named("vi"), &planned)
            && !Dnf.is_named(&PackageSpec::named("vim-9"), &planned)
    );
}

#[test]
fn a_failed_script_is_a_failure_though_dnf_says_success() {
    let recorded = recorded!(0, "install-fails.dnf-4.14.0");
    assert!(!Dnf.ended_well(&recorded));
    let failure = Dnf.failure(&recorded);
    assert_eq!(failure.cause, Cause::FakeRunner);
    assert!(failure.reason().contains("POSTIN scriptlet in rpm package lab-fails"), "{}", failure.reason());
    assert!(Dnf.ended_well(&recorded!(0, "install.dnf-4.14.0")));
}

#[test]
fn a_held_lock_is_busy_and_names_the_holder() {
    let failure = failure!(200, "locked.dnf-4.14.0");
    assert_eq!(failure.code(), ErrorCode::Busy);
    assert!(
        matches!(&failure.holder, Some(Holder { name: Some(name), .. }) if name == "python3"),
        "{failure:?}"
    );
    let older = "Existing lock /var/cache/dnf/metadata_lock.pid: another copy is running as pid 4711.\n";
    assert_eq!(Dnf.failure(&finished(1, "", older)).holder, Some(Holder { pid: 4711, name: None }));
}

#[test]
fn each_failure_is_told_by_its_cause_and_in_the_tools_words() {
    let told = [
        (failure!(1, "install-unknown.dnf-4.14.0"), Cause::NotFound, "lab-nosuch"),
        (failure!(1, "install-broken.dnf-4.14.0"), Cause::Dependencies, "nothing provides lab-absent >= 2"),
        (failure!(1, "install-enemy.dnf-4.14.0"), Cause::WouldRemove, "conflicts with lab-plain"),
        (failure!(1, "unreachable-install.dnf-4.14.0"), Cause::Unreachable, "All mirrors were tried"),
        (failure!(1, "full.dnf-4.14.0"), Cause::NoSpace, "more space"),
    ];
    for (failure, cause, part) in told {
        assert_eq!(failure.cause, cause, "{failure:?}");
        assert!(failure.reason().contains(part), "{part:?} is not in {}", failure.reason());
    }
}

#[test]
fn security_updates_are_told_by_their_advisories() {
    let all = include_str!("fixtures/pending.dnf-4.14.0.stdout");
    let security = include_str!("fixtures/pending-security.dnf-4.14.0.stdout");
    let updates = Dnf.read_pending(all, security).unwrap().rows;
    let told: Vec<_> = updates.iter().map(|u| (u.package.as_str(), u.is_security_update)).collect();
    assert_eq!(told, [("lab-fixed", true), ("lab-plain", false)]);
    assert_eq!((updates[0].version_available.as_str(), updates[0].source.as_str()), ("2.0-1", "lab"));
}

#[test]
fn what_changes_packages_goes_on_when_the_agent_ends_and_nothing_else_does() {
    let target = PackageSpec::named("vim");
    for change in [Change::Install, Change::Update, Change::Remove] {
        assert!(Dnf.change(change, &target, false, Duration::ZERO).outlives_the_agent);
    }
    assert!(Dnf.update(Scope::All, false, Duration::ZERO).outlives_the_agent);
    assert!(Dnf.update(Scope::Security(&[]), false, Duration::ZERO).outlives_the_agent);
    let others = [Dnf.list(), Dnf.query(&target), Dnf.refresh().unwrap(), Dnf.pending().all];
    assert!(others.iter().all(|request| !request.outlives_the_agent));
}

proptest! {
    #[test]
    fn no_output_makes_a_reader_fail(text in any::<String>(), line in "[^\\n]{0,60} (already locked by|\\t)[^\\n]{0,9}") {
        Dnf.read_list(&text);
        Dnf.read_query(&PackageSpec::named("x"), &text);
        Dnf.failure(&finished(1, &text, &line));
        let _ = Dnf.read_pending(&format!("{line}\n{text}"), &text);
    }
}
