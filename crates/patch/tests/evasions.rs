//! Variants of exploits are what their names say.

use std::collections::HashSet;

use patch::Request;

const QUERY: &str = "GET /a/../b?q=O'r HTTP/1.1\nHost: app\n\n";
const FORM: &str =
    "POST /f HTTP/1.1\nHost: app\nContent-Type: application/x-www-form-urlencoded\n\nq=O%27r";
const JSON: &str =
    "POST /j HTTP/1.1\nHost: app\nContent-Type: application/json\n\n{\"q\":[\"O'r\"]}";

/// The request, the variant's name, and what it looks like on the wire.
const VARIANTS: &[(&str, &str, &str)] = &[
    // Double encoding.
    (
        QUERY,
        "dots percent-encoded twice",
        "GET /a/%252e%252e/b?q=O'r",
    ),
    (QUERY, "values percent-encoded twice", "?q=%254f%2527%2572 "),
    (
        QUERY,
        "letters of the path percent-encoded twice",
        "GET /%2561/../%2562?",
    ),
    (FORM, "values percent-encoded twice", "q=%254f%2527%2572"),
    // Chunks.
    (
        FORM,
        "body in chunks",
        "Transfer-Encoding: chunked\r\n\r\n3\r\nq=O\r\n",
    ),
    (
        JSON,
        "body in chunks",
        "Transfer-Encoding: chunked\r\n\r\n3\r\n{\"q\r\n",
    ),
    (QUERY, "the query moved to a form in chunks", "3\r\nq=O\r\n"),
    // Another place.
    (QUERY, "the query moved to a form", "\r\n\r\nq=O%27r"),
    (
        QUERY,
        "the query moved to multipart",
        "name=\"q\"\r\n\r\nO'r\r\n",
    ),
    (QUERY, "the query moved to JSON", "{\"q\":\"O'r\"}"),
    (QUERY, "the query moved to cookies", "Cookie: q=O%27r\r\n"),
    (
        FORM,
        "a form moved to the query",
        "POST /f?q=O%27r HTTP/1.1",
    ),
    (
        FORM,
        "a form moved to multipart",
        "name=\"q\"\r\n\r\nO'r\r\n",
    ),
    (FORM, "a form moved to JSON", "{\"q\":\"O'r\"}"),
    (
        JSON,
        "JSON moved to the query",
        "POST /j?q%5B%5D=O%27r HTTP/1.1",
    ),
    (JSON, "JSON moved to a form", "\r\n\r\nq%5B%5D=O%27r"),
    (
        JSON,
        "JSON moved to multipart",
        "name=\"q[]\"\r\n\r\nO'r\r\n",
    ),
    // Case.
    (QUERY, "path in the other case", "GET /A/../B?q=O'r"),
    (QUERY, "values in the other case", "?q=o%27R "),
    (FORM, "values in the other case", "q=o%27R"),
    (FORM, "header names in capitals", "\r\nCONTENT-TYPE: "),
    // Path parameters.
    (QUERY, "a path parameter", "GET /a/../b;x=1?q=O'r"),
    (
        QUERY,
        "a path parameter in the first segment",
        "GET /a;x=1/../b?",
    ),
    (QUERY, "path parameters after dots", "GET /a/..;/b?"),
    (
        QUERY,
        "the target in absolute form",
        "GET http://app/a/../b?q=O'r ",
    ),
];

#[test]
fn every_variant_is_what_its_name_says() {
    for (text, name, shown) in VARIANTS {
        let request = Request::from_raw(text.as_bytes()).unwrap();
        let variants = patch::evasions(&request);
        let names: Vec<&str> = variants.iter().map(|each| each.name.as_str()).collect();
        let variant = variants.iter().find(|each| each.name == *name);
        let variant = variant.unwrap_or_else(|| panic!("{name} is none of {names:#?}"));
        let wire = String::from_utf8(variant.request.wire()).unwrap();
        assert!(wire.contains(shown), "{name}:\n{wire}");
    }
}

#[test]
fn no_variant_comes_twice_and_none_is_the_exploit_itself() {
    for text in [QUERY, FORM, JSON] {
        let request = Request::from_raw(text.as_bytes()).unwrap();
        let mut seen = HashSet::from([request.wire()]);
        for variant in patch::evasions(&request) {
            assert!(seen.insert(variant.request.wire()), "{}", variant.name);
        }
    }
}
