//! What a file may say, and what is said of one that is wrong.

use super::*;

fn of(text: &str) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    load(Some(&path))
}

#[test]
fn defaults_are_valid_and_an_empty_file_is_them() {
    assert_eq!(of(""), Ok(Config::default()));
}

#[test]
fn what_is_printed_is_read_back() {
    let config = of("listen = \"\"\nsources = [\"/run/vms/{vm}.sock\"]\nlog_level = \"debug\"").unwrap();
    assert_eq!(of(&config.to_toml()), Ok(config));
    let config = of("[otlp]\nendpoint = \"http://[::1]:4318\"\nsignals = [\"logs\"]").unwrap();
    assert_eq!(of(&config.to_toml()), Ok(config));
}

#[test]
fn a_wrong_setting_is_named_with_what_is_allowed() {
    for (text, expected) in [
        ("listen = \"localhost\"", "`listen` must be an IP address with a port"),
        ("log_level = \"loud\"", "must be error, warn, info, debug or trace"),
        ("api_socket = \"api.sock\"", "`api_socket` must be an absolute path"),
        ("sources = [\"/run/*.sock\"]", "{vm}"),
        ("[otlp]\nendpoint = \"127.0.0.1:4318\"", "`otlp.endpoint` must be an address such as http://"),
        ("[otlp]\nsignals = [\"profiles\"]", "`otlp.signals` may have metrics, logs and traces"),
        ("[otlp]\ninterval_secs = 0", "`otlp.interval_secs` must be a number from 1 to 3600"),
        ("[otlp]\ncompression = \"zip\"", "`otlp.compression` must be gzip or none"),
        ("[otlp]\nheaders_file = \"x\"", "`otlp.headers_file` must be an absolute path"),
        ("source = []", "unknown field `source`"),
    ] {
        let error = of(text).unwrap_err();
        assert!(error.contains(expected) && error.contains("config.toml"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_where_it_was_named() {
    assert!(load(Some(Path::new("/nonexistent/x.toml"))).unwrap_err().contains("cannot read"));
}
