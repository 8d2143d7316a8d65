// @ts-check
/**
 * Records a voice conversation in a page, and hands on what sessiontool merges while it runs.
 *
 * The microphone is the left channel, the assistant the right one, of one MediaRecorder.  Each blob goes to a queue at
 * once, together with session.json and the events since the last one; `UploadQueue` of queue.js keeps them on disk until
 * they are uploaded.  So a closed tab, a reload or a dead network loses at most what the MediaRecorder had not handed out.
 *
 * No dependencies, no build step.  What it writes is described in docs/formats.md and typed in schemas/.
 *
 * @typedef {import("../../schemas/sessiontool.d.ts").Session} Session
 * @typedef {import("../../schemas/sessiontool.d.ts").Part} Part
 * @typedef {{key: string, type: string, body: ArrayBuffer, sha256: string}} Upload
 * @typedef {{session_id: string, document: Session, pieces: number, is_open: boolean}} SessionRecord
 * @typedef {{add(uploads: Upload[], session: SessionRecord): Promise<void>, idle(): Promise<void>}} Queue
 */

const TYPES = ["audio/webm;codecs=opus", "audio/webm", "audio/mp4;codecs=opus", "audio/mp4"];
/** 5 s at 64 kbit/s are 40 KB: a request with `keepalive` may carry 64 KiB, and below 32 kbit/s the encoder mixes channels. */
const TIMESLICE_MS = 5000;
const BITS_PER_SECOND = 64_000;
/** A lane is silent when it stays below -80 dBFS for 3 s; the levels are looked at ten times a second. */
const SILENCE = 1e-4;
const SILENT_AFTER_MS = 3000;
const [METER_MS, MUTED_AFTER_MS, TRY_AGAIN_MS, SOUND_WAIT_MS] = [100, 1000, 2000, 10_000];
/** A piece of the log, of which only a single event may be larger: a request with `keepalive`, too. */
const PIECE_CHARACTERS = 50_000;
const LEAST_FREE_BYTES = 50e6;
const SESSION_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const epochMs = () => performance.timeOrigin + performance.now();
/** The Web Lock of a session that is being recorded. */
export const lockName = (/** @type {string} */ session_id) => `sessiontool-recorder-session-${session_id}`;
const tenth = (/** @type {number} */ ms) => Math.round(ms * 10) / 10;
const pause = (/** @type {number} */ ms) => new Promise((resolve) => setTimeout(resolve, ms));
const turnOff = (/** @type {MediaStream | undefined} */ stream) => stream?.getTracks().forEach((track) => track.stop());

/** One channel of the recording: sources come and go in front of it while the MediaRecorder runs on. */
class Lane {
  level = 0;
  heard_ms = 0;
  is_silent = false;

  /** @param {AudioContext} context @param {AudioNode} merger @param {number} channel @param {string} role */
  constructor(context, merger, channel, role) {
    this.role = role;
    this.context = context;
    this.input = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
    this.meter = new AnalyserNode(context, { fftSize: 16384 });
    this.samples = new Float32Array(this.meter.fftSize);
    this.input.connect(merger, 0, channel);
    this.input.connect(this.meter);
  }

  /** @param {MediaStream} stream @param {boolean} is_remote @returns {() => void} takes it out again */
  add(stream, is_remote) {
    const source = this.context.createMediaStreamSource(stream);
    source.connect(this.input);
    if (!is_remote) return () => source.disconnect();
    // In Chromium a remote track gives Web Audio nothing but silence unless a media element plays it too.
    const sink = new Audio();
    sink.muted = true;
    sink.srcObject = stream;
    sink.play().catch(() => {});
    return () => (source.disconnect(), (sink.srcObject = null));
  }

  /** @param {number} now_ms @returns {boolean} whether it fell silent or sounds again */
  measure(now_ms) {
    this.meter.getFloatTimeDomainData(this.samples);
    this.level = this.samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    if (this.level > SILENCE) this.heard_ms = now_ms;
    const was_silent = this.is_silent;
    this.is_silent = now_ms - this.heard_ms >= SILENT_AFTER_MS;
    return was_silent !== this.is_silent;
  }
}

