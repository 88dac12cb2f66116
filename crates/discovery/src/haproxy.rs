//! HAProxy's configuration: frontends, what they listen on, their conditions, backends and servers.

use std::collections::BTreeMap;

use crate::{Found, Limits, Path, Point, Problem, Source, address, at};

/// Values of one criterion, such as `hdr(host)`; with more, all may fit it.
const VALUES: usize = 200;
/// Values of all criteria of one condition; with more, all may fit it.
const TOGETHER: usize = 1000;

/// A line, in words, with its place.
struct Line {
    number: usize,
    words: Vec<String>,
}

impl Line {
    fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    fn rest(&self, from: usize) -> &[String] {
        self.words.get(from..).unwrap_or_default()
    }
}

/// What is usual for the proxies behind it, of a section `defaults`.
#[derive(Clone, Default)]
struct Usual {
    backend: Option<String>,
    tcp: bool,
}

/// A section `frontend`, `backend` or `listen`.
struct Proxy<'a> {
    source: &'a Source<'a>,
    name: String,
    takes_requests: bool,
    usual: Usual,
    lines: Vec<Line>,
}

/// Which hosts and paths a condition lets through; none: all, as far as can be told.
#[derive(Clone, Default)]
struct Fits {
    hosts: Option<Vec<String>>,
    prefixes: Option<Vec<String>>,
}

#[derive(Default)]
struct File<'a> {
    proxies: Vec<Proxy<'a>>,
    /// The backend of each engine's SPOE agent.
    agents: BTreeMap<String, String>,
    /// The addresses of each backend.
    servers: BTreeMap<String, Vec<String>>,
    notes: Vec<String>,
}

pub(crate) fn read(sources: &[Source<'_>], limits: &Limits) -> Result<Found, Problem> {
    let mut file = File::default();
    for source in sources {
        sections(source, &mut file)?;
    }
    if file.proxies.is_empty() {
        let names: Vec<_> = sources.iter().map(|source| source.name).collect();
        return Err(Problem(format!(
            "{}: there is no `frontend`, `listen` or `backend`: is this HAProxy's configuration?",
            names.join(", ")
        )));
    }
    for proxy in &file.proxies {
        let there = file.servers.entry(proxy.name.clone()).or_default();
        there.extend(servers(proxy));
    }
    let mut found = Found {
        notes: std::mem::take(&mut file.notes),
        ..Found::default()
    };
    let mut point = Point::default();
    for proxy in file.proxies.iter().filter(|proxy| proxy.takes_requests) {
        frontend(proxy, &file, limits, (&mut point, &mut found.notes))?;
    }
    found.points.push(point);
    Ok(found)
}

/// Takes a file apart.
fn sections<'a>(source: &'a Source<'a>, file: &mut File<'a>) -> Result<(), Problem> {
    enum In {
        Nothing,
        Defaults(String),
        Proxy,
        Agent,
    }
    let mut place = In::Nothing;
    let mut usual: BTreeMap<String, Usual> = BTreeMap::new();
    let (mut last, mut engine) = (Usual::default(), String::new());
    for line in lines(source)? {
        match (line.word(0), &place) {
            ("frontend" | "backend" | "listen", _) => {
                let kind = line.word(0);
                let from = line.words.iter().position(|word| word == "from");
                let from = from.and_then(|at| usual.get(line.word(at + 1)));
                file.proxies.push(Proxy {
                    source,
                    name: line.word(1).to_owned(),
                    takes_requests: kind != "backend",
                    usual: from.unwrap_or(&last).clone(),
                    lines: Vec::new(),
                });
                place = In::Proxy;
            }
            ("defaults", _) => {
                last = Usual::default();
                place = In::Defaults(line.word(1).to_owned());
            }
            ("spoe-agent", _) => place = In::Agent,
            (
                "global" | "userlist" | "peers" | "resolvers" | "mailers" | "cache" | "program"
                | "http-errors" | "ring" | "log-forward" | "crt-store" | "fcgi-app"
                | "spoe-message" | "spoe-group",
                _,
            ) => place = In::Nothing,
            (scope, _) if scope.starts_with('[') && scope.ends_with(']') => {
                scope.trim_matches(['[', ']']).clone_into(&mut engine);
                place = In::Nothing;
            }
            ("use-backend", In::Agent) => {
                file.agents.insert(engine.clone(), line.word(1).to_owned());
            }
            ("default_backend", In::Defaults(_)) => last.backend = Some(line.word(1).to_owned()),
            ("mode", In::Defaults(_)) => last.tcp = line.word(1) == "tcp",
            (_, In::Proxy) => {
                if let Some(proxy) = file.proxies.last_mut() {
                    proxy.lines.push(line);
                }
                continue;
            }
            _ => {}
        }
        if let In::Defaults(name) = &place {
            usual.insert(name.clone(), last.clone());
        }
    }
    Ok(())
}

