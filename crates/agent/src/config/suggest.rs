//! Which known name a misspelt one was probably meant to be.

/// Longer input is not compared: no name is that long.
const LONGEST: usize = 80;
/// A shorter beginning fits too many names.
const SHORTEST_BEGINNING: usize = 4;

/// The known name nearest to `given`, where it is near enough to be worth saying.
pub(super) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > LONGEST {
        return None;
    }
    let given = given.to_ascii_lowercase().replace('-', "_");
    let limit = (given.len() / 3).clamp(1, 5);
    let scored = known.map(|name| (score(&given, &name.to_ascii_lowercase()), name));
    scored
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// A name cut short counts as one slip, however much is missing.
fn score(given: &str, name: &str) -> usize {
    if given.len() >= SHORTEST_BEGINNING && name.starts_with(given) { 1 } else { distance(given, name) }
}

/// Levenshtein's distance, by bytes.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.bytes().enumerate() {
        let mut next = vec![i + 1];
        for ((j, b), pair) in right.bytes().enumerate().zip(row.windows(2)) {
            let (diagonal, above) = (pair.first().copied().unwrap_or(0), pair.last().copied().unwrap_or(0));
            let before = next.get(j).copied().unwrap_or(0);
            next.push((diagonal + usize::from(a != b)).min(above + 1).min(before + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised() {
        let known = ["min_backoff_secs", "max_backoff_secs", "vm_id"];
        assert_eq!(nearest("min_backof_secs", known.into_iter()), Some("min_backoff_secs"));
        assert_eq!(nearest("max-backoff-secs", known.into_iter()), Some("max_backoff_secs"));
        assert_eq!(nearest("min_back", known.into_iter()), Some("min_backoff_secs"));
        assert_eq!(nearest("VM_ID", known.into_iter()), Some("vm_id"));
    }

    #[test]
    fn a_name_like_no_other_gets_no_suggestion() {
        assert_eq!(nearest("colour_of_the_sky", ["min_backoff_secs", "vm_id"].into_iter()), None);
        assert_eq!(nearest(&"x".repeat(1 << 20), ["vm_id"].into_iter()), None);
    }

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
