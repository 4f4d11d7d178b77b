//! The API on TCP: who has a certificate that a rule names is served, and nobody else.

use crate::support::certificates::{Authority, Shown};
use crate::support::{Host, PATIENCE};
use infinictl::client::{Client, Endpoint};
use infinictl::hub::{Api, Files, Https, HubError};
use infiniservice_hub_sim::Guest;
use infiniservice_protocol::Action;
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;

const RULES: &str = "[[rule]]\nwho = [\"san:ops.example\"]\nvms = \"web*\"\nactions = [\"ServiceControl\"]\n\
    [[rule]]\nwho = [\"san:spiffe://prod/watch\"]\nvms = \"all\"\nactions = []\n";

/// A hub with TLS, and its authority.
struct Secured {
    host: Host,
    authority: Authority,
    port: u16,
    guests: Vec<Guest>,
}

impl Secured {
    async fn start() -> Self {
        let mut host = Host::new();
        let authority = Authority::new(&host.path("authority"));
        install(&host, &authority.issue("hub", "DNS:localhost,IP:127.0.0.1"), &authority);
        let root = host.directory.path().display();
        host.configure(&format!(
            "[tcp]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{root}/hub.pem\"\nkey = \"{root}/hub.key\"\n\
             client_ca = \"{root}/ca.pem\"\n{RULES}"
        ));
        let guests: Vec<_> =
            ["db", "web"].iter().map(|name| host.guest(name, crate::support::quick())).collect();
        host.start().await;
        for guest in &guests {
            host.event("connected", guest.name()).await;
        }
        let log = host.log();
        let (_, rest) = log.split_once("served on https://127.0.0.1:").expect("the port");
        let port = rest.lines().next().unwrap().parse().unwrap();
        Self { host, authority, port, guests }
    }

