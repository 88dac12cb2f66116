//! Directives that are known and are an error here, since leaving them out
//! would let pass what their authors mean to stop.

use super::{Apply, Spec};

const fn refused(name: &'static str, why: &'static str) -> Spec {
    Spec {
        name,
        argument: "",
        summary: "not offered",
        example: "",
        apply: Apply::Refused(why),
    }
}

/// `SecRuleScript`
pub(super) const RULE_SCRIPT: Spec = refused(
    "SecRuleScript",
    "no scripts are run; write the test as a rule",
);

/// `SecRemoteRules`
pub(super) const REMOTE_RULES: Spec = refused(
    "SecRemoteRules",
    "rules are not fetched while they are loaded; fetch them beforehand and include the file",
);

/// `SecRemoteRulesFailAction`
pub(super) const REMOTE_RULES_FAIL_ACTION: Spec = refused(
    "SecRemoteRulesFailAction",
    "rules are not fetched while they are loaded; fetch them beforehand and include the file",
);

/// `SecGsbLookupDb`
pub(super) const GSB_LOOKUP_DB: Spec = refused(
    "SecGsbLookupDb",
    "Google Safe Browsing no longer offers this; use @pmFromFile with a list of hosts",
);

/// `SecHttpBlKey`
pub(super) const HTTP_BL_KEY: Spec = refused(
    "SecHttpBlKey",
    "the engine asks no network while a request waits; use @ipMatchFromFile with a list that is fetched beforehand",
);

/// `SecChrootDir`
pub(super) const CHROOT_DIR: Spec = refused(
    "SecChrootDir",
    "rules do not confine the process; let the service manager do it",
);

/// `SecConnReadStateLimit`
pub(super) const CONN_READ_STATE_LIMIT: Spec = refused(
    "SecConnReadStateLimit",
    "rules do not limit connections; set the limits of the gateway",
);

/// `SecConnWriteStateLimit`
pub(super) const CONN_WRITE_STATE_LIMIT: Spec = refused(
    "SecConnWriteStateLimit",
    "rules do not limit connections; set the limits of the gateway",
);

/// `SecReadStateLimit`
pub(super) const READ_STATE_LIMIT: Spec = refused(
    "SecReadStateLimit",
    "rules do not limit connections; set the limits of the gateway",
);

/// `SecWriteStateLimit`
pub(super) const WRITE_STATE_LIMIT: Spec = refused(
    "SecWriteStateLimit",
    "rules do not limit connections; set the limits of the gateway",
);

/// `SecGuardianLog`
pub(super) const GUARDIAN_LOG: Spec =
    refused("SecGuardianLog", "no programs are run; read the events");

/// `SecContentInjection`
pub(super) const CONTENT_INJECTION: Spec = refused(
    "SecContentInjection",
    "responses are not rewritten; deny them, or change the application",
);

/// `SecStreamInBodyInspection`
pub(super) const STREAM_IN: Spec = refused(
    "SecStreamInBodyInspection",
    "there is no STREAM_INPUT_BODY; inspect REQUEST_BODY",
);

/// `SecStreamOutBodyInspection`
pub(super) const STREAM_OUT: Spec = refused(
    "SecStreamOutBodyInspection",
    "there is no STREAM_OUTPUT_BODY; inspect RESPONSE_BODY",
);

/// `SecHashEngine`
pub(super) const HASH_ENGINE: Spec = refused(
    "SecHashEngine",
    "links are not signed here; validate them in the application",
);

/// `SecHashKey`
pub(super) const HASH_KEY: Spec = refused(
    "SecHashKey",
    "links are not signed here; validate them in the application",
);

/// `SecHashParam`
pub(super) const HASH_PARAM: Spec = refused(
    "SecHashParam",
    "links are not signed here; validate them in the application",
);

/// `SecHashMethodRx`
pub(super) const HASH_METHOD_RX: Spec = refused(
    "SecHashMethodRx",
    "links are not signed here; validate them in the application",
);

/// `SecHashMethodPm`
pub(super) const HASH_METHOD_PM: Spec = refused(
    "SecHashMethodPm",
    "links are not signed here; validate them in the application",
);

/// `SecIgnoreRuleCompilationErrors`
pub(super) const IGNORE_ERRORS: Spec = refused(
    "SecIgnoreRuleCompilationErrors",
    "a rule that is left out is a bypass; correct or remove the rule",
);

/// `SecUnicodeMap`
pub(super) const UNICODE_MAP: Spec = refused(
    "SecUnicodeMap",
    "no engine takes it any more; name the file and the code page with SecUnicodeMapFile",
);

/// `SecInterceptOnError`
pub(super) const INTERCEPT_ON_ERROR: Spec = refused(
    "SecInterceptOnError",
    "an error inside inspection fails closed or open as the gateway's configuration says; set it there",
);
