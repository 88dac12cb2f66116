// Settings, which are YAML in a form.
const http = require("node:http");
const yaml = require("js-yaml");

function saved(form) {
  const text = new URLSearchParams(form).get("settings") ?? "";
  // GHSA-8j8c-7jfh-h6hx: a key that is an object is made a text, by a function of its own.
  const settings = yaml.load(text) ?? {};
  return `saved: ${Object.keys(settings).join(", ")}\n`;
}

http
  .createServer((request, response) => {
    const say = (status, text) =>
      response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
    const kind = (request.headers["content-type"] ?? "").toLowerCase();
    if (request.method !== "POST") return say(200, "no settings\n");
    if (!kind.startsWith("application/x-www-form-urlencoded")) return say(415, "settings are a form\n");
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      try {
        say(200, saved(Buffer.concat(chunks).toString()));
      } catch {
        say(400, "this is no YAML\n");
      }
    });
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
