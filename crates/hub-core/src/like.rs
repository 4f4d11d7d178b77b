//! Names of machines with `*` for any text, as people write them.

/// Whether a name is like a pattern in which `*` is any text.
pub(crate) fn is_like(name: &str, pattern: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return name == pattern };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<_> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = name.find(part) else { return false };
        name = name.get(at + part.len()..).unwrap_or_default();
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_also_none() {
        for (pattern, is) in
            [("*", true), ("w*1", true), ("web-1*", true), ("*e*b*", true), ("we*eb-1", false), ("W*", false)]
        {
            assert_eq!(is_like("web-1", pattern), is, "{pattern}");
        }
    }
}
