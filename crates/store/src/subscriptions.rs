//! Who is told of changes, and how far they were.

use ledger::Subscription;
use ledger::audit::Entry;

use crate::log;
use crate::records::{as_expected, parsed, written};
use crate::sql::Transaction;
use crate::{Change, Error, Limits, Page, Paging, Session, Store, Stored};

/// Subscriptions that there may be.
const SUBSCRIPTIONS: i64 = 100;

/// A subscription, as whoever tells needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribed {
    /// Who is told of what.
    pub subscription: Subscription,
    /// What webhooks are signed with.
    pub secret: String,
    /// The last entry of the audit log that it was told of, or that was not for it.
    pub told: i64,
}

impl Session<'_> {
    /// One subscription.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn subscription(&mut self, id: &str) -> Result<Stored<Subscription>, Error> {
        self.one("subscription", "subscription", id)
    }

    /// Subscriptions, in the order of their names.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn subscriptions(
        &mut self,
        paging: Paging<'_>,
    ) -> Result<Page<Stored<Subscription>>, Error> {
        self.page("subscription", paging)
    }

    /// All subscriptions, as far as each was told.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn subscribed(&mut self) -> Result<Vec<Subscribed>, Error> {
        let sql = "SELECT body, secret, told FROM subscription ORDER BY id";
        let rows = self.connection.query(sql, &[])?;
        let subscribed = rows.iter().map(|row| {
            Ok(Subscribed {
                subscription: parsed(row.text(0)?)?,
                secret: row.text(1)?.to_owned(),
                told: row.integer(2)?,
            })
        });
        subscribed.collect()
    }

    /// The first entries of the audit log after one.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn audit_after(&mut self, sequence: i64, most: u32) -> Result<Vec<Entry>, Error> {
        let sql = format!(
            "SELECT {} FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2",
            log::COLUMNS
        );
        let values = [sequence.into(), i64::from(most).into()];
        let rows = self.connection.query(&sql, &values)?;
        rows.iter().map(log::entry).collect()
    }
}

impl Change<'_> {
    /// Adds a subscription, for what changes from now on.
    ///
    /// # Errors
    /// There is one of this name already, there are too many, or it is malformed.
    pub fn add_subscription(
        &mut self,
        subscription: &Subscription,
        secret: &str,
    ) -> Result<Stored<Subscription>, Error> {
        subscription.check(&Limits::records())?;
        let sql = "SELECT COUNT(*) FROM subscription";
        let count = self.connection.first(sql, &[])?;
        if count.map_or(Ok(0), |row| row.integer(0))? >= SUBSCRIPTIONS {
            return Err(Error::refused(format!(
                "there are {SUBSCRIPTIONS} subscriptions already"
            )));
        }
        let (id, body) = (subscription.id.as_str(), written(subscription)?);
        self.note("subscription.add", &format!("subscription/{id}"), &body)?;
        let told = self.noted();
        let added = self.connection.execute(
            "INSERT INTO subscription (id, version, body, secret, told) VALUES ($1, 1, $2, $3, $4)
             ON CONFLICT (id) DO NOTHING",
            &[id.into(), body.as_str().into(), secret.into(), told.into()],
        )?;
        if added == 0 {
            return Err(Error::exists(format!("subscription {id}")));
        }
        Ok(Stored {
            version: 1,
            value: subscription.clone(),
        })
    }

    /// Takes a subscription away.
    ///
    /// # Errors
    /// It is not there, or no longer as it was seen.
    pub fn remove_subscription(
        &mut self,
        id: &str,
        seen: Option<i64>,
    ) -> Result<Stored<Subscription>, Error> {
        let now = self.subscription(id)?;
        as_expected(&format!("subscription {id}"), now.version, seen)?;
        let sql = "DELETE FROM subscription WHERE id = $1";
        self.connection.execute(sql, &[id.into()])?;
        let body = written(&now.value)?;
        self.note("subscription.remove", &format!("subscription/{id}"), &body)?;
        Ok(now)
    }

    /// Gives up telling a subscription of an entry, for good.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn give_up_telling(&mut self, id: &str, sequence: i64) -> Result<(), Error> {
        let detail = serde_json::json!({ "entry": sequence }).to_string();
        self.note(
            "subscription.give-up",
            &format!("subscription/{id}"),
            &detail,
        )
    }
}

impl Store {
    /// Notes how far a subscription was told; never less far than before.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn note_told(&self, id: &str, sequence: i64) -> Result<(), Error> {
        self.pool.with(Transaction::Write, |connection| {
            let sql = "UPDATE subscription SET told = $1 WHERE id = $2 AND told < $1";
            connection.execute(sql, &[sequence.into(), id.into()])?;
            Ok(())
        })
    }
}
