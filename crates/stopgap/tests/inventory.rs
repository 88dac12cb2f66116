//! What there is to patch, and which advisories concern it, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::Permissions;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use store::{Limits, Location, Store};

struct Ledger {
    folder: tempfile::TempDir,
}

impl Ledger {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::folder(&folder.path().join("data"));
        drop(Store::open(&location, Limits::default()).unwrap());
        Self { folder }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// What a command prints as JSON.
    fn tell(&self, words: &[&str], files: &[&Path]) -> Value {
        let output = self.run(words, files);
        serde_json::from_slice(&output).unwrap()
    }

    fn run(&self, words: &[&str], files: &[&Path]) -> Vec<u8> {
        let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(words)
            .args(files)
            .arg("--data")
            .arg(self.folder.path().join("data"))
            .arg("--json")
            .env_remove("STOPGAP_DATABASE")
            .env("USER", "alice")
            .output()
            .unwrap();
        let complained = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {complained}");
        output.stdout
    }

    fn apply(&self, kind: &str, file: &Path, more: &[&str]) -> Value {
        let words = ["inventory", "import", kind, "--apply", "--why", "a test"];
        self.tell(&[&words, more].concat(), &[file])
    }

    fn advise(&self, kind: &str, file: &Path) -> Value {
        let words = ["advisory", "import", kind, "--why", "a test"];
        self.tell(&words, &[file])
    }

    fn matched(&self) -> Value {
        self.tell(&["advisory", "match", "--why", "a test"], &[])
    }

    /// Advisory, subject and decision of each finding.
    fn findings(&self) -> Vec<(String, String, String)> {
        let told = self.tell(&["findings"], &[]);
        let found = told["findings"].as_array().unwrap().iter().map(|it| {
            let text = |pointer: &str| {
                let text = it.pointer(pointer).and_then(Value::as_str);
                text.unwrap_or_default().to_owned()
            };
            (
                text("/advisory"),
                text("/subject/asset"),
                text("/assessment/decision"),
            )
        });
        let mut found: Vec<_> = found.collect();
        found.sort();
        found
    }
}

fn finding(advisory: &str, asset: &str, decision: &str) -> (String, String, String) {
    (advisory.to_owned(), asset.to_owned(), decision.to_owned())
}

fn collection(host: &str, version: &str, periodic: u8) -> String {
    format!(
        "@@ stopgap-collection 1\n@@ hostname\n {host}\n@@ os-release\n ID=debian\n VERSION_ID=12\n\
         @@ dpkg\n ii \tlibssl3\t{version}\tamd64\topenssl\t{version}\n\
         @@ apt-config\n APT::Periodic::Unattended-Upgrade \"{periodic}\";\n@@ unattended-upgrades\n installed\n@@ end\n"
    )
}

fn advisory() -> String {
    json!({
        "id": "DEBIAN-CVE-2026-1111", "modified": "2026-02-01T00:00:00Z",
        "upstream": ["CVE-2026-1111"], "summary": "Overread in a handshake",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "affected": [{
            "package": { "ecosystem": "Debian:12", "name": "openssl" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "3.0.11-1~deb12u3" }] }],
        }],
    })
    .to_string()
}

