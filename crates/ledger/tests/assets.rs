//! What an asset may say of itself.

use ledger::{Asset, AssetKind, Limits, Software};

#[test]
fn an_asset_of_an_earlier_release_is_read_as_it_is() {
    let text = r#"{"id":"db-1","title":"db","kind":"server","environment":"production",
        "criticality":"high","owner":"dba"}"#;
    let asset: Asset = serde_json::from_str(text).unwrap();
    assert_eq!(asset.owner.as_deref(), Some("dba"));
    assert!(asset.check(&Limits::default()).is_ok());
}

#[test]
fn what_nobody_told_of_an_asset_is_absent() {
    let asset = Asset::new("pc-1", AssetKind::Workstation);
    assert_eq!(
        serde_json::to_string(&asset).unwrap(),
        r#"{"id":"pc-1","title":"pc-1","kind":"workstation"}"#
    );
}

#[test]
fn software_beyond_a_limit_is_refused() {
    let software = Software {
        name: "a".to_owned(),
        version: "1".to_owned(),
        ..Software::default()
    };
    let asset = Asset {
        software: vec![software; 3],
        ..Asset::new("db-1", AssetKind::Server)
    };
    let check = |software, software_bytes| {
        let limits = Limits {
            software,
            software_bytes,
            ..Limits::default()
        };
        asset.check(&limits).map_err(|why| why.to_string())
    };
    assert_eq!(check(3, 6), Ok(()));
    let why = "software has 3 entries, 2 are allowed";
    assert_eq!(check(2, 6), Err(why.to_owned()));
    let why = "software has 6 bytes of text, 5 are allowed";
    assert_eq!(check(3, 5), Err(why.to_owned()));
}
