//! The terms of patches and exceptions, as the ledger keeps them.

use anyhow::Context;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use patch::document::Reason;

/// When a day begins, UTC.
pub(crate) fn begins_ms(day: Date) -> anyhow::Result<i64> {
    let begins = day.to_zoned(TimeZone::UTC);
    let begins = begins.with_context(|| format!("{day} is too far away"))?;
    Ok(begins.timestamp().as_millisecond())
}

/// When it is over: what expires on a day holds on that day.
pub(crate) fn ends_ms(day: Date) -> anyhow::Result<i64> {
    let next = day.tomorrow();
    begins_ms(next.with_context(|| format!("{day} is too far away"))?)
}

/// Why there is a patch.
pub(crate) fn reason(of: Reason) -> ledger::Reason {
    match of {
        Reason::NoResources => ledger::Reason::NoResources,
        Reason::ProviderManaged => ledger::Reason::ProviderManaged,
        Reason::ThirdParty => ledger::Reason::ThirdParty,
        Reason::WaitingForFix => ledger::Reason::WaitingForFix,
    }
}
