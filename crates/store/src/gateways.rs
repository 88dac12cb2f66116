//! Ingress points of the fleet, and their leave to join it, in the order of their names.

use ledger::bundle::{Entry, of};
use ledger::{Enrolment, Environment, Gateway, IngressKind, IngressPoint};
use serde::{Deserialize, Serialize};
use wire::Attestation;

use crate::bundles::{mode, signed};
use crate::cursor::{Kind, Part};
use crate::records::{as_expected, parsed, stored, written};
use crate::sql::{Connection, Row, Transaction};
use crate::{Change, Error, Limits, Page, Paging, Session, Store, Stored};

/// How long traffic is kept, in milliseconds.
const TRAFFIC_MS: i64 = 31 * 24 * 60 * 60 * 1000;
/// Traffic is counted by so many milliseconds.
const SLOT_MS: i64 = 60 * 1000;
/// Patches in which an ingress point differs from its bundle that are named.
const DIFFERING: usize = 100;

/// An ingress point of the fleet, with what it attested last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who it is.
    pub gateway: Gateway,
    /// When it attested something last, by the clock of the control side.
    pub seen_ms: Option<i64>,
    /// What.
    pub report: Option<Report>,
}

/// What an ingress point attested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Without what it enforces: that is in its bundle.
    pub attestation: Attestation,
    /// The patches, up to 100, that it does not enforce as its bundle says.
    pub differing: Vec<String>,
}

/// Requests in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// Requests.
    pub requests: u64,
    /// Of these, those that the application failed to answer (5xx).
    pub errors: u64,
    /// The sum of what answers took, in microseconds.
    pub latency_us: u64,
}

impl Session<'_> {
    /// A leave to join, and the hash of its secret.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn enrolment_with_hash(
        &mut self,
        ingress: &str,
    ) -> Result<(Stored<Enrolment>, String), Error> {
        self.one_with_hash("enrolment", "enrolment of", ingress)
    }

    /// Leaves to join, those that have ended too.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn enrolments(&mut self, paging: Paging<'_>) -> Result<Page<Stored<Enrolment>>, Error> {
        self.page("enrolment", paging)
    }

    /// An ingress point of the fleet, also one that was put out.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn gateway(&mut self, id: &str) -> Result<Stored<Seen>, Error> {
        let sql = "SELECT version, body, seen_ms, report FROM gateway WHERE id = $1";
        let row = self.connection.first(sql, &[id.into()])?;
        seen(&row.ok_or_else(|| Error::missing(format!("enrolled ingress point {id}")))?)
    }

    /// The fleet, also those who were put out.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn gateways(&mut self, paging: Paging<'_>) -> Result<Page<Stored<Seen>>, Error> {
        let part = Part::of(paging, &[Kind::Text], self.limits)?;
        let after = part.after.clone().unwrap_or_else(|| vec!["".into()]);
        let rows = self.connection.query(
            "SELECT version, body, seen_ms, report, id FROM gateway WHERE id > $1
             ORDER BY id LIMIT $2",
            &[after, vec![part.rows()]].concat(),
        )?;
        let entries = rows
            .iter()
            .map(|row| Ok((vec![row.text(4)?.into()], seen(row)?)));
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// The whole fleet, in the order of the names.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn fleet(&mut self) -> Result<Vec<Seen>, Error> {
        let sql = "SELECT version, body, seen_ms, report FROM gateway ORDER BY id";
        let rows = self.connection.query(sql, &[])?;
        rows.iter().map(|row| Ok(seen(row)?.value)).collect()
    }

    /// What an environment's ingress points answered, from a time until before another.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn answered(
        &mut self,
        environment: Environment,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Answered, Error> {
        let mut sum = Answered::default();
        for (_, minute) in self.answered_by_minute(environment, (from_ms, to_ms))? {
            sum.requests = sum.requests.saturating_add(minute.requests);
            sum.errors = sum.errors.saturating_add(minute.errors);
            sum.latency_us = sum.latency_us.saturating_add(minute.latency_us);
        }
        Ok(sum)
    }

    /// The same, minute by minute: when each that had some began, and what was answered.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn answered_by_minute(
        &mut self,
        environment: Environment,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<(i64, Answered)>, Error> {
        let rows = self.connection.query(
            "SELECT slot_ms, requests, errors, latency_us FROM traffic
             WHERE environment = $1 AND slot_ms >= $2 AND slot_ms < $3 ORDER BY slot_ms",
            &[environment.name().into(), from_ms.into(), to_ms.into()],
        )?;
        let minutes = rows.iter().map(|row| {
            let count = |column| Ok::<_, Error>(u64::try_from(row.integer(column)?).unwrap_or(0));
            let answered = Answered {
                requests: count(1)?,
                errors: count(2)?,
                latency_us: count(3)?,
            };
            Ok((row.integer(0)?, answered))
        });
        minutes.collect()
    }
}

