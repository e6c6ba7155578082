// SPDX-License-Identifier: MIT
// The page in a real browser against a real server.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import type { Browser, Page } from "playwright-core";
import { WebSocketServer } from "ws";
import { capture, closePage, connect, heard, join, launch, newRoom, openPage, OwnServer, rows, say, screenshots, send, serverCommand, sharedServer } from "./support";

let browser: Browser;
let server: { url: string; stop(): Promise<void> };

before(async () => {
  browser = await launch();
  server = await sharedServer();
});
after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A test with a page at `path`, which must end without errors in its console. */
function pageTest(name: string, path: string, body: (page: Page) => Promise<void>): void {
  test(name, { timeout: 60_000 }, async () => {
    const page = await openPage(browser, server.url + path);
    await body(page);
    await closePage(page);
  });
}

const seen = (page: Page, direction: "in" | "out" | "local") => rows(page, direction).locator(".preview");

pageTest("console shows a text message out and its echo in, with sizes", "/", async (page) => {
  await connect(page);
  await send(page, "Text", "hello, ünïcode");
  await rows(page, "in").waitFor();
  assert.deepEqual(await seen(page, "out").allTextContents(), ["hello, ünïcode"]);
  assert.deepEqual(await seen(page, "in").allTextContents(), ["hello, ünïcode"]);
  assert.equal(await rows(page, "in").locator(".size").textContent(), "16 B");
  assert.match((await rows(page, "in").locator(".time").textContent()) ?? "", /^\d\d:\d\d:\d\d\.\d{3}$/);
  await page.locator("#rtt").filter({ hasText: /^[\d.]+ m?s$/ }).waitFor();
});

pageTest("console sends hex and base64 as binary and dumps what comes back", "/", async (page) => {
  await connect(page);
  await send(page, "Hex", "de ad be ef 00 ff");
  await rows(page, "in").first().waitFor();
  await send(page, "Base64", "aGVsbG8=");
  await rows(page, "in").nth(1).waitFor();
  assert.deepEqual(await rows(page, "in").locator(".kind").allTextContents(), ["binary", "binary"]);
  await rows(page, "in").first().click();
  assert.equal(await page.locator("#payload").textContent(), "00000000  de ad be ef 00 ff        ······");
  await rows(page, "in").nth(1).click();
  await page.getByRole("group", { name: "Show as" }).getByRole("button", { name: "Text" }).click();
  assert.equal(await page.locator("#payload").textContent(), "hello");
});

pageTest("console sends a file as one binary message", "/", async (page) => {
  await connect(page);
  await page.getByRole("button", { name: "File", exact: true }).click();
  const buffer = Buffer.alloc(1_000_000, 7);
  await page.locator("#file").setInputFiles({ name: "seven.bin", mimeType: "application/octet-stream", buffer });
  await page.getByText("seven.bin · 1.0 MB").waitFor();
  await page.getByRole("button", { name: "Send", exact: true }).first().click();
  await rows(page, "in").waitFor();
  assert.equal(await rows(page, "in").locator(".size").textContent(), "1.0 MB");
});

pageTest("console lays JSON out without touching its numbers", "/", async (page) => {
  await connect(page);
  await send(page, "Text", '{"id":9007199254740993,"ok":true}');
  await rows(page, "in").click();
  assert.equal(await page.locator("#payload").textContent(), '{\n  "id": 9007199254740993,\n  "ok": true\n}');
});

pageTest("console shows HTML as text", "/", async (page) => {
  await connect(page);
  await send(page, "Text", '<img src=x onerror="document.title=1">');
  await rows(page, "in").click();
  assert.equal(await page.locator("#payload img, .row img").count(), 0);
  assert.match(await page.title(), /walkie/);
});

pageTest("console refuses broken hex before it is sent", "/", async (page) => {
  await connect(page);
  await page.getByRole("button", { name: "Hex", exact: true }).click();
  await page.getByLabel("Message to send").fill("abc");
  await page.getByText("An odd number of hex digits").waitFor();
  assert.equal(await page.locator("#send").isDisabled(), true);
});

pageTest("console closes with 4001 and a reason, and shows what came back", "/", async (page) => {
  await connect(page);
  await page.getByLabel("Close code").fill("4001");
  await page.getByLabel("Reason").fill("enough said");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.locator('#status[data-phase="closed"]').waitFor();
  // A server's Close repeats the code; whether it repeats the reason too is its choice [RFC 6455 5.5.1].
  const status = (await page.locator("#status-text").textContent()) ?? "";
  assert.match(status, /^Closed with 4001 application code( “enough said”)? · clean$/);
  await rows(page, "local").filter({ hasText: "Closing with 4001 application code “enough said”" }).waitFor();
  await rows(page, "local").filter({ hasText: "Closed with 4001" }).waitFor();
});

