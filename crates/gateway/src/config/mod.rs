//! What an operator writes: TOML to a typed configuration.

mod addresses;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use engine::{Mode, Share};
use serde::Deserialize;

use crate::error::Error;
use crate::limits::Limits;
pub use addresses::{HostPattern, Network, UpstreamUrl};

/// A gateway's configuration.
///
/// ```
/// let text = r#"
/// [[listen]]
/// address = "127.0.0.1:8080"
///
/// [[application]]
/// name = "shop"
/// hosts = ["shop.example", "*.shop.example"]
/// upstreams = ["http://127.0.0.1:3000"]
/// "#;
/// let config = gateway::Config::parse(text, "gateway.toml")?;
/// assert_eq!(config.application[0].name, "shop");
/// # Ok::<(), gateway::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// This ingress point's name in events. `gateway`.
    #[serde(default = "default_ingress")]
    pub ingress: String,
    /// Where clients connect; at least one.
    pub listen: Vec<Listen>,
    /// Where `/-/live`, `/-/ready` and `/metrics` are served; none: nowhere.
    #[serde(default)]
    pub admin: Option<SocketAddr>,
    /// Who says which patches are enforced, besides `patches`; none: nobody.
    #[serde(default)]
    pub control: Option<Control>,
    /// Peers whose `X-Forwarded-*` and `Forwarded` are believed.
    #[serde(default)]
    pub trusted_proxies: Vec<Network>,
    /// Where events are written; none: nowhere.
    #[serde(default)]
    pub events: Option<Events>,
    /// Virtual patches, read by whoever starts the gateway: this crate takes plans.
    #[serde(default)]
    pub patches: Vec<Patches>,
    /// Files of SecLang rules that concern every request, read likewise.
    #[serde(default)]
    pub rules: Vec<PathBuf>,
    /// Bounds.
    #[serde(default)]
    pub limits: Limits,
    /// What is protected; at least one. The first whose hosts fit is taken; one without hosts
    /// fits always, and so does the only one.
    pub application: Vec<Application>,
}

/// One address to listen on.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// For example `0.0.0.0:8443`; port 0 takes a free one.
    pub address: SocketAddr,
    /// With it HTTP/2 and HTTP/1.1 over TLS are spoken; without it plain HTTP/1.1.
    #[serde(default)]
    pub tls: Option<Tls>,
    /// Whose requests come there. Clients'.
    #[serde(default)]
    pub role: Role,
}

/// Whose requests come to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Clients': what passes is forwarded to the application.
    #[default]
    Proxy,
    /// Another proxy's, which asks before it forwards a client's request itself: nginx's
    /// `auth_request`, `forwardAuth` of Traefik, `forward_auth` of Caddy. Answered are 204, go
    /// on, or the status of a refusal.
    ForwardAuth,
    /// HAProxy's, which asks by SPOE, with the part of the body that it holds.
    Spoe,
    /// Envoy's, which asks an external processor (`ext_proc`), by gRPC.
    ExtProc,
}

/// A server's certificate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// A PEM file: the certificate, then its chain.
    pub certificate: PathBuf,
    /// A PEM file: the private key.
    pub key: PathBuf,
}

/// Patch documents and how they take part.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "WrittenPatches")]
pub struct Patches {
    /// A document, or a folder of them.
    pub path: PathBuf,
    /// Enforced if left out.
    pub mode: Mode,
}

/// The same, as operators write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPatches {
    path: PathBuf,
    #[serde(default)]
    mode: WrittenMode,
    percent: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WrittenMode {
    #[default]
    Enforce,
    Shadow,
    Canary,
}

/// Where the control side is, and what this ingress point keeps of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// `https://host:port`; `http://` on this machine alone.
    pub url: String,
    /// The folder of the key, the last bundle, its documents, and events that wait.
    pub state: PathBuf,
    /// A PEM file of the authorities that sign the control side's certificate; none: the public
    /// ones.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
}

/// Where events go.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// A file that lines are appended to; `-` is the standard output.
    pub file: PathBuf,
    /// How each is written there. As the program's own lines.
    #[serde(default)]
    pub format: EventFormat,
    /// Events that may wait to be written; further ones are counted and dropped. 4,096.
    #[serde(default = "default_queue")]
    pub queue: usize,
}

