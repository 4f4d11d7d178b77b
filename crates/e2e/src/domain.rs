//! A domain of Active Directory, served by a real Samba, and a machine with the agent that is to join it. Both are systems in
//! namespaces; the machine's card ends in the controller.

use crate::binary;
use crate::guest::Guest;
use crate::harness::Environment;
use anyhow::{Context, Result, bail};
use infiniservice_lab::{Exec, Namespace, Recipe, System, payload};
use std::time::{Duration, Instant};

/// The domain's name in the DNS.
pub const DOMAIN: &str = "lab.example";
/// Who may let machines join, with that password.
pub const ADMINISTRATOR: (&str, &str) = ("Administrator", "Correct-Horse-9");
/// How long Samba may take to make a domain, and to answer first.
const TIMEOUT: Duration = Duration::from_mins(3);
/// How often is looked whether it answers: nothing tells.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Makes the domain. The controller's own name has to be found at its address before Samba looks for it.
const PROVISION: &str = r#"
hostname dc1
echo '127.0.0.1 localhost
10.0.2.2 dc1.lab.example dc1' > /etc/hosts
rm -f /etc/samba/smb.conf
samba-tool domain provision --realm=LAB.EXAMPLE --domain=LAB --server-role=dc --dns-backend=SAMBA_INTERNAL \
    --host-ip=10.0.2.2 --adminpass="$1" --option='dns forwarder = 127.0.0.1' >&2
cp /var/lib/samba/private/krb5.conf /etc/krb5.conf
echo 'nameserver 10.0.2.2' > /etc/resolv.conf
samba-tool ou create 'OU=Servers,DC=lab,DC=example' >&2
samba-tool user create clerk 'Ordinary-User-9' >&2
touch /etc/lab-controller
systemctl unmask samba-ad-dc >&2
systemctl start samba-ad-dc >&2
"#;

/// The machine's name in the domain, and where it asks for names. It is named before the agent starts.
const MEMBER: &str = r"
hostname web-1
echo '127.0.0.1 localhost
10.0.2.15 web-1.lab.example web-1' > /etc/hosts
echo 'nameserver 10.0.2.2' > /etc/resolv.conf
/mnt/payload/install-linux.sh --vm-id web-1
printf '%s\n' 'allow_domain_join = true' >> /etc/infiniservice/config.toml
systemctl restart infiniservice
";

/// The controller and the machine.
pub struct Domain {
    /// The machine that is to join.
    pub member: Guest,
    controller: Namespace,
}

impl Domain {
    fn boot() -> Result<Self> {
        let recipe = Recipe::domain()?;
        let directory = tempfile::tempdir()?;
        payload::fill(directory.path(), &binary::agent()?, &binary::workspace().join("packaging"))?;
        let controller = Namespace::boot_image(&recipe, None)?;
        let member = Namespace::boot_image(&recipe, Some(directory.path()))?;
        member.wire_to(&controller)?;
        let domain = Self { member: Guest::of(System::Namespace(Box::new(member)))?, controller };
        domain.on_controller(&["/bin/sh", "-euc", PROVISION, "sh", ADMINISTRATOR.1])?;
        domain.member.sh(MEMBER)?;
        domain.wait_served()?;
        Ok(domain)
    }

    /// Runs a program on the controller, which has to succeed.
    pub fn on_controller(&self, argv: &[&str]) -> Result<String> {
        let done = self.controller.run(&Exec::argv(argv).timeout(TIMEOUT))?;
        done.expect_success().with_context(|| format!("on the controller: {}", argv.join(" ")))
    }

    /// The machine has to find the controller by the DNS and be given a ticket.
    fn wait_served(&self) -> Result<()> {
        let (user, password) = ADMINISTRATOR;
        let asked = format!("echo '{password}' | kinit {user}@LAB.EXAMPLE && kdestroy");
        let start = Instant::now();
        loop {
            let asked = self.member.machine.shell(&asked)?;
            match asked.exit_code {
                Some(0) => return Ok(()),
                _ if start.elapsed() > TIMEOUT => {
                    bail!("the controller does not answer: {}{}", asked.stdout, asked.stderr)
                }
                _ => std::thread::sleep(LOOK_AGAIN),
            }
        }
    }
}

impl Environment for Domain {
    const VARIABLE: &'static str = "INFINISERVICE_DOMAIN";
    const NEEDS: &'static str = "make a domain of Active Directory by Samba in namespaces";
    const COMMAND: &'static str = "cargo xtask lab domain";

    fn set_up() -> Result<Self> {
        Self::boot()
    }

    fn agent_log(&self) -> Result<String> {
        self.member.log()
    }
}
