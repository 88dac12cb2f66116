//! Records that people keep: assets, applications, ingress points, advisories, patches.

use std::fmt::Display;

use ledger::{Advisory, Application, Asset, IngressPoint, VirtualPatch};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cursor::{Kind, Part};
use crate::sql::{Row, Value};
use crate::{Change, Error, Limits, Page, Paging, Session};

/// Something that the ledger keeps under an identifier.
pub trait Record: Serialize + DeserializeOwned {
    /// What it is called in texts and in the audit log.
    const KIND: &'static str;
    #[doc(hidden)]
    const TABLE: &'static str;

    /// Names it.
    fn id(&self) -> &str;
    #[doc(hidden)]
    fn check(&self) -> Result<(), ledger::Refused>;
    /// What must be there for it: tables and identifiers.
    #[doc(hidden)]
    fn needs(&self) -> (&'static str, &[String]);
}

/// Something with the number of its version, which grows with every change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<T> {
    /// From 1.
    pub version: i64,
    /// What it is now.
    pub value: T,
}

macro_rules! record {
    ($type:ty, $kind:literal, $table:literal, $record:ident => $needs:expr) => {
        impl Record for $type {
            const KIND: &'static str = $kind;
            const TABLE: &'static str = $table;

            fn id(&self) -> &str {
                &self.id
            }

            fn check(&self) -> Result<(), ledger::Refused> {
                self.check(&Limits::records())
            }

            fn needs(&self) -> (&'static str, &[String]) {
                let $record = self;
                $needs
            }
        }
    };
}

record!(Asset, "asset", "asset", _record => ("asset", &[]));
record!(Application, "application", "application", record => ("asset", &record.assets));
record!(IngressPoint, "ingress-point", "ingress_point", record => ("application", &record.applications));
record!(Advisory, "advisory", "advisory", _record => ("advisory", &[]));
record!(VirtualPatch, "patch", "patch", record => ("advisory", &record.advisories));

