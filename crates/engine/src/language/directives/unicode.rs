//! `SecUnicodeMapFile`

use std::sync::Arc;

use super::{Apply, Spec};
use crate::transformations::unicode_map::UnicodeMap;

/// `SecUnicodeMapFile`
pub(super) const MAP_FILE: Spec = Spec {
    name: "SecUnicodeMapFile",
    argument: "a file and the number of a code page in it",
    summary: "the bytes that t:urlDecodeUni gives for code points; without it, their low byte, and ASCII for full-width forms",
    example: "SecUnicodeMapFile unicode.mapping 20127",
    apply: Apply::Set(|lowering, given| {
        let [file, page] = given.arguments else {
            return Err(format!(
                "{} takes 2 arguments, not {}: a file and a code page",
                given.name,
                given.arguments.len()
            ));
        };
        let number = page
            .value
            .parse()
            .map_err(|_| format!("`{}` is no code page; write a number", page.value))?;
        let source = lowering.source(given.span);
        let bytes = lowering.resources.read(&file.value, source)?;
        let map = UnicodeMap::read(&String::from_utf8_lossy(&bytes), number)?;
        lowering.program.settings.unicode = Some(Arc::new(map));
        Ok(())
    }),
};
