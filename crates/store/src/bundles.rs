//! Bundles, the newest first, and the documents that they name.

use ledger::bundle::{Entry, back, content, of, same};
use ledger::rollout::Stage;
use ledger::{Environment, KeyState, Rollout, SigningKey, VirtualPatch};
use wire::{Bundle, BundleMode, BundlePatch, PublicKey};

use crate::records::{parsed, written};
use crate::sql::{Connection, Row};
use crate::{Change, Error, Limits, Session, Stored};

/// Bundles of an environment that are kept, each with another content.
const KEPT: i64 = 20;
/// How far beyond the newest bundle a number may be that an ingress point has seen.
const AHEAD: u64 = 1_000_000;

/// A bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Where it is for.
    pub environment: Environment,
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub made_ms: i64,
    /// Until when ingress points take it.
    pub expires_ms: i64,
    /// The keys that it names, by their identifiers; the first has signed it.
    pub keys: Vec<String>,
    /// What it enforces.
    pub content: Vec<Entry>,
}

/// What a bundle is made with.
#[derive(Clone, Copy)]
pub struct Making<'a> {
    /// Where it is for.
    pub environment: Environment,
    /// The highest number that an ingress point says it has seen.
    pub seen: u64,
    /// How long ingress points may take it, in milliseconds.
    pub life_ms: i64,
    /// Signs it with the private part of a key.
    pub seal: &'a dyn Fn(&SigningKey, &Bundle) -> std::io::Result<Vec<u8>>,
}

/// How old the newest bundle is at least before a number that somebody has seen leads to another, in
/// milliseconds: whoever lies makes few.
const AHEAD_MS: i64 = 60 * 1000;

/// What is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Back {
    /// All that the newest bundle of an environment has changed.
    Environment(Environment),
    /// What was changed last of the patch that a rollout deploys, in the rollout's environment.
    Rollout(i64),
}

impl Session<'_> {
    /// The number of the last entry of the audit log: it rises with every change.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn last_change(&mut self) -> Result<i64, Error> {
        let row = self
            .connection
            .first("SELECT sequence FROM audit_head WHERE one = 1", &[])?;
        row.ok_or_else(|| Error::damaged("the audit log has no head"))?
            .integer(0)
    }

    /// The bundles that are kept of an environment, the newest first.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn bundles(&mut self, environment: Environment) -> Result<Vec<Made>, Error> {
        let rows = self.connection.query(
            "SELECT number, made_ms, expires_ms, keys, content FROM bundle
             WHERE environment = $1 ORDER BY number DESC",
            &[environment.name().into()],
        )?;
        rows.iter().map(|row| made(environment, row)).collect()
    }

    /// The newest bundle, as it is given out, and its number, if that is higher.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn sealed_bundle(
        &mut self,
        environment: Environment,
        after: u64,
    ) -> Result<Option<(u64, String)>, Error> {
        let row = self.connection.first(
            "SELECT number, sealed FROM bundle WHERE environment = $1 AND number > $2
             ORDER BY number DESC LIMIT 1",
            &[environment.name().into(), signed(after).into()],
        )?;
        row.map(|row| Ok((number(&row, 0)?, row.text(1)?.to_owned())))
            .transpose()
    }

    /// Whether a new bundle must be made: the newest says other than the rollouts or names other keys,
    /// half its time is over, or somebody has seen a higher number.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn bundle_is_due(
        &mut self,
        environment: Environment,
        seen: u64,
        now_ms: i64,
    ) -> Result<bool, Error> {
        let keys = self.signing_keys()?;
        let Some(newest) = self.newest_bundle(environment)? else {
            return Ok(true);
        };
        let content = content(environment, &self.deployed()?);
        Ok(!same(&newest.content, &content)
            || !newest.keys.iter().eq(keys.iter().map(|key| &key.id))
            || ahead(&newest, seen, now_ms)
            || now_ms >= newest.made_ms + (newest.expires_ms - newest.made_ms) / 2)
    }

    /// The keys that bundles name; the first signs.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn signing_keys(&mut self) -> Result<Vec<SigningKey>, Error> {
        let rows = self
            .connection
            .query("SELECT body FROM signing_key ORDER BY id", &[])?;
        let keys = rows.iter().map(|row| parsed(row.text(0)?));
        let mut keys: Vec<SigningKey> = keys.collect::<Result<_, Error>>()?;
        keys.sort_by_key(|key| key.state);
        Ok(keys)
    }

    /// Documents by their digests, as many of the first as have so many bytes, and at least one;
    /// those that are not there are left out.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn documents(&mut self, digests: &[String], bytes: usize) -> Result<Vec<String>, Error> {
        let (mut documents, mut sum) = (Vec::new(), 0);
        for digest in digests {
            let row = self.connection.first(
                "SELECT body FROM document WHERE digest = $1",
                &[digest.as_str().into()],
            )?;
            let Some(row) = row else { continue };
            let document = row.text(0)?;
            sum += document.len();
            if sum > bytes && !documents.is_empty() {
                break;
            }
            documents.push(document.to_owned());
        }
        Ok(documents)
    }

    /// The newest bundle of an environment.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn newest_bundle(&mut self, environment: Environment) -> Result<Option<Made>, Error> {
        let row = self.connection.first(
            "SELECT number, made_ms, expires_ms, keys, content FROM bundle
             WHERE environment = $1 ORDER BY number DESC LIMIT 1",
            &[environment.name().into()],
        )?;
        row.map(|row| made(environment, &row)).transpose()
    }

    /// Rollouts that have not ended, and whose documents are there.
    fn deployed(&mut self) -> Result<Vec<Rollout>, Error> {
        let rows = self.connection.query(
            "SELECT r.body FROM rollout r JOIN document d ON d.digest = r.digest
             WHERE r.stage <> 'retired' ORDER BY r.id",
            &[],
        )?;
        rows.iter().map(|row| parsed(row.text(0)?)).collect()
    }
}

