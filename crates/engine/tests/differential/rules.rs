//! Rules from a seed: variables, chains of transformations, operators.

use crate::requests::Seed;

const VARIABLES: &[&str] = &[
    "ARGS",
    "ARGS_GET",
    "ARGS_POST",
    "ARGS_NAMES",
    "ARGS:q",
    "REQUEST_URI",
    "REQUEST_FILENAME",
    "REQUEST_BASENAME",
    "QUERY_STRING",
    "REQUEST_HEADERS",
    "REQUEST_HEADERS:Host",
    "REQUEST_HEADERS_NAMES",
    "REQUEST_COOKIES",
    "REQUEST_COOKIES_NAMES",
    "REQUEST_METHOD",
    "REQUEST_LINE",
    "REQUEST_PROTOCOL",
    "FILES",
    "FILES_NAMES",
    "ARGS_COMBINED_SIZE",
    "&ARGS",
    "&REQUEST_COOKIES",
    "REQUEST_BODY",
];
const TRANSFORMATIONS: &[&str] = &[
    "lowercase",
    "uppercase",
    "urlDecode",
    "urlDecodeUni",
    "htmlEntityDecode",
    "jsDecode",
    "cssDecode",
    "removeWhitespace",
    "compressWhitespace",
    "removeNulls",
    "replaceNulls",
    "removeCommentsChar",
    "replaceComments",
    "normalizePath",
    "normalizePathWin",
    "cmdLine",
    "base64Decode",
    "base64DecodeExt",
    "base64Encode",
    "hexEncode",
    "hexDecode",
    "length",
    "trim",
    "trimLeft",
    "trimRight",
    "urlEncode",
    "utf8toUnicode",
    "escapeSeqDecode",
    "sqlHexDecode",
    "md5",
    "sha1",
];
const OPERATORS: &[&str] = &[
    "@rx a",
    "@rx ^[a-z0-9]+$",
    "@rx (?i)script",
    "@rx [\\x00-\\x1f]",
    "@rx ^$",
    "@rx \\.\\.",
    "!@rx ^\\w*$",
    "@contains select",
    "@contains /",
    "@streq shoes",
    "@beginsWith /",
    "@endsWith n",
    "@within GET POST shoes",
    "@pm script union passwd id",
    "@eq 0",
    "@ge 2",
    "@lt 10",
    "@detectSQLi",
    "@detectXSS",
    "@containsWord or",
    "@validateByteRange 32-126",
    "@validateUrlEncoding",
    "@validateUtf8Encoding",
];

/// One rule: what it says, and the names in it by which differences are known.
pub(crate) struct Rule {
    pub(crate) text: String,
    pub(crate) names: Vec<String>,
}

impl Rule {
    pub(crate) fn new(seed: &mut Seed, id: usize) -> Self {
        let variable = seed.one(VARIABLES);
        let chain: Vec<&str> = (0..seed.below(4))
            .map(|_| seed.one(TRANSFORMATIONS))
            .collect();
        let operator = seed.one(OPERATORS);
        let applied: String = chain.iter().map(|name| format!(",t:{name}")).collect();
        let mut names = vec![variable.to_owned(), operator.to_owned()];
        names.extend(chain.iter().map(|name| (*name).to_owned()));
        Self {
            text: format!(
                "SecRule {variable} \"{operator}\" \"id:{id},phase:2,pass,log,t:none{applied}\"\n"
            ),
            names,
        }
    }
}
