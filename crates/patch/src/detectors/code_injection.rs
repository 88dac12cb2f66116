//! Program code in a value (CWE-94, CWE-95): PHP, Python, JavaScript on servers, Perl, ASP, JSP.

use super::{Detector, rx};
use crate::document::Decode;

/// `code-injection`
pub(super) const DETECTOR: Detector = Detector {
    name: "code-injection",
    summary: "code of a language that servers evaluate, with a call that reaches the system",
    decode: &[Decode::Url, Decode::Url],
    checks: &[
        rx(
            r"(?i)<\?php\b|<\?=\s*[$\w'\x22(`][\w*+$'\x22()\[]|<%[@=!]?\s*(?:\x60|page|import|response|request|execute|eval|out\s*\.|new\s|string|runtime|java\.|system|if\s*\(|for\s*\(|dim\s|int\s|\d+\s*[*+])|<jsp:|<script\s[^>]*(?:runat|language\s*=\s*.?php)|\b(?:allow_url_include|auto_(?:prepend|append)_file)\b",
        ),
        // PHP: functions that run code or commands, with their parenthesis.
        rx(
            r"(?i)\b(?:eval|assert|system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|phpinfo|phpversion|var_dump|print_r|call_user_func(?:_array)?|create_function|base64_decode|file_(?:get|put)_contents|readfile|fwrite|fputs|move_uploaded_file|highlight_file|show_source|array_map|preg_replace|ini_set|putenv|md5)\s*\(\s*(?:['\x22$@\d(\[\\)]|[a-z_]+\s*\()|\b(?:die|print|echo)\s*\(\s*(?:['\x22@\s]*(?:md5|sha1|chr|strrev|system|exec|shell_exec|passthru|phpinfo|phpversion|php_uname|base64_decode|file_get_contents|\$_)|[$@]\w|\d+\s*[*+-])|\becho\s+(?:md5|system|exec|shell_exec|base64_decode)\b|\$_(?:GET|POST|REQUEST|COOKIE|SERVER|FILES)\b",
        ),
        // Python, Node.js, Ruby, Java.
        rx(
            r"(?i)\b__(?:import|class|globals|builtins|subclasses|mro|init|bases?|reduce)__|\bos\s*\.\s*(?:system|popen|exec\w*)\s*\(|\bsubprocess\s*\.|\bimport\s+os\s*[;,\n].*\bos\s*\.\s*(?:spawn|kill|fork|remove|unlink)|\bchild_process\b|\bprocess\s*\.\s*(?:mainModule|binding|env)\b|\brequire\s*\(\s*['\x22]|\bconstructor\s*[.\[]\s*['\x22]?constructor\b|\bRuntime\s*\.\s*getRuntime\b|\bThread\s*\.\s*sleep\s*\(|\bjava\.lang\.|\.execute\s*\(\s*\)|\bIO\.popen\b|\bKernel\.(?:exec|system)\b",
        ),
        // Server-side includes; options by which drivers of JDBC load files and code, also of H2
        // without `jdbc:`; annotations of Groovy, which act when they are compiled.
        rx(
            r"(?i)[;&?]\s*INIT\s*=\s*(?:CREATE|RUNSCRIPT)\b|\$\$\s*//\s*javascript\b|@(?:Grab\w*|ASTTest)\s*\(|<!--#\s*(?:exec|include|echo|printenv|config|set|fsize|flastmod)\b|\bjdbc:[a-z0-9]+:.{0,400}[;?&]\s*(?:init|autoDeserialize|allowLoadLocalInfile|allowUrlInLocalInfile|(?:query|statement)Interceptors|socketFactory|sslFactory|loggerFile|traceFile)\s*=",
        ),
    ],
};
