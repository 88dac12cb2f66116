//! Syntax tree to text.

use std::fmt::{self, Display, Formatter};

use crate::ast::{Action, Directive, DirectiveKind, Operator, Rule, Selector, Target};

/// Prints directives one after the other; [`parse`](crate::parse) reads the same tree back.
///
/// SecLang cannot write every string: a quoted word that ends in a backslash,
/// or holds one before a line end, does not survive.
pub fn print(directives: &[Directive]) -> String {
    directives
        .iter()
        .map(|directive| format!("{directive}\n"))
        .collect()
}

impl Display for Directive {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            DirectiveKind::Rule(rule) => write!(f, "{rule}"),
            DirectiveKind::Action(actions) => write!(f, "SecAction {}", Actions(actions)),
            DirectiveKind::DefaultAction(actions) => {
                write!(f, "SecDefaultAction {}", Actions(actions))
            }
            DirectiveKind::Marker(name) => write!(f, "SecMarker {}", Word(&name.value)),
            DirectiveKind::Setting { name, arguments } => {
                // A bare word ends at white space; a quote or `#` at its start means something else.
                let name = &name.value;
                let bare = !name.is_empty()
                    && !name.starts_with('#')
                    && !name.contains([' ', '\t', '\r', '\n', '"', '\'', '\\']);
                match bare {
                    true => f.write_str(name)?,
                    false => write!(f, "{}", Word(name))?,
                }
                for argument in arguments {
                    write!(f, " {}", Word(&argument.value))?;
                }
                Ok(())
            }
        }
    }
}

impl Display for Rule {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let targets: Vec<String> = self.targets.iter().map(ToString::to_string).collect();
        let targets = targets.join("|");
        f.write_str("SecRule ")?;
        if targets.contains([' ', '\t', '"', '\'', '\\']) {
            write!(f, "{}", Word(&targets))?;
        } else {
            f.write_str(&targets)?;
        }
        write!(f, " {}", Word(&self.operator.to_string()))?;
        if !self.actions.is_empty() {
            write!(f, " \\\n    {}", Actions(&self.actions))?;
        }
        Ok(())
    }
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.excluded {
            f.write_str("!")?;
        }
        if self.counted {
            f.write_str("&")?;
        }
        f.write_str(&self.variable)?;
        match &self.selector {
            None => Ok(()),
            Some(Selector::Regex(pattern)) => {
                // Two slashes in a row would end the pattern early.
                write!(f, ":/{}/", pattern.replace('/', "\\/"))
            }
            Some(Selector::Literal(name)) if is_bare(&self.variable, name) => {
                write!(f, ":{name}")
            }
            Some(Selector::Literal(name)) => write!(f, ":'{name}'"),
        }
    }
}

/// Whether a member's name reads the same without quotes.
fn is_bare(variable: &str, name: &str) -> bool {
    let xpath = variable.eq_ignore_ascii_case("XML");
    xpath || !name.contains(['|', ',']) && name.trim() == name && !name.starts_with('/')
}

impl Display for Operator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.negated {
            f.write_str("!")?;
        }
        write!(f, "@{}", self.name)?;
        if self.argument.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.argument)
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let Some(argument) = &self.argument else {
            return Ok(());
        };
        let bare = !argument.is_empty()
            && argument.chars().all(|letter| {
                letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-' | '.' | '/' | ':')
            });
        if bare {
            write!(f, ":{argument}")
        } else {
            write!(f, ":'{}'", argument.replace('\'', "\\'"))
        }
    }
}

/// A list of actions as one quoted word, a line each.
struct Actions<'a>(&'a [Action]);

impl Display for Actions<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for (at, action) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",\\\n    ")?;
            }
            f.write_str(&action.to_string().replace('"', "\\\""))?;
        }
        f.write_str("\"")
    }
}

/// A word in double quotes.
struct Word<'a>(&'a str);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.replace('"', "\\\""))
    }
}
