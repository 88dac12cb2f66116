//! What the README and `docs/` tell people to type is what the program takes.

use clap::{Command, CommandFactory, Parser};

use super::Arguments;

/// Every page with commands, by its name.
fn pages() -> Vec<(String, String)> {
    let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let pages = docs.map(|entry| entry.unwrap().path());
    let markdown = pages.filter(|path| path.extension().is_some_and(|it| it == "md"));
    let all = markdown.chain([root.join("README.md")]);
    all.map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    })
    .collect()
}

/// The commands of a page that are shown with a prompt, each with its further lines.
fn prompted(page: &str) -> Vec<Vec<String>> {
    let joined = page.replace("\\\n", " ");
    let lines = joined.lines().filter_map(|line| {
        let typed = line.trim_start().strip_prefix("$ ")?;
        typed.split(" | ").find(|it| it.starts_with("stopgap "))
    });
    lines
        .map(|typed| {
            let words = shlex::split(typed).unwrap();
            // What the shell does with the output is none of its arguments.
            words.into_iter().take_while(|word| word != ">").collect()
        })
        .collect()
}

/// The commands that are named between the blocks of a page.
fn named(page: &str) -> Vec<&str> {
    let texts = page.split("```").step_by(2);
    let quoted = texts.flat_map(|text| text.split('`').skip(1).step_by(2));
    quoted
        .filter_map(|it| it.strip_prefix("stopgap "))
        .collect()
}

/// The first word of a command in a text that the program does not know: a subcommand or an option.
fn unknown(text: &str) -> Option<&str> {
    let mut command: Command = Arguments::command();
    command.build();
    let mut command = &command;
    let mut may_lead_on = true;
    for word in text.split_whitespace() {
        if let Some(option) = word.strip_prefix("--") {
            let known = command
                .get_arguments()
                .any(|it| it.get_long() == Some(option));
            if !known {
                return Some(word);
            }
            may_lead_on = false;
        } else if let Some(next) = command.find_subcommand(word)
            && may_lead_on
        {
            command = next;
        } else if may_lead_on && command.has_subcommands() {
            return Some(word);
        } else {
            may_lead_on = false;
        }
    }
    None
}

#[test]
fn commands_with_a_prompt_are_understood_as_they_stand() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (page, text) in pages() {
        for mut words in prompted(&text) {
            count += 1;
            let typed = words.join(" ");
            // Of whoever has no $USER.
            if Arguments::try_parse_from(&words).is_ok() {
                continue;
            }
            words.extend(["--who".to_owned(), "ann".to_owned()]);
            if let Err(why) = Arguments::try_parse_from(&words) {
                wrong.push(format!("{page}: {typed}\n{why}"));
            }
        }
    }
    assert!(count > 60, "the pages show {count} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_not_there_is_found() {
    for (text, word) in [
        ("findings list", Some("list")),
        ("rollout start 1 --now", Some("--now")),
        ("patches", Some("patches")),
        ("findings verify 17 --probe URL", None),
    ] {
        assert_eq!(unknown(text), word, "{text}");
    }
}

#[test]
fn commands_within_a_text_are_there() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (page, text) in pages() {
        for it in named(&text) {
            count += 1;
            if let Some(word) = unknown(it) {
                wrong.push(format!("{page}: `{word}` of `stopgap {it}`"));
            }
        }
    }
    assert!(count > 60, "the pages name {count} commands");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
