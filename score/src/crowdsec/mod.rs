//! CrowdSec's own tests of its rules: requests, and whether each is to be stopped.

mod template;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use engine::Plan;
use patch::{Request, Source};
use regex::Regex;

use crate::corpora::{self, Text};

/// One test: a folder.
pub(crate) struct Test {
    pub(crate) name: String,
    /// In the rules that it names, its own name and its template.
    pub(crate) cves: BTreeSet<String>,
    pub(crate) blocks: Vec<Block>,
}

/// Requests that are sent one after the other.
pub(crate) struct Block {
    pub(crate) requests: Vec<Request>,
    pub(crate) expected: Expected,
}

/// What the answers must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expected {
    /// One answer at least is a block.
    Some,
    /// Of these requests, counted from 0: `true` is a block.
    Each(Vec<(usize, bool)>),
}

/// Every test of the folder; of those that cannot be read, why.
pub(crate) fn tests(folder: &Path) -> anyhow::Result<(Vec<Test>, Vec<String>)> {
    let cve = Regex::new(r"(?i)CVE-\d{4}-\d{4,}")?;
    let texts = corpora::texts(folder)?;
    let (mut tests, mut unread) = (Vec::new(), Vec::new());
    for config in texts
        .iter()
        .filter(|text| text.name.ends_with("/config.yaml"))
    {
        let place = config.name.trim_end_matches("config.yaml");
        let name = place
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(place);
        match test(name, place, config, &texts, &cve) {
            Ok(test) => tests.push(test),
            Err(error) => unread.push(format!("{name}: {error:#}")),
        }
    }
    Ok((tests, unread))
}

fn test(
    name: &str,
    place: &str,
    config: &Text,
    texts: &[Text],
    cve: &Regex,
) -> anyhow::Result<Test> {
    let told = config
        .text
        .lines()
        .find_map(|line| line.trim().strip_prefix("nuclei_template:"))
        .context("config.yaml names no `nuclei_template`")?;
    let file = format!("{place}{}", told.trim());
    let template = texts
        .iter()
        .find(|text| text.name == file)
        .with_context(|| format!("there is no {file}"))?;
    let all = [name, config.text.as_str(), template.text.as_str()];
    let cves = all
        .iter()
        .flat_map(|text| cve.find_iter(text))
        .map(|found| found.as_str().to_ascii_uppercase())
        .collect();
    Ok(Test {
        name: name.to_owned(),
        cves,
        blocks: template::blocks(&template.text)?,
    })
}

impl Test {
    /// What is not as expected; nothing if all is.
    pub(crate) fn wrong(&self, plan: &Arc<Plan>) -> Vec<String> {
        let mut wrong = Vec::new();
        for block in &self.blocks {
            let stopped: Vec<bool> = block
                .requests
                .iter()
                .map(|request| is_stopped(request, plan))
                .collect();
            match &block.expected {
                Expected::Some if !stopped.contains(&true) => {
                    wrong.push(format!("none is stopped of: {}", lines(&block.requests)));
                }
                Expected::Some => {}
                Expected::Each(each) => wrong.extend(each.iter().filter_map(|(at, block_it)| {
                    let request = block.requests.get(*at)?;
                    let line = lines(std::slice::from_ref(request));
                    match (stopped.get(*at)?, block_it) {
                        (false, true) => Some(format!("passes: {line}")),
                        (true, false) => Some(format!("is stopped: {line}")),
                        _ => None,
                    }
                })),
            }
        }
        wrong
    }

    /// Whether all its exploits are stopped.
    pub(crate) fn is_stopped(&self, plan: &Arc<Plan>) -> bool {
        self.blocks.iter().all(|block| block.is_stopped(plan))
    }
}

impl Block {
    /// Whether what should be stopped is: some request, or each that is named.
    fn is_stopped(&self, plan: &Arc<Plan>) -> bool {
        match &self.expected {
            Expected::Some => self
                .requests
                .iter()
                .any(|request| is_stopped(request, plan)),
            Expected::Each(each) => each
                .iter()
                .filter(|(_, block_it)| *block_it)
                .filter_map(|(at, _)| self.requests.get(*at))
                .all(|request| is_stopped(request, plan)),
        }
    }
}

pub(crate) fn is_stopped(request: &Request, plan: &Arc<Plan>) -> bool {
    request.exchange("").inspect(plan).decision.is_some()
}

/// Method and target of each.
pub(crate) fn lines(requests: &[Request]) -> String {
    let lines: Vec<String> = requests
        .iter()
        .map(|request| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let body: String = text(&request.body).chars().take(200).collect();
            format!(
                "{} {} {body:?}",
                text(&request.method),
                text(&request.target)
            )
        })
        .collect();
    lines.join("; ")
}

/// Whether a patch is about one of these vulnerabilities.
pub(crate) fn is_about(source: &Source, cves: &BTreeSet<String>) -> bool {
    let document = &source.document;
    let names = document
        .vulnerability
        .aliases
        .iter()
        .chain([&document.id.value]);
    names.into_iter().any(|name| {
        let name = name.to_ascii_uppercase();
        cves.contains(&name)
    })
}