impl Change<'_> {
    /// Makes a new bundle, if one is due.
    ///
    /// # Errors
    /// No key signs, it cannot be signed, or the database cannot be written.
    pub fn make_bundle(&mut self, making: &Making<'_>) -> Result<Option<Made>, Error> {
        let (environment, now_ms) = (making.environment, self.now_ms());
        if !self.bundle_is_due(environment, making.seen, now_ms)? {
            return Ok(None);
        }
        let keys = self.signing_keys()?;
        let signer = keys.first().filter(|key| key.state == KeyState::Signs);
        let signer = signer.ok_or_else(|| Error::missing("key that signs bundles"))?;
        let newest = self.newest_bundle(environment)?;
        let before = newest.as_ref();
        let seen = before.filter(|newest| ahead(newest, making.seen, now_ms));
        let least = seen.map_or(0, |_| signed(making.seen));
        let row = self.connection.first(
            "UPDATE numbers SET last = CASE WHEN last < $1 THEN $2 ELSE last END + 1
             WHERE name = $3 RETURNING last",
            &[least.into(), least.into(), series(environment).into()],
        )?;
        let row = row.ok_or_else(|| Error::damaged("bundles have no numbers"))?;
        let made = Made {
            environment,
            number: number(&row, 0)?,
            made_ms: now_ms,
            expires_ms: now_ms.saturating_add(making.life_ms),
            keys: keys.iter().map(|key| key.id.clone()).collect(),
            content: content(environment, &self.deployed()?),
        };
        let sealed = (making.seal)(signer, &bundle(&made, &keys)?);
        let sealed = sealed.map_err(|why| Error::refused(format!("a bundle is not signed: {why}")));
        let sealed = String::from_utf8(sealed?).map_err(|why| Error::damaged(why.to_string()))?;
        // One with the same content is renewed by this one, and has no other use.
        if let Some(newest) = before.filter(|newest| same(&newest.content, &made.content)) {
            self.connection.execute(
                "DELETE FROM bundle WHERE environment = $1 AND number = $2",
                &[environment.name().into(), signed(newest.number).into()],
            )?;
        }
        let values = [
            environment.name().into(),
            signed(made.number).into(),
            made.made_ms.into(),
            made.expires_ms.into(),
            written(&made.keys)?.into(),
            written(&made.content)?.into(),
            sealed.into(),
        ];
        self.connection.execute(
            "INSERT INTO bundle (environment, number, made_ms, expires_ms, keys, content, sealed)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            &values,
        )?;
        self.connection.execute(
            "DELETE FROM bundle WHERE environment = $1 AND number NOT IN
             (SELECT number FROM bundle WHERE environment = $2 ORDER BY number DESC LIMIT $3)",
            &[
                environment.name().into(),
                environment.name().into(),
                KEPT.into(),
            ],
        )?;
        let detail = serde_json::json!({
            "number": made.number, "patches": made.content.len(), "keys": made.keys,
            "expires_ms": made.expires_ms,
        });
        let subject = format!("bundle/{environment}");
        self.note("bundle.make", &subject, &detail.to_string())?;
        Ok(Some(made))
    }

    /// Leads rollouts back to where they were in the bundle before; the next bundle says so.
    /// Gives those that have changed.
    ///
    /// # Errors
    /// There is no bundle before, or a patch would have to leave the test environment while it is used
    /// in production.
    pub fn roll_back(&mut self, what: Back) -> Result<Vec<Stored<Rollout>>, Error> {
        let (environment, patch) = match what {
            Back::Environment(environment) => (environment, None),
            Back::Rollout(id) => {
                let rollout = self.rollout(id)?.value;
                (rollout.environment, Some(rollout.patch))
            }
        };
        let patch = patch.as_deref();
        let deployed = self.deployed()?;
        let now = content(environment, &deployed);
        let differs = |made: &Made| match patch {
            None => !same(&made.content, &now),
            Some(patch) => {
                let entries = [of(&made.content, patch), of(&now, patch)];
                let entries = entries.map(|entry| entry.cloned().into_iter().collect::<Vec<_>>());
                !same(&entries[0], &entries[1])
            }
        };
        let before = self.bundles(environment)?.into_iter().find(differs);
        let before = before.ok_or_else(|| {
            Error::refused(format!(
                "no bundle is kept of {environment} that was other than the present one"
            ))
        })?;
        let mut rollouts = deployed;
        for entry in &before.content {
            if !rollouts.iter().any(|rollout| rollout.id == entry.rollout) {
                rollouts.push(self.rollout(entry.rollout)?.value);
            }
        }
        let why = format!("rolled back to bundle {}", before.number);
        let by = (why.as_str(), self.now_ms());
        let next = back(environment, &rollouts, &before.content, patch, by)?;
        let mut changed = Vec::new();
        for rollout in next {
            let now = self.rollout(rollout.id)?;
            changed.push(self.keep_rollout("roll-back", &now, rollout, None)?);
        }
        Ok(changed)
    }

    /// Adds a key: the first signs, the second is named in bundles and signs later.
    ///
    /// # Errors
    /// Two keys are there already.
    pub fn add_signing_key(&mut self, id: &str, key: &str) -> Result<SigningKey, Error> {
        let state = match self.signing_keys()?.len() {
            0 => KeyState::Signs,
            1 => KeyState::Next,
            _ => {
                return Err(Error::refused(
                    "another key is to sign next: wait until it does",
                ));
            }
        };
        let key = SigningKey {
            id: id.to_owned(),
            key: key.to_owned(),
            state,
            made_ms: self.now_ms(),
        };
        let body = written(&key)?;
        self.connection.execute(
            "INSERT INTO signing_key (id, body) VALUES ($1, $2)",
            &[id.into(), body.as_str().into()],
        )?;
        self.note("key.add", &format!("key/{id}"), &body)?;
        Ok(key)
    }

    /// Lets the next key sign in the place of the one that does, if every ingress point knows it.
    /// Gives the identifier of the key that is not used any more.
    ///
    /// # Errors
    /// The database cannot be asked or written.
    pub fn settle_keys(&mut self) -> Result<Option<String>, Error> {
        if !self.keys_can_settle()? {
            return Ok(None);
        }
        let keys = self.signing_keys()?;
        let [before, next] = &keys[..] else {
            return Ok(None);
        };
        self.connection.execute(
            "DELETE FROM signing_key WHERE id = $1",
            &[before.id.as_str().into()],
        )?;
        let key = SigningKey {
            state: KeyState::Signs,
            ..next.clone()
        };
        let body = written(&key)?;
        self.connection.execute(
            "UPDATE signing_key SET body = $1 WHERE id = $2",
            &[body.as_str().into(), key.id.as_str().into()],
        )?;
        self.note("key.sign", &format!("key/{}", key.id), &body)?;
        Ok(Some(before.id.clone()))
    }

    /// Keeps the document that a rollout deploys.
    pub(crate) fn keep_document(&mut self, patch: &VirtualPatch) -> Result<(), Error> {
        keep_document(self.connection, patch)
    }
}