impl Change<'_> {
    /// Gives an ingress point leave to join the fleet; of the secret the hash alone is kept. A
    /// leave that was given before does not count any more. What is not in the inventory is added.
    ///
    /// # Errors
    /// It is malformed, or the inventory has the ingress point elsewhere.
    pub fn add_enrolment(
        &mut self,
        enrolment: &Enrolment,
        hash: &str,
    ) -> Result<Stored<Enrolment>, Error> {
        enrolment.check(self.now_ms(), &Limits::records())?;
        let id = enrolment.ingress.as_str();
        match self.get::<IngressPoint>(id) {
            Ok(there) if there.value.environment != enrolment.environment => {
                return Err(Error::refused(format!(
                    "ingress point {id} is in the environment {}",
                    there.value.environment
                )));
            }
            Ok(_) => {}
            Err(why) if why.is_missing() => {
                let environment = enrolment.environment;
                self.add(&IngressPoint::new(id, IngressKind::Gateway, environment))?;
            }
            Err(why) => return Err(why),
        }
        self.keep_enrolment("add", enrolment, hash)
    }

    /// Lets a key join by the leave of an ingress point. The same key may come again.
    ///
    /// # Errors
    /// There is no such leave, it was used or has ended, or the key's texts are malformed.
    pub fn enrol(
        &mut self,
        ingress: &str,
        key: &str,
        program: &str,
    ) -> Result<Stored<Gateway>, Error> {
        let (enrolment, hash) = self.enrolment_with_hash(ingress)?;
        let enrolment = enrolment.value;
        let before = match self.gateway(ingress) {
            Ok(before) => Some(before),
            Err(why) if why.is_missing() => None,
            Err(why) => return Err(why),
        };
        if let Some(before) = &before
            && before.value.gateway.key == key
            && before.value.gateway.revoked_ms.is_none()
            && enrolment.used_ms == Some(before.value.gateway.enrolled_ms)
        {
            return Ok(Stored {
                version: before.version,
                value: before.value.gateway.clone(),
            });
        }
        let now_ms = self.now_ms();
        enrolment.admits(now_ms)?;
        let used = Enrolment {
            used_ms: Some(now_ms),
            ..enrolment
        };
        self.keep_enrolment("use", &used, &hash)?;
        let gateway = Gateway {
            id: ingress.to_owned(),
            environment: used.environment,
            key: key.to_owned(),
            program: program.to_owned(),
            enrolled_ms: now_ms,
            revoked_ms: None,
        };
        gateway.check(&Limits::records())?;
        self.keep_gateway("enrol", gateway)
    }

    /// Puts an ingress point out of the fleet: its calls are refused from now on.
    ///
    /// # Errors
    /// It is not there, or was put out already; or it is no longer as it was seen.
    pub fn revoke_gateway(
        &mut self,
        id: &str,
        seen: Option<i64>,
    ) -> Result<Stored<Gateway>, Error> {
        let now = self.gateway(id)?;
        as_expected(&format!("ingress point {id}"), now.version, seen)?;
        let now = now.value.gateway;
        if now.revoked_ms.is_some() {
            return Err(Error::refused(format!(
                "ingress point {id} was put out already"
            )));
        }
        let revoked_ms = Some(self.now_ms());
        self.keep_gateway("revoke", Gateway { revoked_ms, ..now })
    }

    fn keep_enrolment(
        &mut self,
        what: &str,
        enrolment: &Enrolment,
        hash: &str,
    ) -> Result<Stored<Enrolment>, Error> {
        let (id, body) = (enrolment.ingress.as_str(), written(enrolment)?);
        let row = self.connection.first(
            "INSERT INTO enrolment (id, version, body, hash) VALUES ($1, 1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET version = enrolment.version + 1,
             body = excluded.body, hash = excluded.hash RETURNING version, body",
            &[id.into(), body.as_str().into(), hash.into()],
        )?;
        self.note(
            &format!("enrolment.{what}"),
            &format!("enrolment/{id}"),
            &body,
        )?;
        stored(&row.ok_or_else(|| Error::damaged("nothing was written"))?)
    }

    fn keep_gateway(&mut self, what: &str, gateway: Gateway) -> Result<Stored<Gateway>, Error> {
        let (id, body) = (gateway.id.as_str(), written(&gateway)?);
        let row = self.connection.first(
            "INSERT INTO gateway (id, version, body, environment, revoked, seen_ms, bundle, report)
             VALUES ($1, 1, $2, $3, $4, 0, 0, '')
             ON CONFLICT (id) DO UPDATE SET version = gateway.version + 1, body = excluded.body,
             environment = excluded.environment, revoked = excluded.revoked, seen_ms = 0,
             bundle = 0, report = '' RETURNING version, body",
            &[
                id.into(),
                body.as_str().into(),
                gateway.environment.name().into(),
                i64::from(gateway.revoked_ms.is_some()).into(),
            ],
        )?;
        self.note(&format!("gateway.{what}"), &format!("gateway/{id}"), &body)?;
        stored(&row.ok_or_else(|| Error::damaged("nothing was written"))?)
    }
}

