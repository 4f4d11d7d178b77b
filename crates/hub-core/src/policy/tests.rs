//! Who may what, by rules of one's own and by any.

use super::*;
use crate::fleet::Fleet;
use crate::{at, tags};
use proptest::prelude::*;

fn rule(who: &[&str], vms: &str, actions: &[&str], max_targets: Option<u32>) -> Written {
    let all = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Written { name: String::new(), who: all(who), vms: vms.into(), actions: all(actions), max_targets }
}

fn user(uid: u32, name: &str, groups: &[&str]) -> Identity {
    let groups = groups.iter().map(|&group| group.to_owned()).collect();
    Identity { uid: Some(uid), user: Some(name.into()), groups, is_owner: uid == 0, ..Identity::default() }
}

fn certificate(san: &str) -> Identity {
    Identity { sans: vec![san.into()], ..Identity::default() }
}

/// Decides over a host with these machines.
fn decide(policy: &Policy, who: &Identity, changes: &[&str], vms: &[&str]) -> Result<String, String> {
    let mut fleet = Fleet::default();
    for name in ["db-1", "web-1", "web-2", "web-3"] {
        fleet.claim(at(0), name, &format!("/{name}")).unwrap();
    }
    let [changes, vms] = [changes, vms].map(|all| all.iter().map(|&it| it.to_owned()).collect::<Vec<_>>());
    let is_meant =
        |which: &Which, vm: &str| fleet.get(vm).is_none_or(|entry| which.matches(vm, entry, at(0)));
    policy.decide(who, Ask { changes: &changes, vms: &vms }, &is_meant)
}

#[test]
fn without_rules_root_and_the_hubs_own_user_change_and_nobody_else() {
    let policy = Policy::default();
    assert!(decide(&policy, &user(0, "root", &[]), &["Reboot"], &["web-1"]).is_ok());
    let refused = decide(&policy, &user(7, "eve", &["ops"]), &["Reboot"], &["web-1"]).unwrap_err();
    assert_eq!(refused, "uid 7 (eve) may not do Reboot on \"web-1\": no rule allows it");
    assert!(policy.may_read(&user(7, "eve", &[])) && !policy.may_read(&certificate("ops.example")));
}

#[test]
fn a_rule_allows_all_of_a_request_or_nothing_of_it_and_is_named() {
    let mut written = [
        rule(&["group:ops", "san:ops.example"], "web-*", &["ServiceControl"], Some(2)),
        rule(&["user:ann"], "all", &["*"], None),
    ];
    written[1].name = "ann".into();
    let policy = Policy::new(&written).unwrap();
    let ops = user(7, "bob", &["staff", "ops"]);
    let control = ["ServiceControl"];
    assert_eq!(decide(&policy, &ops, &control, &["web-1", "web-2"]).unwrap(), "rule 1");
    assert_eq!(decide(&policy, &certificate("OPS.example"), &control, &["web-1"]).unwrap(), "rule 1");
    assert_eq!(decide(&policy, &user(8, "ann", &[]), &["*", "Reboot"], &["db-1"]).unwrap(), "rule \"ann\"");
    let ops_refused = |changes: &[&str], vms: &[&str]| decide(&policy, &ops, changes, vms).unwrap_err();
    for (changes, vms, told) in [
        (&["ServiceControl", "Reboot"][..], &["web-1"][..], "may not do ServiceControl, Reboot on \"web-1\""),
        (&["Reboot"], &["web-1"], "rule 1 lets you do only ServiceControl"),
        (&["*"], &["web-1"], "what this hub cannot read"),
        (&control, &["web-1", "db-1"], "rule 1 would allow it on web-*, of which \"db-1\" is none"),
        (&control, &["web-1", "web-2", "web-3"], "at most 2 machines, and these are 3"),
    ] {
        let refused = ops_refused(changes, vms);
        assert!(refused.contains(told) && refused.starts_with("uid 7 (bob)"), "{refused}");
    }
    let stranger = decide(&policy, &certificate("eve.example"), &control, &["web-1"]).unwrap_err();
    assert!(
        stranger.starts_with("san:eve.example may not") && stranger.contains("group:ops, san:ops.example"),
        "{stranger}"
    );
}

