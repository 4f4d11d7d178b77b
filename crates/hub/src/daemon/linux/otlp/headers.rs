//! Headers of all requests, such as a key: from a file that nobody else can read.

use hyper::header::{HeaderName, HeaderValue};
use infiniservice_platform::trusted::TrustedFile;
use std::io::Read as _;
use std::path::Path;

/// Longest file, in bytes.
const MAX_BYTES: u64 = 16 << 10;
/// Headers that are the protocol's.
const OWN: [&str; 6] =
    ["host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection"];

/// A header in each line, `name: value`; empty lines and those that begin with `#` count for nothing.
///
/// # Errors
/// What is wrong with the file, without what is in it.
pub(super) fn of(path: &Path) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
    if path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let named = |problem: String| format!("{} {problem}", path.display());
    let file = TrustedFile::open(path).map_err(named)?.ok_or_else(|| named("does not exist".to_owned()))?;
    file.check_not_readable_by_others().map_err(named)?;
    let mut text = String::new();
    let read = file.reader().take(MAX_BYTES).read_to_string(&mut text);
    read.map_err(|error| named(format!("cannot be read: {error}")))?;
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, line.trim()));
    let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    lines.map(|(n, line)| header(line).ok_or_else(|| named(wrong(n)))).collect()
}

fn wrong(n: usize) -> String {
    format!("has no header of ours in line {n}: `name: value` is allowed, but for {}", OWN.join(", "))
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
    let mut value = HeaderValue::from_str(value.trim()).ok()?;
    value.set_sensitive(true);
    (!OWN.contains(&name.as_str())).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn read(text: &str, mode: u32) -> Result<Vec<(HeaderName, HeaderValue)>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("headers");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        of(&path)
    }

    #[test]
    fn headers_are_read_from_a_file_that_is_the_owners_alone() {
        let headers = read("# key\n\nAuthorization: Bearer a:b\nX-Scope: 7\n", 0o600).unwrap();
        assert_eq!(headers.len(), 2);
        assert_eq!((headers[0].0.as_str(), headers[0].1.to_str().unwrap()), ("authorization", "Bearer a:b"));
        assert!(!format!("{headers:?}").contains("Bearer"));
        assert!(read("a: b", 0o640).unwrap_err().contains("0600"));
        let directory = tempfile::tempdir().unwrap();
        assert!(of(&directory.path().join("x")).unwrap_err().contains("does not exist"));
        assert_eq!(of(Path::new("")), Ok(Vec::new()));
    }

    #[test]
    fn a_wrong_line_is_named_by_its_number_and_its_secret_is_not_told() {
        for wrong in ["no header", "a b: secret", "a: sec\u{1}ret", "Host: secret"] {
            let error = read(&format!("x: y\n{wrong}\n"), 0o600).unwrap_err();
            assert!(error.contains("line 2") && !error.contains("secret"), "{error}");
        }
    }
}
