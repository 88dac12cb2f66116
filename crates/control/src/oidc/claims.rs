//! What a provider says of somebody, and when that counts (OpenID Connect Core 1.0, 3.1.3.7).

use serde_json::Value;

/// Who has asked, for whom, and when.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now_ms: i64,
    /// How far the provider's clock may be off.
    pub(super) skew_ms: i64,
}

impl Expected<'_> {
    /// Why the claims do not count, for people.
    pub(super) fn check(&self, claims: &Value) -> Result<(), String> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("iss") != Some(self.issuer) {
            return Err(format!("it is not of {}", self.issuer));
        }
        let audience = match claims.get("aud") {
            Some(Value::Array(all)) if all.len() == 1 => all.first(),
            other => other,
        };
        let is_client = |named: Option<&Value>| named.and_then(Value::as_str) == Some(self.client);
        if !is_client(audience) {
            return Err(format!("it is not for {} alone", self.client));
        }
        let party = claims.get("azp");
        if party.is_some() && !is_client(party) {
            return Err("it was given to somebody else".to_owned());
        }
        if text("nonce") != Some(self.nonce) {
            return Err("it is not the answer to this sign-in".to_owned());
        }
        if text("sub").is_none_or(str::is_empty) {
            return Err("it does not say of whom it is".to_owned());
        }
        let skew_ms = self.skew_ms;
        let expires_ms = time(claims, "exp")?.ok_or("it does not say when it ends")?;
        if expires_ms.saturating_add(skew_ms) <= self.now_ms {
            return Err("it has ended".to_owned());
        }
        let latest_ms = self.now_ms.saturating_add(skew_ms);
        let issued_ms = time(claims, "iat")?.ok_or("it does not say when it was issued")?;
        let begins_ms = time(claims, "nbf")?.unwrap_or(issued_ms);
        if issued_ms.max(begins_ms) > latest_ms {
            return Err("it counts only later: is a clock wrong?".to_owned());
        }
        Ok(())
    }
}

/// Seconds since 1970, with a fraction or not, in milliseconds.
fn time(claims: &Value, name: &str) -> Result<Option<i64>, String> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_f64().filter(|it| (0.0..1e12).contains(it));
    let seconds = seconds.ok_or_else(|| format!("its {name} is no time"))?;
    #[expect(clippy::cast_possible_truncation, reason = "it is within bounds")]
    let ms = (seconds * 1000.0) as i64;
    Ok(Some(ms))
}

/// A claim by its name, or by where it is: `/realm_access/roles`.
pub(super) fn claim<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    match name.starts_with('/') {
        true => claims.pointer(name),
        false => claims.get(name),
    }
}

/// Whether a claim is this text, or a list that holds it.
pub(super) fn holds(claim: &Value, text: &str) -> bool {
    match claim {
        Value::Array(all) => all.iter().any(|each| each.as_str() == Some(text)),
        other => other.as_str() == Some(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const EXPECTED: Expected<'_> = Expected {
        issuer: "https://login.example",
        client: "stopgap",
        nonce: "n",
        now_ms: 1_000_000_000,
        skew_ms: 60_000,
    };

    #[test]
    fn claims_count_for_this_sign_in_and_in_their_time() {
        let good = json!({
            "iss": "https://login.example", "aud": "stopgap", "azp": "stopgap", "nonce": "n", "sub": "1",
            "exp": 1_000_300, "iat": 1_000_000,
        });
        // What is said otherwise, and what becomes of it; nothing: it counts.
        let cases = [
            (json!({}), ""),
            (json!({ "aud": ["stopgap"] }), ""),
            (json!({ "azp": null }), "given to somebody else"),
            (json!({ "iss": "https://login.example/" }), "not of"),
            (json!({ "iss": null }), "not of"),
            (json!({ "aud": "other" }), "not for stopgap"),
            (
                json!({ "aud": ["stopgap", "other"] }),
                "not for stopgap alone",
            ),
            (json!({ "aud": [] }), "not for stopgap"),
            (json!({ "azp": "other" }), "given to somebody else"),
            (json!({ "nonce": "m" }), "not the answer"),
            (json!({ "nonce": null }), "not the answer"),
            (json!({ "sub": "" }), "of whom"),
            (json!({ "sub": 7 }), "of whom"),
            (json!({ "exp": 999_941, "iat": 999_000 }), ""),
            (json!({ "exp": 999_940 }), "has ended"),
            (json!({ "exp": "1000300" }), "no time"),
            (json!({ "exp": null }), "no time"),
            (json!({ "exp": 1e300 }), "no time"),
            (json!({ "iat": 1_000_060 }), ""),
            (json!({ "iat": 1_000_061 }), "only later"),
            (json!({ "nbf": 1_000_061 }), "only later"),
        ];
        for (change, why) in cases {
            let mut claims = good.clone();
            for (name, value) in change.as_object().unwrap() {
                claims[name] = value.clone();
            }
            let outcome = EXPECTED.check(&claims);
            match why {
                "" => assert_eq!(outcome, Ok(()), "{change}"),
                why => assert!(outcome.unwrap_err().contains(why), "{change}"),
            }
        }
        for missing in ["iss", "aud", "nonce", "sub", "exp", "iat"] {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(missing);
            assert!(EXPECTED.check(&claims).is_err(), "{missing}");
        }
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_its_place() {
        let claims = json!({
            "groups": ["a", "b"], "role": "a", "https://example/roles": ["c"],
            "realm_access": { "roles": ["d"] }, "number": 1,
        });
        for (name, text, there) in [
            ("groups", "b", true),
            ("groups", "ab", false),
            ("role", "a", true),
            ("https://example/roles", "c", true),
            ("/realm_access/roles", "d", true),
            ("number", "1", false),
        ] {
            let claim = claim(&claims, name).unwrap();
            assert_eq!(holds(claim, text), there, "{name}");
        }
        assert!(claim(&claims, "none").is_none());
    }
}
