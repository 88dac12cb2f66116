//! Data files are those of the rule that names them.

use engine::{Flow, Input, Limits, Plan, RequestHead, Resources};
use std::sync::Arc;

/// Every folder has a `words.data` with its own name in it.
struct Folders;

impl Resources for Folders {
    fn read(&self, name: &str, source: &str) -> Result<Vec<u8>, String> {
        assert_eq!(name, "words.data");
        Ok(source.trim_end_matches("/rules.conf").as_bytes().to_vec())
    }
}

fn passes(plan: &Arc<Plan>, target: &str) -> bool {
    let headers: Vec<(String, String)> = Vec::new();
    let head = RequestHead::new(b"GET", target.as_bytes(), &headers);
    plan.begin().request_head(&head) == Flow::Continue
}

#[test]
fn files_of_one_name_in_two_folders_are_two_files() {
    let rules = |folder: &str, id: u8| {
        let text =
            format!("SecRule QUERY_STRING \"@pmFromFile words.data\" \"id:{id},phase:1,deny\"");
        let path = format!("{folder}/rules.conf");
        seclang::parse(&path, &text, &seclang::Limits::default()).unwrap()
    };
    let input = Input {
        rules: vec![rules("first", 1), rules("second", 2)],
        patches: Vec::new(),
    };
    let plan = engine::compile(&input, Limits::default(), &Folders).unwrap();
    assert!(!passes(&plan, "/?q=first"));
    assert!(!passes(&plan, "/?q=second"));
    assert!(passes(&plan, "/?q=third"));
}
