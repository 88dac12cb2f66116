//! The reference page, made of the catalogue.

use std::fmt::Write;

use super::catalogue::{Group, all};

/// `docs/evasions.md`.
pub fn reference() -> String {
    let mut page = String::from(HEAD);
    // Writing to a text does not fail.
    let _ = writeln!(page, "There are {} of them.", all().count());
    for &group in Group::all() {
        let _ = write!(
            page,
            "\n## {}\n\n| What is changed | Who takes it for the same |\n|---|---|\n",
            group.title()
        );
        for evasion in all().filter(|evasion| evasion.group == group) {
            let _ = writeln!(
                page,
                "| {} | {} |",
                cell(evasion.name),
                cell(evasion.reader)
            );
        }
    }
    page
}

const HEAD: &str = "\
# Evasions

Made of the catalogue (`crates/patch/src/evasion/`) by
`STOPGAP_WRITE_DOCS=1 cargo test -p patch --test evasions`; do not edit.

What `stopgap patch test`, `stopgap patch prove` and `stopgap demo` change in an exploit to
see whether a patch still stops it. What is changed is a candidate: only an unpatched
application can say whether it still works there. `stopgap patch prove` also composes two.
Evasions of a class of attacks change only values that look like it. Words are left alone
where other values of the request could carry the attack.

";

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