#[test]
fn root_may_everything_until_a_rule_names_it() {
    let root = user(0, "root", &["ops"]);
    let of = |who: &str| Policy::new(&[rule(&[who], "web-*", &["Reboot"], Some(1))]).unwrap();
    assert!(decide(&of("group:ops"), &root, &["Shutdown"], &["db-1"]).is_ok());
    for who in ["uid:0", "user:root"] {
        assert_eq!(decide(&of(who), &root, &["Reboot"], &["web-1"]).unwrap(), "rule 1");
        assert!(decide(&of(who), &root, &["Reboot"], &["db-1"]).is_err());
    }
}

#[test]
fn a_rule_without_actions_lets_a_certificate_read() {
    let policy = Policy::new(&[rule(&["san:spiffe://prod/watch"], "all", &[], None)]).unwrap();
    let reader = certificate("spiffe://prod/watch");
    assert!(policy.may_read(&reader) && policy.has_certificates());
    assert!(!policy.may_read(&certificate("spiffe://prod/WATCH")));
    let refused = decide(&policy, &reader, &["Reboot"], &["web-1"]).unwrap_err();
    assert!(refused.ends_with("rule 1 lets you read only"), "{refused}");
}

#[test]
fn a_tag_that_a_guest_gives_itself_opens_no_rule_and_closes_none() {
    let mut fleet = Fleet::default();
    let set = [("env".to_owned(), "test".to_owned())].into();
    fleet.assign(tags::Assigned::new(&[tags::Written { vms: "web-*".into(), set }]).unwrap());
    for vm in ["web-1", "evil"] {
        fleet.claim(at(0), vm, vm).unwrap();
    }
    let hello = r#"{"type":"hello","agent_version":"1","protocol_version":1,"platform":"linux","os":"x",
        "tags":{"env":"test","locked":"yes"},"capabilities":[],"limits":{}}"#;
    fleet.with(at(0), "evil", |machine| (machine.line(at(0), hello), vec![]));
    assert_eq!(fleet.get("evil").unwrap().tag("env"), Some("test"));
    let is_meant = |which: &Which, vm: &str| which.matches(vm, fleet.get(vm).unwrap(), at(0));
    let decide = |vms: &str, vm: &str| {
        let policy = Policy::new(&[rule(&["uid:7"], vms, &["Reboot"], None)]).unwrap();
        let (changes, vms) = (["Reboot".to_owned()], [vm.to_owned()]);
        policy.decide(&user(7, "eve", &[]), Ask { changes: &changes, vms: &vms }, &is_meant)
    };
    assert!(decide("tag.env=test", "web-1").is_ok());
    assert!(decide("tag.env=test", "evil").unwrap_err().contains("of which \"evil\" is none"));
    assert!(decide("tag.env!=", "evil").is_err());
    assert!(decide("tag.locked=", "evil").is_ok(), "it cannot keep people out, either");
}

type Change = fn(&mut Written);

#[test]
fn what_is_wrong_with_a_rule_is_told_with_what_is_allowed() {
    let good = || rule(&["uid:7"], "all", &["Reboot"], None);
    let wrong = |change: &dyn Fn(&mut Written)| {
        let mut written = good();
        change(&mut written);
        Policy::new(&[good(), written]).unwrap_err()
    };
    let cases: [(Change, &str); 8] = [
        (|it| it.who = vec![], "`who` must have 1 to 64"),
        (|it| it.who = vec!["alice".into()], "such as user:alice"),
        (|it| it.who = vec!["uid:-1".into()], "not \"uid:-1\""),
        (|it| it.who = vec!["san:".into()], "san:ops.example"),
        (|it| it.vms = "nonsense=1".into(), "`vms`: "),
        (|it| it.actions = vec!["Dance".into()], "allowed are *, UnsafeCommand, Cancel, "),
        (|it| it.max_targets = Some(0), "at least 1"),
        (|it| it.name = "a\nb".into(), "no control characters"),
    ];
    for (change, told) in cases {
        let error = wrong(&change);
        assert!(error.contains(told) && error.starts_with("rule "), "{error}");
    }
    assert!(Policy::new(&vec![good(); MAX_RULES + 1]).unwrap_err().contains("at most 256"));
}

