//! The promises on bytes that look a little like what is parsed, and on all that fuzzing found.

use std::path::Path;

use promises::ALL;
use proptest::prelude::*;

/// Pieces of each format, so that chance reaches beyond the first byte.
fn pieces(name: &str) -> &'static [&'static str] {
    match name {
        "cookies" => &[
            "a=",
            ";",
            " ",
            "attack",
            "\"",
            "$Version=1",
            "=",
            ",",
            "%41",
        ],
        "framing" => &[
            "GET / HTTP/1.1\r\n",
            "POST /a HTTP/1.0\r\n",
            "Host: a\r\n",
            "Content-Length: 3\r\n",
            "Transfer-Encoding: chunked\r\n",
            "\r\n",
            "\n",
            "\r",
            "3\r\nabc\r\n",
            "0\r\n\r\n",
            ":",
            " ",
            "\t",
            ";x",
            "abc",
            "http://a/",
        ],
        "http_case" => &[
            "GET / HTTP/1.1\n",
            "POST /a?b=c HTTP/1.1\n",
            "Host: a\n",
            "Content-Type: application/json\n",
            "Content-Type: multipart/form-data; boundary=x\n",
            "Cookie: a=b; c\n",
            "Transfer-Encoding: chunked\n",
            "\n",
            "\r\n",
            "{\"a\":1}",
            "a=b&c",
            "--x",
        ],
        "json" => &[
            "{", "}", "[", "]", "\"", "\"a\":", ",", "1e", "-", "\\u00", "\\ud8", "true", "null",
            "attack", " ", "\u{feff}", "/*", "*/",
        ],
        "multipart" => &[
            "--x",
            "--x--",
            "\r\n",
            "\n",
            "Content-Disposition: form-data; name=",
            "\"a\"",
            "; filename=",
            "filename*=utf-8''",
            "Content-Type: text/plain",
            "attack",
            ";",
            "boundary=",
            "\\",
        ],
        "nuclei_template" => &[
            "id: a\ninfo: { name: t, severity: high }\n",
            "http:\n",
            "  - method: GET\n    path:\n",
            "      - \"{{BaseURL}}/a?b=",
            "\"\n",
            "  - raw:\n      - |\n        GET / HTTP/1.1\n",
            "        Host: {{Hostname}}\n",
            "{{",
            "}}",
            "base64(",
            "repeat('a', 99)",
            "rand_base(5)",
            ")",
            "'",
            "x + 1",
            "variables:\n  x: \"{{x}}{{y}}\"\n",
            "    payloads: { x: [a, b], y: [c] }\n",
            "    attack: clusterbomb\n",
            "@timeout: 1s\n",
            "§x§",
        ],
        "patch_yaml" => &[
            "stopgap: 1\n",
            "id: A\n",
            "title: t\nseverity: low\n",
            "rules:\n",
            "  - deny: { where: [query.a], when: ",
            "xss",
            "{ regex: \"",
            "(",
            "\" }",
            " }\n",
            "  - seclang: |\n      SecAction \"id:1\"\n",
            "scope: {",
            "}",
            "- ",
            "&a",
            "*a",
            "!!",
            "? ",
            "cases:\n",
            "  exploit: []\n",
        ],
        "path" => &[
            "/static/", "/a/b", "?", "/..", "%2e", "%252f", ";x", "\\", "//", ".php", "/x1/",
            "http://a",
        ],
        "seclang" => &[
            "SecRule ",
            "ARGS",
            "|",
            "!",
            "&",
            ":a",
            " \"",
            "\"",
            "@rx ",
            "id:1",
            ",phase:2",
            ",deny",
            ",chain",
            "\n",
            "\\\n",
            "SecAction ",
            "SecMarker a\n",
            "'",
            "#",
            "setvar:tx.a=+1",
            ":/a/",
        ],
        "seclang_load" => &[
            "Include ",
            "IncludeOptional ",
            "main",
            "a",
            "b",
            "*",
            "a*",
            "\"a b\"",
            "\n",
            "\n==a\n",
            "\n==b\n",
            "\n==a b\n",
            "SecAction \"id:1\"\n",
            "SecRuleEngine On\n",
            "\"",
            "#",
        ],
        "urlencoded" => &[
            "a", "=", "&", "%", "%4", "%u00", "+", ";", "attack", "[", "]", "\0",
        ],
        "xml" => &[
            "<a",
            ">",
            "</a>",
            "<!DOCTYPE a [",
            "<!ENTITY b SYSTEM \"c\">",
            "]>",
            "&b;",
            "&#x41;",
            "<![CDATA[",
            "]]>",
            "<?xml version=\"1.0\"?>",
            "<!--",
            "-->",
            " b=\"",
            "\"",
            "attack",
        ],
        "xpath" => &[
            "/",
            "//",
            "*",
            "a",
            "b",
            "@c",
            "..",
            ".",
            "text()",
            "[",
            "]",
            "[1]",
            "[last()]",
            "[a='x']",
            "[not(b)]",
            "count(",
            "contains(a,'x')",
            ")",
            " and ",
            " or ",
            "!=",
            "'",
            "x:",
            "\n<a><b c='1'>x</b><a>y<b/></a></a>",
            "\n<a xmlns:x='u'><x:b/>",
        ],
        _ => &[],
    }
}

fn bytes(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(pieces(name)).prop_map(|text| text.as_bytes().to_vec());
    let part = prop_oneof![4 => piece, 1 => any::<u8>().prop_map(|byte| vec![byte])];
    prop::collection::vec(part, 0..40).prop_map(|parts| parts.concat())
}

#[test]
fn every_promise_holds_on_bytes_of_its_kind() {
    for (name, promise) in ALL {
        assert!(!pieces(name).is_empty(), "{name} has no pieces");
        let config = ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(400)
        };
        proptest!(config, |(bytes in bytes(name))| promise(&bytes));
    }
}

#[test]
fn every_promise_holds_on_what_fuzzing_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for (name, promise) in ALL {
        let Ok(finds) = std::fs::read_dir(folder.join(name)) else {
            continue;
        };
        for find in finds {
            let find = find.unwrap().path();
            eprintln!("{}", find.display());
            promise(&std::fs::read(&find).unwrap());
        }
    }
}

#[test]
fn every_promise_has_a_fuzz_target_and_every_target_a_promise() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    for (name, _) in ALL {
        let target = folder.join(format!("fuzz_targets/{name}.rs"));
        let text = std::fs::read_to_string(&target).unwrap();
        assert!(
            text.contains(&format!("promises::check(\"{name}\", bytes)")),
            "{name}"
        );
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
    }
    assert_eq!(
        std::fs::read_dir(folder.join("fuzz_targets"))
            .unwrap()
            .count(),
        ALL.len()
    );
}
