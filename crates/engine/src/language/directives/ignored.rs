//! Directives that are known and do nothing here. Loading one warns.

use super::{Apply, Spec};

const AUDIT: &str = "audit logs are not written; matches are events, which the gateway's configuration sends where they are wanted";
const DEBUG: &str = "debug logs are not written; `stopgap rules explain` says what a rule does";
const FILES: &str = "bodies stay in memory, within limits; nothing is written to files";
const PCRE: &str = "expressions run in linear time, or within the limit on backtracking";
const UNICODE: &str = "SecUnicodeMapFile names the code page";

const fn ignored(
    name: &'static str,
    argument: &'static str,
    example: &'static str,
    why: &'static str,
) -> Spec {
    Spec {
        name,
        argument,
        summary: "does nothing here",
        example,
        apply: Apply::Ignored(why),
    }
}

/// `SecAuditEngine`
pub(super) const AUDIT_ENGINE: Spec = ignored(
    "SecAuditEngine",
    "On, Off or RelevantOnly",
    "SecAuditEngine RelevantOnly",
    AUDIT,
);

/// `SecAuditLog`
pub(super) const AUDIT_LOG: Spec = ignored(
    "SecAuditLog",
    "a file",
    "SecAuditLog /var/log/audit.log",
    AUDIT,
);

/// `SecAuditLog2`
pub(super) const AUDIT_LOG2: Spec = ignored(
    "SecAuditLog2",
    "a file",
    "SecAuditLog2 /var/log/audit2.log",
    AUDIT,
);

/// `SecAuditLogDir`
pub(super) const AUDIT_LOG_DIR: Spec = ignored(
    "SecAuditLogDir",
    "a folder",
    "SecAuditLogDir /var/log/audit",
    AUDIT,
);

/// `SecAuditLogDirMode`
pub(super) const AUDIT_LOG_DIR_MODE: Spec = ignored(
    "SecAuditLogDirMode",
    "an octal mode",
    "SecAuditLogDirMode 0750",
    AUDIT,
);

/// `SecAuditLogFileMode`
pub(super) const AUDIT_LOG_FILE_MODE: Spec = ignored(
    "SecAuditLogFileMode",
    "an octal mode",
    "SecAuditLogFileMode 0640",
    AUDIT,
);

/// `SecAuditLogFormat`
pub(super) const AUDIT_LOG_FORMAT: Spec = ignored(
    "SecAuditLogFormat",
    "JSON or Native",
    "SecAuditLogFormat JSON",
    AUDIT,
);

/// `SecAuditLogParts`
pub(super) const AUDIT_LOG_PARTS: Spec = ignored(
    "SecAuditLogParts",
    "letters",
    "SecAuditLogParts ABIJDEFHZ",
    AUDIT,
);

/// `SecAuditLogPrefix`
pub(super) const AUDIT_LOG_PREFIX: Spec = ignored(
    "SecAuditLogPrefix",
    "a text",
    "SecAuditLogPrefix shop",
    AUDIT,
);

/// `SecAuditLogRelevantStatus`
pub(super) const AUDIT_LOG_RELEVANT_STATUS: Spec = ignored(
    "SecAuditLogRelevantStatus",
    "a regular expression",
    "SecAuditLogRelevantStatus \"^[45]\"",
    AUDIT,
);

/// `SecAuditLogStorageDir`
pub(super) const AUDIT_LOG_STORAGE_DIR: Spec = ignored(
    "SecAuditLogStorageDir",
    "a folder",
    "SecAuditLogStorageDir /var/log/audit",
    AUDIT,
);

/// `SecAuditLogType`
pub(super) const AUDIT_LOG_TYPE: Spec = ignored(
    "SecAuditLogType",
    "Serial, Concurrent or HTTPS",
    "SecAuditLogType Serial",
    AUDIT,
);

/// `SecDebugLog`
pub(super) const DEBUG_LOG: Spec = ignored(
    "SecDebugLog",
    "a file",
    "SecDebugLog /var/log/debug.log",
    DEBUG,
);

/// `SecDebugLogLevel`
pub(super) const DEBUG_LOG_LEVEL: Spec =
    ignored("SecDebugLogLevel", "0 to 9", "SecDebugLogLevel 3", DEBUG);