impl Session<'_> {
    /// Whether every ingress point has taken a bundle that names the next key.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn keys_can_settle(&mut self) -> Result<bool, Error> {
        let keys = self.signing_keys()?;
        let Some(next) = keys.iter().find(|key| key.state == KeyState::Next) else {
            return Ok(false);
        };
        for environment in Environment::ALL {
            let slowest = self.connection.first(
                "SELECT bundle FROM gateway WHERE environment = $1 AND revoked = 0
                 ORDER BY bundle LIMIT 1",
                &[environment.name().into()],
            )?;
            let Some(slowest) = slowest else { continue };
            let bundles = self.bundles(*environment)?;
            let naming = bundles.iter().filter(|made| made.keys.contains(&next.id));
            let first = naming.map(|made| signed(made.number)).min();
            if first.is_none_or(|first| first > slowest.integer(0).unwrap_or(0)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Those of rollouts that began before documents were kept, as far as their patches still have them.
pub(crate) fn keep_documents(connection: &mut Connection) -> Result<(), Error> {
    let rows = connection.query(
        "SELECT r.digest, p.body FROM rollout r JOIN patch p ON p.id = r.patch",
        &[],
    )?;
    for row in rows {
        let patch: VirtualPatch = parsed(row.text(1)?)?;
        if patch.digest() == row.text(0)? {
            keep_document(connection, &patch)?;
        }
    }
    Ok(())
}

fn keep_document(connection: &mut Connection, patch: &VirtualPatch) -> Result<(), Error> {
    keep_text(connection, &patch.digest(), &patch.document)
}

/// Keeps a text under its digest.
pub(crate) fn keep_text(
    connection: &mut Connection,
    digest: &str,
    text: &str,
) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO document (digest, body) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
        &[digest.into(), text.into()],
    )?;
    Ok(())
}

