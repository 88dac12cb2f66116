//! Collections that outlive a transaction.

use super::{Apply, Spec};

/// `SecWebAppId`
pub(super) const WEB_APP_ID: Spec = Spec {
    name: "SecWebAppId",
    argument: "a name",
    summary: "WEBAPPID; applications with different names have different persistent collections",
    example: "SecWebAppId shop",
    apply: Apply::Set(|lowering, given| {
        given
            .one()?
            .clone_into(&mut lowering.program.settings.web_app_id);
        Ok(())
    }),
};

/// `SecCollectionTimeout`
pub(super) const TIMEOUT: Spec = Spec {
    name: "SecCollectionTimeout",
    argument: "seconds",
    summary: "after how long a persistent collection is forgotten that is not written to",
    example: "SecCollectionTimeout 3600",
    apply: Apply::Set(|lowering, given| {
        lowering.program.settings.collection_timeout = given.number()?;
        Ok(())
    }),
};
