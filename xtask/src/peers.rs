//! Other engines that ours is compared with, built below `target/peers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The wheel carries the library that the driver is linked with.
const WHEEL: &str = "libmodsecurity==3.0.15.post2";

/// Builds the driver of libmodsecurity, `target/peers/libmodsecurity/driver`.
pub(crate) fn libmodsecurity() -> anyhow::Result<()> {
    let folder = folder().join("libmodsecurity");
    std::fs::create_dir_all(&folder)?;
    let libraries = folder.join("wheel/libmodsecurity.libs");
    if !libraries.is_dir() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"]);
        // Those of the wheel's Python, whatever this system's is.
        pip.arg(&folder).args(["--only-binary=:all:", WHEEL]);
        pip.args(["--python-version", "3.11", "--abi", "cp311"]);
        pip.args(["--platform", "manylinux_2_28_x86_64"]);
        run(pip)?;
        let mut unpack = Command::new("python3");
        unpack.args(["-m", "zipfile", "-e"]);
        unpack.arg(file_with(&folder, ".whl")?);
        unpack.arg(folder.join("wheel"));
        run(unpack)?;
    }
    let mut path = std::ffi::OsString::from("-Wl,-rpath,");
    path.push(libraries.canonicalize()?);
    let mut gcc = Command::new("gcc");
    gcc.args(["-O2", "-Wall", "-Wextra", "-Werror"]);
    gcc.arg(Path::new(ROOT).join("bench/peers/libmodsecurity/driver.c"));
    gcc.arg(file_with(&libraries, ".so.3.0.15")?);
    gcc.args([path.as_os_str(), "-Wl,--allow-shlib-undefined".as_ref()]);
    gcc.arg("-o").arg(folder.join("driver"));
    run(gcc)
}

/// Builds the peer that runs zentinel-modsec, `target/peers/zentinel/release/zentinel-peer`.
pub(crate) fn zentinel() -> anyhow::Result<()> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--release", "--locked"]);
    cargo.current_dir(Path::new(ROOT).join("bench/peers/zentinel"));
    cargo.env("CARGO_TARGET_DIR", folder().join("zentinel"));
    run(cargo)
}

fn folder() -> PathBuf {
    target().join("peers")
}

/// Where the profiles of the program are that runs now.
pub(crate) fn target() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let target = own.parent().and_then(Path::parent);
    target.unwrap_or(Path::new("target")).to_owned()
}

fn file_with(folder: &Path, words: &str) -> anyhow::Result<PathBuf> {
    let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let named = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libmodsecurity") && name.ends_with(words)
    };
    let mut paths = entries.into_iter().map(|entry| entry.path());
    paths
        .find(named)
        .with_context(|| format!("nothing in {} ends so: {words}", folder.display()))
}

fn run(mut command: Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{command:?} failed: {status}");
    }
    Ok(())
}
