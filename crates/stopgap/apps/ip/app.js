// A preview of what a link leads to, for links to other computers.
const http = require("node:http");
const dns = require("node:dns");
const url = require("node:url");
const ip = require("ip");

// What listens on this computer, and stands for the web: one server, told apart by the host it is asked for.
const services = http.createServer((request, response) => {
  const news = request.headers.host === "news.example";
  response.end(news ? "the news" : "internal: n7700");
});

function lookup(name, options, done) {
  if (name !== "news.example") return dns.lookup(name, options, done);
  return options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
}

function preview(link, say) {
  const { protocol, hostname, path } = url.parse(link);
  if (protocol !== "http:" || !hostname) return say(400, "this is no link\n");
  // CVE-2023-42282: an address that is not written in the usual way is taken for a public one.
  if (hostname === "localhost" || ip.isPrivate(hostname)) return say(403, "this is private\n");
  const headers = { host: hostname };
  const fetched = http.get({ hostname, path, headers, lookup, port: services.address().port }, (reply) => {
    reply.setEncoding("utf8");
    let text = "";
    reply.on("data", (more) => (text += more));
    reply.on("end", () => say(200, `${text}\n`));
  });
  return fetched.setTimeout(3000, () => fetched.destroy()).on("error", () => say(502, "nothing answers\n"));
}

const server = http.createServer((request, response) => {
  const say = (status, text) => response.writeHead(status, { "content-type": "text/plain" }).end(text);
  try {
    const link = new URLSearchParams(request.url.split("?")[1] ?? "").get("url");
    if (link === null) return say(200, "no link\n");
    return preview(link, say);
  } catch {
    return say(400, "this is no link\n");
  }
});
services.listen(0, "127.0.0.1", () => server.listen(Number(process.argv[2]), "127.0.0.1"));
