//! How the ledger's place is named and reached.

use std::os::unix::fs::PermissionsExt;

use store::{Limits, Location, Store};

use crate::cluster;

fn outcome(url: &str) -> Result<(), String> {
    let location = Location::url(url).map_err(|why| why.to_string())?;
    Store::open(&location, Limits::default())
        .map(drop)
        .map_err(|why| why.to_string())
}

#[test]
fn a_ledger_in_a_folder_is_for_its_owner_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("a/b");
    Store::open(&Location::folder(&data), Limits::default()).unwrap();
    let mode =
        |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("ledger.sqlite")), 0o600);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let location = Location::folder(&file.path().join("x"));
    let why = Store::open(&location, Limits::default())
        .err()
        .unwrap()
        .to_string();
    assert!(why.contains(&file.path().display().to_string()), "{why}");
}

#[test]
fn what_is_no_url_of_postgresql_is_told() {
    for url in ["", "mysql://a/b", "ledger.sqlite", "postgres://a:b:c/d"] {
        assert!(outcome(url).is_err(), "{url}");
    }
    assert!(
        outcome("mysql://a/b")
            .unwrap_err()
            .contains("postgres://user@host/database")
    );
}

#[test]
fn the_servers_certificate_is_verified() {
    let cluster = cluster::cluster();
    cluster::database();
    let (port, folder) = (cluster.port, cluster.folder.display());
    let at = |host: &str, query: &str| {
        outcome(&format!("postgres://stopgap@{host}:{port}/ledger0?{query}"))
    };
    assert_eq!(
        at("localhost", &format!("sslrootcert={folder}/server.pem")),
        Ok(())
    );
    assert_eq!(
        at(
            "127.0.0.1",
            &format!("sslmode=require&sslrootcert={folder}/server.pem")
        ),
        Ok(())
    );
    // Nobody known has signed it.
    let why = at("localhost", "sslmode=require").unwrap_err();
    assert!(why.contains("certificate"), "{why}");
    let why = at("localhost", "sslrootcert=/none.pem").unwrap_err();
    assert!(why.contains("/none.pem"), "{why}");
    // On this machine TLS may be left out.
    assert_eq!(at("localhost", ""), Ok(()));
}

#[test]
fn tls_is_demanded_of_other_machines() {
    // Reached on this machine, by an address that the URL's host does not tell.
    let port = cluster::cluster().port;
    let url = format!("postgres://stopgap@db.example:{port}/postgres?hostaddr=127.0.0.1");
    let why = outcome(&url).unwrap_err();
    assert!(why.contains("certificate"), "{why}");
    let plain = outcome(&format!("{url}&sslmode=disable"));
    assert_eq!(plain, Ok(()));
}
