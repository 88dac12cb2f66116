//! HTML and the script within it.

use super::super::catalogue::{Evasion, Group};
use super::super::fields::{every, letters, replaced};
use super::{has, texts, words};

const BROWSERS: &str = "browsers";
const ATTRIBUTES: &str = "browsers, in attributes";

pub(in super::super) const ALL: &[Evasion] = &[
    of("HTML as decimal references", ATTRIBUTES, |value| {
        every(value, |byte| format!("&#{byte};"))
    }),
    of("HTML as hexadecimal references", ATTRIBUTES, |value| {
        every(value, |byte| format!("&#x{byte:x};"))
    }),
    of(
        "HTML as padded references without semicolons",
        ATTRIBUTES,
        |value| every(value, |byte| format!("&#{byte:07}")),
    ),
    of(
        "HTML as named references",
        "applications that decode what they store",
        |value| texts(value, &[("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")]),
    ),
    of("a slash for the space in tags", BROWSERS, |value| {
        texts(
            value,
            &[
                ("<img ", "<img/"),
                ("<svg ", "<svg/"),
                ("<body ", "<body/"),
                ("<iframe ", "<iframe/"),
                ("<a ", "<a/"),
                ("<input ", "<input/"),
            ],
        )
    }),
    of(
        "a space before the signs of attributes",
        BROWSERS,
        |value| replaced(value, "=", " ="),
    ),
    of(
        "line feeds around the signs of attributes",
        BROWSERS,
        |value| replaced(value, "=", "\n=\n"),
    ),
    of("an attribute in script tags", BROWSERS, |value| {
        words(value, &[("script", "script x=1")])
    }),
    of("a slash in script tags", BROWSERS, |value| {
        replaced(value, "<script>", "<script/x>")
    }),
    of("a space at the end of script tags", BROWSERS, |value| {
        replaced(value, "</script>", "</script\t>")
    }),
    of("script tags that are not closed", BROWSERS, |value| {
        replaced(value, "</script>", "//")
    }),
    of(
        "tags that survive one removal",
        "filters that take tags out once",
        |value| {
            texts(
                value,
                &[
                    ("<script>", "<scr<script>ipt>"),
                    ("</script>", "</scr</script>ipt>"),
                ],
            )
        },
    ),
    of("an event for script tags", BROWSERS, |value| {
        texts(
            value,
            &[("<script>", "<svg onload=\""), ("</script>", "\">")],
        )
    }),
    of("another event", BROWSERS, |value| {
        texts(
            value,
            &[
                ("onerror=", "onpointerrawupdate="),
                ("onload=", "onanimationstart="),
            ],
        )
    }),
    of("another tag", BROWSERS, |value| {
        texts(
            value,
            &[
                ("<img ", "<video "),
                ("<svg ", "<math "),
                ("<svg/", "<xss/"),
            ],
        )
    }),
    of("a quote before tags", ATTRIBUTES, |value| {
        replaced(value, "<", "\"><")
    }),
    of("double less-than signs", BROWSERS, |value| {
        replaced(value, "<", "<<")
    }),
    of(
        "less-than signs that are not ASCII",
        "decoders that accept over-long UTF-8, US-ASCII",
        |value| replaced(value, "<", "\u{bc}"),
    ),
    of("line feeds within schemes", BROWSERS, |value| {
        replaced(value, "javascript:", "java\nscript:")
    }),
    of("tabs within schemes, as references", ATTRIBUTES, |value| {
        replaced(value, "javascript:", "java&Tab;script:")
    }),
    of("control characters before schemes", BROWSERS, |value| {
        replaced(value, "javascript:", "\u{1}javascript:")
    }),
    of("a data URL for a scheme", BROWSERS, |value| {
        replaced(value, "javascript:", "data:text/html,")
    }),
    of("quotes left out", BROWSERS, |value| {
        texts(value, &[("\"", ""), ("'", "")])
    }),
    of("backquotes for parentheses", BROWSERS, |value| {
        texts(value, &[("(1)", "`1`"), ("()", "``")])
    }),
    of("functions with escapes", BROWSERS, |value| {
        words(
            value,
            &[
                ("alert", "\\u0061lert"),
                ("eval", "\\u0065val"),
                ("prompt", "\\u0070rompt"),
                ("confirm", "\\u0063onfirm"),
            ],
        )
    }),
    of("functions by computed names", BROWSERS, |value| {
        words(
            value,
            &[
                ("alert", "self['al'+'ert']"),
                ("document.cookie", "document['coo'+'kie']"),
            ],
        )
    }),
    of("functions in parentheses", BROWSERS, |value| {
        words(value, &[("alert", "(alert)"), ("prompt", "(prompt)")])
    }),
    of("letters of tags in another case", BROWSERS, |value| {
        letters(value, |byte| {
            char::from(if byte % 2 == 0 {
                byte.to_ascii_uppercase()
            } else {
                byte
            })
            .to_string()
        })
    }),
    of("zero bytes within tags", "old browsers", |value| {
        replaced(value, "<s", "<\0s")
    }),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Markup, name, reader, concerns, change)
}

fn concerns(value: &[u8]) -> bool {
    has(
        value,
        &[
            "<",
            "javascript:",
            "onerror=",
            "onload=",
            "onfocus=",
            "onmouseover=",
            "alert(",
        ],
    )
}
