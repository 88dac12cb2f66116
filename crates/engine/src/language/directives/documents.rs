//! XML bodies.

use super::{Apply, Spec};
use crate::plan::ir::XmlIntoArgs;

/// `SecXmlExternalEntity`
pub(super) const EXTERNAL_ENTITY: Spec = Spec {
    name: "SecXmlExternalEntity",
    argument: "On or Off",
    summary: "nothing that a document refers to is ever fetched: On only warns",
    example: "SecXmlExternalEntity Off",
    apply: Apply::Set(|lowering, given| {
        if given.on()? {
            lowering.warn(given.span, "external entities are never fetched here");
        }
        Ok(())
    }),
};

/// `SecParseXmlIntoArgs`
pub(super) const XML_INTO_ARGS: Spec = Spec {
    name: "SecParseXmlIntoArgs",
    argument: "On, Off or OnlyArgs",
    summary: "whether the texts of XML bodies are parameters too, named by their path: `xml.order.item`",
    example: "SecParseXmlIntoArgs On",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.xml_into_args = into_args(given.one()?)?;
        Ok(())
    }),
};

pub(crate) fn into_args(text: &str) -> Result<XmlIntoArgs, String> {
    match text.to_ascii_lowercase().as_str() {
        "on" => Ok(XmlIntoArgs::On),
        "off" => Ok(XmlIntoArgs::Off),
        "onlyargs" => Ok(XmlIntoArgs::Only),
        _ => Err(format!("`{text}` is not known; write On, Off or OnlyArgs")),
    }
}
