//! What ingress points tell: the newest first.

use wire::Event;

use crate::cursor::{Kind, Part};
use crate::sql::{Connection, Value};
use crate::{Change, Error, Page, Paging, Session};

/// A name in an event: its own, an ingress point's, an application's, a patch's, in bytes.
const NAME_BYTES: usize = 256;
/// One event, as JSON, in bytes.
const KEPT_BYTES: usize = 1024 * 1024;
/// Rows that one statement writes.
const ROWS: usize = 64;

/// Which events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventFilter<'a> {
    /// All of them.
    All,
    /// Of one application.
    Application(&'a str),
    /// Those in which a patch matched.
    Patch(&'a str),
    /// The one of an ingress point that has a reference.
    One(&'a str, &'a str),
}

impl Session<'_> {
    /// Events, the newest first.
    ///
    /// # Errors
    /// The paging is wrong, or the database cannot be asked.
    pub fn events(
        &mut self,
        filter: EventFilter<'_>,
        paging: Paging<'_>,
    ) -> Result<Page<Event>, Error> {
        let part = Part::of(paging, KEY, self.limits)?;
        let (sql, values) = page_query(filter, &part);
        let rows = self.connection.query(&sql, &values)?;
        let entries = rows.iter().map(|row| {
            let key = vec![
                row.integer(0)?.into(),
                row.text(1)?.into(),
                row.text(2)?.into(),
            ];
            let event = Event::from_line(row.text(3)?);
            Ok((key, event.map_err(|why| Error::damaged(why.to_string()))?))
        });
        Ok(part.page(entries.collect::<Result<_, Error>>()?))
    }

    /// In how many requests a patch matched, from a time until before another: when each minute
    /// that had some began, and how many.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub fn hits_by_minute(
        &mut self,
        patch: &str,
        (from_ms, to_ms): (i64, i64),
    ) -> Result<Vec<(i64, u64)>, Error> {
        let rows = self.connection.query(
            "SELECT time_ms - time_ms % 60000, COUNT(*) FROM hit
             WHERE patch = $1 AND time_ms >= $2 AND time_ms < $3 GROUP BY 1 ORDER BY 1",
            &[patch.into(), from_ms.into(), to_ms.into()],
        )?;
        let minutes = rows.iter().map(|row| {
            let count = u64::try_from(row.integer(1)?).unwrap_or(0);
            Ok((row.integer(0)?, count))
        });
        minutes.collect()
    }

    /// How the database finds a page of events, in its own words.
    #[doc(hidden)]
    pub fn explain_events(
        &mut self,
        filter: EventFilter<'_>,
        paging: Paging<'_>,
    ) -> Result<Vec<String>, Error> {
        let part = Part::of(paging, KEY, self.limits)?;
        let (sql, values) = page_query(filter, &part);
        self.explain(&sql, &values)
    }

    /// What the database says of how it would answer.
    pub(crate) fn explain(&mut self, sql: &str, values: &[Value]) -> Result<Vec<String>, Error> {
        let (how, column) = match self.connection {
            Connection::Sqlite(_) => ("EXPLAIN QUERY PLAN", 3),
            Connection::Postgres(_) => ("EXPLAIN", 0),
        };
        let rows = self.connection.query(&format!("{how} {sql}"), values)?;
        let lines = rows.iter().map(|row| row.text(column).map(str::to_owned));
        lines.collect()
    }
}

const KEY: &[Kind] = &[Kind::Integer, Kind::Text, Kind::Text];

fn page_query(filter: EventFilter<'_>, part: &Part) -> (String, Vec<Value>) {
    let (from, of, named) = match filter {
        EventFilter::All => ("event k", "0 = 0", vec![]),
        EventFilter::Application(id) => ("event k", "k.application = $1", vec![id]),
        EventFilter::One(ingress, reference) => (
            "event k",
            "k.ingress = $1 AND k.reference = $2",
            vec![ingress, reference],
        ),
        EventFilter::Patch(id) => (
            "hit k JOIN event e ON e.ingress = k.ingress AND e.reference = k.reference",
            "k.patch = $1",
            vec![id],
        ),
    };
    let body = if matches!(filter, EventFilter::Patch(_)) {
        "e"
    } else {
        "k"
    };
    let mut values: Vec<Value> = named.into_iter().map(Value::from).collect();
    let mut conditions = of.to_owned();
    if let Some(after) = &part.after {
        let first = values.len() + 1;
        values.extend(after.iter().cloned());
        conditions.push_str(&format!(
            " AND (k.time_ms, k.ingress, k.reference) < (${first}, ${}, ${})",
            first + 1,
            first + 2
        ));
    }
    values.push(part.rows());
    let sql = format!(
        "SELECT k.time_ms, k.ingress, k.reference, {body}.body FROM {from} WHERE {conditions}
         ORDER BY k.time_ms DESC, k.ingress DESC, k.reference DESC LIMIT ${}",
        values.len()
    );
    (sql, values)
}

