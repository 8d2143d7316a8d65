// @ts-check
/** The page: buttons, levels and what is said, around recorder.js. */
import { Script, demo } from "./demo/peer.js";
import { Store, UploadQueue, keepSending, sender } from "./queue.js";
import { Conversation, openai } from "./realtime.js";
import { SessionRecorder, lockName } from "./recorder.js";

const LONGEST_BREAK_MS = 30 * 60_000;

const show = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const button = (/** @type {string} */ id) => /** @type {HTMLButtonElement} */ (show(id));
const seconds = (/** @type {number} */ ms) => `${Math.round(ms / 1000)} s`;

/** What the page cannot do without.  @template T @param {string} what @param {Promise<T>} promise @returns {Promise<T>} */
async function needed(what, promise) {
  return promise.catch((error) => {
    show("status").textContent = `This page cannot record: ${what} (${error.message || error})`;
    throw error;
  });
}

if (!isSecureContext) await needed("it must come by https or from localhost", Promise.reject(new Error(location.origin)));
const config = await needed("its server does not answer", fetch("config").then((answer) => answer.json()));
const store = await needed("this browser keeps nothing on disk, as in some private windows", Store.open());
const queue = new UploadQueue(store, sender("sessions/", { sign: config.sign }));
/** @type {SessionRecorder | undefined} */
let recorder;
/** @type {Conversation | undefined} */
let conversation;
/** @type {Script | undefined} */
let script;

queue.addEventListener("change", () => {
  const { pending, refused, in_memory, error } = queue.state;
  const rest = [refused.length && `${refused.length} refused`, in_memory && `${in_memory} only in memory: keep this page open`, error];
  show("uploads").textContent = [pending ? `${pending} to upload` : "everything is uploaded", ...rest.filter(Boolean)].join(", ");
});
keepSending(queue);
await listUnfinished();
button("start").disabled = false;
button("start").onclick = () => begin();
button("pause").onclick = () => (recorder?.status === "paused" ? recorder.resume() : recorder?.pause());
button("stop").onclick = stop;

const getMicrophone = () => navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true } });

/** @param {import("./recorder.js").SessionRecord} [unfinished] */
async function begin(unfinished) {
  button("start").disabled = true;
  try {
    const sessionId = unfinished?.session_id ?? newSessionId();
    recorder = new SessionRecorder({ queue, sessionId, getMicrophone, unfinished, speakers: { user: "You", assistant: "Assistant" } });
    recorder.addEventListener("change", showState);
    recorder.addEventListener("level", showState);
    show("session").textContent = sessionId;
    show("unfinished").replaceChildren();
    if (config.demo) script ??= await Script.load(Number(new URLSearchParams(location.search).get("line")));
    const exchange = script ? demo(script, config.demo_session_s) : openai(config.calls);
    await recorder.start();
    const instructions = "You are a friendly customer.  Answer in one sentence.";
    conversation = new Conversation({ recorder, exchange, instructions, lead_s: config.rollover_lead_s });
    conversation.addEventListener("turn", (event) => showTurn(/** @type {CustomEvent} */ (event).detail));
    conversation.addEventListener("sound", (event) => playAloud(/** @type {CustomEvent} */ (event).detail));
    await conversation.start();
    showPrompt();
    button("pause").disabled = button("stop").disabled = false;
  } catch (error) {
    show("status").textContent = `Not recording: ${/** @type {Error} */ (error).message}`;
    button("start").disabled = false;
    await recorder?.finish().catch(() => {}); // another tab has it
  }
}

async function stop() {
  button("pause").disabled = button("stop").disabled = true;
  conversation?.stop();
  await recorder?.finish();
  button("start").disabled = false;
  show("status").textContent = "finished, uploading";
  await queue.idle();
  show("status").textContent = `finished.  Now: sessiontool merge ${recorder?.session.session_id}`;
}

function showState() {
  if (!recorder || recorder.status === "finished") return;
  const silent = recorder.lanes.filter((lane) => lane.is_silent);
  const now_ms = recorder.clock();
  const names = silent.map((lane) => `${lane.role} silent for ${seconds(now_ms - lane.heard_ms)}`);
  const trouble = recorder.status === "recording" && names.length;
  show("status").textContent = trouble ? `not both are heard: ${names.join(", ")}` : recorder.status;
  button("pause").textContent = recorder.status === "paused" ? "Resume" : "Pause";
  for (const lane of recorder.lanes) {
    const meter = /** @type {HTMLMeterElement} */ (show(`level-${lane.role}`));
    meter.value = Math.max(0, 1 + Math.log10(Math.max(lane.level, 1e-6)) / 3); // -60 dBFS to 0
  }
}

/** @param {{role: string, text: string}} turn */
function showTurn({ role, text }) {
  const line = document.createElement("p");
  line.textContent = `${role}: ${text}`;
  show("turns").append(line);
  showPrompt();
}

function showPrompt() {
  show("prompt").textContent = script?.prompt ? `Say: “${script.prompt}”` : "";
}

/** @param {MediaStream} stream */
function playAloud(stream) {
  const loudspeaker = /** @type {HTMLAudioElement} */ (show("loudspeaker"));
  loudspeaker.srcObject = stream;
  loudspeaker.play().catch(() => {});
}

/** Sessions whose page went away, unless another tab is recording them. */
async function listUnfinished() {
  const held = (await navigator.locks?.query())?.held?.map((lock) => lock.name ?? "") ?? [];
  for (const record of await store.unfinished()) {
    if (held.includes(lockName(record.session_id))) continue;
    const line = document.createElement("p");
    const ended_ms = Date.parse(record.document.started_at ?? "") + (record.document.parts?.at(-1)?.chunks?.at(-1)?.emitted_ms ?? 0);
    /** @type {Record<string, () => void>} the time until it goes on will be silence in the recording */
    const choices = Date.now() - ended_ms < LONGEST_BREAK_MS ? { Continue: () => begin(record) } : {};
    choices["Leave it at that"] = () => close(record, line);
    line.append(`${record.session_id} was not finished. `);
    for (const [label, onclick] of Object.entries(choices)) {
      line.append(Object.assign(document.createElement("button"), { textContent: label, onclick }));
    }
    show("unfinished").append(line);
  }
}

/** @param {import("./recorder.js").SessionRecord} unfinished @param {HTMLElement} line */
async function close(unfinished, line) {
  try {
    await new SessionRecorder({ queue, sessionId: unfinished.session_id, getMicrophone, unfinished }).finish();
    line.remove();
  } catch (error) {
    line.textContent = `${unfinished.session_id}: ${/** @type {Error} */ (error).message}`;
  }
}

function newSessionId() {
  const now = new Date().toISOString().slice(0, 19).replace(/[T:]/g, "-");
  return `${now}-${crypto.randomUUID().slice(0, 8)}`;
}