const WHO: [&str; 6] = ["uid:7", "user:bob", "group:ops", "group:dev", "san:a.example", "uid:0"];
const VMS: [&str; 4] = ["all", "web-*", "db-1", "name~1$"];
const ACTIONS: [&str; 5] = ["Reboot", "ServiceControl", "UnsafeCommand", "Cancel", "*"];
const MACHINES: [&str; 4] = ["db-1", "web-1", "web-2", "web-3"];

fn some(all: &'static [&'static str], least: usize) -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(all, least..=all.len())
}

fn rules() -> impl Strategy<Value = Vec<Written>> {
    let one = (
        some(&WHO, 1),
        proptest::sample::select(&VMS[..]),
        some(&ACTIONS, 0),
        proptest::option::of(1..4_u32),
    );
    proptest::collection::vec(one.prop_map(|(who, vms, actions, most)| rule(&who, vms, &actions, most)), 0..5)
}

fn people() -> impl Strategy<Value = Identity> {
    let all = vec![
        user(0, "root", &[]),
        user(7, "bob", &["ops"]),
        user(8, "eve", &[]),
        user(9, "dee", &["dev", "ops"]),
        certificate("a.example"),
        certificate("b.example"),
    ];
    proptest::sample::select(all)
}

/// The same by another way: each part of each rule looked at with its own words.
fn is_allowed(rules: &[Written], who: &Identity, changes: &[&str], vms: &[&str]) -> bool {
    let words = || {
        let own = [who.uid.map(|uid| format!("uid:{uid}")), who.user.as_ref().map(|it| format!("user:{it}"))];
        own.into_iter().flatten().collect::<Vec<_>>()
    };
    let others = || {
        who.groups.iter().map(|it| format!("group:{it}")).chain(who.sans.iter().map(|it| format!("san:{it}")))
    };
    let is_named = rules.iter().any(|rule| rule.who.iter().any(|it| words().contains(it)));
    let means = |pattern: &str, vm: &str| match pattern {
        "all" => true,
        "web-*" => vm.starts_with("web-"),
        "db-1" => vm == "db-1",
        _ => vm.ends_with('1'),
    };
    let by_rule = rules.iter().any(|rule| {
        rule.who.iter().any(|it| words().contains(it) || others().any(|other| other == *it))
            && changes.iter().all(|it| rule.actions.iter().any(|allowed| allowed == it || allowed == "*"))
            && vms.iter().all(|vm| means(&rule.vms, vm))
            && rule.max_targets.is_none_or(|most| vms.len() <= most as usize)
    });
    by_rule || (who.is_owner && !is_named)
}

proptest! {
    #[test]
    fn any_rules_allow_what_one_of_them_allows_whole_and_nothing_else(
        rules in rules(), who in people(), changes in some(&ACTIONS, 1), vms in some(&MACHINES, 1)
    ) {
        let policy = Policy::new(&rules).unwrap();
        let decided = decide(&policy, &who, &changes, &vms);
        prop_assert_eq!(decided.is_ok(), is_allowed(&rules, &who, &changes, &vms), "{:?}", decided);
        if let Err(why) = decided {
            prop_assert!(why.starts_with(&format!("{who} may not do ")), "{}", why);
        }
    }

    #[test]
    fn who_may_do_much_may_do_less_of_it(
        rules in rules(), who in people(), changes in some(&ACTIONS, 1), vms in some(&MACHINES, 1)
    ) {
        let policy = Policy::new(&rules).unwrap();
        let all = decide(&policy, &who, &changes, &vms).is_ok();
        prop_assert!(!all || decide(&policy, &who, &changes[1..], &vms).is_ok());
        prop_assert!(!all || decide(&policy, &who, &changes, &vms[1..]).is_ok());
    }

    #[test]
    fn one_more_rule_takes_nothing_from_who_is_not_root(
        rules in rules(), more in rules(), who in people(), changes in some(&ACTIONS, 1), vms in some(&MACHINES, 1)
    ) {
        let before = decide(&Policy::new(&rules).unwrap(), &who, &changes, &vms).is_ok();
        let after = decide(&Policy::new(&[more, rules].concat()).unwrap(), &who, &changes, &vms).is_ok();
        prop_assert!(!before || after || who.is_owner);
    }
}
