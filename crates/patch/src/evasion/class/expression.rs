//! Templates, expression languages, JNDI look-ups, code.

use super::super::catalogue::{Evasion, Group};
use super::super::fields::{every, replaced};
use super::{has, texts, words};

const LOG4J: &str = "Log4j 2";
const JAVA: &str = "OGNL, SpEL, MVEL";

pub(in super::super) const ALL: &[Evasion] = &[
    of("spaces within expressions", "template languages", |value| {
        texts(
            value,
            &[("{{", "{{ "), ("}}", " }}"), ("${", "${ "), ("%{", "%{ ")],
        )
    }),
    of(
        "line feeds within expressions",
        "template languages",
        |value| texts(value, &[("{{", "{{\n"), ("${", "${\n")]),
    ),
    of(
        "white space cut off by expressions",
        "Jinja, Twig",
        |value| texts(value, &[("{{", "{{-"), ("}}", "-}}")]),
    ),
    of("statements for expressions", "Jinja", |value| {
        texts(value, &[("{{", "{% print("), ("}}", ") %}")])
    }),
    of("# for $ in expressions", "EL, Thymeleaf", |value| {
        replaced(value, "${", "#{")
    }),
    of("* for $ in expressions", "Thymeleaf", |value| {
        replaced(value, "${", "*{")
    }),
    of("% for $ in expressions", "OGNL of Struts", |value| {
        replaced(value, "${", "%{")
    }),
    of("$ for % in expressions", "OGNL of Struts", |value| {
        replaced(value, "%{", "${")
    }),
    of("members by brackets", "Jinja, Twig, JavaScript", |value| {
        words(
            value,
            &[
                ("__class__", "['__class__']"),
                ("__globals__", "['__globals__']"),
                ("constructor", "['constructor']"),
            ],
        )
    }),
    of("members by a filter", "Jinja", |value| {
        texts(
            value,
            &[
                (".__class__", "|attr('__class__')"),
                (".__globals__", "|attr('__globals__')"),
            ],
        )
    }),
    of("members with escapes", "Jinja, JavaScript", |value| {
        texts(value, &[("__", "\\x5f\\x5f")])
    }),
    of("class names put together", JAVA, |value| {
        texts(
            value,
            &[("java.lang.", "java.lan'+'g."), ("Runtime", "Run'+'time")],
        )
    }),
    of("expressions as \\uXXXX", JAVA, |value| {
        every(value, |byte| format!("\\u{byte:04X}"))
    }),
    of("spaces around dots", JAVA, |value| {
        texts(
            value,
            &[
                ("@java.lang.Runtime@", "@java.lang.Runtime @ "),
                (".exec(", " . exec ("),
            ],
        )
    }),
    of("look-ups in small letters", LOG4J, |value| {
        jndi(value, "${${lower:J}ndi:")
    }),
    of("look-ups in capitals", LOG4J, |value| {
        jndi(value, "${${upper:j}ndi:")
    }),
    of("look-ups by default values", LOG4J, |value| {
        jndi(value, "${${::-j}${::-n}${::-d}${::-i}:")
    }),
    of("look-ups in the environment", LOG4J, |value| {
        jndi(value, "${${env:NOTHING:-j}ndi:")
    }),
    of("look-ups in dates", LOG4J, |value| {
        jndi(value, "${${date:'j'}${date:'n'}${date:'d'}${date:'i'}:")
    }),
    of("look-ups within look-ups", LOG4J, |value| {
        jndi(value, "${j${${:-l}${:-o}${:-w}${:-e}${:-r}:n}di:")
    }),
    of("schemes by default values", LOG4J, |value| {
        texts(
            value,
            &[
                ("ldap:", "${::-l}dap:"),
                ("rmi:", "${::-r}mi:"),
                ("dns:", "${::-d}ns:"),
            ],
        )
    }),
    of("another scheme of look-ups", LOG4J, |value| {
        texts(value, &[("ldap:", "ldaps:"), ("rmi:", "iiop:")])
    }),
    of("letters that become ASCII in look-ups", LOG4J, |value| {
        jndi(value, "${jnd${upper:\u{131}}:")
    }),
    of("code put together", "PHP", |value| {
        words(
            value,
            &[
                ("system", "('sys'.'tem')"),
                ("exec", "('ex'.'ec')"),
                ("eval", "e\\val"),
                ("phpinfo", "('php'.'info')"),
            ],
        )
    }),
    of("comments within calls", "PHP, Java, JavaScript", |value| {
        replaced(value, "(", "/**/(")
    }),
    of("short tags", "PHP", |value| {
        texts(value, &[("<?php ", "<?="), ("<?php", "<?=")])
    }),
];

const fn of(name: &'static str, reader: &'static str, change: fn(&[u8]) -> Vec<u8>) -> Evasion {
    Evasion::value(Group::Expression, name, reader, concerns, change)
}

fn concerns(value: &[u8]) -> bool {
    const MARKS: &[&str] = &[
        "{{",
        "${",
        "#{",
        "%{",
        "*{",
        "@{",
        "<%",
        "<?",
        "{%",
        "__",
        "java.lang",
        "system(",
        "eval(",
        "exec(",
        "phpinfo",
    ];
    has(value, MARKS)
}

/// The beginning of a look-up becomes another.
fn jndi(value: &[u8], other: &str) -> Vec<u8> {
    replaced(value, "${jndi:", other)
}
