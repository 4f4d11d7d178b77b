//! Names that libvirt has shortened.

use crate::support::Host;
use std::process::{Child, Command, Stdio};

/// Listens as QEMU does: the process that does has the machine's name in its command line.
const LISTENS: &str = r"use IO::Socket::UNIX; use Socket;
    my $all = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $ARGV[0], Listen => 9) or die;
    my @served; while (1) { push @served, $all->accept() }";

struct Qemu(Child);

impl Qemu {
    fn start(path: &std::path::Path, name: &str) -> Self {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut command = Command::new("perl");
        command.args(["-e", LISTENS]).arg(path).args([
            "-name",
            &format!("guest={name},debug-threads=on"),
            "-S",
        ]);
        command.args(["-uuid", "5f8c1d5e-51a4-4b30-bd0f-6b1f5ca0a6c4"]);
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[tokio::test]
async fn two_machines_with_the_same_first_twenty_characters_have_their_whole_names() {
    let mut host = Host::new();
    let config = std::fs::read_to_string(host.path("config.toml")).unwrap();
    let sources = format!("sources = [\"{}/qemu/{{domain}}/agent\", ", host.directory.path().display());
    std::fs::write(host.path("config.toml"), config.replace("sources = [", &sources)).unwrap();
    let names = ["web-in-the-far-north-1", "web-in-the-far-north-2", "another-name-of-more-than-twenty"];
    let paths = ["domain-1-web-in-the-far-north", "domain-2-web-in-the-far-north", "domain-3-db"];
    let _qemus: Vec<_> = paths
        .iter()
        .zip(names)
        .map(|(path, name)| Qemu::start(&host.path("qemu").join(path).join("agent"), name))
        .collect();
    host.start().await;
    for name in &names[..2] {
        let machine = host.until(name, "connected", |machine| machine["qemu"].is_object()).await;
        assert_eq!(machine["qemu"]["name"], **name);
        assert_eq!(machine["qemu"]["uuid"], "5f8c1d5e-51a4-4b30-bd0f-6b1f5ca0a6c4");
    }
    // A name that is not shortened is the path's, whatever QEMU is told.
    let machine = host.until("db", "connected", |machine| machine["qemu"].is_object()).await;
    assert_eq!(machine["qemu"]["name"], names[2]);
    assert_eq!(host.api().get("/v1/vms").await.unwrap().as_array().unwrap().len(), 3);
}
