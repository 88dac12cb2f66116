//! Rule files of other projects parse, where they are at hand.

use std::path::{Path, PathBuf};

/// `$STOPGAP_CORPORA`, or `shared/corpora` beside the checkout.
fn corpora() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let folder = std::env::var_os("STOPGAP_CORPORA").map_or_else(beside, PathBuf::from);
    folder.is_dir().then_some(folder)
}

#[test]
fn the_core_rule_set_parses_whole_and_prints_back() {
    let Some(corpora) = corpora() else {
        eprintln!("skipped: no corpora; set STOPGAP_CORPORA to a folder that holds crs/rules");
        return;
    };
    let mut rules = 0;
    for entry in std::fs::read_dir(corpora.join("crs/rules")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let parsed = seclang::parse(
            &path.display().to_string(),
            &text,
            &seclang::Limits::default(),
        )
        .unwrap_or_else(|error| panic!("{error}"));
        let printed = seclang::print(&parsed.directives);
        let again = seclang::parse("printed", &printed, &seclang::Limits::default())
            .unwrap_or_else(|error| panic!("{error}"));
        for (before, after) in parsed.directives.iter().zip(&again.directives) {
            assert_eq!(before, after, "{}", path.display());
        }
        assert_eq!(parsed.directives.len(), again.directives.len());
        let is_rule = |kind: &seclang::DirectiveKind| {
            matches!(
                kind,
                seclang::DirectiveKind::Rule(_) | seclang::DirectiveKind::Action(_)
            )
        };
        let found = parsed
            .directives
            .iter()
            .filter(|directive| is_rule(&directive.kind))
            .count();
        // A directive begins a line; comments do not.
        let written = text
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("SecRule ") || line.starts_with("SecAction"))
            .count();
        assert_eq!(found, written, "{}", path.display());
        rules += found;
    }
    assert!(rules > 500, "only {rules} rules were found");
}
