//! The recipes of affected applications are whole, so that the demo can rely on them.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that the keys are there is what is tested")]
struct Recipe {
    name: String,
    title: String,
    cve: String,
    affects: String,
    fixed_in: String,
    runtime: Runtime,
    debian: Vec<String>,
    packages: Vec<String>,
    files: Vec<String>,
    install: Vec<Vec<String>>,
    start: Vec<String>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    ready: Ready,
    size_megabytes: u32,
    carried_by: String,
    exploit: Vec<Exploit>,
    benign: Vec<Benign>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Runtime {
    Python,
    Node,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that the keys are there is what is tested")]
struct Ready {
    path: String,
    status: u16,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exploit {
    name: String,
    request: String,
    success: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Benign {
    name: String,
    request: String,
    expect: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    status: u16,
    body_contains: String,
}

/// Each recipe with its directory.
fn recipes() -> Vec<(PathBuf, Recipe)> {
    let apps = Path::new(env!("CARGO_MANIFEST_DIR")).join("apps");
    let directories = fs::read_dir(apps)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let text = fs::read_to_string(path.join("recipe.toml")).unwrap();
        let recipe = toml::from_str(&text).map_err(|error| format!("{path:?}: {error}"));
        (path, recipe.unwrap())
    };
    directories.filter(|path| path.is_dir()).map(read).collect()
}

/// A request's head and body; the head's lines end in `\n`.
fn parts(request: &str) -> (&str, &str) {
    request.split_once("\n\n").unwrap()
}

#[test]
fn every_recipe_names_its_directory_and_files_that_are_there() {
    assert!(!recipes().is_empty());
    for (path, recipe) in recipes() {
        assert!(path.ends_with(&recipe.name), "{path:?}");
        for file in recipe.files {
            assert!(path.join(&file).is_file(), "{path:?}: {file}");
        }
    }
}

#[test]
fn every_package_has_an_exact_version() {
    for (path, recipe) in recipes() {
        let separator = match recipe.runtime {
            Runtime::Python => "==",
            Runtime::Node => "@",
        };
        for package in recipe.packages {
            let version = package.rsplit_once(separator).map(|(_, version)| version);
            let exact = version.is_some_and(|text| text.starts_with(|c: char| c.is_ascii_digit()));
            assert!(exact, "{path:?}: {package}");
        }
    }
}

#[test]
fn every_application_is_told_its_port() {
    for (path, recipe) in recipes() {
        assert!(recipe.start.iter().any(|each| each == "{port}"), "{path:?}");
    }
}

#[test]
fn every_case_is_a_request_whose_length_is_right() {
    for (path, recipe) in recipes() {
        let exploits = recipe.exploit.iter();
        let exploits = exploits.map(|case| (&case.name, &case.request, &case.success));
        let benign = recipe.benign.iter();
        let benign = benign.map(|case| (&case.name, &case.request, &case.expect));
        assert!(exploits.len() > 0 && benign.len() > 0, "{path:?}");
        for (name, request, answer) in exploits.chain(benign) {
            let (head, body) = parts(request);
            assert!(
                head.lines().next().unwrap().ends_with(" HTTP/1.1"),
                "{path:?}: {name}"
            );
            assert!(head.contains("\nHost: app"), "{path:?}: {name}");
            assert!((200..600).contains(&answer.status), "{path:?}: {name}");
            let declared = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            // One character is one byte.
            let length = body.chars().count();
            assert!(body.chars().all(|c| u32::from(c) < 256), "{path:?}: {name}");
            match declared {
                Some(text) => assert_eq!(text.parse(), Ok(length), "{path:?}: {name}"),
                None => assert!(length == 0 || head.contains("chunked"), "{path:?}: {name}"),
            }
        }
    }
}

#[test]
fn an_exploit_shows_in_the_answer() {
    for (path, recipe) in recipes() {
        for case in recipe.exploit {
            let (_, body) = parts(&case.request);
            let shown = &case.success.body_contains;
            assert!(!shown.is_empty(), "{path:?}: {}", case.name);
            assert!(
                !body.contains(shown),
                "{path:?}: {}: an echo would do",
                case.name
            );
        }
    }
}