/// Rollouts that may be there at one time.
pub(crate) fn check_room(change: &mut Change<'_>) -> Result<(), Error> {
    let sql = "SELECT COUNT(*) FROM rollout WHERE stage <> 'retired'";
    let row = change.connection.first(sql, &[])?;
    let there = row.map_or(Ok(0), |row| row.integer(0))?;
    let most = Limits::records().rollouts;
    if usize::try_from(there).is_ok_and(|there| there >= most) {
        return Err(Error::refused(format!(
            "{there} rollouts have not ended, {most} are allowed: retire some"
        )));
    }
    Ok(())
}

/// Somebody has seen a bundle that this ledger does not know, as after a restore.
fn ahead(newest: &Made, seen: u64, now_ms: i64) -> bool {
    let old = now_ms.saturating_sub(newest.made_ms) >= AHEAD_MS;
    old && seen > newest.number && seen - newest.number <= AHEAD
}

fn series(environment: Environment) -> String {
    format!("bundle-{environment}")
}

fn bundle(made: &Made, keys: &[SigningKey]) -> Result<Bundle, Error> {
    let keys = keys.iter().map(|key| key.key.parse::<PublicKey>());
    let patches = made.content.iter().map(|entry| {
        Ok(BundlePatch {
            id: entry.patch.clone(),
            digest: entry.digest.clone(),
            mode: mode(entry)?,
        })
    });
    Ok(Bundle {
        version: Bundle::VERSION,
        environment: made.environment.name().to_owned(),
        number: made.number,
        made_ms: made.made_ms,
        expires_ms: made.expires_ms,
        keys: keys
            .collect::<Result<_, _>>()
            .map_err(|why| Error::damaged(format!("a signing key is {why}")))?,
        patches: patches.collect::<Result<_, Error>>()?,
    })
}

pub(crate) fn mode(entry: &Entry) -> Result<BundleMode, Error> {
    match (entry.stage, entry.share_percent) {
        (Stage::Shadow, None) => Ok(BundleMode::Shadow {}),
        (Stage::Canary, Some(percent)) => Ok(BundleMode::Canary { percent }),
        (Stage::Enforce, None) => Ok(BundleMode::Enforce {}),
        _ => Err(Error::damaged(format!(
            "rollout {} is at {} and {:?} percent",
            entry.rollout, entry.stage, entry.share_percent
        ))),
    }
}

fn made(environment: Environment, row: &Row) -> Result<Made, Error> {
    Ok(Made {
        environment,
        number: number(row, 0)?,
        made_ms: row.integer(1)?,
        expires_ms: row.integer(2)?,
        keys: parsed(row.text(3)?)?,
        content: parsed(row.text(4)?)?,
    })
}

fn number(row: &Row, column: usize) -> Result<u64, Error> {
    let number = row.integer(column)?;
    u64::try_from(number).map_err(|_| Error::damaged(format!("{number} is no bundle's number")))
}

/// As the databases keep numbers.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
