//! Exploits to a narrow rule.
//!
//! 1. [`parts`] takes a request apart: which value stands where.
//! 2. [`evidence`] asks the detectors what each value is.
//! 3. Of the rules that could stop it the narrowest is taken that stops the exploit and
//!    lets its benign twins pass.

mod document;
mod evidence;
mod multipart;
mod parts;

use patch::document::{Case, Paths, Scope};

use crate::{Description, Made, Options, Step};
use document::Draft;
pub(crate) use document::{checked, form};

/// The patch for a description, proven on its own cases.
///
/// # Errors
/// Why none could be made, for people.
pub fn patch(description: &Description, options: &Options) -> Result<Made, String> {
    let mut draft = Draft::default();
    let mut paths = Paths::default();
    for exploit in &description.exploits {
        for step in &exploit.steps {
            let found = attack(step)?;
            let path = parts::path(&step.request.target);
            let path = String::from_utf8_lossy(path).into_owned();
            if let Some((part, class)) = found {
                let mut twin = step.request.clone();
                twin.target = path.clone().into_bytes();
                twin.body.clear();
                let rule = document::deny(vec![part.place.clone()], class);
                if !draft.rules.contains(&rule) {
                    draft.rules.push(rule);
                }
                if !paths.exact.contains(&path) {
                    paths.exact.push(path);
                }
                draft.exploits.push(Case {
                    name: exploit.name.clone(),
                    request: document::form(&step.request),
                    success: step.success.clone(),
                });
                draft.benign.push(Case {
                    name: format!("{}, without parameters", exploit.name),
                    request: document::form(&twin),
                    success: None,
                });
                break;
            }
        }
    }
    if draft.rules.is_empty() {
        return Err("no value in its requests looks like an attack of a known class".to_owned());
    }
    draft.scope = Scope {
        path: paths.into(),
        ..Scope::default()
    };
    let document = document::document(draft, description, options);
    let comments = vec![format!("made of {}", description.source)];
    let yaml = document::checked(&document, &comments, options)?;
    Ok(Made {
        yaml,
        effect: document.effect,
        notes: Vec::new(),
    })
}

fn attack(step: &Step) -> Result<Option<(parts::Part, patch::document::Condition)>, String> {
    for part in parts::parts(&step.request) {
        if let Some(class) = evidence::of(&part.value)?.into_iter().next() {
            return Ok(Some((part, class)));
        }
    }
    Ok(None)
}
