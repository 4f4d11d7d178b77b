//! Command lines of Windows' shells.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::path::Path;

/// cmd takes at most 8191 characters; some are the agent's own.
const MAX_CMD: usize = 8000;
/// `CreateProcessW` takes 32,767 characters; base64 of UTF-16 makes nearly three of one.
const MAX_POWERSHELL: usize = 11_000;

/// No bars of progress, and output in UTF-8 where the language mode allows it.
const PROLOGUE: &str = "$ProgressPreference='SilentlyContinue';try{[Console]::OutputEncoding=[Text.UTF8Encoding]::new($false)}catch{}";

/// Everything after `cmd.exe`: no `AutoRun`, and the text as it stands between the outer quotes (`cmd /?`, `/s`). Output is UTF-8.
pub fn cmd(text: &str) -> Result<String, String> {
    check(text, MAX_CMD)?;
    if text.contains(['\n', '\r']) {
        return Err("`raw_command` must be a single line for cmd's command line".into());
    }
    Ok(format!("/d /s /c \"%SystemRoot%\\System32\\chcp.com 65001>nul & {text}\""))
}

/// The arguments of `powershell.exe`: no profile, no questions, and the text in base64, so that nothing of it is ever parsed as
/// an argument. Output is UTF-8 where the language mode allows it.
pub fn powershell(text: &str) -> Result<Vec<String>, String> {
    check(text, MAX_POWERSHELL)?;
    let options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-EncodedCommand"].map(str::to_owned);
    Ok(options.into_iter().chain([encoded(&format!("{PROLOGUE}\n{text}"))]).collect())
}

/// Everything after `cmd.exe` for a batch file: `/q`, as batch files print their own lines otherwise.
pub fn cmd_file(path: &Path) -> String {
    format!("/q /d /s /c \"%SystemRoot%\\System32\\chcp.com 65001>nul & \"{}\"\"", path.display())
}

/// The arguments of `powershell.exe` for a file, whatever the machine's policy is about files; its exit code is the file's.
pub fn powershell_file(path: &Path) -> Vec<String> {
    let path = path.display().to_string().replace('\'', "''");
    let text = format!("{PROLOGUE}\n$global:LASTEXITCODE=0; & '{path}'; exit $LASTEXITCODE");
    let options =
        ["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand"];
    options.map(str::to_owned).into_iter().chain([encoded(&text)]).collect()
}

fn encoded(text: &str) -> String {
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    BASE64_STANDARD.encode(bytes)
}

fn check(text: &str, max: usize) -> Result<(), String> {
    let length = text.encode_utf16().count();
    if length > max {
        return Err(format!(
            "`raw_command` must be at most {max} characters long for this shell, not {length}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_stands_between_the_outer_quotes_of_cmd() {
        assert_eq!(
            cmd(r#"echo "a" & b"#).unwrap(),
            r#"/d /s /c "%SystemRoot%\System32\chcp.com 65001>nul & echo "a" & b""#
        );
        assert!(cmd("a\nb").unwrap_err().contains("a single line"));
        assert!(cmd(&"x".repeat(8001)).unwrap_err().contains("8000"));
    }

    #[test]
    fn powershell_gets_utf_16_in_base64_and_nothing_else_of_the_text() {
        let arguments = powershell("echo \"x\"; # é").unwrap();
        assert_eq!(arguments[3], "-EncodedCommand");
        let bytes = BASE64_STANDARD.decode(&arguments[4]).unwrap();
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let text = String::from_utf16(&units).unwrap();
        assert!(text.ends_with("\necho \"x\"; # é"), "{text}");
        assert!(arguments.join(" ").encode_utf16().count() < 32_000);
        assert!(powershell(&"é".repeat(11_000)).unwrap().concat().len() < 32_000);
    }

    #[test]
    fn a_file_is_named_by_its_path_and_nothing_of_its_text_is_on_the_command_line() {
        let path = Path::new(r"C:\ProgramData\it's\1-2.cmd");
        assert_eq!(
            cmd_file(path),
            r#"/q /d /s /c "%SystemRoot%\System32\chcp.com 65001>nul & "C:\ProgramData\it's\1-2.cmd"""#
        );
        let arguments = powershell_file(path);
        let bytes = BASE64_STANDARD.decode(arguments.last().unwrap()).unwrap();
        let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let text = String::from_utf16(&units).unwrap();
        assert!(text.contains(r"& 'C:\ProgramData\it''s\1-2.cmd'; exit $LASTEXITCODE"), "{text}");
    }
}
