//! What people sign in with: kept as Argon2id, which is slow for whoever guesses.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::secret::random;

/// A password has so many bytes at least.
const LEAST_BYTES: usize = 12;
/// A password has so many bytes at most.
const MOST_BYTES: usize = 256;
/// What is kept of it, in bytes.
const HASH_BYTES: usize = 32;

/// What the ledger keeps of a password: a PHC string of Argon2id.
///
/// # Errors
/// It is too short or too long, or the system gives no random bytes; for people.
pub fn hash_password(password: &str) -> Result<String, String> {
    if !(LEAST_BYTES..=MOST_BYTES).contains(&password.len()) {
        return Err(format!(
            "a password has {LEAST_BYTES} to {MOST_BYTES} bytes"
        ));
    }
    let salt = random().map_err(|why| format!("the system gives no random bytes: {why}"))?;
    let params = Params::default();
    let hash = derived(password, &salt, params.clone());
    let hash = hash.ok_or("the password cannot be hashed")?;
    Ok(format!(
        "$argon2id$v=19$m={},t={},p={}${}${}",
        params.m_cost(),
        params.t_cost(),
        params.p_cost(),
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash)
    ))
}

/// A password that nobody can guess.
pub(crate) fn make_password() -> std::io::Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random()?))
}

/// Whether somebody has shown the password of which this is kept; as slow if nobody is meant.
pub(crate) fn is_password(password: &str, kept: Option<&str>) -> bool {
    if password.len() > MOST_BYTES {
        return false;
    }
    match kept.and_then(read) {
        Some((params, salt, hash)) => {
            derived(password, &salt, params).is_some_and(|it| it[..] == hash[..])
        }
        None => {
            derived(password, &[0; 16], Params::default());
            false
        }
    }
}

fn derived(password: &str, salt: &[u8], params: Params) -> Option<[u8; HASH_BYTES]> {
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; HASH_BYTES];
    let derived = argon2.hash_password_into(password.as_bytes(), salt, &mut hash);
    derived.ok().map(|()| hash)
}

/// With what a password was hashed, and to what.
fn read(kept: &str) -> Option<(Params, Vec<u8>, Vec<u8>)> {
    let mut parts = kept.strip_prefix("$argon2id$v=19$")?.split('$');
    let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    let mut costs = costs.split(',');
    let mut cost = |name: &str| costs.next()?.strip_prefix(name)?.parse().ok();
    let params = Params::new(cost("m=")?, cost("t=")?, cost("p=")?, None).ok()?;
    let (salt, hash) = (STANDARD_NO_PAD.decode(salt), STANDARD_NO_PAD.decode(hash));
    Some((params, salt.ok()?, hash.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_read_as_other_programs_write_them() {
        // Of the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32`.
        let kept = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(is_password("password", Some(kept)));
        assert!(!is_password("Password", Some(kept)));
        for damaged in [
            "",
            "x",
            &kept[1..],
            &kept[..40],
            "$argon2id$v=19$m=0,t=0,p=0$$",
        ] {
            assert!(!is_password("password", Some(damaged)), "{damaged}");
        }
    }

    #[test]
    fn a_password_is_kept_in_another_form_each_time() {
        let [one, other] = [(); 2].map(|()| hash_password("correct horse battery").unwrap());
        assert_ne!(one, other);
        assert!(is_password("correct horse battery", Some(&one)));
        assert!(!is_password("correct horse batterY", Some(&one)));
        assert!(!is_password("correct horse battery", None));
        assert!(hash_password("too short").is_err());
        assert!(hash_password(&"long".repeat(65)).is_err());
    }
}
