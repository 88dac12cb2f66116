//! The reference page of the rule language, made from the registries.

use std::fmt::Write;

use crate::language::{actions, directives, variables};
use crate::operators::{self, Build};
use crate::transformations;

/// `docs/seclang.md`.
pub fn reference() -> String {
    let mut page = String::from(
        "# SecLang as Stopgap understands it\n\n\
         Made from the registries in `crates/engine`; do not edit. What differs from\n\
         ModSecurity and Coraza, and why, stands in [compat.md](compat.md).\n\n\
         A name that is not listed here is an error when rules are loaded. *Refused*\n\
         names are known and are an error too, with the reason given; names that do\n\
         nothing here load with a warning.\n",
    );
    directives(&mut page);
    variables(&mut page);
    operators(&mut page);
    transformations(&mut page);
    actions(&mut page);
    page
}

/// Writing to a string does not fail.
macro_rules! line {
    ($page:expr, $($text:tt)*) => {
        let _ = writeln!($page, $($text)*);
    };
}

fn directives(page: &mut String) {
    line!(
        page,
        "\n## Directives\n\n| Directive | Takes | What it does | Example |\n|---|---|---|---|"
    );
    for spec in directives::ALL {
        if let Some(why) = spec.refused() {
            line!(page, "| `{}` | | Refused: {} | |", spec.name, cell(why));
            continue;
        }
        let does = match spec.ignored() {
            Some(why) => format!("Does nothing here: {why}"),
            None => spec.summary.to_owned(),
        };
        line!(
            page,
            "| `{}` | {} | {} | {} |",
            spec.name,
            cell(spec.argument),
            cell(&does),
            code(spec.example)
        );
    }
}

fn variables(page: &mut String) {
    line!(
        page,
        "\n## Variables\n\nThose marked `:` have named members: `ARGS:name`, `ARGS:/pattern/`, `&ARGS`, `!ARGS:name`.\n\n| Variable | From phase | What it holds |\n|---|---|---|"
    );
    for spec in variables::ALL {
        let members = match spec.shape {
            variables::Shape::Collection => ":",
            variables::Shape::Scalar => "",
        };
        line!(
            page,
            "| `{}{members}` | {} | {} |",
            spec.name,
            spec.phase,
            cell(spec.summary)
        );
    }
    for (name, why) in variables::REFUSED {
        line!(page, "| `{name}` | | Refused: {} |", cell(why));
    }
}

fn operators(page: &mut String) {
    line!(
        page,
        "\n## Operators\n\n| Operator | Takes | Says yes if | Example |\n|---|---|---|---|"
    );
    for spec in operators::ALL {
        if let Build::Refused(why) = spec.build {
            line!(page, "| `@{}` | | Refused: {} | |", spec.name, cell(why));
            continue;
        }
        line!(
            page,
            "| `@{}` | {} | {} | `{}` |",
            spec.name,
            cell(spec.argument),
            cell(spec.summary),
            cell(spec.example)
        );
    }
}

fn transformations(page: &mut String) {
    line!(
        page,
        "\n## Transformations\n\n| Transformation | Other names | What it gives | From | To |\n|---|---|---|---|---|"
    );
    for spec in transformations::ALL {
        let (from, to) = spec.example;
        line!(
            page,
            "| `t:{}` | {} | {} | `{}` | `{}` |",
            spec.name,
            spec.aliases.join(", "),
            cell(spec.summary),
            cell(&from.escape_debug().to_string()),
            cell(&to.escape_debug().to_string())
        );
    }
}

fn actions(page: &mut String) {
    line!(
        page,
        "\n## Actions\n\n| Action | Takes | What it does | Example |\n|---|---|---|---|"
    );
    for spec in actions::ALL {
        if let Some(why) = spec.refused() {
            line!(page, "| `{}` | | Refused: {} | |", spec.name, cell(why));
            continue;
        }
        let does = match spec.ignored() {
            None | Some("") => spec.summary.to_owned(),
            Some(why) => format!("Does nothing here: {why}"),
        };
        line!(
            page,
            "| `{}` | {} | {} | {} |",
            spec.name,
            cell(spec.argument),
            cell(&does),
            code(spec.example)
        );
    }
    line!(
        page,
        "\n### Options of `ctl`\n\n| Option | What it says |\n|---|---|"
    );
    for option in actions::CTL_OPTIONS {
        let says = match option.refused() {
            Some(why) => format!("Refused: {why}"),
            None => option.summary.to_owned(),
        };
        line!(page, "| `ctl:{}=` | {} |", option.name, cell(&says));
    }
}

/// An example in a table; `⏎` is where a line ends.
fn code(example: &str) -> String {
    let line = cell(&example.replace('\n', " ⏎ "));
    match line.contains('`') {
        true => format!("`` {line} ``"),
        false => format!("`{line}`"),
    }
}

/// A text as it may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
