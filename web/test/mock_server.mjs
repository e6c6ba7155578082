// SPDX-License-Identifier: MIT
// A stand-in for `walkie serve`, for working on the page without a C++ build: static files,
// /echo and /chat/<room>. `node mock_server.mjs --port N`.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const { values } = parseArgs({ options: { port: { type: "string", default: "8000" } } });
const dist = path.join(path.dirname(path.dirname(fileURLToPath(import.meta.url))), "dist");
const types = new Map([
  ["/index.html", "text/html; charset=utf-8"],
  ["/app.js", "text/javascript; charset=utf-8"],
  ["/app.css", "text/css; charset=utf-8"],
  ["/favicon.svg", "image/svg+xml"],
]);

const server = createServer(async (request, response) => {
  const name = request.url === "/" ? "/index.html" : request.url;
  const type = types.get(name);
  if (type === undefined) return response.writeHead(404).end();
  response.writeHead(200, { "content-type": type }).end(await readFile(path.join(dist, name)));
});

const rooms = new Map();
function join(socket, room) {
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));
  socket.on("close", () => members.delete(socket));
  socket.on("message", (message, isBinary) => {
    if (isBinary) return socket.close(1003, "chat rooms take text only");
    for (const member of members) member.send(message, { binary: false });
  });
}

const sockets = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => [...offered][0] ?? false,
});
server.on("upgrade", (request, stream, head) => {
  const room = /^\/chat\/([^/]+)$/.exec(request.url)?.[1];
  if (request.url !== "/echo" && room === undefined) {
    return stream.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  }
  sockets.handleUpgrade(request, stream, head, (socket) => {
    if (room !== undefined) return join(socket, decodeURIComponent(room));
    socket.on("message", (message, isBinary) => socket.send(message, { binary: isBinary }));
  });
});
server.listen(Number(values.port), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${values.port}`);
});