impl Change<'_> {
    /// Forgets the events before a time; gives how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub fn forget_events(&mut self, before_ms: i64) -> Result<u64, Error> {
        let before = [before_ms.into()];
        self.connection
            .execute("DELETE FROM hit WHERE time_ms < $1", &before)?;
        let forgotten = self
            .connection
            .execute("DELETE FROM event WHERE time_ms < $1", &before)?;
        let detail = serde_json::json!({ "before_ms": before_ms, "events": forgotten });
        self.note("events.forget", "events", &detail.to_string())?;
        Ok(forgotten)
    }
}

/// Writes those events that are not there yet; gives how many.
pub(crate) fn deliver(connection: &mut Connection, events: &[Event]) -> Result<usize, Error> {
    let mut rows = Vec::with_capacity(events.len());
    let mut hits = Vec::new();
    for event in events {
        let time = i64::try_from(event.time_ms).unwrap_or(i64::MAX);
        let key = [name(&event.ingress)?, name(&event.reference)?];
        // A probe is no hit that somebody must look at.
        let hits_of = event.matches.iter().filter(|_| event.probe.is_none());
        let patches: std::collections::BTreeSet<&str> =
            hits_of.filter_map(|each| each.patch.as_deref()).collect();
        for patch in patches {
            let [ingress, reference] = key.clone();
            hits.push([name(patch)?, time.into(), ingress, reference]);
        }
        let body = event
            .to_line()
            .map_err(|why| Error::damaged(why.to_string()))?;
        if body.len() > KEPT_BYTES {
            return Err(Error::refused(format!(
                "an event has {} bytes, {KEPT_BYTES} are allowed",
                body.len()
            )));
        }
        let [ingress, reference] = key;
        let application = name(&event.application)?;
        rows.push([ingress, reference, time.into(), application, body.into()]);
    }
    // In one order, so that two that bring the same do not wait for each other.
    rows.sort_by_key(|[ingress, reference, ..]| text(ingress, reference));
    hits.sort_by_key(|[_, _, ingress, reference]| text(ingress, reference));
    let columns = "event (ingress, reference, time_ms, application, body)";
    let new = insert(connection, columns, "(ingress, reference)", &rows)?;
    let columns = "hit (patch, time_ms, ingress, reference)";
    insert(
        connection,
        columns,
        "(patch, time_ms, ingress, reference)",
        &hits,
    )?;
    usize::try_from(new).map_err(|_| Error::damaged("more events than there can be"))
}

fn name(text: &str) -> Result<Value, Error> {
    if text.len() > NAME_BYTES || text.contains('\0') {
        return Err(Error::refused(format!(
            "a name in an event has more than {NAME_BYTES} bytes, or a NUL"
        )));
    }
    Ok(text.into())
}

fn text(one: &Value, two: &Value) -> (String, String) {
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Integer(_) | Value::Null => String::new(),
    };
    (text(one), text(two))
}

/// Inserts rows, many in one statement; those whose key is there already are left out.
fn insert<const N: usize>(
    connection: &mut Connection,
    into: &str,
    key: &str,
    rows: &[[Value; N]],
) -> Result<u64, Error> {
    let mut new = 0;
    let (chunks, rest) = rows.as_chunks::<ROWS>();
    let pieces = chunks.iter().map(|chunk| &chunk[..]);
    // One by one what is left, so that there are two statements, not one for each count.
    for piece in pieces.chain(rest.chunks(1)) {
        let row = |row: usize| {
            let places: Vec<_> = (1..=N)
                .map(|column| format!("${}", row * N + column))
                .collect();
            format!("({})", places.join(", "))
        };
        let places: Vec<_> = (0..piece.len()).map(row).collect();
        let sql = format!(
            "INSERT INTO {into} VALUES {} ON CONFLICT {key} DO NOTHING",
            places.join(", ")
        );
        new += connection.execute(&sql, &piece.concat())?;
    }
    Ok(new)
}
