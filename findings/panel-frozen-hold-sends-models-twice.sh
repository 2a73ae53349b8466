#!/bin/sh
# Panel 1.9.4 on Bokeh 3.9.2: `panel.io.document.hold(freeze=True)` is there to make many changes cheap. Once the page has loaded, the new
# models go to the browser before the document has found out that it holds them: the next change of their parent sends all of them again
# (16 of 17 here, none without `freeze`). Freezing the models inside `hold` (`with hold(document), document.models.freeze():`) sends each once.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --no-compile panel==1.9.4 bokeh==3.9.2
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import asyncio
import json
import re
import sys
from collections import Counter
from contextlib import nullcontext

import panel as pn
from panel.io.document import hold
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

READY = {
    "kind": "MessageSent",
    "msg_type": "bokeh_event",
    "msg_data": {"type": "event", "name": "document_ready", "values": {"type": "map", "entries": []}},
}
"""What a browser says when it has the page."""


def models(message):
    """Ids of the models that a message holds in full."""
    if isinstance(message, dict):
        if message.get("type") == "object" and "id" in message:
            yield message["id"]
        message = list(message.values())
    if isinstance(message, list):
        for part in message:
            yield from models(part)


async def told(within, freeze):
    """How often the browser is told each model, when a row of ten words comes first and one more after it."""
    def app():
        column, document = pn.Column("start"), pn.state.curdoc

        def first():
            with hold(document, freeze=freeze), document.models.freeze() if within else nullcontext():
                column.append(pn.Row(*(f"word {i}" for i in range(10))))

        def second():
            column.append("one more")

        def begin():
            pn.state.execute(first, schedule=True)
            document.add_timeout_callback(second, 1000)

        pn.state.onload(begin)
        return column

    server = pn.serve(app, port=0, show=False, start=False, threaded=False, verbose=False)
    server.start()
    address = f"127.0.0.1:{server.port}"
    names = {"Host": f"localhost:{server.port}", "Origin": f"http://localhost:{server.port}"}
    page = await AsyncHTTPClient().fetch(f"http://{address}/", headers=names)
    token = re.search(r'"token":\s*"([^"]+)"', page.body.decode())[1]
    socket = await websocket_connect(HTTPRequest(f"ws://{address}/ws", headers=names), subprotocols=["bokeh", token])
    seen, sent = Counter(), False
    try:
        while True:
            part = await asyncio.wait_for(socket.read_message(), 4)
            if isinstance(part, bytes) or not part.startswith("{"):
                continue
            message = json.loads(part)
            if message.get("msgtype") == "ACK" and not sent:
                sent = True
                for words in ({"msgid": "1", "msgtype": "PATCH-DOC"}, {}, {"events": [READY]}):
                    await socket.write_message(json.dumps(words))
            seen.update(models(message))
    except asyncio.TimeoutError:
        pass
    socket.close()
    server.stop()
    return len(seen), sum(count > 1 for count in seen.values())


found = {}
for within, freeze in ((False, False), (False, True), (True, False)):
    whole, found[within, freeze] = asyncio.run(told(within, freeze))
    print(f"freeze={freeze}, frozen inside={within}: {whole} models sent, {found[within, freeze]} of them twice")
seen = found[False, True] > 10 and not found[False, False] and not found[True, False]
print("as found" if seen else "changed")
sys.exit(not seen)
PYTHON
