//! Patch documents as an operator with many applications has them: each with its own paths,
//! fields and expressions, of ten kinds.

use std::path::Path;

use anyhow::Context;

/// The route that is measured; the first three documents concern it.
pub(crate) const CONCERNED: &str = "/api/orders?page=2&sort=desc";
/// A route that no document concerns.
pub(crate) const UNCONCERNED: &str = "/shop/basket?page=2&sort=desc";
/// A request for the measured route that every number of documents stops.
pub(crate) const ATTACK: &str = "/api/orders?page=1%20or%201=1";

/// Writes so many documents to a folder, one a file.
pub(crate) fn write(folder: &Path, count: usize) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for number in 0..count {
        let file = folder.join(format!("patch-{number:05}.yaml"));
        std::fs::write(&file, document(number))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

struct Parts {
    scope: String,
    rules: String,
    exploit: String,
    benign: String,
}

fn document(number: usize) -> String {
    let Parts {
        scope,
        rules,
        exploit,
        benign,
    } = match number {
        0 => on_the_route(
            "- allow: { where: [query.page], type: integer, max-length: 6 }\n  - deny: { where: [json.note], when: sql-injection }",
            "\"/api/orders?page=x\"",
        ),
        1 => on_the_route(
            "- deny: { where: [query, header.User-Agent], when: jndi }\n  - deny: { where: [json], when: { contains: \"__proto__\" } }",
            "\"/api/orders?page=${jndi:ldap://x/a}\"",
        ),
        2 => on_the_route(
            "- deny: { where: [query.sort], when: { regex: \"(?i)sleep\\\\s*\\\\(|benchmark\\\\s*\\\\(\" } }\n  - allow: { where: [json.total], type: number }",
            "\"/api/orders?sort=sleep(9)\"",
        ),
        _ => elsewhere(number),
    };
    format!(
        "stopgap: 1\nid: CVE-2026-{number:05}\ntitle: flaw {number} of a plugin\nseverity: high\n\
         vulnerability: {{ cwe: [CWE-20], affects: [\"pkg:generic/plugin-{number}@<2.{}\"], fixed_in: \"2.{}\" }}\n\
         reason: third-party\nowner: team-{}@example.org\nexpires: 2027-06-30\nscope: {scope}\nrules:\n  {rules}\n\
         cases:\n  exploit: [{{ name: attack, request: {exploit} }}]\n  benign: [{{ name: usual, request: {benign} }}]\n",
        number % 90 + 1,
        number % 90 + 1,
        number % 37,
    )
}

fn on_the_route(rules: &str, exploit: &str) -> Parts {
    Parts {
        scope: "{ methods: [GET, POST], path: { exact: /api/orders } }".to_owned(),
        rules: rules.to_owned(),
        exploit: format!("{{ path: {exploit} }}"),
        benign: "{ path: \"/api/orders?page=2\" }".to_owned(),
    }
}

fn elsewhere(number: usize) -> Parts {
    let plugin = format!("/plugins/p{number}");
    let get = |query: &str| format!("{{ path: \"{plugin}/view{query}\" }}");
    let scope = match number % 4 {
        0 => format!("{{ path: {{ exact: [{plugin}/view, {plugin}/edit] }} }}"),
        1 => format!("{{ methods: [GET, POST], path: {{ prefix: {plugin}/ }} }}"),
        2 => format!("{{ path: {{ suffix: /p{number}/view }} }}"),
        _ => format!("{{ apps: [\"*\"], path: {{ prefix: [{plugin}/, /old/p{number}/] }} }}"),
    };
    let json = |value: &str| {
        format!("{{ path: {plugin}/view, json: {{ item{number}: {{ name: \"{value}\" }} }} }}")
    };
    let (rules, exploit, benign) = match number % 10 {
        0 => (
            format!("- allow: {{ where: [query.id{number}], type: integer, max-length: 9 }}"),
            get(&format!("?id{number}=1x")),
            get(&format!("?id{number}=12")),
        ),
        1 => (
            "- deny: { where: [query.q, form.q], when: sql-injection }".to_owned(),
            get("?q=%27%20UNION%20SELECT%20password%20FROM%20users--"),
            get("?q=shoes"),
        ),
        2 => (
            format!("- deny: {{ where: [query.file{number}], when: {{ traversal: absolute }} }}"),
            get(&format!("?file{number}=../../etc/passwd")),
            get(&format!("?file{number}=a.txt")),
        ),
        3 => (
            format!(
                "- deny: {{ where: [header.X-Plugin], when: {{ regex: \"(?i)cmd{number}[a-z]*=(eval|exec|system)\\\\b\" }} }}"
            ),
            format!("{{ path: {plugin}/view, headers: {{ X-Plugin: cmd{number}=eval }} }}"),
            format!("{{ path: {plugin}/view, headers: {{ X-Plugin: cmd{number}=list }} }}"),
        ),
        4 => (
            format!(
                "- allow: {{ where: [json.item{number}.name], charset: \"A-Za-z0-9 _-\", max-length: 64 }}"
            ),
            json("<script>"),
            json("Garden chair"),
        ),
        5 => (
            "- deny: { where: [query.text, form.text], when: xss }".to_owned(),
            get("?text=%3Cscript%3Ealert(1)%3C/script%3E"),
            get("?text=hello"),
        ),
        6 => (
            format!("- deny: {{ where: [cookie.prefs{number}], when: {{ longer-than: 200 }} }}"),
            format!(
                "{{ path: {plugin}/view, cookies: {{ prefs{number}: {} }} }}",
                "a".repeat(201)
            ),
            format!("{{ path: {plugin}/view, cookies: {{ prefs{number}: dark }} }}"),
        ),
        7 => (
            format!("- deny: {{ where: [query.host{number}], when: command-injection }}"),
            get(&format!("?host{number}=a;cat%20/etc/passwd")),
            get(&format!("?host{number}=example.org")),
        ),
        8 => (
            format!(
                "- allow: {{ where: [query.mode], enum: [list, grid, table{number}] }}\n  - strip: {{ query: debug{number} }}"
            ),
            get("?mode=raw"),
            get("?mode=grid"),
        ),
        _ => (
            format!(
                "- deny: {{ where: [json.item{number}.name], when: {{ contains-any: [\"{{{{\", \"${{t{number}\"] }} }}"
            ),
            json("{{7*7}}"),
            json("Garden chair"),
        ),
    };
    Parts {
        scope,
        rules,
        exploit,
        benign,
    }
}
