//! What importers of rules have in common: rules to a document with cases.

use ::seclang::{Directive, DirectiveKind, Limits};

use super::{Made, Options};
use crate::witness;
use patch::document::{Body, Cases, Document, Located, Oversize, Scope, Unparsable};

/// The rules of a SecLang text that can stop a request, with what they depend on; empty
/// where it only sets something.
///
/// # Errors
/// What is no SecLang, with the line.
pub(super) fn blocking(text: &str, name: &str) -> Result<String, String> {
    let ruleset = ::seclang::parse(name, text, &Limits::default())
        .map_err(|error| format!("{name}: {}", error.message()))?;
    let stops = |directive: &Directive| match &directive.kind {
        DirectiveKind::Rule(rule) => witness::is_disruptive(&rule.actions),
        DirectiveKind::Action(actions) => witness::is_disruptive(actions),
        _ => false,
    };
    Ok(match ruleset.directives.iter().any(stops) {
        true => text.to_owned(),
        false => String::new(),
    })
}

/// What rules look at in bodies, besides parameters.
#[derive(Debug, Clone, Copy)]
pub(super) struct Looks {
    /// The bytes as they were sent.
    pub(super) raw: bool,
    /// Files.
    pub(super) uploads: bool,
}

/// What concerns every path must not stop bodies only because they are large or of a kind
/// that nobody knows; nor what looks at files because they are large, or at raw bytes, which
/// it sees, because no parser reads them.
pub(super) fn body(scope: &Scope, looks: Looks) -> Body {
    let everywhere = scope.path == Located::default();
    Body {
        oversize: match everywhere || looks.uploads {
            true => Oversize::Partial,
            false => Oversize::default(),
        },
        unparsable: match everywhere || looks.raw {
            true => Unparsable::Pass,
            false => Unparsable::default(),
        },
        ..Body::default()
    }
}

/// The patch for a document without cases: they are found, and the patch is proven on them.
/// `notes` say what it leaves out.
///
/// # Errors
/// Why there is no such patch.
pub(super) fn proven(
    mut document: Document,
    mut notes: Vec<String>,
    name: &str,
    options: &Options,
) -> Result<Made, String> {
    let found = witness::find(&document).map_err(|why| format!("{name}: {why}"))?;
    document.cases = Cases {
        exploit: found.exploit.into_iter().map(Into::into).collect(),
        benign: found.benign.into_iter().map(Into::into).collect(),
    }
    .into();
    notes.push("its cases are made of its rules, not of a known attack".to_owned());
    if !found.unproven.is_empty() {
        let numbers: Vec<String> = found.unproven.iter().map(u64::to_string).collect();
        notes.push(format!("no case tries rule {}", numbers.join(", ")));
    }
    let mut comments = vec![format!("made of {name}")];
    comments.extend(notes.iter().cloned());
    let yaml = crate::synthesis::checked(&document, &comments, options)
        .map_err(|why| format!("{name}: {why}"))?;
    Ok(Made {
        yaml,
        effect: document.effect,
        notes,
    })
}
