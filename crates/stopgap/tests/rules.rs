//! The contract of `stopgap rules`, on the real binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::process::Command;

use serde_json::{Value, json};

const RULES: &str = r#"
SecRequestBodyAccess On
SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=1"
SecRule TX:LEVEL "@lt 2" "id:2,phase:1,pass,nolog,skipAfter:END"
SecRule ARGS "@rx never" "id:3,phase:1,deny"
SecMarker END
SecRule ARGS|!ARGS:note "@rx (?i)<script" "id:4,phase:2,deny,status:403,t:none,t:urlDecodeUni"
SecRule &ARGS "@lt 5" "id:5,phase:2,deny,t:none"
"#;

/// The exit status, and what was written to both outputs.
fn rules(words: &[&str], text: &str) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rules.conf");
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_stopgap"))
        .arg("rules")
        .args(words)
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), said, complained)
}

#[test]
fn check_names_the_place_of_what_is_doubtful() {
    let (status, said, _) = rules(&["check"], RULES);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(said, "0 doubtful\n");
    let skips = r#"
        SecAction "id:1,phase:1,pass,nolog,skipAfter:END"
        SecRule ARGS "@rx never" "id:2,phase:1,deny"
        SecMarker END
    "#;
    let (status, said, _) = rules(&["check"], skips);
    assert_eq!(status, Some(1));
    assert!(
        said.contains("rules.conf:3:") && said.contains("never runs"),
        "{said}"
    );
    let (status, said, _) = rules(&["check", "--json"], skips);
    assert_eq!(status, Some(1));
    let said: Value = serde_json::from_str(said.trim()).unwrap();
    assert_eq!(said["line"], 3);
    let (status, _, complained) = rules(&["check"], "SecRule ARGS \"@rx (\" \"id:1,deny\"");
    assert_eq!(status, Some(2));
    assert!(complained.contains("rules.conf:1:"), "{complained}");
}

#[test]
fn explain_says_what_a_rule_looks_at_asks_and_does() {
    let (status, said, _) = rules(&["explain", "4"], RULES);
    assert_eq!(status, Some(0));
    for part in [
        "rule 4",
        "phase 2",
        "!ARGS:note: not ",
        "t:urlDecodeUni: ",
        "@rx (?i)<script: ",
        "status:403: ",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let (status, said, _) = rules(&["explain", "9"], RULES);
    assert_eq!((status, &*said), (Some(1), "no rule has the id 9\n"));
}

#[test]
fn explain_says_what_a_rule_costs_and_why() {
    let rules_of_costs = r#"
        SecRule ARGS "@rx (?i)<script" "id:1,phase:2,deny"
        SecRule ARGS "@rx ^$" "id:2,phase:2,deny"
        SecRule &ARGS "@lt 5" "id:3,phase:2,deny"
        SecRule TX:never "@eq 1" "id:4,phase:2,deny"
        SecRule ARGS "@rx a(?!b)c" "id:5,phase:2,deny"
    "#;
    for (id, class, why, linear) in [
        ("1", "prefiltered", "[<]", true),
        ("2", "each_value", "nothing is known", true),
        ("3", "each_request", "&ARGS is not known", true),
        ("4", "nothing", "never match", true),
        ("5", "each_value", "nothing is known", false),
    ] {
        let (status, said, _) = rules(&["explain", id, "--json"], rules_of_costs);
        assert_eq!(status, Some(0));
        let said: Value = serde_json::from_str(&said).unwrap();
        let cost = &said["cost"];
        assert_eq!(cost["class"], class, "{said}");
        assert_eq!(cost["linear"], linear, "{said}");
        let told = cost["why"].as_str().unwrap();
        assert!(told.contains(why), "{said}");
        let (_, said, _) = rules(&["explain", id], rules_of_costs);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn plan_says_which_rules_are_left_and_what_lets_them_run() {
    let (status, said, _) = rules(&["plan"], RULES);
    assert_eq!(status, Some(0));
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines[0], "phase 2: ARGS|!ARGS:note t:urlDecodeUni");
    assert!(lines[1].starts_with("    4: [<]"), "{said}");
    assert_eq!(lines[2], "phase 2: runs in every request");
    assert_eq!(lines[3], "    5: &ARGS is not known before rules run");
    assert_eq!(
        lines[4],
        "2 rules are left; 3 can never match or are done at load: 1 2 3"
    );
    let (_, said, _) = rules(&["plan", "--json"], RULES);
    let first: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(first["rule"], 4);
    assert_eq!(first["looks_at"], json!(["ARGS", "!ARGS:note"]));
    assert_eq!(first["when"]["bytes"][0], "<");
    assert_eq!(said.lines().count(), 2);
}