impl Session<'_> {
    /// One record.
    ///
    /// # Errors
    /// It is not there, or the database cannot be asked.
    pub fn get<R: Record>(&mut self, id: &str) -> Result<Stored<R>, Error> {
        self.one(R::TABLE, R::KIND, id)
    }

    /// All records, in the order of their identifiers.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn all<R: Record>(&mut self) -> Result<Vec<R>, Error> {
        let sql = format!("SELECT body FROM {} ORDER BY id", R::TABLE);
        let rows = self.connection.query(&sql, &[])?;
        rows.iter().map(|row| parsed(row.text(0)?)).collect()
    }

    /// Records in the order of their identifiers.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn list<R: Record>(&mut self, paging: Paging<'_>) -> Result<Page<Stored<R>>, Error> {
        self.page(R::TABLE, paging)
    }

    /// What a table keeps under an identifier.
    pub(crate) fn one<T: DeserializeOwned>(
        &mut self,
        table: &str,
        kind: &str,
        id: impl Into<Value> + Display + Copy,
    ) -> Result<Stored<T>, Error> {
        let row = self.row("version, body", (table, kind), id)?;
        stored(&row)
    }

    /// The same, with the hash that is kept beside it.
    pub(crate) fn one_with_hash<T: DeserializeOwned>(
        &mut self,
        table: &str,
        kind: &str,
        id: &str,
    ) -> Result<(Stored<T>, String), Error> {
        let row = self.row("version, body, hash", (table, kind), id)?;
        Ok((stored(&row)?, row.text(2)?.to_owned()))
    }

    fn row(
        &mut self,
        columns: &str,
        (table, kind): (&str, &str),
        id: impl Into<Value> + Display + Copy,
    ) -> Result<Row, Error> {
        let sql = format!("SELECT {columns} FROM {table} WHERE id = $1");
        let row = self.connection.first(&sql, &[id.into()])?;
        row.ok_or_else(|| Error::missing(format!("{kind} {id}")))
    }

    /// What a table keeps, in the order of its identifiers.
    pub(crate) fn page<T: DeserializeOwned>(
        &mut self,
        table: &str,
        paging: Paging<'_>,
    ) -> Result<Page<Stored<T>>, Error> {
        let part = Part::of(paging, &[Kind::Text], self.limits)?;
        let after = part.after.clone().unwrap_or_else(|| vec!["".into()]);
        let sql =
            format!("SELECT version, body, id FROM {table} WHERE id > $1 ORDER BY id LIMIT $2");
        let rows = self
            .connection
            .query(&sql, &[after, vec![part.rows()]].concat())?;
        let entries = rows.iter().map(|row| {
            let key = row.text(2)?.into();
            Ok((vec![key], stored(row)?))
        });
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// What a table keeps in the order of its numbers, as far as each condition holds; `?` in
    /// one is its value.
    pub(crate) fn numbered_page<T: DeserializeOwned>(
        &mut self,
        table: &str,
        of: Vec<(&str, Value)>,
        paging: Paging<'_>,
    ) -> Result<Page<Stored<T>>, Error> {
        let part = Part::of(paging, &[Kind::Integer], self.limits)?;
        let mut values = part.after.clone().unwrap_or_else(|| vec![0.into()]);
        let mut conditions = "id > $1".to_owned();
        for (condition, value) in of {
            values.push(value);
            let place = format!("${}", values.len());
            conditions.push_str(&format!(" AND {}", condition.replace('?', &place)));
        }
        values.push(part.rows());
        let sql = format!(
            "SELECT version, body, id FROM {table} WHERE {conditions} ORDER BY id LIMIT ${}",
            values.len()
        );
        let rows = self.connection.query(&sql, &values)?;
        let entries = rows
            .iter()
            .map(|row| Ok((vec![row.integer(2)?.into()], stored(row)?)));
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    pub(crate) fn must_be_there(&mut self, table: &str, id: &str) -> Result<(), Error> {
        let sql = format!("SELECT version FROM {table} WHERE id = $1");
        match self.connection.first(&sql, &[id.into()])? {
            Some(_) => Ok(()),
            None => Err(Error::refused(format!(
                "there is no {} {id}: add it first",
                table.replace('_', " ")
            ))),
        }
    }
}

impl Change<'_> {
    /// Adds a record.
    ///
    /// # Errors
    /// There is one already, it is malformed, or what it refers to is not there.
    pub fn add<R: Record>(&mut self, record: &R) -> Result<Stored<R>, Error> {
        let body = self.checked(record)?;
        let sql = format!(
            "INSERT INTO {} (id, version, body) VALUES ($1, 1, $2) ON CONFLICT (id) DO NOTHING",
            R::TABLE
        );
        let values = [record.id().into(), body.as_str().into()];
        if self.connection.execute(&sql, &values)? == 0 {
            return Err(Error::exists(format!("{} {}", R::KIND, record.id())));
        }
        self.note(&format!("{}.add", R::KIND), &subject(record), &body)?;
        Ok(Stored {
            version: 1,
            value: parsed(&body)?,
        })
    }

    /// Puts a record in the place of the one with its identifier, if that is still of the
    /// expected version.
    ///
    /// # Errors
    /// It is not there, was changed meanwhile, is malformed, or what it refers to is not there.
    pub fn replace<R: Record>(
        &mut self,
        record: &R,
        expected: Option<i64>,
    ) -> Result<Stored<R>, Error> {
        let body = self.checked(record)?;
        let now: Stored<R> = self.get(record.id())?;
        as_expected(&subject(record), now.version, expected)?;
        let version = now.version + 1;
        let sql = format!(
            "UPDATE {} SET version = $1, body = $2 WHERE id = $3",
            R::TABLE
        );
        let values = [version.into(), body.as_str().into(), record.id().into()];
        self.connection.execute(&sql, &values)?;
        self.note(&format!("{}.change", R::KIND), &subject(record), &body)?;
        Ok(Stored {
            version,
            value: parsed(&body)?,
        })
    }

    fn checked<R: Record>(&mut self, record: &R) -> Result<String, Error> {
        record.check()?;
        let (table, ids) = record.needs();
        for id in ids {
            self.must_be_there(table, id)?;
        }
        let body = written(record)?;
        // A line of a backup holds a record whole, and so does an entry of the audit log.
        let most = Limits::records().record_bytes;
        if body.len() > most {
            return Err(Error::refused(format!(
                "{} has {} bytes as JSON, {most} are allowed",
                subject(record),
                body.len()
            )));
        }
        Ok(body)
    }
}

/// What a row that begins with version and body holds.
/// The version and the body that a row begins with.
pub(crate) fn stored<T: DeserializeOwned>(row: &Row) -> Result<Stored<T>, Error> {
    Ok(Stored {
        version: row.integer(0)?,
        value: parsed(row.text(1)?)?,
    })
}

fn subject<R: Record>(record: &R) -> String {
    format!("{}/{}", R::KIND, record.id())
}

pub(crate) fn as_expected(what: &str, version: i64, expected: Option<i64>) -> Result<(), Error> {
    match expected {
        Some(expected) if expected != version => Err(Error::changed(what, version)),
        _ => Ok(()),
    }
}

pub(crate) fn written(value: &impl Serialize) -> Result<String, Error> {
    Ok(serde_json::to_string(value)?)
}

pub(crate) fn parsed<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    Ok(serde_json::from_str(body)?)
}
