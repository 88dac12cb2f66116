//! What sources of each kind say, and what hostile ones may not do.

use discovery::{Found, KINDS, Limits, Path, Source, read};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    kind: String,
    #[serde(default)]
    files: Vec<String>,
    text: Option<String>,
    #[serde(default)]
    listens: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    applications: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    refused: Option<String>,
}

fn told(path: &Path) -> String {
    let application = path.application.as_deref().unwrap_or("-");
    let upstreams = path.upstreams.join(",");
    let asks = path.asks.as_ref().map(|asks| format!(" asks {asks}"));
    let line = format!(
        "{} {} -> {application} {upstreams}{}",
        path.host,
        path.prefix,
        asks.unwrap_or_default()
    );
    line.trim_end().to_owned()
}

/// Each with the part of the source that its point is of.
fn of_points(found: &Found, tell: impl Fn(&discovery::Point) -> Vec<String>) -> Vec<String> {
    let points = found.points.iter();
    let lines = points.flat_map(|point| {
        tell(point)
            .into_iter()
            .map(|line| match point.part.as_str() {
                "" => line,
                part => format!("{part}: {line}"),
            })
    });
    lines.collect()
}

#[test]
fn sources_say_where_traffic_goes() {
    let cases: Cases = toml::from_str(include_str!("../testdata/cases.toml")).unwrap();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/sources");
    for case in cases.case {
        let files = case.files.iter().map(|name| {
            let text = std::fs::read_to_string(folder.join(name)).unwrap();
            (name.clone(), text)
        });
        let mut texts: Vec<(String, String)> = files.collect();
        texts.extend(case.text.map(|text| ("a".to_owned(), text)));
        let sources = texts.iter().map(|(name, text)| Source { name, text });
        let sources: Vec<_> = sources.collect();
        let found = read(&case.kind, &sources, &Limits::default());
        if let Some(refused) = case.refused {
            let problem = found.unwrap_err().to_string();
            assert!(problem.contains(&refused), "{}: {problem}", case.name);
            continue;
        }
        let found = found.unwrap_or_else(|why| panic!("{}: {why}", case.name));
        let paths = of_points(&found, |it| it.paths.iter().map(told).collect());
        assert_eq!(paths, case.paths, "{}: {:?}", case.name, found.notes);
        let listens = of_points(&found, |it| it.listens.clone());
        assert_eq!(listens, case.listens, "{}", case.name);
        let applications = found.applications.iter().map(|it| {
            format!(
                "{} ({}) {}",
                it.name,
                it.hosts.join(","),
                it.paths.join(" ")
            )
        });
        assert_eq!(
            applications.collect::<Vec<_>>(),
            case.applications,
            "{}",
            case.name
        );
        for note in &case.notes {
            let any = found.notes.iter().any(|told| told.contains(note));
            assert!(any, "{}: {note}: {:?}", case.name, found.notes);
        }
        if case.notes.is_empty() {
            assert!(found.notes.is_empty(), "{}: {:?}", case.name, found.notes);
        }
    }
}

#[test]
fn what_grows_without_bound_is_refused() {
    let limits = Limits {
        source_bytes: 1024 * 1024,
        ..Limits::default()
    };
    let many = |each: &str, count: usize| each.repeat(count);
    let backends = |count: usize| {
        let words = (0..150)
            .map(|at| format!(" h{at}.example"))
            .collect::<String>();
        let paths = (0..150).map(|at| format!(" /{at}")).collect::<String>();
        let uses = many("use_backend a if h p\n", count);
        format!("frontend f\nbind :1\nacl h hdr(host){words}\nacl p path_beg{paths}\n{uses}")
    };
    let anchors = "a: &a [x,x,x,x,x,x,x,x]\n".to_owned()
        + &(b'b'..=b'z')
            .map(|letter| {
                let (this, before) = (letter as char, (letter - 1) as char);
                let star = format!("*{before},").repeat(8);
                format!("{this}: &{this} [{star}]\n")
            })
            .collect::<String>();
    let variables = (0..40).fold(String::new(), |text, at| {
        let next = format!("{{v{:02}}}", at + 1).repeat(8);
        format!("{text}v{at:02}: {{default: '{next}'}}, ")
    });
    let server = format!(
        "openapi: 3.0.0\ninfo: {{title: a}}\nservers: [{{url: 'http://{{v00}}/', variables: {{{variables}}}}}]"
    );
    for (kind, text, refused) in [
        ("nginx", many("a ", 600_000), "bytes are too many"),
        ("nginx", many("a { ", 100), "blocks in one another"),
        ("haproxy", backends(1), "ingress paths are too many"),
        (
            "hosts",
            (0..5001).map(|at| format!("h{at}\n")).collect(),
            "hosts are too many",
        ),
        (
            "haproxy",
            format!(
                "frontend f\nbind :1\nacl h hdr(host) a b c\nuse_backend b if {}",
                many("h or ", 150_000)
            ),
            "",
        ),
        (
            "haproxy",
            format!(
                "frontend f\n{}{}",
                many("use_backend %[x]\n", 20_000),
                many("backend b\n", 50_000)
            ),
            "ingress paths are too many",
        ),
        (
            "nginx",
            format!(
                "server {{ server_name {};{} }}",
                many(" a", 100_000),
                many(" location / {}", 20_000)
            ),
            "hosts are too many",
        ),
        (
            "dns",
            format!(
                "$ORIGIN {}\n{}",
                many("a.", 100_000),
                many("a TXT b\n", 50_000)
            ),
            "$ORIGIN is no domain",
        ),
        ("envoy", anchors, ""),
        ("kubernetes", many("[", 10_000), ""),
        ("openapi", server, "names no host"),
    ] {
        let source = Source {
            name: "a",
            text: &text,
        };
        match read(kind, &[source], &limits) {
            Err(problem) => {
                let problem = problem.to_string();
                assert!(problem.contains(refused), "{kind}: {problem}");
                assert!(problem.len() < 1000, "{kind}: {} bytes", problem.len());
            }
            Ok(found) => assert!(
                found.notes.iter().all(|note| note.len() < 100_000),
                "{kind}"
            ),
        }
    }
}

#[test]
fn every_kind_is_read_and_documented() {
    let page = include_str!("../../../docs/discovery.md");
    for kind in KINDS {
        assert!(!kind.summary.is_empty());
        assert!(page.contains(&format!("`{}`", kind.name)), "{}", kind.name);
    }
}
