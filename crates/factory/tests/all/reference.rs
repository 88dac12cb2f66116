//! The pages of importers say what they do.

const HEAD: &str = "# Patches of nuclei templates

`stopgap patch import nuclei PATH… --out DIR` reads templates of version 2 and 3 of the syntax.

- Only `http` (`requests`) is read. A template that has none is rejected with the protocol
  that it speaks.
- Fuzzing rules (`fuzzing`) are put into the requests that the template names, each payload at each place that a rule
  means, and each such request is an exploit. A template that fuzzes only what is handed to the scanner names no
  endpoint and is rejected.
- Raw requests of one block are sent one after the other; each path of a block is an exploit
  by itself. A flow says in which order the blocks come. Its conditions are evaluated where
  they are known: texts, numbers, the template's `constants`, what the flow declares and does
  not change. What answers decide (`http(1)`, what was extracted) may come out either way, so
  that both ways are taken: `if` and `else`, `||`, `? :` are ways beside each other. What no answer
  leads to is left out and stands at the top of the patch.
- Every combination of payloads is rendered, up to the limit `exploits`; payloads in files of
  the scanner's are not. What is left out stands at the top of the patch.
- What nobody defines is made up: call-back hosts, random words, what a user gives, what an
  earlier answer gave. Everything is rendered twice, with other chance, and the patch must
  stop both, so that no rule holds what the scanner made up.
- Expressions that name no variable and no function are sent as they stand: `{{7*7}}` is for
  the target to evaluate.

## Helper functions

Underscores and capitals in names do not count. Everything that is random follows from the
template's id, so that what is imported twice is the same twice.

| Function | Gives |
|---|---|
";

#[test]
fn the_page_of_templates_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/nuclei.md");
    let mut page = HEAD.to_owned();
    for (name, summary) in factory::import::nuclei::functions() {
        page.push_str(&format!("| `{name}` | {summary} |\n"));
    }
    if std::env::var_os("STOPGAP_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/nuclei.md is not current; run STOPGAP_WRITE_DOCS=1 cargo test -p factory --test all reference"
    );
}

#[test]
fn the_page_of_importers_names_each_as_it_names_itself() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/import.md");
    let page = std::fs::read_to_string(path).unwrap();
    for importer in factory::import::importers() {
        let suffixes = importer.suffixes.join(", ");
        let row = format!(
            "| `{}` | {} | {suffixes} |",
            importer.kind, importer.summary
        );
        assert!(page.contains(&row), "docs/import.md needs the row {row}");
    }
}
