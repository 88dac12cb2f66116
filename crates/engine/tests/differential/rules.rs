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

/// Rules that depend on each other: variables, jumps, chains, exclusions, removals.
pub(crate) fn program(seed: &mut Seed) -> String {
    let mut text = String::new();
    let names = ["level", "score", "seen_a", "seen_b"];
    for id in 1..=40 {
        let phase = 1 + seed.below(2);
        let name = seed.one(&names);
        let tested = Rule::new(seed, 0);
        let target = tested.names.first().map_or("ARGS", String::as_str);
        let operator = tested.names.get(1).map_or("@rx a", String::as_str);
        let chain: String = tested
            .names
            .iter()
            .skip(2)
            .map(|name| format!(",t:{name}"))
            .collect();
        let multi = if seed.below(4) == 0 {
            ",multiMatch"
        } else {
            ""
        };
        let plain = format!("SecRule {target} \"{operator}\" \"id:{id},phase:{phase},pass");
        let of_tx = format!(
            "SecRule TX:{name} \"@ge {}\" \"id:{id},phase:{phase},pass",
            seed.below(4)
        );
        let log = seed.one(&[",log", ",nolog"]);
        let rule = match seed.below(12) {
            0 => format!("SecAction \"id:{id},phase:{phase},pass{log},setvar:tx.{name}=+1\""),
            1 => format!(
                "SecAction \"id:{id},phase:{phase},pass,nolog,setvar:tx.{name}={}\"",
                seed.below(3)
            ),
            2 => format!(
                "SecRule &TX:{name} \"@eq 0\" \"id:{id},phase:{phase},pass,nolog,setvar:tx.{name}=2\""
            ),
            3 => format!("{of_tx}{log},setvar:'tx.score=+%{{tx.level}}'\""),
            4 => format!("{of_tx},nolog,skipAfter:M{}\"", seed.below(6)),
            5 => format!("{plain},nolog,skip:{}{chain}\"", 1 + seed.below(3)),
            6 => {
                format!("{plain}{log},capture,setvar:'tx.seen_%{{MATCHED_VAR}}=1'{chain}{multi}\"")
            }
            7 => format!(
                "{plain}{log},chain{chain}\"\nSecRule {} \"@rx [a-m]\" \"t:lowercase\"",
                seed.one(VARIABLES)
            ),
            8 => format!(
                "{of_tx}{log},chain\"\nSecRule ARGS|!ARGS:q|REQUEST_COOKIES \"{operator}\" \"t:none{chain}{multi}\""
            ),
            9 => format!(
                "{plain},nolog,ctl:ruleRemoveById={}{chain}\"",
                1 + seed.below(40)
            ),
            10 => format!(
                "SecRule TX:/^seen_/ \"@rx .\" \"id:{id},phase:{phase},pass{log},msg:'%{{MATCHED_VAR_NAME}}'\""
            ),
            _ => format!(
                "{plain}{log},tag:t{},setvar:tx.{name}=+%{{tx.score}}{chain}{multi}\"",
                seed.below(3)
            ),
        };
        text.push_str(&rule);
        text.push('\n');
        if seed.below(5) == 0 {
            text.push_str(&format!("SecMarker M{}\n", seed.below(6)));
        }
    }
    text
}
