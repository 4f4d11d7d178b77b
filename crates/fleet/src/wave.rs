//! Waves: how many of a job's machines begin together, and after which others.

use crate::MAX_WAVES;
use infiniservice_hub_core::job::Share;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Of how many machines a wave is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wave {
    /// So many, and unless all of them answer, no further machine begins: `canary:1`.
    Canary(Share),
    /// So many: `50` or `10%`, of all machines.
    Part(Share),
    /// All others: `rest`.
    Rest,
}

impl Wave {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let share = |text: &str| match Share::parse(text) {
            Ok(Share::Count(0) | Share::Percent(0)) => Err("a wave must have at least 1 machine".to_owned()),
            other => other.map_err(|error| format!("a wave {error}")),
        };
        match (text, text.strip_prefix("canary:")) {
            ("rest", _) => Ok(Self::Rest),
            (_, Some(part)) => share(part).map(Self::Canary),
            _ => share(text).map(Self::Part),
        }
    }

    /// Whether all of it must answer before others begin.
    pub const fn is_canary(self) -> bool {
        matches!(self, Self::Canary(_))
    }

    /// How many machines it has, of so many and with so many left.
    fn of(self, all: usize, left: usize) -> usize {
        match self {
            Self::Rest => left,
            // A part of few is at least one machine: a wave without any would test nothing.
            Self::Canary(share) | Self::Part(share) => (share.of(all).max(1) as usize).min(left),
        }
    }

    fn text(self) -> String {
        let share = |share: Share| match share {
            Share::Count(count) => count.to_string(),
            Share::Percent(part) => format!("{part}%"),
        };
        match self {
            Self::Canary(of) => format!("canary:{}", share(of)),
            Self::Part(of) => share(of),
            Self::Rest => "rest".to_owned(),
        }
    }
}

impl<'de> Deserialize<'de> for Wave {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Serialize for Wave {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

/// Reads `canary:1,10%,rest`.
///
/// # Errors
/// What is wrong and what is allowed.
pub fn parse(text: &str) -> Result<Vec<Wave>, String> {
    let waves = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let waves = waves.map(Wave::parse).collect::<Result<Vec<_>, _>>()?;
    check(&waves)?;
    Ok(waves)
}

/// Whether they may stand together.
///
/// # Errors
/// Why not.
pub(crate) fn check(waves: &[Wave]) -> Result<(), String> {
    if waves.len() > MAX_WAVES {
        return Err(format!("there are {} waves; at most {MAX_WAVES} are allowed", waves.len()));
    }
    let before_last = waves.split_last().map_or(&[][..], |(_, before)| before);
    if before_last.contains(&Wave::Rest) {
        return Err("`rest` must be the last wave".to_owned());
    }
    Ok(())
}

/// How many machines each wave has, of so many; their sum is all of them. What no wave has is a last one.
pub fn sizes(waves: &[Wave], all: usize) -> Vec<usize> {
    let mut left = all;
    let mut sizes = Vec::with_capacity(waves.len() + 1);
    for wave in waves {
        let size = wave.of(all, left);
        left -= size;
        sizes.push(size);
    }
    if left > 0 || sizes.is_empty() {
        sizes.push(left);
    }
    sizes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waves_are_read_and_divide_all_machines() {
        let waves = parse("canary:1, 10%,rest").unwrap();
        assert_eq!(waves, [Wave::Canary(Share::Count(1)), Wave::Part(Share::Percent(10)), Wave::Rest]);
        assert_eq!(sizes(&waves, 200), [1, 20, 179]);
        assert_eq!(sizes(&waves, 3), [1, 1, 1]);
        assert_eq!(sizes(&waves, 1), [1, 0, 0]);
        assert_eq!(sizes(&parse("50%").unwrap(), 4), [2, 2]);
        assert_eq!(sizes(&[], 4), [4]);
        assert_eq!(serde_json::to_string(&waves).unwrap(), r#"["canary:1","10%","rest"]"#);
        assert_eq!(serde_json::from_str::<Vec<Wave>>(r#"["canary:1","10%","rest"]"#).unwrap(), waves);
    }

    #[test]
    fn what_is_wrong_is_told() {
        for (text, told) in [
            ("rest,10%", "last"),
            ("canary:0", "at least 1"),
            ("0%", "at least 1"),
            ("101%", "percentage"),
            ("canary:", "percentage"),
            ("some", "percentage"),
        ] {
            assert!(parse(text).unwrap_err().contains(told), "{text}");
        }
        assert!(parse(&"1,".repeat(MAX_WAVES + 1)).unwrap_err().contains("at most"));
    }

    proptest! {
        #[test]
        fn the_waves_sum_up_to_all(text in "((canary:)?[1-9][0-9]?%?,){0,6}(rest)?", all in 0_usize..5000) {
            let waves = parse(&text).unwrap();
            prop_assert_eq!(sizes(&waves, all).iter().sum::<usize>(), all);
        }
    }
}
