//! nginx's configuration: servers, their names and locations, where these pass requests.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::rc::Rc;
use std::str::Chars;

use crate::{Found, Limits, Path, Point, Problem, Source, address, at};

/// A directive, and the block behind it.
struct Directive<'a> {
    source: &'a Source<'a>,
    line: usize,
    words: Vec<String>,
    block: Vec<Directive<'a>>,
}

impl Directive<'_> {
    fn name(&self) -> &str {
        self.word(0)
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }
}

struct Reader<'a> {
    limits: &'a Limits,
    upstreams: BTreeMap<String, Vec<String>>,
    point: Point,
    notes: Vec<String>,
}

/// What holds in a place unless something nearer says otherwise.
#[derive(Clone, Default)]
struct Around {
    hosts: Rc<Vec<String>>,
    prefix: String,
    /// The location that is asked.
    asks: Option<String>,
}

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut reader = Reader {
        limits,
        upstreams: BTreeMap::new(),
        point: Point::default(),
        notes: Vec::new(),
    };
    let mut top = Vec::new();
    for source in sources {
        top.extend(parse(source, limits)?);
    }
    reader.collect(&top);
    reader.walk(&top, &Around::default())?;
    if reader.point.listens.is_empty() {
        let names: Vec<_> = sources.iter().map(|source| source.name).collect();
        return Err(Problem(format!(
            "{}: there is no `server`: is this nginx's configuration?",
            names.join(", ")
        )));
    }
    Ok(Found {
        points: vec![reader.point],
        notes: reader.notes,
        ..Found::default()
    })
}

