//! The table of machines: messages of the hub and keys, and what is then shown.

use super::keys::Key;
use super::model::{Model, Next, Order};
use crate::hub::Table;
use serde::Deserialize as _;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn up(name: &str, disk: f64) -> Value {
    json!({"name": name, "state": "up", "heard_ms": 99_000, "figures": {"disk": disk, "memory": 0.5, "cpu": 0.1}})
}

fn table(whole: bool, vms: &[Value], gone: &[&str]) -> Table {
    Table::deserialize(&json!({"now_ms": 100_000, "whole": whole, "gone": gone, "vms": vms})).unwrap()
}

fn model() -> Model {
    let mut model = Model::new(Order::Hurt, "");
    let silent = json!({"name": "c", "state": "silent", "heard_ms": 5_000});
    model.take(table(true, &[up("a", 0.99), up("b", 0.1), silent], &[]), Instant::now());
    model.has_rows(2);
    model
}

fn names(model: &Model) -> Vec<String> {
    model.shown().flatten().map(|machine| machine.row.name.clone()).collect()
}

fn keys(model: &mut Model, keys: &[Key]) -> Next {
    keys.iter().map(|key| model.key(*key)).last().unwrap()
}

#[test]
fn what_hurts_most_is_first_and_a_change_moves_a_machine() {
    let mut model = model();
    assert_eq!(names(&model), ["c", "a", "b"]);
    model.take(table(false, &[json!({"name": "b", "state": "unserved"})], &["c"]), Instant::now());
    assert_eq!(names(&model), ["b", "a"]);
    model.take(table(true, &[up("z", 0.5)], &[]), Instant::now());
    assert_eq!(names(&model), ["z"]);
}

#[test]
fn enter_opens_what_is_marked_wherever_it_moved() {
    let mut model = model();
    assert_eq!(model.key(Key::Enter), Next::Open("c".into()), "the first, where nothing is marked");
    assert_eq!(keys(&mut model, &[Key::Move(1), Key::Enter]), Next::Open("a".into()));
    model.take(table(false, &[up("a", 0.05)], &[]), Instant::now());
    assert_eq!(names(&model), ["c", "b", "a"]);
    assert_eq!(model.key(Key::Enter), Next::Open("a".into()));
    model.take(table(false, &[], &["a"]), Instant::now());
    assert_eq!(model.key(Key::Enter), Next::Open("c".into()));
    model.take(table(true, &[], &[]), Instant::now());
    assert_eq!(model.key(Key::Enter), Next::Stay);
}

#[test]
fn the_order_goes_round_and_turns() {
    let mut model = model();
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(names(&model).concat());
        model.key(Key::Order);
    }
    assert_eq!(seen, ["cab", "abc", "abc", "abc", "abc", "abc", "cab"]);
    assert_eq!(model.order, Order::Hurt);
    model.key(Key::Reverse);
    assert_eq!(names(&model), ["b", "a", "c"]);
}

#[test]
fn a_filter_is_typed_kept_by_enter_and_emptied_by_escape() {
    let mut model = model();
    keys(&mut model, &[Key::Filter, Key::Type('S'), Key::Type('i'), Key::Type('x'), Key::Erase]);
    assert_eq!((names(&model), model.typing), (vec!["c".to_owned()], true));
    assert_eq!(model.key(Key::Enter), Next::Stay, "it ends the typing, and opens nothing");
    assert_eq!((names(&model), model.typing), (vec!["c".to_owned()], false));
    assert_eq!(model.key(Key::Escape), Next::Stay);
    assert_eq!(names(&model).len(), 3);
    assert_eq!(model.key(Key::Escape), Next::Leave);
    keys(&mut model, &[Key::Filter; 1]);
    (0..1000).for_each(|_| drop(model.key(Key::Type('x'))));
    assert_eq!(model.filter.len(), 100);
}

#[test]
fn only_what_hurts_may_be_shown_and_a_held_order_stays() {
    let mut model = model();
    model.key(Key::Hurting);
    assert_eq!(names(&model), ["c", "a"]);
    model.key(Key::Hurting);
    model.key(Key::Hold);
    model.take(table(false, &[json!({"name": "b", "state": "silent"})], &[]), Instant::now());
    assert_eq!(names(&model), ["c", "a", "b"], "figures go on, places stay");
    assert_eq!(model.shown().flatten().last().unwrap().row.state, "silent");
    model.key(Key::Hold);
    assert_eq!(names(&model), ["b", "c", "a"]);
}

#[test]
fn the_marked_machine_stays_in_view() {
    let mut model = Model::new(Order::Name, "");
    let many: Vec<_> = (0..100).map(|n| up(&format!("vm-{n:03}"), 0.1)).collect();
    model.take(table(true, &many, &[]), Instant::now());
    model.has_rows(10);
    for (key, place, scroll) in [
        (Key::Move(9), 9, 0),
        (Key::Move(1), 10, 1),
        (Key::Page(1), 20, 11),
        (Key::Page(-1), 10, 10),
        (Key::Bottom, 99, 90),
        (Key::Move(5), 99, 90),
        (Key::Top, 0, 0),
        (Key::Move(-5), 0, 0),
    ] {
        model.key(key);
        assert_eq!((model.place(), model.scroll), (place, scroll), "{key:?}");
    }
}

#[test]
fn ages_are_by_the_hubs_clock() {
    let (mut model, now) = (Model::new(Order::Hurt, ""), Instant::now());
    model.take(table(true, &[up("a", 0.1)], &[]), now);
    let row = model.shown().flatten().next().unwrap().row.clone();
    assert_eq!(model.age(&row, now + Duration::from_secs(2)), Some(Duration::from_secs(3)));
    assert_eq!(model.age(&crate::hub::Row::default(), now), None);
}
