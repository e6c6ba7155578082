// SPDX-License-Identifier: MIT
// A browser, a server that the test may stop and start, and the page's parts by name.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const environment = process.env;
const kFlags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const screenshots = environment["WALKIE_TEST_SCREENSHOTS"];
const givenUrl = environment["WALKIE_TEST_URL"]?.replace(/\/$/, "");
const mock = `${process.execPath} ${path.join(environment["WALKIE_TEST_WEB"] ?? ".", "test/mock_server.mjs")} --port {port}`;
/** How to start a server; without a URL or a command, the mock. */
export const serverCommand =
  environment["WALKIE_TEST_SERVER_COMMAND"] ?? (givenUrl === undefined ? mock : undefined);

export async function launch(): Promise<Browser> {
  const executablePath = environment["WALKIE_TEST_CHROMIUM"] ?? "/usr/bin/chromium";
  return await chromium.launch({ executablePath, args: kFlags });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

/** A server on a port of its own, started from `serverCommand` with {port} filled in. */
export class OwnServer {
  readonly url: string;
  readonly #command: string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, command: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#command = command.split(/\s+/).map((word) => word.replace("{port}", String(port)));
  }

  static async start(command: string): Promise<OwnServer> {
    assert.match(command, /\{port\}/, "the server command needs {port}");
    const server = new OwnServer(await freePort(), command);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const [program, ...options] = this.#command;
    assert.ok(program !== undefined);
    const child = spawn(program, options, { stdio: ["ignore", "ignore", "inherit"] });
    this.#process = child;
    for (let attempt = 0; attempt < 100; attempt++) {
      assert.equal(child.exitCode, null, `${this.#command.join(" ")} ended by itself`);
      const answer = await fetch(this.url).catch(() => null);
      if (answer?.ok === true) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail(`${this.#command.join(" ")} does not answer at ${this.url}`);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    const impatient = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(impatient);
  }
}

/** The given URL, or a server that runs for these tests. */
export async function sharedServer(): Promise<{ url: string; stop(): Promise<void> }> {
  if (givenUrl !== undefined) return { url: givenUrl, stop: async () => {} };
  assert.ok(serverCommand !== undefined);
  return await OwnServer.start(serverCommand);
}

/** A page in a context of its own (storage, cookies); what goes wrong in it fails the test. */
export async function openPage(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy|Uncaught/.test(message.text())) wrong.push(message.text());
  });
  page.on("close", () => assert.deepEqual(wrong, []));
  await page.goto(url);
  return page;
}

export async function closePage(page: Page): Promise<void> {
  await page.close();
  await page.context().close();
}

export async function connect(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator('#status[data-phase="open"]').waitFor();
}

export async function send(page: Page, mode: "Text" | "Hex" | "Base64", content: string): Promise<void> {
  await page.getByRole("group", { name: "What to send" }).getByRole("button", { name: mode }).click();
  await page.getByLabel("Message to send").fill(content);
  await page.getByRole("button", { name: "Send", exact: true }).first().click();
}

/** The listed rows of one direction, as their previews. */
export function rows(page: Page, direction: "in" | "out" | "local") {
  return page.locator(`.row:not([hidden])[data-direction="${direction}"]`);
}

export async function join(page: Page, room: string, name: string): Promise<void> {
  await page.getByRole("link", { name: "Chat" }).click();
  await page.getByLabel("Your name").fill(name);
  await page.getByLabel("Room", { exact: true }).fill(room);
  await page.getByRole("button", { name: "Join" }).click();
  await page.locator('#room-state[data-phase="open"]').waitFor();
}

export async function say(page: Page, text: string): Promise<void> {
  await page.locator("#say").fill(text);
  await page.locator("#say").press("Enter");
}

/** Waits until the conversation shows a message with just this text. */
export async function heard(page: Page, text: string): Promise<void> {
  await page.locator("#messages .text").filter({ hasText: text }).first().waitFor();
}

/** A room that no other run uses. */
export function newRoom(stem: string): string {
  return `${stem}-${Math.random().toString(36).slice(2, 8)}`;
}

export async function capture(page: Page, name: string): Promise<void> {
  if (screenshots === undefined) return;
  await mkdir(screenshots, { recursive: true });
  await page.screenshot({ path: path.join(screenshots, `${name}.png`) });
}
