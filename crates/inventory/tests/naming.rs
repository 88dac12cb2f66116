//! Which asset a host is that could not find out its whole name.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use inventory::{Named, Options, importers};

/// What settles of an import by what is known, with `ID=ADDRESS` for each; of what is left out, why.
fn settled(hosts: &[&str], asset: Option<&str>, known: &[&str]) -> Vec<Result<String, String>> {
    let mut importers = importers().iter();
    let importer = importers.find(|it| it.kind == "collection").unwrap();
    let taken = |hostname: &&str| {
        let text = format!("@@ stopgap-collection 1\n@@ hostname\n{hostname}@@ end\n");
        let options = Options {
            asset: asset.map(str::to_owned),
            ..Options::default()
        };
        let found = importer.import(&text, "s", &options).unwrap();
        found.into_iter().next().unwrap()
    };
    let known = known.iter().map(|it| {
        let (id, address) = it.split_once('=').unwrap();
        Named::new(id, Some(address))
    });
    let known: Vec<_> = known.collect();
    let (sure, unsure) = inventory::settled(hosts.iter().map(taken).collect(), &known);
    let sure = sure.into_iter().map(|it| Ok(it.asset.id));
    sure.chain(unsure.into_iter().map(|it| Err(it.why)))
        .collect()
}

#[test]
fn a_host_that_cannot_tell_its_whole_name_stays_the_asset_that_it_is() {
    let known = [
        "web-1.a=10.0.0.1",
        "db.a=10.0.0.2",
        "db.b=10.0.0.3",
        "mail=mail.example",
        "mail.a=10.0.0.4",
        "name.a=name.a",
        "all.a=127.0.0.1",
        "six.a=fd00::5",
        "twin.a=10.0.0.6",
        "twin.b=10.0.0.6",
    ];
    for (host, expected) in [
        (" web-1.a\n", Ok("web-1.a")),
        (" web-1\n", Ok("web-1")),
        (
            " web-1\n @short\n@@ addresses\n 127.0.0.1\n 10.0.0.1\n",
            Ok("web-1.a"),
        ),
        (
            " \n @ended hostname\n web-1\n@@ addresses\n 10.0.0.1\n",
            Ok("web-1.a"),
        ),
        (
            " web-1\n @short\n@@ addresses\n 10.0.0.10\n",
            Err("may be web-1.a"),
        ),
        (
            " web-1\n @short\n@@ addresses\n @ended ip\n",
            Err("may be web-1.a"),
        ),
        (" web-1\n @short\n", Err("may be web-1.a")),
        (
            " name\n @short\n@@ addresses\n 10.0.0.9\n",
            Err("may be name.a"),
        ),
        (
            " all\n @short\n@@ addresses\n 127.0.0.1\n",
            Err("may be all.a"),
        ),
        (" six\n @short\n@@ addresses\n fd00:0::5\n", Ok("six.a")),
        (" mail\n @short\n", Ok("mail")),
        (" new\n @short\n@@ addresses\n 10.0.0.1\n", Ok("new")),
        (" web-1.c\n @short\n", Ok("web-1.c")),
        (" db\n @short\n", Err("may be db.a or db.b")),
        (" db\n @short\n@@ addresses\n 10.0.0.3\n", Ok("db.b")),
        (
            " twin\n @short\n@@ addresses\n 10.0.0.6\n",
            Err("may be twin.a or twin.b"),
        ),
    ] {
        match (settled(&[host], None, &known).remove(0), expected) {
            (Ok(id), Ok(expected)) => assert_eq!(id, expected, "{host}"),
            (Err(why), Err(middle)) => {
                let end = format!("{middle}: import it by itself with --asset NAME");
                assert!(why.ends_with(&end), "{why}");
            }
            (other, _) => panic!("{host}: {other:?}"),
        }
    }
    let said = settled(&[" db\n @short\n"], Some("db"), &known);
    assert_eq!(said, [Ok("db".to_owned())]);
}

#[test]
fn a_short_name_is_none_of_the_assets_that_the_same_import_tells_of() {
    let short = " web\n @short\n@@ addresses\n 10.0.0.1\n";
    let why = |middle: &str| {
        let end = "import it by itself with --asset NAME";
        Err(format!(
            "web: it could not tell its whole name, and {middle}: {end}"
        ))
    };
    let ok = |id: &str| Ok(id.to_owned());
    for (hosts, known, expected) in [
        (
            &[" web.a\n", short][..],
            &[][..],
            vec![ok("web.a"), why("may be web.a")],
        ),
        (
            &[short, " web.a\n"],
            &["web.a=10.0.0.1"],
            vec![ok("web.a"), why("this import tells of web.a elsewhere too")],
        ),
        (
            &[" web.a\n", short],
            &["web.b=10.0.0.1"],
            vec![ok("web.a"), ok("web.b")],
        ),
        (
            &[short, short],
            &[],
            vec![why("this import tells of web elsewhere too"); 2],
        ),
        (
            &[short, " web\n"],
            &["web=10.0.0.1"],
            vec![ok("web"), why("this import tells of web elsewhere too")],
        ),
    ] {
        assert_eq!(settled(hosts, None, known), expected, "{hosts:?}");
    }
}
