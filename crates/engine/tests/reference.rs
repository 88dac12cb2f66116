//! `docs/seclang.md` is what the registries say.

#[test]
fn the_reference_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/seclang.md");
    let page = engine::reference();
    if std::env::var_os("STOPGAP_WRITE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        written == page,
        "docs/seclang.md is not current; run STOPGAP_WRITE_DOCS=1 cargo test -p engine --test reference"
    );
}
