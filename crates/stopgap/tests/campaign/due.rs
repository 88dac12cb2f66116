//! When vendor patches are due, and which of them come with a campaign.

use serde_json::Value;

use crate::{Organisation, data};

#[test]
fn the_policy_explains_each_patch() {
    let here = Organisation::new();
    let file = data("december.yaml").display().to_string();
    let told = here.well(&["policy", "explain", &file, "openssl-3.0.15"]);
    assert_eq!(
        told.trim(),
        "openssl-3.0.15 is due 2026-02-01 because it was released 2026-01-02 and the policy gives 30 days"
    );
    let told = here.well(&["policy", "explain", &file, "young-1"]);
    assert!(
        told.starts_with("young-1 is due 2099-01-31 because it was released 2099-01-01")
            && told.contains("; not in this campaign: it is too young on "),
        "{told}"
    );
    let told = here.well(&["policy", "explain", &file, "--json"]);
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["due"][0]["left_out"], Value::Null);
    let why = told["due"][1]["left_out"].as_str().unwrap();
    assert!(why.starts_with("it is too young on "), "{why}");
    // What a campaign that is kept was planned with.
    here.well(&["campaign", "plan", &file, "--why", "w"]);
    let young = here.well(&["campaign", "due", "1", "young-1"]);
    assert!(
        young.starts_with("young-1 is due 2099-01-31") && young.contains("it is too young on "),
        "{young}"
    );
    let kept = here.well(&["campaign", "due", "1", "--json"]);
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept, told);
    let (code, none) = here.run(&["campaign", "due", "1", "ghost"]);
    assert_eq!(code, Some(2));
    assert!(none.contains("without a vendor patch ghost"), "{none}");
    for form in [
        &["ghost"][..],
        &["ghost", "--json"],
        &["openssl-3.0.15", "ghost"],
    ] {
        let (code, none) = here.run(&[&["policy", "explain", &file][..], form].concat());
        assert_eq!(code, Some(2), "{none}");
        assert!(none.contains("has no vendor patch ghost"), "{none}");
        assert!(!none.contains("is due"), "{none}");
    }
}

#[test]
fn that_nothing_can_be_planned_is_told_beside_what_is_due() {
    let here = Organisation::new();
    let text = std::fs::read_to_string(data("december.yaml")).unwrap();
    let file = here.folder.path().join("odd.yaml");
    let odd = text.replacen("  app:\n    services", "  ghost:\n    services", 1);
    std::fs::write(&file, odd).unwrap();
    let file = file.display().to_string();
    let why = "there is no asset ghost in the ledger";
    let (code, told) = here.run(&["policy", "explain", &file]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("openssl-3.0.15 is due 2026-02-01"), "{told}");
    assert!(told.contains(why), "{told}");
    let (code, told) = here.run(&["policy", "explain", &file, "--json"]);
    assert_eq!(code, Some(1), "{told}");
    let told: Value = serde_json::from_str(&told).unwrap();
    assert_eq!(told["due"][0]["patch"], "openssl-3.0.15");
    let unplanned = told["unplanned"].as_str().unwrap();
    assert!(unplanned.contains(why), "{unplanned}");
}
