//! `packaging/install-windows.ps1` as far as it can be checked without PowerShell: by a grammar of it.

use std::path::Path;
use tree_sitter::{Node, Parser, Tree};

fn script() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/install-windows.ps1");
    std::fs::read_to_string(path).expect("the script")
}

fn parse(text: &str) -> Tree {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_powershell::LANGUAGE.into()).expect("a grammar of this parser's time");
    parser.parse(text, None).expect("parsed")
}

/// The places that are not PowerShell, and those where something is missing.
fn errors(node: Node, text: &str) -> Vec<String> {
    if node.is_error() || node.is_missing() {
        let line = node.start_position().row + 1;
        return vec![format!("line {line}: {:?}", text.get(node.byte_range()).unwrap_or_default())];
    }
    let mut walk = node.walk();
    node.children(&mut walk).flat_map(|child| errors(child, text)).collect()
}

#[test]
fn the_script_is_powershell() {
    let text = script();
    let wrong = errors(parse(&text).root_node(), &text);
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_broken_script_would_be_found() {
    let text = script();
    for (whole, broken) in [
        ("function Test-Service {", "function Test-Service "),
        ("throw 'Run", "throw 'Run 'x'"),
        ("if ($Uninstall) {", "if ($Uninstall {"),
    ] {
        let text = text.replacen(whole, broken, 1);
        assert!(!errors(parse(&text).root_node(), &text).is_empty(), "not found: {broken}");
    }
}

/// What old PowerShell reads in its own encoding would be garbled.
#[test]
fn the_script_is_ascii_and_asks_for_nothing_by_a_name_that_is_translated() {
    let text = script();
    assert!(text.is_ascii());
    for name in ["BUILTIN", "NT AUTHORITY", "icacls", "Everyone"] {
        assert!(!text.contains(name), "{name}");
    }
}

/// What is typed as an argument stands in PowerShell's history, in its log and in the process's command line.
#[test]
fn the_secret_is_no_string_among_the_arguments() {
    let text = script();
    let parameters = text.split("Set-StrictMode").next().expect("the parameters");
    for line in parameters.lines().filter(|line| line.contains('$') && line.contains("Secret")) {
        let harmless =
            ["[switch] $AskSecret", "[string] $SecretFile", "[Security.SecureString] $SharedSecret"];
        assert!(harmless.iter().any(|parameter| line.contains(parameter)), "{line}");
    }
    assert!(text.contains("-AsSecureString"));
}