#[test]
fn a_collection_and_advisories_become_findings() {
    let ledger = Ledger::new();
    let hosts =
        collection("web-1", "3.0.11-1~deb12u2", 0) + &collection("web-2", "3.0.11-1~deb12u10", 0);
    let file = ledger.file("hosts.collection", &hosts);
    let shown = ledger.tell(&["inventory", "import", "collection"], &[&file]);
    assert_eq!(shown["differences"], json!(["web-1: new", "web-2: new"]));
    let gaps = ledger.tell(&["inventory", "gaps"], &[]);
    assert_eq!(gaps["assets"], 0, "without --apply nothing is written");
    assert_eq!(ledger.apply("collection", &file, &[])["findings"], 0);

    let osv = ledger.file("osv.json", &advisory());
    assert_eq!(ledger.advise("osv", &osv)["new"], 1);
    let matched = ledger.matched();
    assert_eq!(
        (&matched["opened"], &matched["there"]),
        (&json!(1), &json!(0))
    );
    let attend = finding("CVE-2026-1111", "web-1", "attend");
    assert_eq!(ledger.findings(), [attend], "10 is after 3, as dpkg counts");

    // Now it is exploited; the finding is the same, its decision another.
    let kev =
        json!({ "vulnerabilities": [{ "cveID": "CVE-2026-1111", "dateAdded": "2026-02-02" }] });
    let kev = ledger.file("kev.json", &kev.to_string());
    assert_eq!(ledger.advise("kev", &kev)["changed"], 1);
    assert_eq!(ledger.advise("kev", &kev)["unchanged"], 1);
    assert_eq!(ledger.matched()["opened"], 0);
    assert_eq!(
        ledger.findings(),
        [finding("CVE-2026-1111", "web-1", "act")]
    );

    let hosts = collection("web-1", "3.0.11-1~deb12u3", 0);
    let file = ledger.file("hosts.collection", &hosts);
    let applied = ledger.apply("collection", &file, &[]);
    let update = "web-1: libssl3 3.0.11-1~deb12u2 to 3.0.11-1~deb12u3";
    assert_eq!(applied["differences"], json!([update]));
    assert_eq!(ledger.matched()["no_longer"], json!([1]));
}

#[test]
fn new_vanished_and_self_updating_assets_are_findings() {
    let ledger = Ledger::new();
    let both = collection("web-1", "1", 0) + &collection("web-2", "1", 0);
    let first = ledger.file("first", &both);
    ledger.apply("collection", &first, &["--complete"]);
    assert_eq!(
        ledger.findings(),
        [],
        "what the first import tells is no news"
    );
    let others = collection("web-1", "1", 1) + &collection("web-3", "1", 0);
    let second = ledger.file("second", &others);
    let applied = ledger.apply("collection", &second, &["--complete"]);
    assert_eq!(applied["findings"], 3);
    assert_eq!(
        ledger.findings(),
        [
            finding("inventory:auto-update", "web-1", ""),
            finding("inventory:new", "web-3", ""),
            finding("inventory:vanished", "web-2", ""),
        ]
    );
    assert_eq!(
        ledger.apply("collection", &second, &["--complete"])["findings"],
        0
    );
    let gaps = ledger.tell(&["inventory", "gaps"], &[]);
    let gap = json!({ "asset": "web-1", "gap": "auto-update-on", "detail": "unattended-upgrades" });
    assert!(gaps["gaps"].as_array().unwrap().contains(&gap), "{gaps}");
}

#[test]
fn the_script_tells_of_the_machine_that_runs_it() {
    let script = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(["inventory", "script"])
        .output()
        .unwrap();
    let ledger = Ledger::new();
    let file = ledger.folder.path().join("collect.sh");
    std::fs::write(&file, script.stdout).unwrap();
    let output = Command::new("sh").arg(&file).output().unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.ends_with("@@ end\n"), "{told}");
    let collected = ledger.file("here.collection", &told);
    let applied = ledger.apply("collection", &collected, &[]);
    assert_eq!(applied["assets"], 1);
    let count = |prefix: &str| told.lines().filter(|line| line.starts_with(prefix)).count();
    assert_eq!(count("@@ os-release"), 1, "{told}");
}

