//! Operators of query languages and prototypes of objects in the names of parameters
//! (CWE-943, CWE-1321).

use super::{Detector, rx};
use crate::document::Decode;

/// `nosql-operators`
pub(super) const NOSQL: Detector = Detector {
    name: "nosql-operators",
    summary: "an operator of a document database in a name or a JSON text",
    decode: &[Decode::Url, Decode::Url],
    checks: &[rx(
        r"(?i)(?:\A|[.\[{,'\x22\s])\$(?:n?eq|ne|[gl]te?|n?in|regex|where|exists|func(?:tion)?|or|and|nor|not|expr|jsonschema|elemMatch|size|type|mod|text|lookup|gt|lt)\b",
    )],
};

/// `prototype-pollution`
pub(super) const PROTOTYPE: Detector = Detector {
    name: "prototype-pollution",
    summary: "a name that reaches the prototype of an object, the class loader of a bean, or a property by which Drupal renders",
    decode: &[Decode::Url, Decode::Url],
    checks: &[rx(
        r"(?i)__proto__|\bconstructor(?:\]?\[|\.)prototype\b|\bclass(?:\.|\[['\x22]?)(?:module|classLoader|protectionDomain)\b|[\w\]]\[['\x22]?(?:#|%(?:25)*23)[a-z_]+['\x22]?\]",
    )],
};
