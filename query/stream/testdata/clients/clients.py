"""sseclient-py, told on the command line what to do: python3 clients.py MODULES URL...

What comes of each URL is a line of JSON, an array of NAME|ID|DATA.
"""

import json
import sys
import urllib.request

sys.path.insert(0, sys.argv[1])
import sseclient  # noqa: E402


def frames(url):
    with urllib.request.urlopen(url) as response:
        chunks = iter(lambda: response.read1(4096), b"")
        read = []
        try:
            for e in sseclient.SSEClient(chunks).events():
                read.append(f"{e.event}|{e.id or ''}|{e.data}")
        except UnicodeDecodeError as error:
            read.append(f"{type(error).__name__}||")
        return read


for address in sys.argv[2:]:
    print(json.dumps(frames(address)), flush=True)
