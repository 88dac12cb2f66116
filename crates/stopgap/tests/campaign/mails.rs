//! The texts of mails are people's to edit.

use crate::{Organisation, data};

/// The campaign of December with templates.
fn described(here: &Organisation, templates: &str) -> String {
    let text = std::fs::read_to_string(data("december.yaml")).unwrap();
    let file = here.folder.path().join("own.yaml");
    std::fs::write(&file, format!("{text}templates:\n{templates}")).unwrap();
    file.display().to_string()
}

#[test]
fn mails_say_what_the_description_says() {
    let here = Organisation::new();
    let own = "  all_clear: { subject: 'Done: {services}', text: 'Thank you, {contact}.' }\n";
    let file = described(&here, own);
    here.well(&["campaign", "plan", &file, "--why", "w"]);
    let told = here.well(&["campaign", "notices", "1"]);
    assert!(
        told.contains("\nSubject: Done: no service that people use\n"),
        "{told}"
    );
    assert!(
        told.contains("\nThank you, the service desk, 555-0100.\n"),
        "{told}"
    );
    // What was not written is as shipped.
    assert!(told.contains("\nSubject: Updates from "), "{told}");
}

#[test]
fn a_text_that_cannot_be_filled_in_is_refused_with_its_file_and_line() {
    let here = Organisation::new();
    let text = std::fs::read_to_string(data("december.yaml")).unwrap();
    let first = text.lines().count() + 2;
    for (templates, line, why) in [
        (
            "  ask: { subject: 'Until {deadline}', text: '{plan}' }\n  announce:\n    subject: Updates\n    text: |\n      Hello,\n      until {deadline}\n",
            first + 5,
            "template announce asks for {deadline}, it can tell ",
        ),
        (
            "  report: { subject: \"two\\nlines\", text: '' }\n",
            first,
            "the subject of template report must be one line",
        ),
        (
            "  # ask: {nope}\n  announce: { subject: 'ask: {ring}', text: 'task: {{nope}' }\n  ask:\n    subject: 'task: {service}'\n    # {nope}\n    text: >\n      text: {plan}\n\n      {nope}\n",
            first + 8,
            "template ask asks for {nope}, it can tell ",
        ),
        (
            "  ask:\n    subject: a\n    text: \"a\\\n      \\x7bnope}\"\n  announce: { subject: '', text: '{nope}' }\n",
            first + 2,
            "template ask asks for {nope}, it can tell ",
        ),
    ] {
        let file = described(&here, templates);
        for command in [
            &["campaign", "plan", &file, "--why", "w"][..],
            &["policy", "explain", &file],
        ] {
            let (code, told) = here.run(command);
            assert_eq!(code, Some(2), "{told}");
            assert!(told.contains(&format!("{file}:{line}: {why}")), "{told}");
        }
    }
}
