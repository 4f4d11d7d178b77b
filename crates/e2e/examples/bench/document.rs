//! Puts a table between its markers in `docs/benchmarks.md`.

use anyhow::{Context, Result};
use infiniservice_e2e::binary::workspace;
use std::fs;

/// Replaces what stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
pub fn put(name: &str, text: &str) -> Result<()> {
    let path = workspace().join("docs/benchmarks.md");
    let old = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let (begin, end) = (format!("<!-- {name}:begin -->\n"), format!("<!-- {name}:end -->"));
    let (before, rest) =
        old.split_once(&begin).with_context(|| format!("no {begin} in {}", path.display()))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("no {end} in {}", path.display()))?;
    fs::write(&path, format!("{before}{begin}\n{text}\n{end}{after}"))?;
    println!("written to {}", path.display());
    Ok(())
}
