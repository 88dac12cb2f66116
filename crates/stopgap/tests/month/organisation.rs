//! A small real organisation: a database, an application, a proxy, a router, two workstations, a
//! server that nobody can patch, and a test region with an application of its own.

use testbed::{Package, Repository, Testbed};

/// Its hosts, in the order of their addresses.
pub(crate) const HOSTS: &[&str] = &[
    "testapp", "db", "app", "proxy", "router", "pc1", "pc2", "legacy",
];

/// It, until it is dropped.
pub(crate) struct Organisation {
    pub(crate) repository: Repository,
    pub(crate) bed: Testbed,
}

impl Organisation {
    /// All hosts run what they are for, with the versions of before.
    pub(crate) fn start() -> Self {
        let bed = Testbed::start(HOSTS).unwrap();
        let repository = Repository::start(&bed).unwrap();
        for package in BEFORE {
            repository.offer(package).unwrap();
        }
        let organisation = Self { repository, bed };
        organisation.install();
        organisation
    }

    /// What the vendors publish this month.
    pub(crate) fn publish(&self) {
        for package in UPDATES {
            self.repository.offer(package).unwrap();
        }
    }

    fn install(&self) {
        let on = |host: &str, line: &str| self.bed.on(host, line).unwrap();
        std::thread::scope(|scope| {
            for host in HOSTS {
                scope.spawn(|| {
                    let packages = match *host {
                        "testapp" | "app" | "legacy" => "acme-app acme-base",
                        "db" => "acme-base",
                        "proxy" => "acme-base acme-proxy",
                        "router" => "acme-router",
                        _ => "acme-office",
                    };
                    on(
                        host,
                        &format!("apt-get -q update && apt-get -qy install {packages}"),
                    );
                    self.bed
                        .write(host, "/etc/cron.d/proof", &format!("{PROOF}\n"))
                        .unwrap();
                });
            }
        });
        on(
            "db",
            "sed -i \"s/^#listen_addresses.*/listen_addresses = '*'/\" /etc/postgresql/15/main/postgresql.conf && \
             echo 'host all all 10.77.0.0/24 trust' >> /etc/postgresql/15/main/pg_hba.conf && \
             systemctl enable --now postgresql && \
             runuser -u postgres -- psql -qc \"create role app login\" -c 'create table orders (n int)' \
                -c 'insert into orders values (42)' -c 'grant select on orders to app'",
        );
        for host in ["testapp", "app", "legacy"] {
            self.bed
                .write(host, "/etc/systemd/system/acme-app.service", APP_UNIT)
                .unwrap();
            on(host, "mkdir -p /srv/static");
            self.bed
                .write(host, "/srv/static/site.css", "body {}\n")
                .unwrap();
            on(
                host,
                "systemctl daemon-reload && systemctl enable --now acme-app",
            );
        }
        self.bed
            .write("proxy", "/etc/nginx/sites-enabled/default", PROXY)
            .unwrap();
        on("proxy", "systemctl enable --now nginx");
        self.bed
            .write("db", "/etc/systemd/system/beat.service", BEAT)
            .unwrap();
        self.bed
            .write("db", "/etc/systemd/system/beat.timer", EVERY_SECOND)
            .unwrap();
        on(
            "db",
            "systemctl daemon-reload && systemctl enable --now beat.timer",
        );
        on(
            "router",
            "nft add table inet filter && nft add chain inet filter forward '{ type filter hook forward priority 0; }' && \
             { echo '#!/usr/sbin/nft -f'; echo 'flush ruleset'; nft list ruleset; } > /etc/nftables.conf && \
             systemctl enable nftables",
        );
        on(
            "router",
            &format!(
                "echo '{ROUTE} 10.77.0.13' >> /etc/frr/frr.conf && systemctl enable --now frr"
            ),
        );
    }
}

/// A job that writes when it ran; cron reads a bare `%` as the end of a line.
pub(crate) const PROOF: &str = r"* * * * * root date +\%s >> /var/lib/proof";

const APP_UNIT: &str = "[Unit]\nAfter=network.target\n[Service]\nExecStart=/usr/bin/acme-app\n\
    Restart=on-failure\n[Install]\nWantedBy=multi-user.target\n";
const BEAT: &str = "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'date +%%s >> /var/lib/beat'\n";
const EVERY_SECOND: &str =
    "[Timer]\nOnCalendar=*:*:*\nAccuracySec=100ms\n[Install]\nWantedBy=timers.target\n";
const PROXY: &str =
    "server { listen 80 default_server; location / { proxy_pass http://app:8000; } }\n";

/// A net that the router knows the way to, as FRRouting is told.
const ROUTE: &str = "ip route 192.0.2.0/24";

macro_rules! shop {
    () => {
        r#"import http.server, os, subprocess
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/static/"):
            return self.file(named(os.path.normpath("/srv" + self.path)))
        query = ["psql", "-h", "db", "-U", "app", "-d", "postgres", "-tAc", "select n from orders"]
        answer = subprocess.run(query, capture_output=True, timeout=5)
        self.send_response(200 if answer.returncode == 0 else 503)
        self.end_headers()
        self.wfile.write(b"orders: " + answer.stdout)
    def file(self, name):
        if name is None or not os.path.isfile(name):
            return self.send_error(404)
        self.send_response(200)
        self.end_headers()
        with open(name, "rb") as file:
            self.wfile.write(file.read())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Shop).serve_forever()
PYTHON"#
    };
}

/// The application: it answers with what the database holds, and with files of `/static/`. This one
/// looks at no name before it opens the file.
const APP: &str = concat!(
    "exec python3 - <<'PYTHON'\ndef named(path): return path\n",
    shop!()
);
/// With the flaw mended.
const FIXED_APP: &str = concat!(
    "exec python3 - <<'PYTHON'\ndef named(path): return path if path.startswith('/srv/static/') else None\n",
    shop!()
);
/// One that starts and answers nothing but errors.
const BROKEN_APP: &str = r#"exec python3 - <<'PYTHON'
import http.server
class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8000), Shop).serve_forever()
PYTHON"#;

const RESTART_APP: &str = "systemctl try-restart acme-app || true";
/// Taking back the package alone would not bring this back.
const BREAKS_PROXY: &str = "echo 'server { listen 80 default_server; return 502; }' \
    > /etc/nginx/sites-enabled/default; systemctl try-restart nginx";
const WANTS_REBOOT: &str = "touch /run/reboot-required";

const fn package<'a>(
    name: &'a str,
    version: &'a str,
    program: &'a str,
    after: &'a str,
) -> Package<'a> {
    Package {
        name,
        version,
        program,
        after,
    }
}

const BEFORE: &[Package<'_>] = &[
    package("acme-app", "1.0", APP, RESTART_APP),
    package("acme-base", "1.0", "true", ""),
    package("acme-proxy", "1.0", "true", ""),
    package("acme-router", "1.0", "true", ""),
    package("acme-office", "1.0", "true", ""),
];

const UPDATES: &[Package<'_>] = &[
    // Good.
    package("acme-app", "1.1", FIXED_APP, RESTART_APP),
    // Takes effect after a restart.
    package("acme-base", "1.1", "true", WANTS_REBOOT),
    package("acme-router", "1.1", "true", WANTS_REBOOT),
    package("acme-office", "1.1", "true", ""),
    // Its installation works, what it serves does not.
    package("acme-proxy", "1.1", "true", BREAKS_PROXY),
    package("acme-app", "1.2", BROKEN_APP, RESTART_APP),
];
