//! Errors and trees say where a thing stands, also within quotes and over line ends.

use seclang::{DirectiveKind, Limits};

#[test]
fn targets_and_actions_know_their_places() {
    let text =
        "SecRule ARGS|\\\n!ARGS:a \"@rx x\" \\\n    \"id:1,\\\n    msg:'a, \\\"b\\\"',deny\"\n";
    let parsed = seclang::parse("a.conf", text, &Limits::default()).unwrap();
    let DirectiveKind::Rule(rule) = &parsed.directives[0].kind else {
        panic!("no rule");
    };
    let place = |span| {
        let at = parsed.sources.locate(span);
        (at.line, at.column, parsed.sources.text(span).to_owned())
    };
    let targets: Vec<_> = rule
        .targets
        .iter()
        .map(|target| place(target.span))
        .collect();
    assert_eq!(
        targets,
        [(1, 9, "ARGS".to_owned()), (2, 1, "!ARGS:a".to_owned())]
    );
    let actions: Vec<_> = rule
        .actions
        .iter()
        .map(|action| place(action.span))
        .collect();
    assert_eq!(
        actions,
        [
            (3, 6, "id:1".to_owned()),
            (4, 5, "msg:'a, \\\"b\\\"'".to_owned()),
            (4, 20, "deny".to_owned())
        ]
    );
}

#[test]
fn an_error_names_the_token_at_fault() {
    for (text, expected) in [
        (
            "SecRule ARGS|| \"@rx a\" \"id:1\"",
            "a.conf:1:14: a target's name is expected",
        ),
        (
            "SecRule ARGS \"@rx a\" \"id:1,,deny\"",
            "a.conf:1:28: an action's name is expected",
        ),
        (
            "SecAction \"id:1,\\\n  msg:'a\"",
            "a.conf:2:3: the quote before `a` is not closed",
        ),
        ("SecAction \"id:1", "a.conf:1:11: this quote is not closed"),
        (
            "SecDataset words `\na `\nSecAction",
            "a.conf:1:18: this quote is not closed, at ```",
        ),
        (
            "\n SecRule ARGS",
            "a.conf:2:2: SecRule takes 2 or 3 arguments, not 1",
        ),
    ] {
        let error = seclang::parse("a.conf", text, &Limits::default()).unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[test]
fn a_list_between_backticks_is_taken_as_it_stands() {
    for (text, list) in [
        ("SecDataset a `\n`", ""),
        ("SecDataset a `  \r\none\n`", "one"),
        (
            "SecDataset a `\n# \"1'\n\ttwo ` words\n \t` \nSecMarker b",
            "# \"1'\n\ttwo ` words",
        ),
        // Elsewhere a backtick is a sign as any other.
        ("SecDataset a `b`", "`b`"),
        ("SecDataset a \\\n`", "`"),
    ] {
        let parsed = seclang::parse("a.conf", text, &Limits::default()).unwrap();
        let DirectiveKind::Setting { arguments, .. } = &parsed.directives[0].kind else {
            panic!("no setting: {text:?}");
        };
        let read: Vec<_> = arguments.iter().map(|read| read.value.as_str()).collect();
        assert_eq!(read, ["a", list], "{text:?}");
        let printed = seclang::print(&parsed.directives);
        let again = seclang::parse("a.conf", &printed, &Limits::default()).unwrap();
        assert_eq!(seclang::print(&again.directives), printed, "{text:?}");
    }
}
