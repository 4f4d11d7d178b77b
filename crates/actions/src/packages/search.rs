//! Searching the repositories' lists: the words of a query, where they are looked for, and the best of what is found. What a package
//! manager tells is sifted here, so that a query means the same to all of them.

use super::compare_versions;
use std::cmp::Ordering;

/// A package of the repositories' lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// As the package manager names it.
    pub name: String,
    /// Where the search tells it.
    pub version: Option<String>,
    /// Where the search tells it.
    pub architecture: Option<String>,
    /// One line, perhaps empty.
    pub description: String,
    /// The package manager, or its repository where that is known.
    pub source: String,
}

impl Hit {
    fn key(&self) -> (&str, Option<&str>) {
        (&self.name, self.architecture.as_deref())
    }
}

/// Why a search cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CannotSearch {
    /// The agent does not search by this package manager.
    Unsupported,
    /// What the query must do.
    Must(&'static str),
}

/// The words of a query, in lower case; at least one where the query is not blank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Those between white space.
    pub fn of(query: &str) -> Self {
        Self(query.split_whitespace().map(str::to_lowercase).collect())
    }

    /// One after another.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How well a package fits, best first; `None` where a word is neither in its name nor in its description.
    fn fit(&self, hit: &Hit) -> Option<Fit> {
        let (name, description) = (hit.name.to_lowercase(), hit.description.to_lowercase());
        if !self.iter().all(|word| name.contains(word) || description.contains(word)) {
            return None;
        }
        let first = self.0.first().map_or("", String::as_str);
        Some(if !self.iter().all(|word| name.contains(word)) {
            Fit::Description
        } else if name == first {
            Fit::Whole
        } else if name.starts_with(first) {
            Fit::Begins
        } else {
            Fit::Name
        })
    }
}

/// Where the words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// They are the name.
    Whole,
    /// The first begins the name, and all are in it.
    Begins,
    /// All are in the name.
    Name,
    /// One is in the description only.
    Description,
}

/// The best hits; of the others no more than a few are kept on the way.
#[derive(Debug)]
pub struct Best<'a> {
    words: &'a Words,
    limit: usize,
    count: usize,
    hits: Vec<(Fit, Hit)>,
}

impl<'a> Best<'a> {
    /// Of so many at most.
    pub fn of(words: &'a Words, limit: usize) -> Self {
        Self { words, limit, count: 0, hits: Vec::new() }
    }

    /// Takes what fits.
    pub fn take(&mut self, hit: Hit) {
        let Some(fit) = self.words.fit(&hit) else { return };
        self.count += 1;
        self.hits.push((fit, hit));
        // Sorted once for as many hits as it keeps.
        if self.hits.len() >= self.limit.saturating_mul(2).max(1024) {
            self.cut();
        }
    }

    /// The best, and how many fitted.
    pub fn finish(mut self) -> (Vec<Hit>, usize) {
        self.cut();
        (self.hits.into_iter().map(|(_, hit)| hit).collect(), self.count)
    }

    /// Of several versions the newest stays.
    fn cut(&mut self) {
        self.hits.sort_by(|(fit, hit), (other_fit, other)| {
            fit.cmp(other_fit).then_with(|| hit.key().cmp(&other.key())).then_with(|| newest(hit, other))
        });
        let before = self.hits.len();
        self.hits.dedup_by(|(_, later), (_, kept)| later.key() == kept.key());
        self.count -= before - self.hits.len();
        self.hits.truncate(self.limit);
    }
}

fn newest(one: &Hit, other: &Hit) -> Ordering {
    let version = |hit: &Hit| hit.version.clone().unwrap_or_default();
    compare_versions(&version(other), &version(one))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hit(name: &str, version: &str, description: &str) -> Hit {
        Hit {
            name: name.into(),
            version: Some(version.into()),
            description: description.into(),
            ..Hit::default()
        }
    }

    fn found(query: &str, limit: usize, hits: &[Hit]) -> (Vec<String>, usize) {
        let words = Words::of(query);
        let mut best = Best::of(&words, limit);
        hits.iter().cloned().for_each(|one| best.take(one));
        let (hits, count) = best.finish();
        (hits.into_iter().map(|one| one.name).collect(), count)
    }

    #[test]
    fn the_package_of_that_name_comes_first_then_names_and_then_descriptions() {
        let hits = [
            hit("gvim", "1", "graphical"),
            hit("ed", "1", "older than Vim"),
            hit("vim-tiny", "1", ""),
            hit("vim", "1", "editor"),
            hit("nano", "1", "another"),
        ];
        assert_eq!(found("VIM", 9, &hits), (["vim", "vim-tiny", "gvim", "ed"].map(str::to_owned).into(), 4));
        assert_eq!(found("vim", 2, &hits), (["vim", "vim-tiny"].map(str::to_owned).into(), 4));
        assert_eq!(found("vim graphical", 9, &hits).0, ["gvim"]);
        assert_eq!(found("v.m", 9, &hits).1, 0, "a query is no pattern");
    }

    #[test]
    fn of_several_versions_the_newest_is_told_once() {
        let hits = [hit("a", "1.9", "one"), hit("a", "1.10", "two"), hit("a", "1.2", "three")];
        let words = Words::of("a");
        let mut best = Best::of(&words, 9);
        for one in hits {
            best.take(one);
        }
        let (hits, count) = best.finish();
        assert_eq!((hits.len(), hits[0].version.as_deref(), count), (1, Some("1.10"), 1));
    }

    #[test]
    fn of_many_hits_few_are_kept_and_all_are_counted() {
        let words = Words::of("p");
        let mut best = Best::of(&words, 3);
        for n in 0..20_000 {
            best.take(hit(&format!("p{:05}", 20_000 - n), "1", ""));
            assert!(best.hits.len() <= 1024);
        }
        let (hits, count) = best.finish();
        assert_eq!((hits[0].name.as_str(), hits.len(), count), ("p00001", 3, 20_000));
    }

    proptest! {
        #[test]
        fn whatever_is_found_holds_all_words(query in "\\PC{1,12}", names in proptest::collection::vec("[a-z]{1,3}", 0..20)) {
            let hits: Vec<_> = names.iter().map(|name| hit(name, "1", "")).collect();
            let (told, count) = found(&query, 5, &hits);
            prop_assert!(told.len() <= 5 && told.len() <= count);
            for name in told {
                prop_assert!(query.to_lowercase().split_whitespace().all(|word| name.contains(word)));
            }
        }
    }
}
