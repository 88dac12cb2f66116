//! One way to ask both databases.
//!
//! Statements are the same text for both, with `$1`, `$2`, … for values, which are whole
//! numbers of 64 bits or texts.

mod pool;
mod postgresql;
mod sqlite;
mod tls;

pub(crate) use pool::{Pool, Transaction};

use crate::Error;
use crate::location::Location;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Integer(i64),
    Text(String),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// One row of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    /// A column that holds a number.
    pub(crate) fn integer(&self, column: usize) -> Result<i64, Error> {
        match self.0.get(column) {
            Some(Value::Integer(number)) => Ok(*number),
            other => Err(unexpected(column, other)),
        }
    }

    /// A column that holds a text.
    pub(crate) fn text(&self, column: usize) -> Result<&str, Error> {
        match self.0.get(column) {
            Some(Value::Text(text)) => Ok(text),
            other => Err(unexpected(column, other)),
        }
    }
}

fn unexpected(column: usize, value: Option<&Value>) -> Error {
    Error::damaged(format!(
        "the database holds {value:?} in column {column} of an answer"
    ))
}

/// A connection to either database.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgresql::Client>),
}

impl Connection {
    fn open(location: &Location, wait_ms: u64) -> Result<Self, Error> {
        match location {
            Location::File(path) => sqlite::open(path, wait_ms).map(Self::Sqlite),
            Location::Postgres(server) => {
                let client = postgresql::Client::open(server, wait_ms)?;
                Ok(Self::Postgres(Box::new(client)))
            }
        }
    }

    /// Runs statements that take no values.
    pub(crate) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => Ok(connection.execute_batch(sql)?),
            Self::Postgres(client) => client.batch(sql),
        }
    }

    /// Runs a statement; gives how many rows it concerned.
    pub(crate) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        match self {
            Self::Sqlite(connection) => sqlite::execute(connection, sql, values),
            Self::Postgres(client) => client.execute(sql, values),
        }
    }

    /// Gives every row of the answer.
    pub(crate) fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        self.each(sql, values, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Gives the answer row by row: it need not fit into memory.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => sqlite::each(connection, sql, values, each),
            Self::Postgres(client) => client.each(sql, values, each),
        }
    }

    /// The answer's first row.
    pub(crate) fn first(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// The names of an answer's columns.
    pub(crate) fn columns(&mut self, sql: &str) -> Result<Vec<String>, Error> {
        match self {
            Self::Sqlite(connection) => {
                let statement = connection.prepare(sql)?;
                let names = statement.column_names();
                Ok(names.into_iter().map(str::to_owned).collect())
            }
            Self::Postgres(client) => client.columns(sql),
        }
    }

    fn begin(&mut self, transaction: Transaction) -> Result<(), Error> {
        let sql = match (&self, transaction) {
            (Self::Sqlite(_), Transaction::Read) => "BEGIN",
            // Waits for the file here, where it can still wait.
            (Self::Sqlite(_), Transaction::Write) => "BEGIN IMMEDIATE",
            (Self::Postgres(_), Transaction::Read) => {
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
            }
            (Self::Postgres(_), Transaction::Write) => "BEGIN ISOLATION LEVEL READ COMMITTED",
        };
        self.batch(sql)
    }
}
