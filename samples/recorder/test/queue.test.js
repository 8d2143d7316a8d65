// The queue on IndexedDB (fake-indexeddb, which is the specification in memory), in front of a server that does all sorts of things.
import "fake-indexeddb/auto";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { Store, UploadQueue, sender } from "../queue.js";

let databases = 0;
const fresh = () => Store.open(`queue-${databases++}`);
const upload = (key, text = key) => ({ key, type: "audio/webm", body: new TextEncoder().encode(text).buffer, sha256: "" });
const session = (more = {}) => ({ session_id: "s1", document: { session_id: "s1" }, pieces: 0, is_open: true, ...more });
const text = ({ body }) => new TextDecoder().decode(body);
const answer = (status, headers = {}) => new Response("", { status, headers });
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that gives these answers one after another, then 201. */
function server(...answers) {
  const got = [];
  const send = async (sent) => {
    const next = answers.shift() ?? 201;
    if (next instanceof Error) throw next;
    got.push([sent.key, text(sent)]);
    return typeof next === "function" ? next(sent) : answer(next);
  };
  return { got, send };
}

test("uploads arrive in order, and nothing is kept afterwards", async () => {
  const store = await fresh();
  const { got, send } = server();
  const queue = new UploadQueue(store, send);
  for (const key of ["c/2", "c/10", "c/1"]) await queue.add([upload(key)], session());
  await queue.idle();
  assert.deepEqual(got.map(([key]) => key), ["c/2", "c/10", "c/1"]);
  assert.deepEqual(await store.pending(), []);
});

test("an upload is on disk before it is sent", async () => {
  const store = await fresh();
  let kept;
  const queue = new UploadQueue(store, async ({ key }) => ((kept = await store.get(key)), answer(201)));
  await queue.add([upload("c/0", "sound")], session());
  await queue.idle();
  assert.equal(text(kept), "sound");
});

for (const trouble of [500, 503, 429, 408, 401, 403, new TypeError("fetch failed")]) {
  test(`${trouble} is tried again, and what was not confirmed stays`, async () => {
    const store = await fresh();
    const { got, send } = server(trouble);
    const queue = new UploadQueue(store, send);
    await queue.add([upload("c/0"), upload("c/1")], session());
    await pause(50);
    assert.deepEqual(await store.pending(), ["c/0", "c/1"]);
    assert.match(queue.state.error, trouble instanceof Error ? /fetch failed/ : new RegExp(trouble));
    queue.kick();
    await queue.idle();
    assert.deepEqual(got.slice(-2).map(([key]) => key), ["c/0", "c/1"]);
    assert.equal(queue.state.error, "");
  });
}

for (const refusal of [409, 413, 415]) {
  test(`${refusal} stops nothing else, and loses nothing`, async () => {
    const store = await fresh();
    const { got, send } = server(refusal);
    const queue = new UploadQueue(store, send);
    await queue.add([upload("c/0"), upload("c/1")], session());
    await queue.idle();
    assert.deepEqual(queue.state.refused, ["c/0"]);
    assert.deepEqual(got.map(([key]) => key), ["c/0", "c/1"]);
    assert.deepEqual(await store.pending(), ["c/0"]);
  });
}

test("it tries again by itself, and waits as long as the server asks", async () => {
  const store = await fresh();
  const started = performance.now();
  const { send } = server(() => answer(503, { "retry-after": "1" }));
  const queue = new UploadQueue(store, send);
  await queue.add([upload("c/0")], session());
  await queue.idle();
  assert.ok(performance.now() - started >= 1000);
});

test("a document that was rewritten while it was sent is sent again", async () => {
  const store = await fresh();
  let release;
  const { got, send } = server(() => new Promise((resolve) => (release = () => resolve(answer(201)))));
  const queue = new UploadQueue(store, send);
  await queue.add([upload("session.json", "old")], session());
  while (!release) await pause(1);
  await queue.add([upload("session.json", "new")], session());
  release();
  await queue.idle();
  assert.deepEqual(got, [["session.json", "old"], ["session.json", "new"]]);
  assert.deepEqual(await store.pending(), []);
});

test("what one page left, the next one sends", async () => {
  const store = await fresh();
  await store.put([{ ...upload("c/0"), n: store.next() }], session());
  const { got, send } = server();
  const queue = new UploadQueue(store, send);
  queue.kick();
  await queue.idle();
  assert.deepEqual(got.map(([key]) => key), ["c/0"]);
  assert.deepEqual((await store.unfinished()).map((one) => one.session_id), ["s1"]);
  await queue.add([], session({ is_open: false }));
  assert.deepEqual(await store.unfinished(), []);
});

test("without room on disk an upload is sent from memory, and that is shown", async () => {
  const store = await fresh();
  store.put = async () => {
    throw new DOMException("no room", "QuotaExceededError");
  };
  const states = [];
  const { got, send } = server(503);
  const queue = new UploadQueue(store, send);
  queue.addEventListener("change", () => states.push({ ...queue.state }));
  await queue.add([upload("c/0")], session());
  await pause(20);
  assert.equal(queue.state.in_memory, 1);
  assert.ok(states.some((state) => /no room/.test(state.error)));
  queue.kick();
  await queue.idle();
  assert.equal(queue.state.in_memory, 0);
  assert.equal(got.length, 2);
});

test("two queues on one store, as in two tabs, send each upload once", async () => {
  const store = await fresh();
  const { got, send } = server();
  let last = Promise.resolve();
  const locks = { request: (_name, work) => (last = last.then(work, work)) };
  const slow = async (sent) => (await pause(5), send(sent));
  const tabs = [new UploadQueue(store, slow, locks), new UploadQueue(store, slow, locks)];
  for (let number = 0; number < 10; number++) await tabs[number % 2].add([upload(`c/${number}`)], session());
  await Promise.all(tabs.map((queue) => queue.idle()));
  assert.equal(got.length, 10);
});

