//! Text for people: the guest's words made harmless, and figures with their units.

pub(crate) mod sanitize;
pub(crate) mod units;

use unicode_width::UnicodeWidthStr;

/// The text in lines of at most `width` columns where its words allow it; all but the first begin with `indent`.
pub(crate) fn wrap(text: &str, width: usize, indent: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut used = 0;
    for (place, word) in text.split(' ').enumerate() {
        let fits = used + 1 + word.width() <= width;
        match (place, fits) {
            (0, _) => {}
            (_, true) => out.push(' '),
            (_, false) => {
                out.push('\n');
                out.push_str(indent);
                used = indent.width();
            }
        }
        used += word.width() + usize::from(place > 0 && fits);
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stay_whole_and_later_lines_are_indented() {
        assert_eq!(
            wrap("  disk: free some space on it", 16, "    "),
            "  disk: free\n    some space\n    on it"
        );
        assert_eq!(wrap("a averyverylongword b", 6, ""), "a\naveryverylongword\nb");
        assert_eq!(wrap("short", 80, "  "), "short");
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_lines_fit(text in "[a-z]{1,9}( [a-z]{1,9}){0,30}", width in 12_usize..60) {
            let wrapped = wrap(&text, width, "  ");
            prop_assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>(), text.split(' ').collect::<Vec<_>>());
            prop_assert!(wrapped.lines().all(|line| line.width() <= width), "{}", wrapped);
        }
    }
}
