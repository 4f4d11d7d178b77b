//! Who may seal lines to a guest: the file `controller_keys`, a line for each key: `KID KEY`, or `KID KEY monitor`.

use super::keys::PublicKey;
use std::fmt;
use std::sync::Arc;

/// Longest `kid`.
pub const MAX_KID_CHARS: usize = 64;
/// Most keys of one file.
pub const MAX_CONTROLLERS: usize = 64;

/// What a key may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Control,
    /// To read figures only; metrics are sealed to it where they are not plain.
    Monitor,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its name on the wire.
    pub kid: Arc<str>,
    /// The key.
    pub key: PublicKey,
    /// What it is for.
    pub role: Role,
}

/// All keys that a guest heeds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Controllers(Vec<Controller>);

impl Controllers {
    /// Reads the file's text. Blank lines and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// The first line that is wrong, and what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            all.add(line).map_err(|problem| format!("line {}: {problem}", number + 1))?;
        }
        if all.0.is_empty() {
            return Err("contains no key; a line has the form `KID KEY`".into());
        }
        Ok(all)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let controller = controller(line)?;
        if self.find(&controller.kid).is_some() {
            return Err(format!("the kid {} occurs twice", controller.kid));
        }
        if let Some(same) = self.0.iter().find(|other| other.key == controller.key) {
            return Err(format!("has the same key as {}", same.kid));
        }
        if self.0.len() >= MAX_CONTROLLERS {
            return Err(format!("at most {MAX_CONTROLLERS} keys are allowed"));
        }
        self.0.push(controller);
        Ok(())
    }

    /// The key of this name.
    pub fn find(&self, kid: &str) -> Option<&Controller> {
        self.0.iter().find(|controller| &*controller.kid == kid)
    }

    /// To whom metrics are sealed: the last of the keys for monitoring, so that a new one is added below the old one.
    pub fn monitor(&self) -> Option<&Controller> {
        self.0.iter().rev().find(|controller| controller.role == Role::Monitor)
    }

    /// The names in the file's order.
    pub fn kids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|controller| &*controller.kid)
    }
}

fn controller(line: &str) -> Result<Controller, String> {
    let mut words = line.split_whitespace();
    let (kid, key) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    check_kid(kid)?;
    let key = PublicKey::parse(key)?;
    let role = match words.next() {
        None => Role::Control,
        Some("monitor") => Role::Monitor,
        Some(_) => return Err("after the key only the word `monitor` may stand".into()),
    };
    match words.next() {
        None => Ok(Controller { kid: kid.into(), key, role }),
        Some(_) => Err("a line has the form `KID KEY` or `KID KEY monitor`".into()),
    }
}

/// Whether a text may name a key.
///
/// # Errors
/// What it must be instead.
pub fn check_kid(kid: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if (1..=MAX_KID_CHARS).contains(&kid.len()) && kid.chars().all(fits) {
        return Ok(());
    }
    Err(format!("a kid must have 1 to {MAX_KID_CHARS} letters, digits, `.`, `_` and `-`"))
}

/// As its line in the file.
impl fmt::Display for Controller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = if self.role == Role::Monitor { " monitor" } else { "" };
        write!(f, "{} {}{role}", self.kid, self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::KeyPair;
    use super::*;

    fn key(n: u8) -> PublicKey {
        KeyPair::from_bytes([n; 32]).public().clone()
    }

    #[test]
    fn keys_are_found_by_name_and_the_last_monitor_gets_the_metrics() {
        let text = format!("# ours\n\nops-1 {}\nold {} monitor\n new\t{} monitor \n", key(1), key(2), key(3));
        let all = Controllers::parse(&text).unwrap();
        assert_eq!(all.kids().collect::<Vec<_>>(), ["ops-1", "old", "new"]);
        assert_eq!(all.find("ops-1").map(|found| (&found.key, found.role)), Some((&key(1), Role::Control)));
        assert_eq!(all.find("ops-2"), None);
        assert_eq!(all.monitor().map(|found| &*found.kid), Some("new"));
        assert_eq!(all.monitor().unwrap().to_string(), format!("new {} monitor", key(3)));
    }

    #[test]
    fn a_file_that_is_wrong_is_refused_with_the_line() {
        let (one, two) = (key(1), key(2));
        for (text, why) in [
            (String::new(), "contains no key"),
            (format!("a b {one}"), "line 1: a key must be 32 bytes"),
            (format!("a {one} admin"), "line 1: after the key only the word `monitor`"),
            (format!("a {one} monitor x"), "line 1: a line has the form"),
            (format!("a {one}\n\na {two}"), "line 3: the kid a occurs twice"),
            (format!("a {one}\nb {one}"), "line 2: has the same key as a"),
            (format!("a/b {one}"), "line 1: a kid must have"),
            (format!("{} {one}", "x".repeat(65)), "line 1: a kid must have"),
        ] {
            let told = Controllers::parse(&text).expect_err(&text);
            assert!(told.starts_with(why), "{told}");
        }
        let many: Vec<_> = (0..=MAX_CONTROLLERS as u8).map(|n| format!("k{n} {}", key(n + 1))).collect();
        assert_eq!(Controllers::parse(&many.join("\n")), Err("line 65: at most 64 keys are allowed".into()));
    }
}