pageTest("console connects to any URL, and code and reason go both ways", "/", async (page) => {
  const other = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: () => "b.v1" });
  const closes: [number, string][] = [];
  other.on("connection", (socket) => {
    socket.on("message", () => socket.close(4002, "as you wish"));
    socket.on("close", (code, reason) => closes.push([code, reason.toString()]));
  });
  await once(other, "listening");
  const address = other.address();
  assert.ok(typeof address === "object" && address !== null);
  await page.getByLabel("URL").fill(`127.0.0.1:${address.port}/any`);
  await page.getByLabel("Subprotocols").fill("a.v1, b.v1");
  await connect(page);
  await page.locator("#endpoint-facts").filter({ hasText: "subprotocol b.v1" }).waitFor();
  await send(page, "Text", "close, please");
  await page.locator("#status-text").filter({ hasText: "Closed with 4002 application code “as you wish” · clean" }).waitFor();
  await connect(page);
  await page.getByLabel("Close code").fill("4001");
  await page.getByLabel("Reason").fill("enough said");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.locator('#status[data-phase="closed"]').waitFor();
  assert.deepEqual(closes, [[4002, "as you wish"], [4001, "enough said"]]);
  other.close();
});

pageTest("console refuses close codes a page may not send", "/", async (page) => {
  await connect(page);
  await page.getByLabel("Close code").fill("1001");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.getByRole("alert").filter({ hasText: "1000 or 3000 to 4999" }).waitFor();
  assert.equal(await page.locator("#status").getAttribute("data-phase"), "open");
});

pageTest("console names what is wrong with a malformed URL", "/", async (page) => {
  for (const [url, problem] of [
    ["ws://a b", "is not a URL"],
    ["ftp://a", "is not a WebSocket scheme"],
    ["ws://a#b", "no #fragment"],
  ] as const) {
    await page.getByLabel("URL").fill(url);
    await page.getByRole("button", { name: "Connect" }).click();
    await page.getByRole("alert").filter({ hasText: problem }).waitFor();
    assert.equal(await page.getByLabel("URL").getAttribute("aria-invalid"), "true");
  }
});

pageTest("console says that a connection failed, and what a page cannot know", "/", async (page) => {
  await page.getByLabel("URL").fill("/no-such-endpoint");
  await page.getByRole("button", { name: "Connect" }).click();
  await page.locator('#status[data-phase="failed"]').waitFor();
  assert.match((await page.locator("#status").textContent()) ?? "", /Failed with 1006.*Browsers do not tell/s);
});

pageTest("console repeats, recalls and filters", "/", async (page) => {
  await connect(page);
  await send(page, "Text", "first");
  await send(page, "Text", "second");
  await page.locator("#times").fill("3");
  await page.locator("#repeat").click();
  await rows(page, "in").nth(4).waitFor();
  assert.deepEqual(await seen(page, "out").allTextContents(), ["first", "second", "second", "second", "second"]);
  await page.getByLabel("Message to send").press("ArrowUp");
  await page.getByLabel("Message to send").press("ArrowUp");
  assert.equal(await page.getByLabel("Message to send").inputValue(), "first");
  await page.getByLabel("Filter by text").fill("FIRST");
  await rows(page, "local").first().waitFor({ state: "hidden" });
  assert.equal(await page.locator(".row:not([hidden])").count(), 2);
  await page.getByRole("group", { name: "Direction" }).getByRole("button", { name: "In" }).click();
  await rows(page, "out").waitFor({ state: "hidden" });
  assert.deepEqual(await seen(page, "in").allTextContents(), ["first"]);
});

pageTest("console exports what is shown as JSON lines", "/", async (page) => {
  await connect(page);
  await send(page, "Text", "kept");
  await rows(page, "in").waitFor();
  await page.getByLabel("Filter by text").fill("kept");
  await rows(page, "local").first().waitFor({ state: "hidden" });
  const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#export").click()]);
  const lines = (await readFile(await download.path(), "utf8")).trim().split("\n");
  const parsed = lines.map((line) => JSON.parse(line) as { direction: string; text: string });
  assert.deepEqual(parsed.map(({ direction, text }) => [direction, text]), [["out", "kept"], ["in", "kept"]]);
});

pageTest("console pauses while messages go on, and catches up", "/", async (page) => {
  await connect(page);
  await page.locator("#pause").click();
  await send(page, "Text", "unseen");
  await page.getByText("Paused · 2 newer").waitFor();
  assert.equal(await rows(page, "in").count(), 0);
  await page.locator("#pause").click();
  await rows(page, "in").waitFor();
});

