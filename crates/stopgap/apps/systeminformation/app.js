// A status page: which of the services that a request names are running.
const http = require("node:http");
const querystring = require("node:querystring");
const si = require("systeminformation");

// As the parsers of web frameworks do: `name=a&name=b` and `name[]=a` are lists.
function parse(text) {
  const fields = querystring.parse(text);
  if ("name[]" in fields) fields.name = [].concat(fields["name[]"]);
  return fields;
}

async function answer(request, response) {
  const url = new URL(request.url, "http://app");
  if (url.pathname !== "/services") {
    response.writeHead(404).end("not found\n");
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  const json = /json/i.test(request.headers["content-type"] ?? "");
  const sent = json ? JSON.parse(body || "{}") : parse(body);
  const { name } = { name: "node", ...parse(url.search.slice(1)), ...sent };
  // Node refuses to run a command with a zero byte, out of reach of any `catch`.
  if (JSON.stringify(name).includes("\\u0000")) {
    response.writeHead(400).end("a name has no zero byte\n");
    return;
  }
  // CVE-2021-21315: what a shell reads is stripped from a text, but not from a list.
  const services = await si.services(name);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ services }));
}

http
  .createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(500).end("error\n"));
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
