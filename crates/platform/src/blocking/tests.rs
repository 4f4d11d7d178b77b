//! The pool against calls that hang, panic, and come back late. Names are of each test alone, as the list of threads is the
//! process'.

use super::*;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);

/// Something that hangs until it is dropped.
fn gate() -> (Sender<()>, Arc<Mutex<Receiver<()>>>) {
    let (release, held) = channel();
    (release, Arc::new(Mutex::new(held)))
}

fn pass(held: &Mutex<Receiver<()>>) {
    let _ = held.lock().unwrap().recv();
}

fn hangs(what: &str) -> bool {
    hanging().iter().any(|(name, _)| name == what)
}

#[tokio::test]
async fn a_call_that_hangs_costs_its_own_answer_and_is_told_until_it_answers() {
    let (release, held) = gate();
    let asked = run(Lane::Walks, "dead", Duration::from_millis(1), move || pass(&held)).await;
    assert!(matches!(asked, Err(Blocked::Hangs { what, .. }) if what == "dead"));
    assert!(hangs("dead"));
    assert_eq!(run(Lane::Walks, "alive", LONG, || 7).await.unwrap(), 7);
    drop(release);
    while hangs("dead") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_hangs_again_and_again_is_refused_at_once() {
    let mut gates = Vec::new();
    loop {
        let (release, held) = gate();
        gates.push(release);
        match run(Lane::Walks, "dead server", Duration::from_millis(1), move || pass(&held)).await {
            Err(Blocked::Hangs { .. }) => assert!(gates.len() <= 3),
            Err(Blocked::StillHangs { what }) => break assert_eq!(what, "dead server"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(gates.len(), 4);
    assert_eq!(run(Lane::Walks, "another server", LONG, || 7).await.unwrap(), 7);
}

#[tokio::test]
async fn a_full_lane_stops_no_other() {
    let (release, held) = gate();
    let full = loop {
        let held = Arc::clone(&held);
        let what = format!("directory {}", hanging().len());
        if let Err(error) = run(Lane::Trial, &what, Duration::from_millis(1), move || pass(&held)).await
            && !error.hangs()
        {
            break error;
        }
    };
    assert!(matches!(full, Blocked::Full { .. }), "{full}");
    assert_eq!(run(Lane::Walks, "elsewhere", LONG, || 7).await.unwrap(), 7);
    drop(release);
}

#[tokio::test]
async fn an_answer_nobody_wants_any_more_counts_as_hanging() {
    let (release, held) = gate();
    drop(start(Lane::Walks, "given up", move || pass(&held)).unwrap());
    assert!(hangs("given up"));
    drop(release);
}

#[tokio::test]
async fn a_panic_in_the_thread_costs_only_this_call() {
    let error = run(Lane::Walks, "bad luck", LONG, || -> u8 { panic!("on purpose") }).await.unwrap_err();
    assert!(error.to_string().contains("died"), "{error}");
}

#[tokio::test]
async fn a_lane_with_a_table_of_its_own_still_wakes_who_waits() {
    assert!(run(Lane::Files, "a file", LONG, || std::fs::read("/").is_err()).await.unwrap());
}

#[test]
fn a_late_answer_counts() {
    let (release, held) = gate();
    let asked = ask(Lane::Walks, "slow", move || {
        pass(&held);
        7
    })
    .unwrap();
    assert!(asked.wait(Instant::now()).unwrap_err().hangs() && asked.is_out());
    drop(release);
    assert_eq!(asked.wait(Instant::now() + LONG).unwrap(), 7);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Number(u32);

impl Item for Number {
    fn owner(&self) -> Option<u64> {
        (self.0 >= 1000).then_some(u64::from(self.0 / 1000))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}", self.0)
    }
}

fn items(count: u32) -> Vec<Number> {
    (0..count).map(Number).collect()
}

#[test]
fn of_a_series_what_hangs_is_left_out_and_not_asked_again_until_it_answers() {
    let (release, held) = gate();
    let calls = Arc::new(Mutex::new(Vec::new()));
    let mut series = Series::new(Lane::Walks, "series", Duration::from_secs(1));
    let round = |series: &mut Series<Number>| {
        let (held, calls) = (Arc::clone(&held), Arc::clone(&calls));
        let answers = series.each(&items(10), move || {
            let (held, calls) = (Arc::clone(&held), Arc::clone(&calls));
            move |item: &Number| {
                calls.lock().unwrap().push(item.0);
                if item.0 == 4 {
                    pass(&held);
                }
                item.0
            }
        });
        answers.into_iter().map(|answer| answer.map_err(|e| e.to_string())).collect::<Vec<_>>()
    };
    for _ in 0..3 {
        let answers = round(&mut series);
        let told: Vec<_> = answers.iter().flatten().copied().collect();
        assert_eq!(told, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
        assert!(answers[4].as_ref().unwrap_err().starts_with("item 4: no answer for "), "{answers:?}");
    }
    assert_eq!(calls.lock().unwrap().iter().filter(|item| **item == 4).count(), 1);
    assert!(series.hangs(&Number(4)) && hangs("item 4"));
    drop(release);
    while series.hangs(&Number(4)) {
        std::thread::yield_now();
    }
    assert_eq!(round(&mut series).into_iter().flatten().count(), 10);
}

#[test]
fn a_panic_in_a_series_costs_its_item() {
    let mut series = Series::new(Lane::Walks, "panics", LONG);
    let answers = series.each(&items(4), || {
        |item: &Number| {
            assert!(item.0 != 1, "on purpose");
            item.0
        }
    });
    assert!(matches!(&answers[1], Err(Blocked::Died { what }) if what == "item 1"));
    assert_eq!(answers.into_iter().flatten().collect::<Vec<_>>(), [0, 2, 3]);
}

#[test]
fn a_series_in_which_all_hang_ends_when_the_places_are_taken() {
    let (release, held) = gate();
    let mut series = Series::new(Lane::Trial, "all dead", Duration::from_millis(10));
    let answers: Vec<Result<(), _>> = series.each(&items(100), move || {
        let held = Arc::clone(&held);
        move |_: &Number| pass(&held)
    });
    assert_eq!(answers.len(), 100);
    assert!(answers.iter().filter(|a| a.as_ref().is_err_and(Blocked::hangs)).count() <= Lane::Trial.places());
    assert!(matches!(answers.last(), Some(Err(Blocked::Full { .. }))));
    drop(release);
}

/// Whoever makes his things hang cannot make the series forget what answered before.
#[test]
fn what_answered_before_is_asked_on_however_many_others_hang() {
    let (gate, held) = gate();
    let mut series = Series::new(Lane::Crowd, "many dead", Duration::from_secs(1));
    let good = series.each(&items(30), || |_: &Number| ());
    assert!(good.iter().all(Result::is_ok));
    for _ in 0..2 {
        let held = Arc::clone(&held);
        let answers: Vec<Result<(), _>> = series.each(&items(130), move || {
            let held = Arc::clone(&held);
            move |item: &Number| {
                if item.0 >= 30 {
                    pass(&held);
                }
            }
        });
        assert!(
            answers.iter().take(30).all(Result::is_ok),
            "{:?}",
            answers.iter().take(30).collect::<Vec<_>>()
        );
        assert!(answers.iter().skip(30).all(Result::is_err));
    }
    drop(gate);
}

#[test]
fn who_makes_his_own_hang_takes_no_places_from_others() {
    let (release, held) = gate();
    let mut series = Series::new(Lane::Managers, "of owners", Duration::from_millis(250));
    let of_one: Vec<_> = (1000..1100).chain([2000, 3]).map(Number).collect();
    let answers: Vec<Result<u32, _>> = series.each(&of_one, move || {
        let held = Arc::clone(&held);
        move |item: &Number| {
            if item.0 / 1000 == 1 {
                pass(&held);
            }
            item.0
        }
    });
    assert_eq!(answers.iter().flatten().copied().collect::<Vec<_>>(), [2000, 3]);
    assert_eq!(answers.iter().filter(|a| a.as_ref().is_err_and(Blocked::hangs)).count(), 8);
    drop(release);
}
