//! Random requests through the engine and through libmodsecurity: the same rules match, or the
//! difference is listed with its reason in `testdata/differences.toml`.
//!
//! `STOPGAP_SEED` and `STOPGAP_REQUESTS` choose other requests, and how many.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

#[path = "../support/corpora.rs"]
mod corpora;
#[path = "../support/files.rs"]
mod files;
mod peer;
mod requests;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use engine::{BodyNeed, Compiler, Flow, Limits, Match, Plan, RequestHead};
use files::Folder;
use peer::Peer;
use requests::{Request, Seed};
use serde::Deserialize;

const SETTINGS: &str = include_str!("../../testdata/crs/settings.conf");
const BODIES: &str = r#"SecRuleEngine DetectionOnly
SecRequestBodyAccess On
SecRule REQUEST_HEADERS:Content-Type "@rx ^text/xml" "id:1001,phase:1,t:none,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "@rx ^application/json" "id:1002,phase:1,t:none,pass,nolog,ctl:requestBodyProcessor=JSON"
"#;
/// Rules that only tell what others have summed up.
const SUMS: &[std::ops::Range<u64>] = &[949_000..950_000, 959_000..960_000, 980_000..981_000];

#[derive(Deserialize)]
struct List {
    difference: Vec<Known>,
}

/// A difference that has its reason: all of its names are among those of the rule and of the
/// request ([`Request::names`]).
#[derive(Deserialize)]
struct Known {
    names: Vec<String>,
    why: String,
}

/// Which names tell known differences; each has a reason.
fn known() -> Vec<Vec<String>> {
    let list: List = toml::from_str(include_str!("../../testdata/differences.toml")).unwrap();
    assert!(list.difference.iter().all(|known| !known.why.is_empty()));
    list.difference
        .into_iter()
        .map(|known| known.names)
        .collect()
}

#[test]
fn the_core_rule_set_matches_as_in_libmodsecurity() {
    let (Some(corpora), Some(mut peer)) = (corpora::corpora("crs/rules"), Peer::start()) else {
        return;
    };
    let folder = corpora.join("crs");
    let include = format!("\nInclude {}/", folder.display());
    peer.rules(&SETTINGS.replace("\nInclude ", &include))
        .unwrap();
    let plan = plan(&folder, SETTINGS);
    let known = known();
    let mut seed = Seed(number("STOPGAP_SEED", 1));
    let mut wrong = Differences::default();
    for _ in 0..number("STOPGAP_REQUESTS", 2_000) {
        let request = Request::new(&mut seed);
        let ids = unequal(&plan, &mut peer, &request);
        for id in ids {
            let mut names = vec![id.to_string()];
            names.extend(request.names());
            if !is_known(&known, &names) {
                wrong.add(&names[0], &plan, &mut peer, id, &request, "");
            }
        }
    }
    wrong.end();
}

#[test]
fn random_rules_match_as_in_libmodsecurity() {
    let Some(mut peer) = Peer::start() else {
        return;
    };
    let known = known();
    let mut seed = Seed(number("STOPGAP_SEED", 1));
    let mut wrong = Differences::default();
    for _ in 0..number("STOPGAP_REQUESTS", 2_000) / 10 {
        let rules: Vec<rules::Rule> = (1..=20).map(|id| rules::Rule::new(&mut seed, id)).collect();
        let texts = rules.iter().map(|rule| &*rule.text);
        let text: String = std::iter::once(BODIES).chain(texts).collect();
        peer.rules(&text).unwrap();
        let plan = plan(Path::new(""), &text);
        for _ in 0..10 {
            let request = Request::new(&mut seed);
            for id in unequal(&plan, &mut peer, &request) {
                let rule = &rules[id as usize - 1];
                let mut names = rule.names.clone();
                names.extend(request.names());
                if !is_known(&known, &names) {
                    wrong.add(
                        &rule.names.join(" "),
                        &plan,
                        &mut peer,
                        id,
                        &request,
                        &rule.text,
                    );
                }
            }
        }
    }
    wrong.end();
}

