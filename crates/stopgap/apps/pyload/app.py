"""pyLoad with fresh settings: on one port of loopback, none of its other listeners."""

import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent / "data"
SETTINGS = {
    "pyload.cfg": f"""version: 2

webui - "Web Interface":
\tip host : "IP address" = 127.0.0.1
\tint port : "Port" = {int(sys.argv[1])}
""",
    # ClickNLoad would listen on port 9666 of all addresses.
    "plugins.cfg": """version: 2

ClickNLoad - "ClickNLoad":
\tbool enabled : "Activated" = False

ExternalScripts - "ExternalScripts":
\tbool enabled : "Activated" = False
""",
}

shutil.rmtree(HERE, ignore_errors=True)
settings = HERE / "user" / "settings"
settings.mkdir(parents=True)
for name, text in SETTINGS.items():
    (settings / name).write_text(text)

sys.argv = ["pyload", "--userdir", str(HERE / "user")]
sys.argv += ["--tempdir", str(HERE / "tmp"), "--storagedir", str(HERE / "downloads")]

from pyload.__main__ import main  # noqa: E402, it reads the arguments

main()
