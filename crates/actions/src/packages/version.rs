//! The order of versions, as dpkg has it (deb-version(7)); near enough to rpm's to tell an upgrade from a downgrade.

use std::cmp::Ordering;

/// Compares `[epoch:]version[-revision]`.
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (parts(a), parts(b));
    a.0.cmp(&b.0).then_with(|| part(a.1, b.1)).then_with(|| part(a.2, b.2))
}

fn parts(text: &str) -> (u64, &str, &str) {
    let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
    let (version, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch.parse().unwrap_or(0), version, revision)
}

/// Words and numbers by turns.
fn part<'a>(mut a: &'a str, mut b: &'a str) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (words, numbers);
        (words, a, b) = split(a, b, |c| !c.is_ascii_digit(), word);
        (numbers, a, b) = split(a, b, |c| c.is_ascii_digit(), number);
        let order = words.then(numbers);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn split<'a>(
    a: &'a str,
    b: &'a str,
    belongs: impl Fn(char) -> bool,
    order: impl Fn(&str, &str) -> Ordering,
) -> (Ordering, &'a str, &'a str) {
    let cut = |text: &'a str| text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()));
    let ((head_a, rest_a), (head_b, rest_b)) = (cut(a), cut(b));
    (order(head_a, head_b), rest_a, rest_b)
}

/// `~` comes before the end, the end before letters, and letters before the rest.
fn word(a: &str, b: &str) -> Ordering {
    let rank = |c: Option<char>| match c {
        Some('~') => (0, 0),
        None => (1, 0),
        Some(c) if c.is_ascii_alphabetic() => (2, u32::from(c)),
        Some(c) => (3, u32::from(c)),
    };
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        let (x, y) = (a.next(), b.next());
        let order = rank(x).cmp(&rank(y));
        if order.is_ne() || (x.is_none() && y.is_none()) {
            return order;
        }
    }
}

/// Of any length.
fn number(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_stand_in_dpkgs_order() {
        let order =
            ["1.0~rc1", "1.0", "1.0-1", "1.0-1+b1", "1.0-1.1", "1.0a", "1.2", "1.10", "1.10.0-2", "1:0.1"];
        for pair in order.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("0:1.01", "1.1"), Ordering::Equal);
        assert_eq!(compare("6.1.0-9-amd64", "6.1.0-18-amd64"), Ordering::Less);
    }
}