#[test]
fn rules_that_depend_on_each_other_match_as_one_by_one() {
    let mut seed = Seed(number("STOPGAP_SEED", 1));
    for _ in 0..number("STOPGAP_REQUESTS", 2_000) / 5 {
        let text = format!("{BODIES}{}", rules::program(&mut seed));
        let (plan, plainly) = (
            compiled(Path::new(""), &text, false),
            compiled(Path::new(""), &text, true),
        );
        for _ in 0..5 {
            let request = Request::new(&mut seed);
            let (got, expected) = (found(&plan, &request), found(&plainly, &request));
            assert_eq!(got, expected, "{text}\n{request:?}");
        }
    }
}

fn is_known(known: &[Vec<String>], names: &[String]) -> bool {
    let told = |known: &Vec<String>| known.iter().all(|name| names.contains(name));
    known.iter().any(told)
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Differences by kind, one request of each.
#[derive(Default)]
struct Differences(BTreeMap<String, (usize, String)>);

impl Differences {
    fn add(
        &mut self,
        kind: &str,
        plan: &Arc<Plan>,
        peer: &mut Peer,
        id: u64,
        request: &Request,
        rule: &str,
    ) {
        if let Some((count, _)) = self.0.get_mut(kind) {
            *count += 1;
            return;
        }
        let mut least = request.clone();
        while let Some(smaller) = least
            .smaller()
            .into_iter()
            .find(|smaller| unequal(plan, peer, smaller).contains(&id))
        {
            least = smaller;
        }
        let side = match peer.matches(&least).contains(&id) {
            true => "libmodsecurity",
            false => "stopgap",
        };
        let shown = format!("only in {side}: {rule}{least:?}");
        self.0.insert(kind.to_owned(), (1, shown));
    }

    fn end(self) {
        let lines: Vec<String> = self
            .0
            .into_iter()
            .map(|(kind, (count, shown))| format!("{kind}: {count} ×, {shown}"))
            .collect();
        assert!(
            lines.is_empty(),
            "{} kinds of difference:\n{}",
            lines.len(),
            lines.join("\n")
        );
    }
}

/// The rules that match in one engine only.
fn unequal(plan: &Arc<Plan>, peer: &mut Peer, request: &Request) -> BTreeSet<u64> {
    let (ours, theirs) = (matches(plan, request), peer.matches(request));
    let mut ids: BTreeSet<u64> = &ours ^ &theirs;
    ids.retain(|id| !SUMS.iter().any(|sums| sums.contains(id)));
    ids
}

fn matches(plan: &Arc<Plan>, request: &Request) -> BTreeSet<u64> {
    found(plan, request)
        .iter()
        .map(|found| found.rule)
        .collect()
}

fn found(plan: &Arc<Plan>, request: &Request) -> Vec<Match> {
    let mut tx = plan.begin();
    let mut head = RequestHead::new(
        request.method.as_bytes(),
        request.target.as_bytes(),
        &request.headers,
    );
    head.version = b"HTTP/1.1";
    head.host = b"shop.example.org";
    head.client = "127.0.0.1:40000".parse().unwrap();
    head.server = "127.0.0.1:80".parse().unwrap();
    let mut flow = tx.request_head(&head);
    if flow == Flow::Continue && tx.request_body_need() != BodyNeed::None {
        flow = tx.request_body(request.body.as_bytes());
    }
    if flow == Flow::Continue {
        let _: Flow = tx.request_body_end();
    }
    tx.finish()
}

fn plan(folder: &Path, text: &str) -> Arc<Plan> {
    compiled(folder, text, false)
}

fn compiled(folder: &Path, text: &str, plainly: bool) -> Arc<Plan> {
    let files = Folder(folder.to_owned());
    let source = files.with("settings.conf", text);
    let rules = seclang::load("settings.conf", &source, &seclang::Limits::default());
    let rules = rules.unwrap_or_else(|error| panic!("{error}"));
    let compiler = Compiler::new(&[rules], Limits::default(), &files);
    let plan = compiler.and_then(|compiler| match plainly {
        true => compiler.plainly().finish(),
        false => compiler.finish(),
    });
    plan.unwrap_or_else(|error| panic!("{error}"))
}
