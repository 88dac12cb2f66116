//! sqlmap, which finds SQL injections and reads databases through them, with each of the
//! scripts that it has for changing its requests so that filters do not know them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Mutex;

use crate::demo::Demo;
use crate::tool::said;

/// How many of it run at once.
const PARALLEL: usize = 2;
/// Longer than any run here takes, in seconds.
const PATIENCE: u32 = 120;

/// What it is told of an application, and what shows that it has read the database.
struct Target {
    /// The shop if none.
    app: Option<&'static str>,
    /// Path and query.
    place: &'static str,
    arguments: &'static [&'static str],
    stolen: &'static str,
}

const SHOP_QUERY: Target = Target {
    app: None,
    place: "/search?q=mug",
    arguments: &["-p", "q", "-T", "users", "-C", "password_hash"],
    stolen: "sha256$",
};

const SHOP_FORM: Target = Target {
    place: "/search",
    arguments: &[
        "--data",
        "q=mug",
        "-p",
        "q",
        "-T",
        "users",
        "-C",
        "password_hash",
    ],
    ..SHOP_QUERY
};

/// CVE-2025-64459. The tool cannot guess what surrounds the injected part, so it is told.
const DJANGO: Target = Target {
    app: Some("django"),
    place: "/books?title=x&_connector=AND",
    arguments: &[
        "-p",
        "_connector",
        "--prefix",
        "= 2 AND %s) ",
        "--suffix",
        "-- ",
        "-T",
        "library_member",
        "-C",
        "card",
    ],
    stolen: "card-5521-not-for-visitors",
};

impl Target {
    /// Whether it reads the database at this address. What it learns of the injection
    /// stays in the folder; `known`: what it has learnt there is used, but not what it
    /// has read.
    fn is_read(&self, at: SocketAddr, tamper: Option<&str>, folder: &Path, known: bool) -> bool {
        let url = format!("http://{at}{}", self.place);
        let folder = folder.to_str().unwrap();
        let mut arguments = vec![
            "--ignore-stdin",
            "--batch",
            "--disable-coloring",
            "--dbms",
            "sqlite",
            "--technique",
            "BEU",
            "--level",
            "3",
            "--risk",
            "2",
            "--dump",
            "--start",
            "1",
            "--stop",
            "2",
            "--output-dir",
            folder,
            "--url",
            &url,
        ];
        arguments.push(if known {
            "--fresh-queries"
        } else {
            "--flush-session"
        });
        arguments.extend(self.arguments);
        arguments.extend(tamper.iter().flat_map(|script| ["--tamper", script]));
        said(PATIENCE, "sqlmap", &arguments).contains(self.stolen)
    }
}

/// The names of all its scripts.
fn tampers() -> Vec<String> {
    let list = said(
        PATIENCE,
        "sqlmap",
        &["--list-tampers", "--disable-coloring"],
    );
    let names = list.lines().filter_map(|line| {
        let (name, _) = line.strip_prefix("* ")?.split_once(".py")?;
        Some(name.to_owned())
    });
    names.collect()
}

/// Where the tool reads the database directly, by itself and with each script, it must not
/// do so through the gateway, neither when it knows the way in nor when it has to find it.
fn nothing_is_read(target: &Target, tampers: Vec<String>, at_least: usize) {
    let demo = Demo::of(target.app);
    assert!(!demo.said.contains('✗'), "{}", demo.said);
    let todo = Mutex::new(
        tampers
            .into_iter()
            .map(Some)
            .chain([None])
            .collect::<Vec<_>>(),
    );
    let (directly, leaks) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let Some(tamper) = todo.lock().unwrap().pop() else {
                return;
            };
            let folder = tempfile::tempdir().unwrap();
            let read = |at, known| target.is_read(at, tamper.as_deref(), folder.path(), known);
            if !read(demo.direct, false) {
                continue;
            }
            // What it has learnt it keeps by host name, whatever the port.
            if read(demo.protected, true) || read(demo.protected, false) {
                leaks.lock().unwrap().push(tamper.clone());
            }
            directly.lock().unwrap().push(tamper);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL {
            scope.spawn(work);
        }
    });
    let (directly, leaks) = (directly.into_inner().unwrap(), leaks.into_inner().unwrap());
    assert!(directly.contains(&None), "it reads nothing directly");
    assert!(directly.len() >= at_least, "directly, with {directly:?}");
    assert!(leaks.is_empty(), "through the gateway, with {leaks:?}");
    demo.end();
}

#[test]
fn the_shops_database_is_not_read_by_its_query() {
    nothing_is_read(&SHOP_QUERY, tampers(), 30);
}

#[test]
fn the_shops_database_is_not_read_by_its_form() {
    nothing_is_read(&SHOP_FORM, Vec::new(), 1);
}

#[test]
fn a_library_on_django_is_not_read() {
    nothing_is_read(&DJANGO, tampers(), 10);
}
