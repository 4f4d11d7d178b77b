//! `ApplicationInventory`, with programs lying about that ordinary users own.

use anyhow::{Context, Result, ensure};
use infiniservice_e2e::Guest;
use infiniservice_e2e::harness::Scenario;
use infiniservice_protocol::Action;
use infiniservice_protocol::data::ApplicationInventoryData;

pub const SCENARIOS: &[Scenario] = &[
    ("inventory::packages_are_those_of_dpkg", packages),
    ("inventory::nothing_that_a_user_owns_is_ever_executed", traps),
];

fn inventory(guest: &Guest, filter: Option<&str>) -> Result<ApplicationInventoryData> {
    let client = guest.connect()?;
    let filter = filter.map(str::to_owned);
    let response = guest.succeed(&client, &Action::ApplicationInventory { limit: None, filter })?;
    guest.disconnect(client);
    serde_json::from_value(response.data).context("the inventory's data")
}

fn packages(guest: &Guest) -> Result<()> {
    let wanted = guest.sh("dpkg-query -W -f '${db:Status-Abbrev}\\n' | grep -c '^.i'")?.parse::<usize>()?;
    let found = inventory(guest, None)?.applications;
    let debs = found.iter().filter(|found| found.source == "dpkg").count();
    ensure!(debs == wanted, "{debs} of {wanted} packages");
    let bash = found.iter().find(|found| found.name == "bash").context("no bash")?;
    ensure!(bash.install_date.is_some() && bash.size_mb.is_some() && bash.publisher.is_some(), "{bash:?}");
    Ok(())
}

/// A listener called /tmp/httpd, and tools' names in a home. Each leaves a marker when it is started as anything but the listener.
const SET_UP: &str = r#"
useradd -m mallory
cat > /tmp/httpd <<'END'
#!/usr/bin/perl
if (($ARGV[0] // "") ne "serve") { open(my $m, ">>", "/tmp/marker"); exit 0; }
use IO::Socket::INET;
my $s = IO::Socket::INET->new(LocalPort => 8099, Listen => 1, ReuseAddr => 1) or die;
sleep 1000;
END
chmod 755 /tmp/httpd && chown mallory /tmp/httpd
home=/home/mallory
mkdir -p $home/.local/bin $home/.local/share/applications $home/Applications
for name in dpkg-query rpm flatpak snap Evil.AppImage; do cp /tmp/httpd $home/.local/bin/$name; done
printf '\177ELF\2\1\1\0AI\2' > $home/Applications/Trap-1.0.AppImage
printf '[Desktop Entry]\nType=Application\nName=Trap \033[31m\nExec=/tmp/httpd\nTryExec=/tmp/httpd\n' > $home/.local/share/applications/trap.desktop
chown -R mallory $home && chmod 755 $home/.local/bin/* $home/Applications/*
systemd-run --unit=trap --uid=mallory /tmp/httpd serve
"#;

fn traps(guest: &Guest) -> Result<()> {
    guest.sh(SET_UP)?;
    guest.until("the listener", |guest| Ok(guest.sh("ss -ltnH")?.contains(":8099")))?;
    let found = inventory(guest, Some("trap"));
    let all = inventory(guest, None);
    let marker = guest.sh("test ! -e /tmp/marker && /tmp/httpd -v && test -e /tmp/marker");
    guest.sh("systemctl stop trap; rm -f /tmp/httpd /tmp/marker; userdel -r mallory 2>&1")?;
    marker.context("either something was executed, or the trap does not work")?;
    all?;
    let sources: Vec<String> = found?.applications.into_iter().map(|found| found.source).collect();
    ensure!(sources == ["appimage", "desktop"], "{sources:?}");
    Ok(())
}
