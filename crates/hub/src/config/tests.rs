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
fn tags_of_machines_are_read_and_printed() {
    let config =
        of("[[tags]]\nvms = \"web-*,db-1\"\nset = { env = \"prod\", \"a.b-c\" = \"say \\\"é\\\"\" }\n\
         [[tags]]\nvms = \"db-1\"\n[tags.set]\nenv = \"test\"\n")
        .unwrap();
    let tags = config.assigned_tags().unwrap();
    assert_eq!((tags.of("web-1").get("env"), tags.of("db-1").get("env")), (Some("prod"), Some("test")));
    assert_eq!(tags.of("db-1").get("a.b-c"), Some("say \"é\""));
    assert_eq!(of(&config.to_toml()), Ok(config));
}

const RULES: &str = r#"
[tcp]
listen = "0.0.0.0:9757"
certificate = "/etc/infinihub/tls/hub.pem"
key = "/etc/infinihub/tls/hub.key"
client_ca = "/etc/infinihub/tls/ca.pem"

[[rule]]
who = ["group:ops", "san:ops.example"]
vms = "web-*"
actions = ["ServiceControl"]
max_targets = 50

[[rule]]
name = "see"
who = ["san:watch.example"]
vms = "all"
actions = []
"#;

#[test]
fn rules_and_the_api_on_tcp_are_read_and_printed() {
    let config = of(RULES).unwrap();
    assert_eq!((config.rules.len(), config.rules[0].max_targets), (2, Some(50)));
    assert_eq!(config.tcp_address().unwrap().unwrap().port(), 9757);
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
        ("[[tags]]\nvms = \"os=debian\"\nset = { a = \"x\" }", "`tags`, part 1: `vms` must be names"),
        ("[[tags]]\nvms = \"*\"\nset = { \"a b\" = \"x\" }", "`set`: \"a b\" is not the name of a tag"),
        ("[[tags]]\nvms = \"*\"\nset = { a = \"x\", a = \"y\" }", "duplicate key"),
        ("[[tags]]\nvms = \"*\"\nset = { a = 1 }", "invalid type: integer"),
        ("[[tags]]\nvms = \"*\"", "missing field `set`"),
        ("tags = { env = \"prod\" }", "invalid type: map"),
        (
            "[[rule]]\nwho = [\"uid:0\"]\nvms = \"all\"\nactions = [\"Dance\"]",
            "rule 1: `actions` has \"Dance\"",
        ),
        ("[[rule]]\nwho = [\"uid:0\"]\nvms = \"all\"", "missing field `actions`"),
        ("[fleet]\nurl = \"http://a\"", "`fleet.url` must be an address such as nats://"),
        ("[fleet]\nurl = \"nats://u:p@a\"", "without a user"),
        ("[fleet]\nurl = \"nats://a\"\nhub = \"a b\"", "`fleet.hub` must be letters"),
        ("[fleet]\nurl = \"nats://a\"\nca = \"x\"", "`fleet.ca` must be an absolute path"),
        ("[fleet]\nurl = \"nats://a\"\nreplicas = 0", "`fleet.replicas` must be a number from 1 to 5"),
        ("[[operator]]\nname = \"alice\"\nkey = \"x\"", "the key of alice: a public key is 32 bytes"),
        (&RULES.replace("san:", "user:"), "a rule must name a certificate"),
        (&RULES.replace("0.0.0.0:9757", "9757"), "`tcp.listen` must be an IP address"),
        (&RULES.replace("/etc/infinihub/tls/hub.key", "hub.key"), "`tcp.key` must be an absolute path"),
    ] {
        let error = of(text).unwrap_err();
        assert!(error.contains(expected) && error.contains("config.toml"), "{error}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_where_it_was_named() {
    assert!(load(Some(Path::new("/nonexistent/x.toml"))).unwrap_err().contains("cannot read"));
}