/// How events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    /// As [`wire::Event`] is.
    #[default]
    Stopgap,
    /// As an event of the Open Cybersecurity Schema Framework, class HTTP Activity.
    Ocsf,
}

/// A web application behind the gateway.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// Its name in patches' scopes and in events.
    pub name: String,
    /// Hosts that clients name; none: all.
    #[serde(default)]
    pub hosts: Vec<HostPattern>,
    /// Where its requests go, in turn; at least one, unless other proxies forward them.
    #[serde(default)]
    pub upstreams: Vec<UpstreamUrl>,
    /// What its upstreams speak. HTTP/1.1.
    #[serde(default)]
    pub protocol: Protocol,
    /// A PEM file of the authorities that sign its `https` upstreams; none: the public ones.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
    /// What becomes of a request when inspection itself fails. Closed.
    #[serde(default)]
    pub fail: Fail,
}

/// What upstreams speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 without negotiation.
    Http2,
}

/// What becomes of a request when inspection itself fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fail {
    /// It is answered 503.
    #[default]
    Closed,
    /// It is forwarded without inspection.
    Open,
}

impl Config {
    /// One application, `default`, plain HTTP in and out, all else by default.
    ///
    /// # Errors
    /// `upstream` is not `http://host:port` or `https://host:port`.
    pub fn for_one(listen: SocketAddr, upstream: &str) -> Result<Self, Error> {
        let upstream = UpstreamUrl::try_from(upstream.to_owned()).map_err(Error::configuration)?;
        Ok(Self::with(listen, Role::Proxy, vec![upstream]))
    }

    /// One application, `default`, whose requests other proxies ask about, without TLS.
    pub fn for_questions(listen: SocketAddr, role: Role) -> Self {
        Self::with(listen, role, Vec::new())
    }

    fn with(listen: SocketAddr, role: Role, upstreams: Vec<UpstreamUrl>) -> Self {
        Self {
            ingress: default_ingress(),
            listen: vec![Listen {
                address: listen,
                tls: None,
                role,
            }],
            admin: None,
            control: None,
            trusted_proxies: Vec::new(),
            events: None,
            patches: Vec::new(),
            rules: Vec::new(),
            limits: Limits::default(),
            application: vec![Application {
                name: "default".to_owned(),
                hosts: Vec::new(),
                upstreams,
                protocol: Protocol::default(),
                authorities: None,
                fail: Fail::default(),
            }],
        }
    }

    /// Reads a file; files that it names are relative to its folder.
    ///
    /// # Errors
    /// The file cannot be read, or says something that is not understood.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|why| Error::file(path, why))?;
        let mut config = Self::parse(&text, &path.display().to_string())?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let tls = config
            .listen
            .iter_mut()
            .filter_map(|listen| listen.tls.as_mut());
        for tls in tls {
            tls.certificate = folder.join(&tls.certificate);
            tls.key = folder.join(&tls.key);
        }
        let authorities = config
            .application
            .iter_mut()
            .filter_map(|application| application.authorities.as_mut());
        for authorities in authorities {
            *authorities = folder.join(&*authorities);
        }
        let documents = config.patches.iter_mut().map(|patches| &mut patches.path);
        for path in documents.chain(&mut config.rules) {
            *path = folder.join(&*path);
        }
        if let Some(control) = &mut config.control {
            for path in [&mut control.state]
                .into_iter()
                .chain(&mut control.authorities)
            {
                *path = folder.join(&*path);
            }
        }
        if let Some(events) = &mut config.events
            && events.file != Path::new("-")
        {
            events.file = folder.join(&events.file);
        }
        Ok(config)
    }

    /// Reads TOML; `file` is named in errors.
    ///
    /// # Errors
    /// Something that is not understood, with its line.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let config: Self = toml::from_str(text).map_err(|why| {
            let line = why.span().map_or(1, |span| {
                let before = text.get(..span.start).unwrap_or_default();
                before.matches('\n').count() + 1
            });
            Error::configuration(format!("{file}:{line}: {}", why.message()))
        })?;
        config
            .check()
            .map_err(|why| Error::configuration(format!("{file}: {why}")))?;
        Ok(config)
    }

    /// Whether clients' requests come here, to be forwarded.
    fn forwards(&self) -> bool {
        self.listen.iter().any(|listen| listen.role == Role::Proxy)
    }

    /// What types alone cannot say.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Err("no address to listen on: add [[listen]]".to_owned());
        }
        if self.application.is_empty() {
            return Err("no application to protect: add [[application]]".to_owned());
        }
        for (at, application) in self.application.iter().enumerate() {
            let name = &application.name;
            if application.upstreams.is_empty() && self.forwards() {
                return Err(format!("application {name}: name at least one upstream"));
            }
            let before = self.application.get(..at).unwrap_or_default();
            if before.iter().any(|other| other.name == *name) {
                return Err(format!("application {name}: names are unique"));
            }
        }
        if self.limits.connections == 0 || self.limits.head_bytes < 8192 {
            return Err(
                "limits: connections is at least 1 and head_bytes at least 8192".to_owned(),
            );
        }
        if self.limits.message_bytes < 256 {
            return Err("limits: message_bytes is at least 256".to_owned());
        }
        Ok(())
    }
}

