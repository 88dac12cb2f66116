//! All that the ledger holds in one file of JSON lines, which either database reads and writes:
//! a head, for each table its columns and then its rows, and an end with a digest of all before.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ledger::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::migrations::{self, NEWEST, TABLES};
use crate::records::written;
use crate::sql::{Connection, Value};
use crate::{Error, Limits};

/// The format's version.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Head { stopgap_backup: u32, schema: usize },
    Table { table: String, columns: Vec<String> },
    End { rows: u64, sha256: String },
    Row(Vec<Cell>),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Cell {
    Integer(i64),
    Text(String),
    Null(()),
}

/// Writes the file under another name until it is whole.
pub(crate) fn write(connection: &mut Connection, path: &Path) -> Result<(), Error> {
    let fault = |source| Error::file(path, source);
    if path.try_exists().map_err(fault)? {
        return Err(Error::exists(path.display().to_string()));
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    let part = Path::new(&name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(part)
        .map_err(|source| Error::file(part, source))?;
    let outcome = write_all(connection, path, file).and_then(|()| {
        std::fs::rename(part, path).map_err(fault)?;
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(fault)?;
        folder.sync_all().map_err(fault)
    });
    if outcome.is_err() {
        // What could not be finished is of no use; why it could not says more than this would.
        let _ = std::fs::remove_file(part);
    }
    outcome
}

fn write_all(connection: &mut Connection, path: &Path, file: File) -> Result<(), Error> {
    let mut writer = Writer {
        path,
        file: BufWriter::new(file),
        digest: Sha256::new(),
        rows: 0,
    };
    writer.line(&Line::Head {
        stopgap_backup: FORMAT,
        schema: NEWEST,
    })?;
    for (_, table, order) in TABLES {
        let columns = connection.columns(&format!("SELECT * FROM {table}"))?;
        let sql = format!(
            "SELECT {} FROM {table} ORDER BY {order}",
            columns.join(", ")
        );
        writer.line(&Line::Table {
            table: (*table).to_owned(),
            columns,
        })?;
        connection.each(&sql, &[], &mut |row| {
            writer.rows += 1;
            let cells = row.0.into_iter().map(|value| match value {
                Value::Null => Cell::Null(()),
                Value::Integer(number) => Cell::Integer(number),
                Value::Text(text) => Cell::Text(text),
            });
            writer.line(&Line::Row(cells.collect()))
        })?;
    }
    let (rows, sha256) = (writer.rows, hex(&writer.digest.clone().finalize()));
    writer.line(&Line::End { rows, sha256 })?;
    let fault = |source| Error::file(path, source);
    let file = writer
        .file
        .into_inner()
        .map_err(|error| fault(error.into_error()))?;
    file.sync_all().map_err(fault)
}

struct Writer<'a> {
    path: &'a Path,
    file: BufWriter<File>,
    digest: Sha256,
    rows: u64,
}

impl Writer<'_> {
    fn line(&mut self, line: &Line) -> Result<(), Error> {
        let mut text = written(line)?;
        text.push('\n');
        self.digest.update(text.as_bytes());
        let outcome = self.file.write_all(text.as_bytes());
        outcome.map_err(|source| Error::file(self.path, source))
    }
}

/// Makes a ledger of the file's schema version, and fills it.
pub(crate) fn read(connection: &mut Connection, path: &Path, limits: &Limits) -> Result<(), Error> {
    let file = File::open(path).map_err(|source| Error::file(path, source))?;
    let mut reader = BufReader::new(file);
    let mut digest = Sha256::new();
    let (mut number, mut count) = (0_u64, 0_u64);
    let mut schema = None;
    let mut insert: Option<(String, usize)> = None;
    let mut line = String::new();
    loop {
        number += 1;
        let wrong = |what: &str| {
            let path = path.display();
            Error::refused(format!("{path}:{number}: {what}; take another backup"))
        };
        let most = limits.backup_line_bytes as u64;
        line.clear();
        (&mut reader)
            .take(most)
            .read_line(&mut line)
            .map_err(|source| Error::file(path, source))?;
        if !line.ends_with('\n') {
            return Err(wrong(match line.len() as u64 >= most {
                true => "the line is too long",
                false => "the file ends too early",
            }));
        }
        let parsed: Line =
            serde_json::from_str(&line).map_err(|_| wrong("this is no line of a backup"))?;
        match (parsed, schema) {
            (
                Line::Head {
                    stopgap_backup,
                    schema: version,
                },
                None,
            ) => {
                if stopgap_backup != FORMAT {
                    return Err(wrong("this format of backups is not known"));
                }
                migrations::make(connection, version)?;
                schema = Some(version);
            }
            (Line::Table { table, columns }, Some(version)) => {
                insert = Some(
                    begin_table(connection, version, &table, &columns)
                        .ok_or_else(|| wrong("a ledger has no such table"))??,
                );
            }
            (Line::Row(cells), Some(_)) => {
                let (sql, columns) = insert
                    .as_ref()
                    .ok_or_else(|| wrong("a row is of no table"))?;
                if cells.len() != *columns {
                    return Err(wrong("the row has other columns than its table"));
                }
                let values = cells.into_iter().map(|cell| match cell {
                    Cell::Null(()) => Value::Null,
                    Cell::Integer(number) => Value::Integer(number),
                    Cell::Text(text) => Value::Text(text),
                });
                let values: Vec<_> = values.collect();
                connection.execute(sql, &values)?;
                count += 1;
            }
            (Line::End { rows, sha256 }, Some(_)) => {
                if rows != count || sha256 != hex(&digest.finalize()) {
                    return Err(wrong("the file is not what was written"));
                }
                return Ok(());
            }
            _ => return Err(wrong("this line is out of place")),
        }
        digest.update(line.as_bytes());
    }
}

/// The statement that inserts the rows of a table; none if there is no such table.
fn begin_table(
    connection: &mut Connection,
    version: usize,
    table: &str,
    columns: &[String],
) -> Option<Result<(String, usize), Error>> {
    let known = TABLES
        .iter()
        .find(|(since, name, _)| *since <= version && *name == table);
    let (_, table, _) = known?;
    Some(
        connection
            .columns(&format!("SELECT * FROM {table}"))
            .and_then(|there| {
                if there != columns {
                    return Err(Error::refused(format!(
                        "the backup's table {table} has other columns than it should"
                    )));
                }
                // What a new ledger begins with is in the backup too.
                if ["numbers", "audit_head"].contains(table) {
                    connection.execute(&format!("DELETE FROM {table}"), &[])?;
                }
                let places: Vec<_> = (1..=columns.len())
                    .map(|place| format!("${place}"))
                    .collect();
                let (columns, places) = (columns.join(", "), places.join(", "));
                let sql = format!("INSERT INTO {table} ({columns}) VALUES ({places})");
                Ok((sql, there.len()))
            }),
    )
}
