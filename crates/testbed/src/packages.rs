//! Packages that a test makes, and a repository that offers them.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::Context;

use crate::Testbed;
use crate::base::run;

/// A package with one program and what it does when it is installed.
pub struct Package<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The lines of `/usr/bin/NAME`, a shell program.
    pub program: &'a str,
    /// What is run after its files are there; empty: nothing.
    pub after: &'a str,
}

/// A repository of packages that the hosts of a testbed take theirs from, at `http://10.77.0.1:8070`.
pub struct Repository {
    folder: tempfile::TempDir,
    server: Child,
}

impl Repository {
    /// An empty repository, which every host is told of.
    ///
    /// # Errors
    /// It cannot be served, or a host cannot be told.
    pub fn start(testbed: &Testbed) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join("Packages"), "")?;
        let server = testbed
            .command("python3")
            .args(["-m", "http.server", "--bind", "10.77.0.1", "8070"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start python3")?;
        let repository = Self { folder, server };
        for host in &testbed.hosts {
            testbed.write(
                host,
                "/etc/apt/sources.list",
                "deb [trusted=yes] http://10.77.0.1:8070 ./\n",
            )?;
        }
        Ok(repository)
    }

    /// Offers a package too.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn offer(&self, package: &Package<'_>) -> anyhow::Result<()> {
        let folder = self.folder.path();
        let build = tempfile::tempdir()?;
        let control = format!(
            "Package: {}\nVersion: {}\nArchitecture: all\nMaintainer: Tests <tests@example.org>\n\
             Description: for tests\n",
            package.name, package.version
        );
        let place = build.path();
        fs::create_dir_all(place.join("DEBIAN"))?;
        fs::create_dir_all(place.join("usr/bin"))?;
        fs::write(place.join("DEBIAN/control"), &control)?;
        program(&place.join("usr/bin").join(package.name), package.program)?;
        if !package.after.is_empty() {
            program(&place.join("DEBIAN/postinst"), package.after)?;
        }
        let file = format!("{}_{}_all.deb", package.name, package.version);
        let path = folder.join(&file);
        run(Command::new("dpkg-deb")
            .args(["--root-owner-group", "--build"])
            .arg(place)
            .arg(&path))?;
        let size = fs::metadata(&path)?.len();
        let sum = run(Command::new("sha256sum").arg(&path))?;
        let sum = sum.split_whitespace().next().unwrap_or_default();
        let packages = folder.join("Packages");
        let before = fs::metadata(&packages)?.modified()?;
        let mut list = fs::read_to_string(&packages)?;
        list.push_str(&format!(
            "{control}Filename: ./{file}\nSize: {size}\nSHA256: {sum}\n\n"
        ));
        fs::write(&packages, list)?;
        // Whoever has read the list asks for a newer one, by whole seconds.
        let newer = before + Duration::from_secs(1);
        let file = fs::File::options().write(true).open(&packages)?;
        Ok(file.set_modified(newer.max(SystemTime::now()))?)
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        // It may have ended with its network.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn program(path: &Path, lines: &str) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, format!("#!/bin/sh\n{lines}\n"))?;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o755),
    )?)
}