fn default_ingress() -> String {
    "gateway".to_owned()
}

pub(crate) fn default_queue() -> usize {
    4096
}

impl Events {
    /// To a file, with the usual queue.
    pub fn to(file: PathBuf) -> Self {
        Self {
            file,
            format: EventFormat::default(),
            queue: default_queue(),
        }
    }
}

impl TryFrom<WrittenPatches> for Patches {
    type Error = String;

    fn try_from(written: WrittenPatches) -> Result<Self, String> {
        let mode = match (written.mode, written.percent) {
            (WrittenMode::Enforce, None) => Mode::Enforce,
            (WrittenMode::Shadow, None) => Mode::Shadow,
            (WrittenMode::Canary, Some(percent)) => {
                let share = Share::of(percent);
                Mode::Canary(share.ok_or_else(|| {
                    format!("percent = {percent} is no share of clients: write 1 to 99")
                })?)
            }
            (WrittenMode::Canary, None) => {
                return Err("canary needs a share of the clients: add percent = 5".to_owned());
            }
            (_, Some(_)) => return Err("percent is for mode = \"canary\"".to_owned()),
        };
        let path = written.path;
        Ok(Self { path, mode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[listen]]\naddress = \"127.0.0.1:0\"\n[[application]]\nname = \"a\"\nupstreams = [\"http://h:1\"]\n";

    #[test]
    fn errors_name_file_line_and_remedy() {
        let cases = [
            ("listen = []\napplication = []", "g.toml: no address"),
            ("[[listen]]\nadress = \"x\"", "g.toml:2: unknown field"),
            (
                &GOOD.replace("http://h:1", "ftp://h"),
                "g.toml:5: \"ftp://h\" is not an upstream: write",
            ),
            (
                &GOOD.replace("http://h:1", "http://h/path"),
                "g.toml:5: \"http://h/path\" is not an upstream",
            ),
            (
                &format!("trusted_proxies = [\"10/8\"]\n{GOOD}"),
                "g.toml:1: \"10/8\" is not a range",
            ),
            (
                &GOOD.replace("[\"http://h:1\"]", "[]"),
                "application a: name at least one upstream",
            ),
            (
                &format!("patches = [{{ path = \"p\", mode = \"canary\" }}]\n{GOOD}"),
                "g.toml:1: canary needs a share of the clients: add percent",
            ),
            (
                &format!(
                    "patches = [{{ path = \"p\", mode = \"canary\", percent = 100 }}]\n{GOOD}"
                ),
                "g.toml:1: percent = 100 is no share of clients: write 1 to 99",
            ),
            (
                &format!("patches = [{{ path = \"p\", percent = 5 }}]\n{GOOD}"),
                "g.toml:1: percent is for mode = \"canary\"",
            ),
            (
                &format!("{GOOD}[limits]\nhead_byte = 1\n"),
                "g.toml:7: unknown field",
            ),
        ];
        for (text, expected) in cases {
            let error = Config::parse(text, "g.toml").unwrap_err();
            assert!(error.to_string().contains(expected), "{error} / {expected}");
            assert!(error.is_configuration());
        }
        assert!(Config::parse(GOOD, "g.toml").is_ok());
    }
}