impl Store {
    /// Keeps what an ingress point attests, and counts the traffic since it did so last.
    ///
    /// # Errors
    /// It is not there, or the database cannot be written.
    pub fn attest(&self, id: &str, attestation: Attestation, now_ms: i64) -> Result<(), Error> {
        self.pool.with(Transaction::Write, |connection| {
            attest(connection, &self.limits, id, attestation, now_ms)
        })
    }
}

fn attest(
    connection: &mut Connection,
    limits: &Limits,
    id: &str,
    mut attestation: Attestation,
    now_ms: i64,
) -> Result<(), Error> {
    // Held, so that two that come at once are counted one after the other.
    let row = connection.first(
        "UPDATE gateway SET seen_ms = $1 WHERE id = $2 RETURNING environment, report",
        &[now_ms.into(), id.into()],
    )?;
    let row = row.ok_or_else(|| Error::missing(format!("enrolled ingress point {id}")))?;
    let environment: Environment = row.text(0)?.parse().map_err(Error::damaged)?;
    let before: Option<Report> = match row.text(1)? {
        "" => None,
        body => Some(parsed(body)?),
    };
    let before = before.map(|report| report.attestation);
    count(connection, environment, before, &attestation, now_ms)?;
    let mut session = Session { connection, limits };
    let number = attestation.bundle;
    let bundles = session.bundles(environment)?;
    let content = bundles.into_iter().find(|made| made.number == number);
    let differing = content.map_or_else(Vec::new, |made| differing(&made.content, &attestation));
    attestation.enforced = Vec::new();
    let report = Report {
        attestation,
        differing,
    };
    connection.execute(
        "UPDATE gateway SET bundle = $1, report = $2 WHERE id = $3",
        &[signed(number).into(), written(&report)?.into(), id.into()],
    )?;
    Ok(())
}

/// The patches that are not enforced as the bundle says, or that it does not name.
fn differing(content: &[Entry], attestation: &Attestation) -> Vec<String> {
    let enforced: std::collections::BTreeMap<_, _> = attestation
        .enforced
        .iter()
        .map(|each| (each.id.as_str(), each))
        .collect();
    let told = content.iter().filter(|entry| {
        let each = enforced.get(entry.patch.as_str());
        !each.is_some_and(|each| {
            each.digest == entry.digest && mode(entry).is_ok_and(|mode| mode == each.mode)
        })
    });
    let surplus = enforced.keys().filter(|id| of(content, id).is_none());
    let told = told.map(|entry| entry.patch.as_str());
    told.chain(surplus.copied())
        .take(DIFFERING)
        .map(str::to_owned)
        .collect()
}

/// Adds what was answered since the attestation before; counters that fell began anew.
fn count(
    connection: &mut Connection,
    environment: Environment,
    before: Option<Attestation>,
    now: &Attestation,
    now_ms: i64,
) -> Result<(), Error> {
    let mut sum = Answered::default();
    for traffic in &now.traffic {
        let before = before.as_ref().and_then(|before| {
            let mut before = before.traffic.iter();
            before.find(|each| {
                each.application == traffic.application && each.requests <= traffic.requests
            })
        });
        let since = |now: u64, before: Option<u64>| now.saturating_sub(before.unwrap_or(0));
        sum.requests += since(traffic.requests, before.map(|each| each.requests));
        sum.errors += since(traffic.errors, before.map(|each| each.errors));
        sum.latency_us += since(traffic.latency_us, before.map(|each| each.latency_us));
    }
    if sum.requests == 0 {
        return Ok(());
    }
    let name = environment.name();
    connection.execute(
        "DELETE FROM traffic WHERE environment = $1 AND slot_ms < $2",
        &[name.into(), now_ms.saturating_sub(TRAFFIC_MS).into()],
    )?;
    connection.execute(
        "INSERT INTO traffic (environment, slot_ms, requests, errors, latency_us)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (environment, slot_ms) DO UPDATE SET
         requests = traffic.requests + excluded.requests, errors = traffic.errors + excluded.errors,
         latency_us = traffic.latency_us + excluded.latency_us",
        &[
            name.into(),
            (now_ms - now_ms.rem_euclid(SLOT_MS)).into(),
            signed(sum.requests).into(),
            signed(sum.errors).into(),
            signed(sum.latency_us).into(),
        ],
    )?;
    Ok(())
}

fn seen(row: &Row) -> Result<Stored<Seen>, Error> {
    let report = match row.text(3)? {
        "" => None,
        body => Some(parsed(body)?),
    };
    let seen_ms = row.integer(2)?;
    Ok(Stored {
        version: row.integer(0)?,
        value: Seen {
            gateway: parsed(row.text(1)?)?,
            seen_ms: (seen_ms > 0).then_some(seen_ms),
            report,
        },
    })
}
