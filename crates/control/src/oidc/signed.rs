//! Signed texts of a provider (JWS, RFC 7515), and the keys that it publishes (JWK, RFC 7517).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde::Deserialize;
use serde_json::Value;

/// Why a text does not count.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unsigned {
    /// None of the keys has signed it; the provider may have others by now.
    NoKey,
    /// It never will.
    Bad(&'static str),
}

/// The keys that a provider signs with.
pub(super) struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    /// The only algorithm that it is for.
    algorithm: Option<String>,
    material: Material,
}

enum Material {
    Rsa(RsaPublicKeyComponents<Vec<u8>>),
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A key as it is published; what it has more is of no use here.
#[derive(Deserialize)]
struct Published {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    /// What must be understood: nothing is.
    crit: Option<Value>,
}

impl Keys {
    /// Of a set of keys; those of a kind that is not known are left out.
    pub(super) fn read(set: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(set).map_err(|why| why.to_string())?;
        let keys = set.keys.into_iter();
        let known = keys.filter_map(|key| serde_json::from_value(key).ok().and_then(Key::of));
        Ok(Self(known.collect()))
    }

    /// What a text says that one of these keys has signed.
    pub(super) fn open(&self, text: &str) -> Result<Value, Unsigned> {
        let bad = || Unsigned::Bad("it is no signed text");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(bad)?;
        let (head, claims) = signed.split_once('.').ok_or_else(bad)?;
        let read = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| bad());
        let (signature, claims) = (read(signature)?, read(claims)?);
        let head: Head = serde_json::from_slice(&read(head)?).map_err(|_| bad())?;
        if head.crit.is_some() {
            return Err(Unsigned::Bad(
                "it has critical parts, of which none is known",
            ));
        }
        if !ALGORITHMS.contains(&head.alg.as_str()) {
            return Err(Unsigned::Bad("its algorithm is not one of public keys"));
        }
        let fits = |key: &&Key| {
            let named = head.kid.is_none() || key.id == head.kid;
            named && key.algorithm.as_ref().is_none_or(|it| *it == head.alg)
        };
        let mut fitting = self.0.iter().filter(fits);
        if !fitting.any(|key| key.has_signed(&head.alg, signed.as_bytes(), &signature)) {
            return Err(Unsigned::NoKey);
        }
        serde_json::from_slice(&claims).map_err(|_| bad())
    }
}

/// Those of public keys, by their names in RFC 7518, RFC 8037 and RFC 9864.
const ALGORITHMS: [&str; 10] = [
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA", "Ed25519",
];

impl Key {
    fn of(key: Published) -> Option<Self> {
        if key.usage.is_some_and(|usage| usage != "sig") {
            return None;
        }
        let bytes = |part: Option<String>| URL_SAFE_NO_PAD.decode(part?).ok();
        // Uncompressed, as SEC 1 has it.
        let point = |x: Vec<u8>, y: Vec<u8>| [vec![4], x, y].concat();
        let material = match (key.kty.as_str(), key.crv.as_deref()) {
            ("RSA", _) => Material::Rsa(RsaPublicKeyComponents {
                n: bytes(key.n)?,
                e: bytes(key.e)?,
            }),
            ("EC", Some("P-256")) => Material::P256(point(bytes(key.x)?, bytes(key.y)?)),
            ("EC", Some("P-384")) => Material::P384(point(bytes(key.x)?, bytes(key.y)?)),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes(key.x)?),
            _ => return None,
        };
        Some(Self {
            id: key.kid,
            algorithm: key.alg,
            material,
        })
    }

    fn has_signed(&self, algorithm: &str, message: &[u8], signature: &[u8]) -> bool {
        let rsa = |key: &RsaPublicKeyComponents<Vec<u8>>, with: &'static RsaParameters| {
            key.verify(with, message, signature).is_ok()
        };
        let curve = |key: &[u8], with: &'static dyn VerificationAlgorithm| {
            let key = UnparsedPublicKey::new(with, key);
            key.verify(message, signature).is_ok()
        };
        match (&self.material, algorithm) {
            (Material::Rsa(key), "RS256") => rsa(key, &RSA_PKCS1_2048_8192_SHA256),
            (Material::Rsa(key), "RS384") => rsa(key, &RSA_PKCS1_2048_8192_SHA384),
            (Material::Rsa(key), "RS512") => rsa(key, &RSA_PKCS1_2048_8192_SHA512),
            (Material::Rsa(key), "PS256") => rsa(key, &RSA_PSS_2048_8192_SHA256),
            (Material::Rsa(key), "PS384") => rsa(key, &RSA_PSS_2048_8192_SHA384),
            (Material::Rsa(key), "PS512") => rsa(key, &RSA_PSS_2048_8192_SHA512),
            (Material::P256(key), "ES256") => curve(key, &ECDSA_P256_SHA256_FIXED),
            (Material::P384(key), "ES384") => curve(key, &ECDSA_P384_SHA384_FIXED),
            (Material::Ed25519(key), "EdDSA" | "Ed25519") => curve(key, &ED25519),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, A.2 and A.3, and RFC 8037, A.4: the key and the signed text.
    const EXAMPLES: [(&str, &str); 3] = [
        (
            r#"{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}"#,
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
            "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ];

    fn keys(keys: &str) -> Keys {
        Keys::read(format!(r#"{{"keys":[{keys}]}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn the_examples_of_the_specifications_are_signed_by_their_keys_alone() {
        for (at, (key, text)) in EXAMPLES.iter().enumerate() {
            let opened = keys(key).open(text);
            match at {
                // What it says is no JSON; whether its key has signed it was asked before.
                2 => assert!(matches!(opened, Err(Unsigned::Bad(_)))),
                _ => assert_eq!(opened.unwrap()["iss"], "joe"),
            }
            let (signed, signature) = text.rsplit_once('.').unwrap();
            let altered = format!("{signed}.{}", signature.replacen('c', "d", 1));
            let altered = if altered == *text {
                format!("{signed}.AAAA")
            } else {
                altered
            };
            assert_eq!(keys(key).open(&altered), Err(Unsigned::NoKey), "{at}");
            for (other, _) in EXAMPLES.iter().filter(|(it, _)| it != key) {
                assert_eq!(keys(other).open(text), Err(Unsigned::NoKey), "{at}");
            }
            for restricted in [r#","use":"enc""#, r#","alg":"PS512""#] {
                let key = key.replace(r#","e":"#, &format!(r#"{restricted},"e":"#));
                let key = key.replace(r#","crv":"#, &format!(r#"{restricted},"crv":"#));
                assert_eq!(keys(&key).open(text), Err(Unsigned::NoKey), "{key}");
            }
        }
    }
}
