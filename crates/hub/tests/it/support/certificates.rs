//! An authority of our own and its certificates, by the system's `openssl`.

use infiniservice_lab::packages::{CERTIFICATES, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

static PRESENT: Once = Once::new();

const CONFIG: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index\nserial = serial\nnew_certs_dir = .\n\
    default_md = sha256\npolicy = any\ncopy_extensions = copy\nunique_subject = no\n[any]\ncommonName = supplied\n";

/// An authority in a directory of its own.
pub struct Authority(PathBuf);

/// What a program shows: its certificate and its key.
#[derive(Clone)]
pub struct Shown {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// A new one.
    pub fn new(directory: &Path) -> Self {
        PRESENT.call_once(|| ensure(CERTIFICATES).unwrap());
        std::fs::create_dir(directory).unwrap();
        for (name, text) in [("config", CONFIG), ("index", ""), ("serial", "01\n")] {
            std::fs::write(directory.join(name), text).unwrap();
        }
        let authority = Self(directory.to_owned());
        let root =
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=Authority";
        authority.openssl(&format!("{root} -keyout ca.key -out ca.pem"));
        authority
    }

    /// Its own certificate.
    pub fn pem(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    /// A certificate with these alternative names, such as `DNS:ops.example`; none where they are empty.
    pub fn issue(&self, name: &str, sans: &str) -> Shown {
        self.issue_until(name, sans, "20990101000000Z")
    }

    /// The same, to this time.
    pub fn issue_until(&self, name: &str, sans: &str, end: &str) -> Shown {
        let sans = if sans.is_empty() { String::new() } else { format!("-addext subjectAltName={sans}") };
        let end_of_chain = "-addext basicConstraints=CA:FALSE";
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
        self.openssl(&format!(
            "req {key} -keyout {name}.key -out {name}.csr -subj /CN={name} {end_of_chain} {sans}"
        ));
        let dates = format!("-startdate 20200101000000Z -enddate {end}");
        let own = "-batch -notext -config config -cert ca.pem -keyfile ca.key";
        self.openssl(&format!("ca {own} -in {name}.csr -out {name}.pem {dates}"));
        let path = |end: &str| self.0.join(format!("{name}.{end}"));
        Shown { certificate: path("pem"), key: path("key") }
    }

    fn openssl(&self, arguments: &str) {
        let mut command = Command::new("openssl");
        let done = command.args(arguments.split_whitespace()).current_dir(&self.0).output().unwrap();
        assert!(done.status.success(), "{arguments}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
