//! The table of cases, and each case's request as bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde::Deserialize;

use crate::application::CASE;

/// What harmless values do not need.
const ONLY_TO_STOP: [&str; 1] = ["body"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Requests in which values stand at one place: a case for each.
    #[serde(default)]
    place: Vec<Case>,
    #[serde(default)]
    case: Vec<Case>,
}

/// All cases, those of places first.
pub(crate) fn cases() -> Vec<Case> {
    let tables = [
        include_str!("cases/common.toml"),
        include_str!("cases/failure.toml"),
        include_str!("cases/http2.toml"),
        include_str!("cases/messages.toml"),
        include_str!("cases/values.toml"),
    ];
    let tables = tables.map(|text| toml::from_str::<Table>(text).unwrap());
    let of = |Table { place, case }| place.iter().flat_map(Case::of_place).chain(case).collect();
    tables.into_iter().flat_map::<Vec<Case>, _>(of).collect()
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    #[serde(default = "get")]
    pub(crate) method: String,
    pub(crate) target: String,
    #[serde(default = "version")]
    pub(crate) version: String,
    #[serde(default = "host")]
    pub(crate) host: String,
    #[serde(default)]
    pub(crate) headers: Vec<String>,
    /// So many more headers.
    #[serde(default)]
    pub(crate) many: usize,
    #[serde(default)]
    pub(crate) body: Option<String>,
    /// What PARAMETERS stands for: so many, whose names begin so. What was found out of others is known.
    #[serde(default)]
    pub(crate) parameters: usize,
    #[serde(default)]
    pub(crate) parameter: String,
    /// So many bytes after the body, and what comes last.
    #[serde(default)]
    pub(crate) filler: usize,
    #[serde(default)]
    pub(crate) tail: String,
    /// The body in chunks: these, or cut as it comes.
    #[serde(default)]
    pub(crate) chunks: Vec<String>,
    #[serde(default)]
    pub(crate) chunked: bool,
    /// Bytes of each such chunk.
    #[serde(default = "chunk")]
    pub(crate) chunk: usize,
    #[serde(default)]
    pub(crate) trailers: Vec<String>,
    /// The headers say how long the body is.
    #[serde(default)]
    pub(crate) bare: bool,
    /// After so many bytes of the body it waits, and nothing may have arrived if it is stopped.
    #[serde(default)]
    pub(crate) pause: usize,
    /// What each chunk's size is followed by.
    #[serde(default)]
    pub(crate) extension: String,
    /// How the body is compressed: `gzip`, `deflate`.
    #[serde(default)]
    pub(crate) coding: Option<String>,
    /// The body goes once the server says 100, as `Expect` has it.
    #[serde(default)]
    pub(crate) waits: bool,
    #[serde(default)]
    pub(crate) upgrade: bool,
    /// What is asked before on the same connection, and the status of that.
    #[serde(default)]
    pub(crate) before: Option<Before>,
    /// What adapters may lack.
    #[serde(default)]
    pub(crate) needs: Vec<String>,

    /// Whether it passes; of a place, the values that do, and those that are stopped.
    #[serde(default)]
    pub(crate) passes: Passes,
    #[serde(default)]
    pub(crate) stopped: Vec<String>,
    #[serde(default)]
    pub(crate) refused: Option<Statuses>,
    /// The same, but the application has answered.
    #[serde(default)]
    pub(crate) refused_late: Option<u16>,
    /// What an event tells: a patch, or words.
    #[serde(default)]
    pub(crate) told: Option<String>,
    /// It may be refused as well, for what is no fault of the patches'.
    #[serde(default)]
    pub(crate) or_refused: bool,
    /// Its head may arrive where it is refused, and nothing of its body, at proxies that cannot do
    /// this.
    #[serde(default)]
    pub(crate) or_head: Option<String>,
    /// It may as well be taken for the opening of WebSocket alone.
    #[serde(default)]
    pub(crate) or_upgraded: bool,
    /// What the application gets, and what it does not get.
    #[serde(default)]
    pub(crate) arrives: Vec<String>,
    #[serde(default)]
    pub(crate) misses: Vec<String>,
    /// What the client gets, and what it does not get.
    #[serde(default)]
    pub(crate) answer: Vec<String>,
    #[serde(default)]
    pub(crate) silent: Vec<String>,
}

/// A request that goes first; its answer is waited for, unless they are sent at once.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Before {
    pub(crate) target: String,
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) at_once: bool,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Passes {
    All(bool),
    These(Vec<String>),
}

impl Default for Passes {
    fn default() -> Self {
        Self::All(false)
    }
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Statuses {
    One(u16),
    OneOf(Vec<u16>),
}

impl Statuses {
    pub(crate) fn holds(&self, status: u16) -> bool {
        match self {
            Self::One(one) => *one == status,
            Self::OneOf(all) => all.contains(&status),
        }
    }
}

fn get() -> String {
    "GET".to_owned()
}

fn version() -> String {
    "1.1".to_owned()
}

fn chunk() -> usize {
    5000
}

fn host() -> String {
    "app.example".to_owned()
}

impl Case {
    fn of_place(&self) -> Vec<Self> {
        let Passes::These(harmless) = &self.passes else {
            panic!("{}: a place needs values", self.name);
        };
        let stopped = self.stopped.iter().map(|value| (value, true));
        let harmless = harmless.iter().map(|value| (value, false));
        let case = |(value, stops): (&String, bool)| {
            let fill = |text: &String| text.replace("VALUE", value);
            let mut case = self.clone();
            case.name = format!("{}: {value:?}", case.name);
            case.target = fill(&case.target);
            case.headers = case.headers.iter().map(fill).collect();
            case.body = case.body.as_ref().map(fill);
            // The chunks cut the word in two.
            let whole = fill(&case.chunks.concat());
            let middle = whole.len() / 2;
            case.chunks = match case.chunks.is_empty() {
                true => Vec::new(),
                false => vec![whole[..middle].to_owned(), whole[middle..].to_owned()],
            };
            case.passes = Passes::All(!stops);
            if stops {
                case.refused = case.refused.or(Some(Statuses::One(403)));
            } else {
                case.refused = None;
                case.needs.retain(|need| !ONLY_TO_STOP.contains(&&**need));
            }
            case
        };
        stopped.chain(harmless).map(case).collect()
    }

