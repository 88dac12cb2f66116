//! The catalogue: every patch is whole, all of them get along, and people find them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use engine::{Limits, Mode, NoResources};
use patch::document::{Oversize, Paths};
use patch::prove::Evasive;
use patch::{Level, Request, Source};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder() -> PathBuf {
    root().join("catalogue")
}

/// Every document, in order of the file names.
fn documents() -> Vec<Source> {
    patch::load::sources(&[folder()]).unwrap()
}

fn stopgap(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .args(arguments)
        .output()
        .unwrap()
}

fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&stopgap(arguments).stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a reviewer would ask of each.
#[test]
fn every_document_is_whole() {
    let sources = documents();
    assert!(sources.len() >= 100, "{}", sources.len());
    let mut wrong = Vec::new();
    for source in &sources {
        let document = &source.document;
        let about = &document.vulnerability;
        let year = document.id.get(4..8).unwrap_or_default();
        let file = folder().join(year).join(format!("{}.yaml", *document.id));
        let everywhere = document.scope.path.value == Paths::default();
        let holds = patch::compile(source).unwrap().body_bytes.is_some();
        let asked = [
            (
                file.canonicalize().ok() == Path::new(&source.name).canonicalize().ok(),
                "is at catalogue/<year>/<id>.yaml",
            ),
            (document.cases.exploit.len() >= 2, "has two exploits"),
            (document.cases.benign.len() >= 2, "has two benign twins"),
            (!document.limits.is_empty(), "says what it does not cover"),
            (!about.affects.is_empty(), "says what is affected"),
            (!about.cwe.is_empty(), "says the weakness"),
            (
                !(everywhere && holds && document.body.oversize == Oversize::Block),
                "lets large uploads pass if it concerns every path",
            ),
            (about.references.len() >= 2, "has two sources"),
            (
                about.references.iter().all(|url| url.starts_with("http")),
                "has sources that can be opened",
            ),
        ];
        let not = asked.iter().filter(|(holds, _)| !holds);
        wrong.extend(not.map(|(_, what)| format!("{}: not so: {what}", source.name)));
        // The day on which the documents were reviewed; they expire later.
        let problems = patch::lint(source, jiff::civil::date(2026, 11, 28));
        let errors = problems.iter().filter(|each| each.level == Level::Error);
        wrong.extend(errors.map(ToString::to_string));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// No target says here which variants work, so a share of them passes as it should.
#[test]
fn most_variants_of_the_exploits_are_stopped() {
    let (mut tried, mut stopped) = (0, 0);
    for mut source in documents() {
        source.document.cases.value.exploit.truncate(1);
        let compiled = patch::compile(&source).unwrap();
        let plan = patch::prove::plan(&source, &compiled).unwrap();
        let evasive = Evasive {
            target: None,
            composed: false,
            tried: &mut |_| {},
            passed: &mut |_| {},
        };
        let evaded = patch::prove::evade(&source, &plan, evasive).unwrap();
        assert!(
            evaded.stopped * 2 >= evaded.tried,
            "{}: {} of {} variants are stopped",
            source.name,
            evaded.stopped,
            evaded.tried
        );
        tried += evaded.tried;
        stopped += evaded.stopped;
    }
    assert!(stopped * 100 >= tried * 85, "{stopped} of {tried}");
}

#[test]
fn all_patches_together_stop_every_exploit_and_no_benign_request() {
    let sources = documents();
    let enforced: Vec<(Source, Mode)> = sources
        .iter()
        .map(|source| (source.clone(), Mode::Enforce))
        .collect();
    let plan = patch::load::plan(&[], &enforced, Limits::default(), &NoResources).unwrap();
    let mut wrong = Vec::new();
    for source in &sources {
        let cases = &source.document.cases;
        let exploits = cases.exploit.iter().map(|case| (true, case));
        for (exploit, case) in exploits.chain(cases.benign.iter().map(|case| (false, case))) {
            let request = Request::of(&case.request).unwrap();
            let verdict = request.exchange("app").inspect(&plan);
            if (verdict.action() == "pass") == exploit {
                let by: Vec<_> = verdict
                    .matches
                    .iter()
                    .filter_map(|found| found.patch.as_deref())
                    .collect();
                wrong.push(format!(
                    "{}: {}: {} by {by:?}",
                    source.name,
                    case.name,
                    verdict.action()
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn people_find_a_patch_and_take_it() {
    let ids = |words: &[&str]| -> Vec<String> {
        let found = json(&[&["patch", "search", "--json"], words].concat());
        let found = found.as_array().unwrap();
        found
            .iter()
            .map(|each| each["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(ids(&["log4shell"]), ["CVE-2021-44228"]);
    assert_eq!(ids(&["cve-2023-22527"]), ["CVE-2023-22527"]);
    assert!(ids(&["Atlassian", "CONFLUENCE"]).contains(&"CVE-2023-22527".to_owned()));
    assert!(ids(&["jndi"]).contains(&"CVE-2021-44228".to_owned()));
    assert!(ids(&["CWE-89"]).len() >= 3);
    let table = text(&stopgap(&["patch", "search", "react2shell"]).stdout);
    assert!(
        table.starts_with("CVE-2025-55182  critical  React"),
        "{table}"
    );
    let none = stopgap(&["patch", "search", "no such product"]);
    assert_eq!(none.status.code(), Some(1));

    let shown = stopgap(&["patch", "show", "CVE-2023-22527"]);
    let file = std::fs::read(folder().join("2023/CVE-2023-22527.yaml")).unwrap();
    assert_eq!(text(&shown.stdout), text(&file));
    let unknown = stopgap(&["patch", "show", "CVE-1999-0001"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(text(&unknown.stderr).contains("stopgap patch search"));
}

#[test]
fn another_catalogue_can_be_used() {
    let other = tempfile::tempdir().unwrap();
    let path = other.path().to_str().unwrap();
    let empty = stopgap(&["patch", "search", "a", "--catalogue", path]);
    assert_eq!(empty.status.code(), Some(2));
    let own = std::fs::read_to_string(folder().join("2021/CVE-2021-44228.yaml"))
        .unwrap()
        .replace("CVE-2021-44228", "OURS-1");
    std::fs::write(other.path().join("ours.yaml"), own).unwrap();
    let shown = stopgap(&["patch", "show", "ours-1", "--catalogue", path]);
    assert!(text(&shown.stdout).contains("id: OURS-1"));
}

#[test]
fn coverage_tells_of_every_entry_whether_it_is_covered_or_why_not() {
    let feed = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/kev.json");
    let told = json(&["catalogue", "coverage", "--json", "--kev", feed]);
    let lines = told["vulnerabilities"].as_array().unwrap();
    let lines: Vec<[&str; 3]> = lines
        .iter()
        .map(|line| ["cve", "state", "class"].map(|field| line[field].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        lines,
        [
            ["CVE-2021-44228", "covered", ""],
            ["CVE-2099-0001", "coverable", "web-application"],
            ["CVE-2099-0002", "not-coverable", "local"],
            ["CVE-2099-0003", "not-coverable", "browser"],
            ["CVE-2099-0004", "not-coverable", "protocol"],
            ["CVE-2099-0005", "unknown", ""],
        ]
    );
    assert_eq!(told["vulnerabilities"][0]["patch"], "CVE-2021-44228");
    assert_eq!(
        [
            &told["covered"],
            &told["coverable"],
            &told["not_coverable"],
            &told["unknown"]
        ],
        [1, 1, 3, 1]
    );
    let page = text(&stopgap(&["catalogue", "coverage", "--kev", feed]).stdout);
    assert!(page.ends_with(
        "6 entries: 1 covered, 1 exploited over HTTP without a patch, 3 not to be stopped in HTTP, 1 not known\n"
    ), "{page}");
}

#[test]
fn a_file_that_is_no_feed_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kev.json");
    std::fs::write(&path, "{\n  \"vulnerabilities\": [{}]\n}").unwrap();
    let refused = stopgap(&["catalogue", "coverage", "--kev", path.to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(2));
    let said = text(&refused.stderr);
    assert!(
        said.contains("kev.json:2:") && said.contains("cveID"),
        "{said}"
    );
}

#[test]
fn the_page_of_the_catalogue_is_current() {
    let page = page();
    let path = root().join("docs/catalogue.md");
    if std::env::var_os("STOPGAP_WRITE_DOCS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page,
        "docs/catalogue.md is not current; run STOPGAP_WRITE_DOCS=1 cargo test -p stopgap --test catalogue"
    );
}

const HEAD: &str = "\
# The catalogue

Generated from `catalogue/` and the classes of vulnerabilities by
`STOPGAP_WRITE_DOCS=1 cargo test -p stopgap --test catalogue`; do not edit.

Patches for vulnerabilities that are known to be exploited over HTTP. They are part of the
program:

```console
$ stopgap patch search confluence               # by CVE, product, vendor, weakness or detector
$ stopgap patch show CVE-2023-22527 > my.yaml   # take one; then name your owner, day and application in it
$ stopgap patch prove my.yaml
$ stopgap catalogue coverage --kev known_exploited_vulnerabilities.json
```

A patch buys the time until the real fix is in. Each says what it does not cover; where an
application answers below another path than usual, change its scope. None was made for one
scanner or exploit: the rules name the endpoint, the place and what an attack there is like.
The cases are requests of our own; they were tried against the rules, not against each product.

";

const CLASSES: &str = "
## What can be covered

`stopgap catalogue coverage` sorts the entries of CISA's catalogue of known exploited
vulnerabilities by what they say of vendor, product, weakness and effect. What fits no class
is told as not known.

| Class | Over HTTP | Because |
|---|---|---|
";

fn page() -> String {
    let sources = documents();
    let mut page = HEAD.to_owned();
    writeln!(page, "{} patches, the newest first:\n", sources.len()).unwrap();
    page.push_str("| Patch | Stops | Severity | Fixed in | Weakness |\n|---|---|---|---|---|\n");
    let mut rows: Vec<&Source> = sources.iter().collect();
    let number = |source: &Source| -> Vec<u64> {
        let parts = source.document.id.split('-');
        parts.filter_map(|part| part.parse().ok()).collect()
    };
    rows.sort_by_key(|source| std::cmp::Reverse(number(source)));
    for source in rows {
        let document = &source.document;
        let about = &document.vulnerability;
        let id = document.id.as_str();
        let severity = serde_json::to_value(document.severity).unwrap();
        writeln!(
            page,
            "| [{id}](../catalogue/{}/{id}.yaml) | {} | {} | {} | {} |",
            &id[4..8],
            document.title.replace('|', "\\|"),
            severity.as_str().unwrap(),
            about.fixed_in.as_deref().unwrap_or("see the advisory"),
            about.cwe.join(", "),
        )
        .unwrap();
    }
    page.push_str(CLASSES);
    let classes: toml::Table =
        toml::from_str(include_str!("../src/catalogue/classes.toml")).unwrap();
    let mut names = BTreeSet::new();
    for class in classes["class"].as_array().unwrap() {
        let (name, reason) = (
            class["name"].as_str().unwrap(),
            class["reason"].as_str().unwrap(),
        );
        assert!(names.insert(name), "two classes are called {name}");
        let http = match class["http"].as_bool().unwrap() {
            true => "yes",
            false => "no",
        };
        writeln!(page, "| {name} | {http} | {reason} |").unwrap();
    }
    page
}
