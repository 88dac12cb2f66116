//! A PostgreSQL cluster for the time of the tests.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Runs until its input ends: so the cluster ends with the tests, however these end.
const SCRIPT: &str = r#"
set -e
cd "$1"
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
PATH="$bin:$PATH"
initdb --no-sync --auth=trust --encoding=UTF8 --locale=C.UTF-8 -U stopgap data >/dev/null
postgres -D data -k "$1" -p "$2" -c listen_addresses=127.0.0.1 -c fsync=off \
  -c max_connections=100 -c ssl=on -c ssl_cert_file="$1/server.pem" \
  -c ssl_key_file="$1/server.key" >log 2>&1 </dev/null &
pid=$!
cat >/dev/null
kill -INT $pid
wait $pid || true
rm -rf "$1"
"#;

pub(crate) struct Cluster {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    /// Ends with the process, and the cluster with it.
    _life: ChildStdin,
}

/// The cluster, started when it is first asked for.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(start)
}

/// The URL of a new database.
pub(crate) fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("ledger{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    let cluster = cluster();
    // Its texts are sorted as people would: the ledger must not rely on bytes.
    cluster.client("postgres").batch_execute(&format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en'"
    )).unwrap();
    cluster.url(&name)
}

impl Cluster {
    pub(crate) fn url(&self, database: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://stopgap@{folder}:{}/{database}", self.port)
    }

    pub(crate) fn client(&self, database: &str) -> postgres::Client {
        postgres::Client::connect(&self.url(database), postgres::NoTls).unwrap()
    }
}

#[expect(clippy::zombie_processes, reason = "it ends after this process does")]
fn start() -> Cluster {
    let folder = tempfile::Builder::new()
        .prefix("stopgap-pg")
        .tempdir()
        .unwrap()
        .keep();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    certificate(&folder);
    let root = rustix::process::geteuid().is_root();
    let mut command = match root {
        true => {
            // PostgreSQL does not run as root.
            let owned = Command::new("chown")
                .arg("-R")
                .arg("postgres")
                .arg(&folder)
                .status();
            assert!(
                owned.unwrap().success(),
                "as root: apt-get install postgresql"
            );
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid=postgres",
                "--regid=postgres",
                "--clear-groups",
                "sh",
            ]);
            command
        }
        false => Command::new("sh"),
    };
    let mut child = command
        .args(["-c", SCRIPT, "sh"])
        .arg(&folder)
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let cluster = Cluster {
        _life: child.stdin.take().unwrap(),
        folder,
        port,
    };
    let until = Instant::now() + Duration::from_secs(120);
    while postgres::Client::connect(&cluster.url("postgres"), postgres::NoTls).is_err() {
        let ended = child.try_wait().unwrap();
        assert!(
            ended.is_none(),
            "PostgreSQL does not start: apt-get install postgresql"
        );
        assert!(Instant::now() < until, "PostgreSQL does not get ready");
        std::thread::sleep(Duration::from_millis(50));
    }
    cluster
}

/// A certificate for `localhost`, its own authority.
fn certificate(folder: &Path) {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    std::fs::write(folder.join("server.pem"), made.cert.pem()).unwrap();
    let key = folder.join("server.key");
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, Permissions::from_mode(0o600)).unwrap();
}
