//! The books of streams over simulated time.

use super::*;
use infiniservice_protocol::stream::Field;
use proptest::prelude::*;

const MS: fn(u64) -> Duration = Duration::from_millis;
const FREE: Duration = Duration::ZERO;

fn wish(interval_ms: u64, field: Field) -> Wish {
    Wish { interval: MS(interval_ms), fields: Fields::from_iter([field]), lease: MS(300_000) }
}

/// Runs until `until`, each collection taking no time and so much processor time: when samples were sent, by number.
fn run(
    book: &mut Book,
    from: Duration,
    until: Duration,
    cost: impl Fn(Fields) -> Duration,
) -> Vec<(u64, u64)> {
    let (mut sent, mut now) = (Vec::new(), from);
    while let Some(at) = book.next_deadline().filter(|at| *at <= until) {
        now = now.max(at);
        if let Some(fields) = book.take_due(now) {
            let samples = book.collected(cost(fields));
            sent.extend(samples.iter().map(|sample| (sample.number, now.as_millis() as u64)));
        }
    }
    sent
}

#[test]
fn a_subscription_gets_a_sample_at_once_and_then_each_interval() {
    let mut book = Book::default();
    let granted = book.subscribe(MS(1000), wish(250, Field::Cpu)).unwrap();
    assert_eq!((granted.number, granted.effective), (1, MS(250)));
    let sent = run(&mut book, MS(1000), MS(2000), |_| FREE);
    assert_eq!(sent, [1000, 1250, 1500, 1750, 2000].map(|at| (1, at)));
}

#[test]
fn what_is_due_together_shares_a_collection_of_all_its_fields() {
    let mut book = Book::default();
    book.subscribe(FREE, wish(250, Field::Cpu)).unwrap();
    book.subscribe(FREE, wish(500, Field::Memory)).unwrap();
    let both = Fields::from_iter([Field::Cpu, Field::Memory]);
    assert_eq!(book.take_due(FREE), Some(both));
    let fields: Vec<_> = book.collected(FREE).iter().map(|sample| sample.fields).collect();
    assert_eq!(fields, [Fields::from_iter([Field::Cpu]), Fields::from_iter([Field::Memory])]);
    assert_eq!(book.take_due(MS(250)), Some(Fields::from_iter([Field::Cpu])));
    assert_eq!(book.take_due(MS(500)), None, "one collection at a time");
    book.collected(FREE);
    assert_eq!(book.take_due(MS(500)), Some(both));
}

#[test]
fn what_costs_more_than_a_hundredth_is_stretched_and_says_so() {
    let mut book = Book::default();
    book.subscribe(FREE, wish(250, Field::Processes)).unwrap();
    book.take_due(FREE).unwrap();
    assert_eq!(book.collected(MS(6))[0].effective, MS(600));
    assert_eq!(book.next_deadline(), Some(MS(600)));
    let renewed = book.renew(MS(10), 1, MS(1000)).unwrap();
    assert_eq!(renewed.effective, MS(600));
}

#[test]
fn a_cheap_slow_stream_keeps_its_interval_beside_an_expensive_fast_one() {
    let mut book = Book::default();
    book.subscribe(FREE, wish(250, Field::Processes)).unwrap();
    book.subscribe(FREE, wish(10_000, Field::Uptime)).unwrap();
    let sent =
        run(&mut book, FREE, MS(60_000), |fields| if fields.has(Field::Processes) { MS(5) } else { FREE });
    let slow: Vec<_> = sent.iter().filter(|(number, _)| *number == 2).map(|(_, at)| *at).collect();
    assert_eq!(slow, [0, 10_000, 20_000, 30_000, 40_000, 50_000, 60_000]);
}

#[test]
fn a_lease_that_nobody_renews_ends_and_a_renewed_one_goes_on() {
    let mut book = Book::default();
    let short = Wish { lease: MS(1000), ..wish(400, Field::Cpu) };
    book.subscribe(FREE, short).unwrap();
    book.subscribe(FREE, short).unwrap();
    assert!(book.renew(MS(900), 1, MS(1000)).is_some());
    let sent = run(&mut book, FREE, MS(5000), |_| FREE);
    let times = |wanted| sent.iter().filter(|(number, _)| *number == wanted).count();
    assert_eq!((times(1), times(2)), (5, 3));
    assert!(book.is_empty() && book.next_deadline().is_none());
    assert_eq!(book.renew(MS(5000), 1, MS(1000)), None);
}

#[test]
fn there_are_eight_at_most_and_their_numbers_are_never_used_again() {
    let mut book = Book::default();
    for number in 1..=8 {
        assert_eq!(book.subscribe(FREE, wish(250, Field::Cpu)).unwrap().number, number);
    }
    assert_eq!(book.subscribe(FREE, wish(250, Field::Cpu)), None);
    assert!(book.unsubscribe(FREE, 3) && !book.unsubscribe(FREE, 3));
    assert_eq!(book.subscribe(FREE, wish(250, Field::Cpu)).unwrap().number, 9);
    book.host_gone();
    assert!(book.is_empty());
}

#[test]
fn a_thousand_hosts_that_come_and_go_leave_nothing_and_cost_no_more_than_one() {
    let mut book = Book::default();
    let mut collections = 0;
    for cycle in 0..1000 {
        let now = MS(cycle * 10);
        let number = book.subscribe(now, wish(250, Field::Processes)).unwrap().number;
        if book.take_due(now).is_some() {
            collections += 1;
            book.collected(MS(5));
        }
        assert!(book.unsubscribe(now, number));
    }
    assert_eq!(collections, 20, "ten seconds of five milliseconds each 500");
    assert!(book.is_empty() && book.subscriptions.capacity() <= 8);
}

#[test]
fn a_machine_that_slept_gets_one_sample_not_all_that_it_missed() {
    let mut book = Book::default();
    book.subscribe(FREE, wish(1000, Field::Cpu)).unwrap();
    book.take_due(FREE);
    book.collected(FREE);
    assert!(book.take_due(MS(100_500)).is_some());
    book.collected(FREE);
    assert_eq!(book.next_deadline(), Some(MS(101_500)));
}

#[test]
fn a_collection_that_outlives_its_subscription_is_nobody_s() {
    let mut book = Book::default();
    book.subscribe(FREE, wish(250, Field::Cpu)).unwrap();
    book.take_due(FREE);
    book.host_gone();
    book.subscribe(MS(1), wish(250, Field::Memory)).unwrap();
    assert_eq!(book.collected(FREE), []);
    assert_eq!(book.take_due(MS(1)), Some(Fields::from_iter([Field::Memory])));
}

proptest! {
    #[test]
    fn no_wishes_and_no_costs_take_more_than_a_hundredth_of_a_core(
        wishes in prop::collection::vec((250_u64..5000, 1_u64..30), 1..9),
    ) {
        let mut book = Book::default();
        for (interval, _) in &wishes {
            book.subscribe(FREE, wish(*interval, Field::Cpu)).unwrap();
        }
        let (mut spent, mut now, mut turn) = (FREE, FREE, 0);
        while let Some(at) = book.next_deadline().filter(|at| *at < MS(60_000)) {
            prop_assert!(at >= now, "a deadline that was served lies before now");
            now = at;
            if book.take_due(now).is_some() {
                let cost = MS(wishes[turn % wishes.len()].1);
                spent += cost;
                turn += 1;
                book.collected(cost);
            }
        }
        // The last collection's rest may still be to come.
        prop_assert!(spent * 100 <= MS(60_000) + MS(3000), "{spent:?}");
    }
}