pageTest("console stays bounded and responsive at thousands of messages", "/", async (page) => {
  await connect(page);
  await send(page, "Text", "burst");
  await page.locator("#times").fill("20000");
  const start = Date.now();
  await page.locator("#repeat").click();
  await page.locator("#total-in").filter({ hasText: "20.0k in all" }).waitFor({ timeout: 40_000 });
  const elapsed = Date.now() - start;
  assert.ok((await page.locator(".row").count()) < 80, "rows are only those in sight");
  assert.match((await page.locator("#log-count").textContent()) ?? "", /^2000 of 40\.0k$/);
  const last = await seen(page, "in").last().textContent();
  assert.equal(last, "burst");
  console.log(`# 20000 messages out and back in ${elapsed} ms`);
});

pageTest("console times a probe each second and hides it from the list", "/", async (page) => {
  await connect(page);
  await page.getByRole("switch").check({ force: true });
  await page.locator("#total-in").filter({ hasText: /^[2-9] in all/ }).waitFor();
  assert.match((await page.locator("#rtt").textContent()) ?? "", /^[\d.]+ ms$/);
  assert.equal(await rows(page, "in").count(), 0);
  await page.getByLabel("Filter by text").fill("walkie-probe");
  await rows(page, "in").first().waitFor();
});

pageTest("the list can be walked by keyboard", "/", async (page) => {
  await connect(page);
  await send(page, "Text", "one");
  await rows(page, "in").waitFor();
  await page.locator("#log").focus();
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.locator("#inspector-title").textContent(), "Sent text");
  await page.keyboard.press("Escape");
  await page.getByText("Select a line").waitFor();
});

pageTest("the theme is chosen, kept, and applied to the next visit", "/", async (page) => {
  const theme = () => page.evaluate(() => document.documentElement.dataset["theme"]);
  const shade = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "light" });
  const light = await shade();
  await page.locator("#theme").click();
  await page.locator("#theme").click();
  assert.equal(await theme(), "dark");
  assert.notEqual(await shade(), light);
  await page.reload();
  assert.equal(await theme(), "dark");
});

test("two tabs chat with each other", { timeout: 60_000 }, async () => {
  const room = newRoom("tabs");
  const ada = await openPage(browser, server.url);
  await join(ada, room, "Ada");
  const tab = await ada.context().newPage();
  await tab.goto(`${server.url}/#/chat/${room}`);
  await tab.locator('#room-state[data-phase="open"]').waitFor();
  await tab.getByLabel("Your name").fill("Grace");
  await tab.getByLabel("Your name").press("Enter");
  await say(ada, "hello from Ada");
  await heard(tab, "hello from Ada");
  await say(tab, "<b>hello</b> from Grace");
  await heard(ada, "<b>hello</b> from Grace");
  assert.equal(await ada.locator("#messages b").count(), 0);
  assert.equal(await ada.locator("#messages .own .text").textContent(), "hello from Ada");
  await ada.locator("#people").filter({ hasText: "Grace" }).waitFor();
  await tab.close();
  await ada.locator(".notice").filter({ hasText: "Grace left" }).waitFor();
  await closePage(ada);
});

test("chat shows that someone writes, and what is not from a chat page as plain text", { timeout: 60_000 }, async () => {
  const room = newRoom("raw");
  const ada = await openPage(browser, server.url);
  const bea = await openPage(browser, server.url);
  await join(ada, room, "Ada");
  await join(bea, room, "Bea");
  await bea.locator("#say").pressSequentially("w");
  await ada.locator("#typing").filter({ hasText: "Bea is writing" }).waitFor();
  await bea.evaluate((url) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send("<i>raw</i>");
  }, `${server.url.replace("http", "ws")}/chat/${room}`);
  await ada.locator(".raw code").waitFor();
  assert.equal(await ada.locator(".raw code").textContent(), "<i>raw</i>");
  assert.equal(await ada.locator(".raw i").count(), 0);
  await Promise.all([closePage(ada), closePage(bea)]);
});

test("chat keeps unsent messages while the server is away and delivers them when it is back",
  { timeout: 90_000, skip: serverCommand === undefined && "needs --server-command" },
  async () => {
    const own = await OwnServer.start(serverCommand ?? "");
    try {
      await interrupted(own);
    } finally {
      await own.stop();
    }
  });