/** Records one session.  Fires `change`; `status` and `lanes` say what to show. */
export class SessionRecorder extends EventTarget {
  /** @type {"idle" | "recording" | "paused" | "interrupted" | "finished"} */
  status = "idle";
  /** @type {Lane[]} */
  lanes = [];
  /** @type {MediaStream | undefined} */ microphone;
  /** @type {SessionRecord} */ #record;
  /** @type {string[]} */ #lines = [];
  /** @type {Promise<unknown>} */ #saving = Promise.resolve();
  /** @type {Promise<void> | undefined} */ #starting;
  #cleanup = new AbortController();
  /** @type {MediaRecorder | undefined} */ #recorder;
  #removeMicrophone = () => {};
  /** @type {Promise<void> | undefined} */ #finishing;
  /** @type {(() => void) | undefined} */ #release;
  /** @type {number | undefined} */ #pausedAt_ms;
  /** @type {WakeLockSentinel | undefined} */ #wakeLock;

  /**
   * @param {object} options
   * @param {Queue} options.queue
   * @param {string} options.sessionId letters, digits, `.`, `_` and `-`
   * @param {() => Promise<MediaStream>} options.getMicrophone also called when the microphone has gone away; turned off at the end
   * @param {Record<string, string>} [options.speakers] role to name
   * @param {SessionRecord} [options.unfinished] a session of `Store.unfinished` to go on with
   * @param {number} [options.timeslice_ms]
   */
  constructor({ queue, sessionId, getMicrophone, speakers = {}, unfinished, timeslice_ms = TIMESLICE_MS }) {
    super();
    if (!SESSION_ID.test(sessionId)) throw new Error("the session id must be 1 to 128 letters, digits, '.', '_' or '-'");
    this.queue = queue;
    this.getMicrophone = getMicrophone;
    this.timeslice_ms = timeslice_ms;
    this.#record = unfinished ?? { session_id: sessionId, document: newSession(sessionId, speakers), pieces: 0, is_open: true };
    this.session = this.#record.document;
    this.zero_ms = Date.parse(this.session.started_at ?? "");
    const by_ms = tenth(latest_ms(this.session) - this.clock());
    if (by_ms <= 0) return;
    this.zero_ms -= by_ms; // since the page that began it, the computer's clock was set back
    this.note("clock-set-back", { by_ms });
  }

  /** The session clock in ms; it goes on through a reload, and never back. */
  clock = () => tenth(epochMs() - this.zero_ms);

