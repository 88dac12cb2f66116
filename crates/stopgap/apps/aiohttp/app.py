"""A museum's site whose style sheets and pictures aiohttp serves, links followed."""

import pathlib
import sys

from aiohttp import web

HERE = pathlib.Path(__file__).resolve().parent / "site"
FILES = {
    "secret.txt": "alarm code: 4b7d-not-for-visitors\n",
    "static/site.css": "body { color: #222 }\n",
    "static/opening hours.txt": "Daily from ten to five.\n",
    "static/pictures/two..dots.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
}


async def home(request):
    page = '<link rel="stylesheet" href="/static/site.css"><h1>Museum of buttons</h1>'
    return web.Response(text=page, content_type="text/html")


for name, text in FILES.items():
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)

app = web.Application()
app.router.add_get("/", home)
# CVE-2024-23334: with links followed, a path is not kept under the directory.
app.router.add_static("/static", HERE / "static", follow_symlinks=True)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
