//! A small disk of its own, so that it can be full, seen only by what is started on it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Lives until its input ends: so the disk goes with the test, however that ends.
const HELD: &str = r#"mount -t tmpfs -o "size=$1" tmpfs "$2" && echo mounted && cat"#;
const PAGE: usize = 4096;

pub(crate) struct Disk {
    folder: tempfile::TempDir,
    bytes: usize,
    /// The process whose namespaces it is in.
    holder: Child,
}

impl Disk {
    pub(crate) fn of(bytes: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", HELD])
            .args(["sh", &bytes.to_string()])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(holder.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        Self {
            folder,
            bytes,
            holder,
        }
    }

    /// Where what is started on it sees it.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Becomes the program.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.holder.id().to_string()])
            .args(["--user", "--preserve-credentials", "--mount", "--"])
            .arg(program);
        command
    }

    /// Leaves room for nothing but as many bytes.
    pub(crate) fn fill_but(&self, left: usize) {
        let mut ballast = File::create(self.ballast()).unwrap();
        let full = (0..self.bytes / PAGE).any(|_| ballast.write_all(&[0; PAGE]).is_err());
        assert!(full, "the disk does not become full");
        let length = ballast.metadata().unwrap().len();
        let kept = length.saturating_sub(u64::try_from(left).unwrap());
        ballast.set_len(kept).unwrap();
    }

    /// There is room again.
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.id()));
        root.join(self.path().strip_prefix("/").unwrap())
            .join("ballast")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // It ends by itself then.
        let _ = self.holder.wait();
    }
}