async function interrupted(own: OwnServer): Promise<void> {
  const ada = await openPage(browser, own.url);
  const bea = await openPage(browser, own.url);
  // Ada's clock is the test's: the server stores nothing, so Bea must be back before Ada tries.
  await ada.clock.install();
  await ada.reload();
  await join(ada, "outage", "Ada");
  await join(bea, "outage", "Bea");
  await say(ada, "before");
  await heard(bea, "before");
  await own.stop();
  await ada.locator("#room-state-text").filter({ hasText: "Next attempt in" }).waitFor();
  await say(ada, "while it was away");
  await ada.locator("#outbox").filter({ hasText: "waits for the connection" }).waitFor();
  await capture(ada, "chat-waiting-desktop-light");
  await ada.clock.pauseAt(Date.now() + 3_600_000);
  await bea.locator("#room-state-text").filter({ hasText: "Next attempt in" }).waitFor();
  await own.start();
  // Not a click: the button goes where an attempt of her own comes first.
  await bea.locator("#retry").dispatchEvent("click");
  await bea.locator('#room-state[data-phase="open"]').waitFor();
  // Ada comes back by herself, as soon as her time goes on.
  assert.equal(await ada.locator("#outbox > li").count(), 1);
  await ada.clock.resume();
  await heard(bea, "while it was away");
  await heard(ada, "while it was away");
  assert.equal(await ada.locator("#outbox > li").count(), 0);
  assert.equal(await bea.locator("#messages .text").filter({ hasText: "while it was away" }).count(), 1);
  await Promise.all([closePage(ada), closePage(bea)]);
}

test("console says 1001 or 1006 when the server stops",
  { timeout: 60_000, skip: serverCommand === undefined && "needs --server-command" },
  async () => {
    const own = await OwnServer.start(serverCommand ?? "");
    try {
      const page = await openPage(browser, own.url);
      await connect(page);
      await own.stop();
      await page.locator("#status-text").filter({ hasText: /Closed with (1001|1006)/ }).waitFor();
      await closePage(page);
    } finally {
      await own.stop();
    }
  });

for (const scheme of ["light", "dark"] as const) {
  for (const [device, width, height] of [["desktop", 1280, 800], ["phone", 360, 740]] as const) {
    test(`nothing is wider than the window: ${device}, ${scheme}`, { timeout: 60_000 }, async () => {
      const options = { colorScheme: scheme, viewport: { width, height }, deviceScaleFactor: device === "phone" ? 2 : 1 };
      const page = await openPage(browser, server.url, options);
      await tour(page, `${device}-${scheme}`);
      await closePage(page);
    });
  }
}

async function fits(page: Page): Promise<void> {
  const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok((content ?? 0) <= (view ?? 0), `${content} px in ${view} px`);
  const outside = await page.evaluate(() =>
    [...document.querySelectorAll("button, input, h2, textarea, .figure, .segments")]
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < 0 || right > innerWidth);
      })
      .map((element) => element.id || element.className));
  assert.deepEqual(outside, []);
}

/** Looks at every state of the page once; with --screenshots, keeps a picture of each. */
async function tour(page: Page, name: string): Promise<void> {
  await fits(page);
  await capture(page, `console-idle-${name}`);
  await connect(page);
  for (const text of ["hello, walkie", '{"type":"order","id":7,"items":[{"sku":"A-1","qty":2}],"note":null}']) {
    await send(page, "Text", text);
  }
  await send(page, "Hex", "de ad be ef 00 01 02 03 68 65 6c 6c 6f");
  await rows(page, "in").nth(2).waitFor();
  if (screenshots !== undefined) {
    await page.locator("#times").fill("60");
    for (let i = 0; i < 4; i++) {
      await page.locator("#repeat").click();
      await page.waitForTimeout(500);
    }
  }
  await fits(page);
  await capture(page, `console-open-${name}`);
  await page.getByLabel("Filter by text").fill("order");
  await page.locator("#log-count").filter({ hasText: /^2 of/ }).waitFor();
  await rows(page, "in").filter({ hasText: "order" }).first().click();
  await fits(page);
  await capture(page, `console-frame-${name}`);
  await page.locator("#log").press("Escape");
  await page.getByLabel("Close code").fill("4001");
  await page.getByLabel("Reason").fill("bye");
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.locator('#status[data-phase="closed"]').waitFor();
  await page.getByLabel("URL").fill("ftp://example.com");
  await page.getByRole("button", { name: "Connect" }).click();
  await fits(page);
  await capture(page, `console-closed-${name}`);
  await tourChat(page, name);
}

async function tourChat(page: Page, name: string): Promise<void> {
  const room = newRoom("tour");
  await page.getByRole("link", { name: "Chat" }).click();
  await fits(page);
  await capture(page, `chat-start-${name}`);
  await join(page, room, "Ada");
  const other = await openPage(browser, server.url);
  await join(other, room, "Grace Hopper");
  await say(page, "Good morning! Is the new build up?");
  await heard(other, "Good morning!");
  await say(other, "Yes, since ten minutes.");
  await say(other, "It takes long-lines-without-a-space-too: " + "x".repeat(120));
  await heard(page, "xxxx");
  await say(page, "Lovely.");
  await heard(page, "Lovely.");
  await other.locator("#say").pressSequentially("t");
  await page.locator("#typing").filter({ hasText: "is writing" }).waitFor();
  await fits(page);
  await capture(page, `chat-room-${name}`);
  await closePage(other);
}
