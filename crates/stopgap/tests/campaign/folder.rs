//! Where campaigns keep what was done.

use crate::{Organisation, data};

#[test]
fn campaigns_that_share_a_folder_do_not_take_what_another_did_for_theirs() {
    let here = Organisation::new();
    let path = |name: &str| here.folder.path().join(name).display().to_string();
    let of_trial =
        "assets:\n  trial:\n    backup: { provider: overlay, keep_days: 0, restore: true }\n";
    let month = std::fs::read_to_string(data("december.yaml")).unwrap();
    let month = month.replace("assets:\n", of_trial);
    std::fs::write(path("month.yaml"), month).unwrap();
    // What comes of it is no backup, so that the patch is still due in the next campaign.
    let taken = path("taken");
    let executor = format!(
        "[backups.overlay]\ntake = [\"sh\", \"-c\", \"echo {{asset}} >>{taken}\"]\n\
         verify = [\"false\"]\nrestore = [\"false\"]\ndiscard = [\"true\"]\n"
    );
    std::fs::write(path("executor.toml"), executor).unwrap();
    for number in ["1", "2"] {
        let why = ["--why", "a test"];
        here.well(&[&["campaign", "plan", &path("month.yaml")], &why[..]].concat());
        here.well(&[&["campaign", "start", number], &why[..]].concat());
        let review = ["campaign", "review", number, "--patch", "openssl-3.0.15"];
        let read = ["--ring", "test", "--release-notes", "read"];
        let known = ["--known-issues", "none"];
        here.well(&[&review[..], &read, &known, &why].concat());
        let run = ["campaign", "run", number, "--no-wait", "--executor"];
        let by = [&*path("executor.toml"), "--folder", &*path("kept")];
        let (_, told) = here.run(&[&run[..], &by].concat());
        let taken = std::fs::read_to_string(&taken).unwrap_or_default();
        assert_eq!(taken.lines().count().to_string(), number, "{told}");
    }
}