/// `SecDataDir`
pub(super) const DATA_DIR: Spec = ignored(
    "SecDataDir",
    "a folder",
    "SecDataDir /var/cache/modsecurity",
    FILES,
);

/// `SecTmpDir`
pub(super) const TMP_DIR: Spec = ignored("SecTmpDir", "a folder", "SecTmpDir /tmp", FILES);

/// `SecTmpSaveUploadedFiles`
pub(super) const TMP_SAVE: Spec = ignored(
    "SecTmpSaveUploadedFiles",
    "On or Off",
    "SecTmpSaveUploadedFiles Off",
    FILES,
);

/// `SecUploadDir`
pub(super) const UPLOAD_DIR: Spec = ignored("SecUploadDir", "a folder", "SecUploadDir /tmp", FILES);

/// `SecUploadFileMode`
pub(super) const UPLOAD_FILE_MODE: Spec = ignored(
    "SecUploadFileMode",
    "an octal mode",
    "SecUploadFileMode 0600",
    FILES,
);

/// `SecUploadKeepFiles`
pub(super) const UPLOAD_KEEP_FILES: Spec = ignored(
    "SecUploadKeepFiles",
    "On, Off or RelevantOnly",
    "SecUploadKeepFiles Off",
    FILES,
);

/// `SecRequestBodyInMemoryLimit`
pub(super) const IN_MEMORY_LIMIT: Spec = ignored(
    "SecRequestBodyInMemoryLimit",
    "bytes",
    "SecRequestBodyInMemoryLimit 131072",
    FILES,
);

/// `SecPcreMatchLimit`
pub(super) const PCRE_MATCH_LIMIT: Spec = ignored(
    "SecPcreMatchLimit",
    "a number",
    "SecPcreMatchLimit 1000",
    PCRE,
);

/// `SecPcreMatchLimitRecursion`
pub(super) const PCRE_MATCH_LIMIT_RECURSION: Spec = ignored(
    "SecPcreMatchLimitRecursion",
    "a number",
    "SecPcreMatchLimitRecursion 1000",
    PCRE,
);

/// `SecStatusEngine`
pub(super) const STATUS_ENGINE: Spec = ignored(
    "SecStatusEngine",
    "On or Off",
    "SecStatusEngine Off",
    "nothing is sent to anyone",
);

/// `SecServerSignature`
pub(super) const SERVER_SIGNATURE: Spec = ignored(
    "SecServerSignature",
    "a text",
    "SecServerSignature \"shop\"",
    "the ingress point writes the response's headers",
);

/// `SecSensorId`
pub(super) const SENSOR_ID: Spec = ignored(
    "SecSensorId",
    "a name",
    "SecSensorId edge-1",
    "the gateway's configuration names the ingress point",
);

/// `SecRulePerfTime`
pub(super) const RULE_PERF_TIME: Spec = ignored(
    "SecRulePerfTime",
    "microseconds",
    "SecRulePerfTime 1000",
    "the cost of rules is measured by the bench command",
);

/// `SecCacheTransformations`
pub(super) const CACHE_TRANSFORMATIONS: Spec = ignored(
    "SecCacheTransformations",
    "On or Off",
    "SecCacheTransformations On",
    "each value is transformed once in any case",
);

/// `SecRuleInheritance`
pub(super) const RULE_INHERITANCE: Spec = ignored(
    "SecRuleInheritance",
    "On or Off",
    "SecRuleInheritance On",
    "there is one context, in which all rules are",
);

/// `SecUnicodeCodePage`
pub(super) const UNICODE_CODE_PAGE: Spec = ignored(
    "SecUnicodeCodePage",
    "a number",
    "SecUnicodeCodePage 20127",
    UNICODE,
);

/// `SecConnEngine`
pub(super) const CONN_ENGINE: Spec = ignored(
    "SecConnEngine",
    "On, Off or DetectionOnly",
    "SecConnEngine Off",
    "connections are limited by the gateway's configuration",
);

/// `SecDisableBackendCompression`
pub(super) const DISABLE_BACKEND_COMPRESSION: Spec = ignored(
    "SecDisableBackendCompression",
    "On or Off",
    "SecDisableBackendCompression On",
    "the ingress point decides which codings it asks for",
);