/// What a frontend lets through, and to where.
fn frontend(
    proxy: &Proxy<'_>,
    file: &File<'_>,
    limits: &Limits,
    (point, notes): (&mut Point, &mut Vec<String>),
) -> Result<(), Problem> {
    let mut conditions: BTreeMap<&str, Fits> = BTreeMap::new();
    let mut ways: Vec<(Fits, String)> = Vec::new();
    let mut usual = proxy.usual.backend.clone();
    let mut tcp = proxy.usual.tcp;
    let (mut asks, mut any) = (None, false);
    let has_servers = proxy.lines.iter().any(|line| line.word(0) == "server");
    for line in &proxy.lines {
        let mut note = |what: &str| notes.push(at(proxy.source, line.number, what));
        match line.word(0) {
            "bind" => point.listens.extend(binds(line.word(1))),
            "mode" => tcp = line.word(1) == "tcp",
            "acl" => {
                let fits = criterion(line.rest(2), &mut note);
                let known = conditions.entry(line.word(1)).or_insert(Fits {
                    hosts: Some(Vec::new()),
                    prefixes: Some(Vec::new()),
                });
                *known = either(known, &fits);
            }
            "default_backend" => usual = Some(line.word(1).to_owned()),
            "use_backend" if line.word(1).contains("%[") => {
                note("the backend is looked up while it runs: any may be meant");
                any = true;
            }
            "use_backend" => {
                let fits = match line.word(2) {
                    "if" => condition(line.rest(3), &conditions, &mut note),
                    _ => Fits::default(),
                };
                ways.push((fits, line.word(1).to_owned()));
            }
            "filter" if line.word(1) == "spoe" => {
                let engine = line.words.iter().position(|word| word == "engine");
                let engine = engine.map_or("", |at| line.word(at + 1));
                let agent = file.agents.get(engine);
                let there = agent.and_then(|backend| file.servers.get(backend));
                asks = there.and_then(|servers| servers.first().cloned());
                if asks.is_none() {
                    note("whom this filter asks is not told: name the file of its `config`, too");
                }
            }
            _ => {}
        }
    }
    if tcp {
        asks = None;
    }
    match usual {
        Some(backend) => ways.push((Fits::default(), backend)),
        None if has_servers => ways.push((Fits::default(), proxy.name.clone())),
        None => {}
    }
    if any {
        let backends = file.proxies.iter().filter(|it| !it.takes_requests);
        ways.extend(backends.map(|it| (Fits::default(), it.name.clone())));
    }
    for (fits, backend) in ways {
        let all = |what: &str| vec![what.to_owned()];
        let upstreams = file.servers.get(&backend).cloned().unwrap_or_default();
        let hosts = fits.hosts.unwrap_or_else(|| all("*"));
        let prefixes = fits.prefixes.unwrap_or_else(|| all("/"));
        let more = hosts.len().saturating_mul(prefixes.len());
        let count = point.paths.len().saturating_add(more);
        limits.within("ingress paths", count, limits.paths)?;
        for host in &hosts {
            point.paths.extend(prefixes.iter().map(|prefix| Path {
                host: host.clone(),
                prefix: prefix.clone(),
                application: Some(backend.clone()),
                upstreams: upstreams.clone(),
                asks: asks.clone(),
            }));
        }
    }
    Ok(())
}

