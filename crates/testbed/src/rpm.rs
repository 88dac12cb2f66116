//! Hosts of RPMs: they have dnf and a database of their own, and neither dpkg nor apt.

use crate::Testbed;

/// Where the repository is on the host that serves it.
const FOLDER: &str = "/srv/rpm";
/// What is left of Debian's own package managers is taken away, so that whoever looks finds one of RPMs.
const TURN: &str = r#"
rm -rf /usr/bin/dpkg* /usr/bin/apt* /usr/bin/unattended-upgrade* /var/lib/dpkg /etc/apt /etc/debian_version
rm -f /etc/os-release /lib/systemd/system/apt-daily*
printf 'NAME="Acme Linux"\nID=acme\nID_LIKE="rhel fedora"\nVERSION_ID=9\n' > /etc/os-release
mkdir -p /etc/rpm /etc/yum.repos.d
echo '%_dbpath /var/lib/rpm' > /etc/rpm/macros
rpm --initdb
# A plugin of Debian's keeps what was installed as one more repository, and wants it signed.
rm -f /etc/dnf/plugins/local.conf
systemctl daemon-reload
"#;

/// A repository of RPMs, which one of the hosts makes and serves, at `http://ADDRESS:8070`.
pub struct RpmRepository<'a> {
    testbed: &'a Testbed,
    vendor: &'a str,
}

impl<'a> RpmRepository<'a> {
    /// An empty repository on a host that is a Debian.
    ///
    /// # Errors
    /// It cannot be served.
    pub fn start(testbed: &'a Testbed, vendor: &'a str) -> anyhow::Result<Self> {
        let repository = Self { testbed, vendor };
        repository.index()?;
        testbed.on(
            vendor,
            &format!("systemd-run -q -p WorkingDirectory={FOLDER} python3 -m http.server 8070"),
        )?;
        Ok(repository)
    }

    /// Makes a host one of RPMs, which takes its packages from here.
    ///
    /// # Errors
    /// The host does not answer.
    pub fn adopt(&self, host: &str) -> anyhow::Result<()> {
        self.testbed.on(host, TURN)?;
        let address = self.testbed.address(self.vendor)?;
        // Asked anew each time: what the vendor offers changes within seconds.
        let source = format!(
            "[acme]\nname=Acme\nbaseurl=http://{address}:8070/\ngpgcheck=0\nmetadata_expire=1\n"
        );
        self.testbed
            .write(host, "/etc/yum.repos.d/acme.repo", &source)
    }

    /// Offers the package of a spec file too.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn offer(&self, spec: &str) -> anyhow::Result<()> {
        self.testbed.write(self.vendor, "/tmp/next.spec", spec)?;
        self.testbed.on(
            self.vendor,
            &format!("rpmbuild -bb --quiet --define '_topdir /tmp/rpmbuild' --define '_rpmdir {FOLDER}' /tmp/next.spec"),
        )?;
        self.index()
    }

    fn index(&self) -> anyhow::Result<()> {
        let index = format!("mkdir -p {FOLDER} && createrepo_c --quiet {FOLDER}");
        self.testbed.on(self.vendor, &index).map(drop)
    }
}
