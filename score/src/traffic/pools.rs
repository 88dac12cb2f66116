//! What people and programs write into requests: the files of `score/data`.

use super::random::Random;

/// Each entry of a file: a line, or what stands between lines `%%`.
pub(crate) struct Pools {
    pub(crate) names: Vec<&'static str>,
    pub(crate) usernames: Vec<&'static str>,
    pub(crate) passwords: Vec<&'static str>,
    pub(crate) search: Vec<&'static str>,
    pub(crate) titles: Vec<&'static str>,
    pub(crate) words: Vec<&'static str>,
    pub(crate) files: Vec<&'static str>,
    pub(crate) folders: Vec<&'static str>,
    pub(crate) urls_same: Vec<&'static str>,
    pub(crate) urls_other: Vec<&'static str>,
    pub(crate) addresses: Vec<&'static str>,
    pub(crate) agents: Vec<&'static str>,
    pub(crate) prose: Vec<&'static str>,
    pub(crate) markdown: Vec<&'static str>,
    pub(crate) html: Vec<&'static str>,
    pub(crate) code: Vec<&'static str>,
    pub(crate) graphql: Vec<&'static str>,
}

impl Pools {
    pub(crate) fn new() -> Self {
        Self {
            names: lines(include_str!("../../data/names.txt")),
            usernames: lines(include_str!("../../data/usernames.txt")),
            passwords: lines(include_str!("../../data/passwords.txt")),
            search: lines(include_str!("../../data/search.txt")),
            titles: lines(include_str!("../../data/titles.txt")),
            words: lines(include_str!("../../data/words.txt")),
            files: lines(include_str!("../../data/files.txt")),
            folders: lines(include_str!("../../data/folders.txt")),
            urls_same: lines(include_str!("../../data/urls_same.txt")),
            urls_other: lines(include_str!("../../data/urls_other.txt")),
            addresses: lines(include_str!("../../data/addresses.txt")),
            agents: lines(include_str!("../../data/agents.txt")),
            prose: blocks(include_str!("../../data/prose.txt")),
            markdown: blocks(include_str!("../../data/markdown.txt")),
            html: blocks(include_str!("../../data/html.txt")),
            code: blocks(include_str!("../../data/code.txt")),
            graphql: blocks(include_str!("../../data/graphql.txt")),
        }
    }

    /// One entry, or two joined: readers of the pools cannot have seen every text.
    pub(crate) fn joined(of: &[&'static str], between: &str, random: &mut Random) -> String {
        let one = random.pick(of);
        match random.chance(1, 3) {
            true => format!("{one}{between}{}", random.pick(of)),
            false => one.to_owned(),
        }
    }
}

fn lines(text: &'static str) -> Vec<&'static str> {
    text.lines().filter(|line| !line.is_empty()).collect()
}

fn blocks(text: &'static str) -> Vec<&'static str> {
    text.split("\n%%\n")
        .map(|block| block.trim_end_matches('\n'))
        .collect()
}
