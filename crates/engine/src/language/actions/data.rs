//! Actions that say how values are read, and what is kept of them.

use super::{Actions, Apply, Spec};
use crate::language::nearest::unknown;
use crate::transformations;

/// `t`
pub(super) const TRANSFORMATION: Spec = Spec {
    name: "t",
    argument: "a transformation, or `none`",
    summary: "decodes values before the operator is asked, one after the other; `none` forgets those before it",
    example: "t:none",
    apply: Apply::With(transformation),
};

/// `capture`
pub(super) const CAPTURE: Spec = Spec {
    name: "capture",
    argument: "",
    summary: "keeps what the operator found in TX.0, and groups in TX.1 to TX.9",
    example: "capture",
    apply: Apply::Bare(|to| to.capture = true),
};

/// `multiMatch`
pub(super) const MULTI_MATCH: Spec = Spec {
    name: "multiMatch",
    argument: "",
    summary: "asks the operator before the transformations and after each that changes something",
    example: "multiMatch",
    apply: Apply::Bare(|to| to.multi_match = true),
};

/// `xmlns`
pub(super) const XMLNS: Spec = Spec {
    name: "xmlns",
    argument: "`PREFIX=NAMESPACE`",
    summary: "what a prefix in the rule's XPath expressions means",
    example: "xmlns:soap=http://schemas.xmlsoap.org/soap/envelope/",
    apply: Apply::With(|to, argument| {
        let (prefix, namespace) = argument.split_once('=').ok_or_else(|| {
            format!("`{argument}` names no namespace; write xmlns:PREFIX=NAMESPACE")
        })?;
        let (prefix, namespace) = (prefix.trim(), namespace.trim_matches(['\'', '"']));
        if prefix.is_empty() || !namespace.contains(':') {
            return Err(format!(
                "`{argument}` names no prefix or no namespace, which is a URI with its scheme"
            ));
        }
        to.namespaces
            .push((prefix.to_owned(), namespace.to_owned()));
        Ok(())
    }),
};

fn transformation(to: &mut Actions, name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case("none") {
        to.transformations.clear();
        to.clears_transformations = true;
        return Ok(());
    }
    match transformations::position(name) {
        Some(position) => to.transformations.push(position),
        None => {
            return Err(unknown(
                "transformation",
                name,
                transformations::ALL.iter().map(|spec| spec.name),
            ));
        }
    }
    Ok(())
}
