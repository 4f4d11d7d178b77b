//! Configurations that are wrong all over, and values that are no text.

use super::load::{Loaded, Sources};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

fn load(text: &str, environment: Vec<(OsString, OsString)>) -> Result<Loaded, Vec<String>> {
    let directory = tempfile::tempdir().expect("a directory");
    let default_file = directory.path().join("config.toml");
    fs::write(&default_file, text).expect("written");
    let sources = Sources { default_file, config_flag: None, environment, flags: Vec::new() };
    sources.load().map_err(|errors| errors.0.iter().map(ToString::to_string).collect())
}

#[test]
fn of_eighty_thousand_wrong_names_a_hundred_are_told_and_the_rest_counted() {
    let mut text = String::new();
    for n in 0..80_000 {
        let _ = writeln!(text, "k{n}=1");
    }
    let errors = load(&text, Vec::new()).expect_err("nothing of it is a setting");
    assert_eq!(errors.len(), 101);
    assert!(errors[99].contains("config.toml:100: unknown setting"), "{}", errors[99]);
    assert_eq!(errors[100], "79900 more errors");
}

#[test]
fn a_wrong_value_is_told_though_many_names_before_it_are_wrong_too() {
    let text = "k=1\n".replace('k', "kk") + "max_ports = \"x\"\n";
    let errors = load(&text, Vec::new()).expect_err("both are wrong");
    assert!(errors[1].contains("config.toml:2: max_ports"), "{errors:?}");
}

#[test]
fn a_secret_that_is_not_utf8_is_refused_and_not_shown() {
    let secret = OsString::from_vec(b"open-sesame-\xff\xfe-open-sesame".to_vec());
    let errors = load("", vec![("INFINISERVICE_SHARED_SECRET".into(), secret)]).expect_err("no text");
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("is not UTF-8") && !errors[0].contains("sesame"), "{errors:?}");
}