#[test]
fn a_tool_that_hangs_keeps_no_other_from_telling() {
    let ledger = Ledger::new();
    let script = script();
    let tools = ledger.folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let hangs = tools.join("vtysh");
    // Also by what it has started.
    std::fs::write(&hangs, "#!/bin/sh\necho FRRouting 9\nsleep 1000 | cat\n").unwrap();
    std::fs::set_permissions(&hangs, Permissions::from_mode(0o755)).unwrap();
    let path = format!("\nPATH={}:", tools.display());
    let script = script.replacen("\nPATH=", &path, 1);
    let told = Command::new("sh").args(["-c", &script]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("\n @ended vtysh\n"), "{told}");
    let file = ledger.file("host.collection", &told);
    let taken = ledger.tell(&["inventory", "import", "collection"], &[&file]);
    let left_out = taken["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1, "{left_out:?}");
    let line = left_out[0].as_str().unwrap();
    assert!(line.ends_with("`vtysh` did not end in time"), "{line}");
    assert_eq!(taken["assets"], 1);
}

/// Neither a resolver nor systemd that hangs makes it another asset, or one without jobs.
#[test]
fn a_host_on_which_much_hangs_stays_the_asset_that_it_is() {
    let ledger = Ledger::new();
    let tools = ledger.folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    for (name, text) in [
        ("hostname", "sleep 1000"),
        (
            "uname",
            "case $1 in -n) echo web-1 ;; *) echo Linux ;; esac",
        ),
        ("systemctl", "sleep 1000"),
        (
            "ip",
            r"echo '4: eth0    inet 192.0.2.7/24 brd 192.0.2.255 scope global eth0\       valid_lft forever'",
        ),
    ] {
        let tool = tools.join(name);
        std::fs::write(&tool, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
    }
    let table = ledger.file("crontab", "1 1 * * * root /bin/true\n");
    let script = script()
        .replacen("\nPATH=", &format!("\nPATH={}:", tools.display()), 1)
        .replace("/etc/crontab", &table.display().to_string())
        // The test need not wait as long.
        .replace("within 5 ", "within 1 ")
        .replace("within 10 ", "within 1 ");
    let told = Command::new("sh").args(["-c", &script]).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(told.contains("\n web-1\n @short\n"), "{told}");
    let known = "@@ stopgap-collection 1\n@@ hostname\n web-1.example\n@@ timers\n Id=a.timer\n ActiveState=active\n Unit=a.service\n TimersCalendar={ OnCalendar=daily ; }\n@@ end\n";
    ledger.apply("collection", &ledger.file("known", known), &[]);
    let file = ledger.file("host.collection", &told);
    // Of the name's first part alone there may be others.
    let taken = ledger.tell(&["inventory", "import", "collection"], &[&file]);
    assert_eq!(taken["assets"], 0);
    let left_out = taken["left_out"].to_string();
    assert!(left_out.contains("may be web-1.example: "), "{left_out}");
    let reached = "[all]\nweb-1.example ansible_host=192.0.2.7\n";
    ledger.apply("ansible", &ledger.file("hosts", reached), &[]);
    let taken = ledger.tell(&["inventory", "import", "collection"], &[&file]);
    let differences = taken["differences"].as_array().unwrap();
    let of_jobs: Vec<&str> = differences
        .iter()
        .filter_map(|it| it.as_str()?.strip_prefix("web-1.example: jobs "))
        .collect();
    let [jobs] = *of_jobs.as_slice() else {
        panic!("{differences:?}")
    };
    // None is gone, also of those that were not told.
    assert!(jobs.starts_with("nothing to "), "{jobs}");
    assert!(jobs.contains("/bin/true"), "{jobs}");
    assert!(
        !differences.iter().any(|it| it == "web-1: new"),
        "{differences:?}"
    );
}

/// Its packages are not put in the place of those of an asset with the same first part.
#[test]
fn a_short_name_of_another_domain_replaces_no_asset() {
    let ledger = Ledger::new();
    let production = collection("web.prod.example.org", "3.0.11-1~deb12u2", 0);
    ledger.apply("collection", &ledger.file("known", &production), &[]);
    let other = collection("web\n @short", "3.0.1-1", 0);
    let both = ledger.file("both", &format!("{production}{other}"));
    let alone = ledger.file("alone", &other);
    for file in [both, alone] {
        let applied = ledger.apply("collection", &file, &["--complete"]);
        let left_out = applied["left_out"].to_string();
        assert!(
            left_out.contains("may be web.prod.example.org: import it by itself"),
            "{left_out}"
        );
        assert_eq!(applied["differences"], json!([]));
    }
    ledger.apply(
        "collection",
        &ledger.file("named", &other),
        &["--asset", "web.test.example.org"],
    );
    let again = ledger.file("again", &production);
    let again = ledger.tell(&["inventory", "import", "collection"], &[&again]);
    assert_eq!(again["differences"], json!([]));
}

fn script() -> String {
    let mut script = Command::new(env!("CARGO_BIN_EXE_stopgap"));
    let script = script.args(["inventory", "script"]).output().unwrap();
    String::from_utf8(script.stdout).unwrap()
}

/// The programs are those of Alpine, BusyBox's, and nothing else; the database is one as apk describes it.
#[test]
fn the_script_tells_of_a_host_of_busybox_and_apk() {
    let ledger = Ledger::new();
    let tools = ledger.folder.path().join("tools");
    std::fs::create_dir(&tools).unwrap();
    let mut install = Command::new("busybox");
    let installed = install.args(["--install", "-s"]).arg(&tools).status();
    assert!(installed.unwrap().success());
    let database = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/apk-installed");
    let database = database.display().to_string();
    let release = ledger.file("os-release", "ID=alpine\nVERSION_ID=3.21.0\n");
    let release = release.display().to_string();
    for place in ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"] {
        let own = format!("PATH={}; export PATH", tools.display());
        let script = script()
            .replace("PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH", &own)
            .replace("/etc/os-release", &release)
            .replace(&format!(" {place}"), &format!(" {database}"));
        let told = Command::new("busybox")
            .args(["ash", "-c", &script])
            .output();
        let told = told.unwrap();
        assert_eq!(String::from_utf8_lossy(&told.stderr), "");
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(!told.contains("@@ rpm"), "{told}");
        let file = ledger.file("alpine.collection", &told);
        ledger.apply("collection", &file, &["--asset", "alpine"]);
        let location = Location::folder(&ledger.folder.path().join("data"));
        let store = Store::open_existing(&location, Limits::default()).unwrap();
        let asset = store
            .read(|it| it.get::<ledger::Asset>("alpine"))
            .unwrap()
            .value;
        let purls = asset.software.iter().filter_map(|it| it.purl.as_deref());
        assert_eq!(
            purls.collect::<Vec<_>>(),
            [
                "pkg:apk/alpine/musl@1.2.5-r9?arch=x86_64&distro=alpine-3.21.0",
                "pkg:apk/alpine/libcrypto3@3.3.2-r4?arch=x86_64&distro=alpine-3.21.0&upstream=openssl",
                "pkg:apk/alpine/acme-agent@2.0_git20250101-r0?arch=noarch&distro=alpine-3.21.0",
            ]
        );
    }
}

#[test]
fn advisories_are_read_from_an_address_packed_or_not() {
    let mut packed = Vec::new();
    let scores = "cve,epss,percentile\nCVE-2026-1111,0.5,0.9\n";
    let mut packer = flate2::write::GzEncoder::new(&mut packed, flate2::Compression::fast());
    packer.write_all(scores.as_bytes()).unwrap();
    packer.finish().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answers = [
        b"HTTP/1.1 302 Found\r\nlocation: /scores.csv.gz\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
        [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", packed.len()).into_bytes(), packed].concat(),
    ];
    let server = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).unwrap();
            stream.write_all(&answer).unwrap();
        }
    });
    let ledger = Ledger::new();
    let osv = ledger.file("osv.json", &advisory());
    ledger.advise("osv", &osv);
    let url = format!("http://{address}/latest");
    let words = [
        "advisory", "import", "epss", "--why", "a test", "--url", &url,
    ];
    assert_eq!(ledger.tell(&words, &[])["changed"], 1);
    server.join().unwrap();
}