impl Reader<'_> {
    /// The servers of each `upstream`.
    fn collect(&mut self, block: &[Directive<'_>]) {
        for directive in block {
            match directive.name() {
                "upstream" => {
                    let servers = directive.block.iter().filter(|it| it.name() == "server");
                    let servers = servers.map(|it| with_port(it.word(1), "80"));
                    let name = directive.word(1).to_owned();
                    self.upstreams.insert(name, servers.collect());
                }
                "http" | "stream" => self.collect(&directive.block),
                _ => {}
            }
        }
    }

    fn walk(&mut self, block: &[Directive<'_>], around: &Around) -> Result<(), Problem> {
        let mut around = around.clone();
        around.asks = asked(block).unwrap_or(around.asks);
        for directive in block {
            match directive.name() {
                "http" => self.walk(&directive.block, &around)?,
                "stream" => self.streams(&directive.block)?,
                "server" => self.server(&directive.block, &around)?,
                "include" => self.note(
                    directive,
                    "what is included is not followed: name those files, too",
                ),
                _ => {}
            }
        }
        Ok(())
    }

    fn server(&mut self, block: &[Directive<'_>], around: &Around) -> Result<(), Problem> {
        let mut here = around.clone();
        here.prefix = "/".to_owned();
        self.listens(block);
        let mut hosts = Vec::new();
        for names in block.iter().filter(|it| it.name() == "server_name") {
            for name in names.words.iter().skip(1) {
                match name.as_bytes() {
                    b"_" | b"" => hosts.push("*".to_owned()),
                    [b'~', ..] => {
                        self.note(names, "a server's name is an expression: all may fit it");
                        hosts.push("*".to_owned());
                    }
                    [b'.', ..] => {
                        let name = address::plain(name.trim_start_matches('.'));
                        hosts.extend([format!("*.{name}"), name]);
                    }
                    _ => hosts.push(address::plain(name)),
                }
            }
        }
        if hosts.is_empty() {
            hosts.push("*".to_owned());
        }
        self.limits
            .within("hosts", hosts.len(), self.limits.paths)?;
        here.hosts = Rc::new(hosts);
        self.locations(block, &here, block)
    }

    fn listens(&mut self, block: &[Directive<'_>]) {
        let before = self.point.listens.len();
        for listen in block.iter().filter(|it| it.name() == "listen") {
            self.point.listens.push(listened(listen.word(1)));
        }
        if self.point.listens.len() == before {
            self.point.listens.push("0.0.0.0:80".to_owned());
        }
    }

    /// What passes requests on in a server or location, and below.
    fn locations(
        &mut self,
        block: &[Directive<'_>],
        around: &Around,
        server: &[Directive<'_>],
    ) -> Result<(), Problem> {
        let mut here = around.clone();
        here.asks = asked(block).unwrap_or(here.asks);
        for directive in block {
            match directive.name() {
                "location" => {
                    // Nobody comes here from outside.
                    if directive.block.iter().any(|it| it.name() == "internal") {
                        continue;
                    }
                    let mut below = here.clone();
                    below.prefix = match (directive.word(1), directive.words.len()) {
                        ("=" | "^~", _) if directive.word(2).starts_with('/') => {
                            directive.word(2).to_owned()
                        }
                        (path, 2) if path.starts_with('/') => path.to_owned(),
                        _ => {
                            let why = "a location is an expression: all paths may fit it";
                            self.note(directive, why);
                            "/".to_owned()
                        }
                    };
                    self.locations(&directive.block, &below, server)?;
                }
                "if" | "limit_except" => self.locations(&directive.block, &here, server)?,
                "include" => self.note(
                    directive,
                    "what is included is not followed: name those files, too",
                ),
                "proxy_pass" | "grpc_pass" | "fastcgi_pass" | "uwsgi_pass" | "scgi_pass" => {
                    let asks = match &here.asks {
                        Some(uri) => self.answers(uri, server),
                        None => None,
                    };
                    self.pass(directive, &here, asks)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Who is asked by a location.
    fn answers(&mut self, uri: &str, server: &[Directive<'_>]) -> Option<String> {
        let fits = |it: &&Directive<'_>| {
            it.name() == "location" && it.words.last().is_some_and(|last| last == uri)
        };
        let location = server.iter().find(fits)?;
        let pass = location.block.iter().find(|it| it.name() == "proxy_pass")?;
        let asked = self.target(pass).map(|(_, upstreams)| upstreams);
        asked.and_then(|upstreams| upstreams.into_iter().next())
    }

    fn pass(
        &mut self,
        directive: &Directive<'_>,
        here: &Around,
        asks: Option<String>,
    ) -> Result<(), Problem> {
        let Some((name, upstreams)) = self.target(directive) else {
            self.note(directive, "where this passes requests is not told here");
            return Ok(());
        };
        let count = self.point.paths.len().saturating_add(here.hosts.len());
        self.limits
            .within("ingress paths", count, self.limits.paths)?;
        self.point.paths.extend(here.hosts.iter().map(|host| Path {
            host: host.clone(),
            prefix: here.prefix.clone(),
            application: name.clone(),
            upstreams: upstreams.clone(),
            asks: asks.clone(),
        }));
        Ok(())
    }

    /// The name and the addresses of whom a directive passes requests to.
    fn target(&self, directive: &Directive<'_>) -> Option<(Option<String>, Vec<String>)> {
        let target = directive.word(1);
        let (scheme, rest) = target.split_once("://").unwrap_or(("http", target));
        let authority = rest.split('/').next().unwrap_or_default();
        if let Some(servers) = self.upstreams.get(authority) {
            return Some((Some(authority.to_owned()), servers.clone()));
        }
        if authority.is_empty() || authority.contains('$') || authority.starts_with("unix:") {
            return None;
        }
        let usual = if scheme.ends_with('s') { "443" } else { "80" };
        Some((None, vec![with_port(authority, usual)]))
    }

    /// Connections that are passed on whole: nobody asks about the requests in them.
    fn streams(&mut self, block: &[Directive<'_>]) -> Result<(), Problem> {
        for server in block.iter().filter(|it| it.name() == "server") {
            self.listens(&server.block);
            let here = Around {
                hosts: Rc::new(vec!["*".to_owned()]),
                prefix: "/".to_owned(),
                asks: None,
            };
            for pass in server.block.iter().filter(|it| it.name() == "proxy_pass") {
                self.note(pass, "passes connections, whose requests it does not see");
                self.pass(pass, &here, None)?;
            }
        }
        Ok(())
    }

    fn note(&mut self, directive: &Directive<'_>, what: &str) {
        let note = at(directive.source, directive.line, what);
        // Of several names in one line the same is said.
        if self.notes.last() != Some(&note) {
            self.notes.push(note);
        }
    }
}

/// What a block says of `auth_request`; none: nothing.
fn asked(block: &[Directive<'_>]) -> Option<Option<String>> {
    let said = block.iter().rfind(|it| it.name() == "auth_request")?;
    match said.word(1) {
        "off" | "" => Some(None),
        uri => Some(Some(uri.to_owned())),
    }
}

fn with_port(authority: &str, usual: &str) -> String {
    let (host, port) = address::split(authority);
    match authority.starts_with("unix:") {
        true => authority.to_owned(),
        false => address::joined(host, port.unwrap_or(usual)),
    }
}

/// Where a `listen` listens: an address, a port, or both.
fn listened(word: &str) -> String {
    if word.starts_with("unix:") {
        return word.to_owned();
    }
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return address::joined("0.0.0.0", word);
    }
    match address::split(word) {
        ("*", port) => address::joined("0.0.0.0", port.unwrap_or("80")),
        (host, port) => address::joined(host, port.unwrap_or("80")),
    }
}

/// Words, `;`, `{` and `}` to directives.
fn parse<'a>(source: &'a Source<'a>, limits: &Limits) -> Result<Vec<Directive<'a>>, Problem> {
    let mut open: Vec<Vec<Directive<'a>>> = vec![Vec::new()];
    let mut words: Vec<String> = Vec::new();
    let (mut first, mut line) = (1, 1);
    let mut letters = source.text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' => line += 1,
            '#' => while letters.next_if(|next| *next != '\n').is_some() {},
            ';' | '{' => {
                if words.is_empty() {
                    let why = format!("`{letter}` has no directive before it");
                    return Err(Problem(at(source, line, why)));
                }
                let directive = Directive {
                    source,
                    line: first,
                    words: std::mem::take(&mut words),
                    block: Vec::new(),
                };
                if let Some(block) = open.last_mut() {
                    block.push(directive);
                }
                if letter == '{' {
                    if open.len() > limits.depth {
                        let why = format!("more than {} blocks in one another", limits.depth);
                        return Err(Problem(at(source, line, why)));
                    }
                    open.push(Vec::new());
                }
            }
            '}' => {
                if !words.is_empty() {
                    return Err(Problem(at(source, line, "`;` is missing before `}`")));
                }
                let block = open.pop().filter(|_| !open.is_empty());
                let outer = open.last_mut().and_then(|outer| outer.last_mut());
                let (Some(block), Some(outer)) = (block, outer) else {
                    return Err(Problem(at(source, line, "`}` closes nothing")));
                };
                outer.block = block;
            }
            letter if letter.is_whitespace() => {}
            letter => {
                if words.is_empty() {
                    first = line;
                }
                let word = word(letter, &mut letters, &mut line);
                let ended = "the file ends within a word";
                words.push(word.ok_or_else(|| Problem(at(source, first, ended)))?);
            }
        }
    }
    if !words.is_empty() {
        let why = format!("`{}` is not ended by `;`", words.join(" ").escape_debug());
        return Err(Problem(at(source, first, why)));
    }
    match (open.pop(), open.is_empty()) {
        (Some(block), true) => Ok(block),
        _ => Err(Problem(at(source, line, "`{` is never closed"))),
    }
}

/// The word that begins with this letter, without its quotes; none if the file ends within quotes. The number of
/// the line goes on with the lines that it takes.
fn word(first: char, letters: &mut Peekable<Chars<'_>>, line: &mut usize) -> Option<String> {
    let quote = matches!(first, '"' | '\'').then_some(first);
    let mut word = String::new();
    let mut next = match quote {
        Some(_) => letters.next(),
        None => Some(first),
    };
    loop {
        let Some(letter) = next else {
            return quote.is_none().then_some(word);
        };
        *line += usize::from(letter == '\n');
        match letter {
            '\\' => {
                let escaped = letters.next();
                *line += usize::from(escaped == Some('\n'));
                word.extend(escaped);
            }
            _ if quote == Some(letter) => return Some(word),
            // As in ${name}.
            '$' if letters.next_if_eq(&'{').is_some() => {
                word.push_str("${");
                while let Some(inner) = letters.next_if(|it| *it != '}') {
                    *line += usize::from(inner == '\n');
                    word.push(inner);
                }
            }
            _ => word.push(letter),
        }
        next = match quote {
            Some(_) => letters.next(),
            None => letters.next_if(|next| !next.is_whitespace() && !";{".contains(*next)),
        };
    }
}