    /// Guests live on the test's one thread, so it is not held up.
    async fn curl(&self, shown: Option<&Shown>, path: &str, more: &[&str]) -> Output {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--max-time", "60", "--cacert"]).arg(self.authority.pem());
        if let Some(Shown { certificate, key }) = shown {
            curl.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        curl.args(more).arg(format!("https://localhost:{}{path}", self.port)).output().await.unwrap()
    }

    fn https(&self, shown: &Shown) -> Https {
        let Shown { certificate, key } = shown.clone();
        let files = Files { certificate, key, ca: self.authority.pem() };
        Https::new(&format!("https://localhost:{}", self.port), &files).unwrap()
    }
}

/// Puts a certificate of the hub and the clients' authority where the hub has them.
fn install(host: &Host, shown: &Shown, clients: &Authority) {
    let put = |from: &Path, to: &str| {
        let new = host.path("new");
        std::fs::copy(from, &new).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::rename(new, host.path(to)).unwrap();
    };
    put(&shown.key, "hub.key");
    put(&shown.certificate, "hub.pem");
    put(&clients.pem(), "ca.pem");
}

fn stdout(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{text}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn restart() -> Value {
    json!({"type": "SafeCommand", "command_type":
        {"action": "ServiceControl", "service": "nginx", "operation": "restart"}})
}

#[tokio::test]
async fn curl_reads_and_changes_with_a_certificate_and_what_its_rule_allows() {
    let it = Secured::start().await;
    let ops = it.authority.issue("ops", "DNS:ops.example");
    let names: Vec<_> = stdout(&it.curl(Some(&ops), "/v1/vms", &[]).await).as_array().unwrap().clone();
    assert_eq!(names.iter().map(|vm| vm["name"].as_str().unwrap()).collect::<Vec<_>>(), ["db", "web"]);
    let post = async |vm: &str| {
        stdout(&it.curl(Some(&ops), &format!("/v1/vms/{vm}/commands"), &["-d", &restart().to_string()]).await)
    };
    assert_eq!(post("web").await["success"], true);
    let refused = post("db").await;
    assert_eq!(refused["error_code"], "PERMISSION_DENIED");
    assert!(
        refused["error"].as_str().unwrap().starts_with("san:ops.example may not do ServiceControl"),
        "{refused}"
    );
    let watch = it.authority.issue("watch", "URI:spiffe://prod/watch");
    let body = restart().to_string();
    assert_eq!(stdout(&it.curl(Some(&watch), "/v1/events", &[]).await)["forgotten"], 0);
    let refused = stdout(&it.curl(Some(&watch), "/v1/vms/web/commands", &["-d", &body]).await);
    assert!(
        refused["error"].as_str().unwrap().ends_with("rule 1 would allow it to san:ops.example"),
        "{refused}"
    );
    let page = ["-H", "Origin: https://evil.example", "-d", &body];
    let refused = stdout(&it.curl(Some(&ops), "/v1/vms/web/commands", &page).await);
    assert!(refused["error"].as_str().unwrap().contains("a page in a browser"), "{refused}");
    let done: Vec<_> = it.guests.iter().map(|guest| guest.carried_out().len()).collect();
    assert_eq!(done, [0, 1]);
    assert!(it.host.log().contains("audit: san:ops.example, 127.0.0.1:"), "{}", it.host.log());
}

#[tokio::test]
async fn nobody_is_served_without_a_certificate_that_counts_and_a_rule_for_it() {
    let it = Secured::start().await;
    let other = Authority::new(&it.host.path("other"));
    let wrong = [
        None,
        Some(other.issue("ops", "DNS:ops.example")),
        Some(it.authority.issue_until("old", "DNS:ops.example", "20200102000000Z")),
    ];
    for shown in &wrong {
        let output = it.curl(shown.as_ref(), "/v1/vms", &[]).await;
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    }
    for (name, sans) in [("eve", "DNS:eve.example"), ("none", ""), ("like", "URI:ops.example")] {
        let shown = it.authority.issue(name, sans);
        for path in ["/v1/vms", "/metrics", "/"] {
            let refused = stdout(&it.curl(Some(&shown), path, &[]).await);
            assert_eq!(refused["error_code"], "PERMISSION_DENIED", "{name}: {refused}");
        }
    }
    let ops = it.authority.issue("ops", "DNS:ops.example");
    let metrics = String::from_utf8(it.curl(Some(&ops), "/metrics", &[]).await.stdout).unwrap();
    assert!(metrics.contains("infini_hub_tls_handshakes_total{outcome=\"failed\"} 3\n"), "{metrics}");
}

#[tokio::test]
async fn infinictl_does_all_of_it_with_a_certificate() {
    let it = Secured::start().await;
    let ops = it.authority.issue("ops", "DNS:ops.example");
    let api = Api::https(it.https(&ops));
    assert_eq!(api.get("/v1/vms").await.unwrap().as_array().unwrap().len(), 2);
    let mut first = Value::Null;
    api.follow("/v1/events?after=0", |_, event| {
        first = event.clone();
        false
    })
    .await
    .unwrap();
    assert_eq!(first["kind"], "connected");
    let job = api.post("/v1/jobs", &json!({"vms": "web", "message": restart()})).await.unwrap();
    assert_eq!(job["actor"], "san:ops.example");
    let client = Client::connect(Endpoint::Https { hub: it.https(&ops), vm: "web".into() }).await.unwrap();
    client.ping(PATIENCE).await.unwrap();
    assert!(client.request(&Action::ServiceList { state: None }, PATIENCE).await.unwrap().success);
    let nobody = Endpoint::Https { hub: it.https(&ops), vm: "nobody".into() };
    let error = Client::connect(nobody).await.map(drop).unwrap_err().to_string();
    assert!(error.contains("\"nobody\""), "{error}");
    let eve = Api::https(it.https(&it.authority.issue("eve", "DNS:eve.example")));
    assert!(matches!(eve.wire("web").await.map(drop), Err(HubError::Refused { status: 403, .. })));
}

#[tokio::test]
async fn certificates_and_authorities_are_exchanged_without_a_restart() {
    let it = Secured::start().await;
    let (old, next) = (it.authority.issue("ops", "DNS:ops.example"), Authority::new(&it.host.path("next")));
    assert!(it.curl(Some(&old), "/healthz", &[]).await.status.success());
    install(&it.host, &it.authority.issue("again", "DNS:localhost"), &next);
    let new = next.issue("ops", "DNS:ops.example");
    assert_eq!(it.curl(Some(&new), "/healthz", &[]).await.stdout, b"ok\n");
    assert!(!it.curl(Some(&old), "/healthz", &[]).await.status.success(), "its authority is none any more");
    std::fs::write(it.host.path("hub.pem"), "broken").unwrap();
    assert_eq!(it.curl(Some(&new), "/healthz", &[]).await.stdout, b"ok\n", "the last good ones are used");
    assert!(it.host.log().contains("those before are still used: `tcp.certificate`"), "{}", it.host.log());
}

#[tokio::test]
async fn handshakes_that_are_never_finished_keep_nobody_out() {
    let it = Secured::start().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(TcpStream::connect(("127.0.0.1", it.port)).await.unwrap());
    }
    let ops = it.authority.issue("ops", "DNS:ops.example");
    let metrics = String::from_utf8(it.curl(Some(&ops), "/metrics", &[]).await.stdout).unwrap();
    let line = metrics.lines().find(|line| line.contains("outcome=\"displaced\"")).expect("the series");
    assert!(line.ends_with(" 37") || line.ends_with(" 36"), "{line}");
    assert_eq!(silent[0].read(&mut [0]).await.unwrap_or(0), 0, "the oldest was dropped");
}

#[tokio::test]
async fn a_key_that_others_can_read_is_not_used() {
    let host = Host::new();
    let authority = Authority::new(&host.path("authority"));
    install(&host, &authority.issue("hub", "DNS:localhost"), &authority);
    std::fs::set_permissions(host.path("hub.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let root = host.directory.path().display();
    host.configure(&format!(
        "[tcp]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{root}/hub.pem\"\nkey = \"{root}/hub.key\"\n\
         client_ca = \"{root}/ca.pem\"\n{RULES}"
    ));
    let mut hub = Command::new(env!("CARGO_BIN_EXE_infinihub"));
    let output = hub.arg("--config").arg(host.path("config.toml")).output().await.unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("`tcp.key`") && told.contains("0600"), "{told}");
}
