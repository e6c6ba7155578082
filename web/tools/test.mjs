// SPDX-License-Identifier: MIT
// Bundles the tests of one folder (`test.mjs unit|browser [options]`) and runs them with node:test.
import { spawn } from "node:child_process";
import { mkdir, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";

const web = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    url: { type: "string" },
    screenshots: { type: "string" },
    "server-command": { type: "string" },
    chromium: { type: "string" },
  },
});
const suite = positionals[0] ?? "unit";
// Inside node_modules, so that the bundles still find the packages they leave external.
const out = path.join(web, "node_modules", ".cache", `walkie-test-${suite}-${process.pid}`);

const environment = { ...process.env };
const pass = (name, value) => {
  if (value !== undefined) environment[name] = value;
};
pass("WALKIE_TEST_URL", values.url);
pass("WALKIE_TEST_SCREENSHOTS", values.screenshots && path.resolve(values.screenshots));
pass("WALKIE_TEST_SERVER_COMMAND", values["server-command"]);
pass("WALKIE_TEST_CHROMIUM", values.chromium);
environment.WALKIE_TEST_WEB = web;

async function run() {
  const folder = path.join(web, "test", suite);
  const names = (await readdir(folder)).filter((name) => name.endsWith("_test.ts")).sort();
  await mkdir(out, { recursive: true });
  await build({
    absWorkingDir: web,
    entryPoints: names.map((name) => path.join(folder, name)),
    outdir: out,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    packages: "external",
    platform: "node",
    format: "esm",
    target: "node18",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const tests = names.map((name) => path.join(out, name.replace(/\.ts$/, ".mjs")));
  // The tap reporter ends with "# pass N" and "# fail N" on a terminal too.
  const options = ["--enable-source-maps", "--test", "--test-reporter=tap"];
  const child = spawn(process.execPath, [...options, ...tests], { stdio: "inherit", env: environment });
  return await new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}

let code = 1;
try {
  code = await run();
} finally {
  await rm(out, { recursive: true, force: true });
}
process.exitCode = code;
