// Preferences: what a request sends is merged into what is given for all.
const http = require("node:http");
const deepExtend = require("deep-extend");

const GIVEN = { theme: "light", lists: { length: 20 } };
const OWN = new Set(Object.getOwnPropertyNames(Object.prototype));

async function answer(request, response) {
  let body = "";
  for await (const chunk of request) body += chunk;
  let sent = {};
  if (request.method === "POST") {
    if (!/json/i.test(request.headers["content-type"] ?? "")) {
      response.writeHead(415).end("preferences are JSON\n");
      return;
    }
    sent = JSON.parse(body);
  }
  // CVE-2018-3750: `__proto__` is merged like any other member.
  const preferences = deepExtend({}, GIVEN, sent);
  const user = {};
  const told = JSON.stringify({ preferences, admin: user.isAdmin === true });
  // Each request finds the process as the first did.
  for (const name of Object.getOwnPropertyNames(Object.prototype)) {
    if (!OWN.has(name)) delete Object.prototype[name];
  }
  response.writeHead(200, { "content-type": "application/json" }).end(told);
}

http
  .createServer((request, response) => {
    answer(request, response).catch(() => response.writeHead(500).end("error\n"));
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
