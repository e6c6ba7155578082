// SPDX-License-Identifier: MIT
// A server of Node's ws for the client's tests; what it does goes by the path.
//
// usage: node tests/clients/ws_server.mjs '{"port": 9000, "perMessageDeflate": true,
//   "cert": FILE, "key": FILE, "record": FILE}'   (ws comes from web/node_modules)
//
//   /echo                 sends each message back
//   /fragments            sends each message back in pieces of a seventh
//   /close/CODE/REASON    closes so on the first message; /close without a code
//   /big/BYTES            sends a binary message of that size
//   /ping                 pings with each text, and sends "pong TEXT" when the Pong is there
//   /terminate            ends the connection without a Close on the first message
//   /headers              sends the request's headers as JSON
//   /record               appends each text to the record's file, before the next frame is read:
//                         a line feed, the text, "|". A write that a kill cuts short has no "|"
import { appendFileSync, readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../web/package.json", import.meta.url));
const { WebSocketServer } = require("ws");
const { port, cert, key, record, ...options } = JSON.parse(process.argv[2]);

const server = cert
  ? https.createServer({ cert: readFileSync(cert), key: readFileSync(key) })
  : http.createServer();
const sockets = new WebSocketServer({ server, maxPayload: 64 << 20, ...options });

const handlers = {
  echo: (socket) => socket.on("message", (data, binary) => socket.send(data, { binary })),
  fragments: (socket) =>
    socket.on("message", (data, binary) => {
      const step = Math.max(1, Math.ceil(data.length / 7));
      let at = 0;
      for (; at + step < data.length; at += step)
        socket.send(data.subarray(at, at + step), { binary, fin: false });
      socket.send(data.subarray(at), { binary, fin: true });
    }),
  close: (socket, [code, reason]) =>
    socket.on("message", () =>
      code ? socket.close(Number(code), decodeURIComponent(reason ?? "")) : socket.close(),
    ),
  big: (socket, [bytes]) => socket.send(Buffer.alloc(Number(bytes))),
  ping: (socket) => {
    socket.on("message", (data) => socket.ping(data));
    socket.on("pong", (data) => socket.send(`pong ${data}`));
  },
  terminate: (socket) => socket.on("message", () => socket.terminate()),
  headers: (socket, _, request) => socket.send(JSON.stringify(request.headers)),
  record: (socket) => socket.on("message", (data) => appendFileSync(record, `\n${data}|`)),
};

sockets.on("connection", (socket, request) => {
  const [name, ...rest] = request.url.slice(1).split("/");
  socket.on("error", () => {});
  const handler = handlers[name];
  if (handler) handler(socket, rest, request);
  else socket.close(1008, "no such path");
});

server.listen(port, "127.0.0.1", () => console.log("listening"));
