// @ts-check
/**
 * Uploads that survive: each is written to IndexedDB before it is sent, and deleted there once the server has confirmed it.
 *
 * `Store` is what is kept, `UploadQueue` sends it, `sender` is how.  No dependencies.  The queue runs without a browser too, on
 * any object with the methods of `Store` and any function that answers like `fetch`.
 *
 * @typedef {import("./recorder.js").SessionRecord} SessionRecord
 * @typedef {{key: string, type: string, body: ArrayBuffer, sha256: string}} NewUpload
 * @typedef {NewUpload & {n: number}} Upload
 * @typedef {{pending: number, refused: string[], in_memory: number, error: string}} QueueState
 */

/** All requests with `keepalive` that are under way may carry 64 KiB together. */
const KEEPALIVE_BYTES = 60_000;
const SEND_TIMEOUT_MS = 60_000;
const LONGEST_WAIT_MS = 30_000;
/** Answers that another try will not change; everything else is tried again. */
const REFUSALS = new Set([400, 404, 405, 409, 410, 411, 413, 414, 415, 422]);

const epochMs = () => performance.timeOrigin + performance.now();

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The uploads that are not confirmed yet, and the sessions they belong to, in IndexedDB. */
export class Store {
  #db;
  #last = 0;

  /** @param {IDBDatabase} db */
  constructor(db) {
    this.#db = db;
  }

  static async open(name = "sessiontool-recorder") {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("uploads", { keyPath: "key" }).createIndex("n", "n");
      request.result.createObjectStore("sessions", { keyPath: "session_id" });
    };
    return new Store(await result(request));
  }

  /** A number that grows: the order of uploads, and what tells a rewritten document from the one before. */
  next() {
    return (this.#last = Math.max(this.#last + 0.001, epochMs()));
  }

  /** All or nothing, on disk when the promise is fulfilled.  @param {Upload[]} uploads @param {SessionRecord} session */
  put(uploads, session) {
    return new Promise((resolve, reject) => {
      const work = this.#db.transaction(["uploads", "sessions"], "readwrite", { durability: "strict" });
      work.oncomplete = () => resolve(undefined);
      work.onabort = () => reject(work.error);
      for (const upload of uploads) work.objectStore("uploads").put(upload);
      work.objectStore("sessions").put(session);
      work.commit(); // a page that is going away would not get to it
    });
  }

  /** @returns {Promise<string[]>} the keys, oldest first */
  pending() {
    const index = this.#db.transaction("uploads").objectStore("uploads").index("n");
    return /** @type {Promise<string[]>} */ (result(index.getAllKeys()).then((keys) => keys.map(String)));
  }

  /** @param {string} key @returns {Promise<Upload | undefined>} */
  get(key) {
    return result(this.#db.transaction("uploads").objectStore("uploads").get(key));
  }

  /** Delete an upload, unless it was rewritten since.  @param {Upload} sent */
  async remove(sent) {
    const uploads = this.#db.transaction("uploads", "readwrite").objectStore("uploads");
    const now = await result(uploads.get(sent.key));
    if (now?.n === sent.n) await result(uploads.delete(sent.key));
  }

  /** @returns {Promise<SessionRecord[]>} those that were not finished */
  async unfinished() {
    const all = await result(this.#db.transaction("sessions").objectStore("sessions").getAll());
    return all.filter((session) => session.is_open);
  }
}

/**
 * PUT to `base` + key; or, with `sign`, to where the server says, and to the server itself if something is there.
 * @param {string} base @param {{sign?: boolean}} options @returns {(upload: Upload) => Promise<Response>}
 */
export function sender(base, { sign = false } = {}) {
  /** @param {string} url @param {Upload} upload @param {Record<string, string>} headers */
  const put = (url, { body, type }, headers) => {
    const keepalive = document.visibilityState === "hidden" && body.byteLength <= KEEPALIVE_BYTES;
    const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
    return fetch(url, { method: "PUT", body, headers: { "content-type": type, ...headers }, keepalive, signal });
  };
  return async (upload) => {
    const direct = () => put(`${base}${upload.key}`, upload, { "x-content-sha256": upload.sha256 });
    if (!sign || upload.body.byteLength === 0) return direct();
    const { key, type, sha256, body } = upload;
    const answer = await fetch(`${base}sign`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ key, type, sha256, bytes: body.byteLength }),
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
    });
    if (!answer.ok) return answer;
    const { url, headers } = await answer.json();
    const response = await put(url, upload, headers);
    return response.status === 412 ? direct() : response;
  };
}

