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
      if (session.is_open) work.objectStore("sessions").put(session);
      else work.objectStore("sessions").delete(session.session_id);
      work.commit(); // a page that is going away would not get to it
    });
  }

  /** @returns {Promise<string[]>} the keys, oldest first */
  async pending() {
    const index = this.#db.transaction("uploads").objectStore("uploads").index("n");
    return (await result(index.getAllKeys())).map(String);
  }

  /** @param {string} key @returns {Promise<Upload | undefined>} */
  async get(key) {
    return result(this.#db.transaction("uploads").objectStore("uploads").get(key));
  }

  /** Delete an upload, unless it was rewritten since.  @param {Upload} sent */
  async remove(sent) {
    const uploads = this.#db.transaction("uploads", "readwrite").objectStore("uploads");
    const now = await result(uploads.get(sent.key));
    if (now?.n <= sent.n) await result(uploads.delete(sent.key));
  }

  /** @returns {Promise<SessionRecord[]>} those that were not finished */
  async unfinished() {
    return result(this.#db.transaction("sessions").objectStore("sessions").getAll());
  }
}

/**
 * PUT to `base` + key; or, with `sign`, to where the server says, and to the server itself if something is there.
 * A 2xx alone confirms nothing, as a login page comes with it, too: the server has to name the SHA-256, and a bucket must
 * be silent.  What else a bucket says is temporary: some of its timeouts are 400.
 * @param {string} base @param {{sign?: boolean}} options @returns {(upload: Upload) => Promise<Response>}
 */
export function sender(base, { sign = false } = {}) {
  /** @param {string} url @param {Upload} upload @param {Record<string, string>} headers */
  const put = (url, { body, type }, headers) => {
    const keepalive = globalThis.document?.visibilityState === "hidden" && body.byteLength <= KEEPALIVE_BYTES;
    const signal = AbortSignal.timeout(SEND_TIMEOUT_MS);
    return fetch(url, { method: "PUT", body, headers: { "content-type": type, ...headers }, keepalive, signal });
  };
  /** @param {Response} answer @param {string} text */
  const unconfirmed = ({ status }, text) => new Response(`not confirmed: ${status} ${text}`, { status: 502 });
  const direct = async (/** @type {Upload} */ upload) => {
    const answer = await put(`${base}${upload.key}`, upload, { "x-content-sha256": upload.sha256 });
    if (!answer.ok) return answer;
    const text = await answer.text();
    return text.includes(upload.sha256) ? answer : unconfirmed(answer, text);
  };
  return async (upload) => {
    const { key, type, sha256, body } = upload;
    if (!sign || body.byteLength === 0) return direct(upload);
    const wanted = JSON.stringify({ key, type, sha256, bytes: body.byteLength });
    const [headers, signal] = [{ "content-type": "application/json" }, AbortSignal.timeout(SEND_TIMEOUT_MS)];
    const signed = await fetch(`${base}sign`, { method: "POST", headers, body: wanted, signal });
    if (!signed.ok) return signed;
    const place = await signed.json();
    const answer = await put(place.url, upload, place.headers);
    if (answer.status === 412) return direct(upload);
    const text = await answer.text();
    return answer.ok && !text ? answer : unconfirmed(answer, text);
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
    this.state.refused = this.state.refused.filter((key) => !uploads.some((upload) => upload.key === key)); // rewritten
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
      const pass = () => this.#pass().catch((error) => this.#backoff(String(error), 0));
      wait = await (this.#locks ? this.#locks.request("sessiontool-recorder-upload", pass) : pass());
    }
    this.#running = false;
    if (wait) this.#timer = setTimeout(() => this.kick(), wait);
    this.#tell({});
  }

  /** Send all there is, and what comes meanwhile; returns how long to wait where one has failed, in ms. */
  async #pass() {
    for (;;) {
      let error = "";
      const kept = await this.#store.pending().catch((reason) => ((error = `what is kept cannot be read: ${reason}`), []));
      const keys = [...new Set([...kept, ...this.#memory.keys()])];
      this.#tell({ pending: keys.length, ...(error && { error }) });
      const sendable = keys.filter((key) => !this.state.refused.includes(key));
      if (!sendable.length) return 0;
      for (const key of sendable) {
        const upload = this.#memory.get(key) ?? (await this.#store.get(key));
        const wait = upload ? await this.#try(upload) : 0;
        if (wait) return wait;
      }
    }
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
