//! Every key, every operator, and what is wrong.

use super::*;
use crate::{at, tags};
use proptest::prelude::*;

const METRICS: &str = include_str!("../../../protocol/golden/system_metrics.jsonl");

fn hello(agent: &str) -> String {
    format!(
        r#"{{"type":"hello","agent_version":"{agent}","protocol_version":1,"platform":"linux","os":"Debian",
        "vm_id":"vm-0001","tags":{{"NAME":"7","env":"prod","tier":"Web"}},"capabilities":[],"limits":{{}},"instance":"a"}}"#
    )
}

/// `web-1` speaks; of `db` nothing was ever heard.
fn fleet() -> Fleet {
    let mut fleet = Fleet::default();
    for name in ["web-1", "db"] {
        fleet.claim(at(0), name, &format!("/{name}")).unwrap();
    }
    fleet.with(at(0), "web-1", |machine| {
        machine.connected(at(0));
        machine.spoke(at(0));
        machine.line(at(0), &hello("0.1.7"));
        let line = METRICS.lines().next().unwrap();
        let line = line.replace(r#""load_5min":0.03"#, r#""load_5min":4.5"#);
        machine.line(at(0), &line);
        ((), vec![])
    });
    fleet
}

fn selected(text: &str) -> Vec<String> {
    selected_of(&fleet(), text, 30)
}

fn selected_of(fleet: &Fleet, text: &str, second: u64) -> Vec<String> {
    let selector: Selector = text.parse().unwrap_or_else(|wrong| panic!("{wrong}"));
    selector.select(fleet, at(second)).map(ToString::to_string).collect()
}

fn why(text: &str) -> String {
    text.parse::<Selector>().unwrap_err().to_string()
}

#[test]
fn every_key_finds_the_machine_that_has_the_value() {
    for text in [
        "name=web-1",
        "name=web-*",
        "name~^web-",
        "name!~^db",
        "host=GUEST-1",
        "vm_id=vm-0001",
        "tag.env=prod",
        "tag.env = pro*",
        "tag.tier~^web$",
        "tag.tier!~^db",
        "tag.env!=test,tag.no-such_1.tag=",
        "tag.env!=",
        "os=debian",
        "os=Debian GNU/Linux",
        "os=deb*",
        "os~linux$",
        "os!=ubuntu",
        "version=12",
        "version>=11",
        "version<12.1",
        "kernel>5.10",
        "kernel=6.1.0-41",
        "kernel~cloud",
        "platform=linux",
        "agent<0.2",
        "agent=0.1",
        "agent>0.1.6",
        "state=up",
        "cpu>12",
        "cpu<=12.5%",
        "memory>20%",
        "memory<21",
        "disk>15%",
        "load1<1",
        "load5>4",
        "load15=0.01",
        "age>29s",
        "age<1m",
    ] {
        assert_eq!(selected(text), ["web-1"], "{text}");
    }
}

#[test]
fn parts_are_all_to_hold_and_blanks_are_free() {
    assert_eq!(selected("os=debian,load5>4,name~^web-,state=up,memory>20%,disk>15%,agent<0.2"), ["web-1"]);
    assert_eq!(selected(" os = debian , load5 >= 4.5 "), ["web-1"]);
    assert!(selected("os=debian,load5>5").is_empty());
    assert_eq!(selected("all"), ["db", "web-1"]);
}

#[test]
fn a_value_in_quotation_marks_may_have_commas() {
    assert_eq!(selected(r#"name~"^web-\d{1,3}$",state=up"#), ["web-1"]);
    assert!(selected(r#"name="a,b""#).is_empty());
    assert!(why(r#"name="a"#).contains("not closed"));
    assert!(why(r#"name="a"b"#).contains("nothing may follow"));
}

#[test]
fn what_is_not_known_of_a_machine_is_not_compared() {
    assert_eq!(selected("os!=debian"), Vec::<String>::new());
    assert_eq!(selected("name=db,cpu<100"), Vec::<String>::new());
    assert_eq!(selected("os!="), ["web-1"]);
    assert_eq!(selected("age=,os="), ["db"]);
    assert_eq!(selected("tag.env="), ["db"]);
    assert!(selected("tag.ENV=prod").is_empty() && selected("tag.other!=x").is_empty());
}

#[test]
fn the_hosts_word_on_a_tag_counts_and_for_rules_no_other() {
    let mut fleet = fleet();
    let set = |value: &str| [("env".to_owned(), value.to_owned()), ("own".to_owned(), "1".to_owned())].into();
    let parts = [tags::Written { vms: "*".into(), set: set("test") }];
    fleet.assign(tags::Assigned::new(&parts).unwrap());
    assert_eq!(selected_of(&fleet, "tag.env=test", 30), ["db", "web-1"]);
    assert!(selected_of(&fleet, "tag.env=prod", 30).is_empty());
    let of_rules = |text: &str| {
        let selector = text.parse::<Selector>().unwrap().by_the_host();
        selector.select(&fleet, at(30)).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of_rules("tag.own=1,tag.env=test"), ["db", "web-1"]);
    assert!(of_rules("tag.tier=web").is_empty() && of_rules("tag.tier!=").is_empty());
    assert_eq!(of_rules("tag.tier="), ["db", "web-1"], "what a guest gives itself is no tag there");
}

#[test]
fn old_figures_are_not_compared_but_what_a_machine_is_stays() {
    let mut fleet = fleet();
    fleet.tick(at(90));
    assert!(selected_of(&fleet, "cpu>=0", 100).is_empty());
    assert_eq!(selected_of(&fleet, "os=debian,state=silent,age>90", 100), ["web-1"]);
}

#[test]
fn a_version_is_compared_as_far_as_it_is_written() {
    let compares = |found: &'static str, part: &str| {
        let parts = parse::parts(&format!("version{part}")).unwrap();
        Found::text(found).compares(parts[0].operator, &parts[0].wanted)
    };
    for (found, part) in [
        ("12.5", "=12"),
        ("12.5", "<=12"),
        ("12", ">=12.0"),
        ("9", "<10"),
        ("0.10.0", ">0.9"),
        ("10.0.20348", ">=10.0.17763"),
        ("bookworm/sid", "=bookworm/sid"),
        ("22.04 LTS", "=22"),
    ] {
        assert!(compares(found, part), "{found} {part}");
    }
    for (found, part) in [("12.5", ">12"), ("120", "=12"), ("bookworm", "<12"), ("9", ">10")] {
        assert!(!compares(found, part), "{found} {part}");
    }
}

#[test]
fn a_systems_name_is_known_by_its_first_words() {
    let is = |found: &'static str, wanted: &str| {
        Found::text(found).compares(Operator::Is, &Wanted::Product(wanted.to_lowercase()))
    };
    assert!(is("Windows Server 2022 Standard", "windows"));
    assert!(is("Microsoft Windows 11 Pro", "Windows"));
    assert!(is("Red Hat Enterprise Linux", "red hat"));
    assert!(is("openSUSE Leap", "*leap"));
    assert!(!is("Debian GNU/Linux", "deb"));
}

#[test]
fn a_wrong_part_is_told_with_what_is_allowed() {
    for (text, told) in [
        ("", "it is empty; `all` selects every machine"),
        ("os=debian,", "a part begins with one of name, host,"),
        ("os=debian,colour=red", "`colour=red` in the selector: there is no key `colour`; there are name,"),
        ("os>debian", "`os>debian` in the selector: after `os` comes one of =, !=, ~ and !~"),
        ("os", "after `os` comes one of"),
        ("state~up", "after `state` comes one of = and !="),
        ("state=Up", "there are down, opening, unserved, up, silent"),
        ("cpu>101", "a number from 0 to 100 is allowed"),
        ("cpu>x", "a number from 0 to 100 is allowed"),
        ("cpu>NaN", "a number from 0 to 100 is allowed"),
        ("load5>-1", "a number from 0 on is allowed"),
        ("load5>", "the value is missing"),
        ("age>1y", "a time is allowed: seconds, or 90s, 5m, 2h, 1d"),
        ("agent<new", "a version is allowed, such as 12 or 0.2.1"),
        ("name~(", "this is no regular expression that is allowed"),
        ("tag=x", "there is no key `tag`; there are name, host, vm_id, tag.NAME, os,"),
        ("tag.=x", "after `tag.` comes a tag's name: 1 to 64 letters"),
        ("tag.1=x", "a letter first"),
        ("tag.env", "after `tag.env` comes one of =, !=, ~ and !~"),
        ("tag.env>x", "after `tag.env` comes one of"),
        ("tag.env~", "the value is missing"),
    ] {
        assert!(why(text).contains(told), "{text}: {}", why(text));
    }
}

#[test]
fn what_is_too_long_or_too_much_is_refused_and_told_shortened() {
    assert!(why(&"x".repeat(5000)).contains("5000 bytes long; 4096 are allowed"));
    assert!(why(&vec!["cpu>1"; 33].join(",")).contains("33 parts; 32 are allowed"));
    assert!(why(&format!("name~{}", "x".repeat(300))).contains("256 bytes allowed"));
    assert!(why("name~((((x{99}){99}){99}){99})").contains("no regular expression that is allowed"));
    let deep = format!("name~{}{}", "(".repeat(60), ")".repeat(60));
    assert!(why(&deep).contains("no regular expression that is allowed"));
    assert!(why(&"é".repeat(1000)).len() < 400);
}

#[test]
fn a_guests_long_words_are_compared_as_far_as_is_bounded() {
    let long = "x".repeat(1 << 20);
    let Found::Text(found) = Found::text(&long) else { panic!() };
    assert_eq!(found.len(), 256);
}

#[test]
fn names_of_keys_differ() {
    let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| key.name).collect();
    assert_eq!(names.len(), KEYS.len());
}

fn operators() -> impl Strategy<Value = (usize, Operator)> {
    (0..KEYS.len(), proptest::sample::select(Operator::ALL.to_vec()))
}

proptest! {
    #[test]
    fn whatever_is_written_is_a_selector_or_an_error_that_says_why(text in "\\PC{0,200}") {
        if let Err(wrong) = text.parse::<Selector>() {
            prop_assert!(!wrong.why.is_empty() && wrong.to_string().len() < 1000);
        }
    }

    #[test]
    fn each_allowed_comparison_holds_or_its_opposite_does((key, operator) in operators(), value in 0_u8..100) {
        let key = &KEYS[key];
        let opposite = match operator {
            Operator::Is => "!=",
            Operator::IsNot => "=",
            Operator::Like => "!~",
            Operator::NotLike => "~",
            Operator::Less => ">=",
            Operator::AtMost => ">",
            Operator::AtLeast => "<",
            Operator::More => "<=",
        };
        let value = if key.kind == Kind::State { "up".to_owned() } else { value.to_string() };
        let [this, that] = [operator.text(), opposite]
            .map(|operator| format!("{}{operator}{value}", key.name).parse::<Selector>());
        prop_assert_eq!(this.is_ok(), key.allows(operator));
        if let (Ok(this), Ok(that)) = (this, that) {
            let fleet = fleet();
            let entry = fleet.get("web-1").unwrap();
            let [this, that] = [this, that].map(|selector| selector.matches("web-1", entry, at(5)));
            prop_assert_ne!(this, that, "{} {}", key.name, operator.text());
        }
    }

    #[test]
    fn a_text_without_stars_is_found_by_itself_and_by_its_halves(text in "[a-z .,-]{1,20}", cut in 0_usize..20) {
        let cut = cut.min(text.len());
        let (start, end) = text.split_at(cut);
        for pattern in [text.clone(), format!("{start}*"), format!("*{end}"), format!("{start}*{end}")] {
            let found = Found::text(&text);
            prop_assert!(found.compares(Operator::Is, &Wanted::Text(pattern)));
        }
    }
}