test("a database that was closed under the page loses nothing that comes after", async () => {
  const store = await fresh();
  for (const method of ["put", "pending", "get", "remove"]) {
    store[method] = async () => {
      throw new DOMException("the connection is closing", "InvalidStateError");
    };
  }
  const { got, send } = server();
  const queue = new UploadQueue(store, send);
  await queue.add([upload("c/0")], session());
  await queue.idle();
  assert.deepEqual(got.map(([key]) => key), ["c/0"]);
});

/** The database behind a new store. */
async function database() {
  const name = `queue-${databases++}`;
  await Store.open(name);
  return new Promise((resolve) => (globalThis.indexedDB.open(name).onsuccess = ({ target }) => resolve(target.result)));
}

test("a database that is closed does not stop the queue, and is no 'everything is uploaded'", async () => {
  const db = await database();
  const { got, send } = server(503);
  const queue = new UploadQueue(new Store(db), send);
  await queue.add([upload("c/0")], session());
  await pause(20);
  db.close();
  for (const key of ["c/1", "c/2"]) {
    await queue.add([upload(key)], session());
    await queue.idle();
  }
  assert.deepEqual(got.map(([key]) => key), ["c/0", "c/1", "c/2"]);
  assert.match(queue.state.error, /cannot be read/);
});

test("a store that cannot be read for a moment is read again", async () => {
  const store = await fresh();
  const { got, send } = server();
  const { get } = Store.prototype;
  store.get = async () => ((store.get = get), Promise.reject(new DOMException("a moment", "UnknownError")));
  const queue = new UploadQueue(store, send);
  await queue.add([upload("c/0")], session());
  await queue.idle();
  assert.deepEqual(got.map(([key]) => key), ["c/0"]);
});

test("what another tab adds while this one sends is sent, too", async () => {
  const store = await fresh();
  const { got, send } = server(async () => {
    await store.put([{ ...upload("other/0"), n: store.next() }], session({ session_id: "other" }));
    return answer(201);
  });
  const queue = new UploadQueue(store, send);
  await queue.add([upload("c/0")], session());
  await queue.idle();
  assert.deepEqual(got.map(([key]) => key), ["c/0", "other/0"]);
});

test("a document that was refused is sent again when it was rewritten", async () => {
  const store = await fresh();
  const { got, send } = server(413);
  const queue = new UploadQueue(store, send);
  await queue.add([upload("session.json", "too long")], session());
  await queue.idle();
  await queue.add([upload("session.json", "short")], session());
  await queue.idle();
  assert.deepEqual(got.map(([, body]) => body), ["too long", "short"]);
  assert.deepEqual([queue.state.refused, await store.pending()], [[], []]);
});

test("an older version on disk does not replace the newer one from memory", async () => {
  const store = await fresh();
  const { got, send } = server(503);
  const queue = new UploadQueue(store, send);
  await queue.add([upload("session.json", "old")], session());
  await pause(20);
  store.put = async () => {
    throw new DOMException("no room", "QuotaExceededError");
  };
  await queue.add([upload("session.json", "new")], session());
  await queue.idle();
  assert.equal(got.at(-1)[1], "new");
  assert.deepEqual(await store.pending(), []);
});

test("a session that is over leaves nothing on disk", async () => {
  const db = await database();
  const store = new Store(db);
  await store.put([], session());
  await store.put([], session({ is_open: false }));
  const count = db.transaction("sessions").objectStore("sessions").count();
  await new Promise((resolve) => (count.onsuccess = resolve));
  assert.equal(count.result, 0);
});

/** What `sender` makes of the answers of a real server, one for each request. */
async function answered(options, ...answers) {
  const http = createServer((request, response) => {
    const { status = 200, headers = {}, body = "" } = answers.shift()(`http://${request.headers.host}`);
    request.resume().on("end", () => response.writeHead(status, headers).end(body));
  });
  await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
  const sent = { ...upload("s1/chunks/000/000000.webm"), sha256: "5".repeat(64), n: 1 };
  const response = await sender(`http://127.0.0.1:${http.address().port}/`, options)(sent);
  http.closeAllConnections();
  http.close();
  return response.status;
}

const login = () => ({ body: "<html>Log in</html>" });
const confirmed = () => ({ status: 201, body: JSON.stringify({ sha256: "5".repeat(64) }) });
const signed = (host) => ({ body: JSON.stringify({ url: `${host}/bucket`, headers: {} }) });

test("only a server that names the bytes has taken them", async () => {
  assert.equal(await answered({}, confirmed), 201);
  assert.equal(await answered({}, login), 502);
  assert.equal(await answered({}, (host) => ({ status: 303, headers: { location: `${host}/login` } }), login), 502);
  assert.equal(await answered({}, () => ({ status: 204 })), 502);
  assert.equal(await answered({}, () => ({ status: 413 })), 413);
});

test("a bucket has taken what it says nothing about, and its troubles are temporary", async () => {
  const sign = { sign: true };
  assert.equal(await answered(sign, signed, () => ({})), 200);
  assert.equal(await answered(sign, signed, login), 502);
  assert.equal(await answered(sign, signed, () => ({ status: 400, body: "<Code>RequestTimeout</Code>" })), 502);
  assert.equal(await answered(sign, signed, () => ({ status: 403, body: "<Message>Request has expired</Message>" })), 502);
  assert.equal(await answered(sign, signed, () => ({ status: 412 }), confirmed), 201);
  assert.equal(await answered(sign, () => ({ status: 401 })), 401);
});