  /** Begin to record; after a gesture of the user, as browsers let no AudioContext run before one. */
  async start() {
    if (!isSecureContext) throw new Error("browsers record only pages that come by https or from localhost");
    await this.#claim();
    this.#starting = this.#start();
    await this.#starting.catch(async (error) => {
      await this.finish();
      throw error;
    });
  }

  async #start() {
    const free = await navigator.storage?.estimate().catch(() => null);
    if (free?.quota !== undefined && free.quota - (free.usage ?? 0) < LEAST_FREE_BYTES) throw new Error("the browser has no room left");
    void navigator.storage?.persist?.();
    const context = (this.context = new AudioContext()); // at the devices' own rate: not every browser mixes another one with a microphone
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    this.destination = new MediaStreamAudioDestinationNode(context, { channelCount: 2 });
    merger.connect(this.destination);
    this.lanes = ["user", "assistant"].map((role, channel) => new Lane(context, merger, channel, role));
    for (const lane of this.lanes) lane.heard_ms = this.clock();
    context.onstatechange = () => this.#contextChanged();
    await Promise.race([context.resume(), pause(SOUND_WAIT_MS)]);
    if (context.state !== "running") throw new Error("the browser starts no sound: is there an audio output, and was there a click?");
    await this.#openMicrophone();
    this.#begin();
    this.#watchPage();
  }

  /** Put a remote stream on the assistant's channel.  @param {MediaStream} stream @returns {() => void} removes it */
  addAssistant(stream) {
    return this.lanes[1].add(stream, true);
  }

  /** Change the microphone without ending the part; the one before is turned off.  @param {MediaStream} stream */
  setMicrophone(stream) {
    this.#removeMicrophone();
    if (stream !== this.microphone) turnOff(this.microphone);
    this.#removeMicrophone = this.lanes[0].add(stream, false);
    const [track] = stream.getAudioTracks();
    const options = { signal: this.#cleanup.signal };
    let muted = setTimeout(() => {}, 0);
    track.addEventListener("mute", () => (muted = setTimeout(() => this.note("muted", { role: "user" }), MUTED_AFTER_MS)), options);
    track.addEventListener("unmute", () => clearTimeout(muted), options);
    track.addEventListener("ended", () => (this.note("microphone-ended"), this.#openMicrophone()), options);
    this.note("microphone", { label: track.label });
    this.microphone = stream;
    this.dispatchEvent(new Event("microphone")); // so that the call can send the new track
  }

  /** Record nothing until `resume`, whatever happens meanwhile. */
  pause() {
    if (this.status !== "recording" && this.status !== "interrupted") return;
    if (this.#recorder) {
      this.#recorder.pause();
      this.#pausedAt_ms = this.clock();
    }
    this.#become("paused");
  }

  resume() {
    if (this.status !== "paused") return;
    for (const lane of this.lanes) lane.heard_ms = this.clock();
    this.#become("interrupted");
    if (!this.#recorder) return this.#goOn();
    this.#endPause();
    this.#recorder.resume();
    this.#become("recording");
  }

  /** End the recording; fulfilled when everything is in IndexedDB (`queue.idle()`: when it is uploaded). */
  finish() {
    return (this.#finishing ??= this.#finish());
  }

  async #finish() {
    await this.#claim(); // it may be a session that an earlier page left
    this.#become("finished");
    await this.#starting?.catch(() => {});
    this.#cleanup.abort();
    await this.#end();
    turnOff(this.microphone);
    if (this.context) this.session.ended_at = new Date(epochMs()).toISOString();
    this.#record.is_open = false;
    if (this.session.parts?.length) await this.#save(); // nothing was recorded: nothing is left behind
    await this.context?.close();
    this.#release?.();
    void this.queue.idle().then(() => this.#wakeLock?.release());
  }

  /** Log the events of a data channel, those received and those sent.  @param {RTCDataChannel} channel */
  mirror(channel) {
    /** @type {string | undefined} */
    let session;
    const line = (/** @type {"server" | "client"} */ from, /** @type {string} */ text) => {
      const t_ms = this.clock();
      try {
        const event = JSON.parse(text);
        if (/^session\.(created|started)$/.test(event.type)) session = event.session?.id;
        if (event.session?.expires_at && event.session.id) this.#noteRealtime(event.session, t_ms);
        this.#lines.push(JSON.stringify({ t_ms, from, session, event }) + "\n");
      } catch {
        this.note("event-unreadable");
      }
    };
    channel.addEventListener("message", ({ data }) => line("server", data));
    const send = channel.send.bind(channel);
    channel.send = (/** @type {any} */ data) => (line("client", data), send(data));
  }

  /** Note something that explains the recording.  @param {string} kind @param {Record<string, unknown>} [more] */
  note(kind, more = {}) {
    (this.session.notes ??= []).push({ t_ms: this.clock(), kind, ...more });
    this.dispatchEvent(new Event("change"));
  }

  #part = () => /** @type {Part} */ (this.session.parts?.at(-1));

  /** @param {SessionRecorder["status"]} status */
  #become(status) {
    this.status = status;
    this.dispatchEvent(new Event("change"));
  }

  /** One tab records a session, and no second one goes on with it at the same time. */
  #claim() {
    return new Promise((resolve, reject) => {
      if (this.#release || !navigator.locks) return resolve(undefined);
      void navigator.locks.request(lockName(this.session.session_id), { ifAvailable: true }, (lock) => {
        if (!lock) return reject(new Error("another tab records this session"));
        resolve(undefined);
        return new Promise((release) => (this.#release = () => release(undefined)));
      }).catch(reject);
    });
  }

  /** A new part: a new MediaRecorder on the same stream. */
  #begin() {
    const type = TYPES.find((one) => globalThis.MediaRecorder?.isTypeSupported(one));
    if (this.status === "finished") throw new Error("it was finished before it had begun");
    if (!type || !this.destination) throw new Error("this browser records neither WebM nor MP4 with Opus");
    const recorder = new MediaRecorder(this.destination.stream, { mimeType: type, audioBitsPerSecond: BITS_PER_SECOND });
    const parts = (this.session.parts ??= []);
    /** @type {Part} */
    const part = { part: parts.length, mime_type: type, timeslice_ms: this.timeslice_ms, pauses: [], chunks: [] };
    let seq = 0;
    recorder.ondataavailable = ({ data }) => this.#take(part, seq++, data);
    recorder.onerror = (event) => this.note("recorder-error", { error: String(/** @type {any} */ (event).error ?? "") });
    recorder.onstop = () => this.#recorder === recorder && this.status !== "finished" && this.#restart();
    part.start_ms = this.clock();
    recorder.start(this.timeslice_ms);
    parts.push(part);
    this.#recorder = recorder;
    this.#become("recording");
  }

  /** Stop the part, and wait until its last blob is kept. */
  async #end() {
    const recorder = this.#recorder;
    if (!recorder) return;
    this.#endPause();
    this.#part().stop_ms ??= this.clock();
    this.#recorder = undefined;
    if (recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => (recorder.onstop = resolve));
      recorder.stop();
      await stopped; // the last blob comes before this
    }
    await this.#save();
  }

  /** The recorder stopped by itself. */
  async #restart() {
    if (this.status === "recording") this.#become("interrupted");
    const lasted_ms = this.clock() - (this.#part().start_ms ?? 0);
    await this.#end();
    if (lasted_ms < TRY_AGAIN_MS) await pause(TRY_AGAIN_MS); // one that cannot run is no reason to begin a thousand parts
    this.#goOn();
  }

  /** Begin another part, once there is sound; not while it is paused. */
  #goOn() {
    if (this.status !== "interrupted" || this.#recorder || this.context?.state !== "running") return;
    try {
      this.#begin();
    } catch (error) {
      this.note("recorder-error", { error: String(error) });
      setTimeout(() => this.#goOn(), TRY_AGAIN_MS);
    }
  }

  #endPause() {
    if (this.#pausedAt_ms === undefined) return;
    (this.#part().pauses ??= []).push({ start_ms: this.#pausedAt_ms, end_ms: this.clock() });
    this.#pausedAt_ms = undefined;
  }

  /** Number a blob at once, and keep it in its turn.  @param {Part} part @param {number} seq @param {Blob} blob */
  #take(part, seq, blob) {
    const [emitted_ms, type] = [this.clock(), blob.type || part.mime_type || ""];
    const ending = type.startsWith("audio/mp4") ? "mp4" : "webm";
    const key = `${this.session.session_id}/chunks/${digits(part.part, 3)}/${digits(seq, 6)}.${ending}`;
    this.#save(async () => {
      const body = await blob.arrayBuffer(); // WebKit loses Blobs in IndexedDB
      const upload = { key, type, body, sha256: await sha256(body) };
      part.chunks?.push({ seq, bytes: blob.size, emitted_ms, sha256: upload.sha256 });
      return [upload];
    });
  }

  /** Keep uploads, the events since the last time and session.json.  @param {() => Promise<Upload[]>} [make] */
  #save(make) {
    const failed = (/** @type {unknown} */ error) => this.note("not-kept", { error: String(error) });
    const keep = async () => {
      const uploads = (await make?.().catch(failed)) ?? [];
      const id = this.session.session_id;
      for (const text of inPieces(this.#lines.splice(0))) {
        const key = `${id}/events/${digits(this.#record.pieces++, 6)}.jsonl`;
        uploads.push(await textUpload(key, "application/x-ndjson", text));
      }
      uploads.push(await textUpload(`${id}/session.json`, "application/json", JSON.stringify(this.session)));
      await this.queue.add(uploads, this.#record);
    };
    this.#saving = this.#saving.then(keep).catch(failed);
    return this.#saving;
  }

  #watchPage() {
    const options = { signal: this.#cleanup.signal };
    const flush = () => this.#recorder?.state === "recording" && this.#recorder.requestData();
    const keepAwake = () => navigator.wakeLock?.request("screen").then((lock) => (this.#wakeLock = lock), () => {});
    document.addEventListener("visibilitychange", () => {
      this.note(document.visibilityState === "hidden" ? "page-hidden" : "page-visible");
      if (document.visibilityState === "hidden") flush();
      else keepAwake();
    }, options);
    addEventListener("pagehide", flush, options);
    addEventListener("beforeunload", (event) => (flush(), event.preventDefault()), options);
    keepAwake();
    const saveInPause = () => this.status === "paused" && this.#save();
    const timers = [setInterval(() => this.#measure(), METER_MS), setInterval(saveInPause, this.timeslice_ms)];
    this.#cleanup.signal.addEventListener("abort", () => timers.forEach(clearInterval));
  }

  #measure() {
    if (this.status !== "recording") return;
    const now_ms = this.clock();
    for (const lane of this.lanes) {
      const changed = lane.measure(now_ms);
      if (changed) this.note(lane.is_silent ? "lane-silent" : "lane-sounds", { role: lane.role });
    }
    this.dispatchEvent(new Event("level"));
  }

  /** The microphone, or another one as soon as there is one. */
  async #openMicrophone() {
    for (let tries = 0; !this.#finishing; tries++) {
      try {
        const stream = await this.getMicrophone();
        return this.#finishing ? turnOff(stream) : this.setMicrophone(stream);
      } catch (error) {
        if (!this.microphone) throw error;
        if (!tries) this.note("microphone-missing", { error: String(error) });
      }
      await pause(TRY_AGAIN_MS);
    }
  }

  /** A phone call interrupts the context: what is recorded then is no sound, so the part ends there. */
  async #contextChanged() {
    const state = String(this.context?.state);
    if (this.status === "finished") return;
    this.note(`audio-${state}`);
    if (state === "running") this.#goOn();
    else if (state === "interrupted") {
      if (this.status === "recording") this.#become("interrupted");
      await this.#end();
      this.#goOn(); // it may be over already
    } else if (state === "suspended") this.context?.resume().catch(() => {});
  }

  /** @param {{id: string, expires_at: number}} told @param {number} t_ms */
  #noteRealtime({ id, expires_at }, t_ms) {
    const known = (this.session.realtime_sessions ??= []);
    if (!known.some((one) => one.id === id)) known.push({ id, expires_at, created_ms: t_ms });
    const part = this.session.parts?.at(-1);
    if (part && !part.realtime_session_id) Object.assign(part, { realtime_session_id: id, expires_at });
  }
}

/** @param {string} session_id @param {Record<string, string>} speakers @returns {Session} */
function newSession(session_id, speakers) {
  const started_at = new Date(Math.round(epochMs())).toISOString();
  const user_agent = navigator.userAgent;
  return { schema: "sessiontool.session/1", session_id, started_at, user_agent, channels: ["user", "assistant"], speakers, parts: [] };
}

/** The last time that a session knows of.  @param {Session} session */
function latest_ms({ parts = [], notes = [] }) {
  const times = parts.flatMap(({ start_ms, stop_ms, chunks }) => [start_ms, stop_ms, chunks?.at(-1)?.emitted_ms]);
  return Math.max(0, notes.at(-1)?.t_ms ?? 0, ...times.map((time_ms) => time_ms ?? 0));
}

/** @param {string[]} lines */
function inPieces(lines) {
  const pieces = [""];
  for (const line of lines) {
    if (pieces[0].length + line.length > PIECE_CHARACTERS) pieces.unshift("");
    pieces[0] += line;
  }
  return pieces.reverse().filter(Boolean);
}

const digits = (/** @type {number | string} */ number, /** @type {number} */ count) => String(number).padStart(count, "0");

/** @param {ArrayBuffer} body */
async function sha256(body) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {string} key @param {string} type @param {string} text */
async function textUpload(key, type, text) {
  const body = new TextEncoder().encode(text).buffer;
  return { key, type, body, sha256: await sha256(body) };
}
