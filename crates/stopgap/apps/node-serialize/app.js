// A greeting for whom the cookie `profile` names.
const http = require("node:http");
const { unserialize } = require("node-serialize");

// As the package `cookie` does: the first of a name counts, quotes and percent-encoding go.
function cookie(header, wanted) {
  for (const pair of (header ?? "").split(";")) {
    const at = pair.indexOf("=");
    if (at < 0 || pair.slice(0, at).trim() !== wanted) continue;
    const value = pair.slice(at + 1).trim().replace(/^"(.*)"$/, "$1");
    return decodeURIComponent(value);
  }
  return undefined;
}

function answer(request, response) {
  const profile = cookie(request.headers.cookie, "profile");
  // CVE-2017-5941: a text that begins as a function is evaluated.
  const { username } = profile
    ? unserialize(Buffer.from(profile, "base64").toString())
    : { username: "stranger" };
  response.writeHead(200, { "content-type": "text/plain" }).end(`Hello ${username}\n`);
}

http
  .createServer((request, response) => {
    try {
      answer(request, response);
    } catch {
      response.writeHead(500).end("error\n");
    }
  })
  .listen(Number(process.argv[2]), "127.0.0.1");