/// What several ways of one name let through together: each of them may.
fn either(one: &Fits, two: &Fits) -> Fits {
    let both = |one: &Option<Vec<String>>, two: &Option<Vec<String>>| {
        let mut all = one.clone()?;
        all.extend(two.clone()?);
        (all.len() <= TOGETHER).then_some(all)
    };
    let nothing = |fits: &Fits| {
        let is_empty = |values: &Option<Vec<String>>| values.as_ref().is_some_and(Vec::is_empty);
        is_empty(&fits.hosts) && is_empty(&fits.prefixes)
    };
    if nothing(one) {
        return two.clone();
    }
    Fits {
        hosts: both(&one.hosts, &two.hosts),
        prefixes: both(&one.prefixes, &two.prefixes),
    }
}

/// What a condition lets through: names of criteria, one after the other all of them, beside
/// `or` one of both.
fn condition(words: &[String], named: &BTreeMap<&str, Fits>, note: &mut impl FnMut(&str)) -> Fits {
    let mut all: Option<Fits> = None;
    let alternatives = words.split(|word| word == "or" || word == "||");
    for alternative in alternatives {
        let mut fits = Fits::default();
        let mut rest = alternative.iter();
        while let Some(word) = rest.next() {
            let this = match word.as_str() {
                "{" => {
                    let inner: Vec<String> = rest
                        .by_ref()
                        .take_while(|word| *word != "}")
                        .cloned()
                        .collect();
                    criterion(&inner, note)
                }
                "!" => {
                    // What is excluded leaves all else.
                    if rest.next().is_some_and(|word| word == "{") {
                        rest.by_ref().take_while(|word| *word != "}").for_each(drop);
                    }
                    continue;
                }
                word => {
                    let Some(this) = named.get(word) else {
                        continue;
                    };
                    if fits.hosts.is_none() {
                        fits.hosts.clone_from(&this.hosts);
                    }
                    if fits.prefixes.is_none() {
                        fits.prefixes.clone_from(&this.prefixes);
                    }
                    continue;
                }
            };
            fits.hosts = fits.hosts.take().or(this.hosts);
            fits.prefixes = fits.prefixes.take().or(this.prefixes);
        }
        if fits.hosts.is_none() && fits.prefixes.is_none() {
            return fits;
        }
        all = Some(match all {
            Some(before) => either(&before, &fits),
            None => fits,
        });
    }
    all.unwrap_or_default()
}

