//! Which ways to applications are guarded, and which are holes.

use ledger::coverage::{Guard, Map};
use ledger::{Environment, IngressKind, IngressPath, IngressPoint, Limits};
use serde::Deserialize;

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    #[serde(default)]
    enforcing: Vec<String>,
    points: Vec<Point>,
    told: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    id: String,
    kind: IngressKind,
    environment: Option<Environment>,
    address: Option<String>,
    #[serde(default)]
    listens: Vec<String>,
    #[serde(default)]
    paths: Vec<Path>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Path {
    host: String,
    prefix: Option<String>,
    application: Option<String>,
    upstreams: Vec<String>,
    asks: Option<String>,
}

fn point(told: Point) -> IngressPoint {
    let environment = told.environment.unwrap_or(Environment::Production);
    let applications = told.paths.iter().filter_map(|it| it.application.clone());
    let applications = applications.collect();
    let paths = told.paths.into_iter().map(|it| IngressPath {
        host: it.host,
        prefix: it.prefix.unwrap_or_else(|| "/".to_owned()),
        application: it.application,
        upstreams: it.upstreams,
        asks: it.asks,
    });
    IngressPoint {
        applications,
        address: told.address,
        listens: told.listens,
        paths: paths.collect(),
        ..IngressPoint::new(&told.id, told.kind, environment)
    }
}

fn guards(guards: &[Guard]) -> String {
    let each = guards.iter().map(|guard| match guard {
        Guard::Itself {} => "itself".to_owned(),
        Guard::Asked(id) => format!("asked {id}"),
        Guard::Behind(id) => format!("behind {id}"),
    });
    each.collect::<Vec<_>>().join(", ")
}

#[test]
fn ways_are_guarded_or_holes() {
    let cases: Cases = toml::from_str(include_str!("../testdata/coverage.toml")).unwrap();
    for case in cases.case {
        let points: Vec<IngressPoint> = case.points.into_iter().map(point).collect();
        for point in &points {
            point.check(&Limits::default()).unwrap();
        }
        let map = Map::new(&points, case.enforcing.iter().map(String::as_str));
        let (mut told, mut holes) = (Vec::new(), 0);
        for point in &points {
            for path in &point.paths {
                let way = format!("{} {}{}", point.id, path.host, path.prefix);
                match map.guards(point, path) {
                    Ok(by) => told.push(format!("{way}: {}", guards(&by)).trim_end().to_owned()),
                    Err((why, remedy)) => {
                        assert!(!remedy.is_empty());
                        holes += 1;
                        told.push(format!("{way}: {why}"));
                    }
                }
            }
            if point.paths.is_empty() {
                for hole in map.holes_of(point) {
                    holes += 1;
                    told.push(format!(
                        "{} {}{}: {}",
                        hole.ingress, hole.host, hole.prefix, hole.why
                    ));
                }
            }
        }
        assert_eq!(map.holes().len(), holes, "{}", case.name);
        assert_eq!(told.len(), case.told.len(), "{}: {told:#?}", case.name);
        for (told, expected) in told.iter().zip(&case.told) {
            assert!(told.starts_with(expected), "{}: {told}", case.name);
        }
    }
}

#[test]
fn what_an_ingress_point_says_is_checked() {
    let whole = || IngressPoint {
        address: Some("https://[2001:db8::1]:8443".to_owned()),
        applications: vec!["a".to_owned()],
        paths: vec![IngressPath {
            host: "*".to_owned(),
            prefix: "/".to_owned(),
            application: Some("a".to_owned()),
            upstreams: Vec::new(),
            asks: None,
        }],
        ..IngressPoint::new("edge", IngressKind::Envoy, Environment::Test)
    };
    whole().check(&Limits::default()).unwrap();
    let refused = |change: fn(&mut IngressPoint)| {
        let mut point = whole();
        change(&mut point);
        point.check(&Limits::default()).unwrap_err().to_string()
    };
    for address in [
        "",
        "shop.example",
        "http://",
        "http://a/b",
        "ftp://a",
        "http://a b",
        "http://u@a",
    ] {
        let mut point = whole();
        point.address = Some(address.to_owned());
        let why = point.check(&Limits::default()).unwrap_err().to_string();
        assert!(
            why.contains("must be such as https://shop.example"),
            "{why}"
        );
    }
    assert!(refused(|it| it.applications.clear()).contains("add it there"));
    assert!(refused(|it| it.paths[0].prefix = "a".to_owned()).contains("begin with `/`"));
    assert!(refused(|it| it.paths = vec![it.paths[0].clone(); 5001]).contains("5000 are allowed"));
}
