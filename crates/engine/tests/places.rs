//! Rules ask where an address is.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "support/places.rs"]
mod database;

use proptest::prelude::*;

use engine::{Compiler, Flow, Limits, RequestHead, Resources};

struct Files;

impl Resources for Files {
    fn read(&self, name: &str, _: &str) -> Result<Vec<u8>, String> {
        match name {
            "places.mmdb" => Ok(database::one_city()),
            "places.dat" => Ok(b"GEO-106FREE".to_vec()),
            _ => Err(format!("{name} is not there")),
        }
    }
}

/// One file, whatever its name.
struct One(Vec<u8>);

impl Resources for One {
    fn read(&self, _: &str, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.0.clone())
    }
}

fn passes(rules: &str, address: &str) -> Result<bool, String> {
    passes_with(rules, address, &Files)
}

/// Whether a request with this address in a header passes the rules; why not, if they are wrong.
fn passes_with(rules: &str, address: &str, files: &dyn Resources) -> Result<bool, String> {
    let rules = seclang::parse("rules.conf", rules, &seclang::Limits::default()).unwrap();
    let mut passes = Vec::new();
    for plainly in [false, true] {
        let compiler = Compiler::new(std::slice::from_ref(&rules), Limits::default(), files);
        let plan = compiler.and_then(|compiler| match plainly {
            true => compiler.plainly().finish(),
            false => compiler.finish(),
        });
        let plan = plan.map_err(|why| why.to_string())?;
        let headers = vec![("x-address".to_owned(), address.to_owned())];
        let head = RequestHead::new(b"GET", b"/", &headers);
        passes.push(plan.begin().request_head(&head) == Flow::Continue);
    }
    assert_eq!(passes[0], passes[1]);
    Ok(passes[0])
}

const LOOK_UP: &str = "SecGeoLookupDb places.mmdb
SecRule REQUEST_HEADERS:x-address \"@geoLookup\" \"id:1,phase:1,pass,nolog\"
";

#[test]
fn an_address_is_found_in_its_network() {
    let rules = LOOK_UP.replace("pass", "deny");
    for (address, known) in [
        ("192.0.2.1", true),
        ("192.0.2.255", true),
        ("::ffff:192.0.2.7", true),
        ("192.0.3.1", false),
        ("2001:db8:ffff::1", true),
        ("2001:db9::1", false),
        ("192.0.2", false),
        ("localhost", false),
        ("", false),
    ] {
        assert_eq!(passes(&rules, address), Ok(!known), "{address}");
        let negated = rules.replace("@geo", "!@geo");
        assert_eq!(passes(&negated, address), Ok(known), "not {address}");
    }
}

#[test]
fn geo_tells_the_place_that_was_found() {
    for (name, value) in [
        ("COUNTRY_CODE", "CH"),
        ("COUNTRY_NAME", "Switzerland"),
        ("COUNTRY_CONTINENT", "EU"),
        ("REGION", "VD"),
        ("CITY", "Lausanne"),
        ("POSTAL_CODE", "1000"),
        ("LATITUDE", "46.5"),
        ("LONGITUDE", "-6.625"),
    ] {
        let rule = format!("SecRule GEO:{name} \"@streq {value}\" \"id:2,phase:1,deny\"");
        let rules = format!("{LOOK_UP}{rule}");
        assert_eq!(passes(&rules, "192.0.2.1"), Ok(false), "{name}");
        assert_eq!(passes(&rules, "192.0.3.1"), Ok(true), "{name}");
    }
    let all = format!("{LOOK_UP}SecRule &GEO \"@eq 8\" \"id:2,phase:1,deny\"");
    assert_eq!(passes(&all, "2001:db8::1"), Ok(false));
}

/// What a chain has looked up stays known, also where a later link does not match.
#[test]
fn a_chain_asks_though_it_does_not_match() {
    let rules = "SecGeoLookupDb places.mmdb
SecRule REQUEST_HEADERS:x-address \"@geoLookup\" \"id:1,phase:1,deny,chain\"
    SecRule REQUEST_HEADERS:x-other \"@streq a\"
SecRule GEO:COUNTRY_CODE \"@streq CH\" \"id:2,phase:1,deny\"
";
    assert_eq!(passes(rules, "192.0.2.1"), Ok(false));
    assert_eq!(passes(rules, "192.0.3.1"), Ok(true));
}

#[test]
fn without_a_database_the_rules_are_wrong() {
    let rule = "SecRule REQUEST_HEADERS:x-address \"@geoLookup\" \"id:1,phase:1,deny\"\n";
    for (before, why) in [
        ("", "name one with SecGeoLookupDb before this rule"),
        ("SecGeoLookupDb\n", "takes 1 argument, not 0"),
        ("SecGeoLookupDb gone.mmdb\n", "gone.mmdb is not there"),
        ("SecGeoLookupDb places.dat\n", "places.dat is no database"),
    ] {
        let told = passes(&format!("{before}{rule}"), "").unwrap_err();
        assert!(told.contains(why), "{told}");
    }
}

proptest! {
    /// What the damaged file then says is not ours to judge; it says it without a panic.
    #[test]
    fn a_damaged_database_does_no_harm(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        end in any::<prop::sample::Index>(),
    ) {
        let mut bytes = database::one_city();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len().min(end.index(2 * bytes.len())));
        let rules = format!("{LOOK_UP}SecRule GEO \"@rx .\" \"id:2,phase:1,deny\"");
        let files = One(bytes);
        for address in ["192.0.2.1", "2001:db8::1", "::"] {
            // A database that is refused is an error, and no more.
            let _: Result<bool, String> = passes_with(&rules, address, &files);
        }
    }
}
