//! Patterns of sockets' paths, with the machine's name in them.

/// Longest name of a machine, in bytes.
pub const MAX_NAME_BYTES: usize = 200;

/// What the name of a bulk port's socket ends with.
const BULK_SUFFIX: &str = ".bulk";

/// A path whose parts may hold `*` and one of `{vm}` and `{domain}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// A name that matches a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// The machine's name, where it is in this part.
    pub vm: Option<String>,
}

/// One directory or file of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pieces: Vec<Piece>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Any,
    Vm,
    Domain,
}

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix('/').ok_or("must be an absolute path")?;
        let parts: Vec<_> = path.split('/').map(Part::parse).collect::<Result<_, _>>()?;
        if parts.iter().any(|part| part.is("") || part.is(".") || part.is("..")) {
            return Err("must have no empty part, and neither `.` nor `..`".to_owned());
        }
        match parts.iter().filter(|part| part.has_name()).count() {
            1 => Ok(Self { parts }),
            count => Err(format!("must have exactly one of {{vm}} and {{domain}}; it has {count}")),
        }
    }

    /// Its parts, from the root.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl Part {
    fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (piece, length) = next_piece(rest)?;
            pieces.push(piece);
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Self { pieces })
    }

    fn is(&self, text: &str) -> bool {
        match self.pieces.as_slice() {
            [] => text.is_empty(),
            [Piece::Text(own)] => own == text,
            _ => false,
        }
    }

    fn has_name(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Vm | Piece::Domain))
    }

    /// The name itself where nothing in it is to be matched.
    pub fn literal(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// What a name says, where it matches.
    /// The socket of a bulk port is none of a machine's where only a wildcard would take it for one.
    pub fn matches(&self, name: &str) -> Option<Match> {
        let is_bulk = self.pieces.last() == Some(&Piece::Any) && name.ends_with(BULK_SUFFIX);
        if is_bulk { None } else { matches(&self.pieces, name) }
    }
}

fn next_piece(text: &str) -> Result<(Piece, usize), String> {
    if text.starts_with('*') {
        return Ok((Piece::Any, 1));
    }
    if text.starts_with('{') {
        return match text.split_once('}').map(|(name, _)| name) {
            Some("{vm") => Ok((Piece::Vm, "{vm}".len())),
            Some("{domain") => Ok((Piece::Domain, "{domain}".len())),
            _ => Err("a brace must be of {vm} or {domain}".to_owned()),
        };
    }
    let length = text.find(['*', '{']).unwrap_or(text.len());
    Ok((Piece::Text(text.get(..length).unwrap_or_default().to_owned()), length))
}

/// Tries the shortest match of a wildcard first. Parts of paths are short, and hold few wildcards.
fn matches(pieces: &[Piece], name: &str) -> Option<Match> {
    let Some((piece, after)) = pieces.split_first() else { return name.is_empty().then(Match::default) };
    if let Piece::Text(text) = piece {
        return matches(after, name.strip_prefix(text.as_str())?);
    }
    let lengths = (0..=name.len()).filter(|length| name.is_char_boundary(*length));
    lengths.filter_map(|length| name.split_at_checked(length)).find_map(|(taken, rest)| {
        let inner = matches(after, rest)?;
        match piece {
            Piece::Vm => Some(Match { vm: Some(vm(taken)?) }),
            Piece::Domain => Some(Match { vm: Some(domain(taken)?) }),
            Piece::Any | Piece::Text(_) => Some(inner),
        }
    })
}

/// Names stand in tables, labels and addresses: no control characters, no slash, not empty, not without end.
fn vm(name: &str) -> Option<String> {
    let wrong = name.is_empty()
        || name.len() > MAX_NAME_BYTES
        || name.chars().any(|c| c.is_control() || c == '/')
        || name == "."
        || name == "..";
    (!wrong).then(|| name.to_owned())
}

/// `domain-3-web-017` is the running domain `web-017` of the number 3; libvirt shortens the name to fit the socket's path.
fn domain(directory: &str) -> Option<String> {
    let (number, name) = directory.strip_prefix("domain-").unwrap_or(directory).split_once('-')?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then_some(())?;
    vm(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(pattern: &str, name: &str) -> Option<Match> {
        Pattern::parse(pattern).unwrap().parts().last().unwrap().matches(name)
    }

    fn named(name: &str) -> Match {
        Match { vm: Some(name.to_owned()) }
    }

    #[test]
    fn the_machines_name_is_found_between_text_and_wildcards() {
        assert_eq!(last("/s/{vm}.socket", "web-017.socket"), Some(named("web-017")));
        assert_eq!(last("/s/{vm}.socket", "a.socket.socket"), Some(named("a.socket")));
        assert_eq!(last("/s/agent-{vm}-*", "agent-web-1"), Some(named("web")));
        assert_eq!(last("/s/{vm}.socket", "web.sock"), None);
        assert_eq!(last("/s/{vm}.socket", ".socket"), None);
        assert_eq!(last("/s/{vm}/org.infinibay.agent*", "org.infinibay.agent.0"), Some(Match::default()));
        assert_eq!(last("/s/{vm}/org.infinibay.agent*", "org.infinibay.agent.bulk"), None);
    }

    #[test]
    fn a_directory_of_libvirt_has_the_domains_name_behind_its_number() {
        let part = |name| Pattern::parse("/c/{domain}/a").unwrap().parts()[1].matches(name);
        assert_eq!(part("domain-3-web-017"), Some(named("web-017")));
        assert_eq!(part("12-win-vm"), Some(named("win-vm")));
        assert_eq!(part("domain-x-web"), None);
        assert_eq!(part("web"), None);
    }

    #[test]
    fn names_that_would_break_a_table_or_a_label_are_none() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for name in ["a\nb.s", "\u{1b}[2J.s", &format!("{long}.s")] {
            assert_eq!(last("/s/{vm}.s", name), None, "{name:?}");
        }
    }

    #[test]
    fn a_wrong_pattern_says_why() {
        for (pattern, why) in [
            ("run/{vm}", "absolute"),
            ("/run/*.sock", "exactly one"),
            ("/{vm}/{domain}", "exactly one"),
            ("/run/{name}.sock", "brace"),
            ("/run/../{vm}", "neither"),
            ("/run//{vm}", "empty"),
        ] {
            assert!(Pattern::parse(pattern).unwrap_err().contains(why), "{pattern}");
        }
    }
}
