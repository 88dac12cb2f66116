//! Pages that a shell tool makes.

use hyper::StatusCode;

use crate::database::Failure;
use crate::page::{self, Response, escape};
use crate::request::Request;
use crate::server::App;
use crate::tool;

/// The size of a product's picture.
///
/// FLAW: command injection. Between double quotes the shell still expands `$(…)` and
/// backticks, and a quote in the name ends them.
pub(crate) async fn thumbnail(app: &App, request: &Request) -> Result<Response, Failure> {
    let file = request.parameter("file").unwrap_or_default();
    let line = format!("test -f \"images/{file}\" && echo \"bytes: $(wc -c < \"images/{file}\")\"");
    Ok(print(app, "Thumbnail", &line).await)
}

/// An order's invoice.
///
/// FLAW: command injection. The shell reads the parameter as a part of its line.
pub(crate) async fn invoice(app: &App, request: &Request) -> Result<Response, Failure> {
    let order = request.parameter("order").unwrap_or_default();
    Ok(print(app, "Invoice", &format!("echo Invoice for order {order}")).await)
}

/// What a line of shell prints; nothing printed is nothing found.
async fn print(app: &App, title: &str, line: &str) -> Response {
    match tool::run(line, &app.files.served()).await {
        Ok(output) if !output.is_empty() => {
            let body = format!("<pre>{}</pre>", escape(&output));
            page::html(app, StatusCode::OK, title, &body)
        }
        Ok(_) => page::not_found(app),
        Err(_) => {
            let text = "<p>The tool cannot be started.</p>";
            page::html(app, StatusCode::INTERNAL_SERVER_ERROR, "Sorry", text)
        }
    }
}