    /// Whether it is to pass.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.passes, Passes::All(true))
    }

    /// Whether it asks for another protocol: the connection stays open.
    pub(crate) fn keeps_open(&self) -> bool {
        self.upgrade
            || self
                .headers
                .iter()
                .any(|line| line.to_ascii_lowercase().contains("upgrade"))
    }

    /// Whether it goes by HTTP/2.
    pub(crate) fn is_http2(&self) -> bool {
        self.version == "2"
    }

    pub(crate) fn is_chunked(&self) -> bool {
        !self.chunks.is_empty() || self.chunked
    }

    /// The target as it is sent.
    pub(crate) fn target(&self) -> String {
        let target = self.target.replace("FILLER4000", &"x".repeat(4000));
        target.replace("PARAMETERS", &self.parameters())
    }

    fn parameters(&self) -> String {
        let names = (0..self.parameters).map(|at| format!("{}{at}", self.parameter));
        names.collect::<Vec<_>>().join("&")
    }

    /// Its own header lines. A request that a body may hide names a case of its own.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        let mut lines = vec![format!("{CASE}: {name}")];
        let own = self.headers.iter();
        lines.extend(own.map(|line| line.replace("FILLER4000", &"x".repeat(4000))));
        lines.extend((0..self.many).map(|at| format!("X-Many-{at}: {at}")));
        let coding = self.coding.iter();
        lines.extend(coding.map(|coding| format!("Content-Encoding: {coding}")));
        lines
    }

    /// The body's pieces: chunks, or all of it; none if it has no body.
    pub(crate) fn pieces(&self, name: &str) -> Vec<Vec<u8>> {
        if !self.chunks.is_empty() {
            return self
                .chunks
                .iter()
                .map(|it| it.clone().into_bytes())
                .collect();
        }
        if self.body.is_none() && self.filler == 0 {
            return Vec::new();
        }
        let mut filled = self.body.clone().unwrap_or_default();
        filled = filled.replace("HIDDEN", &hidden(name));
        filled = sized(&filled).unwrap_or(filled);
        filled = filled.replace("PARAMETERS", &self.parameters());
        filled.push_str(&"x".repeat(self.filler));
        filled.push_str(&self.tail);
        let mut body = filled.into_bytes();
        match self.coding.as_deref() {
            Some("gzip") => {
                let mut coder = GzEncoder::new(Vec::new(), Compression::default());
                coder.write_all(&body).unwrap();
                body = coder.finish().unwrap();
            }
            Some("deflate") => {
                let mut coder = ZlibEncoder::new(Vec::new(), Compression::default());
                coder.write_all(&body).unwrap();
                body = coder.finish().unwrap();
            }
            _ => {}
        }
        match self.chunked {
            true => body.chunks(self.chunk).map(<[u8]>::to_vec).collect(),
            false => vec![body],
        }
    }

    /// Head and body as they are sent by HTTP/1.
    pub(crate) fn bytes(&self, name: &str) -> (Vec<u8>, Vec<u8>) {
        let pieces = self.pieces(name);
        let mut lines = self.lines(name);
        if !self.host.is_empty() {
            lines.insert(1, format!("Host: {}", self.host));
        }
        let has_body = !pieces.is_empty();
        let mut body = pieces.concat();
        if self.is_chunked() {
            body.clear();
            for piece in &pieces {
                let size = format!("{:x}{}\r\n", piece.len(), self.extension);
                body.extend([size.as_bytes(), piece, b"\r\n"].concat());
            }
            let trailers = self.trailers.iter().map(|line| format!("{line}\r\n"));
            body.extend(format!("0\r\n{}\r\n", trailers.collect::<String>()).into_bytes());
            lines.push("Transfer-Encoding: chunked".to_owned());
        } else if has_body && !self.bare {
            lines.push(format!("Content-Length: {}", body.len()));
        }
        if self.waits {
            lines.push("Expect: 100-continue".to_owned());
        }
        if self.upgrade {
            lines.push("Connection: upgrade\r\nUpgrade: websocket".to_owned());
            lines.push("Sec-WebSocket-Version: 13".to_owned());
            lines.push("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==".to_owned());
        } else if !self.keeps_open() {
            lines.push("Connection: close".to_owned());
        }
        let head = format!(
            "{} {} HTTP/{}\r\n{}\r\n\r\n",
            self.method,
            self.target(),
            self.version,
            lines.join("\r\n")
        );
        (head.into_bytes(), body)
    }
}

/// The name of the case whose request another's body hides.
pub(crate) fn hidden(name: &str) -> String {
    format!("{name}-hidden")
}

/// The name of what goes before a case.
pub(crate) fn first(name: &str) -> String {
    format!("{name}-first")
}

/// The size of a chunk that a body writes out, which ends with the last one.
fn sized(body: &str) -> Option<String> {
    let rest = body.strip_prefix("SIZE\r\n")?;
    let chunk = rest.strip_suffix("\r\n0\r\n\r\n")?;
    Some(format!("{:x}\r\n{rest}", chunk.len()))
}
