//! What a database answers.

use std::time::Duration;

use tokio_postgres::{Config, Error, NoTls, SimpleQueryMessage};

/// The first field of the first row that a query gives; none if it gives no row. All of it takes
/// this long at most, also where the server accepts and then says nothing.
pub(super) fn first_field(
    mut config: Config,
    query: &str,
    patience: Duration,
) -> Result<Option<String>, String> {
    // The server ends by itself what nobody waits for any more.
    config.options(format!("-c statement_timeout={}", patience.as_millis()));
    let asked = async {
        let (client, connection) = config.connect(NoTls).await?;
        // It ends with the runtime.
        tokio::spawn(connection);
        client.simple_query(query).await
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|why| why.to_string())?;
    let answered = runtime.block_on(async { tokio::time::timeout(patience, asked).await });
    let rows = answered
        .map_err(|_| format!("no answer in {} s", patience.as_secs()))?
        .map_err(|why| told(&why))?;
    Ok(rows.iter().find_map(|row| match row {
        SimpleQueryMessage::Row(row) => row.try_get(0).ok()?.map(str::to_owned),
        _ => None,
    }))
}

fn told(why: &Error) -> String {
    why.as_db_error()
        .map_or_else(|| why.to_string(), |error| error.message().to_owned())
}
