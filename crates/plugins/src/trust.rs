//! Whether a plugin's program may be started: nobody but root (on Windows an administrator) and whoever runs the agent could have
//! written it, what interprets it, or a program that it gets the path of.

use crate::sys::is_program;
use infiniservice_platform::trusted::TrustedFile;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// The kernel reads no more of a script's first line (`BINPRM_BUF_SIZE`).
const FIRST_LINE_BYTES: u64 = 256;
/// Programs that run what their arguments name, by the beginnings of their names; digits may follow.
const INTERPRETERS: &[&str] = &[
    "ash",
    "awk",
    "bash",
    "busybox",
    "cmd",
    "cscript",
    "dash",
    "env",
    "fish",
    "gawk",
    "ionice",
    "java",
    "ksh",
    "lua",
    "mawk",
    "mksh",
    "nice",
    "node",
    "nodejs",
    "nohup",
    "perl",
    "php",
    "powershell",
    "pwsh",
    "py",
    "pypy",
    "python",
    "rscript",
    "ruby",
    "rundll",
    "setsid",
    "sh",
    "stdbuf",
    "sudo",
    "tclsh",
    "timeout",
    "wscript",
    "xargs",
    "zsh",
];

/// Checks the files of a command. May wait for a file system.
///
/// # Errors
/// Which file is refused, and why.
pub(crate) fn check(command: &[String]) -> Result<(), String> {
    let Some((program, arguments)) = command.split_first() else { return Err("the command is empty".into()) };
    let program = Path::new(program);
    let code = open("the program", program)?;
    if !code.is_executable() {
        return Err(format!("the program {} is not executable", program.display()));
    }
    if let Some(interpreter) = interpreter(&code) {
        open("the interpreter of the program,", &interpreter)?;
    }
    let interprets = is_interpreter(program);
    // Behind an interpreter whatever it is: a shell reads a user's pipe as well, and what is missing now may be a user's later.
    for path in arguments.iter().filter_map(|argument| named(argument, interprets)) {
        if interprets || is_program(&path) {
            open("the program's argument", &path)?;
        }
    }
    Ok(())
}

/// The file that an argument names, if it looks like one. Plugins start in the root directory, so that an interpreter finds a
/// relative path there.
fn named(argument: &str, interprets: bool) -> Option<PathBuf> {
    let path = Path::new(argument);
    let relative = interprets
        && argument.contains('/')
        && !argument.starts_with('-')
        && !argument.contains(char::is_whitespace);
    (path.is_absolute() || relative).then(|| Path::new("/").join(path))
}

fn open(what: &str, path: &Path) -> Result<TrustedFile, String> {
    let shown = path.display();
    let opened = TrustedFile::open_code(path).map_err(|problem| format!("{what} {shown} {problem}"))?;
    opened.ok_or_else(|| format!("{what} {shown} does not exist"))
}

/// What runs a script, by its first line (execve(2)).
fn interpreter(code: &TrustedFile) -> Option<PathBuf> {
    let mut line = Vec::new();
    code.reader().take(FIRST_LINE_BYTES).read_to_end(&mut line).ok()?;
    let line = line.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let text = String::from_utf8_lossy(line);
    let path = text.split_ascii_whitespace().next().map(PathBuf::from);
    path.filter(|path| path.is_absolute())
}

fn is_interpreter(program: &Path) -> bool {
    let name =
        program.file_stem().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    let version = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
    INTERPRETERS.iter().any(|known| name.strip_prefix(known).is_some_and(|rest| rest.chars().all(version)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_behind_an_interpreter_is_one_of_the_root_directory() {
        assert_eq!(named("tmp/x", true), Some("/tmp/x".into()));
        for argument in ["x", "-e", "--file=tmp/x", "print 1/2"] {
            assert_eq!(named(argument, true), None, "{argument}");
        }
        let absolute = std::env::temp_dir();
        assert_eq!(named("tmp/x", false), None);
        assert_eq!(named(&absolute.display().to_string(), false), Some(absolute));
    }

    #[test]
    fn an_interpreter_is_known_by_its_name_with_or_without_a_version() {
        for name in [
            "/bin/sh",
            "/usr/bin/python3.11",
            "/usr/bin/python",
            "/usr/bin/perl5",
            "/x/lua5.4",
            "/x/pwsh",
            "/usr/bin/env",
            "/usr/bin/pypy3",
            "/usr/bin/nodejs",
            "/usr/bin/timeout",
            "/x/rundll32.exe",
            "/x/py.exe",
        ] {
            assert!(is_interpreter(Path::new(name)), "{name}");
        }
        for name in
            ["/usr/bin/show", "/usr/bin/shred", "/usr/lib/nagios/plugins/check_disk", "/usr/bin/phpize"]
        {
            assert!(!is_interpreter(Path::new(name)), "{name}");
        }
    }
}
