// SPDX-License-Identifier: MIT
// Bundles the page: src/ -> <out>/{index.html,app.js,app.css,favicon.svg}; `--out DIR`, default dist.
import { copyFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const web = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values } = parseArgs({ options: { out: { type: "string" } } });
const out = path.resolve(values.out ?? path.join(web, "dist"));

await mkdir(out, { recursive: true });
await build({
  absWorkingDir: web,
  entryPoints: { app: "src/main.ts" },
  outdir: out,
  bundle: true,
  minify: true,
  sourcemap: false,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
await build({
  absWorkingDir: web,
  entryPoints: { app: "src/styles/app.css" },
  outdir: out,
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "none",
  logLevel: "warning",
});
for (const file of ["index.html", "favicon.svg"]) {
  await copyFile(path.join(web, "src", file), path.join(out, file));
}