/** Sends what a store holds, oldest first, one at a time in all tabs, until each is confirmed.  Fires `change`. */
export class UploadQueue extends EventTarget {
  #store;
  #send;
  #locks;
  #running = false;
  #again = false;
  #failures = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Map<string, Upload>} what IndexedDB had no room for */
  #memory = new Map();
  /** @type {QueueState} */
  state = { pending: 0, refused: [], in_memory: 0, error: "" };

  /** @param {Store} store @param {(upload: Upload) => Promise<Response>} send @param {LockManager} [locks] */
  constructor(store, send, locks = globalThis.navigator?.locks) {
    super();
    this.#store = store;
    this.#send = send;
    this.#locks = locks;
  }

  /** Number and keep uploads, then send them.  @param {NewUpload[]} uploads @param {SessionRecord} session */
  async add(uploads, session) {
    /** @type {Upload[]} */
    const numbered = uploads.map((upload) => ({ ...upload, n: this.#store.next() }));
    try {
      await this.#store.put(numbered, structuredClone(session));
    } catch (error) {
      for (const upload of numbered) this.#memory.set(upload.key, upload); // what is kept is not evicted for it
      this.#tell({ in_memory: this.#memory.size, error: `not stored: ${error}` });
    }
    this.#tell({ pending: this.state.pending + uploads.length });
    this.kick();
  }

  /** Try now, whatever the wait was. */
  kick() {
    clearTimeout(this.#timer);
    this.#again = true;
    if (!this.#running) void this.#run();
  }

  /** Fulfilled once nothing is left but what was refused. */
  async idle() {
    while (this.#running || this.state.pending > this.state.refused.length) {
      await new Promise((resolve) => this.addEventListener("change", resolve, { once: true }));
    }
  }

  /** @param {Partial<QueueState>} change */
  #tell(change) {
    Object.assign(this.state, change);
    this.dispatchEvent(new Event("change"));
  }

  async #run() {
    this.#running = true;
    let wait = 0;
    while (this.#again && !wait) {
      this.#again = false;
      const pass = () => this.#pass();
      wait = await (this.#locks ? this.#locks.request("sessiontool-recorder-upload", pass) : pass());
    }
    this.#running = false;
    if (wait) this.#timer = setTimeout(() => this.kick(), wait);
    this.#tell({});
  }

  /** Send all there is; returns how long to wait where one has failed, in ms. */
  async #pass() {
    const waiting = async () => [...(await this.#store.pending().catch(() => [])), ...this.#memory.keys()];
    const keys = await waiting();
    this.#tell({ pending: keys.length });
    for (const key of keys) {
      const upload = this.#memory.get(key) ?? (await this.#store.get(key));
      if (!upload || this.state.refused.includes(key)) continue;
      const wait = await this.#try(upload);
      if (wait) return wait;
    }
    this.#tell({ pending: (await waiting()).length });
    return 0;
  }

  /** @param {Upload} upload */
  async #try(upload) {
    try {
      const response = await this.#send(upload);
      if (response.ok) {
        this.#failures = 0;
        if (this.#memory.get(upload.key)?.n === upload.n) this.#memory.delete(upload.key);
        await this.#store.remove(upload);
        this.#tell({ pending: Math.max(0, this.state.pending - 1), in_memory: this.#memory.size, error: "" });
        return 0;
      }
      const reason = `${response.status} ${await response.text().catch(() => "")}`.slice(0, 200);
      if (REFUSALS.has(response.status)) {
        this.#tell({ refused: [...this.state.refused, upload.key], error: `refused: ${reason}` });
        return 0; // it stays in the store, and is tried again when the page is loaded again
      }
      return this.#backoff(reason, Number(response.headers.get("retry-after")) * 1000);
    } catch (error) {
      return this.#backoff(String(error), 0);
    }
  }

  /** @param {string} reason @param {number} asked_ms */
  #backoff(reason, asked_ms) {
    this.#tell({ error: reason });
    const longest = Math.min(LONGEST_WAIT_MS, 1000 * 2 ** this.#failures++);
    return Math.max(longest * (0.5 + Math.random() / 2), Math.min(asked_ms || 0, LONGEST_WAIT_MS));
  }
}

/** Sends what an earlier page left, and tries again whenever that may help.  @param {UploadQueue} queue */
export function keepSending(queue) {
  addEventListener("online", () => queue.kick());
  document.addEventListener("visibilitychange", () => queue.kick());
  queue.kick();
}
