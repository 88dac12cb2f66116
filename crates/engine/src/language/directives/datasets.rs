//! `SecDataset`

use super::{Apply, Spec};

/// `SecDataset`
pub(super) const SPEC: Spec = Spec {
    name: "SecDataset",
    argument: "a name, and lines between a backtick that ends the line and one that begins a line; `#` begins a comment",
    summary: "a list that the rules below name with @pmFromDataset and @ipMatchFromDataset",
    example: "SecDataset scanners `\nsqlmap\nnikto\n`",
    apply: Apply::Set(|lowering, given| {
        let [name, list] = given.arguments else {
            return Err(format!(
                "{} takes 2 arguments, not {}: a name, and lines between backticks",
                given.name,
                given.arguments.len()
            ));
        };
        let lines = list.value.lines().map(str::trim);
        let lines: Vec<String> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
            .collect();
        if lines.is_empty() {
            return Err(format!("the list `{}` holds no line", name.value));
        }
        let taken = lowering.datasets.insert(name.value.clone(), lines);
        match taken {
            Some(_) => Err(format!(
                "the list `{}` is written twice; give this one another name",
                name.value
            )),
            None => Ok(()),
        }
    }),
};
