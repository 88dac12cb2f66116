//! PostgreSQL.

use std::collections::HashMap;
use std::error::Error as StdError;

use bytes::BytesMut;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Row as Answer, Statement};

use super::{Row, Value, tls};
use crate::Error;
use crate::location::Server;

/// Statements that a connection remembers.
const STATEMENTS: usize = 64;

pub(crate) struct Client {
    client: postgres::Client,
    statements: HashMap<String, Statement>,
}

impl Client {
    pub(super) fn open(server: &Server, wait_ms: u64) -> Result<Self, Error> {
        let mut client = server
            .config
            .connect(tls::connector(server.roots.as_deref())?)?;
        let encoding: String = client.query_one("SHOW server_encoding", &[])?.try_get(0)?;
        if encoding != "UTF8" {
            return Err(Error::schema(format!(
                "the database keeps texts as {encoding}: make it with ENCODING 'UTF8'"
            )));
        }
        client.batch_execute(&format!(
            "SET lock_timeout = {wait_ms}; SET idle_in_transaction_session_timeout = '10min';
             SET standard_conforming_strings = on; SET synchronous_commit = on;"
        ))?;
        Ok(Self {
            client,
            statements: HashMap::new(),
        })
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        Ok(self.client.batch_execute(sql)?)
    }

    pub(super) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        let statement = self.statement(sql)?;
        Ok(self.client.execute(&statement, &parameters(values))?)
    }

    pub(super) fn each(
        &mut self,
        sql: &str,
        values: &[Value],
        each: &mut dyn FnMut(Row) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let statement = self.statement(sql)?;
        let mut rows = self.client.query_raw(&statement, parameters(values))?;
        while let Some(answer) = rows.next()? {
            each(row(&answer)?)?;
        }
        Ok(())
    }

    pub(super) fn columns(&mut self, sql: &str) -> Result<Vec<String>, Error> {
        let statement = self.client.prepare(sql)?;
        let columns = statement.columns().iter();
        Ok(columns.map(|column| column.name().to_owned()).collect())
    }

    fn statement(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare(sql)?;
        if self.statements.len() >= STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|value| value as _).collect()
}

fn row(answer: &Answer) -> Result<Row, Error> {
    let columns = answer.columns().iter().enumerate();
    let values = columns.map(|(index, column)| {
        Ok(match *column.type_() {
            Type::INT8 => answer
                .try_get::<_, Option<i64>>(index)?
                .map_or(Value::Null, Value::Integer),
            _ => answer
                .try_get::<_, Option<String>>(index)?
                .map_or(Value::Null, Value::Text),
        })
    });
    Ok(Row(values.collect::<Result<_, Error>>()?))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) => number.to_sql_checked(kind, out),
            Self::Text(text) => text.to_sql_checked(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        <i64 as ToSql>::accepts(kind) || <String as ToSql>::accepts(kind)
    }

    to_sql_checked!();
}