/// What a criterion, such as `hdr(host) -i shop.example`, lets through.
fn criterion(words: &[String], note: &mut impl FnMut(&str)) -> Fits {
    let Some((fetch, arguments)) = words.split_first() else {
        return Fits::default();
    };
    let fetch = fetch.to_ascii_lowercase();
    // What changes the fetched value, such as `hdr(host),lower`, may be any conversion.
    let (fetch, converters) = fetch.split_once(',').unwrap_or((&fetch, ""));
    let (mut how, mut values, mut known) = ("", Vec::new(), true);
    let mut rest = arguments.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            "-i" | "-n" => {}
            "-m" => how = rest.next().unwrap_or_default(),
            "-f" | "-M" => known = false,
            "--" => values.extend(rest.by_ref()),
            value => values.push(value),
        }
    }
    let (what, ending) = match fetch.split_once('(') {
        Some((what, argument)) => (what, argument.trim_end_matches(')')),
        None => (fetch, ""),
    };
    let of_host = matches!(ending, "host" | "host,1" | "host,-1");
    let what = what.strip_prefix("req.").unwrap_or(what);
    let (is_host, how) = match what {
        "hdr" | "fhdr" | "ssl_fc_sni" | "req_ssl_sni" | "ssl_sni" => (true, how),
        "hdr_end" | "ssl_fc_sni_end" => (true, "end"),
        "hdr_beg" | "hdr_dom" | "hdr_sub" | "hdr_reg" => (true, "other"),
        "path" => (false, how),
        "path_beg" => (false, "beg"),
        _ => return Fits::default(),
    };
    let sni = what.contains("sni");
    if is_host && !sni && !of_host {
        return Fits::default();
    }
    if !known || values.len() > VALUES || !matches!(converters, "" | "lower") {
        note("a condition is not told here: all may fit it");
        return Fits::default();
    }
    let read = |value: &str| match (is_host, how) {
        (true, "" | "str") => Some(address::plain(address::host_of(value))),
        (true, "end") => {
            let end = address::plain(address::host_of(value).trim_start_matches('.'));
            Some(format!("*.{end}"))
        }
        (false, "" | "str" | "beg") if value.starts_with('/') => Some(value.to_owned()),
        _ => None,
    };
    let read: Option<Vec<String>> = values.iter().map(|value| read(value)).collect();
    let Some(mut read) = read else {
        note("a condition is not told here: all may fit it");
        return Fits::default();
    };
    // The end of a name is also all of it.
    if is_host && how == "end" {
        let whole: Vec<_> = values
            .iter()
            .filter(|value| !value.starts_with('.'))
            .map(|value| address::plain(address::host_of(value)))
            .collect();
        read.extend(whole);
    }
    match is_host {
        true => Fits {
            hosts: Some(read),
            prefixes: None,
        },
        false => Fits {
            hosts: None,
            prefixes: Some(read),
        },
    }
}

/// The addresses of a proxy's servers.
fn servers(proxy: &Proxy<'_>) -> impl Iterator<Item = String> {
    proxy.lines.iter().filter_map(|line| {
        let address = match line.word(0) {
            "server" => line.word(2),
            "server-template" => line.word(3),
            "dispatch" => line.word(1),
            _ => return None,
        };
        Some(plain_address(address))
    })
}

/// The addresses of a `bind`; `:80` and `*:80` are all of the machine's.
fn binds(word: &str) -> Vec<String> {
    let each = word.split(',').filter(|it| !it.is_empty());
    each.map(plain_address).collect()
}

/// An address without what says its family, a path of a Unix socket as it is.
fn plain_address(word: &str) -> String {
    let word = ["ipv4@", "ipv6@", "tcp4@", "tcp6@", "tcp@"]
        .iter()
        .find_map(|family| word.strip_prefix(family))
        .unwrap_or(word);
    match word.rsplit_once(':') {
        Some(("" | "*", port)) => address::joined("0.0.0.0", port),
        Some((host, port)) if !port.is_empty() => address::joined(host, port),
        _ => word.to_owned(),
    }
}

/// Lines in words, as HAProxy's manual has it in "Quoting and escaping".
fn lines(source: &Source<'_>) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    for (number, text) in (1..).zip(source.text.lines()) {
        let (mut words, mut word, mut any) = (Vec::new(), String::new(), false);
        let mut letters = text.chars();
        let mut quote = None;
        while let Some(letter) = letters.next() {
            match (letter, quote) {
                ('\'', Some('\'')) | ('"', Some('"')) => quote = None,
                ('\\', None | Some('"')) => word.extend(letters.next()),
                (letter, Some(_)) => word.push(letter),
                ('\'' | '"', None) => {
                    quote = Some(letter);
                    any = true;
                }
                ('#', None) => break,
                (letter, None) if letter.is_whitespace() => {
                    if any || !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    any = false;
                }
                (letter, None) => word.push(letter),
            }
        }
        if let Some(quote) = quote {
            let why = format!("the quote {quote} is never closed");
            return Err(Problem(at(source, number, why)));
        }
        if any || !word.is_empty() {
            words.push(word);
        }
        if !words.is_empty() {
            lines.push(Line { number, words });
        }
    }
    Ok(lines)
}
